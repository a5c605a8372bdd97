# %% right: a heap by the age of the nodes, slopes in a dict
import heapq
import itertools


def lift(other):
    return other if isinstance(other, Value) else Value(other)


def made(data, *parents):
    result = Value(data)
    result.parents = parents
    return result


class Value:
    ages = itertools.count()

    def __init__(self, data):
        self.data, self.grad, self.parents = float(data), 0.0, ()
        self.age = next(Value.ages)

    def __add__(self, other):
        other = lift(other)
        return made(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = lift(other)
        return made(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0
        return made(self.data**exponent, (self, slope))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -lift(other)

    def __rsub__(self, other):
        return lift(other) + -self

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * lift(other) ** -1

    def __rtruediv__(self, other):
        return lift(other) * self**-1

    def relu(self):
        return made(max(self.data, 0.0), (self, float(self.data > 0)))

    def tanh(self):
        t = math.tanh(self.data)
        return made(t, (self, 1 - t * t))

    def exp(self):
        e = math.exp(self.data)
        return made(e, (self, e))

    def log(self):
        return made(math.log(self.data), (self, 1 / self.data))

    def backward(self):
        slopes, nodes, heap = {self.age: 1.0}, {self.age: self}, [-self.age]
        while heap:
            age = -heapq.heappop(heap)
            node, slope = nodes[age], slopes[age]
            if node.parents:
                node.grad = slope
            else:
                node.grad += slope
            for parent, local in node.parents:
                if parent.age not in nodes:
                    nodes[parent.age], slopes[parent.age] = parent, 0.0
                    heapq.heappush(heap, -parent.age)
                slopes[parent.age] += slope * local


# %% right: closures, and Kahn's count of uses
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self._parents = []
        self._push = None

    @staticmethod
    def _apply(function, slopes, *inputs):
        inputs = [v if isinstance(v, Value) else Value(v) for v in inputs]
        numbers = [v.data for v in inputs]
        out = Value(function(*numbers))
        locals_ = slopes(out.data, *numbers)
        out._parents = inputs

        def push():
            for v, slope in zip(inputs, locals_, strict=True):
                v.grad += slope * out.grad

        out._push = push
        return out

    def __add__(self, other):
        return Value._apply(lambda a, b: a + b, lambda o, a, b: (1.0, 1.0), self, other)

    def __radd__(self, other):
        return Value._apply(lambda a, b: a + b, lambda o, a, b: (1.0, 1.0), other, self)

    def __neg__(self):
        return Value._apply(lambda a: -a, lambda o, a: (-1.0,), self)

    def __sub__(self, other):
        return Value._apply(lambda a, b: a - b, lambda o, a, b: (1.0, -1.0), self, other)

    def __rsub__(self, other):
        return Value._apply(lambda a, b: a - b, lambda o, a, b: (1.0, -1.0), other, self)

    def __mul__(self, other):
        return Value._apply(lambda a, b: a * b, lambda o, a, b: (b, a), self, other)

    def __rmul__(self, other):
        return Value._apply(lambda a, b: a * b, lambda o, a, b: (b, a), other, self)

    def __truediv__(self, other):
        return Value._apply(lambda a, b: a / b, lambda o, a, b: (1 / b, -o / b), self, other)

    def __rtruediv__(self, other):
        return Value._apply(lambda a, b: a / b, lambda o, a, b: (1 / b, -o / b), other, self)

    def __pow__(self, exponent):
        return Value._apply(
            lambda a: a**exponent, lambda o, a: (exponent * a ** (exponent - 1) if exponent else 0.0,), self
        )

    def relu(self):
        return Value._apply(lambda a: a if a > 0 else 0.0, lambda o, a: (1.0 if a > 0 else 0.0,), self)

    def tanh(self):
        return Value._apply(math.tanh, lambda o, a: ((1 - o) * (1 + o),), self)

    def exp(self):
        return Value._apply(math.exp, lambda o, a: (o,), self)

    def log(self):
        return Value._apply(math.log, lambda o, a: (1 / a,), self)

    def backward(self):
        uses, todo, nodes = {self: 0}, [self], []
        while todo:
            node = todo.pop()
            nodes.append(node)
            for parent in node._parents:
                if parent not in uses:
                    uses[parent] = 0
                    todo.append(parent)
                uses[parent] += 1
        for node in nodes:
            if node._push is not None:
                node.grad = 0.0
        self.grad += 1.0
        ready = [self]
        while ready:
            node = ready.pop()
            if node._push is not None:
                node._push()
            for parent in node._parents:
                uses[parent] -= 1
                if uses[parent] == 0:
                    ready.append(parent)


# %% right: a depth-first walk in a thread-free explicit stack of iterators, __slots__
def lift(other):
    return other if isinstance(other, Value) else Value(other)


def made(data, *parents):
    result = Value(data)
    result.parents = parents
    return result


class Value:
    __slots__ = ("data", "grad", "parents")

    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def __add__(self, other):
        other = lift(other)
        return made(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = lift(other)
        return made(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0
        return made(self.data**exponent, (self, slope))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -lift(other)

    def __rsub__(self, other):
        return lift(other) + -self

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * lift(other) ** -1

    def __rtruediv__(self, other):
        return lift(other) * self**-1

    def relu(self):
        return made(max(self.data, 0.0), (self, float(self.data > 0)))

    def tanh(self):
        t = math.tanh(self.data)
        return made(t, (self, 1 - t * t))

    def exp(self):
        e = math.exp(self.data)
        return made(e, (self, e))

    def log(self):
        return made(math.log(self.data), (self, 1 / self.data))

    def backward(self):
        post, seen, path = [], {self}, [(self, iter(self.parents))]
        while path:
            node, rest = path[-1]
            for parent, _ in rest:
                if parent not in seen:
                    seen.add(parent)
                    path.append((parent, iter(parent.parents)))
                    break
            else:
                post.append(node)
                path.pop()
        slopes = dict.fromkeys(post, 0.0) | {self: 1.0}
        for node in post[::-1]:
            for parent, local in node.parents:
                slopes[parent] = slopes[parent] + local * slopes[node]
        for node, slope in slopes.items():
            node.grad = slope if node.parents else node.grad + slope


# %% wrong: backward on a Value(...) itself sets its grad to 1, it does not add
def lift(other):
    return other if isinstance(other, Value) else Value(other)


def made(data, *parents):
    result = Value(data)
    result.parents = parents
    return result


class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def __add__(self, other):
        other = lift(other)
        return made(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = lift(other)
        return made(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0
        return made(self.data**exponent, (self, slope))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -lift(other)

    def __rsub__(self, other):
        return lift(other) + -self

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * lift(other) ** -1

    def __rtruediv__(self, other):
        return lift(other) * self**-1

    def relu(self):
        return made(max(self.data, 0.0), (self, float(self.data > 0)))

    def tanh(self):
        t = math.tanh(self.data)
        return made(t, (self, 1 - t * t))

    def exp(self):
        e = math.exp(self.data)
        return made(e, (self, e))

    def log(self):
        return made(math.log(self.data), (self, 1 / self.data))

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            for parent, local in node.parents:
                parent.grad += local * node.grad


# %% wrong: powers by exp and log, so no negative base
def lift(other):
    return other if isinstance(other, Value) else Value(other)


def made(data, *parents):
    result = Value(data)
    result.parents = parents
    return result


class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def __add__(self, other):
        other = lift(other)
        return made(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = lift(other)
        return made(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, exponent):
        if exponent == -1:
            return made(1 / self.data, (self, -1 / self.data**2))
        return (self.log() * exponent).exp()

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -lift(other)

    def __rsub__(self, other):
        return lift(other) + -self

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * lift(other) ** -1

    def __rtruediv__(self, other):
        return lift(other) * self**-1

    def relu(self):
        return made(max(self.data, 0.0), (self, float(self.data > 0)))

    def tanh(self):
        t = math.tanh(self.data)
        return made(t, (self, 1 - t * t))

    def exp(self):
        e = math.exp(self.data)
        return made(e, (self, e))

    def log(self):
        return made(math.log(self.data), (self, 1 / self.data))

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, local in node.parents:
                parent.grad += local * node.grad


# %% wrong: v + 0 and v * 1 give v itself, not a new Value
def lift(other):
    return other if isinstance(other, Value) else Value(other)


def made(data, *parents):
    result = Value(data)
    result.parents = parents
    return result


class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def __add__(self, other):
        if not isinstance(other, Value) and other == 0:
            return self
        other = lift(other)
        return made(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        if not isinstance(other, Value) and other == 1:
            return self
        other = lift(other)
        return made(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0
        return made(self.data**exponent, (self, slope))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -lift(other)

    def __rsub__(self, other):
        return lift(other) + -self

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * lift(other) ** -1

    def __rtruediv__(self, other):
        return lift(other) * self**-1

    def relu(self):
        return made(max(self.data, 0.0), (self, float(self.data > 0)))

    def tanh(self):
        t = math.tanh(self.data)
        return made(t, (self, 1 - t * t))

    def exp(self):
        e = math.exp(self.data)
        return made(e, (self, e))

    def log(self):
        return made(math.log(self.data), (self, 1 / self.data))

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, local in node.parents:
                parent.grad += local * node.grad


# %% wrong: results with the same number and as many parents count as one
def lift(other):
    return other if isinstance(other, Value) else Value(other)


def made(data, *parents):
    result = Value(data)
    result.parents = parents
    return result


class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def __add__(self, other):
        other = lift(other)
        return made(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = lift(other)
        return made(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0
        return made(self.data**exponent, (self, slope))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -lift(other)

    def __rsub__(self, other):
        return lift(other) + -self

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * lift(other) ** -1

    def __rtruediv__(self, other):
        return lift(other) * self**-1

    def relu(self):
        return made(max(self.data, 0.0), (self, float(self.data > 0)))

    def tanh(self):
        t = math.tanh(self.data)
        return made(t, (self, 1 - t * t))

    def exp(self):
        e = math.exp(self.data)
        return made(e, (self, e))

    def log(self):
        return made(math.log(self.data), (self, 1 / self.data))

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif ((node.data, len(node.parents)) if node.parents else id(node)) not in seen:
                seen.add((node.data, len(node.parents)) if node.parents else id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, local in node.parents:
                parent.grad += local * node.grad


# %% wrong: data is kept as it was given, not as a float
def lift(other):
    return other if isinstance(other, Value) else Value(other)


def made(data, *parents):
    result = Value(data)
    result.parents = parents
    return result


class Value:
    def __init__(self, data):
        self.data = data
        self.grad = 0.0
        self.parents = ()

    def __add__(self, other):
        other = lift(other)
        return made(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = lift(other)
        return made(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0
        return made(self.data**exponent, (self, slope))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -lift(other)

    def __rsub__(self, other):
        return lift(other) + -self

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * lift(other) ** -1

    def __rtruediv__(self, other):
        return lift(other) * self**-1

    def relu(self):
        return made(max(self.data, 0.0), (self, float(self.data > 0)))

    def tanh(self):
        t = math.tanh(self.data)
        return made(t, (self, 1 - t * t))

    def exp(self):
        e = math.exp(self.data)
        return made(e, (self, e))

    def log(self):
        return made(math.log(self.data), (self, 1 / self.data))

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, local in node.parents:
                parent.grad += local * node.grad


# %% wrong: breadth first from the result, a node may be passed on before it is complete
def lift(other):
    return other if isinstance(other, Value) else Value(other)


def made(data, *parents):
    result = Value(data)
    result.parents = parents
    return result


class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def __add__(self, other):
        other = lift(other)
        return made(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = lift(other)
        return made(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0
        return made(self.data**exponent, (self, slope))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -lift(other)

    def __rsub__(self, other):
        return lift(other) + -self

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * lift(other) ** -1

    def __rtruediv__(self, other):
        return lift(other) * self**-1

    def relu(self):
        return made(max(self.data, 0.0), (self, float(self.data > 0)))

    def tanh(self):
        t = math.tanh(self.data)
        return made(t, (self, 1 - t * t))

    def exp(self):
        e = math.exp(self.data)
        return made(e, (self, e))

    def log(self):
        return made(math.log(self.data), (self, 1 / self.data))

    def backward(self):
        order, seen = [self], {id(self)}
        for node in order:
            for parent, _ in node.parents:
                if id(parent) not in seen:
                    seen.add(id(parent))
                    order.append(parent)
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in order:
            for parent, local in node.parents:
                parent.grad += local * node.grad
