"""Verdicts into the gradebook and into autograded/: one writer, one transaction for a submission.

Order of writing: files into a hidden folder, then the gradebook's transaction, then the folder takes its name. Killed
at any moment, the gradebook holds all of a submission's grades or none of them, and a second run grades what is not in
autograded/.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from dataclasses import asdict, replace
from pathlib import Path

from nbgrader import utils

from ..contracts import Verdict
from ..course import plan as plans
from ..course.refusals import plain_words
from .handed_in import HandedIn, HandedNotebook
from .ledger import Ledger, scores
from .notebook import build


def save(ledger: Ledger, handed: HandedIn, verdicts: list[Verdict], create_student: bool = True) -> None:
    """Record what became of a submission, in one transaction, and write it to autograded/.

    verdicts: one for each of the submission's notebooks. Notebooks of the unit that were not handed in get 0.

    Raises
    ------
    GraderError
        If student or unit are unknown, a verdict and its notebook do not agree, the gradebook is locked or the disk
        full. Nothing of this submission is recorded then.
    """
    course = ledger.course
    target = course.folder("autograded", handed.student, handed.unit)
    there = ledger.unit(handed.unit)
    missing = set(handed.lacking & there.notebooks.keys())
    pairs = list(zip(handed.notebooks, verdicts, strict=True))
    built = {one.plan.notebook: build(one, verdict, there.notebooks[one.plan.notebook]) for one, verdict in pairs}
    with plain_words():
        draft = _draft(target)
        try:
            for one, verdict in pairs:
                _write_notebook(draft, one, verdict, built[one.plan.notebook], target)
            _write_others(course, draft, handed)
            with ledger.transaction():
                found = {name: scores(notebook) for name, notebook in built.items()}
                ledger.save(handed.unit, handed.student, handed.when, found, missing, create_student)
        except BaseException:
            _remove(draft)
            raise
        whole = there.notebooks.keys() == missing | built.keys()
        _install(course, draft, target, whole)


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


def _write_notebook(draft: Path, one: HandedNotebook, verdict: Verdict, notebook, target: Path) -> None:
    """The notebook, its verdict, and the verdict that stood there before, for `course-grader diff`."""
    name = one.plan.notebook
    text = json.dumps(notebook, ensure_ascii=False)  # on one line: an indented one takes ten times longer
    (draft / f"{name}.ipynb").write_text(text + "\n", encoding="utf-8")
    verdict = replace(verdict, key=one.key, keys=one.exercises)
    text = json.dumps(asdict(verdict))  # in ASCII: what students print may hold what UTF-8 cannot
    (draft / f"{name}.verdict.json").write_text(text + "\n", encoding="ascii")
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(target / f"{name}.verdict.json", draft / f"{name}.before.verdict.json")


def _write_others(course: plans.Settings, draft: Path, handed: HandedIn) -> None:
    """The time stamp, a student's pictures, and the course's own files over them; no other file of a student's."""
    if handed.when:
        (draft / "timestamp.txt").write_text(f"{handed.when}\n", encoding="utf-8")
    if handed.secret:
        (draft / "submission_secret.txt").write_bytes(handed.secret)
    for name, content in handed.pictures.items():
        (draft / name).write_bytes(content)
    source = course.folder("source", ".", handed.unit)
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


def tidy(course: plans.Settings, unit: str, student: str) -> None:
    """Put right what a run that was killed while it changed folders left behind."""
    target = course.folder("autograded", student, unit)
    old, new = (target.with_name(f".{target.name}.{ending}") for ending in ("old", "new"))
    if os.path.lexists(old) and not os.path.lexists(target):
        old.rename(target)
    for left in (old, new):
        if os.path.lexists(left):
            _remove(left)
