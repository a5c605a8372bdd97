# %% right: blind - closures, and counting the uses that are still open
class Value:
    def __init__(self, data):
        self.data, self.grad = float(data), 0.0
        self._push = None
        self._from = []

    def _result(self, data, push, *others):
        out = Value(data)
        out._push = push
        out._from = [self, *others]
        return out

    def __add__(self, other):
        if not isinstance(other, Value):
            return self._result(self.data + other, lambda g: [g])
        return self._result(self.data + other.data, lambda g: [g, g], other)

    __radd__ = __add__

    def __neg__(self):
        return self._result(-self.data, lambda g: [-g])

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return (-self) + other

    def __mul__(self, other):
        left = self.data
        if not isinstance(other, Value):
            return self._result(left * other, lambda g: [g * other])
        right = other.data
        return self._result(left * right, lambda g: [g * right, g * left], other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        if isinstance(other, Value):
            return self * other**-1
        return self._result(self.data / other, lambda g: [g / other])

    def __rtruediv__(self, other):
        return self**-1 * other

    def __pow__(self, exponent):
        base = self.data

        def push(g):
            if exponent == 0:
                return [0.0]
            return [g * exponent * base ** (exponent - 1)]

        return self._result(base**exponent, push)

    def relu(self):
        on = self.data > 0
        return self._result(self.data if on else 0.0, lambda g: [g if on else 0.0])

    def tanh(self):
        y = math.tanh(self.data)
        return self._result(y, lambda g: [g * (1.0 - y**2)])

    def exp(self):
        y = math.exp(self.data)
        return self._result(y, lambda g: [g * y])

    def log(self):
        x = self.data
        return self._result(math.log(x), lambda g: [g / x])

    def backward(self):
        uses = {self: 0}
        queue = [self]
        for node in queue:
            for source in node._from:
                if source not in uses:
                    uses[source] = 0
                    queue.append(source)
                uses[source] += 1
        for node in queue:
            if node._push is not None:
                node.grad = 0.0
        self.grad += 1.0
        ready = [self]
        while ready:
            node = ready.pop()
            if node._push is None:
                continue
            for source, part in zip(node._from, node._push(node.grad)):
                source.grad += part
                uses[source] -= 1
                if uses[source] == 0:
                    ready.append(source)


# %% right: blind - one tape for all operations, read backward
class Value:
    tape = []

    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.line = None

    @classmethod
    def record(cls, data, *entries):
        out = cls(data)
        out.line = len(cls.tape)
        cls.tape.append((out, entries))
        return out

    def __add__(self, other):
        if isinstance(other, Value):
            return Value.record(self.data + other.data, (self, 1.0), (other, 1.0))
        return Value.record(self.data + other, (self, 1.0))

    def __radd__(self, other):
        return Value.record(other + self.data, (self, 1.0))

    def __neg__(self):
        return Value.record(-self.data, (self, -1.0))

    def __sub__(self, other):
        if isinstance(other, Value):
            return Value.record(self.data - other.data, (self, 1.0), (other, -1.0))
        return Value.record(self.data - other, (self, 1.0))

    def __rsub__(self, other):
        return Value.record(other - self.data, (self, -1.0))

    def __mul__(self, other):
        if isinstance(other, Value):
            return Value.record(self.data * other.data, (self, other.data), (other, self.data))
        return Value.record(self.data * other, (self, other))

    def __rmul__(self, other):
        return Value.record(other * self.data, (self, other))

    def __truediv__(self, other):
        if isinstance(other, Value):
            b = other.data
            return Value.record(self.data / b, (self, 1.0 / b), (other, -self.data / b**2))
        return Value.record(self.data / other, (self, 1.0 / other))

    def __rtruediv__(self, other):
        return Value.record(other / self.data, (self, -other / self.data**2))

    def __pow__(self, exponent):
        if exponent == 0:
            return Value.record(1.0, (self, 0.0))
        return Value.record(self.data**exponent, (self, exponent * self.data ** (exponent - 1)))

    def relu(self):
        if self.data > 0:
            return Value.record(self.data, (self, 1.0))
        return Value.record(0.0, (self, 0.0))

    def tanh(self):
        return Value.record(math.tanh(self.data), (self, 1.0 - math.tanh(self.data) ** 2))

    def exp(self):
        return Value.record(math.exp(self.data), (self, math.exp(self.data)))

    def log(self):
        return Value.record(math.log(self.data), (self, 1.0 / self.data))

    def backward(self):
        if self.line is None:
            self.grad += 1.0
            return
        part = Value.tape[: self.line + 1]
        flowing = {self.line: 1.0}
        for out, entries in part[::-1]:
            slope = flowing.pop(out.line, None)
            if slope is None:
                continue
            out.grad = slope
            for source, local in entries:
                if source.line is None:
                    source.grad += slope * local
                else:
                    flowing[source.line] = flowing.get(source.line, 0.0) + slope * local


# %% right: blind - names of operations, a table of rules, graphlib for the order
import graphlib

FORWARD = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "pow": lambda a, k: a**k,
    "relu": lambda a: a if a > 0 else 0.0,
    "tanh": math.tanh,
    "exp": math.exp,
    "log": math.log,
}
SLOPES = {
    "add": lambda out, a, b: (1.0, 1.0),
    "mul": lambda out, a, b: (b, a),
    "pow": lambda out, a, k: (k * a ** (k - 1) if k else 0.0, 0.0),
    "relu": lambda out, a: (1.0 if a > 0 else 0.0,),
    "tanh": lambda out, a: ((1 - out) * (1 + out),),
    "exp": lambda out, a: (out,),
    "log": lambda out, a: (1 / a,),
}


