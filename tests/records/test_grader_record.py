"""Verdicts in the gradebook: as stock nbgrader would record them, all of a submission's or none, whatever happens."""

import datetime
import json
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import plain_course
import pytest
from nbgrader import utils
from nbgrader.apps import NbGraderAPI
from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata, SaveAutoGrades
from plain_course import UNIT, answered, comments, grades, hand_in, released
from recording import graded, record, recorded
from recording import save_graded as save
from traitlets.config import Config

from course_grader.causes import CAUSES
from course_grader.contracts import Added, CellRun, GraderError, Verdict
from course_grader.course import plan
from course_grader.intake.folder import pictures, survey
from course_grader.judging import fingerprint as keys
from course_grader.records import ledger
from course_grader.records import save as records

pytestmark = pytest.mark.part("grader")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return plain_course.make(tmp_path_factory.mktemp("course"))


@pytest.fixture
def course(original, tmp_path):
    return shutil.copytree(original, tmp_path / "course")


def autograded(course, student, notebook="first"):
    return nbformat.read(course / "autograded" / student / UNIT / f"{notebook}.ipynb", as_version=4)


AREA = {"area": "def area(r):\n    return 3 * r**2"}


def both(course, student, **failed):
    """Hand in both notebooks, the second with one answer of two, and record them."""
    hand_in(course, student, answered(released(course), **AREA), answered(released(course, "second"), why="Because!"))
    save(course, student, graded(course, student, **failed), graded(course, student, "second"))


# -- points ------------------------------------------------------------------------------------------------------------


def test_points_and_who_has_to_look(course):
    both(course, "ada", area_hidden="wrong")
    assert grades(course, "ada") == {
        "area-check": (1, None, False), "area-hidden": (0, None, False), "shift-check": (2, None, False),
        "why": (None, None, True), "draw": (0, None, False), "essay": (None, None, True),
    }  # fmt: skip
    assert comments(course, "ada") == {
        "area": (None, None), "shift": ("No response.", None), "why": (None, None), "draw": ("No response.", None),
        "essay": (None, None),
    }  # fmt: skip


def test_a_persons_scores_and_comments_stay(course):
    both(course, "ada")
    with plan.gradebook(plan.settings(course)) as book:
        book.find_grade("area-hidden", "first", UNIT, "ada").manual_score = 2.5
        book.find_grade("essay", "second", UNIT, "ada").manual_score = 5
        book.find_grade("essay", "second", UNIT, "ada").needs_manual_grade = False
        book.find_comment("shift", "first", UNIT, "ada").manual_comment = "Try it!"
        book.db.commit()
    both(course, "ada", area_hidden="time")
    found = grades(course, "ada")
    assert found["area-hidden"] == (0, 2.5, True), "nbgrader asks a person to look again"
    assert found["essay"] == (None, 5, False)
    assert comments(course, "ada")["shift"] == ("No response.", "Try it!")


def test_a_notebook_that_was_not_handed_in_gets_0(course):
    hand_in(course, "bob", answered(released(course), **AREA))
    save(course, "bob", graded(course, "bob"))
    found = grades(course, "bob")
    assert found["area-check"][0] == 1
    assert [found[name] for name in ("why", "draw", "essay")] == [(0, None, False)] * 3
    assert not (course / "autograded" / "bob" / UNIT / "second.ipynb").exists()


def test_partial_credit_and_silence(course):
    hand_in(course, "bob", released(course))
    ready = graded(course, "bob", area_hidden=1.25)
    del ready.verdict.cells[2:]  # nothing was heard of shift-check
    save(course, "bob", ready)
    found = grades(course, "bob")
    assert (found["area-hidden"][0], found["shift-check"][0]) == (1.25, 0)
    shown = plain_course.named(autograded(course, "bob"))["shift-check"].outputs
    assert shown[0].evalue == "The test was not run."


