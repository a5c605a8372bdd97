"""Start-up probes: try, in a real cell, what student code must not be able to do.

A setting that looks right proves nothing (a container, an old kernel or a security module can take any of it away), so
each protection is tried. `probe` starts a process like the prepared one, which makes cells that try; the targets
(listening sockets, a secret file, a folder that anyone may write to) are the grader's own.
"""

# ruff: noqa: PTH120, PTH123, PTH208
# Paths are strings here: what the kernel gives and takes.

from __future__ import annotations

import ctypes
import errno
import importlib.util
import json
import mmap
import os
import resource
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from . import cell as sandbox
from . import seccomp
from .cell import Ended, Limits
from .usage import Usage

CODE = "import sys; sys.path.append(sys.argv.pop(1)); from course_grader.sandbox.trials import main; main()"
CANARY = "COURSE_GRADER_SECRET"  # an environment variable that no cell may read
MB = 1 << 20
SMALL = Limits(
    cpu_s=5, wall_s=20, memory_bytes=64 * MB, processes=12, file_bytes=MB, scratch_bytes=3 * MB, open_files=64
)


@dataclass(frozen=True)
class Trial:
    """One thing that student code must not be able to do. held: it could not; sentence: what happened."""

    name: str
    held: bool
    sentence: str


# --- the grader's side -------------------------------------------------------------------------------------------


