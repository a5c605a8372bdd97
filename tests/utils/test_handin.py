"""Zips out of the workbook, and zips of anybody into submitted/."""

import datetime as dt
import hashlib
import io
import json
import os
import random
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from zips import SLUGS, STUB, UNIT, cell, dump, link_member, make_zip, notebook, tree

from course_utils import handin, workbook
from course_utils.environment_setup import CourseError
from course_utils.inbox import collect
from course_utils.submission import MAX_NOTEBOOK, MAX_ZIP, BadSubmission, read_submission, student_problem


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_STUDENT", raising=False)
    root = tmp_path / "course"
    for unit in ("00_start_here", UNIT):
        (root / "release" / unit).mkdir(parents=True)
        (root / "release" / unit / f"{unit}.ipynb").write_bytes(dump(notebook()))
    workbook.update(root)
    return root


def write_mine(course, **kwargs):
    path = course / "workbook" / UNIT / f"{UNIT}.ipynb"
    path.write_bytes(dump(notebook(**kwargs)))
    return path


# ---- submit


def test_submit_writes_one_zip_that_holds_the_notebook(course):
    path = write_mine(course, answers={"softmax": "def answer(x):\n    return x"})
    lines = handin.submit(course, UNIT, "anna")
    (zip_path,) = (course / "workbook" / "outbox").iterdir()
    record = json.loads(zipfile.ZipFile(zip_path).read("submission.json"))
    when = dt.datetime.strptime(record["time"], "%Y-%m-%dT%H:%M:%SZ")
    assert zip_path.name == f"{UNIT}--anna--{when:%Y%m%d-%H%M%S}.zip"
    assert abs(dt.datetime.now(dt.UTC).replace(tzinfo=None) - when) < dt.timedelta(minutes=1)
    assert zipfile.ZipFile(zip_path).read(f"{UNIT}.ipynb") == path.read_bytes()
    assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (record["format"], record["unit"], record["student"]) == (1, UNIT, "anna")
    assert lines[0:2] == ["Still unanswered (1):", "  Exercise 1.5 - Forward"]
    assert "Save first" in lines[2]
    assert lines[-1] == (
        f"Written and checked, for student anna: workbook/outbox/{zip_path.name}"
        f" (in JupyterLab's file browser: outbox/{zip_path.name})"
    )


def test_two_submits_in_one_second_are_two_zips(course):
    handin.submit(course, "01", "anna")
    handin.submit(course, "01", "anna")
    assert len(list((course / "workbook" / "outbox").iterdir())) == 2


def test_all_answered_says_so(course):
    write_mine(course, answers=dict.fromkeys(SLUGS, "def answer(x):\n    return 1"))
    assert handin.submit(course, UNIT, "anna")[0] == "Every exercise has an answer."


BROKEN = {"softmax": "def answer(x):\n    return (x", "forward": STUB}
TO_MEND = "To mend, for so it cannot earn its points (1):"


def test_what_cannot_run_is_said_first_and_handed_in_all_the_same(course):
    write_mine(course, answers=BROKEN)
    lines = handin.submit(course, UNIT, "anna")
    softmax, forward = SLUGS.values()
    assert lines[:2] == [
        TO_MEND,
        f"  {softmax}: SyntaxError in line 2 of its answer cell ('(' was never closed); mend that line.",
    ]
    assert lines[2:4] == ["Still unanswered (1):", f"  {forward}"]
    assert lines[-1].startswith("Written and checked")
    assert "Every exercise has an answer." not in lines


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"source": "def answer(x):\n    pass"}, "nothing is left in answer"),
        ({"source": []}, "its answer cell is empty"),
        ({"cell_type": "markdown"}, "was turned into markdown"),
    ],
)
def test_every_exercise_has_an_answer_only_if_that_is_true(course, more, says):
    mine = notebook(dict.fromkeys(SLUGS, "def answer(x):\n    return 1"))
    next(one for one in mine["cells"] if one["metadata"].get("nbgrader", {}).get("solution")).update(more)
    (course / "workbook" / UNIT / f"{UNIT}.ipynb").write_bytes(dump(mine))
    lines = handin.submit(course, UNIT, "anna")
    assert lines[0] == TO_MEND and says in lines[1]
    assert "Every exercise has an answer." not in lines


