"""Verdicts into the gradebook and into autograded/: one writer, one transaction for a submission.

The points are read back from the notebook with nbgrader's own `determine_grade` before anything is saved, so gradebook,
formgrader and stock nbgrader cannot disagree. Order of writing: files into a hidden folder, then the gradebook's
transaction, then the folder takes its name. Killed at any moment, the gradebook holds all of a submission's grades or
none of them, and a second run grades what is not in autograded/.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import stat
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode, from_dict
from nbgrader import utils
from nbgrader.api import Gradebook

from ..contracts import (
    OUTPUT_CHARS,
    REST_LEFT_OUT,
    Added,
    CellVerdict,
    GraderError,
    Plan,
    PlanCell,
    Submission,
    Verdict,
)
from ..course import plan as plans
from ..course.refusals import plain_words
from ..intake import notebook as intake
from ..judging import fingerprint as keys
from .ledger import Ledger, Notebook, scores

TIMESTAMP_BYTES = 200
MIME_TYPES = ("text/plain", "image/png", "image/jpeg", "text/html", "text/markdown", "text/latex", "image/svg+xml")
SAID = {
    "wrong": "The test failed.",
    "error": "The test ended with an error.",
    "time": "The test took too long.",
    "memory": "The test needed too much memory.",
    "died": "The answer's process ended during the test.",
    "tampered": "The answer interfered with the test.",
    "unanswered": "There is no answer yet.",
}


@dataclass(frozen=True)
class Graded:
    """One notebook of a student, ready to be recorded.

    prose: the student's own Markdown; pictures: files beside the notebook, name -> content
    pasted: pictures in Markdown cells, by the answer's name or the number of the prose; see `intake.whole`
    """

    plan: Plan
    submission: Submission
    verdict: Verdict
    prose: tuple[Added, ...] = ()
    pictures: dict[str, bytes] = field(default_factory=dict)
    pasted: dict[str, dict] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """What all that is recorded of the notebook depends on, as a hash."""
        return keys.of_notebook(self.plan, self.submission, self.prose, self.pasted)

    @cached_property
    def exercises(self) -> dict[str, str]:
        """The same for each exercise."""
        return keys.of_exercises(self.plan, self.submission)

    def judged(self, verdict: Verdict, pictures: dict[str, bytes]) -> Graded:
        """The same submission with its verdict."""
        made = replace(self, verdict=verdict, pictures=pictures)
        made.__dict__.update({name: self.__dict__[name] for name in ("key", "exercises") if name in self.__dict__})
        return made


def record(course: Path | plans.Settings, plan: Plan, submission: Submission, verdict: Verdict) -> None:
    """Record one notebook's verdict; see `record_all`."""
    course = course if isinstance(course, plans.Settings) else plans.settings(course)
    record_all(course, plan.unit, submission.student, [Graded(plan, submission, verdict)])


def record_all(
    course: plans.Settings, unit: str, student: str, graded: list[Graded], create_student: bool = True
) -> None:
    """Record what became of a student's submission, in one transaction, and write it to autograded/; see `save`."""
    with Ledger(course) as ledger:
        save(ledger, unit, student, graded, create_student)


def save(ledger: Ledger, unit: str, student: str, graded: list[Graded], create_student: bool = True) -> None:
    """The same with a gradebook that is open.

    graded: one entry per notebook that was graded now. Notebooks of the unit that were not handed in get 0.

    Raises
    ------
    GraderError
        If student or unit are unknown, the time stamp is unreadable, a verdict and its notebook do not agree, the
        gradebook is locked or the disk full. Nothing of this submission is recorded then.
    """
    course = ledger.course
    folder = course.submitted(student, unit)
    when = timestamp(folder)
    target = course.folder("autograded", student, unit)
    there = ledger.unit(unit)
    missing = {name for name in there.notebooks if not os.path.lexists(folder / f"{name}.ipynb")}
    built = {one.plan.notebook: build(one, there.notebooks[one.plan.notebook]) for one in graded}
    with plain_words():
        draft = _draft(target)
        try:
            for one in graded:
                _write_notebook(draft, one, built[one.plan.notebook], target)
            _write_others(course, unit, draft, graded, when, folder)
            with ledger.transaction():
                found = {name: scores(notebook) for name, notebook in built.items()}
                ledger.save(unit, student, when, found, missing, create_student)
        except BaseException:
            _remove(draft)
            raise
        whole = there.notebooks.keys() == missing | built.keys()
        _install(course, draft, target, whole)


