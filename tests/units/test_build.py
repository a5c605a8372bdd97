"""Text and notebook say the same, a rebuild changes nothing, and neither direction loses anybody's work."""

import json

import pytest
from tiny_course import run_python

from course_author.units.build import as_bytes, build, from_text, notebook_path, read_notebook, take, text_path, to_text
from course_author.units.text import unit_names
from course_author.units.unit import ROOT, UnitError

UNITS = unit_names()
UNIT = "07_tiny"


def drift(unit, root=ROOT):
    """Cells in which text and notebook differ, one line each."""
    mend = f"run `python -m course_author build {unit}`"
    path = notebook_path(unit, root)
    if not path.exists():
        return [f"source/{unit}/{unit}.ipynb is missing: {mend}"]
    told, built = from_text(unit, root), read_notebook(path)
    lines = [
        f"cell {number} ({ours.source.split(chr(10))[0]!r}) differs in {key}: {mend}"
        for number, (ours, theirs) in enumerate(zip(told.cells, built.cells, strict=False), 1)
        for key in ours
        if ours[key] != theirs.get(key)
    ]
    if len(told.cells) != len(built.cells):
        lines.append(f"the text has {len(told.cells)} cells, the notebook {len(built.cells)}: {mend}")
    if not lines and as_bytes(told) != path.read_bytes():
        lines.append(f"source/{unit}/{unit}.ipynb is written another way: {mend}")
    return lines


@pytest.mark.parametrize("unit", UNITS)
def test_notebook_is_what_the_text_gives(unit):
    assert not drift(unit), "\n".join(drift(unit))


@pytest.mark.parametrize("unit", UNITS)
def test_text_comes_back_byte_for_byte(unit, tmp_path):
    """What `python -m course_author text` would write after an edit keeps every other byte."""
    (tmp_path / "source").mkdir()
    text_path(unit, tmp_path).write_bytes(text_path(unit).read_bytes())
    build(unit, tmp_path)
    assert to_text(unit, tmp_path) == text_path(unit).read_text(encoding="utf-8")


def test_drift_is_seen(tiny, edit):
    build(UNIT, tiny)
    assert drift(UNIT, tiny) == []
    edit("    secret_factor = 2.0", "    secret_factor = 3.0")
    (line,) = drift(UNIT, tiny)
    assert "cell 6 ('def double(x):') differs in source: run `python -m course_author build 07_tiny`" in line
    edit("# %%\ntotal", "# %%\n1 + 1\n\n# %%\ntotal")
    assert any("the text has 10 cells, the notebook 9" in line for line in drift(UNIT, tiny))


def test_a_rebuild_changes_no_byte(tiny):
    assert build(UNIT, tiny)
    first = notebook_path(UNIT, tiny).read_bytes()
    assert not build(UNIT, tiny)
    notebook_path(UNIT, tiny).unlink()
    build(UNIT, tiny)
    assert notebook_path(UNIT, tiny).read_bytes() == first, "new ids must come from the content, not from chance"


def test_the_notebook_is_plain(tiny, edit):
    edit("# %%\ntotal", "# %%\n\n\n\ntotal")  # spacing that jupytext would note as lines_to_next_cell
    edit("### END SOLUTION\n\n# %%", "### END SOLUTION\n\n\n\n\n# %%")
    build(UNIT, tiny)
    raw = notebook_path(UNIT, tiny).read_text(encoding="utf-8")
    notebook = json.loads(raw)
    assert "jupytext" not in raw and "lines_to_next_cell" not in raw
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert all(cell.get("outputs", []) == [] and cell.get("execution_count") is None for cell in notebook["cells"])
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids) and "double-hidden" in ids


def test_ids_stay_with_their_cells(tiny, edit):
    build(UNIT, tiny)
    before = [cell.id for cell in read_notebook(notebook_path(UNIT, tiny)).cells]
    edit("# It needs nothing but NumPy.", "# It needs NumPy, and a reader.")  # an edited cell keeps its id
    edit("# %%\ntotal", "# %%\nprint(1)\n\n# %%\ntotal")  # a new cell gets one of its own
    build(UNIT, tiny)
    after = [cell.id for cell in read_notebook(notebook_path(UNIT, tiny)).cells]
    assert after[:3] == before[:3] and after[4:] == before[3:]
    assert after[3] not in before


def test_equal_cells_get_different_ids(tiny, edit):
    edit("# %%\ntotal", "# %%\nprint(1)\n\n# %%\nprint(1)\n\n# %%\ntotal")
    build(UNIT, tiny)
    ids = [cell.id for cell in read_notebook(notebook_path(UNIT, tiny)).cells]
    assert len(set(ids)) == len(ids) == 11


