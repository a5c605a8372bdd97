"""What the trials do inside a cell: each tries what student code must not be able to do, and tells what got through."""

# ruff: noqa: PTH120, PTH123, PTH208
# Paths are strings here: what the kernel gives and takes.

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from . import seccomp
from .limits import Limits

CANARY = "COURSE_GRADER_SECRET"  # an environment variable that no cell may read
MB = 1 << 20
SMALL = Limits(
    cpu_s=5, wall_s=20, memory_bytes=64 * MB, processes=12, file_bytes=MB, scratch_bytes=3 * MB, open_files=64
)


def network(target: dict) -> list[str]:
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


def files(target: dict) -> list[str]:
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


def needed(target: dict) -> list[str]:
    faults = []
    for path in target["needed"]:
        try:
            os.close(os.open(path, os.O_RDONLY))
        except OSError as error:
            faults.append(f"a cell cannot read {path}, which exercises may need ({error.strerror})")
    return faults


def processes(target: dict) -> list[str]:
    others = [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    faults = [f"a cell sees {len(others)} processes that are not its own"] if others or os.getpid() != 1 else []
    if os.getpgrp() != os.getpid():
        faults.append("a cell can signal the process group of the grader")
    return faults


def power(target: dict) -> list[str]:
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


def calls(target: dict) -> list[str]:
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


def secrets(target: dict) -> list[str]:
    places = {"its environment": str(dict(os.environ)), "/proc": Path("/proc/self/environ").read_text(errors="replace")}
    faults = [f"a cell can read the grader's environment variables in {k}" for k, v in places.items() if CANARY in v]
    if len(open_files := os.listdir("/proc/self/fd")) > 5:  # 0 to 2, the report, this listing
        faults.append(f"a cell holds {len(open_files) - 1} open files")
    return faults


def fork_bomb(target: dict) -> list[str]:
    """Children that wait until the cell ends."""
    made = 0
    with suppress(OSError):
        while made < 4 * SMALL.processes:
            if os.fork() == 0:
                signal.pause()
            made += 1
    return [f"a cell made {made} processes; allowed are {SMALL.processes}"] if made >= SMALL.processes else []


def stay(target: dict) -> list[str]:
    """Leave a process behind that has a session of its own; `attempts` looks for it."""
    if os.fork() == 0:
        os.setsid()
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            time.sleep(30)
        os._exit(0)
    os.wait()
    return []


def take(size: int, flags: int) -> mmap.mmap:
    memory = mmap.mmap(-1, size, flags=flags | mmap.MAP_ANONYMOUS)
    for place in range(0, size, mmap.PAGESIZE):
        memory[place] = 1
    return memory


def memory_one(target: dict) -> list[str]:
    kept, faults = [], []
    for what, flags in {"memory": mmap.MAP_PRIVATE, "shared memory": mmap.MAP_SHARED}.items():
        with suppress(OSError):
            kept.append(take(SMALL.memory_bytes + 32 * MB, flags))
            faults.append(f"a cell took {SMALL.memory_bytes // MB + 32} MB of {what}; allowed are 64")
    return faults


def memory_many() -> list:
    """Ten processes, each within the limit of one. Reports when all have what they want, and a second has passed."""
    ready, tell = os.pipe()
    for _ in range(10):
        if os.fork() == 0:
            kept = take(SMALL.memory_bytes // 2, mmap.MAP_PRIVATE)
            os.write(tell, b"x")
            signal.pause()
            kept.close()
    for _ in range(10):
        os.read(ready, 1)
    time.sleep(1)
    return ["ten processes of a cell took five times the memory that it may have"]


def burn() -> list:
    while True:
        pass


def limit_of_cpu() -> list:
    set_to = resource.getrlimit(resource.RLIMIT_CPU)
    return [] if set_to == (1, 1) else [f"the limit is {set_to}"]


def burn_many() -> list:
    for _ in range(4):
        if os.fork() == 0:
            burn()
    signal.pause()
    return []


def oversleep() -> list:
    time.sleep(3)
    return ["a sleeping cell went on after its time"]


def file_size(target: dict) -> list[str]:
    try:
        with open("large", "wb") as file:
            file.write(b"x" * (SMALL.file_bytes + 1))
    except OSError as error:
        return [] if error.errno == errno.EFBIG else [f"a large file failed with {error.strerror}"]
    return ["a cell wrote a file that is larger than allowed"]


def disk(target: dict) -> list[str]:
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
