"""What is taken from a submission, and that nothing else of it gets any further: bytes in, source text out."""

import contextlib
import json
import os
import random
import shutil
import socket

import pytest

from course_grader.contracts import Added, GraderError, Plan, PlanCell
from course_grader.intake import folder as handed_in
from course_grader.intake import matching
from course_grader.intake import submission as intake

pytestmark = pytest.mark.part("grader")


def planned(kind, name, released, hidden="", cell_type="code", cell_id=None, points=0.0):
    return PlanCell(kind, name, released + hidden, released, cell_type, name if cell_id is None else cell_id, points)


STUB = "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError"
STUB_2 = "def halve(x):\n    raise NotImplementedError\n\n\ndef third(x):\n    raise NotImplementedError"
EXAMPLE = "total = np.array([1.0, 2.0]).sum()\nassert total == 3.0\nprint('the total is', total)"
PLAN = Plan(
    "u",
    "n",
    (
        planned("text", "", "# A unit", cell_type="markdown", cell_id="t0"),
        planned("setup", "setup", "import numpy as np"),
        planned("example", "", EXAMPLE, cell_id="e2"),
        planned("text", "task", "### Exercise", cell_type="markdown"),
        planned("answer", "double", STUB),
        planned("test", "check", "assert double(1) == 2", points=1),
        planned("test", "hidden", "# hidden", "\nassert double(3) == 6", points=3),
        planned("answer", "halve", STUB_2),
        planned("test", "check-2", "assert halve(2) == 1", points=1),
        planned("manual", "why", "YOUR ANSWER HERE", cell_type="markdown", points=2),
    ),
)
DOUBLE = "def double(x):\n    return 2 * x"
HALVE = "def halve(x):\n    return x / 2\n\n\ndef third(x):\n    return x / 3"


def notebook(**answers):
    """The released notebook as JupyterLab saves it, with answers filled in."""
    cells = []
    for cell in PLAN.cells:
        made = code(cell.released) if cell.cell_type == "code" else markdown(cell.released)
        made["id"] = cell.cell_id
        if cell.name:
            made["metadata"] = {"nbgrader": {"grade_id": cell.name, "schema_version": 3}}
        made["source"] = answers.get(cell.name, cell.released)
        cells.append(made)
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "evil"}}, "cells": cells}


def code(source, **more):
    return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source} | more


def markdown(source, **more):
    return {"cell_type": "markdown", "metadata": {}, "source": source} | more


def cell(book, name):
    return next(one for one in book["cells"] if one["metadata"].get("nbgrader", {}).get("grade_id") == name)


def position(book, name):
    return book["cells"].index(cell(book, name))


def read(folder, plan, student):
    """One notebook of a submission's folder, with notes on everything else that lies there."""
    found = handed_in.survey(folder)
    return intake.parse(handed_in.fetch(folder, f"{plan.notebook}.ipynb"), plan, student, found.notes)


def parse(book, plan=PLAN):
    return intake.parse(book if isinstance(book, bytes) else json.dumps(book).encode(), plan, "ada")


HONEST = {"double": DOUBLE, "halve": HALVE, "why": "Because."}


def test_an_honest_submission():
    found = parse(notebook(**HONEST))
    assert (found.student, found.answers, found.added, found.examples, found.notes) == ("ada", HONEST, (), {}, ())


def test_an_untouched_notebook_has_nothing_to_remark():
    found = parse(notebook())
    assert found.answers == {"double": STUB, "halve": STUB_2, "why": "YOUR ANSWER HERE"}
    assert (found.added, found.examples, found.notes) == ((), {}, ())


# -- other programs ----------------------------------------------------------------------------------------------------


def vscode(book):
    """Lines as a list, language tags, ids of its own."""
    for index, one in enumerate(book["cells"]):
        one["source"] = one["source"].splitlines(True)
        one["metadata"]["vscode"] = {"languageId": "python"}
        one["id"] = f"a1b2c3{index:02}"
    return book


def old_vscode(book):
    for one in book["cells"]:
        one["metadata"] = {"custom": {"metadata": one["metadata"]}}
        del one["id"]
    return book


