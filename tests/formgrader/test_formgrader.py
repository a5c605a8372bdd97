"""The real course with a class: graded by the judge as `make demo` does, and looked at in formgrader with a browser."""

import pytest
from browser import browsing, screenshot, serving
from playwright.sync_api import expect

from course_author.proof import demo
from course_author.units.text import load_unit

pytestmark = pytest.mark.part("grader")
UNIT = "01_basic_concepts"


@pytest.fixture(scope="module")
def graded_class(tmp_path_factory):
    """Twelve students of chapter 1, graded once: the class folder and the exit status."""
    course = tmp_path_factory.mktemp("demo") / "class"
    return course, demo.main([UNIT, "--students", "12", "--course", str(course)])


@pytest.fixture(scope="module")
def formgrader(graded_class, tmp_path_factory):
    """Formgrader of that class in a browser."""
    course, _ = graded_class
    home = tmp_path_factory.mktemp("home")
    with serving(course, home, "--formgrader") as address, browsing() as (page, _):
        yield page, f"{address}/formgrader"


def test_every_student_has_the_expected_points(graded_class):
    course, status = graded_class
    assert status == 0
    perfect = demo.given_points(course, load_unit(UNIT))["ada-perfect"]
    assert sum(sum(points) for points in perfect.values()) == 30


def test_formgrader_lists_the_assignment_with_its_submissions(formgrader):
    page, address = formgrader
    page.goto(f"{address}/manage_assignments")
    row = page.locator("tr", has_text=UNIT)
    expect(row.locator("td.num-submissions")).to_have_text("12")
    screenshot(page, "formgrader-assignments")


@pytest.mark.parametrize(("student", "score"), [("ada-perfect", "30 / 30"), ("cleo-blank", "0 / 30")])
def test_formgrader_shows_the_points(formgrader, student, score):
    page, address = formgrader
    page.goto(f"{address}/manage_submissions/{UNIT}")
    expect(page.locator("tr", has_text=student)).to_contain_text(score)
    screenshot(page, "formgrader-submissions")
