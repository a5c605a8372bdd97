"""The benchmark of one submission runs to its end and reports every figure. Nothing is timed here."""

import json
import os
import subprocess
import sys

import pytest
import small_course

from course_author.units.unit import ROOT

pytestmark = pytest.mark.part("grader")


@pytest.mark.full
def test_every_figure_is_there(tmp_path):
    course = small_course.make(tmp_path / "course", bank=False)
    command = [sys.executable, "-m", "course_author", "bench-one", small_course.UNIT, "--root", str(course)]
    done = subprocess.run(
        [*command, "--rounds", "2", "--stock-rounds", "1"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.strip().split("\n")[-1])
    ours, stock = result["ours"], result["stock"]
    assert ours["points"] == stock["points"] == 8
    assert set(ours["split"]) == {"fork", "sandbox", "student", "judge", "record"}
    assert all(
        seconds > 0
        for seconds in (*ours["split"].values(), ours["seconds"], ours["cpu"], stock["seconds"], stock["cpu"])
    )
    assert result["ratio"] == stock["seconds"] / ours["seconds"]
    assert ours["best"] <= ours["seconds"] <= ours["worst"]
    memory = ours["pss_mib"]
    assert 0 < memory["judge"] + memory["student"] == memory["children"]
    assert 0 < memory["prepared"] < memory["at_rest"]  # in flight, it shares its pages with its children
