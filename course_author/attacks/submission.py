"""How an attack is handed in, and the points that it got."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
from pathlib import Path


def hand_in(attack, course: Path) -> Path:
    """Write an attack's submission into the course; returns its folder (or what the attack made of it)."""
    from attacks import course as made

    remove_submission(attack.student, course)
    notebook = json.loads(made.released(course).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = attack.answers.get(name, cell["source"])
    if attack.notebook:
        attack.notebook(notebook)
    data = json.dumps(notebook).encode()
    folder = made.submitted(course, attack.student)
    folder.mkdir(parents=True)
    (folder / f"{made.UNIT}.ipynb").write_bytes(attack.data(data) if attack.data else data)
    if attack.folder:
        attack.folder(folder)
    return folder


def remove_submission(student: str, course: Path) -> None:
    for step in ("submitted", "autograded", "feedback"):
        remove(course / step / student)


def remove(folder: Path) -> None:
    """Remove a folder, however deep it is and whatever it forbids."""
    if os.path.lexists(folder):
        subprocess.run(["rm", "-rf", "--", str(folder)], capture_output=True, check=False)


def own_points(scores: dict[str, float], attack) -> tuple[float, list[str]]:
    """(points above those deserved, exercises beside the target that lack points) of scores by grade_id."""
    from attacks.course import EXERCISES, POINTS_CHECK, POINTS_HIDDEN

    due = {}
    for slug in EXERCISES:
        due[f"{slug}-check"] = POINTS_CHECK
        due[f"{slug}-hidden"] = attack.earns if slug == attack.target else POINTS_HIDDEN
    gained = sum(max(0.0, scores.get(name, 0.0) - most) for name, most in due.items())
    gained += sum(score for name, score in scores.items() if name not in due)
    full = [slug for slug in EXERCISES if (slug != attack.target or attack.earns) and slug not in attack.loses]
    lost = [
        slug for slug in full if any(scores.get(f"{slug}-{p}", 0.0) < due[f"{slug}-{p}"] for p in ("check", "hidden"))
    ]
    return gained, lost


def scores_in(course: Path, student: str) -> dict[str, float | None]:
    """The student's points by grade_id, as the gradebook has them; None where there are none."""
    query = (
        "select base_cell.name, grade.auto_score, grade.manual_score from grade "
        "join base_cell on base_cell.id = grade.cell_id "
        "join submitted_notebook on submitted_notebook.id = grade.notebook_id "
        "join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id "
        "where submitted_assignment.student_id = ?"
    )
    with contextlib.closing(sqlite3.connect(f"file:{course / 'gradebook.db'}?mode=ro", uri=True, timeout=1)) as book:
        rows = book.execute(query, [student]).fetchall()
    return {name: manual if manual is not None else auto for name, auto, manual in rows}
