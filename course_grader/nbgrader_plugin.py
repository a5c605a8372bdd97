"""`nbgrader autograde` and formgrader's Autograde button, with the judge in the place of nbgrader's own execution.

In nbgrader_config.py, as strings, so that a missing course_grader stops the run:

    c.Autograde.exporter_class = "course_grader.nbgrader_plugin.JudgeExporter"
    c.Autograde.sanitize_preprocessors = ["course_grader.nbgrader_plugin.Unjudged"]
    c.Autograde.autograde_preprocessors = ["course_grader.nbgrader_plugin.Unjudged"]
    c.GenerateAssignment.exporter_class = "course_grader.nbgrader_plugin.TriedExporter"

nbgrader copies a submission's files, and follows links while it does, before it calls any preprocessor; a hook that
raises is only logged. The exporter is made before all that and knows its converter, so it makes a `JudgedAutograde` of
it: nbgrader's choice of submissions, its messages, `--force`, `--student`, `--notebook` and its exit status stay, and
what it does with one submission is what `course-grader grade` does. The preprocessors are a second lock: should
nbgrader ever get as far as executing, they stop it. The release's exporter is nbgrader's own, and has the unit's own
answers tried once all is written.
"""

from __future__ import annotations

import atexit
import re
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde, GenerateAssignment, NbGraderException
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import parse_utc

from .contracts import BadUnit, CannotStart, GraderError
from .course import plan as plans
from .engine import worker
from .engine.pool import Local
from .grading import own_answers
from .grading.reading import timestamp
from .grading.run import Run
from .words import short

atexit.register(worker.close)  # formgrader's process lives for days, and its engine with it


def here() -> Local:
    """One submission after the other, as nbgrader does; the engine goes on to the next one."""
    return Local(1, stay=True)


class JudgedAutograde(Autograde):
    """nbgrader's Autograde with the judge: submissions are read, judged and recorded by course_grader."""

    def convert_notebooks(self) -> None:
        """All submissions, in place of nbgrader's own loop.

        That one empties a submission's folder in autograded/ before the submission has been read (with --force, which
        formgrader's button always is), and once more when it is refused. Here what was recorded stays until a new
        verdict takes its place.
        """
        course, refused = plans.Settings(self.coursedir, self.config), []
        for unit, submissions in self._by_unit().items():
            run = Run(course, unit, regrade=True, create=self.create_student, say=self._warn)
            try:
                with run:
                    refused += [(unit, who) for who, names in submissions if not self._graded(run, unit, who, names)]
            except CannotStart as error:
                self.log.error("%s", error)
                raise SystemExit(2) from None  # as of `course-grader grade`; formgrader shows the line above
        if refused:
            for unit, student in refused:
                self.log.error("There was an error processing assignment '%s' for student '%s'", unit, student)
            raise NbGraderException("Some submissions could not be graded; the lines above say why.")

    def _warn(self, sentence: str) -> None:
        self.log.warning("%s", sentence)

    def _by_unit(self) -> dict[str, list[tuple[str, list[str]]]]:
        """What nbgrader has chosen: unit -> (student, paths of the notebooks)."""
        found = {}
        form = re.compile(self._format_source("(?P<assignment_id>.*)", "(?P<student_id>.*)", escape=True))
        for folder in sorted(self.assignments):
            names = form.match(folder)
            if names is None:
                raise NbGraderException(f"{folder} is no folder of a submission.")
            chosen = names["student_id"], sorted(self.assignments[folder])
            found.setdefault(names["assignment_id"], []).append(chosen)
        return found

    def _graded(self, run: Run, unit: str, student: str, notebooks: list[str]) -> bool:
        """Grade a submission, if it is due; False if it was refused, or the grader failed on it."""
        self.notebooks = notebooks  # what nbgrader's hooks are told
        try:
            if not self._is_due(unit, student):
                return True
            self.run_pre_convert_hook()
            self._grade(run, student)
            self.set_permissions(unit, student)
            self.run_post_convert_hook()
        except CannotStart:
            raise
        except GraderError as error:
            self.log.error("%s", error)
            return False
        except Exception:
            self.log.exception("The grader itself failed on the submission of %s: please report it.", student)
            return False
        return True

    def _is_due(self, unit: str, student: str) -> bool:
        """nbgrader's rule (`init_destination`): what is new, newer than its verdict, or asked for by --force."""
        if student in self.coursedir.student_id_exclude.split(","):
            return False
        target = Path(self._format_dest(unit, student))
        stems = [Path(name).stem for name in self.notebooks] if self.coursedir.notebook_id != "*" else []
        there = target.exists() and all((target / f"{stem}.ipynb").exists() for stem in stems)
        if self.force or not there:
            return True
        new, old = (timestamp(Path(folder)) for folder in (self._format_source(unit, student), target))
        if new and old and parse_utc(new) > parse_utc(old):
            return True
        self.log.info("Skipping existing assignment: %s", target)
        return False

    def _grade(self, run: Run, student: str) -> None:
        for name in self.notebooks:
            self.log.info("Autograding %s", name)
        names = None if self.coursedir.notebook_id == "*" else [Path(name).stem for name in self.notebooks]
        (result,) = run.results([student], here(), names)
        if "error" in result:
            raise GraderError(result["error"])
        for verdict in result["verdicts"]:
            self.log.info("%s: %g of %g points", verdict.notebook, verdict.points, verdict.max_points)
            for note in verdict.notes:
                self.log.warning("%s: %s", verdict.notebook, note)


class TriedRelease(GenerateAssignment):
    """nbgrader's GenerateAssignment, which then tries the unit's own answers, so that the first grading need not."""

    def convert_notebooks(self) -> None:
        super().convert_notebooks()
        course = plans.Settings(self.coursedir, self.config)
        for unit in sorted({Path(folder).name for folder in self.assignments}):
            try:
                own_answers.check_released(course, unit, here(), say=lambda told: self.log.warning("%s", told))
            except BadUnit as error:
                self.log.error("%s", error)
                raise NbGraderException(str(error)) from None
            except GraderError as error:  # a machine that cannot grade may well release
                self.log.warning("The own answers of %s are tried when it is first graded (%s)", unit, error)


class JudgeExporter(NotebookExporter):
    """Stands in nbgrader's settings to get hold of its converter; exports nothing itself."""

    export_from_notebook = None  # no entry in Jupyter's Save As

    def __init__(self, config=None, parent=None, **options):
        super().__init__(config=config, parent=parent, **options)
        if type(parent) is Autograde:
            parent.__class__ = JudgedAutograde

    def from_filename(self, filename, resources=None, **_):
        raise GraderError(_sentence(filename))


class TriedExporter(NotebookExporter):
    """Stands in nbgrader's settings to have a unit's own answers tried once it is released."""

    export_from_notebook = None

    def __init__(self, config=None, parent=None, **options):
        super().__init__(config=config, parent=parent, **options)
        if type(parent) is GenerateAssignment:
            parent.__class__ = TriedRelease


class Unjudged(NbGraderPreprocessor):
    """Refuses to go on: nbgrader is about to execute a submission itself."""

    def preprocess(self, nb, resources):
        raise GraderError(_sentence(resources.get("metadata", {}).get("name", "a notebook")))


def _sentence(name) -> str:
    return (
        f"nbgrader would run {short(Path(str(name)).name)} without the judge: the course's settings need "
        'c.Autograde.exporter_class = "course_grader.nbgrader_plugin.JudgeExporter".'
    )
