"""Formgrader's pages as they were without our filters: so the tests in test_grader_rendering.py can fail."""

import re

import plain_course
import pytest
from attacks import pages
from browser import browsing
from nbconvert import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook
from nbgrader.server_extensions.formgrader import handlers
from payloads import EVERY, numbered
from plain_course import UNIT, grades, hand_in, released
from test_grader_rendering import source

from course_grader.cli import main as cli

pytestmark = [pytest.mark.part("grader"), pytest.mark.full]


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


def test_without_the_wall_they_are_live(raw_page):
    """So the tests above can fail: as the page was before, half of the payloads and more go off or stand ready."""
    live = {name: raw_page(numbered(EVERY[name], 1000 + n)) for n, name in enumerate(EVERY) if "attachment" not in name}
    fired = [name for name, found in live.items() if any(re.match("rang|asked|led", one) for one in found)]
    standing = [name for name, found in live.items() if found and name not in fired]
    assert len(fired) >= 60 and len(fired) + len(standing) >= 90, (len(fired), len(standing))
    assert "script" in fired and "formgraders-path" in fired
    print(f"of {len(live)} payloads {len(fired)} went off and {len(standing)} stood ready")


def test_without_the_filters_a_blank_submission_takes_full_points(tmp_path):
    """What happened before: the page's own cookie lets the script grade, and open a shell with the reader's rights."""
    made = plain_course.make(tmp_path / "course", source(), config="\nc.HTMLExporter.filters = {}\n")
    notebook = released(made)
    notebook.cells.append(new_markdown_cell(EVERY["self-grading"]))
    hand_in(made, "mallory", notebook)
    assert cli.main(["grade", UNIT, "--course", str(made), "--jobs", "1"]) == 0
    assert grades(made, "mallory")["area-check"] == (0, None, False)
    (tmp_path / "home").mkdir()
    with pages.formgrader(made, tmp_path / "home") as running:
        live = running.look(pages.submissions(made, UNIT)["mallory", "first"])
        running.page.wait_for_function("window.bells.length > 0")
        assert len(running.terminals()) == 1 and live
    assert grades(made, "mallory")["area-check"][1] == 4
