"""Verdicts into the gradebook and into autograded/: one writer, one transaction for a submission.

The points are read back from the notebook with nbgrader's own `determine_grade` before anything is saved, so gradebook,
formgrader and stock nbgrader cannot disagree. Order of writing: files into a hidden folder, then the gradebook's
transaction, then the folder takes its name. Killed at any moment, the gradebook holds all of a submission's grades or
none of them, and a second run grades what is not in autograded/.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
import stat
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader import utils
from nbgrader.api import Comment, Grade, Gradebook, MissingEntry, SubmittedAssignment, SubmittedNotebook

from . import intake, late
from . import plan as plans
from .model import Added, CellVerdict, GraderError, Plan, PlanCell, Submission, Verdict

TIMESTAMP_BYTES = 200
MIME_TYPES = ("text/plain", "image/png", "image/jpeg", "text/html", "text/markdown", "text/latex", "image/svg+xml")
OUTPUT_CHARS = 4_000_000  # of one cell, pictures included
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
    """One notebook of a student, ready to be recorded. prose: the student's own Markdown; pictures: name -> content."""

    plan: Plan
    submission: Submission
    verdict: Verdict
    prose: tuple[Added, ...] = ()
    pictures: dict[str, bytes] = field(default_factory=dict)


def record(course: Path | plans.Settings, plan: Plan, submission: Submission, verdict: Verdict) -> None:
    """Record one notebook's verdict; see `record_all`."""
    course = course if isinstance(course, plans.Settings) else plans.settings(course)
    record_all(course, plan.unit, submission.student, [Graded(plan, submission, verdict)])


def record_all(
    course: plans.Settings, unit: str, student: str, graded: list[Graded], create_student: bool = True
) -> None:
    """Record what became of a student's submission, in one transaction, and write it to autograded/.

    graded: one entry per notebook that was graded now. Notebooks of the unit that were not handed in get 0.

    Raises
    ------
    GraderError
        If student or unit are unknown, the time stamp is unreadable, or a verdict and its notebook do not agree.
    """
    folder = course.submitted(student, unit)
    when = timestamp(folder)
    target = course.folder("autograded", student, unit)
    draft = _draft(target)
    try:
        with plans.gradebook(course) as book, one_transaction(book):
            submission = _submission_row(book, unit, student, when, create_student)
            rows = {row.notebook.name: row for row in _notebook_rows(book, submission)}
            for one in graded:
                notebook = build(one, book)
                _score(book, rows[one.plan.notebook], notebook)
                _write_notebook(draft, one, notebook)
            missing = {name for name in rows if not os.path.lexists(folder / f"{name}.ipynb")}
            for name in missing:
                _score_missing(rows[name])
            for one in graded:
                _penalize(course, book, submission, rows[one.plan.notebook], student)
            whole = rows.keys() == missing | {one.plan.notebook for one in graded}
            _write_others(course, unit, draft, graded, when, folder)
    except BaseException:
        _remove(draft)
        raise
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


def _submission_row(book: Gradebook, unit: str, student: str, when: str, create_student: bool):
    if not create_student:
        try:
            book.find_student(student)
        except MissingEntry:
            raise GraderError(f"No student with ID '{student}' exists in the gradebook.") from None
    try:
        assignment = book.find_assignment(unit)
    except MissingEntry:
        raise GraderError(f"The gradebook knows no unit {unit}: run `nbgrader generate_assignment {unit}`.") from None
    person = book.update_or_create_student(student)
    try:
        submission = book.find_submission(unit, student)
    except MissingEntry:  # nbgrader's add_submission would commit half of it
        submission = SubmittedAssignment(assignment_id=assignment.id, student_id=person.id)
        book.db.add(submission)
    if when:
        submission.timestamp = utils.parse_utc(when)
    book.db.flush()
    return submission


def _notebook_rows(book: Gradebook, submission) -> list[SubmittedNotebook]:
    """The submission's rows, with those added that nbgrader did not know when it was first recorded."""
    there = {row.notebook.name: row for row in submission.notebooks}
    for notebook in submission.assignment.notebooks:
        row = there.get(notebook.name)
        if row is None:
            row = there[notebook.name] = SubmittedNotebook(notebook_id=notebook.id, assignment_id=submission.id)
            book.db.add(row)
            book.db.flush()
        graded, commented = {grade.cell_id for grade in row.grades}, {comment.cell_id for comment in row.comments}
        for cell in [*notebook.grade_cells, *notebook.task_cells]:
            if cell.id not in graded:
                book.db.add(Grade(cell_id=cell.id, notebook_id=row.id))
        for cell in [*notebook.solution_cells, *notebook.task_cells]:
            if cell.id not in commented:
                book.db.add(Comment(cell_id=cell.id, notebook_id=row.id))
    book.db.flush()
    book.db.expire_all()  # the new rows show in their collections
    return list(there.values())


