"""G - resources: time, memory, disk, output, and whatever else a shared machine has too little of."""
# ruff: noqa: E501 - the long lines are students' code

from .base import attack

FILLS = "fills the machine's memory or disk: nothing in stock nbgrader stops it"

ATTACKS = [
    attack("endless-loop", "Loops for ever in its cell.", "smooth", "while True:\n    pass", cpu_seconds=0.2),
    attack(
        "loop-that-catches-all",
        "Loops for ever in a call and catches every exception, whatever it is called.",
        "search",
        """
        def search(f, low, high, steps):
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    continue
        """,
        cpu_seconds=0.2,
    ),
    attack(
        "loop-in-c",
        "Spends its time inside C, where no Python signal handler is asked: a power, a regex, a sort of its own.",
        "deal",
        """
        import re

        def deal(rng, cards, hand):
            re.match("(a|a)*$" , "a" * 40 + "b")
            return len(str(9 ** 9 ** 8))
        """,
        cpu_seconds=0.2,
    ),
    attack(
        "memory-doubling",
        "Doubles a byte string until the machine has no memory left.",
        "register",
        """
        hoard = b"m" * (1 << 20)
        while True:
            hoard += hoard
        """,
        harmful=FILLS,
    ),
    attack(
        "memory-in-many-processes",
        "Takes memory in many processes, each a little less than one may have.",
        "smooth",
        """
        import mmap, os, time
        for _ in range(40):
            try:
                child = os.fork()
            except OSError:
                break
            if child == 0:
                kept = []
                try:
                    for _ in range(8):
                        block = mmap.mmap(-1, 64 << 20)
                        for place in range(0, len(block), 4096):
                            block[place] = 1
                        kept.append(block)
                    time.sleep(20)
                finally:
                    os._exit(0)
        time.sleep(3)
        """,
        harmful=FILLS,
        cpu_seconds=0.2,
    ),
    attack(
        "memory-without-an-address",
        "Fills memfds, pipes and files in /dev/shm, which no address space limit counts.",
        "deal",
        """
        import os
        block, kept = b"m" * (1 << 20), []
        while True:
            wrote = 0
            for open_ in (lambda: os.memfd_create("m"), lambda: os.open("/dev/shm/m", os.O_CREAT | os.O_WRONLY | os.O_APPEND)):
                try:
                    number = open_()
                    kept.append(number)
                    for _ in range(64):
                        wrote += os.write(number, block)
                except OSError:
                    pass
            if not wrote:
                break
        """,
        harmful=FILLS,
        cpu_seconds=0.2,
    ),
    attack(
        "disk-fill",
        "Writes files into every folder that it can until the disk is full.",
        "search",
        """
        import os
        block = os.urandom(1 << 16) * 64
        for folder in (".", "/tmp", "/var/tmp", os.path.expanduser("~")):
            try:
                with open(folder + "/mallory-fill", "wb", 0) as file:
                    while True:
                        file.write(block)
            except OSError as error:
                print(error)
        """,
        harmful=FILLS,
    ),
    attack(
        "many-small-files",
        "Makes empty files and folders until there are no inodes left.",
        "smooth",
        """
        import itertools, os
        for number in itertools.count():
            try:
                os.makedirs(f"d{number % 1000}/{number}")
                os.close(os.open(f"f{number}", os.O_CREAT))
            except OSError as error:
                print(error)
                break
        """,
        harmful=FILLS,
        cpu_seconds=0.2,
    ),
    attack(
        "endless-output",
        "Prints without end, a megabyte at a time.",
        "register",
        """
        text = "m" * (1 << 20)
        while True:
            print(text)
        """,
        harmful="its output fills the memory of nbgrader's process",
        cpu_seconds=0.2,
    ),
    attack(
        "output-past-python",
        "Writes without end to the descriptors 1 and 2 and to all others that take it, past Python's streams.",
        "deal",
        """
        import os
        text = b"m" * (1 << 20)
        while True:
            for number in (1, 2, *range(3, 12)):
                try:
                    os.set_blocking(number, False)
                    os.write(number, text)
                except OSError:
                    pass
        """,
        harmful="its output fills the terminal's or the log's disk",
        cpu_seconds=0.2,
    ),
    attack(
        "many-outputs",
        "Publishes a hundred thousand displays, each of its own kind, instead of one large text.",
        "search",
        """
        from IPython.display import display
        for number in range(100_000):
            display({f"application/x-{number}": "m" * 50, "text/plain": str(number)}, raw=True)
        """,
        harmful="nbclient collects all of it and hangs for minutes",
        long=True,
        cpu_seconds=0.2,
    ),
    attack(
        "huge-repr",
        "Ends its cell with an object whose repr has a hundred million characters, and whose HTML is larger.",
        "smooth",
        """
        class Large:
            def __repr__(self):
                return "m" * 10**8
            def _repr_html_(self):
                return "<b>m</b>" * 10**7
            _repr_latex_ = _repr_svg_ = _repr_html_

        Large()
        """,
        cpu_seconds=0.2,
    ),
    attack(
        "deep-result",
        "Returns lists in lists, a hundred thousand deep.",
        "smooth",
        """
        def smooth(x, width):
            deep = []
            for _ in range(100_000):
                deep = [deep]
            return deep

        roughness = lambda x: smooth(x, 1)
        """,
        long=True,
        cpu_seconds=0.2,
    ),
    attack(
        "large-result",
        "Returns a gigabyte, as bytes, as an array of zeros that costs nothing, and as a text of wide characters.",
        "deal",
        """
        import itertools
        ways = itertools.cycle([lambda: np.zeros(1 << 27), lambda: "\\U0001F600" * (1 << 26), lambda: bytes(1 << 29)])

        def deal(rng, cards, hand):
            return next(ways)()
        """,
        cpu_seconds=0.2,
    ),
    attack(
        "stretched-result",
        "Returns an array of strides 0 that claims a billion rows of a billion and holds a single number.",
        "smooth",
        """
        def smooth(x, width):
            return np.broadcast_to(np.float64(4.0), (10**9, 10**9))

        def roughness(x):
            return np.lib.stride_tricks.as_strided(np.ones(1), (1 << 40,), (0,))
        """,
    ),
    attack(
        "wide-result",
        "Returns many small objects that stay alive, so that each later message has to look at all of them.",
        "register",
        """
        class Register:
            largest = 3.5
            def __len__(self):
                return 2
            def __iter__(self):
                return iter([2.0, 3.5])
            def add(self, amount):
                if amount == 2.0:
                    return 2.0
                return 5.5 if amount == 3.5 else [[number] for number in range(190_000)]
            def __add__(self, other):
                return [[[]] for number in range(90_000)]
        """,
        cpu_seconds=0.2,
    ),
    attack(
        "argument-grown",
        "Lets the list that it has to fill grow by a hundred thousand lists, each of which holds it again.",
        "deal",
        """
        def deal(rng, cards, hand):
            if len(cards) == 3:
                hand.extend(cards)
                return 4
            for _ in range(60_000):
                hand.append([hand, [hand]])
            return len(hand)
        """,
        long=True,
        cpu_seconds=0.2,
    ),
    attack(
        "endless-iterator",
        "Hands out an object that says it has a length of 10^18 and can be iterated for ever, each time with new objects.",
        "register",
        """
        class Register:
            largest = 3.5
            total = 0.0
            def add(self, amount):
                self.total += amount
                return self.total
            def __len__(self):
                return 10**18
            def __iter__(self):
                while True:
                    yield Register()
            def __add__(self, other):
                return Register()
        """,
        cpu_seconds=0.2,
    ),
    attack(
        "callback-storm",
        "Calls the function that it was given ten million times, with ever larger arguments.",
        "search",
        """
        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            for number in range(10**7):
                try:
                    f(float(number))
                except Exception:
                    pass
        """,
        long=True,
        cpu_seconds=0.2,
    ),
    attack(
        "callback-with-bulk",
        "Calls the function that it was given with 50 MB at a time, which the test keeps in a list.",
        "search",
        """
        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            for number in range(2000):
                try:
                    f(np.full(6_000_000, float(number)))
                except BaseException:
                    pass
            return 0.0
        """,
        long=True,
        cpu_seconds=0.2,
    ),
    attack(
        "huge-integer",
        "Returns an integer of ten million digits, and a fraction and a power built on it.",
        "deal",
        """
        def deal(rng, cards, hand):
            hand.extend(cards)
            return 4 if len(cards) == 3 else 1 << 40_000_000
        """,
    ),
    attack(
        "drip",
        "Sleeps a little in each call and each character of the answer, never long enough to be asked about it.",
        "smooth",
        """
        import time

        class Slow(list):
            def __iter__(self):
                for value in range(10**6):
                    time.sleep(0.4)
                    yield value

        def smooth(x, width):
            time.sleep(0.7)
            return Slow([1.0, 2.0])

        def roughness(x):
            time.sleep(600)
        """,
        cpu_seconds=0.2,
    ),
    attack(
        "slow-destructors",
        "Sleeps and computes when its objects are collected, compared, hashed and encoded.",
        "register",
        """
        class Register:
            largest = 3.5
            def __init__(self):
                self.total = 0.0
            def add(self, amount):
                self.total += amount
                return self.total if amount in (2.0, 3.5) else {Register(): 1, Register(): 2}
            def __len__(self):
                return 2
            def __iter__(self):
                return iter([2.0, 3.5])
            def __hash__(self):
                return sum(range(10**9))
            __eq__ = __reduce__ = __del__ = __hash__
        """,
        long=True,
        cpu_seconds=0.2,
    ),
    attack(
        "open-files",
        "Opens files, sockets and event descriptors until there are none left, and keeps them.",
        "search",
        """
        import os, socket
        hoard = []
        while True:
            try:
                hoard.append(os.open("/dev/null", os.O_RDONLY))
                hoard.append(socket.socketpair())
            except OSError as error:
                print(error)
                break
        """,
    ),
    attack(
        "iterator-of-bulk",
        "Answers each question for the next element with the same 30 MB, for ever: cheap to send, dear to keep.",
        "register",
        """
        class Register:
            largest = 3.5
            def __init__(self):
                self.total = 0.0
            def add(self, amount):
                self.total += amount
                return self.total
            def __len__(self):
                return 2
            def __iter__(self):
                if self.total == 5.5:
                    return iter([2.0, 3.5])
                body = codec.encode((True, np.zeros(4_000_000)), extend=_as_is)
                frame = codec.encode(("value", [], body, []))
                _post("value", codec.Ext("handle", (999, "Register")))
                while True:
                    _frame(frame)
            def __add__(self, other):
                return Register()
        """,
        wire=True,
        cpu_seconds=0.2,
    ),
    attack(
        "same-heavy-frame-again",
        "Sends one prepared request that takes long to decode again and again: a copy here, two million objects there.",
        "search",
        """
        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            body = codec.encode((0, ([(n,) for n in range(900_000)],), {}), extend=_as_is)
            frame = codec.encode(("callback", [], body, []))
            while True:
                _frame(frame)
        """,
        wire=True,
        cpu_seconds=0.2,
    ),
    attack(
        "magics-without-end",
        "Is a text whose magics IPython's own transformer, outside the sandbox, would take minutes to find.",
        "smooth",
        "%time 1\n" * 501,
    ),
    attack(
        "imports-without-end",
        "Is a text from each of whose two thousand beginnings a careless pattern reads to the end.",
        "search",
        "# " + "from scipy import " * 4_000,
        earns=6.0,
    ),
    attack(
        "deaf-and-asleep",
        "Switches its timers off, blocks all signals and sleeps, so that grading it takes as long as it likes.",
        "register",
        """
        import signal, time
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, 0)
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        while True:
            time.sleep(100)
        """,
        causes=frozenset({"time"}),
    ),
    attack(
        "verdict-of-megabytes",
        "Takes its own recorder over and says that the cell printed sixty megabytes.",
        "deal",
        """
        import sys
        long = [{"output_type": "stream", "name": "stdout", "text": "m" * (1 << 20)}] * 60
        sys.modules["course_grader.judging.shell"].Recorder.take = lambda self: long
        """,
        earns=6.0,
    ),
]
