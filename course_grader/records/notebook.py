"""The autograded notebook: the plan's own cells, the student's text in the answers, and the verdict as outputs.

The points are read back from it with nbgrader's own `determine_grade` before anything is saved, so gradebook,
formgrader and stock nbgrader cannot disagree.
"""

from __future__ import annotations

import json
import math

from nbformat import NotebookNode, from_dict
from nbgrader import utils

from ..causes import IN_SHORT
from ..contracts import OUTPUT_CHARS, REST_LEFT_OUT, CellVerdict, GraderError, PlanCell, Submission, Verdict
from .handed_in import HandedNotebook
from .ledger import Notebook

MIME_TYPES = ("text/plain", "image/png", "image/jpeg", "text/html", "text/markdown", "text/latex", "image/svg+xml")


def build(handed: HandedNotebook, verdict: Verdict, saved: Notebook):
    """The autograded notebook: the plan's own cells with the student's text in the answers and the verdict as outputs.

    Raises
    ------
    GraderError
        If stock nbgrader would read other points from it than the verdict gives.
    """
    plan, submission = handed.plan, handed.submission
    if (verdict.unit, verdict.notebook, verdict.student) != (plan.unit, plan.notebook, submission.student):
        raise GraderError(f"The verdict on {verdict.student}'s {verdict.notebook} is not about this submission.")
    found = {cell.name: cell for cell in verdict.cells}
    for planned in plan.cells:
        _check_points(planned, found.get(planned.name))
    runs = {run.name: run for run in verdict.runs}
    cells = _own_cells(handed, -1, runs)
    for place, planned in enumerate(plan.cells):
        cells.append(_cell(planned, place, submission, found, runs))
        _paste(cells[-1], handed.pasted.get(planned.name))
        if planned.name:
            cells[-1].metadata["nbgrader"] = _options(
                planned, planned.name in saved.tasks, saved.checksums.get(planned.name)
            )
        _hold(cells[-1], planned, found)
        cells += _own_cells(handed, place, runs)
    metadata = {"kernelspec": saved.kernelspec} if saved.kernelspec else {}
    metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3", "file_extension": ".py"}
    metadata["course_grader"] = {"key": handed.key}
    return NotebookNode(nbformat=4, nbformat_minor=5, metadata=metadata, cells=cells)


# nbformat's own functions hold each cell and output against a schema, which took half of the time of a recording; what
# stands here is of the right form by what it is made of, and the tests hold it against the schema.


def _code_cell(source: str, cell_id: str) -> NotebookNode:
    cell = {
        "id": cell_id,
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "source": source,
        "outputs": [],
    }
    return from_dict(cell)


def _text_cell(cell_type: str, source: str, cell_id: str) -> NotebookNode:
    return from_dict({"id": cell_id, "cell_type": cell_type, "metadata": {}, "source": source})


def _node(output_type: str, **fields) -> NotebookNode:
    return from_dict({"output_type": output_type} | fields)


def _cell(planned: PlanCell, place: int, submission: Submission, found: dict, runs: dict):
    cell_id = planned.cell_id or f"cell-{place}"
    if planned.cell_type == "raw":
        return _text_cell("raw", planned.source, cell_id)
    answered = planned.kind in ("answer", "manual")
    source = submission.answers.get(planned.name, planned.released) if answered else planned.source
    source = submission.examples.get(place, source)
    if planned.cell_type == "markdown":
        return _text_cell("markdown", source, cell_id)
    cell = _code_cell(source, cell_id)
    if planned.kind == "test":
        cell.outputs = _test_outputs(planned, found.get(planned.name))
    elif answered and planned.name in runs:
        cell.outputs = _outputs(runs[planned.name].outputs)
    return cell


def _own_cells(handed: HandedNotebook, place: int, runs: dict) -> list:
    """The student's own cells after a place of the plan; their ids cannot be mistaken for the plan's."""
    cells = []
    for number, one in enumerate(handed.prose, 1):
        if one.after == place:
            cells.append(_text_cell("markdown", one.source, f"own-text-{number}"))
            _paste(cells[-1], handed.pasted.get(f"text {number}"))
    for number, one in enumerate(handed.submission.added, 1):
        if one.after == place:
            cells.append(_code_cell(one.source, f"own-code-{number}"))
            if f"added {number}" in runs:
                cells[-1].outputs = _outputs(runs[f"added {number}"].outputs)
    return cells