def rows(course):
    """All students, grades, comments and penalties of the gradebook, without the random ids."""
    with plan.gradebook(plan.settings(course)) as book:
        found = [("student", student.id) for student in book.students]
        for submission in book.assignment_submissions(UNIT):
            for notebook in submission.notebooks:
                at = submission.student.id, notebook.name
                found.append((*at, notebook.late_submission_penalty, notebook.score, submission.timestamp))
                for grade in notebook.grades:
                    found.append((*at, grade.name, grade.auto_score, grade.manual_score, grade.needs_manual_grade))
                found += [(*at, comment.name, comment.auto_comment) for comment in notebook.comments]
        return sorted(found, key=str)


LATE = "\nc.LatePenalty.percent_per_day = 20\n"


@pytest.mark.parametrize("late", [False, True])
def test_stock_nbgrader_reads_the_same_from_every_cell(course, late):
    """nbgrader's own recording steps, run on our notebook afterwards, change nothing in the gradebook."""
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(LATE)
    due(course, late)
    assert len(CAUSES) == 8, "a new cause belongs here"
    both(course, "sad-1", area_check="wrong", area_hidden="error", shift_check="time")
    both(course, "sad-2", area_check="memory", area_hidden="died", shift_check="tampered")
    both(course, "sad-3", area_check="unanswered", area_hidden=0.5)
    both(course, "perfect")
    before = rows(course)
    settings = plan.settings(course)
    for student in ("sad-1", "sad-2", "sad-3", "perfect"):
        for notebook in ("first", "second"):
            facts = {"notebook": notebook, "assignment": UNIT, "student": student, "db_url": settings.coursedir.db_url}
            node = autograded(course, student, notebook)
            for step in (CheckCellMetadata, SaveAutoGrades, AssignLatePenalties):
                step(config=settings.config).preprocess(node, {"nbgrader": facts})
    assert rows(course) == before
    assert len(before) == 4 * 14


def due(course, late):
    with plan.gradebook(plan.settings(course)) as book:
        book.find_assignment(UNIT).duedate = datetime.datetime(2026, 1, 1 if late else 3)
        book.db.commit()
    plain_when = "2026-01-02 00:00:00 UTC"
    original = plain_course.hand_in

    def hand_in(*arguments, **options):
        return original(*arguments, **options | {"when": plain_when})

    globals()["hand_in"] = hand_in


@pytest.fixture(autouse=True)
def _restore_hand_in():
    yield
    globals()["hand_in"] = plain_course.hand_in


def penalty(course, student):
    with plan.gradebook(plan.settings(course)) as book:
        return book.find_submission_notebook("first", UNIT, student).late_submission_penalty


def test_the_late_penalty_is_the_courses_own(course):
    (course / "late.py").write_text(
        "from nbgrader.plugins import BasePlugin\n"
        "class Half(BasePlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        assert total_seconds_late == 86400\n"
        "        return {'ada': score / 2, 'bob': 1000.0, 'cyd': -5.0, 'dan': None}[student_id]\n"
    )
    with (course / "nbgrader_config.py").open("a") as file:
        file.write('\nc.AssignLatePenalties.plugin_class = "late.Half"\n')
    sys.path.insert(0, str(course))
    try:
        due(course, late=True)
        for student in ("ada", "bob", "cyd", "dan"):
            both(course, student, shift_check="wrong")
        assert [penalty(course, student) for student in ("ada", "bob", "cyd", "dan")] == [2.0, 4.0, 0.0, None]
        both(course, "ada")
        assert penalty(course, "ada") == 3.0, "of the new points"
    finally:
        sys.path.remove(str(course))
    with plan.gradebook(plan.settings(course)) as book:
        assert book.find_submission(UNIT, "ada").timestamp == datetime.datetime(2026, 1, 2)
    assert (course / "autograded" / "ada" / UNIT / "timestamp.txt").read_text() == "2026-01-02 00:00:00 UTC\n"
    due(course, late=False)
    both(course, "ada")
    assert penalty(course, "ada") is None, "the due date was moved"


