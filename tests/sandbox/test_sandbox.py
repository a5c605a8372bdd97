"""The sandbox: what a cell can do, cannot do, and leaves behind. As root and as an ordinary user."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from course_grader.contracts import GraderError
from course_grader.sandbox import advice, attempts, gate, seccomp, seen, trials, view
from course_grader.sandbox import cell as sandbox
from course_grader.sandbox.surroundings import clean_environment

pytestmark = [
    pytest.mark.part("grader"),
    pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux"),
]
PACKAGE = str(Path(sandbox.__file__).resolve().parents[2])
USER = 12345  # an ordinary user, whom no file of the machine belongs to

# Runs a command as an ordinary user. In a mount namespace of its own: the interpreter may lie in a folder that others
# cannot enter, and is shown at its place then.
AS_USER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from course_grader.sandbox import syscalls as ns
from pathlib import Path
user, forbid = int(sys.argv[2]), sys.argv[3] == "forbid"
ns.unshare(ns.NEWNS)
ns.mount("none", "/", flags=ns.MS_REC | ns.MS_PRIVATE)
base = sys.base_prefix
closed = [str(p) for p in reversed(Path(base).parents) if not p.stat().st_mode & 1]
if closed:
    fd = os.open(base, os.O_PATH)
    ns.tmpfs(closed[0], 1 << 20)
    os.makedirs(base)
    ns.bind(f"/proc/self/fd/{fd}", base)
    os.close(fd)
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)
if forbid:  # as on a system that allows no user namespaces: this is the last one
    ns.unshare(ns.NEWUSER)
    ns.prctl(ns.PR_SET_DUMPABLE, 1)
    ns.map_ids((user, user), (user, user))
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
os.environ["HOME"] = "/nowhere"
os.execv(sys.executable, [sys.executable, *sys.argv[4:]])
"""

# What a test's lines run in: the base process of a submission, after `enter`. `cell(action)` runs a function in a cell
# and gives (what it returned or None, how the cell ended).
BASE = """
import json, os, sys, time
sys.path.insert(0, sys.argv[1])
from course_grader.sandbox import cell as sandbox
from course_grader.sandbox import protections
from course_grader.sandbox.limits import Limits
options = json.loads(sys.argv[2])

def cell(action, limits=Limits(cpu_s=20), seconds=20, watched=True):
    said, says = os.pipe()
    pid = sandbox.fork_cell(limits, [says])
    if pid == 0:
        try:
            answer = action()
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(says, json.dumps(answer).encode() + b"\\n")
        time.sleep(60)
        os._exit(0)
    os.close(says)
    os.set_blocking(said, False)
    text, late = b"", time.monotonic() + seconds
    while not text.endswith(b"\\n") and time.monotonic() < late:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        if watched:
            sandbox.watch(pid)
        try:
            text += os.read(said, 1 << 16)
        except BlockingIOError:
            time.sleep(0.01)
    os.close(said)
    ended = sandbox.end_cell(pid)
    return (json.loads(text) if text else None), vars(ended)

pid = sandbox.fork_base()
if pid == 0:
    try:
        sandbox.enter(**options)
        result = {"result": main()}
    except BaseException as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
"""


def ordinary_user(command, forbid=False):
    """The command line that runs `python command...` as an ordinary user."""
    return [sys.executable, "-I", "-c", AS_USER, PACKAGE, str(USER), "forbid" if forbid else "", *command]


def in_base(body, *arguments, env=None, **options):
    """Run `body`, which defines main(), in a base process; returns what main() returned."""
    isolation = options.get("isolation", "full")
    command = [sys.executable, "-I", "-c", body + BASE, PACKAGE, json.dumps(options), *arguments]
    with sandbox.launch(command, env, isolation=isolation, stdout=subprocess.PIPE, text=True) as process:
        out = process.communicate(timeout=60)[0]
    answer = json.loads(out.splitlines()[-1])
    assert "error" not in answer, answer["error"]
    return answer["result"]