# -- the gradebook -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def one_transaction(book: Gradebook):
    """nbgrader commits in each of its helpers; here all of them are one step, saved at the end or not at all."""
    commit, book.db.commit = book.db.commit, book.db.flush
    try:
        yield
        commit()
    except BaseException:
        book.db.rollback()
        raise
    finally:
        book.db.commit = commit


def timestamp(folder: Path) -> str:
    """The text of a submission's timestamp.txt, "" if there is none.

    Raises
    ------
    GraderError
        If it is no regular file or no time: else a broken one would be a way around a late penalty.
    """
    if not os.path.lexists(folder / "timestamp.txt"):
        return ""
    try:
        text = intake.fetch(folder, "timestamp.txt", TIMESTAMP_BYTES).decode("utf-8").strip()
        utils.parse_utc(text or None)
    except GraderError:
        raise
    except Exception:
        raise GraderError(f"{folder / 'timestamp.txt'} holds no time: write it as 2026-11-22 16:00:00 UTC.") from None
    return text


# -- the autograded notebook -------------------------------------------------------------------------------------------


def build(graded: Graded, saved: Notebook):
    """The autograded notebook: the plan's own cells with the student's text in the answers and the verdict as outputs.

    Raises
    ------
    GraderError
        If stock nbgrader would read other points from it than the verdict gives.
    """
    plan, submission, verdict = graded.plan, graded.submission, graded.verdict
    if (verdict.unit, verdict.notebook, verdict.student) != (plan.unit, plan.notebook, submission.student):
        raise GraderError(f"The verdict on {verdict.student}'s {verdict.notebook} is not about this submission.")
    found = {cell.name: cell for cell in verdict.cells}
    for planned in plan.cells:
        _check_points(planned, found.get(planned.name))
    runs = {run.name: run for run in verdict.runs}
    cells = _own_cells(graded, -1, runs)
    for place, planned in enumerate(plan.cells):
        cells.append(_cell(planned, place, submission, found, runs))
        _paste(cells[-1], graded.pasted.get(planned.name))
        if planned.name:
            cells[-1].metadata["nbgrader"] = _options(
                planned, planned.name in saved.tasks, saved.checksums.get(planned.name)
            )
        _hold(cells[-1], planned, found)
        cells += _own_cells(graded, place, runs)
    metadata = {"kernelspec": saved.kernelspec} if saved.kernelspec else {}
    metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3", "file_extension": ".py"}
    metadata["course_grader"] = {"key": graded.key}
    return NotebookNode(nbformat=4, nbformat_minor=5, metadata=metadata, cells=cells)


# nbformat's own functions hold each cell and output against a schema, which took half of the time of a recording; what
# stands here is of the right form by what it is made of, and the tests hold it against the schema.


def _code_cell(source: str, cell_id: str) -> NotebookNode:
    cell = {
        "id": cell_id,
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "source": source,
        "outputs": [],
    }
    return from_dict(cell)


def _text_cell(cell_type: str, source: str, cell_id: str) -> NotebookNode:
    return from_dict({"id": cell_id, "cell_type": cell_type, "metadata": {}, "source": source})


def _node(output_type: str, **fields) -> NotebookNode:
    return from_dict({"output_type": output_type} | fields)


def _cell(planned: PlanCell, place: int, submission: Submission, found: dict, runs: dict):
    cell_id = planned.cell_id or f"cell-{place}"
    if planned.cell_type == "raw":
        return _text_cell("raw", planned.source, cell_id)
    answered = planned.kind in ("answer", "manual")
    source = submission.answers.get(planned.name, planned.released) if answered else planned.source
    source = submission.examples.get(place, source)
    if planned.cell_type == "markdown":
        return _text_cell("markdown", source, cell_id)
    cell = _code_cell(source, cell_id)
    if planned.kind == "test":
        cell.outputs = _test_outputs(planned, found.get(planned.name))
    elif answered and planned.name in runs:
        cell.outputs = _outputs(runs[planned.name].outputs)
    return cell


def _own_cells(graded: Graded, place: int, runs: dict) -> list:
    """The student's own cells after a place of the plan; their ids cannot be mistaken for the plan's."""
    cells = []
    for number, one in enumerate(graded.prose, 1):
        if one.after == place:
            cells.append(_text_cell("markdown", one.source, f"own-text-{number}"))
            _paste(cells[-1], graded.pasted.get(f"text {number}"))
    for number, one in enumerate(graded.submission.added, 1):
        if one.after == place:
            cells.append(_code_cell(one.source, f"own-code-{number}"))
            if f"added {number}" in runs:
                cells[-1].outputs = _outputs(runs[f"added {number}"].outputs)
    return cells


