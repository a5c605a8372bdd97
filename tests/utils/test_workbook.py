"""The workbook is filled up and never overwritten, whatever happened before."""

import datetime as dt
import json
import os
import subprocess
import sys

import pytest

from course_utils import workbook
from course_utils.environment_setup import CourseError

UNIT = "01_basic_concepts"
DAY = dt.date(2026, 11, 22)


def notebook_bytes(text):
    cell = {"cell_type": "markdown", "metadata": {}, "source": [text]}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.fixture
def course(tmp_path):
    for unit in ("00_start_here", UNIT):
        folder = tmp_path / "release" / unit
        folder.mkdir(parents=True)
        (folder / f"{unit}.ipynb").write_bytes(notebook_bytes("first version"))
    (folder / "data.csv").write_text("a,b\n")
    return tmp_path


def release(course, text):
    data = notebook_bytes(text)
    (course / "release" / UNIT / f"{UNIT}.ipynb").write_bytes(data)
    return data


def mine(course, name=f"{UNIT}.ipynb"):
    return course / "workbook" / UNIT / name


def snapshot(course):
    files = (path for path in (course / "workbook").rglob("*") if path.is_file() and path.name != workbook.MANIFEST)
    return {path.relative_to(course / "workbook").as_posix(): path.read_bytes() for path in files}


def test_first_start_copies_release_and_the_second_does_nothing(course):
    (course / "release" / UNIT / ".ipynb_checkpoints").mkdir()
    (course / "release" / UNIT / ".ipynb_checkpoints" / "old.ipynb").write_bytes(b"{}")
    assert workbook.update(course, DAY) == ["workbook/: 3 new files handed out."]
    first = snapshot(course)
    assert sorted(first) == ["00_start_here/00_start_here.ipynb", f"{UNIT}/{UNIT}.ipynb", f"{UNIT}/data.csv"]
    manifest = (course / "workbook" / workbook.MANIFEST).stat().st_mtime_ns
    assert workbook.update(course, DAY) == []
    assert snapshot(course) == first
    assert (course / "workbook" / workbook.MANIFEST).stat().st_mtime_ns == manifest


def test_an_update_arrives_beside_the_students_file_once(course):
    workbook.update(course, DAY)
    work = notebook_bytes("my answers")
    mine(course).write_bytes(work)
    new = release(course, "second version")
    (line,) = workbook.update(course, DAY)
    assert line == (
        f"workbook/{UNIT}/{UNIT}.ipynb has a new version: it lies beside yours as"
        f" '{UNIT} (update 2026-11-22).ipynb' (yours is untouched)."
    )
    assert mine(course).read_bytes() == work
    assert mine(course, f"{UNIT} (update 2026-11-22).ipynb").read_bytes() == new
    assert workbook.update(course, DAY + dt.timedelta(1)) == []
    mine(course, f"{UNIT} (update 2026-11-22).ipynb").unlink()  # looked at and thrown away: it does not come back
    assert workbook.update(course, DAY) == []


def test_even_an_untouched_copy_is_not_overwritten(course):
    workbook.update(course, DAY)
    before = mine(course).read_bytes()
    release(course, "second version")
    workbook.update(course, DAY)
    assert mine(course).read_bytes() == before


def test_two_updates_of_one_day_both_survive(course):
    workbook.update(course, DAY)
    second = release(course, "second version")
    workbook.update(course, DAY)
    third = release(course, "third version")
    (line,) = workbook.update(course, DAY)
    assert f"'{UNIT} (update 2026-11-22, 2).ipynb'" in line
    assert mine(course, f"{UNIT} (update 2026-11-22).ipynb").read_bytes() == second
    assert mine(course, f"{UNIT} (update 2026-11-22, 2).ipynb").read_bytes() == third


