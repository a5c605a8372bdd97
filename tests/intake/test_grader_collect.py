"""`course-grader collect`: zips as Canvas and Moodle write them, and zips made to do harm."""

import io
import json
import os
import random
import shutil
import stat
import struct
import tracemalloc
import zipfile

import pytest
import zips
from nbgrader.api import Gradebook
from zips import SLUGS, UNIT, dump, link_member, make_zip, notebook, tree

from course_grader.cli import collect
from course_grader.cli import main as cli
from course_grader.course import plan
from course_grader.intake import zips as grader_zips
from course_utils import inbox
from course_utils.submission import MAX_NOTEBOOK

NB = f"{UNIT}.ipynb"
ANSWER = {"softmax": "x = 1"}


@pytest.fixture(scope="module")
def original(one_notebook, tmp_path_factory):
    """A released unit and a gradebook with a roster; another unit with other cells beside it."""
    root = tmp_path_factory.mktemp("collect") / "course"
    (root / "release" / UNIT).mkdir(parents=True)
    (root / "release" / UNIT / NB).write_bytes(dump(notebook()))
    other = json.dumps(notebook()).replace('"softmax', '"adam').replace('"forward', '"dropout')
    (root / "release" / "04_other").mkdir()
    (root / "release" / "04_other" / "04_other.ipynb").write_text(other)
    shutil.copy(one_notebook / "gradebook.db", root)
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        book.add_student("ada", first_name="Ada", last_name="Lovelace", lms_user_id="4711")
        book.add_student("jose", first_name="José", last_name="Núñez-Ortiz")
        book.add_student("jo1", first_name="Jo", last_name="Li")
        book.add_student("jo2", first_name="Jo", last_name="Li")
    return root


@pytest.fixture
def course(original, tmp_path):
    return shutil.copytree(original, tmp_path / "course")


def submission(tmp_path, student, hour=10, body=None, **more):
    """The bytes of what `make submit` writes."""
    path = tmp_path / "one.zip"
    make_zip(path, body, student=student, time=f"2026-11-20T{hour:02}:00:00Z", **more)
    return path.read_bytes()


def pack(path, entries, compression=zipfile.ZIP_DEFLATED):
    """entries: name or ZipInfo -> content."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            if isinstance(name, zipfile.ZipInfo):
                name.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(name, content)
    return path


def run(course, path):
    return collect.collect(plan.settings(course), path)


def collected(course):
    return set(tree(course / "submitted")) if (course / "submitted").exists() else set()


def answered(text="x = 1"):
    return dump(notebook({"softmax": text}))


# -- what honest platforms write ---------------------------------------------------------------------------------------


def test_canvas(course, tmp_path):
    """Zips and renamed notebooks; the person is found by Canvas's user id, else by the name."""
    path = pack(tmp_path / "submissions.zip", {
        "lovelaceada_4711_90001_01_basic_concepts-2.ipynb": answered("ada"),
        "núñezortizjosé_LATE_4712_90002_my work (1).IPYNB": answered("jose"),
        f"someoneelse_4713_90003_{UNIT}--bob--20261120-100000-1.zip": submission(tmp_path, "bob"),
        "carla_4714_90004_notes.pdf": b"%PDF",
        "anon_a1B2c_90005_x.zip": submission(tmp_path, "dora"),
        "__MACOSX/._x": b"", ".DS_Store": b"",
    })  # fmt: skip
    lines, problems = run(course, path)
    assert problems == ["submissions.zip: carla_4714_90004_notes.pdf is neither a notebook nor a zip."]
    stamped = {f"{who}/{UNIT}/{name}" for who in ("bob", "dora") for name in (NB, "timestamp.txt")}
    assert collected(course) == stamped | {f"ada/{UNIT}/{NB}", f"jose/{UNIT}/{NB}"}
    assert (course / "submitted" / "jose" / UNIT / NB).read_bytes() == answered("jose")
    late = next(line for line in lines if line.startswith("jose"))
    assert late.endswith("(a bare notebook does not say when it was handed in; Canvas marks it as late: for a penalty, "
                         "write its timestamp.txt)")  # fmt: skip
    before = tree(course / "submitted")
    lines, _ = run(course, path)
    assert len(lines) == 4 and all("already there" in line for line in lines)
    assert tree(course / "submitted") == before


