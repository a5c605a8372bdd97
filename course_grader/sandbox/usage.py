"""What the processes of one cell use together: CPU time, memory, processes. Read from /proc, about 0.1 ms a process."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from dataclasses import dataclass

PAGE = resource.getpagesize()
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Process:
    """A line of /proc. reaped_s: CPU seconds of children that it has waited for; resident: bytes."""

    pid: str
    started: str
    cpu_s: float
    reaped_s: float
    threads: int
    resident: int


class Usage:
    """The processes that are alive, and the CPU seconds of all that were seen.

    pid: the cell's first process; session: look at the processes of its session instead of its own /proc
    """

    def __init__(self, pid: int, session: bool = False):
        self.pid, self.session = pid, session
        self.processes: list[Process] = []
        self.cpu_s = 0.0
        self._seen: dict[tuple[str, str], float] = {}
        self._proc = -1

    def look(self) -> None:
        """Read /proc. Raises OSError when the first process has died."""
        if self._proc < 0:  # in a pid namespace of its own, a cell's /proc shows exactly its processes
            place = "/proc" if self.session else f"/proc/{self.pid}/root/proc"
            self._proc = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        names = filter(str.isdigit, os.listdir(self._proc))  # noqa: PTH208 (a descriptor)
        self.processes = [found for name in names if (found := self._process(name))]
        own = {(p.pid, p.started): p.cpu_s for p in self.processes}
        self._seen.update(own)  # those that nobody waits for leave no trace in their parents' times
        tree = sum(p.cpu_s + p.reaped_s for p in self.processes)
        self.cpu_s = max(self.cpu_s, sum(self._seen.values()), tree)

    @property
    def threads(self) -> int:
        return sum(p.threads for p in self.processes)

    def holds_more_than(self, limit: int) -> bool:
        """Do they hold more bytes together, now? What processes share counts once."""
        if sum(p.resident for p in self.processes) <= limit:
            return False  # the usual case, and cheap
        return sum(self._share(p.pid) for p in self.processes) > limit

    def open_files(self) -> int:
        """How many files, pipes and sockets they have open together."""
        total = 0
        for process in self.processes:
            with suppress(OSError):
                folder = os.open(f"{process.pid}/fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._proc)
                total += len(os.listdir(folder))  # noqa: PTH208 (a descriptor)
                os.close(folder)
        return total

    def close(self) -> None:
        if self._proc >= 0:
            os.close(self._proc)
            self._proc = -1

    def _process(self, name: str) -> Process | None:
        try:
            fields = self._read(f"{name}/stat").rpartition(")")[2].split()
        except OSError:  # gone since
            return None
        if self.session and int(fields[3]) != self.pid:
            return None
        user, system, child_user, child_system = (int(field) / TICKS for field in fields[11:15])
        times = user + system, child_user + child_system
        return Process(name, fields[19], *times, int(fields[17]), int(fields[21]) * PAGE)

    def _share(self, name: str) -> int:
        """Bytes: pages that n processes share count as 1/n."""
        try:
            lines = self._read(f"{name}/smaps_rollup").splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))

    def _read(self, name: str) -> str:
        fd = os.open(name, os.O_RDONLY, dir_fd=self._proc)
        try:
            return os.read(fd, 1 << 16).decode(errors="replace")
        finally:
            os.close(fd)