def test_a_lost_locked_cell_is_named_and_a_doubled_one_too(course):
    mine = notebook(drop=["softmax-check", "setup"])
    mine["cells"].append(cell("def answer(x):\n    return 2", "forward", solution=True, locked=False))
    (course / "workbook" / UNIT / f"{UNIT}.ipynb").write_bytes(dump(mine))
    lines = handin.submit(course, UNIT, "anna")
    assert lines[0] == "Locked cells that are no longer there (the grader puts them back): setup, softmax-check."
    assert lines[1] == "Cells that stand there twice (the grader reads the lower one): forward."
    assert lines[2:4] == ["Still unanswered (1):", "  Exercise 1.3 - Softmax with temperature"]


REFUSED = {
    "lost answer": (dump(notebook(drop=["softmax"])), "lacks the answer cell of 'Exercise 1.3 - Softmax with temp"),
    "other notebook": (dump({**notebook(), "cells": [cell("1 + 1")]}), "is not the notebook of unit"),
    "not JSON": (b"{ half a noteb", "it is not valid JSON"),
    "old format": (dump({**notebook(), "nbformat": 3}), "its notebook format is 3, not 4"),
    "no cells": (b"{}", "no list of cells"),
    "damaged cell": (dump({**notebook(), "cells": [{"cell_type": "code"}]}), "cell number 1 is damaged"),
    "too large": (b" " * (MAX_NOTEBOOK + 1), "larger than 20 MB"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_submit_refuses_in_one_sentence_and_writes_nothing(course, case):
    data, says = REFUSED[case]
    (course / "workbook" / UNIT / f"{UNIT}.ipynb").write_bytes(data)
    with pytest.raises(CourseError) as error:
        handin.submit(course, UNIT, "anna")
    assert says in str(error.value) and "\n" not in str(error.value)
    assert not (course / "workbook" / "outbox").exists()


def test_submit_without_a_unit_or_a_workbook(course, tmp_path):
    with pytest.raises(CourseError, match="Say which unit.*00_start_here, 01_basic_concepts"):
        handin.submit(course, None, "anna")
    with pytest.raises(CourseError, match="There is no unit '0'"):  # begins two of them
        handin.submit(course, "0", "anna")
    (course / "workbook" / UNIT / f"{UNIT}.ipynb").unlink()
    with pytest.raises(CourseError, match="does not exist: start the course once"):
        handin.submit(course, UNIT, "anna")


def test_student_id_given_else_environment_else_remembered(course, monkeypatch):
    def lines(student=None):
        return handin.submit(course, UNIT, student)[-2:]

    remembered, written = lines("given")
    assert remembered == "The id given is remembered for the next time; --student ID takes another one."
    assert "for student given:" in written
    saved, written = lines()
    assert "for student given:" in written and "Save first" in saved  # nothing new to remember
    monkeypatch.setenv("COURSE_STUDENT", "from.environment")
    assert "for student from.environment:" in lines()[-1]
    monkeypatch.delenv("COURSE_STUDENT")
    assert "for student from.environment:" in lines()[-1]
    assert workbook.update(course) == []  # the record of what was handed out is still sound


def test_without_an_id_and_a_keyboard_nothing_is_written(course, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("anna\n"))  # a script's input is nobody's answer
    before = tree(course)
    with pytest.raises(CourseError, match="^Whose work is it.*nothing was written: give yours with --student ID"):
        handin.submit(course, UNIT)
    assert tree(course) == before


@pytest.mark.parametrize(
    "student", ["..", "a..b", "a/b", "a\\b", ".a", "-a", "a b", "ä", "a" * 65, "nul", "COM1.x", "a.", "a\n"]
)
def test_impossible_student_ids(course, student):
    with pytest.raises(CourseError, match="cannot be a student id"):
        handin.submit(course, UNIT, student)
    assert not (course / "workbook" / "outbox").exists()


@pytest.mark.parametrize("student", ["a", "Anna.Mueller-2", "s_1234567", "0", "a" * 64, "com", "console"])
def test_possible_student_ids(student):
    assert student_problem(student) is None


# ---- collect


def test_collect_sorts_in_what_submit_wrote(course):
    path = write_mine(course, answers={"softmax": "x = 1"})
    handin.submit(course, UNIT, "anna")
    make_zip(course / "inbox" / "lms export" / "b.ZIP", student="bob")
    lines, problems = collect(course)
    assert problems == [] and len(lines) == 2
    assert (course / "submitted" / "anna" / UNIT / f"{UNIT}.ipynb").read_bytes() == path.read_bytes()
    assert (course / "submitted" / "bob" / UNIT / "timestamp.txt").read_text() == "2026-11-20 13:00:00 UTC\n"
    assert len(list((course / "workbook" / "outbox").iterdir())) == 1
    before = tree(course)
    lines, problems = collect(course)
    assert problems == [] and all(line.endswith("already there") for line in lines)
    assert tree(course) == before


def test_collect_looks_through_old_and_new_outboxes_and_the_inbox(course):
    for hour, folder in enumerate(("workbook/outbox", "outbox", "inbox"), start=10):
        make_zip(course / folder / f"{hour}.zip", student=f"s{hour}", time=f"2026-11-20T{hour}:00:00Z")
    lines, problems = collect(course)
    assert [line.split()[0] for line in lines] == ["s10", "s11", "s12"] and problems == []
    assert workbook.update(course) == [] and (course / "workbook" / "outbox" / "10.zip").is_file()


def test_a_file_in_the_outboxs_place_is_one_sentence_and_stays(course):
    (course / "workbook" / "outbox").write_text("a diary")
    with pytest.raises(CourseError, match="^The zip could not be written to workbook/outbox/ "):
        handin.submit(course, UNIT, "anna")
    assert (course / "workbook" / "outbox").read_text() == "a diary"
    assert workbook.load_manifest(course)[0]["student"] is None  # not remembered either


def test_nbgrader_reads_what_was_collected(course, monkeypatch):
    """The real nbgrader finds the students and their times, and takes nothing else for a student."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # it starts alembic by name
    for student, hour in (("anna", 10), ("anna", 11), ("bob", 12)):
        make_zip(course / "inbox" / f"{student}{hour}.zip", student=student, time=f"2026-11-20T{hour}:00:00Z")
        collect(course)
        make_zip(course / "inbox" / f"{student}{hour}.zip", b'{"cells": [], "nbformat": 4}', student=student)
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    directory = CourseDirectory(root=str(course))
    api = NbGraderAPI(coursedir=directory)
    try:
        assert (course / "submitted" / ".replaced" / "anna").is_dir()
        assert api.get_submitted_students("*") == {"anna", "bob"}
        assert api.get_submitted_students(UNIT) == {"anna", "bob"}
        found = directory.get_existing_timestamp(str(course / "submitted" / "bob" / UNIT))
        assert found == dt.datetime(2026, 11, 20, 12)
    finally:
        api.gradebook.close()


def test_the_newest_counts_in_whatever_order_zips_come_and_nothing_is_lost(course):
    bodies = {}
    for hour in (9, 12, 10):
        body = dump(notebook({"softmax": f"x = {hour}"}))
        bodies[hour] = make_zip(course / "inbox" / f"{hour}.zip", body, time=f"2026-11-20T{hour:02}:00:00Z")
    one = course / "submitted" / "anna" / UNIT / f"{UNIT}.ipynb"
    for hour in (9, 12, 10):  # one by one: 12 replaces 9, and 10 comes too late
        lines, problems = collect(course, [course / "inbox" / f"{hour}.zip"])
        assert problems == []
    assert "left out: a newer one, of 2026-11-20 12:00:00 UTC" in lines[0]
    assert one.read_bytes() == bodies[12]
    kept = course / "submitted" / ".replaced" / "anna" / UNIT / "20261120-090000"
    assert (kept / f"{UNIT}.ipynb").read_bytes() == bodies[9]
    assert (kept / "timestamp.txt").read_text() == "2026-11-20 09:00:00 UTC\n"
    lines, _ = collect(course)  # all at once: the same one counts, the others are named
    assert sum("is older than 12.zip, which counts" in line for line in lines) == 2
    assert one.read_bytes() == bodies[12]


def test_what_stood_there_by_other_means_is_kept(course):
    make_zip(course / "inbox" / "a.zip")
    folder = course / "submitted" / "anna" / UNIT
    for content in ("by hand", "by hand again"):
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_text(content)
        collect(course)
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    kept = course / "submitted" / ".replaced" / "anna" / UNIT
    assert (kept / "unknown-time" / "notes.txt").read_text() == "by hand"
    assert (kept / "unknown-time-2" / "notes.txt").read_text() == "by hand again"


def test_two_zips_of_one_second_settle(course):
    for name in "ab":
        make_zip(course / "inbox" / f"{name}.zip", dump(notebook({"softmax": name})))
    for name in "abab":
        collect(course, [course / "inbox" / f"{name}.zip"])
    before = tree(course / "submitted")
    assert len(before) in (2, 4)  # at most one was replaced, once
    collect(course)
    assert tree(course / "submitted") == before


SEALED = json.dumps({"format": 1, "unit": UNIT, "student": "anna", "time": "2026-11-20T13:00:00Z", "sha256": "0" * 64})
NB = f"{UNIT}.ipynb"


# what is wrong: (keywords of make_zip, words of the sentence)
BAD = {
    "three members": ({"members": [(NB, "{}"), ("submission.json", SEALED), ("x", "")]}, "is not a submission"),
    "one member": ({"members": [("submission.json", SEALED)]}, "is not a submission"),
    "path": ({"members": [("../../evil.ipynb", "{}"), ("submission.json", SEALED)]}, "does not hold the notebook"),
    "absolute path": ({"members": [("/tmp/" + NB, "{}"), ("submission.json", SEALED)]}, "does not hold the notebook"),
    "other notebook": ({"members": [("02.ipynb", "{}"), ("submission.json", SEALED)]}, "does not hold the notebook"),
    "folder": ({"members": [("01/", ""), ("submission.json", SEALED)]}, "not a plain file"),
    "symlink": ({"members": [(link_member(NB), "/etc/passwd"), ("submission.json", SEALED)]}, "not a plain file"),
    "hash": ({"sha256": "0" * 64}, "SHA-256 differs"),
    "unit unknown": ({"unit": "09_other"}, "is for unit '09_other', which release/ does not have"),
    "unit a path": ({"unit": "../01"}, "is for unit '../01', which release/ does not have"),
    "student a path": ({"student": "../../bob"}, "names a student id that cannot be used"),
    "student a device": ({"student": "NUL"}, "Windows keeps that name"),
    "student a number": ({"student": 7}, "incomplete submission.json"),
    "time": ({"time": "2026-13-40T00:00:00Z"}, "no usable time"),
    "time in words": ({"time": "yesterday"}, "no usable time"),
    "far future": ({"time": "2199-01-01T00:00:00Z"}, "which is yet to come"),
    "newer format": ({"format": 2}, "made by another version"),
    "not a notebook": ({"data": b"[1, 2]"}, "no usable notebook"),
    "not JSON": ({"data": b"hello"}, "it is not valid JSON"),
    "deep JSON": ({"data": b"[" * 200_000}, "it is not valid JSON"),
    "record not JSON": ({"members": [(NB, "{}"), ("submission.json", "{")]}, "damaged submission.json"),
    "record too long": ({"members": [(NB, "{}"), ("submission.json", " " * 10_001)]}, "more than 10,000 bytes"),
    "bomb": ({"data": b"0" * (MAX_NOTEBOOK + 1)}, "more than 20,971,520 bytes"),
    "unusual packing": ({"compression": zipfile.ZIP_LZMA}, "packed in an unusual way"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_zip_is_one_sentence_and_the_others_are_collected(course, case):
    keywords, says = BAD[case]
    make_zip(course / "inbox" / "bad.zip", **keywords)
    make_zip(course / "inbox" / "good.zip", student="good")
    lines, problems = collect(course)
    assert len(problems) == 1 and says in problems[0] and "\n" not in problems[0]
    assert problems[0].startswith("bad.zip ") and ":" in problems[0]
    assert len(lines) == 1 and lines[0].startswith("good ")
    assert set(tree(course / "submitted")) == {f"good/{UNIT}/{NB}", f"good/{UNIT}/timestamp.txt"}
    assert (course / "inbox" / "bad.zip").exists()


def test_a_bomb_whose_header_lies_is_read_no_further_than_the_cap(course):
    """The header says 100 bytes; 400 MB would unpack. The reader may not take more memory than its cap."""
    path = course / "inbox" / "bomb.zip"
    make_zip(path, members=[(NB, b"0" * 400 * 2**20), ("submission.json", SEALED)])
    raw = path.read_bytes()
    lie = raw.replace(struct.pack("<L", 400 * 2**20), struct.pack("<L", 100))
    assert lie != raw
    path.write_bytes(lie)
    code = (
        "import resource, sys; from course_utils.inbox import collect\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(collect(sys.argv[1])[1])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(course)], capture_output=True, text=True, check=True)
    said, grown_kb = done.stdout.splitlines()
    assert "bomb.zip" in said
    assert int(grown_kb) < 120_000
    assert not (course / "submitted").exists()


def test_not_a_zip_a_link_a_fifo_and_a_giant(course):
    inbox = course / "inbox"
    inbox.mkdir()
    (inbox / "a.zip").write_bytes(b"not a zip at all")
    (inbox / "b.zip").symlink_to("/etc/passwd")
    (inbox / "c.zip").write_bytes(b"")
    with (inbox / "d.zip").open("wb") as file:
        file.truncate(MAX_ZIP + 1)
    if hasattr(os, "mkfifo"):
        os.mkfifo(inbox / "e.zip")  # opening it would wait for ever
    (inbox / "._f.zip").write_bytes(b"what macOS leaves beside a zip")
    started = time.monotonic()
    _, problems = collect(course)
    assert [one.split()[0] for one in problems] == ["a.zip", "b.zip", "c.zip", "d.zip", "e.zip"]
    assert "is larger than 21 MB" in problems[3]
    assert time.monotonic() - started < 5


def test_bent_zips_never_raise(course):
    """500 zips with bytes changed, cut or doubled at random: each is taken or named, none stops the batch."""
    buffer = course / "good.zip"
    make_zip(buffer)
    raw, rng = buffer.read_bytes(), random.Random(5)
    for _ in range(500):
        bent = bytearray(raw)
        for _ in range(rng.choice([1, 1, 2, 8])):
            bent[rng.randrange(len(bent))] = rng.choice([0, 255, rng.randrange(256)])
        if rng.random() < 0.2:
            bent = bent[: rng.randrange(len(bent))]
        buffer.write_bytes(bytes(bent))
        try:
            read_submission(buffer)
        except BadSubmission as problem:
            assert "\n" not in str(problem)


def test_file_names_cannot_forge_lines(course):
    (course / "inbox").mkdir()
    (course / "inbox" / "a\x1b[2K\nanna  collected.zip").write_bytes(b"")
    _, problems = collect(course)
    assert problems[0].startswith("a?[2K?anna  collected.zip is not a readable zip")


def test_ids_that_differ_in_letter_case_only(course):
    make_zip(course / "inbox" / "1.zip", student="Anna")
    make_zip(course / "inbox" / "2.zip", student="anna", time="2026-11-20T14:00:00Z")
    _, problems = collect(course)
    assert len(problems) == 1 and "names student 'anna', but 'Anna' is there already" in problems[0]
    assert [path.name for path in (course / "submitted").iterdir()] == ["Anna"]


def test_submitted_folders_that_are_links_are_not_followed(course, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (course / "submitted").mkdir()
    (course / "submitted" / "anna").symlink_to(tmp_path / "elsewhere")
    make_zip(course / "inbox" / "1.zip")
    _, problems = collect(course)
    assert "is a link or a file" in problems[0]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_nothing_to_collect_and_a_folder_that_is_not_there(course):
    assert collect(course) == (
        ["No zip to collect: put them into inbox/, or name a folder (make collect FROM=folder)."],
        [],
    )
    _, problems = collect(course, ["nowhere"])
    assert problems == ["There is no file or folder nowhere: check the name after FROM=."]


def test_an_interrupted_collect_is_completed(course):
    """A crash after the old one was set aside, or while the new one was written, is mended by collecting again."""
    make_zip(course / "inbox" / "1.zip")
    (course / "submitted" / "anna" / f".incoming-{UNIT}").mkdir(parents=True)
    (course / "submitted" / "anna" / f".incoming-{UNIT}" / NB).write_bytes(b"half a not")
    assert collect(course)[1] == []
    expected = zipfile.ZipFile(io.BytesIO((course / "inbox" / "1.zip").read_bytes())).read(NB)
    assert tree(course / "submitted") == {
        f"anna/{UNIT}/{NB}": expected,
        f"anna/{UNIT}/timestamp.txt": b"2026-11-20 13:00:00 UTC\n",
    }


def test_what_a_zip_says_inside_cannot_forge_lines(course, tmp_path):
    forged = "x)\nzoe  01_basic_concepts  2026-11-22 10:00:00 UTC  collected\n\x1b[31m"
    data = dump(notebook())
    record = {"format": 1, "unit": forged, "student": "anna", "time": "2026-11-20T13:00:00Z"}
    record["sha256"] = hashlib.sha256(data).hexdigest()
    make_zip(tmp_path / "bad.zip", members=[(f"{UNIT}.ipynb", data), ("submission.json", json.dumps(record))])
    lines, problems = collect(course, [str(tmp_path)])
    assert not lines and len(problems) == 1
    assert "does not hold the notebook of the unit it names" in problems[0]
    assert "\n" not in problems[0] and "\x1b" not in problems[0]


def test_submit_with_a_damaged_release_is_one_sentence(course):
    write_mine(course)
    (course / "release" / UNIT / f"{UNIT}.ipynb").write_text("junk")
    with pytest.raises(CourseError, match="cannot be read .*: get the course's files afresh"):
        handin.submit(course, UNIT, "anna")
