"""What students write, on every page that shows it: in a real Chromium nothing of it runs, asks or leads away."""

import contextlib
import re

import nbformat
import plain_course
import pytest
from attacks import pages
from browser import browsing
from nbconvert import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook, new_output
from nbgrader.server_extensions.formgrader import handlers
from payloads import ON_FORMGRADER, PAYLOADS
from plain_course import UNIT, cell, comments, grades, hand_in, released

from course_grader import cli

pytestmark = pytest.mark.part("grader")
EACH = 40  # payloads on a page: few pages, for speed

EVERY = PAYLOADS | ON_FORMGRADER


def numbered(text, number):
    """A payload that rings with a number and asks for a path that begins with one."""
    text = re.sub(r"alert(\(|&#40;|`)1", rf"alert\g<1>{number}", text)
    return text.replace("//evil.invalid", f"//evil.invalid/{number}")


PLACES = ("own", "edited", "essay")
NUMBERS = {f"{place} {name}": 1000 * (1 + p) + n for p, place in enumerate(PLACES) for n, name in enumerate(EVERY)}
NAMES = {number: name for name, number in NUMBERS.items()} | {
    9000 + n: f"output {name}" for n, name in enumerate(EVERY)
}
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


def told(live):
    """What was live, with the names of payloads in place of their numbers."""
    return [re.sub(r"\b[1-39]\d\d\d\b", lambda found: NAMES.get(int(found[0]), found[0]), one) for one in live]


def test_nothing_of_a_students_is_live_on_formgraders_pages(course, formgrader):
    """The payloads as prose and as outputs: no point changed, no terminal opened, no script run, nothing asked for."""
    assert len(EVERY) >= 40
    before, live = held(course), {}
    for (student, _), path in pages.submissions(course, UNIT).items():
        live[student] = told(formgrader.look(path))
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


# -- the wall is what keeps them out -----------------------------------------------------------------------------------


@pytest.fixture
def raw_page(tmp_path):
    """Shows one text as formgrader would without our filters, and tells what was live."""
    template = {"template_name": "formgrade", "extra_template_basedirs": [handlers.template_path]}
    exporter = HTMLExporter(sanitize_html=True, **template)
    about = {
        "base_url": "",
        "submission_id": "1",
        "notebook_id": "first",
        "assignment_id": UNIT,
        "index": 0,
        "total": 1,
    }

    def make(text):
        notebook = new_notebook(cells=[new_markdown_cell(text.encode(errors="replace").decode())])
        return exporter.from_notebook_node(notebook, resources=dict(about))[0]

    ear = pages.Ear()
    with browsing(ear.flag) as (page, _):
        seen = pages.Formgrader("http://raw.invalid", page, ear)

        def look(text):
            page.unroute_all()
            page.route(
                "http://raw.invalid/page", lambda route: route.fulfill(body=make(text), content_type="text/html")
            )
            return [one for one in seen.look("/page") if "raw.invalid/formgrader/" not in one]

        yield look
    ear.close()


@pytest.mark.full
def test_without_the_wall_they_are_live(raw_page):
    """So the tests above can fail: as the page was before, half of the payloads and more go off or stand ready."""
    live = {name: raw_page(numbered(EVERY[name], 1000 + n)) for n, name in enumerate(EVERY) if "attachment" not in name}
    fired = [name for name, found in live.items() if any(re.match("rang|asked|led", one) for one in found)]
    standing = [name for name, found in live.items() if found and name not in fired]
    assert len(fired) >= 60 and len(fired) + len(standing) >= 90, (len(fired), len(standing))
    assert "self-grading" in fired and "formgraders-path" in fired
    print(len(live), len(fired), len(standing), [name for name, found in live.items() if not found])
