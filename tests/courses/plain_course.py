"""Courses written for plain nbgrader, made in this process: manual answers, tasks, several notebooks, bare asserts."""

import json
import shutil
from pathlib import Path

import nbformat
import nbgrader
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from course_author.units.unit import ROOT
from course_grader.course import plan

UNIT = "hw"
FLAGS = {
    "setup": ("locked",), "answer": ("solution",), "test": ("grade", "locked"), "manual": ("grade", "solution"),
    "task": ("task", "locked"), "locked text": ("locked",),
}  # fmt: skip


def cell(kind, name="", source="", points=None, markdown=False):
    """A source cell; kinds as in FLAGS, and "example" and "text" without metadata."""
    markdown = markdown or kind in ("task", "locked text", "text")
    made = (new_markdown_cell if markdown else new_code_cell)(source, id=name or f"id-{abs(hash(source)) % 10**8}")
    if kind in FLAGS:
        flags = {flag: flag in FLAGS[kind] for flag in ("grade", "locked", "solution", "task")}
        made.metadata["nbgrader"] = {"schema_version": 3, "grade_id": name} | flags
        if points is not None:
            made.metadata["nbgrader"]["points"] = points
    return made


SOLVED = "### BEGIN SOLUTION\n{}\n### END SOLUTION"
FIRST = [
    cell("text", source="# Two exercises"),
    cell("setup", "setup", "import math\nbase = 10"),
    cell("example", source="print(base)"),
    cell("answer", "area", "def area(r):\n    ### BEGIN SOLUTION\n    return math.pi * r**2\n    ### END SOLUTION"),
    cell("test", "area-check", "assert area(0) == 0\nassert abs(area(1) - math.pi) < 1e-9", 1),
    cell("test", "area-hidden", "# more\n### BEGIN HIDDEN TESTS\nassert area(3) > 28\n### END HIDDEN TESTS", 3),
    cell("example", source="first_example = area(2)\nprint('an example of the course', first_example)"),
    cell("answer", "shift", "def shift(x):\n    ### BEGIN SOLUTION\n    return x + base\n    ### END SOLUTION"),
    cell("test", "shift-check", "assert shift(1) == 11", 2),
]
SECOND = [
    cell("locked text", "intro", "Read this."),
    cell("manual", "why", "### BEGIN SOLUTION\nBecause.\n### END SOLUTION", 4, markdown=True),
    cell("manual", "draw", "### BEGIN SOLUTION\nprint(1)\n### END SOLUTION", 5),
    cell("task", "essay", "Write an essay.\n=== BEGIN MARK SCHEME ===\n1 point a word\n=== END MARK SCHEME ===", 6),
]
NOTEBOOKS = {"first": FIRST, "second": SECOND}


def make(folder: Path, notebooks=None, config="", unit=UNIT) -> Path:
    """Write a course into a folder and release its unit. `notebooks`: name -> source cells."""
    settings = (ROOT / "nbgrader_config.py").read_text().replace("course_author.units.preprocessors.NamedStubs", STUBS)
    settings = settings.replace('    "course_author.units.preprocessors.TagUnanswered",', "    # ")
    settings = settings.replace("c.GenerateAssignment.exporter_class", "# own answers at the first grading:")
    settings = settings.replace('HiddenTests",\n', 'HiddenTests",\n    "nbgrader.preprocessors.ClearMarkScheme",\n')
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nbgrader_config.py").write_text(settings + config, encoding="utf-8")
    for name, cells in (notebooks or NOTEBOOKS).items():
        path = folder / "source" / unit / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
        nbformat.write(new_notebook(cells=[nbformat.from_dict(one) for one in cells], metadata=kernel), path)
    return release(folder, unit)


STUBS = "nbgrader.preprocessors.ClearSolutions"


def release(folder: Path, unit=UNIT) -> Path:
    """Run nbgrader's generate_assignment in this process (its command takes 3 s)."""
    settings = plan.settings(folder)
    api = NbGraderAPI(settings.coursedir, config=Config(settings.config))
    result = api.generate_assignment(unit)
    assert result["success"], result.get("log", "") + result.get("error", "")
    return folder


def quickstart(folder: Path) -> Path:
    """nbgrader's own course, released, with the two submissions of nbgrader's user guide."""
    guide = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"
    shutil.copytree(guide / "source" / "ps1", folder / "source" / "ps1")
    shutil.copy(guide / "source" / "header.ipynb", folder / "source")
    shutil.copytree(guide / "submitted", folder / "submitted")
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.IncludeHeaderFooter.header = 'source/header.ipynb'\n"
    )
    return release(folder, "ps1")


def released(course: Path, notebook="first", unit=UNIT):
    return nbformat.read(course / "release" / unit / f"{notebook}.ipynb", as_version=4)


def named(notebook) -> dict:
    """The notebook's cells by grade_id."""
    return {one.metadata.nbgrader.grade_id: one for one in notebook.cells if "nbgrader" in one.metadata}


def answered(notebook, **answers):
    """Fill answers in; their names with _ for -."""
    for name, source in answers.items():
        named(notebook)[name.replace("_", "-")].source = source
    return notebook


def as_bytes(notebook) -> bytes:
    return json.dumps(notebook).encode()


def hand_in(course: Path, student: str, *notebooks, names=("first", "second"), unit=UNIT, when="") -> Path:
    """Write notebooks (nodes or bytes) into submitted/; returns the folder."""
    folder = course / "submitted" / student / unit
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, notebook in zip(names, notebooks, strict=False):
        data = notebook if isinstance(notebook, bytes) else as_bytes(notebook)
        (folder / f"{name}.ipynb").write_bytes(data)
    if when:
        (folder / "timestamp.txt").write_text(when)
    return folder


def grades(course: Path, student: str, unit=UNIT) -> dict:
    """What the gradebook holds: grade_id -> (auto score, manual score, needs a person)."""
    with plan.gradebook(plan.settings(course)) as book:
        rows = [row for notebook in book.find_submission(unit, student).notebooks for row in notebook.grades]
        return {row.name: (row.auto_score, row.manual_score, row.needs_manual_grade) for row in rows}


def comments(course: Path, student: str, unit=UNIT) -> dict:
    with plan.gradebook(plan.settings(course)) as book:
        rows = [row for notebook in book.find_submission(unit, student).notebooks for row in notebook.comments]
        return {row.name: (row.auto_comment, row.manual_comment) for row in rows}
