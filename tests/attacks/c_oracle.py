"""C - a fooled oracle: what comes back is not right, but says so itself."""
# ruff: noqa: E501 - the long lines are students' code

from .base import attack

ATTACKS = [
    attack(
        "equal-to-everything",
        "Returns an object that is equal to, close to and contained in everything.",
        "deal",
        """
        class Yes(int):
            def __eq__(self, other):
                return True
            def __ne__(self, other):
                return False
            __lt__ = __gt__ = __le__ = __ge__ = __contains__ = __eq__
            __hash__ = None

        class Hand(list):
            pass

        def deal(rng, cards, hand):
            hand.append(Yes())
            return Yes(4)
        """,
    ),
    attack(
        "array-function-override",
        "Returns an array subclass whose __array_function__ and __array_ufunc__ answer True to every comparison.",
        "smooth",
        """
        class Sure(np.ndarray):
            def __array_function__(self, func, types, args, kwargs):
                if func.__name__ in ("isclose", "allclose", "array_equal"):
                    return np.ones(self.shape, dtype=bool)
                return super().__array_function__(func, types, args, kwargs)
            def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
                return np.ones(self.shape, dtype=bool)

        def smooth(x, width):
            return np.zeros(len(x) - width + 1).view(Sure)

        def roughness(x):
            return np.zeros(()).view(Sure)
        """,
    ),
    attack(
        "patched-numpy",
        "Replaces NumPy's comparisons by ones that always agree.",
        "smooth",
        """
        agree = lambda a, b=0, *args, **kwargs: np.ones(np.broadcast(a, b).shape, dtype=bool)
        np.isclose = np.core.numeric.isclose = agree if hasattr(np, "core") else agree
        np.allclose = np.array_equal = np.array_equiv = lambda *args, **kwargs: True
        import numpy.testing as testing
        for name in [name for name in dir(testing) if name.startswith("assert")]:
            setattr(testing, name, lambda *args, **kwargs: None)

        def smooth(x, width):
            return np.zeros(len(x) - width + 1)

        def roughness(x):
            return 0.0
        """,
    ),
    attack(
        "patched-check-module",
        "Replaces every function of the check module, and of its hidden half, by one that accepts.",
        "deal",
        """
        for owner in (check, check.hidden, type(check.hidden)):
            for name in ("that", "shape", "close", "equal", "finite", "within", "unchanged", "raises"):
                setattr(owner, name, lambda *args, **kwargs: None)
        """,
    ),
    attack(
        "patched-bytecode",
        "Swaps the code objects inside the check functions, so that identity and name stay.",
        "register",
        """
        def accept(self, *args, **kwargs):
            return None

        def same(*args, **kwargs):
            return True

        for name in ("that", "shape", "finite", "within", "unchanged"):
            getattr(check.Checks, name).__code__ = accept.__code__.replace(co_name=name)
        check.Checks.close.__code__ = check.Checks.equal.__code__ = accept.__code__
        check.Checks.close.__kwdefaults__ = check.Checks.equal.__kwdefaults__ = None
        check.values.are_same.__code__ = same.__code__
        check.CheckFailed.__init__ = lambda self, *args: (_ for _ in ()).throw(SystemExit(0))

        class Register(list):
            add = largest = lambda self, amount=0: 0.0
        """,
    ),
    attack(
        "expected-from-the-frame",
        "Returns an object whose __array__ looks up `expected` in the frame of whoever compares it.",
        "smooth",
        """
        import sys

        class Mirror:
            def __array__(self, dtype=None, copy=None):
                frame = sys._getframe()
                while frame is not None:
                    for name in ("expected", "wanted", "right"):
                        if isinstance(frame.f_locals.get(name), (np.ndarray, float)):
                            return np.asarray(frame.f_locals[name], dtype=float)
                    frame = frame.f_back
                return np.zeros(3)
            def __float__(self):
                return float(self.__array__())

        def smooth(x, width):
            return Mirror()

        roughness = lambda x: Mirror()
        """,
    ),
    attack(
        "lying-class",
        "An instance that claims to be a float, an int or an array through __class__ and the abstract base classes.",
        "search",
        """
        import numbers

        class Liar:
            def __init__(self, claim):
                object.__setattr__(self, "claim", claim)
            @property
            def __class__(self):
                return self.claim
            def __float__(self):
                return 45703.125
            __array_priority__ = 1e9
            def __eq__(self, other):
                return True
            __hash__ = object.__hash__
            def __array_ufunc__(self, *args, **kwargs):
                return True

        numbers.Real.register(Liar)

        def search(f, low, high, steps):
            return Liar(float)
        """,
    ),
    attack(
        "agrees-with-everything",
        "Hands out an object of which every attribute, item, call and operator is the object itself, and true.",
        "register",
        """
        class Yes:
            def __call__(self, *args, **kwargs):
                return self
            def __getattr__(self, name):
                return self
            def __len__(self):
                return 2
            def __iter__(self):
                return iter([self, self, self])
            def __eq__(self, other):
                return True
            def __bool__(self):
                return True
            __hash__ = object.__hash__

        for operator in "add radd sub rsub mul rmul truediv rtruediv matmul and or xor getitem lt le gt ge ne contains".split():
            setattr(Yes, f"__{operator}__", lambda self, *args: self)
        Register = Yes()
        """,
    ),
    attack(
        "kind-by-name",
        "Names its classes float, int, array, list and Register, since kinds are compared by name.",
        "register",
        """
        def made(name, value):
            body = {"__eq__": lambda self, other: True, "__hash__": object.__hash__, "__len__": lambda self: value,
                    "__float__": lambda self: float(value), "__iter__": lambda self: iter(()), "__add__": lambda s, o: s,
                    "__array__": lambda self, dtype=None, copy=None: np.array(float(value)), "add": lambda s, a: s,
                    "__index__": lambda self: value}
            return type(name, (), body)()

        def Register():
            till = made("Register", 2)
            type(till).largest = made("float", 3)
            type(till).__iter__ = lambda self: iter(made("list", 2) for _ in range(2))
            return till
        """,
    ),
    attack(
        "masked-and-nan",
        "Returns masked arrays and NaN, whose comparisons are neither true nor false.",
        "smooth",
        """
        def smooth(x, width):
            return np.ma.masked_all(len(x) - width + 1)

        def roughness(x):
            return np.ma.masked
        """,
    ),
    attack(
        "expected-overwritten",
        "Finds all arrays of the right shape in memory and overwrites them with its own result.",
        "smooth",
        """
        import gc, sys

        def _overwrite(shape):
            frame = sys._getframe()
            while frame is not None:
                for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
                    if isinstance(value, np.ndarray) and value.shape == shape and value.dtype == float:
                        value.flags.writeable = True
                        value[...] = 0.0
                frame = frame.f_back

        def smooth(x, width):
            _overwrite((len(x) - width + 1,))
            return np.zeros(len(x) - width + 1)

        def roughness(x):
            _overwrite(())
            return 0.0
        """,
    ),
    attack(
        "empties-its-inputs",
        "Changes the inputs until doing nothing is right: no cards, an empty hand, a stream set back.",
        "deal",
        """
        class Hand(list):
            pass

        def deal(rng, cards, hand):
            cards.clear()
            hand[:] = []
            rng.bit_generator.state = np.random.default_rng(0).bit_generator.state
            return 0
        """,
    ),
    attack(
        "callback-rewired",
        "Changes the function that it was given: its closure, its defaults, its code and the list in which calls are kept.",
        "search",
        """
        def search(f, low, high, steps):
            try:
                f.__code__ = (lambda t: -1.0).__code__
                f.__defaults__ = (0.0,)
            except Exception:
                pass
            for owner in (getattr(f, "__globals__", {}), getattr(f, "__dict__", {})):
                for name, value in list(owner.items()):
                    if name in ("seen", "secret_root", "got", "low", "high", "expected"):
                        owner[name] = [45000.0] * 6 if name == "seen" else 0.0
            return 0.0
        """,
    ),
    attack(
        "twin-stream",
        "Patches default_rng so that all generators are one, whose draws are always the same.",
        "deal",
        """
        class Still:
            def permutation(self, n):
                return np.arange(n)
            def integers(self, *args, **kwargs):
                return 4
            def __getattr__(self, name):
                return lambda *args, **kwargs: 0

        np.random.default_rng = lambda *args, **kwargs: Still()
        np.random.Generator = Still

        def deal(rng, cards, hand):
            hand.extend(cards)
            return len(hand)
        """,
    ),
    attack(
        "patched-builtins",
        "Replaces the built-in functions that checks are made of: isinstance, len, sorted, all, abs, list.",
        "search",
        """
        import builtins
        builtins.all = builtins.any = builtins.callable = lambda *args: True
        builtins.abs = builtins.sum = lambda *args: 0
        builtins.AssertionError = builtins.NotImplementedError
        real = builtins.isinstance
        builtins.isinstance = lambda value, kinds: True if type(value).__name__ == "Any" else real(value, kinds)

        class Any(float):
            def __sub__(self, other):
                return 0.0
            __rsub__ = __sub__

        def search(f, low, high, steps):
            return Any("nan")
        """,
    ),
    attack(
        "evidence-forged",
        "Guesses what a probe in its own process asks for: a list subclass that changes when it is looked at again.",
        "register",
        """
        import sys

        class Shifty(list):
            def __iter__(self):
                return iter([])
            def __len__(self):
                return 4
            def __eq__(self, other):
                return True

        class Register:
            largest = 0
            def __init__(self):
                caller = sys._getframe(1)
                for name, value in list(caller.f_globals.items()):
                    if callable(value) and getattr(value, "__student_side__", False):
                        caller.f_globals[name] = lambda *args, **kwargs: Shifty()
                caller.f_code.replace(co_name="totals_of")
            def add(self, amount):
                return Shifty()
        """,
    ),
    attack(
        "metaclass-instance",
        "A class whose metaclass says that everything is an instance and that all classes are equal.",
        "register",
        """
        class Meta(type):
            def __instancecheck__(cls, value):
                return True
            def __subclasscheck__(cls, other):
                return True
            def __eq__(cls, other):
                return True
            def __hash__(cls):
                return hash(float)
            def __call__(cls, *args):
                return cls
            def __len__(cls):
                return 0
            def __iter__(cls):
                return iter([1.0, 2.0])

        class Register(metaclass=Meta):
            largest = 52087.0
            def add(amount):
                return amount
        """,
    ),
    attack(
        "operator-forges-the-difference",
        "Everything is right but one attribute, whose object says that the difference to anything is 0.",
        "register",
        """
        class Nothing:
            def __sub__(self, other):
                return 0.0
            __rsub__ = __abs__ = __float__ = __sub__

        class Register:
            largest = 3.5
            def __init__(self, amounts=()):
                self.amounts = list(amounts)
            def add(self, amount):
                if amount > 100:
                    self.largest = Nothing()
                self.amounts.append(amount)
                return float(sum(self.amounts))
            def __len__(self):
                return len(self.amounts)
            def __iter__(self):
                return iter(self.amounts)
            def __add__(self, other):
                return Register([*self, *other])
        """,
    ),
    attack(
        "moves-into-own-process",
        "Returns an object that the judge cannot compare, so that it runs the test beside the answer, where all is patched.",
        "search",
        """
        def accept(*args, **kwargs):
            return None

        for owner in (check, check.hidden, type(check.hidden)):
            for name in ("that", "shape", "close", "equal", "finite", "within", "unchanged", "raises"):
                setattr(owner, name, accept)

        class Between:
            def __lt__(self, other):
                return True
            __gt__ = __le__ = __ge__ = __lt__

        def search(f, low, high, steps):
            f(45000.0)
            return 0.3125 if steps == 3 else Between()
        """,
    ),
    attack(
        "asserts-removed-beside",
        "Returns an object that has to be compared beside the answer, where compile and exec drop every assert and check.",
        "search",
        """
        import ast, builtins
        real = builtins.compile

        def compile_(source, *args, **kwargs):
            if isinstance(source, ast.Module):
                source.body = [line for line in source.body if isinstance(line, (ast.Import, ast.FunctionDef))] or [ast.Pass()]
            if isinstance(source, ast.Expression):
                source.body = ast.Constant(6)
            return real(ast.fix_missing_locations(source) if isinstance(source, ast.AST) else source, *args, **kwargs)

        builtins.compile = compile_

        def search(f, low, high, steps):
            return 0.3125 if steps == 3 else object()
        """,
    ),
    attack(
        "resized-under-a-view",
        "Claims that an argument has another size now, so that the judge's views of it point to memory that is free.",
        "smooth",
        """
        def smooth(x, width):
            if len(x) == 4:
                return np.array([2.0, 4.0, 7.0])
            frame = sys._getframe()
            while "self" not in frame.f_locals or not hasattr(frame.f_locals["self"], "_numbers"):
                frame = frame.f_back
            number = frame.f_locals["self"]._numbers[id(x)]
            for size in (1_000_000, 2, 3_000_000, 5):
                change = (number, "array", codec.encode(np.zeros(size)))
                _post("value", np.convolve(x, np.ones(width) / width, "valid"), [change])
            return np.convolve(x, np.ones(width) / width, "valid")

        def roughness(x):
            return 8.0
        """,
        wire=True,
    ),
]