def colab(book):
    """No ids but in the metadata, other keys, format 4.0."""
    for index, one in enumerate(book["cells"]):
        del one["id"]
        one["metadata"] |= {"id": f"Zx{index}", "colab": {"base_uri": "https://localhost:8080/"}}
    return book | {"nbformat_minor": 0, "metadata": {"colab": {"provenance": []}, "accelerator": "GPU"}}


def windows(book):
    for one in book["cells"]:
        one["source"] = one["source"].replace("\n", "\r\n")
    return book


def windows_lines(book):
    for one in book["cells"]:
        one["source"] = [line.replace("\n", "\r\n") for line in one["source"].splitlines(True)]
    return book


@pytest.mark.parametrize("program", [vscode, old_vscode, colab, windows, windows_lines])
def test_notebooks_of_other_programs(program):
    found = parse(program(notebook(**HONEST)))
    assert (found.answers, found.added, found.examples, found.notes) == (HONEST, (), {}, ())


def test_a_byte_order_mark():
    assert parse(b"\xef\xbb\xbf" + json.dumps(notebook(**HONEST)).encode()).answers == HONEST


def test_answers_that_lost_all_metadata_are_found_by_what_they_define():
    book = colab(notebook(**HONEST))
    for one in book["cells"]:
        one["metadata"] = {}
    found = parse(book)
    assert found.answers == {"double": DOUBLE, "halve": HALVE}
    assert "The answer cell double lost its name: the cell that defines double counts." in found.notes
    assert "The answer cell why is missing." in found.notes, "text that lost its name cannot be told from other text"
    assert found.added == ()


def test_an_answer_is_found_by_its_cell_id():
    book = notebook(**HONEST)
    cell(book, "double").update(metadata={}, source="double = lambda x: 2 * x")
    assert parse(book).answers["double"] == "double = lambda x: 2 * x"


# -- added cells -------------------------------------------------------------------------------------------------------


def test_added_cells_keep_their_place():
    book = notebook(**HONEST)
    book["cells"].insert(0, code("first = 1"))
    book["cells"].insert(position(book, "double"), code("helper = 2"))
    book["cells"].insert(position(book, "hidden") + 1, code("between = 3"))
    book["cells"] += [markdown("my notes"), code("last = 4"), code("  \n")]
    found = parse(book)
    assert found.added == (
        Added(-1, "first = 1"),
        Added(3, "helper = 2"),
        Added(6, "between = 3"),
        Added(9, "last = 4"),
    )
    assert found.answers == HONEST
    assert intake.whole(json.dumps(book).encode(), PLAN, "ada")[1] == (Added(9, "my notes"),)


def test_raw_cells_are_named():
    book = notebook(**HONEST)
    book["cells"].append({"cell_type": "raw", "metadata": {}, "source": "import os"})
    found = parse(book)
    assert found.added == () and found.notes == (
        "A raw cell (import os) was left out: it is neither code nor text.",
    )  # fmt: skip


def test_an_edited_example_is_told_from_an_added_cell():
    book = notebook(**HONEST)
    book["cells"][2]["source"] = "x = 5"  # same cell id
    assert parse(book).examples == {2: "x = 5"}
    book = colab(notebook(**HONEST))
    book["cells"][2]["source"] = EXAMPLE.replace("2.0]", "2.5]")  # without ids: it is alike
    found = parse(book)
    assert list(found.examples) == [2] and found.added == ()
    book["cells"][2]["source"] = "def helper():\n    return 7"
    found = parse(book)
    assert found.examples == {} and found.added == (Added(1, "def helper():\n    return 7"),), "in doubt it runs"


def test_a_copy_of_an_example_is_an_added_cell():
    book = colab(notebook(**HONEST))
    book["cells"].insert(3, code(EXAMPLE + "\nhelper = 1"))
    found = parse(book)
    assert found.examples == {} and found.added == (Added(2, EXAMPLE + "\nhelper = 1"),)


# -- what cannot matter ------------------------------------------------------------------------------------------------


def test_edited_tests_and_setup_are_named_and_not_taken():
    book = notebook(**HONEST)
    for name in ("check", "hidden", "setup"):
        cell(book, name)["source"] = "pass"
    found = parse(book)
    assert found.answers == HONEST and found.added == ()
    assert found.notes == tuple(
        f"The cell {name} was edited: the course's own text of it is used." for name in ("setup", "check", "hidden")
    )