@pytest.mark.parametrize("content", ["tomorrow, perhaps", "\xff", "x" * 1000, "2026-13-45"])
def test_a_time_stamp_that_is_none_is_refused(course, content):
    """Else a broken one would be a way around the late penalty."""
    folder = hand_in(course, "ada", released(course))
    (folder / "timestamp.txt").write_text(content, encoding="latin-1")
    with pytest.raises(GraderError, match="timestamp.txt"):
        save(course, "ada", graded(course, "ada"))
    assert rows(course) == []


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/hostname"), os.mkfifo, lambda path: path.mkdir()])
def test_a_time_stamp_that_is_no_file_is_refused(course, make):
    make(hand_in(course, "ada", released(course)) / "timestamp.txt")
    with pytest.raises(GraderError, match="only a regular file"):
        save(course, "ada", graded(course, "ada"))


# -- the autograded notebook -------------------------------------------------------------------------------------------


def test_cells_are_the_courses_own_with_the_students_text_in_the_answers(course):
    book = answered(released(course), **AREA)
    for one in book.cells:
        one.metadata |= {"tags": ["skip-execution"], "mine": "SECRET"}
        if one.cell_type == "code":
            one.outputs = [nbformat.v4.new_output("stream", text="SECRET")]
    cells = plain_course.named(book)
    cells["area-hidden"].source = "pass  # SECRET"
    cells["setup"].metadata.nbgrader |= {"points": 1000, "grade": True}
    book.cells.insert(2, nbformat.v4.new_code_cell("helper = 1"))
    book.cells.append(nbformat.v4.new_markdown_cell("A remark."))
    book.metadata = {"kernelspec": {"name": "SECRET", "display_name": "x"}, "widgets": "SECRET"}
    hand_in(course, "ada", book)
    save(course, "ada", graded(course, "ada"))
    written = autograded(course, "ada")
    assert "SECRET" not in json.dumps(written)
    nbformat.validate(written)
    sources = [one.source for one in written.cells]
    expected = [one["source"] for one in plain_course.FIRST]
    expected[3], expected[7] = AREA["area"], released(course).cells[7].source
    assert sources == [*expected[:2], "helper = 1", *expected[2:], "A remark."]
    assert written.metadata.kernelspec.name == "python3"
    stock = nbformat.read(course / "source" / UNIT / "first.ipynb", as_version=4)
    for name, cell in plain_course.named(written).items():
        own = dict(cell.metadata.nbgrader)
        assert own.pop("cell_type") == cell.cell_type and own.pop("checksum")
        assert own == dict(plain_course.named(stock)[name].metadata.nbgrader)


def test_outputs_are_rebuilt_from_what_is_allowed(course):
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "printed\ud800"},
        {"output_type": "stream", "name": "evil", "text": ["a", "b"]},
        {"output_type": "execute_result", "data": {"text/plain": "7"}, "metadata": "SECRET", "execution_count": 9},
        {"output_type": "display_data", "data": {"application/javascript": "SECRET", "text/html": "<b>x</b>"}},
        {"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "SECRET"}}},
        {"output_type": "error", "ename": "ValueError", "evalue": "bad", "traceback": ["line 1"]},
        {"output_type": "update_display_data", "data": {"text/plain": "SECRET"}},
        {"no": "SECRET"}, "SECRET", None, {"output_type": "stream", "name": "stdout"},
    ]  # fmt: skip
    hand_in(course, "ada", answered(released(course), **AREA))
    long = CellRun("shift", [{"output_type": "stream", "name": "stdout", "text": "x" * 9_000_000}] * 9)
    save(course, "ada", graded(course, "ada", runs=[CellRun("area", outputs), long]))
    written = autograded(course, "ada")
    nbformat.validate(written)
    shown = plain_course.named(written)["area"].outputs
    assert [one.output_type for one in shown] == ["stream", "stream", "display_data", "display_data", "error"]
    assert (shown[0].text, shown[1].name, shown[1].text) == ("printed?", "stdout", "ab")
    assert shown[3].data == {"text/html": "<b>x</b>"}
    assert "SECRET" not in json.dumps(written)
    assert len(json.dumps(plain_course.named(written)["shift"].outputs)) < 5_000_000


