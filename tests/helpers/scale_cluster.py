"""A Dask cluster for tests: a real scheduler and real workers, each a process of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from scale_class import surroundings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """Starts and ends the processes; all of them are gone at the end."""

    def __init__(self, folder: Path, host="127.0.0.1", inside=()):
        self.folder, self.host, self.port, self.inside = folder, host, free_port(), list(inside)
        self.scheduler, self.workers = None, []
        self.count = 0

    @property
    def address(self) -> str:
        return f"tcp://{self.host}:{self.port}"

    def start(self) -> None:
        """Start the scheduler, and wait until it listens."""
        arguments = ["--host", self.host, "--port", str(self.port), "--no-dashboard", "--no-show"]
        self.scheduler = self._run("scheduler", arguments, self.inside)
        end = time.monotonic() + 60
        while "Scheduler at" not in self.log("scheduler"):
            assert time.monotonic() < end and self.scheduler.poll() is None, self.log("scheduler")
            time.sleep(0.05)

    def add(self, inside=(), **more) -> subprocess.Popen:
        """Start one worker; does not wait for it."""
        self.count += 1
        arguments = [self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        arguments += ["--name", f"w{self.count}", "--death-timeout", "60"]
        arguments += ["--local-directory", str(self.folder / "scratch" / str(self.count))]
        (self.folder / "scratch").mkdir(exist_ok=True)
        worker = self._run(f"worker {self.count}", arguments, inside, **more)
        self.workers.append(worker)
        return worker

    def _run(self, name, arguments, inside, **more) -> subprocess.Popen:
        module = f"distributed.cli.dask_{name.split()[0]}"
        with (self.folder / f"{name}.log").open("w") as log:
            return subprocess.Popen(
                [*inside, sys.executable, "-m", module, *arguments],
                cwd=self.folder, env=surroundings(**more), stdout=log, stderr=log,
            )  # fmt: skip

    def log(self, name) -> str:
        return (self.folder / f"{name}.log").read_text()

    def __enter__(self):
        self.folder.mkdir(exist_ok=True)
        self.start()
        return self

    def __exit__(self, *_):
        for process in [*self.workers, self.scheduler]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            process.kill()
            process.wait()