def test_deleted_cells_are_named():
    book = notebook(**HONEST)
    book["cells"] = [one for one in book["cells"] if one["id"] not in ("check", "setup", "halve", "e2")]
    found = parse(book)
    assert found.answers == {"double": DOUBLE, "why": "Because."}
    assert found.notes == (
        "The cell setup was deleted: the course's own is used.",
        "The cell check was deleted: the course's own is used.",
        "The answer cell halve is missing.",
    )


def test_any_order_gives_the_same_answers():
    for seed in range(20):
        book = notebook(**HONEST)
        random.Random(seed).shuffle(book["cells"])
        found = parse(book)
        assert found.answers == HONEST and found.added == () and found.examples == {}
        assert any(note.startswith("Cells were moved") for note in found.notes)


def test_nothing_of_metadata_outputs_and_tags_is_in_a_submission():
    book = notebook(**HONEST)
    for one in book["cells"]:
        one["metadata"] |= {"tags": ["skip-execution", "SECRET"], "evil": "SECRET"}
        one["metadata"].setdefault("nbgrader", {}).update(points=1000, checksum="SECRET", grade=True, locked=False)
        if one["cell_type"] == "code":
            one["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "SECRET"}]
    book["metadata"]["SECRET"] = 1
    assert parse(book) == parse(notebook(**HONEST))


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_a_retyped_answer_counts_as_what_it_was(kind):
    book = notebook(**HONEST)
    cell(book, "double")["cell_type"] = kind
    cell(book, "why").update(code("Because."), metadata=cell(book, "why")["metadata"])
    found = parse(book)
    assert found.answers == HONEST
    assert f"The answer cell double was turned into a {kind} cell: it is read as code." in found.notes
    assert "The answer cell why was turned into a code cell: it is read as markdown." in found.notes


def test_names_that_nobody_gave():
    book = notebook(**HONEST)
    book["cells"].append(code("x = 1", metadata={"nbgrader": {"grade_id": "../../etc"}}))
    book["cells"].append(code("y = 1", metadata={"nbgrader": {"grade_id": ["double"]}}))
    book["cells"].append(code("z = 1", metadata={"nbgrader": "double"}))
    book["cells"].append(code("u = 1", metadata=["nbgrader"]))
    found = parse(book)
    assert found.answers == HONEST
    assert [one.source for one in found.added] == ["x = 1", "y = 1", "z = 1", "u = 1"]
    assert found.notes == ("A cell is named ../../etc, which this notebook does not have: taken as added.",)


# -- several cells of one name -----------------------------------------------------------------------------------------


def copy(book, name, source, at):
    book["cells"].insert(at, json.loads(json.dumps(cell(book, name))) | {"source": source, "id": f"new{at}"})


def test_a_split_answer_runs_in_its_order():
    """JupyterLab gives both parts the metadata of the whole."""
    first, second = "def halve(x):\n    return x / 2\n", "def third(x):\n    return x / 3"
    book = notebook(**HONEST)
    cell(book, "halve")["source"] = first
    copy(book, "halve", second, position(book, "halve") + 1)
    found = parse(book)
    assert found.answers["halve"] == second and found.added == (Added(6, first),)
    assert found.notes == (
        "The answer cell halve stands 2 times: all are run in order, the last one at its place counts.",
    )


def test_a_split_answer_is_joined_where_added_cells_do_not_run():
    strict = Plan(PLAN.unit, PLAN.notebook, PLAN.cells, allow_added_cells=False)
    book = notebook(**HONEST)
    cell(book, "halve")["source"] = "def halve(x):\n    return x / 2\n"
    copy(book, "halve", "def third(x):\n    return x / 3", position(book, "halve") + 1)
    book["cells"].insert(0, code("other = 1"))
    found = parse(book, strict)
    assert found.answers["halve"] == "def halve(x):\n    return x / 2\n\ndef third(x):\n    return x / 3"
    assert found.added == (Added(-1, "other = 1"),)
    assert found.notes[-1] == "Code cells that the student added are not run in this unit."


def test_a_split_answer_whose_second_part_has_no_name():
    book = notebook(**HONEST)
    cell(book, "halve")["source"] = "def halve(x):\n    return x / 2\n"
    book["cells"].insert(position(book, "halve") + 1, code("def third(x):\n    return x / 3"))
    found = parse(book)
    assert found.answers["halve"] == "def halve(x):\n    return x / 2\n"
    assert found.added == (Added(7, "def third(x):\n    return x / 3"),)


@pytest.mark.parametrize("offset", [0, 1])
def test_a_copy_of_the_stub_undoes_nothing(offset):
    book = notebook(**HONEST)
    copy(book, "double", STUB + "\n", position(book, "double") + offset)
    found = parse(book)
    assert found.answers == HONEST and found.added == ()
    assert found.notes == ("The answer cell double stands 2 times: the one that was worked on counts.",)


def test_a_scratch_copy_elsewhere_does_not_replace_the_answer():
    for at in (0, 9, 10):
        book = notebook(**HONEST)
        copy(book, "double", "def double(x):\n    return x  # an early try", at)
        found = parse(book)
        assert found.answers == HONEST
        assert [one.source for one in found.added] == ["def double(x):\n    return x  # an early try"]


def test_a_test_cell_that_stands_twice_is_never_run_as_the_students():
    book = notebook(**HONEST)
    copy(book, "check", "import os", 0)
    copy(book, "setup", "import sys", 5)
    found = parse(book)
    assert found.added == () and found.answers == HONEST
    assert "The cell check stands 2 times: the course's own is used, once." in found.notes


# -- damage ------------------------------------------------------------------------------------------------------------


def with_nan():
    book = notebook(**HONEST)
    book["cells"][2]["outputs"] = [{"output_type": "display_data", "data": {"x": float("nan")}, "metadata": {}}]
    return json.dumps(book).encode()


def test_nan_in_an_output_costs_nothing():
    """Python's own JSON writes it, so notebooks of plotting libraries hold it."""
    assert b"NaN" in with_nan()
    assert parse(with_nan()).answers == HONEST


def test_a_huge_number_costs_nothing():
    data = (
        json.dumps(notebook(**HONEST))
        .encode()
        .replace(b'"execution_count": null', b'"execution_count": ' + b"9" * 9999)
    )
    assert parse(data).answers == HONEST


def test_double_keys_are_named_and_the_last_counts():
    data = json.dumps(notebook(**HONEST)).replace('"cell_type": "code",', '"cell_type": "raw", "cell_type": "code",')
    found = parse(data.encode())
    assert found.answers == HONEST
    assert found.notes == ("The notebook says some things twice (cell_type): the last one counts.",)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", r"it is no JSON \(line 1\)"),
        (b"{", "it is no JSON"),
        (b"PK\x03\x04zip", "it is no JSON"),
        (b'{"nbformat": 4, "cells": [\xff]}', "byte 26 is not UTF-8 text"),
        (json.dumps(notebook()).encode("utf-16"), "byte 0 is not UTF-8 text"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[]", "it has no nbformat"),
        (b"null", "it has no nbformat"),
        (b'{"cells": []}', "it has no nbformat"),
        (b'{"nbformat": "4", "cells": []}', "it has no nbformat"),
        (b'{"nbformat": 3, "worksheets": []}', "has format 3, and 4 is needed: open it in JupyterLab, save it"),
        (b'{"nbformat": 5, "cells": []}', "has format 5"),
        (b'{"nbformat": 4}', "it has no list of cells"),
        (b'{"nbformat": 4, "cells": {"a": 1}}', "it has no list of cells"),
        (b'{"nbformat": 4, "cells": [' + b"1," * 6000 + b"1]}", "has 6001 cells, and at most 5000"),
    ],
)
def test_what_is_no_notebook_is_refused_in_a_sentence(data, says):
    with pytest.raises(GraderError, match=says) as refusal:
        parse(data)
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize("bad", [
    None, 7, "x", {"cell_type": "code", "source": 5}, {"cell_type": "code", "source": [1]},
    {"cell_type": ["code"], "source": ""}, {"cell_type": "heading", "source": "x"},
])  # fmt: skip
def test_damaged_cells_are_named_and_the_others_count(bad):
    book = notebook(**HONEST)
    book["cells"].insert(3, bad)
    found = parse(book)
    assert found.answers == HONEST
    assert found.notes == ("Cell 4 has no readable text: left out.",)


