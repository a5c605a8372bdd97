"""`nbgrader autograde` and formgrader's Autograde button, with the judge in the place of nbgrader's own execution.

In nbgrader_config.py, as strings, so that a missing course_grader stops the run:

    c.Autograde.exporter_class = "course_grader.nbgrader_plugin.JudgeExporter"
    c.Autograde.sanitize_preprocessors = ["course_grader.nbgrader_plugin.Unjudged"]
    c.Autograde.autograde_preprocessors = ["course_grader.nbgrader_plugin.Unjudged"]

nbgrader copies a submission's files, and follows links while it does, before it calls any preprocessor; a hook that
raises is only logged. The exporter is made before all that and knows its converter, so it makes a `JudgedAutograde` of
it: nbgrader's choice of submissions, its messages, `--force`, `--student`, `--notebook` and its exit status stay, and
what it does with one submission is what `course-grader grade` does. The preprocessors are a second lock: should
nbgrader ever get as far as executing, they stop it.
"""

from __future__ import annotations

import atexit
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde, NbGraderException
from nbgrader.preprocessors import NbGraderPreprocessor

from . import intake, record
from . import plan as plans
from .model import GraderError
from .steps import Grader

_graders: dict[tuple[str, str], Grader] = {}  # one for each course and isolation, for as long as this process lives


def grader_for(course: plans.Settings) -> Grader:
    """This process's grader of a course; its engine goes on to the next submission, and is closed at exit."""
    isolation = course.grader.isolation
    found = _graders.get((str(course.root), isolation))
    if found is None:
        found = _graders[str(course.root), isolation] = Grader(course, isolation)
        if len(_graders) == 1:
            atexit.register(close_all)
    found.course = course  # settings may have changed since (formgrader lives for days)
    return found


def close_all() -> None:
    """End the engines of this process."""
    while _graders:
        _graders.popitem()[1].close()


class JudgedAutograde(Autograde):
    """nbgrader's Autograde with the judge: submissions are read, judged and recorded by course_grader."""

    def take_over(self) -> None:
        """Called once for each run, before anything is read."""
        self._grader = grader_for(plans.Settings(self.coursedir, self.config))
        self._grader.forget_plans()

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        folder = Path(self._format_source(assignment_id, student_id))
        try:  # before nbgrader opens the time stamp: a pipe in its place would be waited for without end
            record.timestamp(folder)
        except GraderError as error:
            self._refuse(error)
        return super().init_destination(assignment_id, student_id)

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Grade the whole submission. In nbgrader's own, files are copied here and the gradebook gets its rows."""
        for name in self.notebooks:
            self.log.info("Autograding %s", name)
        names = None if self.coursedir.notebook_id == "*" else [Path(name).stem for name in self.notebooks]
        try:
            done = self._grader.grade(assignment_id, student_id, names, create_student=self.create_student)
        except GraderError as error:
            self._refuse(error)
        for one in done:
            verdict = one.verdict
            self.log.info("%s: %g of %g points", verdict.notebook, verdict.points, verdict.max_points)
            for note in verdict.notes:
                self.log.warning("%s: %s", verdict.notebook, note)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Nothing: `init_assignment` has done it."""

    def _refuse(self, error: GraderError):
        self.log.error("%s", error)
        raise NbGraderException(str(error)) from None


class JudgeExporter(NotebookExporter):
    """Stands in nbgrader's settings to get hold of its converter; exports nothing itself."""

    export_from_notebook = None  # no entry in Jupyter's Save As

    def __init__(self, config=None, parent=None, **options):
        super().__init__(config=config, parent=parent, **options)
        if type(parent) is Autograde:
            parent.__class__ = JudgedAutograde
            parent.take_over()

    def from_filename(self, filename, resources=None, **_):
        raise GraderError(_sentence(filename))


class Unjudged(NbGraderPreprocessor):
    """Refuses to go on: nbgrader is about to execute a submission itself."""

    def preprocess(self, nb, resources):
        raise GraderError(_sentence(resources.get("metadata", {}).get("name", "a notebook")))


def _sentence(name) -> str:
    return (
        f"nbgrader would run {intake.show(Path(str(name)).name)} without the judge: the course's settings need "
        'c.Autograde.exporter_class = "course_grader.nbgrader_plugin.JudgeExporter".'
    )
