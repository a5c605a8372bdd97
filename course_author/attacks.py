"""The attack corpus against our grader, and against stock nbgrader: `make attacks`.

Every submission of tests/attacks goes through the whole of grading: intake, engine, record, feedback. Counted is what
it won: points on what it attacks, canaries of hidden tests in anything that leaves the grader, changes to anything that
is not its own, and, for those that are after whoever reads a page, whatever is live on formgrader's pages of them in a
browser. A destructive one runs inside namespaces of its own around all of this, in case the sandbox fails: an
own process space, network, and /tmp, and a read-only view of the rest.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import hashlib
import io
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path

from .units import ROOT, UnitError

sys.path.insert(0, str(ROOT / "tests"))

STOCK = ROOT / "tests" / "attacks" / "stock.json"
INSIDE = "COURSE_ATTACKS_INSIDE"
WORD = "attacked-course"  # in the path of every course that may be harmed; attacks look for it
HOME = "/mnt/home"
MEMORY = 10 << 30  # bytes of address space for every process, in case a cap of the sandbox fails
WALL_SECONDS = 2.0  # for a student's cell; the engine's own 60 s would make this corpus take an hour
STOCK_SECONDS = 240  # for one submission on stock nbgrader; longer counts as stopped
SLOW = 240  # seconds after which one submission counts as having stopped ours


@dataclasses.dataclass
class Outcome:
    """What one attack won. gained: points above those deserved; leaked, changed, live, lost: what; stopped: why."""

    name: str
    letter: str
    gained: float = 0.0
    leaked: list[str] = dataclasses.field(default_factory=list)
    changed: list[str] = dataclasses.field(default_factory=list)
    live: list[str] = dataclasses.field(default_factory=list)  # on formgrader's pages in a browser
    lost: list[str] = dataclasses.field(default_factory=list)  # points of other exercises, or a cause not expected
    stopped: str = ""
    causes: dict[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    refused: str = ""

    @property
    def won(self) -> bool:
        return bool(self.gained or self.leaked or self.changed or self.live or self.lost or self.stopped)


def _corpus() -> dict[str, list]:
    from attacks import base

    return base.corpus()


def _named(names: list[str]) -> list[tuple[str, object]]:
    """(letter, attack) of the names, in the corpus's order; the control comes first."""
    from attacks import base

    every = [("-", base.CONTROL)] + [(letter, attack) for letter, ones in _corpus().items() for attack in ones]
    return [(letter, attack) for letter, attack in every if attack.name in names]


# -- the submission ----------------------------------------------------------------------------------------------------


def hand_in(attack, course: Path) -> Path:
    """Write an attack's submission into the course; returns its folder (or what the attack made of it)."""
    from attacks import course as made

    _remove_submission(attack.student, course)
    notebook = json.loads(made.released(course).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = attack.answers.get(name, cell["source"])
    if attack.notebook:
        attack.notebook(notebook)
    data = json.dumps(notebook).encode()
    folder = made.submitted(course, attack.student)
    folder.mkdir(parents=True)
    (folder / f"{made.UNIT}.ipynb").write_bytes(attack.data(data) if attack.data else data)
    if attack.folder:
        attack.folder(folder)
    return folder


def _remove_submission(student: str, course: Path) -> None:
    for step in ("submitted", "autograded", "feedback"):
        _remove(course / step / student)


def _remove(folder: Path) -> None:
    """Remove a folder, however deep it is and whatever it forbids."""
    if os.path.lexists(folder):
        subprocess.run(["rm", "-rf", "--", str(folder)], capture_output=True, check=False)


def own_points(scores: dict[str, float], attack) -> tuple[float, list[str]]:
    """(points above those deserved, exercises beside the target that lack points) of scores by grade_id."""
    from attacks.course import EXERCISES, POINTS_CHECK, POINTS_HIDDEN

    due = {}
    for slug in EXERCISES:
        due[f"{slug}-check"] = POINTS_CHECK
        due[f"{slug}-hidden"] = attack.earns if slug == attack.target else POINTS_HIDDEN
    gained = sum(max(0.0, scores.get(name, 0.0) - most) for name, most in due.items())
    gained += sum(score for name, score in scores.items() if name not in due)
    full = [slug for slug in EXERCISES if (slug != attack.target or attack.earns) and slug not in attack.loses]
    lost = [
        slug for slug in full if any(scores.get(f"{slug}-{p}", 0.0) < due[f"{slug}-{p}"] for p in ("check", "hidden"))
    ]
    return gained, lost


# -- what must stay as it is -------------------------------------------------------------------------------------------


def state(course: Path, student: str) -> dict[str, str]:
    """Digests of all of a course that is not this student's: files by path, and others' rows of the gradebook."""
    found = {}
    for folder, folders, names in os.walk(course):
        folders[:] = [name for name in folders if name != student]
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in [*links, *(name for name in names if not name.startswith("gradebook.db"))]:
            path = Path(folder, name)
            content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(course))] = hashlib.sha256(content).hexdigest()
    return found | _rows(course / "gradebook.db", student)