def test_lone_surrogates_become_question_marks():
    """They cannot be written as UTF-8, so they would stop the record."""
    book = notebook(**HONEST | {"why": "a \ud800 b"})
    found = parse(book)
    assert found.answers["why"] == "a ? b"
    assert any("characters that are no text" in note for note in found.notes)


def test_a_huge_cell_is_left_out_and_the_others_count():
    book = notebook(**HONEST | {"double": "x = '" + "a" * 1_000_001 + "'"})
    found = parse(book)
    assert found.answers == {"halve": HALVE, "why": "Because."}
    assert "Cell 5 has 1,000,007 characters, more than 1,000,000: left out." in found.notes


def test_notes_are_capped():
    book = notebook(**HONEST)
    book["cells"] += [{"cell_type": "raw", "metadata": {}, "source": "x"}] * 1000
    found = parse(book)
    assert len(found.notes) == intake.NOTES + 1 and found.notes[-1] == "... and 940 more remarks."


def test_comparisons_are_counted(monkeypatch):
    """Thousands of cells and examples must not cost minutes."""
    compared = []
    monkeypatch.setattr(matching, "_likeness", lambda one, other: compared.append(one) or 0.0)
    examples = tuple(planned("example", "", f"{EXAMPLE} {n}", cell_id=f"x{n}") for n in range(30))
    book = colab(notebook(**HONEST))
    book["cells"] += [code(f"a{n} = b") for n in range(2000)]
    found = parse(book, Plan("u", "n", PLAN.cells + examples))
    assert found.answers == HONEST and len(found.added) == 2000
    assert len(compared) == matching.COMPARISONS