def test_moodle(course, tmp_path):
    """Folders (with and without the underscore at the end) and the flat form."""
    path = pack(tmp_path / "moodle.zip", {
        "Ada Lovelace_100_assignsubmission_file_/": b"",
        "Ada Lovelace_100_assignsubmission_file_/Untitled.ipynb": answered("ada"),
        "José Núñez-Ortiz_101_assignsubmission_file/sub/x.ipynb": answered("jose"),
        f"Some_One Else_102_assignsubmission_file_{UNIT}.zip": submission(tmp_path, "bob"),
        "Jo Li_103_assignsubmission_file_/x.ipynb": answered(),
        "Eve New_104_assignsubmission_file_/x.ipynb": answered(),
        "Ada Lovelace_100_assignsubmission_onlinetext_/onlinetext.html": b"<p>",
    })  # fmt: skip
    _, problems = run(course, path)
    assert {name.split("/")[0] for name in collected(course)} == {"ada", "jose", "bob"}
    assert len(problems) == 3
    assert "is from Moodle's Jo Li (103), and in the gradebook two students have that name: enter it" in problems[0]
    assert "Moodle's Eve New (104), and in the gradebook no student has that name or lms_user_id" in problems[1]
    assert problems[2].endswith("onlinetext.html is neither a notebook nor a zip.")


def test_a_folder_of_submit_zips_and_a_single_one(course, tmp_path):
    path = pack(tmp_path / "all.zip", {f"week 3/{name}.zip": submission(tmp_path, name) for name in ("bob", "cleo")})
    assert run(course, path)[1] == []
    (tmp_path / "own.zip").write_bytes(submission(tmp_path, "dora"))
    lines, problems = run(course, tmp_path / "own.zip")
    assert problems == [] and lines == [f"dora  {UNIT}  2026-11-20 10:00:00 UTC  collected"]
    assert {name.split("/")[0] for name in collected(course)} == {"bob", "cleo", "dora"}


def test_the_unit_is_told_by_the_cells_not_by_the_name(course, tmp_path):
    other = (course / "release" / "04_other" / "04_other.ipynb").read_bytes()
    foreign = json.dumps({"cells": [zips.cell("1 + 1")], "metadata": {}, "nbformat": 4}).encode()
    path = pack(tmp_path / "c.zip", {f"a_4711_1_{NB}": other, f"a_4711_2_b-{NB}": foreign})
    _, problems = run(course, path)
    assert collected(course) == {"ada/04_other/04_other.ipynb"}
    assert len(problems) == 1 and "is the notebook of no unit in release/" in problems[0]
    assert len(SLUGS) == 2, "half of the cells are enough"


# -- duplicates --------------------------------------------------------------------------------------------------------


def test_the_newest_of_a_student_counts_and_nothing_is_lost(course, tmp_path):
    bodies = {hour: dump(notebook({"softmax": f"x = {hour}"})) for hour in (9, 12, 10)}
    entries = {f"a_7_{hour}_x.zip": submission(tmp_path, "ada7", hour, body) for hour, body in bodies.items()}
    entries["a_7_99_bare.ipynb"] = answered("no time")
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        book.add_student("ada7", lms_user_id="7")
    make_zip(course / "inbox" / "first.zip", answered("by hand"), student="ada7", time="2026-11-20T01:00:00Z")
    inbox.collect(course)
    lines, problems = run(course, pack(tmp_path / "c.zip", entries))
    assert problems == []
    assert (course / "submitted" / "ada7" / UNIT / NB).read_bytes() == bodies[12]
    assert sum("is older than c.zip: a_7_12_x.zip, which counts" in line for line in lines) == 3
    kept = course / "submitted" / ".replaced" / "ada7" / UNIT / "20261120-010000"
    assert (kept / NB).read_bytes() == answered("by hand")