def trials_as_user(forbid=False, **options):
    code = f"import sys; sys.path.append({PACKAGE!r})\nfrom course_grader.sandbox import trials\nimport json\n"
    code += f"print(json.dumps([vars(p) for p in trials.carry_out(**{options!r})]))"
    done = subprocess.run(
        ordinary_user(["-I", "-c", code], forbid), capture_output=True, text=True, timeout=90, check=True
    )
    return [attempts.Trial(**found) for found in json.loads(done.stdout)]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; the rest runs as you")


# --- the trials --------------------------------------------------------------------------------------------------


def test_every_trial_holds():
    found = trials.carry_out(Path(PACKAGE))
    assert [one.name for one in found] == list(attempts.ATTEMPTS)
    assert [one.sentence for one in found if not one.held] == []


@needs_root
def test_every_trial_holds_for_an_ordinary_user():
    found = trials_as_user()
    assert [one.name for one in found] == list(attempts.ATTEMPTS)
    assert [one.sentence for one in found if not one.held] == []


WITHOUT = [
    ("network", "network", "reached a TCP port"),
    ("network", "network", "reached an abstract socket"),
    ("files", "files", "sees /etc/shadow"),
    ("readonly", "files", "can write to"),
    ("processes", "processes", "processes that are not its own"),
    ("processes", "leftover", "outlived their cell"),
    ("session", "processes", "process group of the grader"),
    ("power", "power", "has capabilities"),
    ("power", "power", "may gain privileges"),
    ("victim", "power", "first victim"),
    ("seccomp", "calls", "may use ptrace"),
    ("seccomp", "calls", "may use memfd_create"),
    ("seccomp", "calls", "may use prctl"),
    ("environment", "secrets", "environment variables"),
    ("close", "secrets", "open files"),
    ("close", "output", "wrote to the grader's output"),
    ("limit-NPROC", "fork", "processes; allowed are"),
    ("limit-AS", "memory", "MB of shared memory"),
    ("limit-FSIZE", "file size", "larger than allowed"),
    ("scratch", "disk", "MB to disk"),
    ("limit-CPU", "caps", "one process used more CPU time"),
    ("watch", "caps", "four processes used more CPU time"),
    ("watch", "caps", "took more memory than it may"),
    ("watch", "caps", "a sleeping cell went on"),
]
SLOW = ("caps", "leftover")
_found = {}


@pytest.mark.parametrize(("protection", "name", "sentence"), WITHOUT, ids=lambda value: value)
def test_a_trial_notices_that_a_protection_is_missing(protection, name, sentence):
    if (protection, name) not in _found:
        _found[protection, name] = trials.carry_out(without=[protection], only=[name])
    (found,) = _found[protection, name]
    assert not found.held
    assert sentence in found.sentence


@needs_root
def test_a_trial_notices_as_an_ordinary_user_too():
    for protection, name, sentence in (("readonly", "files", "can change the Python"), ("network", "network", "TCP")):
        (found,) = trials_as_user(without=[protection], only=[name])
        assert not found.held
        assert name == "files" or sentence in found.sentence


@needs_root
def test_root_students_would_be_noticed():
    found = {one.name: one for one in trials.carry_out(without=["user"], only=["power", "fork"])}
    assert "can become root" in found["power"].sentence
    assert not found["fork"].held  # the kernel does not cap root's processes


def test_a_file_of_the_course_that_is_shown_is_noticed():
    (found,) = trials.carry_out(Path(PACKAGE), readable=[Path(PACKAGE, "pyproject.toml")], only=["files"])
    assert not found.held
    assert "pyproject.toml" in found.sentence


@needs_root
def test_a_system_without_user_namespaces_is_refused_in_words():
    (found,) = trials_as_user(forbid=True)
    assert not found.held
    assert found.sentence.startswith("No sandbox could be made: unshare(")