class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.op, self.args = "", ()

    def _apply(self, op, *more):
        args = (self,) + tuple(m if isinstance(m, Value) else Value(m) for m in more)
        out = Value(FORWARD[op](*[arg.data for arg in args]))
        out.op, out.args = op, args
        return out

    def __add__(self, other):
        return self._apply("add", other)

    def __radd__(self, other):
        return self._apply("add", other)

    def __neg__(self):
        return self._apply("mul", -1)

    def __sub__(self, other):
        return self._apply("add", -other)

    def __rsub__(self, other):
        return self._apply("mul", -1)._apply("add", other)

    def __mul__(self, other):
        return self._apply("mul", other)

    def __rmul__(self, other):
        return self._apply("mul", other)

    def __truediv__(self, other):
        return self._apply("mul", (other if isinstance(other, Value) else Value(other))._apply("pow", -1))

    def __rtruediv__(self, other):
        return self._apply("pow", -1)._apply("mul", other)

    def __pow__(self, exponent):
        return self._apply("pow", exponent)

    def relu(self):
        return self._apply("relu")

    def tanh(self):
        return self._apply("tanh")

    def exp(self):
        return self._apply("exp")

    def log(self):
        return self._apply("log")

    def backward(self):
        graph, todo = {}, {self}
        while todo:
            node = todo.pop()
            graph[node] = set(node.args)
            todo |= graph[node] - graph.keys()
        slopes = dict.fromkeys(graph, 0.0)
        slopes[self] = 1.0
        for node in reversed(tuple(graphlib.TopologicalSorter(graph).static_order())):
            if node.op:
                node.grad = slopes[node]
                locals_ = SLOPES[node.op](node.data, *(arg.data for arg in node.args))
                for arg, local in zip(node.args, locals_, strict=True):
                    slopes[arg] += slopes[node] * local
            else:
                node.grad += slopes[node]


# %% right: blind - forward mode, every result carries its slopes along
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.slopes = {self: 1.0}

    def _unary(self, data, factor):
        new = object.__new__(Value)
        new.data, new.grad = float(data), 0.0
        new.slopes = {leaf: factor * s for leaf, s in self.slopes.items()}
        return new

    def _join(self, other, data, mine, its):
        new = self._unary(data, mine)
        for leaf, s in other.slopes.items():
            new.slopes[leaf] = new.slopes.get(leaf, 0.0) + its * s
        return new

    def __add__(self, other):
        match other:
            case Value():
                return self._join(other, self.data + other.data, 1.0, 1.0)
            case _:
                return self._unary(self.data + other, 1.0)

    def __radd__(self, other):
        return self.__add__(other)

    def __neg__(self):
        return self._unary(-self.data, -1.0)

    def __sub__(self, other):
        return self.__add__(other.__neg__())

    def __rsub__(self, other):
        return self.__neg__().__add__(other)

    def __mul__(self, other):
        match other:
            case Value(data=factor):
                return self._join(other, self.data * factor, factor, self.data)
            case _:
                return self._unary(self.data * other, other)

    def __rmul__(self, other):
        return self.__mul__(other)

    def __truediv__(self, other):
        match other:
            case Value(data=d):
                return self._join(other, self.data / d, 1 / d, -self.data / d / d)
            case _:
                return self._unary(self.data / other, 1 / other)

    def __rtruediv__(self, other):
        return self._unary(other / self.data, -other / self.data / self.data)

    def __pow__(self, exponent):
        return self._unary(self.data**exponent, exponent and exponent * self.data ** (exponent - 1))

    def relu(self):
        return self._unary(*((self.data, 1.0) if self.data > 0 else (0.0, 0.0)))

    def tanh(self):
        return self._unary(math.tanh(self.data), 1 / math.cosh(min(abs(self.data), 350.0)) ** 2)

    def exp(self):
        return self._unary(*[math.exp(self.data)] * 2)

    def log(self):
        return self._unary(math.log(self.data), self.data**-1)

    def backward(self):
        for leaf in self.slopes:
            leaf.grad = leaf.grad + self.slopes[leaf]