def test_added_cells_show_what_they_printed(course):
    book = answered(released(course), **AREA)
    book.cells.insert(4, nbformat.v4.new_code_cell("print(area(2))"))
    hand_in(course, "ada", book)
    printed = {"output_type": "stream", "name": "stdout", "text": "12\n"}
    save(course, "ada", graded(course, "ada", runs=[CellRun("added 1", [printed])]))
    cell = next(one for one in autograded(course, "ada").cells if one.source == "print(area(2))")
    assert cell.outputs[0].text == "12\n"


def test_the_reason_stands_in_the_output_and_no_detail(course):
    both(course, "ada", area_hidden="memory")
    output = plain_course.named(autograded(course, "ada"))["area-hidden"].outputs[0]
    assert (output.output_type, output.ename, output.evalue) == ("error", "memory", "The reason of area-hidden.")
    assert output.traceback == ["The reason of area-hidden."]
    assert "SECRET" not in json.dumps(autograded(course, "ada"))
    kept = Verdict.from_json((course / "autograded" / "ada" / UNIT / "first.verdict.json").read_text())
    assert kept.cells[1].detail == "SECRET detail"


def test_the_verdict_file_is_not_copied_to_feedback(course):
    """nbgrader copies the files of autograded/ beside the feedback, and this one is for instructors."""
    both(course, "ada")
    settings = plan.settings(course)
    folder = str(settings.folder("autograded", "ada", UNIT))
    there = {Path(path).name for path in utils.find_all_files(folder, settings.coursedir.ignore)}
    assert "first.ipynb" in there and "first.verdict.json" not in there


def test_only_harmless_files_lie_beside_it(course):
    both(course, "ada")
    (course / "autograded" / "ada" / UNIT / "sitecustomize.py").write_text("left by plain nbgrader")
    folder = hand_in(course, "ada", answered(released(course), **AREA))
    (folder / "numpy.py").write_text("SECRET")
    (folder / "plot.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (course / "source" / UNIT / "data.csv").write_text("1,2")
    ready = graded(course, "ada")
    ready = replace(ready, pictures=pictures(folder, survey(folder)))
    save(course, "ada", ready)
    there = course / "autograded" / "ada" / UNIT
    assert {path.name for path in there.iterdir()} == {
        "first.ipynb", "first.verdict.json", "first.before.verdict.json", "plot.png", "data.csv",
    }  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in there.iterdir()} == {0o444}
    assert [path.name for path in there.parent.iterdir()] == [UNIT]


# -- verdicts that cannot be recorded ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "points", "cause", "says"),
    [
        ("area-hidden", 4.0, "", "gives 4.0 points for area-hidden, which has 3"),
        ("area-hidden", -1.0, "", "gives -1.0 points"),
        ("area-hidden", float("nan"), "", "gives nan points"),
        ("area-hidden", float("inf"), "", "gives inf points"),
        ("area-hidden", "3", "", "gives '3' points"),
        ("area-hidden", 3.0, "wrong", r"full points for area-hidden although it failed \(wrong\)"),
    ],
)
def test_points_that_cannot_be_are_refused(course, name, points, cause, says):
    both(course, "ada")
    before = rows(course)
    ready = graded(course, "ada")
    cell = next(one for one in ready.verdict.cells if one.name == name)
    cell.points, cell.cause = points, cause
    with pytest.raises(GraderError, match=says):
        save(course, "ada", ready)
    assert rows(course) == before
    assert not list((course / "autograded" / "ada").glob(".*"))


def test_a_verdict_on_something_else_is_refused(course):
    hand_in(course, "ada", released(course))
    for change in ({"student": "bob"}, {"unit": "hw2"}, {"notebook": "second"}):
        ready = graded(course, "ada")
        with pytest.raises(GraderError, match="is not about this submission"):
            save(course, "ada", replace(ready, verdict=replace(ready.verdict, **change)))
    assert rows(course) == []