def _rows(path: Path, student: str) -> dict[str, str]:
    """Digests of the gradebook's tables, without the rows of this student."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)) as book:
            own = "select id from submitted_assignment where student_id = ?"
            books = f"select id from submitted_notebook where assignment_id in ({own})"
            tables = {
                "grade": f"select * from grade where notebook_id not in ({books}) order by id",
                "comment": f"select * from comment where notebook_id not in ({books}) order by id",
                "submitted_notebook": f"select * from submitted_notebook where assignment_id not in ({own})",
                "submitted_assignment": "select * from submitted_assignment where student_id != ? order by id",
                "student": "select * from student where id != ? order by id",
                "source_cell": "select * from source_cell where '' != ? order by id",
                "base_cell": "select * from base_cell where '' != ? order by id",
                "sqlite_master": "select * from sqlite_master where '' != ? order by name",
            }
            return {
                f"gradebook.db: {name}": hashlib.sha256(
                    repr(book.execute(query, [student]).fetchall()).encode()
                ).hexdigest()
                for name, query in tables.items()
            }
    except sqlite3.Error as error:
        return {"gradebook.db": f"cannot be read ({error})"}


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def scores_in(course: Path, student: str) -> dict[str, float | None]:
    """The student's points by grade_id, as the gradebook has them; None where there are none."""
    query = (
        "select base_cell.name, grade.auto_score, grade.manual_score from grade "
        "join base_cell on base_cell.id = grade.cell_id "
        "join submitted_notebook on submitted_notebook.id = grade.notebook_id "
        "join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id "
        "where submitted_assignment.student_id = ?"
    )
    with contextlib.closing(sqlite3.connect(f"file:{course / 'gradebook.db'}?mode=ro", uri=True, timeout=1)) as book:
        rows = book.execute(query, [student]).fetchall()
    return {name: manual if manual is not None else auto for name, auto, manual in rows}


def strays(seen: set[str]) -> list[Path]:
    """Files that appeared outside of the course: in the private /tmp, in /dev/shm, in the home folder."""
    found = []
    for top in ("/tmp", "/dev/shm", "/var/tmp", os.environ["HOME"]):
        for folder, folders, names in os.walk(top):
            # Neither the attacked course nor this one, which may lie below /tmp.
            folders[:] = [name for name in folders if WORD not in name and Path(folder, name) != ROOT]
            found += [Path(folder) / name for name in names]
    return [path for path in found if str(path) not in seen]


# -- the ears ----------------------------------------------------------------------------------------------------------


class Ears:
    """Listens wherever an attack may send something: TCP, UDP, DNS, a metadata service, an abstract socket."""

    def __init__(self):
        from attacks import base

        self.heard: list[bytes] = []
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "addr", "add", f"{base.METADATA[0]}/32", "dev", "lo"], check=False, capture_output=True)
        answer = f"HTTP/1.0 200 OK\r\n\r\n{base.METADATA_SECRET}".encode()
        for family, kind, place, reply in (
            (socket.AF_INET, socket.SOCK_STREAM, base.TCP, b"[]"),
            (socket.AF_INET, socket.SOCK_STREAM, base.METADATA, answer),
            (socket.AF_UNIX, socket.SOCK_STREAM, base.ABSTRACT, b"[]"),
            (socket.AF_INET, socket.SOCK_DGRAM, base.UDP, b""),
            (socket.AF_INET, socket.SOCK_DGRAM, base.DNS, b""),
        ):
            ear = socket.socket(family, kind)
            ear.bind(place)
            listen = self._packets if kind == socket.SOCK_DGRAM else self._streams
            threading.Thread(target=listen, args=(ear, reply), daemon=True).start()

    def _packets(self, ear, reply) -> None:
        while True:
            self.heard.append(ear.recv(65_536))

    def _streams(self, ear, reply) -> None:
        ear.listen()
        while True:
            connection, _ = ear.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(1)
                self.heard.append(b"connected")
                self.heard.append(connection.recv(65_536))
                connection.sendall(reply)

    def take(self) -> list[bytes]:
        heard, self.heard = self.heard, []
        return heard


