"""What the instructor knows about a notebook: its cells in order, hidden tests included, from gradebook and release.

The gradebook keeps the locked cells with their hidden tests, but no order and no untagged cells; the released notebook
keeps order, examples and the text that students got. A plan is made of both, and only if they agree.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.baseapp import NbGrader
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme
from sqlalchemy import create_engine, inspect
from traitlets import Dict, Float, List, Unicode
from traitlets.config import Config, Configurable

from ..contracts import GraderError, Plan, PlanCell
from .refusals import LOCKED, Locked, in_words


class CourseGrader(Configurable):
    """What a course may set in its nbgrader_config.py, as `c.CourseGrader.<name>`."""

    cpu_seconds = Float(5.0, help="CPU time that one cell of a student may take.").tag(config=True)
    cpu_seconds_of = Dict({}, help="The same for single units: unit name -> seconds.").tag(config=True)
    no_added_cells = List([], help="Units in which code cells that students add are not run.").tag(config=True)
    no_student_process = List(
        [],
        help="Units in which a test that cannot work on remote values fails instead of running beside the answers; "
        "'*' stands for all.",
    ).tag(config=True)
    libraries = List(
        [],
        help="What the prepared process imports before it grades; empty: numpy, matplotlib, torch, ipywidgets and "
        "course_utils. A course without torch starts in a second if it names only what its cells import.",
    ).tag(config=True)
    isolation = Unicode("full", help="'full': student code in a sandbox; 'none': without one.").tag(config=True)


@dataclass(frozen=True)
class Settings:
    """A course's nbgrader settings: where its folders and its gradebook are, and all options."""

    coursedir: CourseDirectory
    config: Config

    @property
    def root(self) -> Path:
        return Path(self.coursedir.root)

    @property
    def grader(self) -> CourseGrader:
        return CourseGrader(config=self.config)

    def folder(self, step: str, student: str, unit: str) -> Path:
        """Where nbgrader keeps a step's files, e.g. folder("submitted", "ada", "01_small")."""
        step = getattr(self.coursedir, f"{step}_directory", step)
        return Path(self.coursedir.format_path(step, student, unit))

    def submitted(self, student: str, unit: str) -> Path:
        return self.folder("submitted", student, unit)

    def verdict_file(self, student: str, unit: str, notebook: str) -> Path:
        """Where a verdict stays as JSON, for feedback, for disputes, and to see whether anything has changed."""
        return self.folder("autograded", student, unit) / f"{notebook}.verdict.json"


class _Application(NbGrader):
    """nbgrader's way of finding settings, without the current folder's, and with faults that are not swallowed."""

    name = "nbgrader"
    load_cwd_config = False
    raise_config_file_errors = True

    def init_syspath(self):
        """Nothing: the folder that a grader is started in is no place to import from."""


def settings(course: Path) -> Settings:
    """Read a course's nbgrader_config.py (and the user's own) as nbgrader does.

    Raises
    ------
    GraderError
        If there is no such course, or its settings fail.
    """
    course = Path(course).resolve()
    if not course.is_dir():
        raise GraderError(f"There is no course folder {course}.")
    application = _Application()
    application.log_level = "ERROR"
    try:
        application.initialize([], root=str(course))
    except BaseException as error:  # nbgrader leaves by SystemExit, too
        if isinstance(error, KeyboardInterrupt):
            raise
        raise GraderError(f"The settings in {course / 'nbgrader_config.py'} fail: {_one_line(error)}") from None
    return Settings(application.coursedir, application.config)


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def gradebook(course: Settings) -> Gradebook:
    """The course's gradebook, opened; a missing one is an error, not a new empty file."""
    url = course.coursedir.db_url
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.is_file():
        raise GraderError(
            f"There is no gradebook {path}: run `nbgrader generate_assignment UNIT` in the course folder."
        )
    if not _has_tables(url):
        raise GraderError(f"{path} is no gradebook of nbgrader's: run `nbgrader generate_assignment UNIT`.")
    try:
        return Gradebook(url, course.coursedir.course_id or "default_course")
    except Exception as error:
        if isinstance(in_words(error), Locked):
            raise Locked(LOCKED) from None
        raise GraderError(
            f"The gradebook {path} cannot be opened ({_one_line(error)}): make a copy, then try `nbgrader db upgrade`."
        ) from None