def test_two_people_under_one_id_are_a_persons_business(course, tmp_path):
    path = pack(tmp_path / "c.zip", {
        "bob_1_10_x.zip": submission(tmp_path, "bob", 9),
        "thief_2_11_x.zip": submission(tmp_path, "bob", 23),
        "thief_2_12_y.zip": submission(tmp_path, "ada"),
        "lovelaceada_4711_13_z.zip": submission(tmp_path, "carl"),
        "dora_3_14_x.zip": submission(tmp_path, "dora"),
    })  # fmt: skip
    _, problems = run(course, path)
    assert {name.split("/")[0] for name in collected(course)} == {"ada", "dora"}, "2 says ada: nobody knows better"
    told = "\n".join(problems)
    assert told.count("says that it is bob's, and so does another person's in this zip: ask both") == 2
    assert "says that it is carl's, but comes from Canvas's lovelaceada (4711), who is ada" in told
    assert len(problems) == 3


# -- zips made to do harm ----------------------------------------------------------------------------------------------


def odd(name, **settings):
    info = zipfile.ZipInfo(name)
    for key, value in settings.items():
        setattr(info, key, value)
    return info


HARM = {  # entry: what is said of it
    "../../evil_1_2_x.ipynb": "has a path that leads out of the zip's folder",
    "a\\..\\..\\evil_1_2_x.ipynb": "has a path that leads out of the zip's folder",
    "/etc/cron.d/evil_1_2_x.ipynb": "has an absolute path",
    "\\\\server\\evil_1_2_x.ipynb": "has an absolute path",
    "C:\\evil_1_2_x.ipynb": "has an absolute path",
    link_member("l_1_2_x.ipynb"): "is no plain file",
    odd("f_1_2_x.ipynb", external_attr=(stat.S_IFIFO | 0o666) << 16): "is no plain file",
    "plain.ipynb": "does not say whose it is",
    "b_1_2_broken.ipynb": "holds no usable notebook (it is not valid JSON)",
    "n_1_2_nested.zip": "is not a submission (it should hold one notebook",
    "n_1_2_damaged.zip": "is not a readable zip",
    "x_1_2_x.exe": "is neither a notebook nor a zip",
    "big_1_2_x.ipynb": "where 20,971,520 are the most allowed",
    "r_1_2_x.ipynb": "unpacks to more than 200 times its size, as only a zip bomb does",
    "evil\x1b[2K\n_1_2_x.txt": "is neither a notebook nor a zip",
}


def test_each_harmful_entry_is_named_and_the_rest_is_collected(course, tmp_path):
    deep = submission(tmp_path, "x")
    for _ in range(3):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("deeper.zip", deep)
        deep = buffer.getvalue()
    contents = {
        "big_1_2_x.ipynb": b"0" * (MAX_NOTEBOOK + 1), "r_1_2_x.ipynb": b"0" * (2 << 20),
        "n_1_2_nested.zip": deep, "n_1_2_damaged.zip": b"PK no",
    }  # fmt: skip
    entries = {one: contents.get(one, b"/etc/passwd") for one in HARM}
    path = pack(tmp_path / "c.zip", entries | {"ok_5_6_x.zip": submission(tmp_path, "ok")})
    lines, problems = run(course, path)
    assert len(lines) == 1 and {name.split("/")[0] for name in collected(course)} == {"ok"}
    assert len(problems) == len(HARM)
    for problem, says in zip(problems, HARM.values(), strict=True):
        assert problem.startswith("c.zip: ") and says in problem and problem.isprintable()
    assert not [path for path in [*tmp_path.rglob("*"), *tmp_path.parent.iterdir()] if path.name.startswith("evil_")]


def test_lies_about_sizes_count_and_the_whole(course, tmp_path, monkeypatch):
    bomb = pack(tmp_path / "c.zip", {"a_4711_2_x.ipynb": b"0" * (40 << 20), "ok_5_6_x.zip": submission(tmp_path, "ok")})
    raw = bomb.read_bytes()
    lie = raw.replace(struct.pack("<L", 40 << 20), struct.pack("<L", 100))
    assert lie != raw
    bomb.write_bytes(lie)
    _, problems = run(course, bomb)
    assert len(problems) == 1 and {name.split("/")[0] for name in collected(course)} == {"ok"}
    monkeypatch.setattr(grader_zips, "MAX_ENTRIES", 1)
    assert "c.zip holds more than 1 entries" in run(course, bomb)[1][0]
    monkeypatch.setattr(grader_zips, "MAX_ENTRIES", 9)
    monkeypatch.setattr(grader_zips, "MAX_DIRECTORY", 20)
    assert "has a list of entries of " in run(course, bomb)[1][0]
    monkeypatch.setattr(grader_zips, "MAX_DIRECTORY", 9999)
    monkeypatch.setattr(collect, "MAX_TOTAL", 10)
    assert "have been unpacked from this zip already" in run(course, bomb)[1][1]