def test_unknown_students_can_be_refused(course):
    hand_in(course, "eve", released(course))
    with pytest.raises(GraderError, match="No student with ID 'eve'"):
        record(course, UNIT, "eve", graded(course, "eve"), create_student=False)


# -- killed, and again -------------------------------------------------------------------------------------------------


WRITES = {"save", "transaction", "_draft", "_remove", "_write_notebook", "_write_others", "_install"}


def killed_at(course, ready, step):
    """Record in a child process that kills itself before the step-th line that writes; True if it got to the end."""
    child = os.fork()
    if child == 0:
        count = 0

        def trace(frame, event, argument):
            nonlocal count
            code = frame.f_code
            if code.co_filename not in (records.__file__, ledger.__file__) or code.co_name not in WRITES:
                return None
            count += event == "line"
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        try:
            sys.settrace(trace)
            save(course, "ada", *ready)
        finally:
            os._exit(count > 0 and sys.exc_info()[0] is None and 7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_killed_at_any_moment_and_run_again(course):
    """All of a submission's grades or none; what formgrader asks for works; a second run ends as an undisturbed one."""
    both(course, "zoe", shift_check="wrong")
    hand_in(course, "ada", answered(released(course), **AREA), released(course, "second"))
    first = [graded(course, "ada", shift_check="wrong"), graded(course, "ada", "second")]
    second = [graded(course, "ada", area_check="time"), graded(course, "ada", "second")]
    clean = shutil.copytree(course, course.with_name("clean"))
    none = rows(course)
    save(course, "ada", *first)
    old = rows(course)
    save(course, "ada", *second)
    new = rows(course)
    steps = 0
    for begin, allowed in ((clean, (none, new)), (None, (old, new))):
        step, ended = 1, False
        while not ended:
            if begin is not None:
                reset(course, begin)
            else:
                save(course, "ada", *first)
            ended = killed_at(course, second, step)
            step, steps = step + 9, steps + 1
            assert rows(course) in allowed
            _formgrader_opens(course)
        save(course, "ada", *second)
        assert rows(course) == new
        assert [path.name for path in (course / "autograded" / "ada").iterdir()] == [UNIT], "no leftovers"
    assert steps > 12


def reset(course, clean):
    for name in ("gradebook.db", "autograded"):
        target = course / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        copy = shutil.copytree if (clean / name).is_dir() else shutil.copy
        copy(clean / name, target)


def _formgrader_opens(course):
    """What formgrader's pages ask for: assignments, submissions, notebooks; and what is listed can be opened."""
    settings = plan.settings(course)
    api = NbGraderAPI(settings.coursedir, config=Config(settings.config))
    assert {one["student"] for one in api.get_submissions(UNIT)} == {"ada", "zoe"}
    for one in api.get_notebook_submissions(UNIT, "first"):
        nbformat.read(course / "autograded" / one["student"] / UNIT / "first.ipynb", as_version=4)
    api.get_assignment(UNIT)


def test_the_same_submission_is_known_again(course):
    hand_in(course, "ada", answered(released(course), **AREA))
    settings = plan.settings(course)
    ready = graded(course, "ada", shift_check="wrong")
    assert recorded(course, ready) is None
    save(course, "ada", ready)
    assert replace(recorded(course, ready), key="", keys={}) == ready.verdict
    other = replace(ready, submission=replace(ready.submission, answers={"area": "def area(r): ..."}))
    assert recorded(course, other) is None
    assert recorded(course, replace(ready, prose=(Added(0, "new"),))) is None
    assert recorded(course, replace(ready, plan=replace(ready.plan, cpu_seconds=6.0))) is None
    with plan.gradebook(settings) as book:
        book.find_grade("area-check", "first", UNIT, "ada").auto_score = 0
        book.db.commit()
    assert recorded(course, ready) is None, "somebody changed the gradebook"


def test_a_new_grader_grades_again(course, monkeypatch):
    hand_in(course, "ada", released(course))
    ready = graded(course, "ada")
    before = ready.key
    monkeypatch.setattr(keys, "grader_version", lambda: "other")
    assert replace(ready).key != before
