"""What plain nbgrader gives for the odd submissions: `python tests/odd/stock.py [--course] [name ...]`.

A measurement, not a test: `nbgrader autograde` takes some 5 to 10 s for each. Without `--course` nbgrader is used as it
is installed; with it, under this course's own settings for plain nbgrader. Prints a line per submission that loses
points.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2])]

from course_author.units.release import environment, generate  # noqa: E402
from course_author.units.unit import ROOT  # noqa: E402
from odd import CHAPTER, SMALL, course, every, handed_in, plans  # noqa: E402

BARE = "c = get_config()\nc.CourseDirectory.course_id = 'odd'\n"


def make_course(folder: Path, found) -> None:
    """Both units released, and all submissions handed in."""
    course.make(folder)
    (folder / "source" / CHAPTER).mkdir()
    shutil.copy(ROOT / "source" / CHAPTER / f"{CHAPTER}.ipynb", folder / "source" / CHAPTER)
    for unit in {odd.unit for odd in found}:
        generate(unit, folder)
    for odd in found:
        path = folder / "submitted" / odd.name / odd.unit / f"{odd.unit}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(handed_in(odd, json.loads(json.dumps(plans.released_notebook(odd.unit)))))


def autograde(folder: Path, unit: str, waiting: list[str]) -> list[str]:
    """Grade these students' submissions of a unit; returns those at which nbgrader stopped for the whole class."""
    stoppers = []
    while waiting:
        with tempfile.TemporaryDirectory() as empty:
            command = [sys.executable, "-m", "nbgrader", "autograde", unit]
            subprocess.run(command, cwd=folder, env=environment(Path(empty)), capture_output=True, check=False)
        waiting = [name for name in sorted(waiting) if not (folder / "autograded" / name / unit).is_dir()]
        if waiting:  # nbgrader goes by the alphabet: the first without a result is where it stopped, or could not go on
            stoppers.append(waiting.pop(0))
            shutil.rmtree(folder / "submitted" / stoppers[-1])
    return stoppers


def points_of(folder: Path, odd) -> dict[str, tuple[float, float]]:
    """Test cell -> (points, maximum) for one submission; {} if nbgrader gave none."""
    from nbgrader.api import Gradebook, MissingEntry

    try:
        with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
            notebook = gradebook.find_submission_notebook(odd.unit, odd.unit, odd.name)
            if not notebook.grades or not (folder / "autograded" / odd.name / odd.unit).is_dir():
                return {}
            return {grade.name: (grade.score, grade.max_score) for grade in notebook.grades}
    except MissingEntry:
        return {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--course", action="store_true", help="with this course's settings for plain nbgrader")
    parser.add_argument("names", nargs="*", help="submissions or units to grade (default: all)")
    arguments = parser.parse_args()
    found = [o for o in every() if not arguments.names or {o.name, o.unit} & set(arguments.names)]
    lost = 0
    with tempfile.TemporaryDirectory(prefix="odd-stock-") as scratch:
        folder = Path(scratch) / "course"
        make_course(folder, found)
        stock = ROOT / "stock_config.py"
        settings = (stock if stock.is_file() else ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
        (folder / "nbgrader_config.py").write_text(settings if arguments.course else BARE, encoding="utf-8")
        for unit in dict.fromkeys(odd.unit for odd in found):
            stoppers = autograde(folder, unit, [odd.name for odd in found if odd.unit == unit])
            print(f"{unit}: nbgrader has no result for, and may have stopped at: {', '.join(stoppers) or 'none'}")
        for odd in found:
            points = points_of(folder, odd)
            less = [f"{name} {got:g}/{most:g}" for name, (got, most) in points.items() if got != most]
            lost += bool(less or not points)
            if less or not points or odd.stock:
                print(f"{odd.name}: {', '.join(less) or ('full' if points else 'not graded')}", flush=True)
    print(f"{lost} of {len(found)} get less than full points ({SMALL} and {CHAPTER})")


if __name__ == "__main__":
    main()
