"""What stands between the grader and its prepared process: run as `python -I -S -c CODE PARENT ISOLATION COMMAND ...`.

It makes a pid namespace (an ordinary user: a user namespace too, in which they are root) and starts the command as
process 1 of it. When the grader dies, by whatever signal, this process kills the command; when this process dies, the
kernel kills the command; when process 1 dies, the kernel kills all in its pid namespace. So nothing can stay behind.
"""

# ruff: noqa: PTH208
# Paths are strings here: what the kernel gives and takes.

from __future__ import annotations

import os
import select
import signal
import sys

from . import syscalls as ns

CODE = "import sys; sys.path.append(sys.argv.pop(1)); from course_grader.sandbox.launcher import main; main()"
FAILED = 125  # exit status when the namespaces cannot be made


def main() -> None:
    grader, isolation, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the grader's business
    alive = os.pidfd_open(grader)
    if os.getppid() != grader:
        os._exit(1)
    if isolation == "full":
        try:
            new_pid_namespace()
        except OSError as error:
            print(error.strerror, file=sys.stderr)
            os._exit(FAILED)
    me = os.pidfd_open(os.getpid())
    child = os.fork()
    if child == 0:
        ns.die_with(me)
        os.execvp(command[0], command)
    os._exit(wait(child, alive))


def new_pid_namespace() -> None:
    """Make the next child process 1 of a pid namespace whose owner may make sandboxes."""
    if ns.has_capability(ns.CAP_SYS_ADMIN):
        ns.unshare(ns.NEWPID)
    else:
        outside = os.geteuid(), os.getegid()
        ns.unshare(ns.NEWUSER | ns.NEWPID)
        ns.map_ids((0, 0), outside)


def wait(child: int, alive: int) -> int:
    """Wait for the child, or for the grader's end and kill the child then. Returns an exit status."""
    ends = os.pidfd_open(child)
    poll = select.poll()
    poll.register(ends, select.POLLIN)
    poll.register(alive, select.POLLIN)
    for fd in os.listdir("/proc/self/fd"):  # hold no end of the caller's pipes and sockets open
        if int(fd) not in (ends, alive):
            try:
                os.close(int(fd))
            except OSError:  # the fd of this listing
                continue
    if any(fd == alive for fd, _ in poll.poll()):
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):  # say the same to Popen
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL) if os.WTERMSIG(status) != signal.SIGKILL else None
        os.kill(os.getpid(), os.WTERMSIG(status))
        return 128 + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)
