"""Chapter 1 as a student meets it: real JupyterLab, real Chromium, real clicks and keys."""

import re

import pytest
from browser import (
    browsing,
    cells,
    failures,
    go_to,
    index_of,
    open_notebook,
    ours,
    run_all,
    screenshot,
    serving_release,
    set_theme,
    unanswered,
    wait_until_idle,
)
from playwright.sync_api import expect

from course_author.units.text import load_unit

pytestmark = pytest.mark.part("browser")
UNIT = "01_basic_concepts"


@pytest.fixture(scope="module")
def page_and_errors(tmp_path_factory):
    """Chapter 1 of a fresh workbook, open in JupyterLab with its kernel idle."""
    with serving_release(tmp_path_factory) as address, browsing() as (page, errors):
        open_notebook(page, address, UNIT)
        yield page, errors


def type_answer(page, slug, code):
    """Click into an answer cell, replace what stands there, and run it with Shift+Enter."""
    cell = go_to(page, index_of(page, slug))
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")
    wait_until_idle(page)


def validate(page):
    """Save, press the Validate button, and return what its dialog says."""
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    # Validate saves, too; JupyterLab takes a second save during the first for a change by somebody else.
    page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
    page.wait_for_timeout(1000)
    page.get_by_role("button", name=re.compile("^Validate")).first.click()
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("Validation Results", timeout=180_000)
    text = dialog.inner_text()
    screenshot(page, "validate")
    dialog.get_by_role("button").last.click()
    return text


def test_run_all_of_the_blank_chapter_reaches_the_end(page_and_errors):
    page, _ = page_and_errors
    ran = run_all(page)
    assert all(cell["count"] for cell in ran)
    assert failures(ran) == unanswered(load_unit(UNIT))
    screenshot(page, "run-all-end")


def test_a_widget_answers_to_the_keyboard(page_and_errors):
    page, _ = page_and_errors
    cell = go_to(page, index_of(page, "widgets.perceptron_line()"))
    readout, picture = cell.locator("p[role=status]"), cell.locator("img").last
    expect(readout).to_contain_text("AND: 2 of 4 corners right")
    before = picture.get_attribute("src")
    handles = cell.get_by_role("slider")
    handles.nth(1).focus()  # w2, from -1 to 1
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("w2 = 1,")
    handles.nth(2).focus()  # b, from 0.5 to -1.5
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text("AND: 4 of 4 corners right with w1 = 1, w2 = 1, b = -1.5.")
    expect(picture).not_to_have_attribute("src", before)
    screenshot(page, "widget-light")


def test_pictures_and_mermaid_in_both_themes(page_and_errors):
    page, _ = page_and_errors
    for name in ("dark", "light"):
        set_theme(page, name)
        drawn = go_to(page, index_of(page, "The ideas of this chapter build on each other"))
        expect(drawn.locator("img[alt], svg").first).to_be_visible()
        screenshot(page, f"map-{name}")
        for title, start in (("timeline", "models = ["), ("lines", "ax = plot.points(X, y"), ("gallery", "grid = z."),
                             ("temperature", "widgets.softmax"), ("task", "softmax-task")):  # fmt: skip
            go_to(page, index_of(page, start))
            page.wait_for_timeout(400)
            screenshot(page, f"{title}-{name}")


def test_a_wrong_answer_is_told_its_likely_cause(page_and_errors):
    page, _ = page_and_errors
    type_answer(page, "softmax", WRONG_SOFTMAX)
    page.keyboard.press("Shift+Enter")
    wait_until_idle(page)
    check = cells(page)[index_of(page, "softmax-check")]
    assert check["errors"] == ["CheckFailed"]
    assert "Likely cause: the scores were multiplied by the temperature." in check["text"]
    assert "Traceback" not in check["text"]
    go_to(page, index_of(page, "softmax-check"))
    screenshot(page, "wrong-answer")


WRONG_SOFTMAX = """def softmax(z, temperature=1.0, axis=-1):
    powers = np.exp((z - z.max(axis=axis, keepdims=True)) * temperature)
    return powers / powers.sum(axis=axis, keepdims=True)
"""


def test_type_answers_run_checks_validate(page_and_errors):
    page, _ = page_and_errors
    exercises = {exercise.slug: exercise for exercise in load_unit(UNIT).exercises}
    go_to(page, 0)
    unanswered = validate(page)
    assert "failed" in unanswered
    assert "Exercise 1.5: write forward, then delete this line" in unanswered
    for slug, exercise in exercises.items():
        code = "\n".join(line for line in exercise.answer.split("\n") if not re.search("(BEGIN|END) SOLUTION", line))
        type_answer(page, slug, code)
        page.keyboard.press("Shift+Enter")  # the check cell, where the cursor has moved
        wait_until_idle(page)
        for _ in range(100):  # idle may be seen before the output is
            check = cells(page)[index_of(page, f"{slug}-check")]
            if check["errors"] or check["text"]:
                break
            page.wait_for_timeout(200)
        assert check["errors"] == []
        assert "all visible checks pass" in check["text"]
    go_to(page, index_of(page, "softmax-check"))
    screenshot(page, "answered")
    assert "Success! Your notebook passes all the tests." in validate(page)


def test_no_console_errors_of_ours(page_and_errors):
    _, errors = page_and_errors
    assert ours(errors) == []
