# %% right: the standard library finds the order
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    @staticmethod
    def _combine(left, right, op):
        left, right = (side if isinstance(side, Node) else Node(float(side)) for side in (left, right))
        value = left.value + right.value if op == "+" else left.value * right.value
        return Node(value, (left, right), op)

    def __add__(self, other):
        return Node._combine(self, other, "+")

    def __radd__(self, other):
        return Node._combine(other, self, "+")

    def __mul__(self, other):
        return Node._combine(self, other, "*")

    def __rmul__(self, other):
        return Node._combine(other, self, "*")

    def relu(self):
        return Node(self.value if self.value > 0 else 0.0, (self,), "relu")


def topo_sort(root):
    graph, found = {root: root.parents}, [root]
    for node in found:
        for parent in node.parents:
            if parent not in graph:
                graph[parent] = parent.parents
                found.append(parent)
    return list(graphlib.TopologicalSorter(graph).static_order())


def count_parameters(sizes):
    total = 0
    for i in range(len(sizes) - 1):
        total += sizes[i] * sizes[i + 1] + sizes[i + 1]
    return total

# %% right: each node has a serial number, and the order is that of birth
import itertools


class Node:
    born = itertools.count()

    def __init__(self, value, parents=(), op=""):
        self.number = next(Node.born)
        self.value, self.parents, self.op = value, parents, op

    def __add__(self, other):
        if not isinstance(other, Node):
            other = Node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return Node(other) + self

    def __mul__(self, other):
        if not isinstance(other, Node):
            other = Node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return Node(other) * self

    def relu(self):
        return Node(np.maximum(self.value, 0), (self,), "relu")


def topo_sort(root):
    seen, todo = {root}, [root]
    while todo:
        fresh = set(todo.pop().parents) - seen
        seen |= fresh
        todo += fresh
    return sorted(seen, key=lambda node: node.number)


def count_parameters(sizes):
    return sum(m for m in sizes[1:]) + sum(d * m for d, m in zip(sizes[:-1], sizes[1:]))

# %% right: a dataclass compared by identity; children are counted down from the root
from dataclasses import dataclass


@dataclass(eq=False)
class Node:
    value: float
    parents: tuple = ()
    op: str = ""

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return as_node(other).__add__(self)

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return as_node(other).__mul__(self)

    def relu(self):
        return Node((self.value + abs(self.value)) / 2, (self,), "relu")


def as_node(thing):
    return thing if type(thing) is Node else Node(thing)


def topo_sort(root):
    children, found = {id(root): 0}, [root]
    for node in found:
        for parent in node.parents:
            if id(parent) not in children:
                children[id(parent)] = 0
                found.append(parent)
            children[id(parent)] += 1
    ready, backward = [root], []
    while ready:
        node = ready.pop()
        backward.append(node)
        for parent in node.parents:
            children[id(parent)] -= 1
            if children[id(parent)] == 0:
                ready.append(parent)
    return backward[::-1]


def count_parameters(sizes):
    return count_parameters(sizes[1:]) + (sizes[0] + 1) * sizes[1] if len(sizes) > 1 else 0

# %% right: a stack of iterators, with slots
class Node:
    __slots__ = ("value", "parents", "op")

    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = parents
        self.op = op

    def __add__(self, other):
        right = other if isinstance(other, Node) else Node(other, (), "")
        return Node(value=self.value + right.value, parents=(self, right), op="+")

    def __radd__(self, other):
        left = Node(other, (), "")
        return Node(value=left.value + self.value, parents=(left, self), op="+")

    def __mul__(self, other):
        right = other if isinstance(other, Node) else Node(other, (), "")
        return Node(value=self.value * right.value, parents=(self, right), op="*")

    def __rmul__(self, other):
        left = Node(other, (), "")
        return Node(value=left.value * self.value, parents=(left, self), op="*")

    def relu(self):
        return Node(value=0.0 if self.value < 0 else self.value, parents=(self,), op="relu")


def topo_sort(root):
    entered, order, path = {root}, [], [(root, iter(root.parents))]
    while path:
        node, rest = path[-1]
        for parent in rest:
            if parent not in entered:
                entered.add(parent)
                path.append((parent, iter(parent.parents)))
                break
        else:
            order.append(node)
            path.pop()
    return order


def count_parameters(sizes):
    return int(np.dot(np.add(sizes[:-1], 1), sizes[1:]))

