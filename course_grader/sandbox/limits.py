"""What a cell may use, and how its end is told."""

from __future__ import annotations

import math
import signal
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one cell may use, for its whole life.

    cpu_s: CPU seconds of all its processes together (the kernel holds each process to whole seconds, `watch` the sum)
    wall_s: seconds by the clock; a backstop for code that sleeps, so that load does not change grades: take it large
    memory_bytes: above what the process has at the fork
    processes: and threads, together
    file_bytes: of one file; scratch_bytes: of all files together; open_files: per process
    """

    cpu_s: float = 60.0
    wall_s: float = 600.0
    memory_bytes: int = 1 << 30
    processes: int = 64
    file_bytes: int = 32 << 20
    scratch_bytes: int = 64 << 20
    open_files: int = 256


@dataclass(frozen=True)
class Ended:
    """How a cell ended. cause: "" (it lived until `end_cell`), "time", "memory" or "died"; status: exit status."""

    signal: int | None
    status: int | None
    cpu_s: float
    max_rss_bytes: int
    cause: str


def kernel_cpu(limits: Limits) -> int:
    """The kernel's own limit, whole seconds. It counts ticks, which on a busy machine run 15 % ahead of the CPU time
    that is reported, and `watch` counts: so it comes a little later."""
    return math.ceil(1.25 * limits.cpu_s)


def cause_of_death(number: int | None, cpu_s: float, limits: Limits) -> str:
    """Why did a cell die that nobody here killed? Process 1 of a namespace cannot be killed from inside."""
    if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu_s >= 0.75 * kernel_cpu(limits)):
        return "time"
    return "memory" if number == signal.SIGKILL else "died"
