# %% right: blind - Kahn's algorithm from the root backward, counting uses
import operator
from collections import Counter, deque


class Node:
    rules = {"+": operator.add, "*": operator.mul, "relu": lambda v: v if v > 0 else 0.0}

    def __init__(self, value, parents=(), op=""):
        self.value, self.parents, self.op = value, parents, op

    @classmethod
    def made(cls, op, *parts):
        nodes = tuple(part if isinstance(part, cls) else cls(part) for part in parts)
        return cls(cls.rules[op](*(node.value for node in nodes)), nodes, op)

    def __add__(self, other):
        return Node.made("+", self, other)

    def __radd__(self, other):
        return Node.made("+", other, self)

    def __mul__(self, other):
        return Node.made("*", self, other)

    def __rmul__(self, other):
        return Node.made("*", other, self)

    def relu(self):
        return Node.made("relu", self)


def topo_sort(root):
    uses, queue = Counter(), deque([root])
    while queue:
        for parent in queue.popleft().parents:
            if id(parent) not in uses:
                queue.append(parent)
            uses[id(parent)] += 1
    order = deque()
    ready = [root]
    while ready:
        node = ready.pop()
        order.appendleft(node)
        for parent in node.parents:
            uses[id(parent)] -= 1
            if uses[id(parent)] == 0:
                ready.append(parent)
    return list(order)


def count_parameters(sizes):
    total, previous = 0, None
    for width in sizes:
        if previous is not None:
            total += previous * width
            total += width
        previous = width
    return total


# %% right: blind - every node gets a serial number when it is born; sorted by it
import itertools


class Node:
    births = itertools.count()
    __array_ufunc__ = None

    def __init__(self, value, parents=(), op=""):
        self.born = next(Node.births)
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __lt__(self, other):
        return self.born < other.born

    def __add__(self, other):
        if not isinstance(other, Node):
            return self + Node(other)
        return Node(self.value + other.value, [self, other], op="+")

    def __radd__(self, other):
        return Node(other).__add__(self)

    def __mul__(self, other):
        if not isinstance(other, Node):
            return self * Node(other)
        return Node(self.value * other.value, [self, other], op="*")

    def __rmul__(self, other):
        return Node(other).__mul__(self)

    def relu(self):
        return Node(float(np.maximum(self.value, 0)), [self], op="relu")


def topo_sort(root):
    level, everything = {root}, {root}
    while level:
        level = {parent for node in level for parent in node.parents} - everything
        everything.update(level)
    return sorted(everything)


def count_parameters(sizes):
    widths = np.array(sizes, dtype=np.int64)
    return int(widths[:-1] @ widths[1:] + widths[1:].sum())


# %% right: blind - recursive generators on a trampoline
from functools import partialmethod, reduce


def as_node(thing):
    try:
        thing.parents
    except AttributeError:
        return Node(thing)
    return thing


class Node:
    def __init__(self, value, parents=(), op=""):
        vars(self).update(value=value, parents=parents, op=op)

    def __repr__(self):
        return f"Node({self.value}, op={self.op!r})"

    def _binary(self, other, op, swapped):
        pair = (as_node(other), self) if swapped else (self, as_node(other))
        left, right = pair[0].value, pair[1].value
        return Node(left + right if op == "+" else left * right, pair, op)

    __add__ = partialmethod(_binary, op="+", swapped=False)
    __radd__ = partialmethod(_binary, op="+", swapped=True)
    __mul__ = partialmethod(_binary, op="*", swapped=False)
    __rmul__ = partialmethod(_binary, op="*", swapped=True)

    def relu(self):
        positive = self.value > 0
        return Node(self.value if positive else 0.0, (self,), "relu")


def topo_sort(root):
    order, seen = [], set()

    def visit(node):
        seen.add(node)
        for parent in node.parents:
            if parent not in seen:
                yield visit(parent)
        order.append(node)

    calls = [visit(root)]
    while calls:
        try:
            calls.append(next(calls[-1]))
        except StopIteration:
            calls.pop()
    return order


def count_parameters(sizes):
    def add_layer(state, width):
        total, before = state
        return total + before * width + width, width

    return reduce(add_layer, sizes[1:], (0, sizes[0]))[0]


# %% right: blind - subclasses for each kind of node; longest distance from the given numbers as sort key
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = parents
        self.op = op

    def __add__(self, other):
        return Sum(self, other)

    def __radd__(self, other):
        return Sum(other, self)

    def __mul__(self, other):
        return Product(self, other)

    def __rmul__(self, other):
        return Product(other, self)

    def relu(self):
        return Ramp(self)


class Operation(Node):
    def __init__(self, *operands):
        parents = []
        for operand in operands:
            parents.append(operand if isinstance(operand, Node) else Node(operand))
        super().__init__(self.compute(*[parent.value for parent in parents]), tuple(parents), self.symbol)


class Sum(Operation):
    symbol = "+"

    def compute(self, left, right):
        return left + right


class Product(Operation):
    symbol = "*"

    def compute(self, left, right):
        return left * right


class Ramp(Operation):
    symbol = "relu"

    def compute(self, value):
        return (abs(value) + value) / 2


def topo_sort(root):
    height, nodes = {}, {}
    stack = [root]
    while stack:
        node = stack[-1]
        nodes[id(node)] = node
        missing = [parent for parent in node.parents if id(parent) not in height]
        if missing:
            stack += missing
        else:
            height[id(node)] = 1 + max((height[id(parent)] for parent in node.parents), default=0)
            del stack[-1]
    return [nodes[key] for key in sorted(height, key=height.get)]


