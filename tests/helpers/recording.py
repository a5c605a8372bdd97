"""Verdicts made by hand, recorded as the grader records its own."""

from dataclasses import dataclass, field
from pathlib import Path

from plain_course import UNIT

from course_grader.contracts import CellVerdict, Verdict
from course_grader.course import plan
from course_grader.grading import reading
from course_grader.intake import submission as intake
from course_grader.records import known
from course_grader.records.handed_in import HandedIn, HandedNotebook
from course_grader.records.ledger import Ledger
from course_grader.records.save import save


@dataclass(frozen=True)
class Graded(HandedNotebook):
    """A notebook with its verdict, and the files beside it."""

    verdict: Verdict = None
    pictures: dict = field(default_factory=dict)


def record(course: Path, unit: str, student: str, *graded: Graded, create_student=True) -> None:
    """Record a submission that lies in submitted/, as `Run` does once it is judged."""
    settings = plan.settings(course)
    folder = settings.submitted(student, unit)
    pictures = {name: content for one in graded for name, content in one.pictures.items()}
    with Ledger(settings) as ledger:
        names = ledger.unit(unit).notebooks
        lacking = frozenset(name for name in names if not (folder / f"{name}.ipynb").exists())
        when = reading.timestamp(folder)
        handed = HandedIn(unit, student, when, graded, lacking, pictures, reading._secret(folder))
        save(ledger, handed, [one.verdict for one in graded], create_student)


def recorded(course: Path, graded: HandedNotebook) -> Verdict | None:
    """The verdict on exactly this notebook, if it is recorded."""
    settings = plan.settings(course)
    verdict = known.before(settings, graded)
    when = reading.timestamp(settings.submitted(graded.submission.student, graded.plan.unit))
    with Ledger(settings) as ledger:
        return verdict if known.holds(ledger, graded, when, verdict) else None


def graded(course, student, notebook="first", runs=(), **failed):
    """A submission as it lies in submitted/, with a verdict by hand. failed: test (with _ for -) -> cause or points."""
    made = plan.load(course, UNIT, notebook)
    data = (course / "submitted" / student / UNIT / f"{notebook}.ipynb").read_bytes()
    verdict = Verdict(UNIT, notebook, student, runs=list(runs))
    for cell in made.cells:
        if cell.kind == "test":
            found = failed.get(cell.name.replace("-", "_"), cell.points)
            points = 0.0 if isinstance(found, str) else float(found)
            cause = found if isinstance(found, str) else ""
            message = f"The reason of {cell.name}." if cause else ""
            verdict.cells.append(CellVerdict(cell.name, points, cell.points, cause, message, "SECRET detail"))
    submission, prose, _ = intake.whole(data, made, student)
    return Graded(made, submission, prose, verdict=verdict)


def save_graded(course, student, *ready):
    record(course, UNIT, student, *ready)
