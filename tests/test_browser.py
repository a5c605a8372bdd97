"""Chapter 1 as a student meets it: real JupyterLab, real Chromium, real clicks and keys."""

import re
import shutil

import pytest
from browser import ROOT, browsing, screenshot, serving
from playwright.sync_api import expect

from course_author.units import load_unit

pytestmark = pytest.mark.part("browser")
UNIT = "01_basic_concepts"


@pytest.fixture(scope="module")
def page_and_errors(tmp_path_factory):
    """Chapter 1 of a fresh workbook, open in JupyterLab with its kernel idle."""
    course, home = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "release", course / "release")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    with serving(course, home) as address, browsing() as (page, errors):
        page.goto(f"{address}/lab/tree/workbook/{UNIT}/{UNIT}.ipynb")
        page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
        wait_until_idle(page)
        yield page, errors


CELLS = "jupyterapp.shell.currentWidget.content.model.cells"


def wait_until_idle(page, timeout_s=180):
    """Wait until the kernel has nothing to do."""
    session = "jupyterapp.shell.currentWidget.sessionContext.session"
    page.wait_for_function(f"() => {session}?.kernel?.status === 'idle'", timeout=timeout_s * 1000)


def cells(page):
    """Source, grade id, execution count and output text of each cell, as the notebook holds them."""
    return page.evaluate(
        f"""() => [...Array({CELLS}.length).keys()].map(i => {{
            const cell = {CELLS}.get(i).toJSON();
            const outputs = cell.outputs ?? [];
            return {{
                type: cell.cell_type, source: cell.source, count: cell.execution_count ?? null,
                id: cell.metadata.nbgrader?.grade_id ?? '',
                text: outputs.map(o => o.text ?? (o.traceback ?? []).join('\\n')).join('\\n'),
                errors: outputs.filter(o => o.output_type === 'error').map(o => o.ename),
            }};
        }})"""
    )


def index_of(page, wanted):
    """Place of the cell with this grade id, or with this beginning of its source."""
    return next(i for i, cell in enumerate(cells(page)) if wanted in (cell["id"], cell["source"][: len(wanted)]))


def go_to(page, index):
    """Bring a cell into view (JupyterLab draws only the visible ones), and return it."""
    page.evaluate(
        """async (i) => {
            const notebook = jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = i;
            notebook.deselectAll();
            await notebook.scrollToItem(i, 'center');
        }""",
        index,
    )
    cell = page.locator(".jp-NotebookPanel .jp-Cell.jp-mod-active")
    expect(cell).to_be_visible()
    return cell


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
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    last = max(i for i, cell in enumerate(cells(page)) if cell["type"] == "code" and cell["source"].strip())
    page.wait_for_function(f"() => {CELLS}.get({last}).executionCount !== null", timeout=240_000)
    wait_until_idle(page)
    ran = [cell for cell in cells(page) if cell["type"] == "code" and cell["source"].strip()]
    assert all(cell["count"] for cell in ran)
    failed = {cell["id"]: cell["errors"] for cell in ran if cell["errors"]}
    slugs = [exercise.slug for exercise in load_unit(UNIT).exercises]
    assert failed == {f"{slug}-check": ["NotImplementedError"] for slug in slugs}
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
    for theme, name in (("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")):
        page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        light = "false" if name == "dark" else "true"
        page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
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
    ours = [error for error in errors if not any(harmless in error for harmless in HARMLESS)]
    assert ours == []


# What JupyterLab and its own extensions log without our doing.
HARMLESS = ()