def count_parameters(sizes):
    if len(sizes) < 2:
        return 0
    middle = len(sizes) // 2
    if len(sizes) > 2:
        return count_parameters(sizes[: middle + 1]) + count_parameters(sizes[middle:])
    return sizes[0] * sizes[1] + sizes[1]


# %% wrong: the nodes are taken level by level from root, and the list is reversed
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return as_node(other) + self

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return as_node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def as_node(other):
    return other if isinstance(other, Node) else Node(other)


def topo_sort(root):
    order, seen, queue = [], {id(root)}, [root]
    while queue:
        node = queue.pop(0)
        order.append(node)
        for parent in node.parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                queue.append(parent)
    return order[::-1]


def count_parameters(sizes):
    return sum((inputs + 1) * outputs for inputs, outputs in zip(sizes[:-1], sizes[1:]))


# %% wrong: nodes with equal values count as one node
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return as_node(other) + self

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return as_node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def as_node(other):
    return other if isinstance(other, Node) else Node(other)


def topo_sort(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node.value not in seen:
            seen.add(node.value)
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


def count_parameters(sizes):
    return sum((inputs + 1) * outputs for inputs, outputs in zip(sizes[:-1], sizes[1:]))


# %% wrong: 2 * n is n * 2, so the parents are in the wrong order
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return self + other

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return self * other

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def as_node(other):
    return other if isinstance(other, Node) else Node(other)


def topo_sort(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


def count_parameters(sizes):
    return sum((inputs + 1) * outputs for inputs, outputs in zip(sizes[:-1], sizes[1:]))


# %% wrong: only n + 1 and n * 2 are known, not 1 + n and 2 * n
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "*")

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def as_node(other):
    return other if isinstance(other, Node) else Node(other)


def topo_sort(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


def count_parameters(sizes):
    return sum((inputs + 1) * outputs for inputs, outputs in zip(sizes[:-1], sizes[1:]))


# %% wrong: the order is breadth-first from root, children before parents
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return as_node(other) + self

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return as_node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def as_node(other):
    return other if isinstance(other, Node) else Node(other)


def topo_sort(root):
    order, seen, queue = [], {id(root)}, [root]
    while queue:
        node = queue.pop(0)
        order.append(node)
        for parent in node.parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                queue.append(parent)
    return order


def count_parameters(sizes):
    return sum((inputs + 1) * outputs for inputs, outputs in zip(sizes[:-1], sizes[1:]))


# %% wrong: a node that is used twice appears twice
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return as_node(other) + self

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return as_node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def as_node(other):
    return other if isinstance(other, Node) else Node(other)


def topo_sort(root):
    order, stack = [], [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        else:
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


def count_parameters(sizes):
    return sum((inputs + 1) * outputs for inputs, outputs in zip(sizes[:-1], sizes[1:]))


# %% wrong: relu changes the node's own value and returns the node itself
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return as_node(other) + self

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return as_node(other) * self

    def relu(self):
        self.value = max(self.value, 0.0)
        self.op = "relu"
        return self


def as_node(other):
    return other if isinstance(other, Node) else Node(other)


def topo_sort(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


def count_parameters(sizes):
    return sum((inputs + 1) * outputs for inputs, outputs in zip(sizes[:-1], sizes[1:]))


# %% wrong: __rmul__ was copied from __radd__ and adds
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return as_node(other) + self

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return as_node(other) + self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def as_node(other):
    return other if isinstance(other, Node) else Node(other)


def topo_sort(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


def count_parameters(sizes):
    return sum((inputs + 1) * outputs for inputs, outputs in zip(sizes[:-1], sizes[1:]))


# %% wrong: __mul__ was copied from __add__ and keeps its op
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return as_node(other) + self

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "+")

    def __rmul__(self, other):
        return as_node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def as_node(other):
    return other if isinstance(other, Node) else Node(other)


def topo_sort(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


def count_parameters(sizes):
    return sum((inputs + 1) * outputs for inputs, outputs in zip(sizes[:-1], sizes[1:]))


# %% wrong: nodes without parents are left out of the order
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return as_node(other) + self

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return as_node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def as_node(other):
    return other if isinstance(other, Node) else Node(other)


def topo_sort(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents if parent.parents)
    return order


def count_parameters(sizes):
    return sum((inputs + 1) * outputs for inputs, outputs in zip(sizes[:-1], sizes[1:]))


# %% wrong: each layer has a bias per input, not per output
class Node:
    def __init__(self, value, parents=(), op=""):
        self.value = value
        self.parents = tuple(parents)
        self.op = op

    def __add__(self, other):
        other = as_node(other)
        return Node(self.value + other.value, (self, other), "+")

    def __radd__(self, other):
        return as_node(other) + self

    def __mul__(self, other):
        other = as_node(other)
        return Node(self.value * other.value, (self, other), "*")

    def __rmul__(self, other):
        return as_node(other) * self

    def relu(self):
        return Node(max(self.value, 0.0), (self,), "relu")


def as_node(other):
    return other if isinstance(other, Node) else Node(other)


def topo_sort(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


def count_parameters(sizes):
    return sum(inputs * (outputs + 1) for inputs, outputs in zip(sizes[:-1], sizes[1:]))
