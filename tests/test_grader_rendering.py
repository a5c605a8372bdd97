"""What students write, on every page that shows it: in a real Chromium nothing of it runs, asks or leads away."""

import contextlib
import re

import nbformat
import plain_course
import pytest
from attacks import pages
from nbformat.v4 import new_markdown_cell
from payloads import EVIL, PAYLOADS
from plain_course import UNIT, cell, comments, grades, hand_in, released

from course_grader import cli, plan

pytestmark = pytest.mark.part("grader")
EACH = 26  # payloads on a page: few pages, for speed

SELF_GRADING = """<script>(async () => {
    const token = (document.cookie.match(/_xsrf=([^;]*)/) || [])[1], headers = {'X-XSRFToken': token, 'X-CSRFToken': token};
    const base = location.pathname.split('/formgrader')[0], here = location.pathname.match(/submissions\\/([^/]*)/)[1];
    for (const one of await (await fetch(`${base}/formgrader/api/grades?submission_id=${here}`)).json())
        await fetch(`${base}/formgrader/api/grade/${one.id}`, {method: 'PUT', headers,
            body: JSON.stringify({manual_score: one.max_score, extra_credit: 5})});
    await fetch(`${base}/api/terminals`, {method: 'POST', headers, body: '{}'});
    alert(1);
})()</script>"""
# What formgrader itself makes of a text, beside what any page does.
OURS = {
    "self-grading": SELF_GRADING,
    "files-prefix": "[click](files/javascript:alert(1)) <a href='files/javascript:alert(1)'>click</a>",
    "formgraders-path": "![x](/formgrader?path=submitted/s0) ![x](../../../formgrader?path=submitted/s0)",
    "formgraders-path-encoded": "<img src='%2e%2e/%2e%2e/%2e%2e/formgrader?path=submitted/s0'><img src='..\\..\\logout'>",
    "formgraders-path-link": "[source](../../../formgrader?path=submitted/s0) [b](http://localhost:8888/formgrader?path=s)",
    "next-student": "<img src='next'><img src='prev?index=1'>",
    "credit-class": "<b class='full-credit'>Show the drawing</b><span class=no-credit>x</span><i class='mark-graded'>y</i>",
    "score-class": "<input class='score tabbable' value=99><input class='extra-credit' value=99 type=number>",
    "names-of-the-page": "<div id=notebook></div><div id=statusmessage></div><a id=submission_id></a><form name=base_url>",
    "names-of-cells": "<input id=area-check><textarea id='essay-0-comment'>x</textarea>\n\n# area-check\n\n# notebook",
    "tooltip": "<b data-toggle=tooltip data-html=true title='<img src=x onerror=alert(1)>' data-link='/x'>x</b>",
    "cover": "<div style='position:fixed;inset:0;z-index:9999;background:#fff'>Next</div><div class=navbar-fixed-top>x</div>",
    "style-url": f"<b style='background-color:url({EVIL}/c);color:red;list-style:url({EVIL}/l)'>x</b>",
    "style-escape": f"<b style='back\\67round:u\\72l({EVIL}/c)'>x</b>",
    "mermaid": "```mermaid\ngraph TD\nA[<img src=x onerror=alert(1)>]\nclick A 'javascript:alert(1)'\n```",
    "jp-mermaid": "<div class='jp-Mermaid'><pre class='mermaid'>graph TD\nclick A \"javascript:alert(1)\"</pre></div>",
    "tex-macros": r"$\href{javascript:alert(1)}{x}\class{full-credit}{y}\cssId{notebook}{z}\style{position:fixed}{u}$",
    "markdown-title": "[a](https://example.org '\"onmouseover=\"alert(1)') ![a](a.png '\"onerror=\"alert(1)')",
    "heading-quote": "# x\" onmouseover=\"alert(1)\n\n## <img src=x onerror=alert(1)>",
    "table-cell": "|a|b|\n|-|-|\n|<img src=x onerror=alert(1)>|[x](javascript:alert(1))|",
    "fence-language": "```python onclick=alert(1)\n<img src=x onerror=alert(1)>\n```\n~~~<script>alert(1)</script>\n~~~",
    "picture-of-an-attachment": "<img src='attachment:a.png' onerror=alert(1)> <img src='attachment:../../../logout'>",
    "checkbox": "- [ ] x <input type=checkbox onclick=alert(1) name=score form=x formaction=javascript:alert(1)>",
}  # fmt: skip
EVERY = {**PAYLOADS, **OURS}


def numbered(text, number):
    """A payload that rings with a number and asks for a path that begins with one."""
    text = re.sub(r"alert(\(|&#40;|`)1", rf"alert\g<1>{number}", text)
    return text.replace("//evil.invalid", f"//evil.invalid/{number}")


PLACES = ("own", "edited", "essay")
NUMBERS = {f"{place} {name}": 1000 * (1 + p) + n for p, place in enumerate(PLACES) for n, name in enumerate(EVERY)}
NAMES = {number: name for name, number in NUMBERS.items()}
PORTIONS = [list(EVERY)[start : start + EACH] for start in range(0, len(EVERY), EACH)]
SHOWS = """
from IPython.display import HTML, Latex, Markdown, display
for text in {texts!r}:
    display(HTML(text)), display(Markdown(text)), display(Latex(text)), print(text)
"""


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
    shown = [numbered(EVERY[name], 9000 + n) for n, name in enumerate(EVERY)]
    for number, start in enumerate(range(0, len(shown), 8)):
        answer = "def area(r):\n    return None\n" + SHOWS.format(texts=shown[start : start + 8])
        hand_in(made, f"out{number}", plain_course.answered(released(made), area=answer))
    assert cli.main(["grade", UNIT, "--course", str(made), "--jobs", "2"]) == 0
    return made


def students(course):
    return sorted(path.name for path in (course / "submitted").iterdir())


def held(course):
    return {student: (grades(course, student), comments(course, student)) for student in students(course)}


@pytest.fixture(scope="module")
def formgrader(course, tmp_path_factory):
    with pages.formgrader(course, tmp_path_factory.mktemp("home")) as running:
        yield running


def told(live):
    """What was live, with the names of payloads in place of their numbers."""
    return [re.sub(r"\b[1-3]\d\d\d\b", lambda found: NAMES.get(int(found[0]), found[0]), one) for one in live]


def test_nothing_of_a_students_is_live_on_formgraders_pages(course, formgrader):
    """The payloads as prose and as outputs: no point changed, no terminal opened, no script run, nothing asked for."""
    assert len(EVERY) >= 40
    before, live = held(course), {}
    for (student, _), path in pages.submissions(course, UNIT).items():
        live[student] = told(formgrader.look(path))
        assert formgrader.page.locator(".text_cell_render").count() >= 2 * EACH, "the page is whole"
    assert {student: found for student, found in live.items() if found} == {}
    assert len(live) == len(students(course)) and held(course) == before and formgrader.terminals() == []
    assert {row[1] for rows, _ in before.values() for row in rows.values()} == {None}, "no person has given points"


def test_nothing_is_live_on_the_lists(formgrader):
    for path in (
        "manage_assignments", f"manage_submissions/{UNIT}", f"gradebook/{UNIT}", f"gradebook/{UNIT}/first",
        "manage_students", "manage_students/s0", f"manage_students/s0/{UNIT}",
    ):  # fmt: skip
        live = formgrader.look(f"/formgrader/{path}", poke=False)
        assert [one for one in live if "two with the id" not in one] == [], path


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
