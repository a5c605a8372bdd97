"""L - serialisation: bytes and objects that lie about their size, depth, type or place."""
# ruff: noqa: E501 - the long lines are students' code

from .base import attack

ATTACKS = [
    attack(
        "length-lies",
        "Announces a frame of 4 GB, then one of 90 MB, and never sends it.",
        "smooth",
        """
        def smooth(x, width):
            _raw(struct.pack(">I", 0xFFFFFFFF))
            _raw(struct.pack(">I", 90 << 20) + b"m")
            time.sleep(1000)
        """,
        wire=True,
    ),
    attack(
        "byte-by-byte",
        "Sends a right answer one byte at a time, with a pause before each that is just not too long.",
        "deal",
        """
        def deal(rng, cards, hand):
            data = codec.encode(("value", [], codec.encode(4), []))
            for byte in struct.pack(">I", len(data)) + data:
                time.sleep(0.5)
                _raw(bytes([byte]))
            time.sleep(1000)
        """,
        wire=True,
    ),
    attack(
        "garbage",
        "Answers with random bytes in well-formed frames.",
        "search",
        """
        import random

        def search(f, low, high, steps):
            for _ in range(200):
                _frame(b"\\x01" + random.randbytes(random.randrange(300)))
            return 0.3125
        """,
        wire=True,
    ),
    attack(
        "counts-lie",
        "Announces containers of 2^60 items, texts of 2^62 bytes and varints that never end.",
        "smooth",
        """
        from itertools import count
        number = count()
        bodies = [b"\\x01[" + b"\\xff" * 8 + b"\\x0f", b"\\x01s" + b"\\xff" * 8 + b"\\x7f", b"\\x01(" + b"\\x80" * 10_000_000,
                  b"\\x01{\\x01", b"\\x01i\\xff\\xff\\xff\\xff\\x7f", b"\\x01S\\x80\\x00"]

        def smooth(x, width):
            _frame(codec.encode(("value", [], bodies[next(number) % 6], [])))

        roughness = lambda x: smooth(x, 1)
        """,
        wire=True,
    ),
    attack(
        "depth-by-hand",
        "Writes tags of a million nested lists, extensions and slices, which no encoder would.",
        "register",
        """
        class Register:
            largest = None
            def add(self, amount):
                deep = b"\\x01" + b"[\\x01" * 1_000_000 + b"N"
                _frame(codec.encode(("value", [], deep, [])))
                _frame(b"\\x01" + b"X\\x01a" * 1_000_000 + b"N")
        """,
        wire=True,
    ),
    attack(
        "arrays-lie",
        "Writes arrays whose sizes overflow, whose types hold objects or have no size, and whose bytes are missing.",
        "smooth",
        """
        def var(n):
            out = b""
            while n > 127:
                out, n = out + bytes([n & 127 | 128]), n >> 7
            return out + bytes([n])

        def array(dtype, *shape, data=b"", flags=0):
            text = dtype.encode()
            return b"\\x01a" + bytes([flags]) + var(len(text)) + text + var(len(shape)) + b"".join(map(var, shape)) + data

        ways = iter([array("<f8", 2**32, 2**32), array("|O", 3, data=b"\\1" * 24), array("<U0", 2**62), array("<f8", 3),
                     array("|V8", 3, data=b"m" * 24), array("<U400000000", 0), array("<f8", *[1] * 65, data=b"m" * 8),
                     array("<M8[s]", 1, data=b"m" * 8), array("<f8", 0, 2**60), array("(2,3)f8", 1), array("f8,f8", 1)])

        def smooth(x, width):
            _frame(codec.encode(("value", [], next(ways), [])))

        roughness = lambda x: smooth(x, 1)
        """,
        wire=True,
    ),
    attack(
        "colliding-keys",
        "Sends a dictionary and a set of a hundred thousand integers that have one hash.",
        "deal",
        """
        def deal(rng, cards, hand):
            if len(cards) == 3:
                hand.extend(cards)
                return 4
            prime = 2**61 - 1
            items = [1 + prime * number for number in range(100_000)]
            out = b"".join(codec.encode(item)[1:] + b"N" for item in items)
            _frame(codec.encode(("value", [], b"\\x01{\\xa0\\x8d\\x06" + out, [])))
            return {item: None for item in items[:20_000]}
        """,
        wire=True,
        cpu_seconds=3.0,
    ),
    attack(
        "handles-confused",
        "Refers to its objects under numbers and words of others: a handle that is a float, one of the judge's, a module.",
        "register",
        """
        ways = [codec.Ext("handle", (0, "float")), codec.Ext("yours", 0), codec.Ext("global", "os:system"),
                codec.Ext("callback", -1), codec.Ext("callback", 10**9), codec.Ext("handle", (-1, "int")),
                codec.Ext("handle", ("0", 1)), codec.Ext("shared", True), codec.Ext("__class__", None)]

        class Register:
            largest = None
            def add(self, amount):
                for way in ways:
                    _post("value", way)
                return 0.0
        """,
        wire=True,
    ),
    attack(
        "numbers-of-others",
        "Sends changes of objects that never crossed, under numbers of the judge's, with other types than they had.",
        "deal",
        """
        def deal(rng, cards, hand):
            blank = codec.encode((), extend=_as_is)
            for changes in ([(0, "dict", codec.encode(()))], [(2, "array", codec.encode(np.zeros(3)))], [(10**30, "list", blank)],
                            [(1, "list", codec.encode((codec.Ext("shared", 3),), extend=_as_is))], [(4, "module", blank)],
                            [(-1, "list", blank)], [(True, "list", blank)]):
                _post("value", 4, changes)
        """,
        wire=True,
    ),
    attack(
        "judges-objects-rewritten",
        "Rewrites every object of the judge's that it knows a number of, and forgets them all in the same breath.",
        "deal",
        """
        def deal(rng, cards, hand):
            if len(cards) == 3:
                hand.extend(cards)
                return 4
            changes = [(number, "list", codec.encode(())) for number in range(0, 12, 2)]
            _post("value", 0, [], list(range(0, 40, 2)))
            _post("value", 0, changes, list(range(0, 40, 2)))
            return 0
        """,
        wire=True,
    ),
    attack(
        "unasked-callbacks",
        "Calls the judge's functions before it has asked anything, with functions and handles as arguments, and by keyword.",
        "search",
        """
        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            for args, kwargs in (((), {"t": 45000.0}), ((codec.Ext("callback", 0),), {}), ((codec.Ext("handle", (7, "t")),), {}),
                                 ((45000.0,) * 50, {}), ((), {"__class__": 1}), ((float("nan"),), {})):
                _post("callback", (0, args, kwargs))
            return 0.0

        for _ in range(5):
            _post("callback", (0, (1.0,), {}))
        """,
        wire=True,
    ),
    attack(
        "replies-in-advance",
        "Sends answers to questions that have not been asked yet, so that each question gets the one before.",
        "register",
        """
        class Register:
            largest = 3.5
            def add(self, amount):
                for value in (2.0, 5.5, 2, [2.0, 3.5], 3.5, [0.0] * 4, 0.0, 0, None, True):
                    _post("value", value)
                return 2.0
        """,
        wire=True,
    ),
    attack(
        "errors-forged",
        "Answers with errors of every kind: one of the judge's own, one without a name, endings of programs, time-outs.",
        "smooth",
        """
        from itertools import cycle
        forged = cycle([
            {"types": ["SystemExit", "BaseException"], "message": "0", "token": -1}, {"types": [], "message": "", "token": 0},
            {"types": ["StopIteration"], "message": "", "token": -2**70}, {"types": ["OutOfTime"], "message": "m" * 10**6, "token": -1},
            {"types": ["UnicodeDecodeError"] * 10**5, "message": "", "token": -1}, {"types": [None], "message": 0, "token": None}, 7,
        ])

        def smooth(x, width):
            _post("error", next(forged))
            _post("error", next(forged))

        roughness = lambda x: smooth(x, 1)
        """,
        wire=True,
    ),
    attack(
        "report-forged",
        "Forges the report of how its cells ran: endless outputs, scores, times that are no numbers, half characters.",
        "register",
        """
        outputs = [{"output_type": "stream", "name": "stdout", "text": "\\ud800" * 1000}] * 900
        outputs += [{"output_type": "execute_result", "data": {"text/plain": "6", "text/html": "<script>mallory(1)</script>"}}]
        outputs += [{"output_type": "display_data", "data": {"image/png": "m" * 7_000_000}}] * 5
        _post("ready", [{"name": "register", "outputs": outputs, "error": "\\udfff" * 5000, "cpu_s": float("nan")}])
        time.sleep(1000)
        """,
        wire=True,
        cpu_seconds=0.2,
    ),
    attack(
        "rings",
        "Returns containers that contain themselves, through lists, dictionaries and tuples.",
        "smooth",
        """
        def smooth(x, width):
            ring = [1.0]
            ring.append((ring, {"again": ring}))
            ring[1][1]["more"] = [ring, ring[1]]
            return ring

        def roughness(x):
            ring = {}
            ring["ring"] = [ring]
            return [ring]
        """,
    ),
    attack(
        "ping-pong",
        "Answers each question that it is asked during a callback with the same callback, as deep as it goes.",
        "search",
        """
        import sys
        sys.setrecursionlimit(100_000)

        class Deep:
            def __sub__(self, other):
                return self.f(self)
            __pow__ = __mul__ = __rmul__ = __add__ = __radd__ = __sub__

        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            Deep.f = staticmethod(f)
            return f(Deep())
        """,
        cpu_seconds=0.2,
    ),
    attack(
        "reduce-bait",
        "Returns objects that would run code where they are unpickled, deep-copied, formatted or hashed.",
        "deal",
        """
        import os

        class Bait(dict):
            def __reduce_ex__(self, protocol):
                return os.system, ("touch /tmp/mallory-was-here",)
            def __format__(self, spec):
                return spec
            def __deepcopy__(self, memo):
                os._exit(0)
            __getstate__ = __setstate__ = __reduce__ = __reduce_ex__
            def items(self):
                return [("points", 8)]
            keys = __iter__ = lambda self: iter(["points"])
            def __len__(self):
                return 10**9

        def deal(rng, cards, hand):
            hand.append(Bait())
            return Bait()
        """,
    ),
    attack(
        "subclasses-lie",
        "Returns subclasses of the plain types whose iteration, length, bytes, index and hash disagree with their content.",
        "smooth",
        """
        class Text(str):
            def encode(self, *args):
                return b"m" * 2**20
            def __len__(self):
                return 3

        class Number(float):
            def __float__(self):
                return 1.0
            as_integer_ratio = hex = __repr__ = lambda self: "6"

        class Row(list):
            def __len__(self):
                return 2**62
            def __iter__(self):
                return iter(self.append(0.0) or [1.0] * 3)
            def __getitem__(self, place):
                return self

        class Table(np.ndarray):
            shape = (3,)
            tobytes = lambda self, *args: b""
            def __array_finalize__(self, other):
                if other is not None:
                    raise SystemExit(0)

        ways = iter([Row([Number(2), Text("x")]), np.zeros(4).view(np.ndarray), (Row(),), {Text("k"): Number(0)}, {Text("m")}])

        def smooth(x, width):
            return next(ways)

        roughness = lambda x: Number(8.0)
        """,
    ),
    attack(
        "arrays-beyond-their-memory",
        "Returns arrays that reach beyond their memory: strides out of bounds, a changed header, a freed buffer.",
        "smooth",
        """
        import ctypes

        def smooth(x, width):
            return np.lib.stride_tricks.as_strided(x, (1 << 22,), (-8,))

        def roughness(x):
            small = np.zeros(2)
            header = ctypes.cast(id(small) + 32, ctypes.POINTER(ctypes.c_void_p))
            ctypes.cast(header[0], ctypes.POINTER(ctypes.c_ssize_t))[0] = 1 << 40
            return small
        """,
    ),
    attack(
        "generators-lie",
        "Returns Generators with impossible states, and gives the one that it was passed such a state.",
        "deal",
        """
        def deal(rng, cards, hand):
            if len(cards) == 3:
                hand.extend(cards)
                return 4
            wild = np.random.Generator(np.random.MT19937())
            state = wild.bit_generator.state
            state["state"]["pos"] = 60_000
            wild.bit_generator.state = state
            still = rng.bit_generator.state
            still["state"] = {"state": 0, "inc": 0}
            rng.bit_generator.state = still
            hand.extend([cards[0]] * 4)
            return [4, wild, rng]
        """,
    ),
]