# %% wrong: the parents of n * n are kept once
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value, self.parents, self.op = value, tuple(dict.fromkeys(parents)), op

    def _node(self, other):
        return other if isinstance(other, Node) else Node(other)

    def __add__(self, other):
        other = self._node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return self._node(other) + self

    def __mul__(self, other):
        other = self._node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return self._node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def topo_sort(root):
    order, done, stack = [], set(), [root]
    while stack:
        missing = next((p for p in stack[-1].parents if p not in done), None)
        if missing is None:
            node = stack.pop()
            done.add(node)
            order.append(node)
        else:
            stack.append(missing)
    return order


def count_parameters(sizes):
    return sum((d + 1) * m for d, m in zip(sizes, sizes[1:]))

# %% wrong: only whole numbers become nodes
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value, self.parents, self.op = value, parents, op

    def _node(self, other):
        return Node(other) if isinstance(other, int) else other

    def __add__(self, other):
        other = self._node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return self._node(other) + self

    def __mul__(self, other):
        other = self._node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return self._node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def topo_sort(root):
    order, done, stack = [], set(), [root]
    while stack:
        missing = next((p for p in stack[-1].parents if p not in done), None)
        if missing is None:
            node = stack.pop()
            done.add(node)
            order.append(node)
        else:
            stack.append(missing)
    return order


def count_parameters(sizes):
    return sum((d + 1) * m for d, m in zip(sizes, sizes[1:]))

# %% wrong: n + 0 and n * 1 are n itself
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value, self.parents, self.op = value, parents, op

    def _node(self, other):
        return other if isinstance(other, Node) else Node(other)

    def __add__(self, other):
        if not isinstance(other, Node) and other == 0:
            return self
        other = self._node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return self._node(other) + self

    def __mul__(self, other):
        if not isinstance(other, Node) and other == 1:
            return self
        other = self._node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return self._node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def topo_sort(root):
    order, done, stack = [], set(), [root]
    while stack:
        missing = next((p for p in stack[-1].parents if p not in done), None)
        if missing is None:
            node = stack.pop()
            done.add(node)
            order.append(node)
        else:
            stack.append(missing)
    return order


def count_parameters(sizes):
    return sum((d + 1) * m for d, m in zip(sizes, sizes[1:]))

# %% wrong: relu of a positive node is the node itself
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value, self.parents, self.op = value, parents, op

    def _node(self, other):
        return other if isinstance(other, Node) else Node(other)

    def __add__(self, other):
        other = self._node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return self._node(other) + self

    def __mul__(self, other):
        other = self._node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return self._node(other) * self

    def relu(self):
        return self if self.value > 0 else Node(0.0, (self,), "relu")


def topo_sort(root):
    order, done, stack = [], set(), [root]
    while stack:
        missing = next((p for p in stack[-1].parents if p not in done), None)
        if missing is None:
            node = stack.pop()
            done.add(node)
            order.append(node)
        else:
            stack.append(missing)
    return order


def count_parameters(sizes):
    return sum((d + 1) * m for d, m in zip(sizes, sizes[1:]))

# %% wrong: two nodes with the same op and the same parents are listed once
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value, self.parents, self.op = value, parents, op

    def _node(self, other):
        return other if isinstance(other, Node) else Node(other)

    def __add__(self, other):
        other = self._node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return self._node(other) + self

    def __mul__(self, other):
        other = self._node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return self._node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def topo_sort(root):
    def key(node):
        return (node.op, node.parents) if node.parents else node

    order, done, stack = [], set(), [root]
    while stack:
        missing = next((p for p in stack[-1].parents if key(p) not in done), None)
        if missing is None:
            node = stack.pop()
            done.add(key(node))
            order.append(node)
        else:
            stack.append(missing)
    return order


def count_parameters(sizes):
    return sum((d + 1) * m for d, m in zip(sizes, sizes[1:]))

# %% wrong: wide networks overflow 32 bits
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value, self.parents, self.op = value, parents, op

    def _node(self, other):
        return other if isinstance(other, Node) else Node(other)

    def __add__(self, other):
        other = self._node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return self._node(other) + self

    def __mul__(self, other):
        other = self._node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return self._node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def topo_sort(root):
    order, done, stack = [], set(), [root]
    while stack:
        missing = next((p for p in stack[-1].parents if p not in done), None)
        if missing is None:
            node = stack.pop()
            done.add(node)
            order.append(node)
        else:
            stack.append(missing)
    return order


def count_parameters(sizes):
    widths = np.array(sizes, dtype=np.int32)
    return int((widths[:-1] * widths[1:] + widths[1:]).sum(dtype=np.int32))
