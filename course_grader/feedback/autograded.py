"""What an autograded notebook and the gradebook tell of a student's work."""

from __future__ import annotations

import json

from nbgrader.api import MissingEntry

from ..contracts import Added, CellRun, CellVerdict, GraderError, Plan, PlanCell, Submission, Verdict
from ..course import plan as plans
from .text import string

OWN = "own-"  # so begin the ids that records/notebook.py gives to cells of the student's own
BY_STOCK = "This notebook was graded without the separate judge, so for some parts only the points are known."


def grades(course: plans.Settings, unit: str, notebook: str, student: str) -> tuple[dict, dict, float]:
    """Scores and comments as `page` takes them, and the late penalty.

    Raises
    ------
    GraderError
        If the gradebook knows nothing of this notebook and student.
    """
    with plans.gradebook(course) as gradebook:
        try:
            found = gradebook.find_submission_notebook(notebook, unit, student)
        except MissingEntry:
            raise GraderError(f"The gradebook holds no grades of {student} for {notebook} in {unit}.") from None
        scores = {}
        for grade in found.grades:
            waits = grade.manual_score is None and grade.auto_score is None
            scores[grade.name] = (None if waits else grade.score, grade.max_score, grade.manual_score is not None)
        comments = {comment.name: comment.comment for comment in found.comments if comment.comment}
        return scores, comments, found.late_submission_penalty or 0.0


def _name(cell) -> str:
    options = cell.metadata.get("nbgrader")
    return string(options.get("grade_id")) if isinstance(options, dict) else ""


def plan_of(notebook, unit: str, name: str) -> Plan:
    """A plan from an autograded notebook alone. What was released of its tests is not known, so none of it is shown."""
    cells = []
    for cell in notebook.cells:
        if cell.get("id", "").startswith(OWN):
            continue
        options = cell.metadata.get("nbgrader")
        options = options if isinstance(options, dict) else {}
        graded, solution, code = bool(options.get("grade")), bool(options.get("solution")), cell.cell_type == "code"
        kind = "manual" if graded and solution else "answer" if solution else "test" if graded and code else ""
        kind = kind or ("text" if not code else "setup" if options else "example")
        released = cell.source if kind in ("text", "setup", "example") else ""
        source = cell.source if kind not in ("answer", "manual") else ""
        points = options.get("points", 0.0)
        points = float(points) if isinstance(points, int | float) else 0.0
        cells.append(PlanCell(kind, _name(cell), source, released, cell.cell_type, cell.get("id", ""), points))
    return Plan(unit, name, tuple(cells))


def submission_of(notebook, plan: Plan, student: str) -> Submission:
    """What the student wrote, read from the autograded notebook."""
    names = {cell.name: place for place, cell in enumerate(plan.cells) if cell.name}
    ids = {cell.cell_id: place for place, cell in enumerate(plan.cells) if cell.cell_id}
    examples = {cell.source for cell in plan.cells if cell.kind == "example"}
    answers, added, after = {}, [], -1
    for cell in notebook.cells:
        place = names.get(_name(cell), ids.get(cell.get("id", "")))
        if place is not None:
            after = place
            if plan.cells[place].kind in ("answer", "manual"):
                answers.setdefault(plan.cells[place].name, cell.source)
        elif cell.cell_type == "code" and cell.source.strip() and cell.source not in examples and not _name(cell):
            added.append(Added(after, cell.source))
    return Submission(student, answers, tuple(added))


def stock_verdict(notebook, plan: Plan, scores: dict, student: str) -> Verdict:
    """What plain nbgrader's run tells: points, the kind of failure, and outputs from before the first hidden test."""
    verdict = Verdict(plan.unit, plan.notebook, student, notes=[BY_STOCK])
    kinds = {cell.name: cell for cell in plan.cells if cell.name}
    safe = True
    for cell in notebook.cells:
        ours = kinds.get(_name(cell))
        if cell.cell_type != "code" or ours is None:
            continue
        safe = safe and not ours.hidden
        if ours.kind == "test":
            verdict.cells.append(_stock_cell(cell, ours, scores.get(ours.name, (0.0, ours.points, False)), safe))
        elif safe and ours.kind in ("answer", "manual"):
            verdict.runs.append(CellRun(ours.name, json.loads(json.dumps(cell.outputs))))
    return verdict


def _stock_cell(cell, ours: PlanCell, score: tuple, safe: bool) -> CellVerdict:
    points, most = score[0] or 0.0, score[1]
    errors = [output for output in cell.outputs if output.get("output_type") == "error"]
    ename = string(errors[0].get("ename")) if errors else ""
    known = {"NotImplementedError": "unanswered", "AssertionError": "wrong", "CheckFailed": "wrong", "": "wrong"}
    cause = "" if points >= most and not errors else known.get(ename, "error")
    message = string(errors[0].get("evalue")) if errors and safe else ""
    return CellVerdict(ours.name, points, most, cause, message)