# %% wrong: slopes are assigned with =, not added with +=
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad = slope * node.grad


# %% wrong: results in between keep their slopes from the walk before
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += slope * node.grad


# %% wrong: every walk sets all slopes to 0 first, also those of Value(...)
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        for node in order:
            node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += slope * node.grad


# %% wrong: the slope of the divisor has a plus sign
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += slope * node.grad


# %% wrong: the slope of ** lowers the exponent, but does not multiply by it
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += slope * node.grad


# %% wrong: a node counts as visited if another one has the same data
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif node.data not in seen:
                seen.add(node.data)
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += slope * node.grad


# %% wrong: the closures of the parents capture the loop variables, so all work on the last parent
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            steps = []
            for parent, slope in node.parents:

                def step():
                    parent.grad += slope * node.grad

                steps.append(step)
            for step in steps:
                step()


# %% wrong: tanh has the slope 1 - x^2 of its input, not of its result
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - self.data**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += slope * node.grad


# %% wrong: the topological order is recursive, so a long chain breaks it
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen = [], set()

        def visit(node):
            if id(node) not in seen:
                seen.add(id(node))
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        return order

    def backward(self):
        order = self._order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += slope * node.grad


# %% wrong: the slopes in between are cleared after the walk, except that of the end, which stays 1
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        self.grad = 1.0 if self.parents else self.grad + 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += slope * node.grad
            if node.parents and node is not self:
                node.grad = 0.0


# %% wrong: backward assigns 1 to its own slope, also where it is a Value(...) that must add up
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += slope * node.grad


# %% wrong: nodes are handed on when they are reached, without a topological order
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        stack = [self]
        while stack:
            node = stack.pop(0)
            for parent, slope in node.parents:
                parent.grad += slope * node.grad
                stack.append(parent)


# %% wrong: the divisor's slope is -1 / b^2, without the numerator
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -1 / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        return order

    def backward(self):
        order = self._order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += slope * node.grad


# %% wrong: nodes are visited in the order of their discovery, parents perhaps before their results
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0
        self.parents = ()

    def _made(self, data, parents):
        result = Value(data)
        result.parents = parents
        return result

    def _wrapped(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrapped(other)
        return self._made(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return self._made(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        return self + (-self._wrapped(other))

    def __rsub__(self, other):
        return self._wrapped(other) - self

    def __mul__(self, other):
        other = self._wrapped(other)
        return self._made(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        other = self._wrapped(other)
        a, b = self.data, other.data
        return self._made(a / b, ((self, 1 / b), (other, -a / b**2)))

    def __rtruediv__(self, other):
        return self._wrapped(other) / self

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1) if exponent != 0 else 0.0
        return self._made(self.data**exponent, ((self, slope),))

    def relu(self):
        return self._made(max(self.data, 0.0), ((self, 1.0 if self.data > 0 else 0.0),))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, ((self, 1 - t**2),))

    def exp(self):
        e = math.exp(self.data)
        return self._made(e, ((self, e),))

    def log(self):
        return self._made(math.log(self.data), ((self, 1 / self.data),))

    def _order(self):
        order, seen, stack = [], set(), [self]
        while stack:
            node = stack.pop()
            if id(node) not in seen:
                seen.add(id(node))
                order.append(node)
                stack.extend(parent for parent, _ in node.parents)
        return order[::-1]

    def backward(self):
        order = self._order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += slope * node.grad