def _paste(cell: NotebookNode, pictures: dict | None) -> None:
    """Give a Markdown cell its pictures, as JupyterLab saves them."""
    if pictures and cell.cell_type == "markdown":
        cell["attachments"] = from_dict(pictures)


def _options(planned: PlanCell, task: bool, checksum: str | None) -> dict:
    """nbgrader's metadata of a cell, from the plan; a student's is never used."""
    graded, solution = planned.kind in ("test", "manual"), planned.kind in ("answer", "manual")
    options = {
        "schema_version": 3, "grade_id": planned.name, "cell_type": planned.cell_type, "checksum": checksum,
        "grade": graded, "solution": solution, "locked": not solution, "task": task,
    }  # fmt: skip
    return NotebookNode(options | ({"points": planned.points} if graded or task else {}))


def _test_outputs(planned: PlanCell, verdict: CellVerdict | None) -> list:
    """What a graded cell shows, so that nbgrader reads its points: an error for 0, a number for a part of them."""
    if verdict is None:
        verdict = CellVerdict(planned.name, 0.0, planned.points, "error", "The test was not run.")
    printed = [_node("stream", name="stdout", text=_cut(verdict.output))] if verdict.output else []
    if verdict.passed and verdict.points == planned.points:
        return printed
    if 0 < verdict.points < planned.points:  # partial credit
        return [
            *printed,
            _node(
                "execute_result", data={"text/plain": repr(float(verdict.points))}, metadata={}, execution_count=None
            ),
        ]
    message = _cut(verdict.message or SAID.get(verdict.cause, "The test failed."))
    return [*printed, _node("error", ename=verdict.cause or "wrong", evalue=message, traceback=[message])]


def _check_points(planned: PlanCell, verdict: CellVerdict | None) -> None:
    """Refuse points that no test can have given."""
    if verdict is None or planned.kind != "test":
        return
    due = verdict.points
    if not (isinstance(due, int | float) and math.isfinite(due) and 0 <= due <= planned.points):
        raise GraderError(f"The verdict gives {due!r} points for {planned.name}, which has {planned.points:g}.")
    if not verdict.passed and due == planned.points > 0:
        raise GraderError(f"The verdict gives full points for {planned.name} although it failed ({verdict.cause}).")


def _hold(cell, planned: PlanCell, found: dict) -> None:
    """Hold the points that nbgrader reads from a test cell against the verdict's. No verdict means 0."""
    if planned.kind != "test":
        return
    due = found[planned.name].points if planned.name in found else 0.0
    read, _ = utils.determine_grade(cell)
    if read != due:
        raise GraderError(f"nbgrader reads {read!r} points for {planned.name}, and the verdict gives {due!r}.")


def _outputs(outputs: list[dict]) -> list:
    """The outputs of a student's cell, rebuilt part by part: text, pictures and errors, and nothing that runs."""
    kept, left = [], OUTPUT_CHARS
    for output in outputs if isinstance(outputs, list) else []:
        try:
            made = _output(output)
        except (AttributeError, KeyError, TypeError):
            continue
        left -= len(json.dumps(made)) if made else 0
        if left < 0:
            kept.append(_node("stream", name="stdout", text=REST_LEFT_OUT))
            break
        kept += [made] if made else []
    return kept


def _output(output: dict):
    kind = output["output_type"]
    if kind == "stream":
        return _node("stream", name="stderr" if output["name"] == "stderr" else "stdout", text=_cut(output["text"]))
    if kind == "error":
        lines = [_cut(str(line)) for line in output["traceback"]]
        return _node("error", ename=_cut(str(output["ename"])), evalue=_cut(str(output["evalue"])), traceback=lines)
    if kind in ("display_data", "execute_result"):
        data = {mime: _cut(output["data"][mime]) for mime in MIME_TYPES if mime in output["data"]}
        return _node("display_data", data=data, metadata={}) if data else None
    return None


