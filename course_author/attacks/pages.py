"""The class of attacks on whoever reads a page: formgrader's pages of them, opened in a real Chromium.

Unlike the rest of the corpus these are graded without namespaces around the grader: what they are after is a browser.
Each is handed in by somebody of its own, and all payloads of tests/helpers/payloads.py as prose by one more for each
portion.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import shutil
import tarfile
import tempfile
from pathlib import Path

from traitlets.config.loader import PyFileConfigLoader

from ..units.unit import ROOT, UnitError
from .corpus import profile
from .machine import template
from .submission import hand_in, scores_in

PAYLOADS, PORTION = "payloads-in-prose", 54  # the name under which all of them are reported; payloads on a page


def look(names: list[str], stock: bool = False) -> dict[str, list[str]]:
    """What is live on the pages of these attacks, by name; [] for one that is not.

    stock: with nbgrader's own pages, as they are without this course's settings
    """
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))):
        raise UnitError(
            "The attacks on pages need Chromium: `make dev` installs it on Debian, else install it by hand."
        )
    from attacks import base, pages
    from attacks.course import UNIT

    chosen = [attack for attack in base.corpus()["J"] if attack.name in names and not attack.refused]
    with tempfile.TemporaryDirectory(prefix="attacked-pages-") as scratch:
        course, home = Path(scratch) / "course", Path(scratch) / "home"
        home.mkdir()
        with tarfile.open(fileobj=io.BytesIO(template())) as archive:
            archive.extractall(course, filter="data")
        (course / "nbgrader_config.py").write_text(profile() + ("" if stock else _settings()), encoding="utf-8")
        by_student = {f"mallory-{number}": attack.name for number, attack in enumerate(chosen)}
        for student, attack in zip(by_student, chosen, strict=True):
            hand_in(dataclasses.replace(attack, student=student), course)
        if PAYLOADS in names:
            by_student |= _hand_in_prose(course)
        _grade(course, UNIT)
        before = {student: scores_in(course, student) for student in by_student}
        with pages.formgrader(course, home) as seen:
            found = _seen(seen, pages.submissions(course, UNIT), by_student)
        for student, name in by_student.items():
            if scores_in(course, student) != before[student]:
                found[name].append("its points are others than before")
        return found


def _seen(formgrader, paths: dict, by_student: dict[str, str]) -> dict[str, list[str]]:
    from payloads import named

    found: dict[str, list[str]] = {name: [] for name in by_student.values()}
    terminals = 0
    for (student, _), path in paths.items():
        if student in by_student:
            found[by_student[student]] += [named(one) for one in formgrader.look(path)]
            opened = len(formgrader.terminals())
            if opened > terminals:
                found[by_student[student]].append("a terminal was opened")
            terminals = opened
    return found


def _settings() -> str:
    """How this course's own settings have pages made."""
    made = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config().HTMLExporter
    return "".join(f"c.HTMLExporter.{name} = {value!r}\n" for name, value in made.items())


def _hand_in_prose(course: Path) -> dict[str, str]:
    """All payloads in text cells of the student's own, and the first of each portion in an edited one of the course."""
    from attacks import course as made
    from payloads import EVERY, numbered

    students, every = {}, list(EVERY)
    for start in range(0, len(every), PORTION):
        student = f"mallory-prose-{start}"
        notebook = json.loads(made.released(course).read_text(encoding="utf-8"))
        texts = [
            numbered(EVERY[name], 1000 + start + place) for place, name in enumerate(every[start : start + PORTION])
        ]
        notebook["cells"][0]["source"] = texts[0]
        cell = {"cell_type": "markdown", "metadata": {}}
        notebook["cells"] += [cell | {"id": f"own-{place}", "source": text} for place, text in enumerate(texts)]
        made.submitted(course, student).mkdir(parents=True)
        (made.submitted(course, student) / f"{made.UNIT}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        students[student] = PAYLOADS
    return students


def _grade(course: Path, unit: str) -> None:
    """Grade all of them as an instructor does; what the command prints goes nowhere."""
    from course_grader.cli import main as cli

    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        status = cli.main(["grade", unit, "--course", str(course), "--jobs", "2"])
    if status:
        raise UnitError(f"The attacks on pages could not be graded (status {status}).")