def test_any_damage_gives_a_submission_or_a_sentence():
    """Random edits of the bytes and of the JSON: never another exception."""
    whole = json.dumps(notebook(**HONEST)).encode()
    random_ = random.Random(4)
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(random_.randint(1, 4)):
            at = random_.randrange(len(data))
            data[at : at + random_.randint(0, 8)] = random_.randbytes(random_.randint(0, 4))
        with contextlib.suppress(GraderError):
            parse(bytes(data))
    values = [None, 1, -1.5, "", "code", [], {}, [[]], {"nbgrader": {}}, {"nbgrader": {"grade_id": "double"}}, True]
    for _ in range(400):
        book = notebook(**HONEST)
        for _ in range(random_.randint(1, 6)):
            where = random_.choice([book, *book["cells"], *[one.get("metadata", {}) for one in book["cells"]]])
            if isinstance(where, dict) and where:
                where[random_.choice(list(where))] = random_.choice(values)
            if not isinstance(book.get("cells"), list) or not all(isinstance(one, dict) for one in book["cells"]):
                break
        with contextlib.suppress(GraderError):
            parse(book)


# -- folders -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "submitted" / "ada" / "u"
    made.mkdir(parents=True)
    (made / "n.ipynb").write_bytes(json.dumps(notebook(**HONEST)).encode())
    return made


def test_reading_a_folder(folder):
    (folder / "notes.txt").write_text("mine")
    assert read(folder, PLAN, "ada") == parse(notebook(**HONEST))


def odd(folder):
    """One of each thing that is no regular file."""
    secret = folder.parents[2] / "secret.txt"
    secret.write_text("SECRET")
    (folder / "link.txt").symlink_to(secret)
    (folder / "dangling").symlink_to("/nowhere")
    (folder / "outside").symlink_to("/")
    os.mkfifo(folder / "pipe")
    with contextlib.chdir(folder), socket.socket(socket.AF_UNIX) as server:  # a socket's path is short
        server.bind("sock")
    (folder / "sub").mkdir()
    (folder / "sub" / "loop").symlink_to("..")