def probe(
    course: Path | None = None,
    readable: Iterable[Path] = (),
    *,
    hidden: Iterable[Path] = (),
    without: Iterable[str] = (),
    only: Iterable[str] = (),
    kernel_seen: bool = False,
) -> list[Trial]:
    """Try every protection; about two seconds. One `Trial` each, those that held too.

    course: the course folder; no cell may see a file of it
    without: (tests) protections to leave out; only: (tests) names of the probes to run
    kernel_seen: the kernel is known to end a process that has used up its CPU time; see only that the limit is set
    """
    with ExitStack() as stack:
        target = _targets(stack, course, readable)
        target |= {"hidden": [str(path) for path in (*hidden, *([course] if course else []))]}
        target |= {"without": sorted(without), "only": sorted(only), "kernel_seen": kernel_seen}
        env = sandbox.clean_environment({CANARY: target["canary"]})
        package = str(Path(__file__).resolve().parents[2])
        command = [sys.executable, "-I", "-c", CODE, package, json.dumps(target)]
        process = sandbox.launch(command, env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        try:
            return [Trial(**found) for found in json.loads(out)]
        except ValueError:
            said = (err.decode(errors="replace").strip().splitlines() or [f"exit status {process.returncode}"])[-1]
            return [Trial("sandbox", False, f"No sandbox could be made: {said}.")]


def _targets(stack: ExitStack, course: Path | None, readable: Iterable[Path]) -> dict:
    """What the cells try to reach; it is closed and deleted when `stack` is."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="probe-")))
    folder.chmod(0o755)
    secret, open_folder = folder / "secret", folder / "readable"
    secret.write_text("no cell may read this")
    secret.chmod(0o644)
    open_folder.mkdir()
    open_folder.chmod(0o777)
    name = secrets.token_hex(16)
    tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
    abstract.bind(f"\0{name}")
    abstract.listen()
    udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    udp.bind(("127.0.0.1", 0))
    specs = [importlib.util.find_spec(name) for name in ("json", "numpy", "torch", "course_utils")]
    return {
        "canary": name,
        "grader": os.getpid(),
        "tcp": tcp.getsockname()[1],
        "udp": udp.getsockname()[1],
        "nameservers": _nameservers(),
        "secret": [str(secret), "/etc/shadow", "/etc/hostname", "/root/.bashrc", *_some_files(course)],
        "folder": str(open_folder),
        "needed": [spec.origin for spec in specs if spec and spec.has_location],
        "readable": [str(path) for path in (open_folder, *readable)],
    }


def _some_files(course: Path | None) -> list[str]:
    """Paths of files in the course folder, and in the home folder, that exist."""
    found = []
    for folder in filter(None, (course, Path.home())):
        with suppress(OSError):
            found += [str(path) for path in sorted(Path(folder).resolve().iterdir()) if path.is_file()][:20]
    return found + ([str(Path(course).resolve() / "source")] if course else [])


def _nameservers() -> list[str]:
    with suppress(OSError):
        lines = (line.split() for line in Path("/etc/resolv.conf").read_text().splitlines())
        return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
    return []


# --- the base process --------------------------------------------------------------------------------------------


def main() -> None:
    """In a process that `launch` started: try all, print the findings as JSON."""
    target = json.loads(sys.argv[1])
    said, says = os.pipe()
    pid = sandbox.fork_base()
    if pid == 0:
        code = 1
        try:
            readable = [Path(path) for path in target["readable"]]
            sandbox.enter(readable, hidden=map(Path, target["hidden"]), without=frozenset(target["without"]))
            os.write(says, json.dumps([vars(found) for found in _all(target)]).encode())
            code = 0
        except BaseException as error:
            print(f"{error}", file=sys.stderr, flush=True)
        os._exit(code)
    os.close(says)
    with os.fdopen(said) as pipe:
        print(pipe.read(), flush=True)
    os.waitpid(pid, 0)


def _all(target: dict) -> list[Trial]:
    found = []
    for name, (held, probe_it) in PROBES.items():
        if target["only"] and name not in target["only"]:
            continue
        try:
            faults = probe_it(target)
        except Exception as error:  # a probe that cannot run has not held
            faults = [f"the probe failed: {type(error).__name__}: {error}"]
        sentence = f"{held}." if not faults else f"{name}: {'; '.join(faults)}."
        found.append(Trial(name, not faults, sentence))
    return found


@dataclass
class _Try:
    """Something for a cell to do. It is over when the cell has reported or died, or has used `enough` CPU seconds.

    Not by the clock: a busy machine must not make a probe fail.
    """

    action: Callable[[], list]
    limits: Limits = SMALL
    watched: bool = True
    enough: float = 10.0
    report: list | None = None
    ended: Ended | None = None  # None: it was alive when it was over
    pid: int = 0
    channel: int = -1
    said: bytes = b""

    def start(self) -> None:
        self.channel, says = os.pipe()
        self.pid = sandbox.fork_cell(self.limits, [says])
        if self.pid == 0:
            _report(says, self.action)
        os.close(says)
        os.set_blocking(self.channel, False)

    def over(self) -> bool:
        dead = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        used = Usage(self.pid)
        with suppress(OSError), closing(used):
            used.look()
        if self.watched and not dead:
            dead = bool(sandbox.watch(self.pid))
        with suppress(BlockingIOError):
            self.said += os.read(self.channel, 1 << 16)
        if not (dead or self.said.endswith(b"\n") or used.cpu_s > self.enough):
            return False
        ended = sandbox.end_cell(self.pid)
        os.close(self.channel)
        self.ended = ended if dead or ended.cause else None
        self.report = json.loads(self.said) if self.said.endswith(b"\n") else None
        return True


def _run(*tries: _Try) -> None:
    """Run them side by side."""
    for one in tries:
        one.start()
    running, deadline = list(tries), time.monotonic() + 60
    while running and time.monotonic() < deadline:
        running = [one for one in running if not one.over()]
        time.sleep(0.005)
    for one in running:
        sandbox.end_cell(one.pid)
        os.close(one.channel)


def _report(says: int, action: Callable[[], list]) -> None:
    try:
        faults = action()
    except BaseException as error:
        faults = [f"{type(error).__name__}: {error}"]
    os.write(says, json.dumps(faults).encode() + b"\n")
    time.sleep(60)
    os._exit(0)


def _tries(action: Callable[[dict], list[str]], watched: bool = True) -> Callable[[dict], list[str]]:
    """A probe whose cell must live and report; what it reports are the faults. watched: not by the kernel alone?"""

    def run(target: dict) -> list[str]:
        one = _Try(lambda: action(target), watched=watched)
        _run(one)
        return one.report if one.report is not None else [f"the cell died ({one.ended and one.ended.cause})"]

    return run


# --- what the cells try ------------------------------------------------------------------------------------------


def _network(target: dict) -> list[str]:
    tries = [
        ("a TCP port of this machine", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", target["tcp"])),
        ("a UDP port of this machine", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", target["udp"])),
        ("an abstract socket of this machine", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{target['canary']}"),
        ("the network", socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.1", 53)),
        ("the cloud's metadata address", socket.AF_INET, socket.SOCK_DGRAM, ("169.254.169.254", 80)),
    ]
    for server in target["nameservers"]:
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        tries.append(("a name server", family, socket.SOCK_DGRAM, (server.partition("%")[0], 53)))
    reached = []
    for what, family, kind, address in tries:
        with suppress(OSError), socket.socket(family, kind) as channel:
            channel.settimeout(2)
            channel.connect(address)  # of UDP: is there a route?
            reached.append(f"a cell reached {what}")
    return reached


def _files(target: dict) -> list[str]:
    faults = [f"a cell sees {path}" for path in target["secret"] if os.path.lexists(path)]
    places = [target["folder"], sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), "/", "/etc", "/usr", "/dev"]
    places += ["/proc/sys/kernel", "/var/tmp", "/run"]
    # An environment below /tmp shows through the cell's own scratch folder; what it makes there is gone with it.
    places = [place for place in places if not place.startswith("/tmp/") or place == target["folder"]]
    for place in places:
        with suppress(OSError):
            os.close(os.open(f"{place}/probe", os.O_WRONLY | os.O_CREAT))
            faults.append(f"a cell can write to {place}")
    with suppress(OSError):
        os.close(os.open(os.__file__, os.O_WRONLY))
        faults.append("a cell can change the Python environment")
    return faults


def _needed(target: dict) -> list[str]:
    faults = []
    for path in target["needed"]:
        try:
            os.close(os.open(path, os.O_RDONLY))
        except OSError as error:
            faults.append(f"a cell cannot read {path}, which exercises may need ({error.strerror})")
    return faults


def _processes(target: dict) -> list[str]:
    others = [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    faults = [f"a cell sees {len(others)} processes that are not its own"] if others or os.getpid() != 1 else []
    if os.getpgrp() != os.getpid():
        faults.append("a cell can signal the process group of the grader")
    return faults


def _power(target: dict) -> list[str]:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    faults = [f"a cell has capabilities ({name})" for name in ("CapEff", "CapPrm") if int(status[name], 16)]
    if int(status["NoNewPrivs"]) != 1:
        faults.append("a cell may gain privileges at an exec")
    for what, action in {
        "become root": lambda: os.setuid(0),
        "leave its cell by chroot": lambda: os.chroot("/tmp"),
        "hide from the out-of-memory killer": lambda: Path("/proc/self/oom_score_adj").write_text("0"),
    }.items():
        with suppress(OSError):
            action()
            faults.append(f"a cell can {what}")
    if Path("/proc/self/oom_score_adj").read_text().strip() != "1000":
        faults.append("a cell is not the first victim when memory runs out")
    return faults


def _calls(target: dict) -> list[str]:
    """By the C library's names where it has them: a wrong number in the list of refusals shows here."""
    libc = ctypes.CDLL(None, use_errno=True)
    column = list(seccomp.ARCHITECTURE).index(os.uname().machine)
    done = []
    for name, values in {
        "ptrace": (0, 0, 0, 0),
        "memfd_create": (b"probe", 0),
        "unshare": (0x10000000,),  # CLONE_NEWUSER
        "shmget": (0, 4096, 0o600),
        "msgget": (0, 0o600),
        "personality": (0x40000,),  # ADDR_NO_RANDOMIZE
        "process_vm_readv": (1, None, 0, None, 0, 0),
        "prctl": (1, 0, 0, 0, 0),  # PR_SET_PDEATHSIG: outlive the grader
        "keyctl": (0, -3, 0),
        "userfaultfd": (1,),
        "io_uring_setup": (1, ctypes.create_string_buffer(256)),
        "kcmp": (1, 1, 0, 0, 0),
    }.items():
        values = [ctypes.c_long(value) if isinstance(value, int) else value for value in values]
        function = getattr(libc, name, None)
        if function is None:
            function, values = libc.syscall, [ctypes.c_long(seccomp.REFUSED[name][column]), *values]
        if function(*values) != -1:
            done.append(name)
    with suppress(OSError):
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()
        done.append("a netlink socket")
    return [f"a cell may use {name}" for name in done]


def _secrets(target: dict) -> list[str]:
    places = {"its environment": str(dict(os.environ)), "/proc": Path("/proc/self/environ").read_text(errors="replace")}
    faults = [f"a cell can read the grader's environment variables in {k}" for k, v in places.items() if CANARY in v]
    if len(open_files := os.listdir("/proc/self/fd")) > 5:  # 0 to 2, the report, this listing
        faults.append(f"a cell holds {len(open_files) - 1} open files")
    return faults


def _fork_bomb(target: dict) -> list[str]:
    """Children that wait until the cell ends."""
    made = 0
    with suppress(OSError):
        while made < 4 * SMALL.processes:
            if os.fork() == 0:
                signal.pause()
            made += 1
    return [f"a cell made {made} processes; allowed are {SMALL.processes}"] if made >= SMALL.processes else []


def _stay(target: dict) -> list[str]:
    """Leave a process behind that has a session of its own; `_leftover` looks for it."""
    if os.fork() == 0:
        os.setsid()
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            time.sleep(30)
        os._exit(0)
    os.wait()
    return []


def _leftover(target: dict) -> list[str]:
    before = set(filter(str.isdigit, os.listdir("/proc")))
    _run(_Try(lambda: _stay(target)))
    left = set(filter(str.isdigit, os.listdir("/proc"))) - before
    for pid in left:  # what the probe made, if nothing else ended it
        with suppress(OSError):
            os.kill(int(pid), signal.SIGKILL)
    return [f"{len(left)} processes outlived their cell"] if left else []


def _take(size: int, flags: int) -> mmap.mmap:
    memory = mmap.mmap(-1, size, flags=flags | mmap.MAP_ANONYMOUS)
    for place in range(0, size, mmap.PAGESIZE):
        memory[place] = 1
    return memory


def _memory_one(target: dict) -> list[str]:
    kept, faults = [], []
    for what, flags in {"memory": mmap.MAP_PRIVATE, "shared memory": mmap.MAP_SHARED}.items():
        with suppress(OSError):
            kept.append(_take(SMALL.memory_bytes + 32 * MB, flags))
            faults.append(f"a cell took {SMALL.memory_bytes // MB + 32} MB of {what}; allowed are 64")
    return faults


def _memory_many() -> list:
    """Ten processes, each within the limit of one. Reports when all have what they want, and a second has passed."""
    ready, tell = os.pipe()
    for _ in range(10):
        if os.fork() == 0:
            kept = _take(SMALL.memory_bytes // 2, mmap.MAP_PRIVATE)
            os.write(tell, b"x")
            signal.pause()
            kept.close()
    for _ in range(10):
        os.read(ready, 1)
    time.sleep(1)
    return ["ten processes of a cell took five times the memory that it may have"]


def _burn() -> list:
    while True:
        pass


def _limit_of_cpu() -> list:
    set_to = resource.getrlimit(resource.RLIMIT_CPU)
    return [] if set_to == (1, 1) else [f"the limit is {set_to}"]


def _burn_many() -> list:
    for _ in range(4):
        if os.fork() == 0:
            _burn()
    signal.pause()
    return []


def _oversleep() -> list:
    time.sleep(3)
    return ["a sleeping cell went on after its time"]


def _caps(target: dict) -> list[str]:
    """What takes a while: one process that computes, which the kernel stops; and what `watch` stops."""
    watched = "watch" not in target["without"]
    alone = _Try(_limit_of_cpu if target["kernel_seen"] else _burn, Limits(cpu_s=0.5), False, 2)
    tries = {
        "one process used more CPU time than it may": alone,
        "four processes used more CPU time than a cell may": _Try(_burn_many, Limits(cpu_s=0.3), watched, 1.5),
        "a sleeping cell went on after its time": _Try(_oversleep, Limits(wall_s=0.2), watched),
        "the processes of a cell took more memory than it may": _Try(_memory_many, SMALL, watched),
    }
    _run(*tries.values())
    causes = [one.ended.cause if one.ended else "" for one in tries.values()]
    wanted = ["time", "time", "time", "memory"]
    if target["kernel_seen"]:
        causes[0] = "time" if alone.report == [] else ""
    return [what for what, cause, right in zip(tries, causes, wanted, strict=True) if cause != right]


def _file_size(target: dict) -> list[str]:
    try:
        with open("large", "wb") as file:
            file.write(b"x" * (SMALL.file_bytes + 1))
    except OSError as error:
        return [] if error.errno == errno.EFBIG else [f"a large file failed with {error.strerror}"]
    return ["a cell wrote a file that is larger than allowed"]


def _disk(target: dict) -> list[str]:
    """Fill every place that can be written to, with files that are each small enough."""
    written, block = 0, b"x" * (SMALL.file_bytes // 2)
    for place in (".", os.environ.get("HOME", "."), "/tmp", "/dev/shm", "/var/tmp", "/run", "/"):
        with suppress(OSError):
            for number in range(20):
                fd = os.open(f"{place}/fill{number}", os.O_WRONLY | os.O_CREAT, 0o600)
                with os.fdopen(fd, "wb", buffering=0) as file:
                    written += file.write(block)
    over = written > SMALL.scratch_bytes
    return [f"a cell wrote {written >> 20} MB to disk; allowed are {SMALL.scratch_bytes >> 20}"] if over else []


def _output(target: dict) -> list[str]:
    """Nothing that a cell writes to stdout or stderr arrives anywhere."""
    said, says = os.pipe()
    os.set_blocking(said, False)
    kept = os.dup(1), os.dup(2)
    os.dup2(says, 1)
    os.dup2(says, 2)
    try:
        _run(_Try(lambda: [os.write(fd, b"x" * 1000) for fd in (1, 2)] and []))
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for fd in (*kept, says):
            os.close(fd)
    with os.fdopen(said, "rb", buffering=0) as pipe:
        return ["a cell wrote to the grader's output"] if pipe.read() else []


# name: (what it means when it holds, the probe)
PROBES: dict[str, tuple[str, Callable[[dict], list[str]]]] = {
    "network": ("A cell reaches no network, no port and no socket of this machine", _tries(_network)),
    "files": (
        "A cell sees no file of the course, of a home or of the system's secrets, and changes none",
        _tries(_files),
    ),
    "environment": ("A cell can read the Python environment", _tries(_needed)),
    "processes": ("A cell sees its own processes only", _tries(_processes)),
    "power": ("A cell has no privileges", _tries(_power)),
    "calls": ("Dangerous system calls are refused", _tries(_calls)),
    "secrets": ("A cell inherits no environment variable and no open file of the grader", _tries(_secrets)),
    "fork": ("The number of processes is capped", _tries(_fork_bomb, watched=False)),
    "leftover": ("Nothing outlives its cell", _leftover),
    "memory": ("Memory of a process is capped", _tries(_memory_one, watched=False)),
    "caps": ("CPU time, memory of all processes together, and waiting are capped", _caps),
    "file size": ("The size of a file is capped", _tries(_file_size)),
    "disk": ("The size of all files together is capped", _tries(_disk)),
    "output": ("Output goes nowhere but to the grader's own channel", _output),
}
