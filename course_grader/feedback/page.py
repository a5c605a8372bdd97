"""The page that a student gets back: one HTML file per notebook, without a script and without a request.

Two walls stand between what a student wrote and whoever opens the page. Everything is text and is escaped (the
template escapes all that it prints; the only markup made from a student's text are the spans of `highlight`, and images
are rebuilt from verified PNG chunks). And the page's content policy forbids scripts, requests and styles of others.

No test's source is an input of the page: of a test it shows its name, its points, the verdict's message, and the
comment lines that students were given.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import re
import tempfile
from pathlib import Path

import jinja2
import nbformat
from markupsafe import Markup

from ..contracts import STUDENT, GraderError, Plan, Submission, Verdict
from ..course import plan as plans
from ..records.verdict_file import read_verdict
from ..words import clean, headings, number
from .autograded import grades, plan_of, stock_verdict, submission_of
from .sections import MOST_BLOCKS, STATES, View

KEPT = ("timestamp.txt", "submission_secret.txt")  # what nbgrader's exchange needs beside the page


def page(
    plan: Plan,
    submission: Submission,
    verdict: Verdict,
    scores: dict[str, tuple],
    comments: dict[str, str],
    *,
    late_penalty: float = 0.0,
) -> str:
    """The feedback page as HTML; a pure function of its arguments.

    scores: grade_id -> (score, or None while it waits for a person; max; was it set by a person?); what it lacks is
        taken from the verdict
    comments: grade_id -> what a person wrote about that cell
    late_penalty: points taken off for handing in late
    """
    view = View(plan, submission, verdict, scores, comments)
    titles = [title for cell in plan.cells if cell.cell_type == "markdown" for title in headings(cell)]
    graded = [section for section in view.sections if section.graded]
    numbers = [section.state for section in graded]
    total = sum(section.score for section in graded)
    return _template().render(
        title=titles[0] if titles else plan.notebook, unit=plan.unit, notebook=plan.notebook,
        student=submission.student, sections=view.sections, graded=graded, solved=numbers.count("ok"),
        waiting=numbers.count("wait"), score=total, late=late_penalty or 0.0, most=sum(s.most for s in graded),
        added=view.added, more_added=max(0, len(submission.added) - MOST_BLOCKS), notes=view.notes,
        added_ran=plan.allow_added_cells, states=STATES, policy=policy(), style=Markup(_style()),
        here=any(cell.where == STUDENT for cell in verdict.cells),
    )  # fmt: skip


def _print(value):
    """What the template does to everything that it prints; escaping comes on top of it."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    shown = clean(value[:5_000])
    return shown if len(value) <= 5_000 else shown + "…"


@functools.cache
def _template() -> jinja2.Template:
    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    surroundings = jinja2.Environment(
        loader=folder, autoescape=True, finalize=_print, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    surroundings.filters["number"] = number
    return surroundings.get_template("feedback.html")


@functools.cache
def _style() -> str:
    return Path(__file__).with_name("feedback.css").read_text(encoding="utf-8")


def policy() -> str:
    """The page's content policy. The hash admits our style sheet only; browsers that know it ignore unsafe-inline."""
    digest = base64.b64encode(hashlib.sha256(f"\n{_style()}".encode()).digest()).decode("ascii")
    style = f"style-src 'unsafe-inline' 'sha256-{digest}'"
    return f"default-src 'none'; img-src data:; {style}; form-action 'none'; base-uri 'none'"


def write(course: Path | plans.Settings, unit: str, student: str) -> list[Path]:
    """Write feedback/<student>/<unit>/<notebook>.html for each graded notebook; returns the pages.

    Raises
    ------
    GraderError
        If nothing of this student has been graded.
    """
    for name in (unit, student):
        if name in ("", ".", "..") or re.search(r"[/\\\0]", name):
            raise GraderError(f"{name!r} cannot be the name of a unit or a student.")
    course = course if isinstance(course, plans.Settings) else plans.settings(course)
    graded, target = (course.folder(step, student, unit) for step in ("autograded", "feedback"))
    found = sorted(path for path in graded.glob("*.ipynb") if path.is_file() and not path.is_symlink())
    if not found:
        raise GraderError(f"{student} has no graded work in {unit}: grade it first, then write the feedback.")
    target.mkdir(parents=True, exist_ok=True)
    mode = 0o664 if course.coursedir.groupshared else 0o644
    pages = []
    for path in found:
        html = page_of(course, unit, student, path, nbformat.read(path, as_version=4))
        pages.append(_replace(target / f"{path.stem}.html", html.encode("utf-8"), mode))
    for name in KEPT:
        if (graded / name).is_file() and not (graded / name).is_symlink():
            _replace(target / name, (graded / name).read_bytes(), mode)
    return pages


def _replace(path: Path, content: bytes, mode: int) -> Path:
    """Write a file whole or not at all."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".feedback-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(draft).chmod(mode)
    return Path(draft).replace(path)


def page_of(course: plans.Settings, unit: str, student: str, path: Path, notebook) -> str:
    """The page for the autograded notebook at `path`: points from the gradebook, the verdict from the file beside it.

    Without a verdict (plain nbgrader has graded) the page holds the points and what ran before the first hidden test:
    in a process that has seen a hidden test, outputs may show what it holds.
    """
    name = path.stem
    scores, comments, late = grades(course, unit, name, student)
    try:
        plan = plans.load(course, unit, name)
    except GraderError:  # released by other means, or released again since: then the notebook has to do
        plan = plan_of(notebook, unit, name)
    verdict = read_verdict(path.with_name(f"{name}.verdict.json"), unit, name, student)
    submission = submission_of(notebook, plan, student)
    if verdict is None:
        verdict = stock_verdict(notebook, plan, scores, student)
    return page(plan, submission, verdict, scores, comments, late_penalty=late)