# -- our grader --------------------------------------------------------------------------------------------------------


class Ours:
    """Grades the corpus with the real engine, in a course of its own."""

    def __init__(self, folder: Path):
        from course_grader.course import plan
        from course_grader.engine import engine
        from course_grader.grading import submission as steps

        self.course, self._engine, self._steps, self._plans = folder, engine.Engine, steps, plan
        self.grader = self._grader()
        self.plan = self.grader.plans(_unit())[_unit()]
        with self.grader.hold(_unit()):  # makes the lock file, and has the own answers tried
            pass
        self.ears = Ears()

    def _grader(self):
        grader = self._steps.Grader(self._plans.settings(self.course))
        grader._engine = self._engine(self.course, wall_seconds=WALL_SECONDS).__enter__()
        return grader

    def measure(self, letter: str, attack) -> Outcome:
        outcome, started = Outcome(attack.name, letter), time.monotonic()
        hand_in(attack, self.course)
        before, seen = state(self.course, attack.student), {str(path) for path in strays(set())}
        self.ears.take()
        signal.alarm(SLOW)
        try:
            with self._where(attack) as grader:
                self._grade(attack, grader, outcome)
        except Exception as error:
            outcome.stopped = f"{type(error).__name__}: {error}"[:300]
        finally:
            signal.alarm(0)
        outcome.seconds = time.monotonic() - started
        outcome.changed += differences(before, state(self.course, attack.student))
        _look_outside(outcome, attack, seen, self.ears, everywhere=True)
        _remove_submission(attack.student, self.course)
        return outcome

    @contextlib.contextmanager
    def _where(self, attack):
        """The running grader; for an attack on the folder in which it is started, one that is started there."""
        if not attack.inside:
            yield self.grader
            return
        before = Path.cwd()
        os.chdir(self.course / "submitted" / attack.student / _unit())
        grader = self._grader()
        try:
            yield grader
        finally:
            grader.close()
            os.chdir(before)

    def _grade(self, attack, grader, outcome: Outcome) -> None:
        from course_grader.contracts import GraderError

        plan = dataclasses.replace(self.plan, cpu_seconds=attack.cpu_seconds)
        grader.forget_plans()
        try:
            with grader.hold(_unit()):  # the own answers had the unit's own time
                grader._plans[_unit()] = {_unit(): plan}
                (done,) = grader.grade(_unit(), attack.student)
        except GraderError as error:
            outcome.refused = str(error)
            outcome.leaked += _leaks(str(error), attack)
            if not attack.refused:
                outcome.lost.append(f"refused: {error}"[:120])
            return
        verdict = done.verdict
        outcome.causes = {cell.name: cell.cause for cell in verdict.cells}
        scores = {cell.name: cell.points for cell in verdict.cells}
        booked = {name: score or 0.0 for name, score in scores_in(self.course, attack.student).items()}
        for points in (scores, booked):
            gained, lost = own_points(points, attack)
            outcome.gained = max(outcome.gained, gained)
            outcome.lost += [slug for slug in lost if slug not in outcome.lost]
        cause = outcome.causes.get(f"{attack.target}-hidden", "none")
        if not attack.earns and not attack.refused and cause not in attack.causes:
            outcome.lost.append(f"the cause is {cause!r}")
        outcome.leaked += _leaks(self._told(verdict), attack)
        self._pages(attack, plan, verdict, outcome)

    def _told(self, verdict) -> str:
        """All of a verdict that may reach a student; `detail` is for the instructor alone."""
        cells = [[cell.name, cell.message, cell.output, cell.cause] for cell in verdict.cells]
        return json.dumps([cells, [dataclasses.asdict(run) for run in verdict.runs], verdict.notes])

    def _pages(self, attack, plan, verdict, outcome: Outcome) -> None:
        """Look at what a student and a teaching assistant see: the feedback page, the autograded notebook's outputs."""
        import nbformat

        from course_grader.feedback import page as feedback

        path = self.course / "autograded" / attack.student / _unit() / f"{_unit()}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        page = feedback.page(plan, feedback.submission_of(notebook, plan, attack.student), verdict, {}, {})
        outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
        outcome.leaked += _leaks(page, attack) + _leaks(json.dumps(outputs), attack)
        outcome.changed += _active(page)

    def close(self) -> None:
        self.grader.close()