def _has_tables(url: str) -> bool:
    engine = create_engine(url)
    try:
        return inspect(engine).has_table("source_cell")
    except Exception as error:
        if isinstance(in_words(error), Locked):
            raise Locked(LOCKED) from None
        return False
    finally:
        engine.dispose()


def notebooks(course: Settings, unit: str) -> list[str]:
    """The names of an assignment's notebooks, from the gradebook."""
    with gradebook(course) as book:
        return [one.name for one in _assignment(book, unit).notebooks]


def _assignment(book: Gradebook, unit: str):
    try:
        return book.find_assignment(unit)
    except MissingEntry:
        raise GraderError(f"The gradebook knows no unit {unit}: run `nbgrader generate_assignment {unit}`.") from None


def of_unit(course: Settings, unit: str, book: Gradebook | None = None) -> dict[str, Plan]:
    """The plans of a unit, by notebook; book: the course's gradebook, where it is open already."""
    with contextlib.nullcontext(book) if book is not None else gradebook(course) as opened:
        return {one.name: _plan(course, unit, one) for one in _assignment(opened, unit).notebooks}


def load(course: Path | Settings, unit: str, notebook: str | None = None) -> Plan:
    """The plan of one notebook.

    notebook: may be left out where the unit has only one

    Raises
    ------
    GraderError
        If the unit was never released, or if gradebook and release do not agree.
    """
    course = course if isinstance(course, Settings) else settings(course)
    with gradebook(course) as book:
        known = {one.name: one for one in _assignment(book, unit).notebooks}
        if notebook is None and len(known) == 1:
            notebook = next(iter(known))
        if notebook not in known:
            raise GraderError(
                f"Unit {unit} has the notebooks {', '.join(sorted(known)) or '(none)'}: name one of them."
            )
        return _plan(course, unit, known[notebook])


def _plan(course: Settings, unit: str, record) -> Plan:
    mend = f"run `nbgrader generate_assignment {unit} --force` and grade again"
    saved = {cell.name: cell for cell in record.source_cells}
    points = {cell.name: cell.max_score for cell in [*record.grade_cells, *record.task_cells]}
    path, cells = _released(course, unit, record.name, mend)
    hide = [step(config=course.config) for step in (ClearHiddenTests, ClearMarkScheme)]
    planned, seen = [], set()
    for cell in cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "") if _is_ours(cell) else ""
        if name and (name in seen or name not in saved):
            fault = "twice" if name in seen else "but not in the gradebook"
            raise GraderError(f"The cell {name} stands in {path} {fault}: {mend}.")
        seen.add(name)
        planned.append(_planned(cell, name, saved.get(name), points.get(name), hide, path, mend))
    lost = sorted(saved.keys() - seen)
    if lost:
        raise GraderError(f"The cell {lost[0]} stands in the gradebook but not in {path}: {mend}.")
    own = course.grader
    allowed = unit not in own.no_student_process and "*" not in own.no_student_process
    return Plan(
        unit, record.name, tuple(planned), float(own.cpu_seconds_of.get(unit, own.cpu_seconds)),
        allow_added_cells=unit not in own.no_added_cells, allow_student_process=allowed, libraries=tuple(own.libraries),
        reference=_reference(course, unit, record.name, planned) if allowed else {},
    )  # fmt: skip


def _reference(course: Settings, unit: str, notebook: str, planned: Iterable[PlanCell]) -> dict[str, str]:
    """The same without a reason why not."""
    with contextlib.suppress(GraderError):
        return own_answers(course, unit, notebook, planned)
    return {}