def _score(book: Gradebook, row: SubmittedNotebook, notebook) -> None:
    """Grades and comments of one notebook, as nbgrader's SaveAutoGrades gives them; a person's are never touched."""
    grades = {grade.cell.name: grade for grade in row.grades}
    comments = {comment.cell.name: comment for comment in row.comments}
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if utils.is_grade(cell):
            grade = grades[name]
            grade.auto_score, _ = utils.determine_grade(cell)
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        if utils.is_solution(cell):
            unchanged = cell.metadata.nbgrader.checksum == utils.compute_checksum(cell)
            comments[name].auto_comment = "No response." if unchanged else None
        elif utils.is_task(cell):
            comments[name].auto_comment = None
    book.db.flush()


def _score_missing(row: SubmittedNotebook) -> None:
    for grade in row.grades:
        grade.auto_score, grade.needs_manual_grade = 0.0, False


def _penalize(course: plans.Settings, book: Gradebook, submission, row: SubmittedNotebook, student: str) -> None:
    """The late penalty, from the plugin that the course has chosen (nbgrader's AssignLatePenalties)."""
    late.penalize(late.penalty_step(course.config, submission.assignment.name), submission, row, student)
    book.db.flush()


# -- the autograded notebook -------------------------------------------------------------------------------------------


def build(graded: Graded, book: Gradebook):
    """The autograded notebook: the plan's own cells with the student's text in the answers and the verdict as outputs.

    Raises
    ------
    GraderError
        If stock nbgrader would read other points from it than the verdict gives.
    """
    plan, submission, verdict = graded.plan, graded.submission, graded.verdict
    if (verdict.unit, verdict.notebook, verdict.student) != (plan.unit, plan.notebook, submission.student):
        raise GraderError(f"The verdict on {verdict.student}'s {verdict.notebook} is not about this submission.")
    saved = book.find_notebook(plan.notebook, plan.unit)
    checksums = {cell.name: cell.checksum for cell in saved.source_cells}
    tasks = {cell.name for cell in saved.task_cells}
    found = {cell.name: cell for cell in verdict.cells}
    for planned in plan.cells:
        _check_points(planned, found.get(planned.name))
    runs = {run.name: run for run in verdict.runs}
    cells = _own_cells(graded, -1, runs)
    for place, planned in enumerate(plan.cells):
        cells.append(_cell(planned, place, submission, found, runs))
        if planned.name:
            cells[-1].metadata["nbgrader"] = _options(planned, planned.name in tasks, checksums.get(planned.name))
        _hold(cells[-1], planned, found)
        cells += _own_cells(graded, place, runs)
    notebook = new_notebook(cells=cells)
    if saved.kernelspec and json.loads(saved.kernelspec):
        notebook.metadata["kernelspec"] = json.loads(saved.kernelspec)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3", "file_extension": ".py"}
    notebook.metadata["course_grader"] = {"key": key(graded)}
    return notebook


def _cell(planned: PlanCell, place: int, submission: Submission, found: dict, runs: dict):
    cell_id = planned.cell_id or f"cell-{place}"
    if planned.cell_type == "raw":
        return new_raw_cell(planned.source, id=cell_id)
    answered = planned.kind in ("answer", "manual")
    source = submission.answers.get(planned.name, planned.released) if answered else planned.source
    source = submission.examples.get(place, source)
    if planned.cell_type == "markdown":
        return new_markdown_cell(source, id=cell_id)
    cell = new_code_cell(source, id=cell_id)
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
            cells.append(new_markdown_cell(one.source, id=f"own-text-{number}"))
    for number, one in enumerate(graded.submission.added, 1):
        if one.after == place:
            cells.append(new_code_cell(one.source, id=f"own-code-{number}"))
            if f"added {number}" in runs:
                cells[-1].outputs = _outputs(runs[f"added {number}"].outputs)
    return cells


