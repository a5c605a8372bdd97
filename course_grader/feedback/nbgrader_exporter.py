"""The feedback page as an exporter, for nbgrader's own command and for formgrader's button."""

from __future__ import annotations

from pathlib import Path

from nbconvert.exporters.exporter import Exporter
from traitlets import default

from ..course import plan as plans
from .page import KEPT, page_of


class FeedbackExporter(Exporter):
    """What `nbgrader generate_feedback` and formgrader's Generate Feedback write.

    In nbgrader_config.py:
    ``c.GenerateFeedback.exporter_class = "course_grader.feedback.nbgrader_exporter.FeedbackExporter"``.
    """

    export_from_notebook = None  # no entry in Jupyter's Save As
    output_mimetype = "text/html"

    @default("file_extension")
    def _file_extension_default(self):
        return ".html"

    def from_notebook_node(self, nb, resources=None, **kw):
        """The page of one autograded notebook; `resources` as nbgrader's converter makes them."""
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        facts, folder = resources["nbgrader"], Path(resources["metadata"]["path"])
        unit, name, student = facts["assignment"], facts["notebook"], facts["student"]
        course = plans.Settings(self.parent.coursedir, self.parent.config)
        take_back(folder, course.folder("feedback", student, unit))
        return page_of(course, unit, student, folder / f"{name}.ipynb", nb), resources


def take_back(graded: Path, target: Path) -> None:
    """Remove from the feedback folder what nbgrader has copied there: the record for instructors, and pages that a
    student has handed in. What the exchange needs stays, and so do pages of ours.
    """
    pages = {f"{path.stem}.html" for path in graded.glob("*.ipynb")}
    for path in sorted(graded.rglob("*"), reverse=True):  # files before the folders that hold them
        copy = target / path.relative_to(graded)
        if path.parent == graded and (path.name in KEPT or path.name in pages):
            continue
        if copy.is_dir() and not copy.is_symlink():
            if not any(copy.iterdir()):
                copy.rmdir()
        else:
            copy.unlink(missing_ok=True)