def test_a_kernel_that_was_seen_to_hold_a_limit_is_not_asked_again(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(seen, "_path", lambda: tmp_path / "own" / "cpu-limit")
    monkeypatch.setattr(trials, "carry_out", lambda *_, kernel_seen: asked.append(kernel_seen) or [held])
    for holds in (False, True, True):
        held = attempts.Trial("caps", holds, "")
        gate._tried_once.cache_clear()
        gate._tried_once(None, ())
    assert asked == [False, False, True]
    gate._tried_once.cache_clear()


def test_what_was_seen_is_believed_only_of_this_kernel_and_from_a_file_of_our_own(monkeypatch, tmp_path):
    kept = tmp_path / "own" / "cpu-limit"
    monkeypatch.setattr(seen, "_path", lambda: kept)
    assert not seen.before()
    seen.keep()
    assert seen.before()
    assert [path.name for path in kept.parent.iterdir()] == ["cpu-limit"]
    for path in (kept, kept.parent):
        mode = path.stat().st_mode
        path.chmod(mode | 0o002)
        assert not seen.before()
        path.chmod(mode)
    assert seen.before()
    kept.rename(tmp_path / "other")
    kept.symlink_to(tmp_path / "other")
    assert not seen.before()
    kept.unlink()
    kept.write_text("another boot " + (tmp_path / "other").read_text())
    assert not seen.before()


def test_a_limit_that_is_not_set_is_noticed_without_burning():
    given = {"only": ["caps"], "kernel_seen": True}
    (held,) = trials.carry_out(**given)
    assert held.held, held.sentence
    (found,) = trials.carry_out(without=["limit-CPU"], **given)
    assert not found.held
    assert "one process used more CPU time" in found.sentence


def test_grading_is_refused_when_a_trial_gets_through(monkeypatch):
    bad = attempts.Trial("network", False, "network: a cell reached the network.")
    monkeypatch.setattr(trials, "carry_out", lambda *_, **__: [bad])
    gate._tried_once.cache_clear()
    with pytest.raises(GraderError, match=r"a cell reached the network.*--isolation none"):
        gate.check_or_refuse("full")
    gate._tried_once.cache_clear()
    gate.check_or_refuse("none")


def test_the_advice_names_the_setting(monkeypatch):
    settings = {}
    monkeypatch.setattr(advice, "_setting", lambda name: settings.get(name, ""))
    for name, value, said in (
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "apparmor_restrict_unprivileged_userns=0"),
        ("user.max_user_namespaces", "0", "max_user_namespaces=15000"),
        ("kernel.unprivileged_userns_clone", "0", "unprivileged_userns_clone=1"),
    ):
        settings.clear()
        settings[name] = value
        assert said in advice.advice()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "Linux container" in advice.advice()


# --- cells -------------------------------------------------------------------------------------------------------


def test_what_students_use_works_in_a_cell():
    body = """
def work():
    import ctypes, getpass, multiprocessing, pathlib, subprocess, tempfile, threading, time
    import numpy
    import matplotlib
    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    plt.plot([1, 2])
    plt.savefig("figure.png")
    threads = [threading.Thread(target=time.sleep, args=(0.01,)) for _ in range(4)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        squares = pool.map(abs, [-1, -2])
    lines = [sys.executable, "-c", "import numpy; print(numpy.arange(3).sum())"]
    said = subprocess.run(lines, capture_output=True, text=True).stdout
    with tempfile.TemporaryFile() as file:
        file.write(b"x")
    return [squares, said, sorted(os.listdir()), getpass.getuser(), str(pathlib.Path.home()), os.getpid()]

def main():
    return cell(work)
"""
    result, ended = in_base(body, env=clean_environment({"HOME": str(Path.home())}))
    assert result == [[1, 2], "3\n", ["figure.png"], "student", "/tmp/home", 1]
    assert (ended["cause"], ended["signal"]) == ("", signal.SIGKILL)


@pytest.mark.full
def test_torch_works_in_a_cell():
    body = """
def work():
    import torch
    from torch.utils.data import DataLoader
    torch.set_num_threads(2)
    weights = torch.randn(300, 300, requires_grad=True)
    (weights @ weights).sum().backward()
    torch.optim.AdamW([weights]).step()
    return [list(batch.shape) for batch in DataLoader(torch.randn(8, 3), batch_size=4, num_workers=2)]

def main():
    import torch
    return cell(work, Limits(memory_bytes=4 << 30))
"""
    assert in_base(body)[0] == [[4, 3], [4, 3]]