def _options(planned: PlanCell, task: bool, checksum: str | None) -> dict:
    """nbgrader's metadata of a cell, from the plan; a student's is never used."""
    graded, solution = planned.kind in ("test", "manual"), planned.kind in ("answer", "manual")
    options = {
        "schema_version": 3, "grade_id": planned.name, "cell_type": planned.cell_type, "checksum": checksum,
        "grade": graded, "solution": solution, "locked": not solution, "task": task,
    }  # fmt: skip
    return options | ({"points": planned.points} if graded or task else {})


def _test_outputs(planned: PlanCell, verdict: CellVerdict | None) -> list:
    """What a graded cell shows, so that nbgrader reads its points: an error for 0, a number for a part of them."""
    if verdict is None:
        verdict = CellVerdict(planned.name, 0.0, planned.points, "error", "The test was not run.")
    printed = [new_output("stream", name="stdout", text=_cut(verdict.output))] if verdict.output else []
    if verdict.passed and verdict.points == planned.points:
        return printed
    if 0 < verdict.points < planned.points:  # partial credit
        return [
            *printed,
            new_output("execute_result", {"text/plain": repr(float(verdict.points))}, execution_count=None),
        ]
    message = _cut(verdict.message or SAID.get(verdict.cause, "The test failed."))
    return [*printed, new_output("error", ename=verdict.cause or "wrong", evalue=message, traceback=[message])]


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
            kept.append(new_output("stream", name="stdout", text="... (the rest of the output is left out)\n"))
            break
        kept += [made] if made else []
    return kept


def _output(output: dict):
    kind = output["output_type"]
    if kind == "stream":
        return new_output(
            "stream", name="stderr" if output["name"] == "stderr" else "stdout", text=_cut(output["text"])
        )
    if kind == "error":
        lines = [_cut(str(line)) for line in output["traceback"]]
        return new_output(
            "error", ename=_cut(str(output["ename"])), evalue=_cut(str(output["evalue"])), traceback=lines
        )
    if kind in ("display_data", "execute_result"):
        data = {mime: _cut(output["data"][mime]) for mime in MIME_TYPES if mime in output["data"]}
        return new_output("display_data", data) if data else None
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


def _write_notebook(draft: Path, one: Graded, notebook) -> None:
    nbformat.write(notebook, draft / f"{one.plan.notebook}.ipynb")
    text = json.dumps(asdict(one.verdict))  # in ASCII: what students print may hold what UTF-8 cannot
    (draft / f"{one.plan.notebook}.verdict.json").write_text(text + "\n", encoding="ascii")


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


def key(graded: Graded) -> str:
    """What a verdict depends on, as a hash: the plan, the submission's text, the grader, and what it runs on."""
    text = json.dumps([asdict(graded.submission), [asdict(one) for one in graded.prose], _version()], sort_keys=True)
    return hashlib.sha256((plans.to_json(graded.plan) + text).encode("utf-8", "replace")).hexdigest()


def _version() -> list[str]:
    names = [path for package in ("course_grader", "course_utils") for path in _sources(package)]
    found = [hashlib.sha256(path.read_bytes()).hexdigest() for path in names]
    for package in ("numpy", "torch", "ipython", "matplotlib"):
        with contextlib.suppress(PackageNotFoundError):
            found.append(version(package))
    return found


def _sources(package: str) -> list[Path]:
    return sorted((Path(__file__).resolve().parents[1] / package).glob("*.py"))


def recorded(course: plans.Settings, graded: Graded) -> Verdict | None:
    """The verdict on exactly this submission, if it is already recorded; `graded.verdict` is not looked at."""
    unit, student, name = graded.plan.unit, graded.submission.student, graded.plan.notebook
    path = course.verdict_file(student, unit, name)
    try:
        notebook = nbformat.read(path.with_name(f"{name}.ipynb"), as_version=4)
        verdict = Verdict.from_json(path.read_text(encoding="utf-8"))
    except Exception:
        return None
    if notebook.metadata.get("course_grader", {}).get("key") != key(graded):
        return None
    with plans.gradebook(course) as book:
        try:
            row = book.find_submission_notebook(name, unit, student)
        except MissingEntry:
            return None
        due = {cell.name: cell.points for cell in verdict.cells}
        found = {grade.name: grade.auto_score for grade in row.grades if grade.name in due}
    return verdict if found == due else None