def _paste(cell: NotebookNode, pictures: dict | None) -> None:
    """Give a Markdown cell its pictures, as JupyterLab saves them."""
    if pictures and cell.cell_type == "markdown":
        cell["attachments"] = from_dict(pictures)


def _options(planned: PlanCell, task: bool, checksum: str | None) -> dict:
    """nbgrader's metadata of a cell, from the plan; a student's is never used."""
    graded, solution = planned.kind in ("test", "manual"), planned.kind in ("answer", "manual")
    options = {
        "schema_version": 3, "grade_id": planned.name, "cell_type": planned.cell_type, "checksum": checksum,
        "grade": graded, "solution": solution, "locked": not solution, "task": task,
    }  # fmt: skip
    return NotebookNode(options | ({"points": planned.points} if graded or task else {}))


def _test_outputs(planned: PlanCell, verdict: CellVerdict | None) -> list:
    """What a graded cell shows, so that nbgrader reads its points: an error for 0, a number for a part of them."""
    if verdict is None:
        verdict = CellVerdict(planned.name, 0.0, planned.points, "error", "The test was not run.")
    printed = [_node("stream", name="stdout", text=_cut(verdict.output))] if verdict.output else []
    if verdict.passed and verdict.points == planned.points:
        return printed
    if 0 < verdict.points < planned.points:  # partial credit
        return [
            *printed,
            _node(
                "execute_result", data={"text/plain": repr(float(verdict.points))}, metadata={}, execution_count=None
            ),
        ]
    message = _cut(verdict.message or IN_SHORT.get(verdict.cause, "The test failed."))
    return [*printed, _node("error", ename=verdict.cause or "wrong", evalue=message, traceback=[message])]


def _check_points(planned: PlanCell, verdict: CellVerdict | None) -> None:
    """Refuse points that no test can have given."""
    if verdict is None or planned.kind != "test":
        return
    due = verdict.points
    if not (isinstance(due, int | float) and math.isfinite(due) and 0 <= due <= planned.points):
        raise GraderError(f"The verdict gives {due!r} points for {planned.name}, which has {planned.points:g}.")
    if not verdict.passed and due == planned.points > 0:
        raise GraderError(f"The verdict gives full points for {planned.name} although it failed ({verdict.cause}).")


def _hold(cell, planned: PlanCell, found: dict) -> None:
    """Hold the points that nbgrader reads from a test cell against the verdict's. No verdict means 0."""
    if planned.kind != "test":
        return
    due = found[planned.name].points if planned.name in found else 0.0
    read, _ = utils.determine_grade(cell)
    if read != due:
        raise GraderError(f"nbgrader reads {read!r} points for {planned.name}, and the verdict gives {due!r}.")


def _outputs(outputs: list[dict]) -> list:
    """The outputs of a student's cell, rebuilt part by part: text, pictures and errors, and nothing that runs."""
    kept, left = [], OUTPUT_CHARS
    for output in outputs if isinstance(outputs, list) else []:
        try:
            made = _output(output)
        except (AttributeError, KeyError, TypeError):
            continue
        left -= len(json.dumps(made)) if made else 0
        if left < 0:
            kept.append(_node("stream", name="stdout", text=REST_LEFT_OUT))
            break
        kept += [made] if made else []
    return kept


def _output(output: dict):
    kind = output["output_type"]
    if kind == "stream":
        return _node("stream", name="stderr" if output["name"] == "stderr" else "stdout", text=_cut(output["text"]))
    if kind == "error":
        lines = [_cut(str(line)) for line in output["traceback"]]
        return _node("error", ename=_cut(str(output["ename"])), evalue=_cut(str(output["evalue"])), traceback=lines)
    if kind in ("display_data", "execute_result"):
        data = {mime: _cut(output["data"][mime]) for mime in MIME_TYPES if mime in output["data"]}
        return _node("display_data", data=data, metadata={}) if data else None
    return None


def _cut(text, most: int = OUTPUT_CHARS // 2) -> str:
    text = "".join(text) if isinstance(text, list) else str(text)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= most else text[:most] + "\n... (the rest is left out)"
