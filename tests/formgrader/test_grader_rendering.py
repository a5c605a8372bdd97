"""What students write, on every page that shows it: in a real Chromium nothing of it runs, asks or leads away."""

import base64
import contextlib
import struct
import sys
import time
import zlib

import nbformat
import plain_course
import pytest
from attacks import pages
from browser import go_to, screenshot
from nbconvert import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook, new_output
from payloads import EVERY, named, numbered
from plain_course import UNIT, cell, comments, grades, hand_in, released
from playwright.sync_api import expect
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from course_author.units.unit import ROOT
from course_grader.cli import main as cli
from course_grader.contracts import Verdict
from course_grader.intake.pictures import _chunk

pytestmark = pytest.mark.part("grader")
EACH = 54  # payloads on a page: few pages, for speed


def drawn(width, height):
    """A PNG of one colour."""
    rows = (b"\0" + b"\x80\x10\x10" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


PLACES = ("own", "edited", "essay")
NUMBERS = {f"{place} {name}": 1000 * (1 + p) + n for p, place in enumerate(PLACES) for n, name in enumerate(EVERY)}
PORTIONS = [list(EVERY)[start : start + EACH] for start in range(0, len(EVERY), EACH)]
KINDS = ("text/html", "text/markdown", "text/latex", "image/svg+xml", "text/plain", "image/png")


def source():
    """A notebook with an exercise, and as many text cells and essays as a page has payloads."""
    cells = [
        cell("setup", "setup", "import math"),
        cell("answer", "area", "def area(r):\n    ### BEGIN SOLUTION\n    return 3 * r * r\n    ### END SOLUTION"),
        cell("test", "area-check", "assert area(1) == 3", 4),
    ]
    for number in range(EACH):
        cells.append(new_markdown_cell(f"The course's own text, number {number}.", id=f"text-{number}"))
        essay = "### BEGIN SOLUTION\nx\n### END SOLUTION"
        cells.append(cell("manual", f"essay-{number}", essay, 2, markdown=True))
    return {"first": cells}


def written(course, portion):
    """A submission with nothing answered, and each payload in an own cell, an edited one and an essay."""
    notebook = released(course)
    by_id = {one.id: one for one in notebook.cells}
    names = plain_course.named(notebook)
    for place, name in enumerate(portion):
        own, edited, essay = (numbered(EVERY[name], NUMBERS[f"{where} {name}"]) for where in PLACES)
        by_id[f"text-{place}"].source = edited
        names[f"essay-{place}"].source = essay
        notebook.cells.append(new_markdown_cell(own))
    return notebook


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of real submissions, graded by the real engine."""
    made = plain_course.make(tmp_path_factory.mktemp("course"), source())
    for number, portion in enumerate(PORTIONS):
        hand_in(made, f"s{number}", written(made, portion))
    for number in range(len(PORTIONS)):
        hand_in(made, f"out{number}", released(made))
    hand_in(made, "hanna", honest(made))
    greedy = released(made)
    greedy.cells += [new_markdown_cell(text) for text in GREEDY.values()]
    hand_in(made, "greedy", plain_course.answered(greedy, area=" \n" * 10_000 + "def area(r):\n    return 3 * r * r"))
    assert cli.main(["grade", UNIT, "--course", str(made), "--jobs", "2"]) == 0
    for number, portion in enumerate(PORTIONS):
        show(made / "autograded" / f"out{number}" / UNIT / "first.ipynb", portion)
    return made


def show(path, portion):
    """Payloads as outputs of every kind that the record lets through: a process that was taken over can send them."""
    notebook = nbformat.read(path, as_version=4)
    outputs = plain_course.named(notebook)["area"].outputs
    for name in portion:
        text = numbered(EVERY[name], 9000 + list(EVERY).index(name)).encode(errors="replace").decode()
        outputs += [new_output("display_data", data={kind: text}) for kind in KINDS]
        outputs += [new_output("stream", text=text), new_output("error", ename="e", evalue=text, traceback=[text])]
    path.chmod(0o644)
    nbformat.write(notebook, path)


def students(course):
    return sorted(path.name for path in (course / "submitted").iterdir())


def held(course):
    return {student: (grades(course, student), comments(course, student)) for student in students(course)}


@pytest.fixture(scope="module")
def formgrader(course, tmp_path_factory):
    with pages.formgrader(course, tmp_path_factory.mktemp("home")) as running:
        yield running


def test_nothing_of_a_students_is_live_on_formgraders_pages(course, formgrader):
    """The payloads as prose and as outputs: no point changed, no terminal opened, no script run, nothing asked for."""
    assert len(EVERY) >= 40
    before, live = held(course), {}
    for (student, _), path in pages.submissions(course, UNIT).items():
        live[student] = [named(one) for one in formgrader.look(path)]
        assert formgrader.page.locator(".text_cell_render").count() >= 2 * EACH, "the page is whole"
    assert [f"{student}: {one}" for student, found in live.items() for one in found] == []
    assert len(live) == len(students(course)) and held(course) == before and formgrader.terminals() == []
    assert {row[1] for rows, _ in before.values() for row in rows.values()} == {None}, "no person has given points"


def test_nothing_is_live_on_the_lists(formgrader):
    for path in (
        "manage_assignments", f"manage_submissions/{UNIT}", f"gradebook/{UNIT}", f"gradebook/{UNIT}/first",
        "manage_students", "manage_students/s0", f"manage_students/s0/{UNIT}",
    ):  # fmt: skip
        assert formgrader.look(f"/formgrader/{path}", poke=False) == [], path


def test_the_record_keeps_what_students_wrote(course):
    """Cleaned is the page: a person, and the checksum of an essay, see the text as it was typed."""
    for number, portion in enumerate(PORTIONS):
        path = course / "autograded" / f"s{number}" / UNIT / "first.ipynb"
        sources = [one.source for one in nbformat.read(path, as_version=4).cells]
        for place in PLACES:
            for name in portion:
                text = numbered(EVERY[name], NUMBERS[f"{place} {name}"])
                with contextlib.suppress(UnicodeEncodeError):  # half a surrogate pair is no text
                    text.encode()
                    assert text.replace("\r\n", "\n") in sources, (place, name)


# -- honest work -------------------------------------------------------------------------------------------------------

DOT = base64.b64encode(drawn(2, 2)).decode()
PROSE = {
    "less": "a<b and 3 < 4 > 2, but a &= b; x && y",
    "quote": "> a quote\n> of two lines\n\nand on",
    "generic": "`List<int>` and `Dict[str, int]`, Vec\\<T\\>, \u00e4\u00f6\u00fc\u00df, \U0001f600 \u2192 \u221e",
    "html": "inline <b>bold</b>, H<sub>2</sub>O, a<br>b, <kbd>Ctrl</kbd>, <span style='color:red'>red</span>",
    "table": "| left | right |\n|:-----|------:|\n| a | 1 |\n| b | **2** |",
    "tasks": "- [ ] open\n- [x] done\n- plain\n  1. one\n  2. two",
    "fence": "```python\ndef f(x):\n    return x < 1 and '<b>'  # why\n```\n\n```\nplain <i>\n```",
    "links": "[a link](https://example.org/a?b=1&c=2), <https://example.org>, [down](#Below)\n\n## Below",
    "details": "<details><summary>More</summary>\n\ninside\n\n</details>",
    "rules": "# Title\n\ntext\n\n---\n\n~~gone~~ *slanted* **bold** _a_ \\*stars\\* a_b_c",
    "picture": f"![a dot](data:image/png;base64,{DOT}) after",
    "pasted": "before ![drawing.png](attachment:drawing.png) after",
}
FORMULAS = {"inline": "$x<y$", "block": r"$$\begin{aligned}a &= b\\ c &< d\end{aligned}$$", "amp": r"$a \& b$"}
LOST = {
    "no such picture": "![my drawing](attachment:gone.png)",
    "one elsewhere": "![far](https://example.org/a.png)",
    "odd name": "![](attachment:a%20b%27%22\u00e4.png)",
    "not a picture": "![pdf](attachment:a.pdf)",
    "as code": "`![x](attachment:none.png)`",
}


def honest(course):
    """A submission with an essay, a drawing pasted into it, and references to pictures that are not there."""
    notebook = released(course)
    names = plain_course.named(notebook)
    names["essay-0"].source = "See ![image.png](attachment:image.png)."
    names["essay-0"]["attachments"] = {"image.png": {"image/png": DOT}}
    for name, text in (PROSE | FORMULAS | LOST).items():
        notebook.cells.append(new_markdown_cell(text, id=f"own-{name.replace(' ', '-')}"))
    there = {one.source: one for one in notebook.cells}
    there[PROSE["pasted"]]["attachments"] = {"drawing.png": {"image/png": DOT}}
    there[LOST["not a picture"]]["attachments"] = {"a.pdf": {"application/pdf": DOT}}
    return notebook


def words(text):
    return " ".join(text.replace("\u00b6", " ").split())


def test_honest_prose_looks_as_in_jupyterlab(course, formgrader):
    """The same cell, as formgrader shows it and as JupyterLab does: the same words, and the same elements."""
    page = formgrader.page
    assert formgrader.look(pages.submissions(course, UNIT)["hanna", "first"], poke=False) == []
    screenshot(page, "formgrader-prose")
    shown = page.locator(".text_cell_render").evaluate_all(SEEN)[-len(PROSE | FORMULAS | LOST) :]
    page.goto(f"{formgrader.address}/lab/tree/autograded/hanna/{UNIT}/first.ipynb?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
    last = page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length")
    for place, (name, one) in enumerate(zip(PROSE | FORMULAS, shown, strict=False)):
        go_to(page, last - len(shown) + place)
        lab = page.locator(".jp-mod-active .jp-MarkdownOutput").evaluate_all(SEEN)[0]
        if name in PROSE:
            assert words(one["text"]) == words(lab["text"]), name
            assert one["elements"] == lab["elements"], name
        else:  # formgrader asks MathJax of its own for it, which is not here: the text that it would set
            assert one["text"].strip() == FORMULAS[name], name
    told = [words(one["text"]) for one in shown[-len(LOST) :]]
    assert told == [
        "[Picture not shown: my drawing]", "[Picture not shown: far]",
        "[Picture not shown: attachment:a b'\"\u00e4.png]",
        "[Picture not shown: pdf]", "![x](attachment:none.png)",
    ]  # fmt: skip


# Words and elements of a piece of prose; code is coloured by another reader in each of them.
SEEN = """all => all.map((one) => ({
    text: one.innerText,
    elements: [...one.querySelectorAll('*')]
        .filter((e) => !e.closest('pre') && !['A', 'DIV', 'SPAN', 'IMG'].includes(e.tagName)
            || (e.tagName === 'IMG' && e.naturalWidth > 0) || (e.tagName === 'A' && /^http/.test(e.href)))
        .map((e) => e.tagName + (/right$/.test(getComputedStyle(e).textAlign) ? ' right' : '')),
}))"""


def test_a_drawing_pasted_into_an_essay_is_shown(course, formgrader):
    formgrader.page.goto(f"{formgrader.address}{pages.submissions(course, UNIT)['hanna', 'first']}")
    wide = formgrader.page.locator(".nbgrader_cell .text_cell_render img").evaluate_all(
        "all => all.map(i => i.naturalWidth)"
    )
    assert wide == [2]
    (note,) = [note for note in verdict(course, "hanna").notes if "pasted" in note]
    assert note.startswith("1 of the files pasted into the cell of the student's own are not shown: only PNG and JPEG")


def verdict(course, student):
    path = course / "autograded" / student / UNIT / "first.verdict.json"
    return Verdict.from_json(path.read_text())


@pytest.mark.full
def test_no_script_runs_where_the_graded_notebook_is_opened_in_jupyterlab(course, formgrader):
    page, before = formgrader.page, held(course)
    for number in range(len(PORTIONS)):
        page.goto(f"{formgrader.address}/lab/tree/autograded/s{number}/{UNIT}/first.ipynb?reset")
        page.wait_for_selector(".jp-NotebookPanel .jp-MarkdownOutput")
        page.wait_for_timeout(1000)
        assert page.evaluate("window.bells") == []
    assert formgrader.terminals() == [] and held(course) == before


def test_formgrader_stays_in_its_course(course, formgrader):
    """A mere picture can ask for formgrader's address with a folder, and nbgrader would run the settings there."""
    settings = course / "submitted" / "s0" / UNIT / "nbgrader_config.py"
    settings.write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    for path in (f"/formgrader?path=submitted/s0/{UNIT}", f"/formgrader/?path={settings.parent}"):
        formgrader.page.goto(f"{formgrader.address}{path}")
        assert formgrader.page.url == f"{formgrader.address}/formgrader/manage_assignments"
        expect(formgrader.page.locator("tr", has_text=UNIT).locator("td.num-submissions")).not_to_have_text("0")
    assert not settings.with_name("ran").exists()


# -- what takes long, or is damaged ------------------------------------------------------------------------------------

GREEDY = {
    "quotes": ">" * 5000,
    "lists": "".join("  " * depth + "- a\n" for depth in range(300)),
    "brackets": "[" * 19_000,
    "backslashes": "\\\\(" * 6000,
    "heading": "# a" + " " * 19_000 + "b",
    "wide heading": "# a" + " " * 200_000 + "b",
    "open elements": "".join(f"<b title={n}>" for n in range(900)) + "<p>x" * 2000,
    "divs": "<div>" * 3900,
    "a whole book": "word " * 150_000,
    "code": "```python\n" + " \n" * 9000 + "```",
}


def test_a_page_opens_in_seconds_whatever_stands_in_it(course, formgrader):
    """Deep, long or slow to read: shown as it was typed."""
    path = pages.submissions(course, UNIT)["greedy", "first"]
    started = time.monotonic()
    assert formgrader.look(path, poke=False) == []
    assert time.monotonic() - started < 60
    text = formgrader.page.locator("#notebook").first.inner_text()
    assert "Shown as it was typed: it is too long" in text and "word word" in text


def test_no_output_makes_a_page_fail(course, formgrader):
    """Outputs with broken pictures, text by the megabyte and colours by the hundred thousand."""
    path = course / "autograded" / "greedy" / UNIT / "first.ipynb"
    notebook = nbformat.read(path, as_version=4)
    long = ["\x1b[31mx" * 200_000, "<b>" * 60_000, "\x1b[" + "1;" * 200_000 + "m", " \n" * 50_000, "x" * 3_000_000]
    plain_course.named(notebook)["area"].outputs = [
        new_output("display_data", data={"image/png": "no base64 <b>"}),
        new_output("display_data", data={"image/jpeg": "x' onerror='alert(1)"}),
        new_output("display_data", data={"image/svg+xml": "<svg"}),
        *(new_output("stream", text=text) for text in long),
        *(new_output("display_data", data={"text/html": text}) for text in long),
    ]
    path.chmod(0o644)
    nbformat.write(notebook, path)
    assert formgrader.look(pages.submissions(course, UNIT)["greedy", "first"], poke=False) == []
    text = formgrader.page.locator("#notebook").first.inner_text()
    assert "characters are left out here, this page is too long: open the notebook" in text


def test_without_course_grader_no_page_is_made_and_nothing_raw(monkeypatch):
    """The settings name the filters as strings: nbconvert fails where it cannot import one."""
    settings = dict(PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config())
    exporter = HTMLExporter(config=Config({"HTMLExporter": settings["HTMLExporter"]}))
    notebook = new_notebook(cells=[new_markdown_cell("<script>alert(1)</script>kept")])
    assert "kept" in exporter.from_notebook_node(notebook)[0]
    monkeypatch.setitem(sys.modules, "course_grader.formgrader.clean", None)
    with pytest.raises(ImportError):
        HTMLExporter(config=exporter.config).from_notebook_node(notebook)
