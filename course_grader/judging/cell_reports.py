"""How a student's cells ran, as the student's process tells it: held against the form that it must have."""

from __future__ import annotations

import math
from dataclasses import asdict

from ..contracts import REST_LEFT_OUT, CellRun
from ..wire.errors import ProtocolError
from .explanations import MESSAGE


def cell_run(run, room: int) -> dict:
    """One cell's report, held against the form that it must have. room: characters that its outputs may have."""
    if type(run) is not dict or set(run) != {"name", "outputs", "error", "cpu_s"}:
        raise ProtocolError("a report of the wrong form")
    if [type(run[key]) for key in ("name", "outputs", "error", "cpu_s")] != [str, list, str, float]:
        raise ProtocolError("a report of the wrong form")
    if not (math.isfinite(run["cpu_s"]) and run["cpu_s"] >= 0):
        raise ProtocolError("a CPU time that is none")
    outputs = []
    for output in map(_output, run["outputs"][:1000]):
        room -= chars([output])
        if room < 0:
            outputs.append({"output_type": "stream", "name": "stdout", "text": REST_LEFT_OUT})
            break
        outputs.append(output)
    return asdict(CellRun(run["name"], outputs, run["error"][:MESSAGE], run["cpu_s"]))


def chars(outputs: list[dict]) -> int:
    """Characters of outputs that `_output` has made."""
    return sum(len(text) for one in outputs for text in (one.get("text", ""), *one.get("data", {}).values()))


def _output(output) -> dict:
    """One output in nbformat's form, with nothing in it but text and pictures."""
    if type(output) is not dict:
        raise ProtocolError("an output of the wrong form")
    if output.get("output_type") == "stream" and output.get("name") in ("stdout", "stderr"):
        text = output.get("text")
        if type(text) is str:
            return {"output_type": "stream", "name": output["name"], "text": text}
    data = output.get("data")
    if output.get("output_type") in ("display_data", "execute_result") and type(data) is dict:
        kept = {key: data[key] for key in ("text/plain", "image/png") if type(data.get(key)) is str}
        return {"output_type": "display_data", "data": kept, "metadata": {}}
    raise ProtocolError("an output of the wrong form")