def test_names_that_are_not_what_they_claim(course, tmp_path):
    """UTF-8 without the flag (many programs), and the flag without UTF-8, at which zipfile refuses the whole zip."""
    path = pack(tmp_path / "c.zip", {
        "José Núñez-Ortiz_101_assignsubmission_file_/x.ipynb": answered("jose"),
        "Rène_7_assignsubmission_file_/x.zip": submission(tmp_path, "rene"),
    })  # fmt: skip
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    assert data[at + 9] == 8, "the flag of the first name"
    data[at + 9] = data[7] = 0
    data = data.replace("Rène".encode(), b"R\xff\xfene")
    path.write_bytes(bytes(data))
    with pytest.raises(UnicodeDecodeError):
        zipfile.ZipFile(path)
    lines, problems = run(course, path)
    assert problems == [] and len(lines) == 2
    assert (course / "submitted" / "jose" / UNIT / NB).read_bytes() == answered("jose")


def test_no_zip_at_all_is_one_sentence(course, tmp_path):
    (tmp_path / "text.zip").write_bytes(b"no zip")
    (tmp_path / "empty.zip").write_bytes(b"PK\x05\x06" + b"\0" * 18)
    (tmp_path / "link.zip").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.zip")
    for name, says in {
        "text.zip": "is no readable zip", "link.zip": "is not a plain file", "pipe.zip": "is not a plain file",
        "none.zip": "cannot be read (No such file or directory)", "": "is not a plain file",
    }.items():  # fmt: skip
        (problem,) = run(course, tmp_path / name)[1]
        assert says in problem and problem.isprintable()
    assert run(course, tmp_path / "empty.zip") == ([], [])
    assert collected(course) == set()


def test_bent_zips_never_raise(course, tmp_path):
    """Bytes changed or cut at random: each entry is taken or named, and nothing lands outside submitted/."""
    path, rng = tmp_path / "c.zip", random.Random(7)
    pack(path, {"a_4711_2_x.ipynb": answered(), "ok_5_6_x.zip": submission(tmp_path, "ok")})
    raw = path.read_bytes()
    for _ in range(60):
        bent = bytearray(raw)
        for _ in range(rng.choice([1, 2, 8])):
            bent[rng.randrange(len(bent) * 2 // 3, len(bent))] = rng.choice([0, 255, rng.randrange(256)])
        path.write_bytes(bytes(bent[: rng.randrange(len(bent))] if rng.random() < 0.1 else bent))
        for told in sum(run(course, path), []):
            assert told.isprintable()
    assert {name.split("/")[0] for name in collected(course)} <= {"ada", "ok", ".replaced"}


def test_memory_stays_flat(course, tmp_path):
    """Large notebooks are read one at a time."""
    noise = "ab" * (2 << 20)
    stored = zipfile.ZIP_STORED
    body = dump(notebook({"softmax": f"x = '{noise}'"}))
    students = [f"s{number}" for number in range(12)]
    zips = {f"{one}_1_1_x.zip": submission(tmp_path, one, 9, body, compression=stored) for one in students}
    path = pack(tmp_path / "c.zip", zips, stored)
    tracemalloc.start()
    try:
        lines, problems = run(course, path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(lines), problems) == (12, [])
    assert peak < 30 << 20, "all of them are 50 MB"


def test_the_command(course, tmp_path, capsys):
    good = pack(tmp_path / "good.zip", {"x_1_2_x.zip": submission(tmp_path, "bob")})
    bad = pack(tmp_path / "bad.zip", {"x.txt": b""})
    where = ["--course", str(course)]
    assert cli.main(["collect", str(good), *where]) == 0
    assert capsys.readouterr().out.endswith("collected\nnothing refused\n")
    assert cli.main(["collect", str(good), str(bad), "--json", *where]) == 1
    told = json.loads(capsys.readouterr().out)
    assert len(told["collected"]) == 1 and told["refused"] == ["bad.zip: x.txt is neither a notebook nor a zip."]
    assert cli.main(["collect", str(good), "--course", str(tmp_path / "nowhere")]) == 2