def _cut(text, most: int = OUTPUT_CHARS // 2) -> str:
    text = "".join(text) if isinstance(text, list) else str(text)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= most else text[:most] + "\n... (the rest is left out)"


# -- files -------------------------------------------------------------------------------------------------------------


def _draft(target: Path) -> Path:
    """A new, empty, hidden folder beside the target; what a killed run left there goes."""
    draft = target.with_name(f".{target.name}.new")
    _remove(draft)
    draft.mkdir(parents=True)
    return draft


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def _write_notebook(draft: Path, one: Graded, notebook, target: Path) -> None:
    """The notebook, its verdict, and the verdict that stood there before, for `course-grader diff`."""
    name = one.plan.notebook
    text = json.dumps(notebook, ensure_ascii=False)  # on one line: an indented one takes ten times longer
    (draft / f"{name}.ipynb").write_text(text + "\n", encoding="utf-8")
    verdict = replace(one.verdict, key=notebook.metadata["course_grader"]["key"], keys=one.exercises)
    text = json.dumps(asdict(verdict))  # in ASCII: what students print may hold what UTF-8 cannot
    (draft / f"{name}.verdict.json").write_text(text + "\n", encoding="ascii")
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(target / f"{name}.verdict.json", draft / f"{name}.before.verdict.json")


def _write_others(course, unit: str, draft: Path, graded: list[Graded], when: str, folder: Path) -> None:
    """The time stamp, a student's pictures, and the course's own files over them; no other file of a student's."""
    if when:
        (draft / "timestamp.txt").write_text(f"{when}\n", encoding="utf-8")
    if os.path.lexists(folder / "submission_secret.txt"):  # nbgrader's exchange finds the feedback by it
        with contextlib.suppress(GraderError):
            (draft / "submission_secret.txt").write_bytes(intake.fetch(folder, "submission_secret.txt", 1000))
    for one in graded:
        for name, content in one.pictures.items():
            (draft / name).write_bytes(content)
    source = course.folder("source", ".", unit)
    for name in utils.find_all_files(str(source), [*course.coursedir.ignore, "*.ipynb"]):
        copy = draft / Path(name).relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(name, copy)


def _install(course: plans.Settings, draft: Path, target: Path, whole: bool) -> None:
    """Give the new files their place. whole: they replace all that was there, else only those of the same name."""
    shared = course.coursedir.groupshared
    for path in draft.rglob("*"):
        if path.is_file():
            path.chmod(0o664 if shared else 0o444)
    if whole or not target.exists():
        old = target.with_name(f".{target.name}.old")
        _remove(old)
        if os.path.lexists(target):
            target.rename(old)
        draft.rename(target)
        _remove(old)
    else:
        for path in sorted(draft.rglob("*"), key=lambda path: path.name.endswith(".verdict.json")):
            if path.is_file():
                copy = target / path.relative_to(draft)
                copy.parent.mkdir(parents=True, exist_ok=True)
                path.replace(copy)
        _remove(draft)
    if shared:
        target.chmod(stat.S_IMODE(target.stat().st_mode) | 0o2770)


# -- was this graded before? -------------------------------------------------------------------------------------------


def tidy(course: plans.Settings, unit: str, student: str) -> None:
    """Put right what a run that was killed while it changed folders left behind."""
    target = course.folder("autograded", student, unit)
    old, new = (target.with_name(f".{target.name}.{ending}") for ending in ("old", "new"))
    if os.path.lexists(old) and not os.path.lexists(target):
        old.rename(target)
    for left in (old, new):
        if os.path.lexists(left):
            _remove(left)


def before(course: plans.Settings, graded: Graded) -> Verdict | None:
    """The verdict that lies in autograded/ for this notebook, whatever it was about; None if there is none."""
    path = course.verdict_file(graded.submission.student, graded.plan.unit, graded.plan.notebook)
    try:
        if not path.with_name(f"{graded.plan.notebook}.ipynb").is_file():
            return None
        return Verdict.from_json(path.read_text(encoding="utf-8"))
    except Exception:
        return None


def holds(ledger: Ledger, graded: Graded, verdict: Verdict | None) -> bool:
    """Is this earlier verdict on exactly this submission, and does the gradebook say the same, of the same time?"""
    if verdict is None or verdict.key != graded.key:
        return False
    when = timestamp(ledger.course.submitted(graded.submission.student, graded.plan.unit))
    if not ledger.has_stamp(graded.plan.unit, graded.submission.student, when):
        return False
    found = ledger.auto_scores(graded.plan.unit, graded.plan.notebook, graded.submission.student)
    if found is None:
        return False
    due = {cell.name: cell.points for cell in verdict.cells}
    return due == {name: score for name, score in found.items() if name in due}


def recorded(course: plans.Settings, graded: Graded) -> Verdict | None:
    """The verdict on exactly this submission, if it is already recorded; `graded.verdict` is not looked at."""
    verdict = before(course, graded)
    if verdict is None:
        return None
    with Ledger(course) as ledger:
        return verdict if holds(ledger, graded, verdict) else None