def test_a_student_file_with_the_updates_name_is_not_overwritten(course):
    workbook.update(course, DAY)
    taken = mine(course, f"{UNIT} (update 2026-11-22).ipynb")
    taken.write_bytes(b"notes of my own")
    release(course, "second version")
    workbook.update(course, DAY)
    assert taken.read_bytes() == b"notes of my own"
    assert mine(course, f"{UNIT} (update 2026-11-22, 2).ipynb").is_file()


def test_a_deleted_file_comes_back_with_a_line(course):
    workbook.update(course, DAY)
    new = release(course, "second version")
    mine(course).unlink()
    assert workbook.update(course, DAY) == [f"workbook/{UNIT}/{UNIT}.ipynb was missing and has been put back."]
    assert mine(course).read_bytes() == new
    assert workbook.update(course, DAY) == []


DAMAGED = [b"", b"{", b"[]", b'{"files": 3}', b'{"files": {"a": 1}}', b"\xff\xfe", b"[" * 99999]


@pytest.mark.parametrize("damage", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_record_loses_nothing(course, damage):
    workbook.update(course, DAY)
    mine(course).write_bytes(notebook_bytes("my answers"))
    release(course, "second version")
    workbook.update(course, DAY)
    before = snapshot(course)
    (course / "workbook" / workbook.MANIFEST).write_bytes(damage)
    lines = workbook.update(course, DAY + dt.timedelta(7))
    assert len(lines) == 1 and "was damaged and is now .handed_out.damaged.json" in lines[0]
    assert (course / "workbook" / ".handed_out.damaged.json").read_bytes() == damage
    after = snapshot(course)
    after.pop(".handed_out.damaged.json")
    assert after == before  # not even the update came twice: it lies there
    assert workbook.update(course, DAY) == []


def test_a_lost_record_loses_nothing(course):
    workbook.update(course, DAY)
    mine(course).write_bytes(notebook_bytes("my answers"))
    (course / "workbook" / workbook.MANIFEST).unlink()
    workbook.update(course, DAY)
    assert mine(course).read_bytes() == notebook_bytes("my answers")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (b"{ not json", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        (b"[1]", "no list of cells"),
        (b"{}", "no list"),
    ],
)
def test_a_damaged_release_notebook_is_left_out_and_named(course, damage, reason):
    (course / "release" / UNIT / f"{UNIT}.ipynb").write_bytes(damage)
    lines = workbook.update(course, DAY)
    assert any(line.startswith(f"release/{UNIT}/{UNIT}.ipynb was left out") and reason in line for line in lines)
    assert not mine(course).exists()
    assert (course / "workbook" / "00_start_here" / "00_start_here.ipynb").is_file()


def test_nothing_to_hand_out_is_one_sentence(tmp_path):
    with pytest.raises(CourseError, match="holds no unit"):
        workbook.update(tmp_path)


def test_a_file_called_workbook_is_one_sentence_and_stays(course):
    (course / "workbook").write_text("a diary")
    with pytest.raises(CourseError, match="nothing of yours was changed"):
        workbook.update(course)
    assert (course / "workbook").read_text() == "a diary"


def test_place_never_overwrites_and_leaves_no_crumbs(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        workbook.place(b"new", target)
    assert target.read_bytes() == b"old"
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        workbook.place(b"new", tmp_path / "dangling")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "file"]


def test_place_without_hard_links(tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)  # as on FAT
    workbook.place(b"new", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"new"
    with pytest.raises(FileExistsError):
        workbook.place(b"newer", tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_no_half_file(course):
    """A real process that may write files of at most 100 kB, and a release file of 1 MB."""
    pytest.importorskip("resource")
    workbook.update(course, DAY)
    before = snapshot(course)
    (course / "release" / UNIT / "big.csv").write_bytes(b"x" * 2**20)
    code = (
        "import resource, signal, sys; from course_utils import environment_setup, workbook\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: workbook.update(sys.argv[1])\n"
        "except environment_setup.CourseError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(course)], capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1 and "File too large" in done.stdout
    assert snapshot(course) == before
    assert not list((course / "workbook").rglob("*.tmp"))