def edit_notebook(tiny, old, new):
    path = notebook_path(UNIT, tiny)
    notebook = read_notebook(path)
    (cell,) = [cell for cell in notebook.cells if old in cell.source]
    cell.source = cell.source.replace(old, new)
    path.write_bytes(as_bytes(notebook))


def test_an_edit_in_jupyterlab_comes_into_the_text(tiny):
    build(UNIT, tiny)
    text = text_path(UNIT, tiny).read_text(encoding="utf-8")
    edit_notebook(tiny, "nothing but NumPy", "nothing but numbers")
    assert "now says what the notebook says" in take(UNIT, tiny)
    assert text_path(UNIT, tiny).read_text(encoding="utf-8") == text.replace("but NumPy", "but numbers")
    assert drift(UNIT, tiny) == []
    assert "already says" in take(UNIT, tiny)


def test_outputs_are_no_edit(tiny):
    build(UNIT, tiny)
    path = notebook_path(UNIT, tiny)
    clean = path.read_bytes()
    notebook = read_notebook(path)
    notebook.cells[1].execution_count = 3
    notebook.cells[1].metadata["editable"] = True
    path.write_bytes(as_bytes(notebook))
    build(UNIT, tiny)
    assert path.read_bytes() == clean


def test_build_does_not_overwrite_an_edited_notebook(tiny):
    build(UNIT, tiny)
    edit_notebook(tiny, "nothing but NumPy", "nothing but numbers")
    edited = notebook_path(UNIT, tiny).read_bytes()
    with pytest.raises(UnitError, match="was edited in JupyterLab: run `python -m course_author text 07_tiny`"):
        build(UNIT, tiny)
    assert notebook_path(UNIT, tiny).read_bytes() == edited
    build(UNIT, tiny, force=True)
    assert drift(UNIT, tiny) == []
    (copy,) = (tiny / "kept" / "source" / UNIT).glob(f"{UNIT}-*.ipynb")
    assert copy.read_bytes() == edited


def test_a_second_copy_does_not_replace_the_first(tiny):
    for number in ("one", "two"):
        build(UNIT, tiny)
        edit_notebook(tiny, "nothing but NumPy", f"nothing but {number}")
        build(UNIT, tiny, force=True)
    copies = [path.read_text() for path in (tiny / "kept" / "source" / UNIT).glob(f"{UNIT}-*.ipynb")]
    assert len(copies) == 2
    assert all(any(f"nothing but {number}" in copy for copy in copies) for number in ("one", "two"))


def test_both_sides_edited_loses_neither(tiny, edit):
    build(UNIT, tiny)
    edit_notebook(tiny, "nothing but NumPy", "nothing but numbers")
    path = edit("A unit for tests", "A unit for trials")
    ours, theirs = path.read_bytes(), notebook_path(UNIT, tiny).read_bytes()
    for command in (build, take):
        with pytest.raises(UnitError, match="Both source/07_tiny.py and its notebook were edited"):
            command(UNIT, tiny)
        assert (path.read_bytes(), notebook_path(UNIT, tiny).read_bytes()) == (ours, theirs)
    take(UNIT, tiny, force=True)
    assert "nothing but numbers" in path.read_text(encoding="utf-8")
    (copy,) = (tiny / "kept" / "source").glob(f"{UNIT}-*.py")
    assert copy.read_bytes() == ours


def test_an_older_notebook_does_not_go_into_the_text(tiny, edit):
    build(UNIT, tiny)
    path = edit("A unit for tests", "A unit for trials")
    text = path.read_bytes()
    assert "no edit of its own" in take(UNIT, tiny)
    assert path.read_bytes() == text


def test_a_pasted_picture_is_not_lost_silently(tiny):
    build(UNIT, tiny)
    edit_notebook(tiny, "nothing but NumPy", "![](attachment:a.png)")
    notebook = json.loads(notebook_path(UNIT, tiny).read_text(encoding="utf-8"))
    notebook["cells"][0]["attachments"] = {"a.png": {"image/png": "AAAA"}}
    notebook_path(UNIT, tiny).write_text(json.dumps(notebook), encoding="utf-8")
    with pytest.raises(UnitError, match="Cell 1 .* holds a pasted picture"):
        take(UNIT, tiny)


def test_a_damaged_notebook_is_named(tiny):
    build(UNIT, tiny)
    notebook_path(UNIT, tiny).write_bytes(b'{"cells": [')
    with pytest.raises(UnitError, match="is not a readable notebook .* delete it and build again"):
        build(UNIT, tiny)


def test_the_command_ends_in_one_sentence():
    done = run_python("-m", "course_author", "build", "99_nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("There is no unit '99_nothing': choose from ") and done.stderr.count("\n") == 1


def test_commands_are_listed():
    done = run_python("-m", "course_author")
    assert done.returncode == 0 and "  release  " in done.stdout
    assert run_python("-m", "course_author", "nonsense").returncode == 2