def test_a_cell_says_why_it_died():
    body = """
def crash():
    import ctypes
    ctypes.memset(0, 0, 1)

def main():
    causes = {}
    for name, action, limits in (
        ("exit", lambda: os._exit(7), Limits()),
        ("crash", crash, Limits()),
        ("kill", lambda: os.kill(0, 15) or time.sleep(9), Limits(wall_s=0.3)),
        ("lives", lambda: "here", Limits()),
        ("memory", lambda: len(bytearray(1 << 28)), Limits(memory_bytes=1 << 26)),
    ):
        report, ended = cell(action, limits)
        causes[name] = [report, ended["cause"], ended["status"], ended["signal"]]
    return causes
"""
    causes = in_base(body)
    assert causes["exit"] == [None, "died", 7, None]
    assert causes["crash"] == [None, "died", None, signal.SIGSEGV]
    assert causes["kill"] == [None, "time", None, signal.SIGKILL]  # process 1 does not hear its own SIGTERM
    assert causes["lives"] == ["here", "", None, signal.SIGKILL]
    assert causes["memory"] == ["MemoryError: ", "", None, signal.SIGKILL]


def test_full_sockets_count_as_memory():
    body = """
def fill():
    import socket
    for _ in range(8):
        if os.fork() == 0:
            kept = [socket.socketpair() for _ in range(40)]
            time.sleep(60)
    time.sleep(60)

def main():
    few = cell(lambda: [os.fork() or time.sleep(9) for _ in range(3)] and "", Limits(open_files=100, wall_s=1))[1]
    return [few["cause"], cell(fill, Limits(open_files=100))[1]["cause"]]
"""
    assert in_base(body) == ["", "memory"]


def test_each_cell_starts_fresh_and_leaves_nothing():
    body = """
def look():
    found = sorted(os.listdir(".")), sorted(os.listdir("/tmp")), os.listdir("/dev/shm")
    for place in (".", "/tmp", "/dev/shm"):
        open(f"{place}/left", "w").close()
    return found

def main():
    def state():
        return len(os.listdir("/proc/self/fd")), len(open("/proc/mounts").readlines()), os.listdir(".")
    before = state()
    seen = [cell(look)[0] for _ in range(10)]
    processes = [name for name in os.listdir("/proc") if name.isdigit()]
    return [seen, state() == before, processes]
"""
    seen, same, processes = in_base(body)
    below_tmp = {path.split("/")[2] for path in (sys.prefix, sandbox.__file__) if path.startswith("/tmp/")}
    assert seen == [[[], sorted({"home", "shm", "work"} | below_tmp), []]] * 10
    assert same
    assert processes == ["1"]


def test_no_student_code_runs_when_a_protection_fails():
    body = """
def main():
    def fail(start):
        raise OSError("this protection failed")
    protections.FULL["power"] = fail
    said, says = os.pipe()
    try:
        if sandbox.fork_cell(Limits(), [says]) == 0:
            os.write(says, b"it ran")
            os._exit(0)
    except Exception as error:
        os.close(says)
        return [type(error).__name__, str(error), os.read(said, 99).decode()]
"""
    kind, text, ran = in_base(body)
    assert kind == "GraderError"
    assert "this protection failed" in text
    assert ran == ""