def own_answers(course: Settings, unit: str, notebook: str, planned: Iterable[PlanCell]) -> dict[str, str]:
    """The course's own answers to these cells by name, from source/.

    Raises
    ------
    GraderError
        They are not here, or source/ has other cells; the message says which file lacks what.
    """
    path = course.folder("source", ".", unit) / f"{notebook}.ipynb"
    shown = os.path.relpath(path, course.root)
    try:
        cells = nbformat.read(path, as_version=4).cells
    except FileNotFoundError:
        raise GraderError(f"{shown} is not here") from None
    except Exception as error:
        raise GraderError(f"{shown} is no readable notebook ({_one_line(error)})") from None
    answers = {cell.metadata.get("nbgrader", {}).get("grade_id", ""): cell.source for cell in cells}
    names = [cell.name for cell in planned if cell.kind in ("answer", "manual")]
    missing = [name for name in names if name not in answers]
    if missing:
        raise GraderError(f"{shown} has no answer {missing[0]!r}")
    return {name: answers[name] for name in names}


def _released(course: Settings, unit: str, notebook: str, mend: str):
    """The released notebook, its path for messages, and its cells; from source/ where nothing was released."""
    for step in ("release", "source"):
        path = course.folder(step, ".", unit) / f"{notebook}.ipynb"
        if path.is_file():
            shown = os.path.relpath(path, course.root)
            try:
                cells = nbformat.read(path, as_version=4).cells
            except Exception as error:
                raise GraderError(f"{shown} is no readable notebook ({_one_line(error)}): {mend}.") from None
            for cell in cells:
                cell.source = cell.source.replace("\r\n", "\n")
            return shown, cells
    raise GraderError(f"There is neither release/{unit}/{notebook}.ipynb nor source/{unit}/{notebook}.ipynb: {mend}.")


def _is_ours(cell) -> bool:
    return any(check(cell) for check in (utils.is_grade, utils.is_solution, utils.is_locked, utils.is_task))


def _planned(cell, name: str, saved, points, hide: list, path: str, mend: str) -> PlanCell:
    """One cell of the plan; `saved` is the gradebook's, None for cells that it does not keep."""
    kind = _kind(cell)
    cell_id = cell.get("id", "")
    if saved is None:
        source = cell.source if kind != "test" else ""
        return PlanCell(kind, "", source, source, cell.cell_type, cell_id)
    if path.startswith("source"):  # not released: the text that students would get is the gradebook's
        cell.source = _without_hidden(cell, saved.source, hide)
    fault = _disagreement(cell, saved, points, hide)
    if fault:
        raise GraderError(f"The cell {name} of {path} and of the gradebook differ ({fault}): {mend}.")
    return PlanCell(kind, name, saved.source, cell.source, cell.cell_type, cell_id, float(points or 0))


def _kind(cell) -> str:
    """See `PlanCell.kind`."""
    if utils.is_task(cell) or cell.cell_type == "raw":
        return "text"
    if utils.is_solution(cell):
        return "manual" if utils.is_grade(cell) else "answer"
    if utils.is_grade(cell):
        return "test"
    if cell.cell_type == "markdown":
        return "text"
    return "setup" if utils.is_locked(cell) else "example"


def _without_hidden(cell, source: str, hide: list) -> str:
    copy = nbformat.from_dict({**cell, "source": source})
    for step in hide:
        step.preprocess_cell(copy, {}, 0)
    return copy.source


def _disagreement(cell, saved, points, hide: list) -> str:
    """What differs between the released cell and the gradebook's, "" if nothing does."""
    if cell.cell_type != saved.cell_type:
        return "one is code, the other text"
    graded = utils.is_grade(cell) or utils.is_task(cell)
    if graded and (points is None or float(cell.metadata.nbgrader.get("points", -1)) != float(points)):
        return "the points"
    if utils.is_locked(cell) != bool(saved.locked):
        return "one is locked"
    if _without_hidden(cell, saved.source, hide) != cell.source:
        return "the text that students get"
    whole = nbformat.from_dict({**cell, "source": saved.source})
    if saved.checksum and saved.checksum != utils.compute_checksum(whole):
        return "the checksum"
    return ""