def _leaks(text: str, attack) -> list[str]:
    from attacks.scan import leaks

    own = "\n".join(attack.answers.values())
    return [word for word in leaks(text, attack.loot) if word not in own or word in attack.loot]


def _active(page: str) -> list[str]:
    from attacks.scan import active

    return [f"page: {part}" for part in active(page)]


def _look_outside(outcome: Outcome, attack, seen: set[str], ears: Ears, everywhere=False) -> None:
    """Files that an attack left outside of the course, and what it sent out.

    everywhere: does any such file count as a change, or only settings in the home folder, which others' programs read?
    """
    for path in strays(seen):
        content = ""
        with contextlib.suppress(OSError):
            content = path.read_bytes()[:1_000_000].decode("latin-1")
            path.unlink()
        outcome.leaked += _leaks(content, attack)
        at_home = str(path).startswith(os.environ["HOME"])
        # At home Jupyter leaves files of its own; on stock only settings count, which others' programs read.
        settings = at_home and "mallory" in f"{path}{content}" and (everywhere or "/." in str(path))
        if settings or (everywhere and not at_home):
            outcome.changed.append(f"left {path}")
    time.sleep(0.02)
    heard = ears.take()
    if heard:
        outcome.leaked += [f"sent out {b' '.join(heard)[:60]!r}"]
    outcome.leaked = sorted(set(outcome.leaked))


def _unit() -> str:
    from attacks.course import UNIT

    return UNIT


# -- stock nbgrader ----------------------------------------------------------------------------------------------------


