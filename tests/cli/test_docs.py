"""docs/instructors.md: every command on it is run, in order, in a small course of two students, and does what it says.

Boxes marked `bash` are run as they stand, with the small course's unit in place of chapter 1. The few commands in boxes
marked `sh` need a person's own machine; each is held against the test that runs it in its own way.
"""

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import nbformat
import pytest
import small_course
from browser import serving
from nbgrader.api import Gradebook

from course_author.units.release import environment, generate
from course_author.units.unit import ROOT
from course_grader.causes import CAUSES
from course_grader.cli import bundle
from course_grader.cli import main as cli
from course_grader.contracts import STUDENT
from course_grader.course.plan import CourseGrader
from course_grader.records.late import LatePenalty
from course_utils import workbook

pytestmark = pytest.mark.part("grader")
PAGE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
CHAPTER, UNIT = "01_basic_concepts", small_course.UNIT
ELSEWHERE = {  # commands in boxes marked sh: what runs them
    "make setup": "test_environment_setup.py",
    ". .venv/bin/activate": "the PATH of these tests",
    "dask scheduler --host 10.0.0.5": "test_scale_cluster.py",
    "dask worker tcp://10.0.0.5:8786 --nthreads 1": "test_scale_cluster.py",
    "course-grader grade 01_basic_concepts --cluster tcp://10.0.0.5:8786": "test_scale_cluster.py",
    "make formgrader": "test_formgrader_is_served_on_the_course",
}
ANSWERS = {  # Ada solves both exercises; Ben's second answer is a mistake that passes the visible check
    "ada": {
        "standardize": "def standardize(X):\n    s = X.std(axis=0)\n    return (X - X.mean(axis=0)) / (s + (s == 0))",
        "count-above": "def count_above(values, limit):\n    return sum(value > limit for value in values)",
    },
    "ben": {
        "standardize": "def standardize(X):\n    s = X.std(axis=0)\n    return (X - X.mean(axis=0)) / (s + (s == 0))",
        "count-above": "def count_above(values, limit):\n    return len({v for v in values if v > limit})",
    },
}


def boxes(kind):
    """The commands in boxes of one kind, in order."""
    return [line for box in re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) for line in box.strip().split("\n")]


def run(command, course, programs, **more):
    surroundings = environment(course / "home") | {"PYTHONPATH": str(course), "PYTHON": sys.executable}
    surroundings["PATH"] = os.pathsep.join([str(programs), surroundings["PATH"]])
    return subprocess.run(
        ["bash", "-c", command], cwd=course, env=surroundings, capture_output=True, text=True, timeout=300,
        check=False, **more,
    )  # fmt: skip


def make_programs(folder):
    """What installing the project puts on the PATH: `course-grader`, from its own line."""
    (entry,) = re.findall(r'^course-grader = "(.*)"$', (ROOT / "course_grader" / "pyproject.toml").read_text(), re.M)
    module, function = entry.split(":")
    program = folder / "course-grader"
    code = f"import sys; from {module} import {function}; sys.exit({function}())"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "{code}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return folder


def hand_in(course, programs):
    """Both students fill in their workbooks, run `make submit` and send the zip."""
    generate(UNIT, course)
    workbook.update(course)
    path = course / "workbook" / UNIT / f"{UNIT}.ipynb"
    for student, answers in ANSWERS.items():
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = answers.get(name, cell.source)
        nbformat.write(notebook, path)
        done = run(f"make submit UNIT={UNIT} STUDENT={student}", course, programs)
        assert done.returncode == 0, done.stderr
    (course / "workbook" / "outbox").rename(course / "downloads")
    with zipfile.ZipFile(course / "everybody.zip", "w") as archive:  # Ben's again, as Canvas gives it
        (path,) = (course / "downloads").glob("*--ben--*.zip")
        archive.write(path, f"benbeta_12_345_{path.name}")
    shutil.rmtree(course / "release")
    (course / "gradebook.db").unlink()  # the page starts without one


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """The course after all commands of the page, and what each of them printed."""
    course = small_course.make(tmp_path_factory.mktemp("docs") / "course", bank=False)
    programs = make_programs(tmp_path_factory.mktemp("programs"))
    for name in ("Makefile", "README.md", "pyproject.toml", "environment.yml", *bundle.AS_THEY_ARE):
        shutil.copy(ROOT / name, course)
    for package in ("course_utils", "course_author", "course_grader"):
        shutil.copytree(ROOT / package, course / package, ignore=shutil.ignore_patterns("__pycache__"))
    hand_in(course, programs)
    printed = {}
    for command in boxes("bash"):
        done = run(command.replace(CHAPTER, UNIT), course, programs)
        assert done.returncode == 0, f"{command}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
        printed[command] = done.stdout
    return course, printed


def test_the_page_has_a_command_for_each_step(walk):
    _, printed = walk
    text = "\n".join(printed)
    for words in ("generate_assignment", "make collect", "course-grader grade", "--student ada", "--json", "--regrade"):
        assert words in text
    for words in (
        "nbgrader autograde",
        "verdict.json",
        "generate_feedback",
        "bundle",
        "everybody.zip",
        "stats",
        "export",
    ):
        assert words in text