def test_links_pipes_and_sockets_are_named_and_left_alone(folder):
    odd(folder)
    found = read(folder, PLAN, "ada")
    assert found.answers == HONEST
    assert set(found.notes) == {
        "link.txt is a link: left alone.", "dangling is a link: left alone.", "outside is a link: left alone.",
        "pipe is a pipe (FIFO): left alone.", "sock is a socket: left alone.", "sub/loop is a link: left alone.",
    }  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_named(folder):
    try:
        os.mknod(folder / "zero", 0o20666, os.makedev(1, 5))
    except PermissionError:
        return
    assert "zero is a device: left alone." in read(folder, PLAN, "ada").notes


@pytest.mark.parametrize("make", [
    lambda path: path.symlink_to("/etc/hostname"), lambda path: path.symlink_to("nowhere"), os.mkfifo,
    lambda path: path.mkdir(), lambda path: path.symlink_to("real.ipynb"),
])  # fmt: skip
def test_a_notebook_that_is_no_regular_file_is_refused(folder, make):
    (folder / "n.ipynb").rename(folder / "real.ipynb")
    make(folder / "n.ipynb")
    with pytest.raises(GraderError, match=r"n\.ipynb is a (link|pipe \(FIFO\)|folder): only a regular file is graded"):
        read(folder, PLAN, "ada")


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/hostname"), os.mkfifo, lambda path: path.mkdir()])
def test_a_notebook_that_is_swapped_after_the_look_is_refused(folder, make, monkeypatch):
    real = handed_in._kind
    monkeypatch.setattr(handed_in, "_kind", lambda path: "file" if path.name == "n.ipynb" else real(path))
    (folder / "n.ipynb").unlink()
    make(folder / "n.ipynb")
    with pytest.raises(GraderError, match=r"n\.ipynb (is no regular file|cannot be read)"):
        handed_in.fetch(folder, "n.ipynb")


def test_a_missing_notebook_or_folder(folder):
    (folder / "n.ipynb").unlink()
    with pytest.raises(GraderError, match=r"n\.ipynb is a missing file"):
        read(folder, PLAN, "ada")
    with pytest.raises(GraderError, match="is a missing file, not a folder"):
        read(folder / "none", PLAN, "ada")
    link = folder.with_name("linked")
    link.symlink_to(folder)
    with pytest.raises(GraderError, match="linked is a link, not a folder"):
        read(link, PLAN, "ada")


def test_a_huge_notebook_is_refused_before_it_is_read(folder):
    with (folder / "n.ipynb").open("wb") as file:
        file.truncate(200 << 30)  # sparse: reading it would take all memory
    with pytest.raises(GraderError, match="has more than 20 MB: clear its outputs"):
        read(folder, PLAN, "ada")


def test_the_walk_stops_at_its_cap(folder, monkeypatch):
    looked_at = []
    monkeypatch.setattr(handed_in, "_kind", lambda path, real=handed_in._kind: looked_at.append(path) or real(path))
    for number in range(3):
        (folder / f"many{number}").mkdir()
    for number in range(3_000):
        (folder / f"many{number % 3}" / f"{number}").touch()
    found = read(folder, PLAN, "ada")
    assert found.answers == HONEST
    assert found.notes == ("The folder holds more than 2000 files: only the first 2000 were looked at.",)
    assert len(looked_at) < 2100
    shutil.rmtree(folder)


def test_folders_in_folders_end(folder):
    deep = folder
    for _ in range(100):
        deep = deep / "d"
        deep.mkdir()
    assert "folder more than 16 folders deep" in read(folder, PLAN, "ada").notes[0]


def test_file_names_cannot_steer_a_terminal(folder):
    (folder / "a\x1b[2Jb\n\u202e.txt").symlink_to("x")
    assert read(folder, PLAN, "ada").notes == ("a?[2Jb??.txt is a link: left alone.",)


def test_only_pictures_are_kept_for_whoever_grades_by_hand(folder):
    picture = b"\x89PNG\r\n\x1a\n" + b"0" * 50
    for name in ("plot.png", "sub.d/deep.png", "page.html", "numpy.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(picture)
    (folder / "false.png").write_bytes(b"<script>")
    (folder / "huge.png").write_bytes(picture + b"0" * handed_in.PICTURE_BYTES)
    (folder / "link.png").symlink_to("plot.png")
    assert handed_in.pictures(folder, handed_in.survey(folder)) == {"plot.png": picture}