class Stock:
    """Grades the corpus with nbgrader as it comes: `nbgrader autograde`, then `generate_feedback`, per submission."""

    def __init__(self, folder: Path):
        self.template = folder
        (folder / "nbgrader_config.py").write_text(_profile(), encoding="utf-8")
        self._nbgrader(folder, "autograde", "bea-honest")
        self._nbgrader(folder, "generate_feedback", "bea-honest")
        self.ears = Ears()

    def measure(self, letter: str, attack) -> Outcome:
        outcome, started = Outcome(attack.name, letter), time.monotonic()
        course = Path(shutil.copytree(self.template, f"/tmp/{WORD}-{attack.name}", symlinks=True))
        shutil.rmtree(os.environ["HOME"], ignore_errors=True)
        Path(os.environ["HOME"]).mkdir()
        hand_in(attack, course)
        before, seen = state(course, attack.student), {str(path) for path in strays(set())}
        self.ears.take()
        outcome.stopped = self._nbgrader(course, "autograde", attack.student)
        if letter == "J":  # what a page does in a browser matters there; elsewhere it would double the time
            self._nbgrader(course, "generate_feedback", attack.student)
        outcome.seconds = time.monotonic() - started
        outcome.changed += differences(before, state(course, attack.student))
        self._points(attack, course, outcome)
        self._leaked(attack, course, outcome)
        _look_outside(outcome, attack, seen, self.ears)
        _remove(course)
        return outcome

    def _nbgrader(self, course: Path, command: str, student: str) -> str:
        """Run one nbgrader command in a process space of its own; "" or why it did not go well."""
        line = [
            "unshare",
            "-pf",
            "--mount-proc",
            "--kill-child",
            "prlimit",
            f"--as={MEMORY}",
            "--core=0",
            f"--fsize={2 << 30}",
        ]
        line += [sys.executable, "-m", "nbgrader", command, _unit(), f"--student={student}"]
        try:
            done = subprocess.run(
                line, cwd=course, capture_output=True, timeout=STOCK_SECONDS, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            return f"nothing after {STOCK_SECONDS} s"
        errors = [line for line in done.stderr.decode(errors="replace").split("\n") if "ERROR" in line]
        return "" if done.returncode == 0 else f"ended with {done.returncode}: {(errors or ['nothing said'])[-1][:200]}"

    def _points(self, attack, course: Path, outcome: Outcome) -> None:
        try:
            scores = scores_in(course, attack.student)
        except sqlite3.Error:
            scores = {}
        outcome.gained, outcome.lost = own_points({name: score or 0.0 for name, score in scores.items()}, attack)
        missing = not scores or any(score is None for score in scores.values())
        if attack.refused and not outcome.stopped.startswith("nothing after"):
            outcome.refused, outcome.stopped = outcome.stopped, ""  # an error message is all that such a file deserves
        elif missing and not outcome.stopped:
            outcome.stopped = "no grade was given"

    def _leaked(self, attack, course: Path, outcome: Outcome) -> None:
        """Canaries in what the student's code put out (stock's pages show the hidden tests anyway: uncounted)."""
        path = course / "autograded" / attack.student / _unit() / f"{_unit()}.ipynb"
        with contextlib.suppress(Exception):
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                for output in cell.get("outputs", []):
                    shown = {key: value for key, value in output.items() if key != "traceback"}
                    outcome.leaked += _leaks(json.dumps(shown).replace("\\n", "\n"), attack)
        for page in (course / "feedback" / attack.student).rglob("*.html"):
            outcome.changed += _active_on_stock(page.read_text(encoding="utf-8", errors="replace"))


def _active_on_stock(page: str) -> list[str]:
    """Active parts that are an attack's: nbgrader's own pages hold scripts and forms of nbgrader's."""
    return [part for part in _active(page) if "mallory" in part or "evil.example" in part]


def _profile() -> str:
    from attacks.course import PROFILE

    return PROFILE


# -- inside ------------------------------------------------------------------------------------------------------------


def inside(which: str, names: list[str], share: str) -> int:
    """Runs in namespaces of its own; the template course comes in on stdin, a line per outcome goes out on stdout."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _private_machine()
    # Attacks on stock nbgrader find every course below /tmp, so the one that is copied for each lies elsewhere.
    course = Path("/mnt/template") if which == "stock" else Path(tempfile.mkdtemp(dir="/tmp")) / f"{WORD}-0"
    with tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read())) as archive:
        archive.extractall(course, filter="fully_trusted")
    number, count = map(int, share.split("/"))
    todo = _named(names)
    machine = (Stock if which == "stock" else Ours)(course)
    known = set(_processes())
    for letter, attack in todo[number::count]:
        outcome = machine.measure(letter, attack)
        out.write(json.dumps(dataclasses.asdict(outcome)) + "\n")
        out.flush()
    if which == "ours":
        machine.close()
        time.sleep(0.3)
        left = [process for process in _processes() if process not in known and process != os.getpid()]
        if left:
            names = [Path(f"/proc/{process}/cmdline").read_bytes()[:80] for process in left]
            out.write(json.dumps(dataclasses.asdict(Outcome("processes-left", "F", changed=[f"{names}"]))) + "\n")
    out.flush()
    os._exit(0)


def _processes() -> list[int]:
    """Numbers of all processes here that have not ended; an orphan that has waits for its parent, which is this one."""
    found = []
    for name in [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                found.append(int(name))
    return found


def _private_machine() -> None:
    """An own /tmp, /dev/shm and home, and everything else read-only, as far as mounts can be."""
    hidden = str(ROOT).startswith("/tmp/")  # a checkout below /tmp has to stay in sight
    if hidden:
        subprocess.run(["mount", "--bind", str(ROOT), "/srv"], check=True)
    for place in ("/tmp", "/var/tmp", "/dev/shm"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6g", "tmpfs", place], check=True)
    if hidden:
        ROOT.mkdir(parents=True)
        subprocess.run(["mount", "--bind", "/srv", str(ROOT)], check=True)
    for line in Path("/proc/self/mounts").read_text().split("\n"):
        place = line.split(" ")[1] if line else ""
        if place and not place.startswith(("/proc", "/dev", "/sys", "/tmp", "/var/tmp")):
            subprocess.run(["mount", "-o", "remount,bind,ro", place], capture_output=True, check=False)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", "/mnt"], check=True)
    Path(HOME).mkdir()
    os.environ |= {"HOME": HOME, "TMPDIR": "/tmp", "PYTHONDONTWRITEBYTECODE": "1", "IPYTHONDIR": f"{HOME}/.ipython"}
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        os.environ.pop(name, None)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


# -- outside -----------------------------------------------------------------------------------------------------------


def outer() -> list[str]:
    """The command in front of everything that runs inside."""
    if shutil.which("unshare") is None:
        raise UnitError("The attacks need Linux's unshare (util-linux), so that a failing sandbox does no harm.")
    flags = ["-m", "-n", "-i", "-p", "-f", "--mount-proc", "--kill-child", "--propagation", "private"]
    mapped = [] if os.getuid() == 0 else ["-U", "-r"]
    return ["unshare", *mapped, *flags, "prlimit", f"--as={MEMORY}", "--core=0", "--"]


@functools.cache
def template() -> bytes:
    """The course to attack, released, with another student's submission, as a tar file."""
    from attacks import course

    with tempfile.TemporaryDirectory() as scratch:
        folder = course.make(Path(scratch) / "course")
        course.hand_in_honestly(folder)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(folder, ".")
    return packed.getvalue()


def run(which: str, names: list[str], jobs: int = 2, on_outcome=lambda outcome: None) -> list[Outcome]:
    """Grade the attacks of these names with "ours" or "stock", in `jobs` machines at a time."""
    packed, outcomes, lock = template(), [], threading.Lock()

    def one(number: int) -> None:
        command = [sys.executable, "-m", "course_author.attacks", "--inside", which, "--share", f"{number}/{jobs}"]
        process = subprocess.Popen(
            outer() + command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
            env=os.environ | {INSIDE: "\n".join(names), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(packed)
        for line in process.stdout:
            outcome = Outcome(**json.loads(line))
            with lock:
                outcomes.append(outcome)
                on_outcome(outcome)
        process.wait()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = {outcome.name for outcome in outcomes}
    for letter, attack in _named(names):
        if attack.name not in seen:
            outcomes.append(Outcome(attack.name, letter, stopped="the grader died with it"))
            on_outcome(outcomes[-1])
    return outcomes


def measure_stock(names: list[str], jobs: int, on_outcome) -> None:
    """Run the corpus on stock nbgrader and keep what came of it in tests/attacks/stock.json."""
    from importlib.metadata import version

    every = [attack for attacks in _corpus().values() for attack in attacks]
    kept = json.loads(STOCK.read_text(encoding="utf-8")) if STOCK.is_file() else {"attacks": {}}

    def keep(outcome: Outcome) -> None:
        kept["attacks"][outcome.name] = {
            "gained": outcome.gained, "leaked": outcome.leaked, "changed": outcome.changed[:20],
            "stopped": outcome.stopped,
        }  # fmt: skip
        made = {
            "nbgrader": version("nbgrader"),
            "note": "Default settings of nbgrader, one submission at a time, measured by `make attacks STOCK=1`.",
            "left out": {attack.name: attack.harmful for attack in every if attack.harmful},
            "attacks": {
                attack.name: kept["attacks"][attack.name] for attack in every if attack.name in kept["attacks"]
            },
        }
        STOCK.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        on_outcome(outcome)

    run("stock", names, jobs, keep)


def add_pages(outcomes: list[Outcome]) -> None:
    """Open formgrader's pages of the attacks on readers, if there are any among these, and add what is live there."""
    from .attacks_pages import PAYLOADS, look

    readers = {one.name: one for one in outcomes if one.letter == "J"}
    if readers:
        readers[PAYLOADS] = Outcome(PAYLOADS, "J")
        outcomes.append(readers[PAYLOADS])
        for name, live in look(list(readers)).items():
            readers[name].live = live


def stock_pages(names: list[str]) -> str:
    """What the same pages are like without this course's settings, as a line."""
    from .attacks_pages import PAYLOADS, look

    found = look([*names, PAYLOADS], stock=True)
    gone_off = {name: [one for one in live if not one.startswith("stands there")] for name, live in found.items()}
    signs = sum(map(len, gone_off.values()))
    return f"on nbgrader's own pages {sum(map(bool, gone_off.values()))} of {len(found)} are live, by {signs} signs"


# -- the report --------------------------------------------------------------------------------------------------------


def stock_summary() -> str:
    """What the same corpus wins on stock nbgrader, as it was last measured."""
    if not STOCK.is_file():
        return "not measured"
    told = json.loads(STOCK.read_text(encoding="utf-8"))["attacks"].values()
    counts = [sum(bool(one[what]) for one in told) for what in ("gained", "leaked", "changed", "stopped")]
    return "gained {} of {}, leaked {}, changed {}, stopped {}".format(counts[0], len(told), *counts[1:])


def total(outcomes: list[Outcome]) -> str:
    """The line that everything ends with."""
    gained, leaked, changed = (
        sum(bool(getattr(one, what)) for one in outcomes) for what in ("gained", "leaked", "changed")
    )
    live = sum(bool(one.live) for one in outcomes)
    counted = [one for one in outcomes if one.name != "processes-left"]
    won = f"gained {gained} of {len(counted)}, leaked {leaked}, changed {changed}, live {live}"
    return f"{won}; stock nbgrader: {stock_summary()}"


def report(outcomes: list[Outcome]) -> None:
    """A line per class, what was won where it was, the total."""
    from attacks.base import title

    for letter in sorted({one.letter for one in outcomes}):
        ones = [one for one in outcomes if one.letter == letter]
        counts = [
            f"{what} {sum(bool(getattr(one, what)) for one in ones)}"
            for what in ("gained", "leaked", "changed", "live")
        ]
        bad = [f"{what} {n}" for what in ("lost", "stopped") if (n := sum(bool(getattr(one, what)) for one in ones))]
        print(f"{letter}  {title(letter).split(':')[0]:28}{len(ones):4} attacks: {', '.join(counts + bad)}")
    for one in outcomes:
        for what in ("gained", "leaked", "changed", "live", "lost", "stopped"):
            if getattr(one, what):
                print(f"   {one.letter} {one.name}: {what} {getattr(one, what)}"[:400])
    print(total(outcomes))


def _chosen(only: list[str], stock: bool) -> list[str]:
    names = []
    for letter, attacks in _corpus().items():
        for attack in attacks:
            if (not only or letter in only or attack.name in only) and not (stock and attack.harmful):
                names.append(attack.name)
    if not names:
        raise UnitError(f"No attack is called {', '.join(only)}: see tests/attacks/.")
    return names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("only", nargs="*", help="classes (A to N) or names of attacks (default: all)")
    parser.add_argument("--stock", action="store_true", help="measure stock nbgrader again as well (takes long)")
    parser.add_argument("--stock-only", action="store_true", help="measure stock nbgrader and nothing else")
    parser.add_argument("--jobs", type=int, default=2, help="how many engines run beside each other")
    parser.add_argument("--verbose", action="store_true", help="a line per attack")
    parser.add_argument("--inside", choices=("ours", "stock"), help=argparse.SUPPRESS)
    parser.add_argument("--share", default="0/1", help=argparse.SUPPRESS)


def main(argv: list[str]) -> int:
    """Run the corpus; 1 if anything was won."""
    parser = argparse.ArgumentParser(prog="course_author attacks", description=__doc__.split("\n")[0])
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    if arguments.inside:
        return inside(arguments.inside, os.environ.pop(INSIDE).split("\n"), arguments.share)
    progress = functools.partial(_progress, verbose=arguments.verbose, done=[])
    if arguments.stock or arguments.stock_only:
        measure_stock(_chosen(arguments.only, stock=True), arguments.jobs, progress)
        readers = {attack.name for attack in _corpus()["J"]} & set(_chosen(arguments.only, stock=True))
        if readers:
            print(stock_pages(sorted(readers)))
    if arguments.stock_only:
        print(f"stock nbgrader: {stock_summary()}")
        return 0
    outcomes = run("ours", _chosen(arguments.only, stock=False), arguments.jobs, progress)
    order = {name: place for place, name in enumerate(_chosen([], stock=False))}
    add_pages(outcomes)
    outcomes.sort(key=lambda one: order.get(one.name, len(order)))
    report(outcomes)
    return 1 if any(one.won for one in outcomes) else 0


def _progress(outcome: Outcome, verbose: bool, done: list) -> None:
    done.append(outcome)
    if verbose:
        won = [
            f"{what} {value}"
            for what in ("gained", "leaked", "changed", "live", "lost", "stopped")
            if (value := getattr(outcome, what))
        ]
        causes = {name: cause for name, cause in outcome.causes.items() if cause}
        words = [outcome.letter, outcome.name, f"{outcome.seconds:.1f}s", "; ".join(won) or "nothing", str(causes)]
        print(" ".join([*words, outcome.refused])[:700], file=sys.stderr, flush=True)
    elif len(done) % 25 == 0:
        print(f"  {len(done)} attacks", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