def test_grading_gives_each_student_the_points_of_the_answers(walk):
    course, printed = walk
    first = printed[f"course-grader grade {CHAPTER}"]
    assert re.search(r"^ada: 8 of 8 points$", first, re.MULTILINE)
    assert re.search(r"^ben: 5 of 8 points$", first, re.MULTILINE)
    assert re.search(r"count-above +1/4 +[\d.]+ s +wrong ", first)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        assert {one.student.id: one.score for one in book.assignment_submissions(UNIT)} == {"ada": 8, "ben": 5}


def test_unchanged_work_is_left_alone_until_regrade(walk):
    _, printed = walk
    one = next(text for command, text in printed.items() if command.endswith("--student ada"))
    again = next(text for command, text in printed.items() if command.endswith("--regrade"))
    assert "ada: 8 of 8 points  (unchanged since it was graded)" in one
    assert "unchanged" not in again
    assert "ada: 8 of 8 points" in again
    assert "ben" not in one + again


def test_the_reports_for_machines_and_disputes_hold_what_the_page_says(walk):
    course, printed = walk
    report = json.loads((course / "report.json").read_text())
    assert {one["student"]: one["points"] for one in report["submissions"]} == {"ada": 8, "ben": 5}
    record = json.loads(next(text for command, text in printed.items() if "verdict.json" in command))
    assert {"notes", "cells", "runs"} <= record.keys()
    wanted = {"name", "points", "cause", "message", "detail", "cpu_s", "where", "attempts"}
    assert all(wanted <= cell.keys() for cell in record["cells"])


def test_feedback_is_written_and_shows_no_hidden_test(walk):
    course, _ = walk
    for student in ANSWERS:
        page = (course / "feedback" / student / UNIT / f"{UNIT}.html").read_text(encoding="utf-8")
        assert "count_above" in page
        assert "the count among negative numbers" not in page
        assert "rng.normal" not in page


def test_the_bundle_and_the_platforms_zip(walk):
    course, printed = walk
    with zipfile.ZipFile(course / "dist" / f"{bundle.NAME}.zip") as archive:
        assert f"{bundle.NAME}/release/{UNIT}/{UNIT}.ipynb" in archive.namelist()
    told = printed["course-grader collect everybody.zip"]
    assert told.startswith("ben ") and told.endswith("already there\nnothing refused\n")


def test_late_work_is_reckoned_by_the_settings_that_the_page_names(walk):
    _, printed = walk
    assert printed[f"course-grader late {CHAPTER}"] == f"{UNIT}: nobody is late\n"
    named = set(re.findall(r"c\.LatePenalty\.(\w+)", PAGE))
    assert named == set(LatePenalty.class_own_traits(config=True))


def test_the_statistics_and_the_export_have_every_student(walk):
    course, printed = walk
    page = next(text for command, text in printed.items() if command.startswith("course-grader stats"))
    assert "2 graded" in page and "fewer than 10 students" in page
    assert (course / "stats.png").read_bytes().startswith(b"\x89PNG")
    with (course / "grades.csv").open(newline="", encoding="utf-8-sig") as table:
        rows = {row["student_id"]: row for row in csv.DictReader(table)}
    columns = [f"{UNIT} {name}" for name in ("count-above", "total", "of")]
    given = {name: [float(row[column]) for column in columns] for name, row in rows.items()}
    assert given == {"ada": [4, 8, 8], "ben": [1, 5, 8]}


def test_formgrader_is_served_on_the_course(walk, tmp_path):
    course, _ = walk
    recipe = subprocess.run(["make", "-n", "formgrader"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "course_utils.lab lab --formgrader --course ." in recipe
    with (
        serving(course, tmp_path, "--formgrader") as address,
        urllib.request.urlopen(f"{address}/formgrader/api/submissions/{UNIT}", timeout=30) as answer,
    ):
        scores = {one["student"]: one["score"] for one in json.load(answer)}
    assert scores == {"ada": 8, "ben": 5}


def test_commands_that_are_not_run_here_are_run_elsewhere():
    assert boxes("sh") == list(ELSEWHERE)
    assert set(re.findall(r"```(\w+)$", PAGE, re.MULTILINE)) == {"bash", "sh"}


# -- what the page says about the program ------------------------------------------------------------------------------


def test_each_cause_and_exit_status_has_a_line():
    rows = re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE)
    for cause in CAUSES[1:]:
        assert f"`{cause}`" in rows
    statuses = [int(status) for status in re.findall(r"\b(\d) [a-z]", cli.__doc__.split("Exit status:")[1])]
    assert statuses == [0, 1, 2]
    assert {str(status) for status in statuses} <= set(rows)
    assert f"raded in the {STUDENT}*" in PAGE


def test_each_option_and_setting_exists():
    told = set(re.findall(r"--[a-z]+", cli_help()))
    assert told >= {"--student", "--course", "--json", "--isolation", "--regrade", "--jobs", "--cluster"}
    assert told - {"--help"} <= set(re.findall(r"--[a-z]+", PAGE))
    settings = set(re.findall(r"c\.CourseGrader\.(\w+)", PAGE))
    assert settings <= set(CourseGrader.class_trait_names(config=True))


def cli_help():
    """The help of the command `grade`."""
    (commands,) = (action for action in cli.parser()._actions if action.dest == "command")
    return commands.choices["grade"].format_help()


def test_each_file_that_the_page_names_is_there():
    for name in ("nbgrader_config.py", "stock_config.py", "CONTRIBUTING.md"):
        assert name in PAGE
        assert (ROOT / name).is_file()
    assert [line for line in PAGE.split("\n") if str(Path.home()) in line and str(Path.home()) != "/"] == []