def test_only_what_is_asked_for_is_seen(tmp_path):
    """Below /tmp, too, where the cell has its scratch folder."""
    for place in ("shown/data.txt", "shown/inside/tests.txt", "beside.txt"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(place)
    (tmp_path / "link").symlink_to("shown")
    body = """
def look():
    place, link = sys.argv[3:]
    seen = open(f"{link}/data.txt").read(), os.listdir(f"{place}/inside"), sorted(os.listdir(os.path.dirname(place)))
    try:
        open(f"{place}/new", "w")
    except OSError as error:
        return [*seen, type(error).__name__, error.errno]

def main():
    return cell(look)[0]
"""
    shown, link = str(tmp_path / "shown"), str(tmp_path / "link")
    seen = in_base(body, shown, link, readable=[shown, link], hidden=[f"{shown}/inside"])
    assert seen == ["shown/data.txt", [], ["link", "shown"], "OSError", 30]  # EROFS


def test_isolation_none_keeps_the_kernels_limits():
    body = """
def leave():
    if os.fork() == 0:
        time.sleep(60)
    import resource
    open("left", "w").close()
    limits = [resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0] for name in ("CPU", "FSIZE", "NOFILE")]
    files = sorted(os.listdir("/proc/self/fd"))[:3]
    return [os.getcwd(), "SECRET" in os.environ, files, limits, os.getpgrp() == os.getpid()]

def main():
    (where, *seen), ended = cell(leave, Limits(cpu_s=4, file_bytes=1000, open_files=50))
    bombs = cell(lambda: [os.fork() or time.sleep(9) for _ in range(30)], Limits(processes=8))[1]
    slow = cell(lambda: time.sleep(9), Limits(wall_s=0.2))[1]
    return [seen, ended["cause"], os.path.exists(where), bombs["cause"], slow["cause"]]
"""
    env = clean_environment({"SECRET": "1"})
    seen = [False, ["0", "1", "2"], [5, 1000, 50], True]
    assert in_base(body, env=env, isolation="none") == [seen, "", False, "died", "time"]


# --- nothing stays behind ----------------------------------------------------------------------------------------

# Stands for the grader: starts a prepared process with two bases, and says when the cells of both are at work.
GRADER = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from course_grader.sandbox import cell as sandbox
worker = sandbox.launch([sys.executable, "-I", "-c", sys.argv[3], *sys.argv[1:3]])
worker.wait()
"""
WORKER = """
import os, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from course_grader.sandbox import cell as sandbox

def work():
    if os.fork() == 0:
        os.setsid()
        sleeper = [sys.executable, "-I", "-c", "import time; time.sleep(600)", sys.argv[2]]
        subprocess.Popen(sleeper, start_new_session=True)
        time.sleep(600)
    time.sleep(0.2)
    os.write(1, b"at work\\n")
    while True:
        pass

for _ in range(2):
    if sandbox.fork_base() == 0:
        sandbox.enter()
        if sandbox.fork_cell(sandbox.Limits(), keep=[1]) == 0:
            work()
        time.sleep(600)
time.sleep(600)
"""


def processes(token):
    """{pid: its parent} of what runs with the token in its command line, zombies excepted."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and token in (folder / "cmdline").read_text():
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    found[int(folder.name)] = int(parent)
        except OSError:
            continue
    return found


def start_grader(token, who):
    command = ["-I", "-c", GRADER, PACKAGE, token, WORKER]
    command = ordinary_user(command) if who == "user" else [sys.executable, *command]
    grader = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert [grader.stdout.readline() for _ in range(2)] == [b"at work\n"] * 2
    return grader


def generations(grader, token):
    """Lists of pids: the grader, the process in between, the prepared process, its bases, their cells, and so on."""
    parents = processes(token)
    found = [[grader.pid]]
    while found[-1]:
        found.append([pid for pid, parent in parents.items() if parent in found[-1]])
    return found[:-1]


# What must live on: all but a base with its cell and the cell's two, or a cell with its two.
LEFT = {"grader": 0, "between": 0, "prepared": 0, "base": 7, "cell": 8}
VICTIMS = {"grader": 0, "between": 1, "prepared": 2, "base": 3, "cell": 4}


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("who", ["me", "me again", pytest.param("user", marks=needs_root)])
def test_nothing_stays_when_someone_is_killed(victim, who):
    mounts = Path("/proc/self/mounts").read_text()
    token = f"course-grader-test-{uuid.uuid4().hex}"
    grader = start_grader(token, who)
    try:
        family = generations(grader, token)
        assert [len(level) for level in family] == [1, 1, 1, 2, 2, 2, 2]
        target = family[VICTIMS[victim]][0]
        os.kill(target, signal.SIGKILL)
        late = time.monotonic() + 20
        while len(processes(token)) > LEFT[victim] and time.monotonic() < late:
            time.sleep(0.02)
        assert len(processes(token)) == LEFT[victim]
        assert Path("/proc/self/mounts").read_text() == mounts
    finally:
        grader.kill()
        grader.wait()
        grader.stdout.close()
        late = time.monotonic() + 20
        while processes(token) and time.monotonic() < late:
            time.sleep(0.02)
        assert processes(token) == {}


# --- the list of system calls ------------------------------------------------------------------------------------


def judged(machine, number, *arguments, foreign=False):
    """What the filter answers to a system call: a small interpreter of its instructions."""
    architecture = 0x40000003 if foreign else seccomp.ARCHITECTURE[machine]
    data = struct.pack("iIQ6Q", number, architecture, 0, *(*arguments, *[0] * (6 - len(arguments))))
    code = list(struct.iter_unpack("HBBI", seccomp.program(machine)))
    place = value = 0
    while True:
        what, yes, no, operand = code[place]
        place += 1
        if what == seccomp.LOAD:
            value = struct.unpack_from("I", data, operand)[0]
        elif what == seccomp.RETURN:
            return operand
        else:
            tests = {seccomp.EQUAL: value == operand, seccomp.GREATER: value > operand}
            place += yes if tests.get(what, bool(value & operand)) else no


@pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
def test_the_filter_refuses_what_it_lists_and_little_else(machine, column):
    refused, missing = seccomp.answer(1), seccomp.answer(38)
    for name, numbers in seccomp.REFUSED.items():
        assert numbers[column] is None or judged(machine, numbers[column]) == refused, name
    listed = {numbers[column] for numbers in seccomp.REFUSED.values()}
    special = {seccomp.CLONE3[column], seccomp.SOCKET[column], seccomp.SOCKETPAIR[column], seccomp.PERSONALITY[column]}
    others = set(range(seccomp.NEWEST + 1)) - listed - special
    assert {judged(machine, number) for number in others} == {seccomp.ALLOW}
    clone, prctl = seccomp.CLONE[column], seccomp.PRCTL[column]
    high = 1 << 40  # the kernel reads the low half only, so a set bit up there must not hide it
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert judged(machine, clone, flag | 17 | high) == refused
    assert judged(machine, clone, 0x3D0F00) == seccomp.ALLOW  # a thread
    assert judged(machine, prctl, high | 1) == refused
    assert judged(machine, prctl, 15) == seccomp.ALLOW
    assert judged(machine, seccomp.CLONE3[column]) == missing
    assert judged(machine, seccomp.NEWEST + 1) == judged(machine, 0x40000000 + 57) == missing
    assert judged(machine, 0, foreign=True) == seccomp.KILL
    families = {family: judged(machine, seccomp.SOCKET[column], family) for family in range(50)}
    assert [family for family, answer in families.items() if answer == seccomp.ALLOW] == [1, 2, 10]
    assert judged(machine, seccomp.PERSONALITY[column], 0xFFFFFFFF) == seccomp.ALLOW
    assert judged(machine, seccomp.PERSONALITY[column], 0x40000) == refused
    assert judged(machine, seccomp.IOCTL[column], 0, 0x5412) == refused


# --- the view ----------------------------------------------------------------------------------------------------


def test_the_view_follows_links_and_shows_nothing_twice(tmp_path):
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "real" / "file").write_text("x")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "circle").symlink_to("circle")
    place = os.path.realpath(tmp_path)
    seen = view.View()
    seen.show(tmp_path / "link" / "deep")
    assert seen.links == {f"{place}/link": "real"}
    assert seen.binds == {f"{place}/real/deep": True}
    for path in ("real/deep", "link/deep/../deep", "circle/x", "nothing"):
        seen.show(tmp_path / path)
    assert list(seen.binds) == [f"{place}/real/deep"]
    seen.show(tmp_path / "real")  # a folder of which a part is shown already
    assert seen.binds == {f"{place}/real/deep": True, f"{place}/real/file": False}


def test_the_view_has_the_environment_but_not_the_course():
    seen = view.view()
    assert all(seen.covered(os.path.realpath(path)) for path in (sys.executable, json.__file__, pytest.__file__))
    for path in (PACKAGE, f"{PACKAGE}/source", f"{PACKAGE}/course_grader", f"{PACKAGE}/gradebook.db", Path.home()):
        assert not seen.covered(str(path))
    assert seen.covered(os.path.realpath(f"{PACKAGE}/course_utils"))


def test_an_environment_in_a_hidden_folder_is_an_error(monkeypatch, tmp_path):
    seen = view.View()
    seen.show(tmp_path)
    monkeypatch.setattr(sys, "prefix", f"{tmp_path}/course/.venv")
    with pytest.raises(ValueError, match="is to be seen by student code"):
        seen.hide(f"{tmp_path}/course", "/nowhere")
