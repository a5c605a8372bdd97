"""A digit drawn for a model in a real JupyterLab: by mouse, by finger, by keyboard only, in both themes."""

import re
import shutil

import nbformat
import numpy as np
import pytest
from browser import (
    ROOT,
    browsing,
    cells,
    failures,
    go_to,
    open_notebook,
    ours,
    run_all,
    screenshot,
    serving,
    set_theme,
)
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import expect

from course_utils import drawing

pytestmark = pytest.mark.part("browser")

MODEL = """import time
import numpy as np
from course_utils import data, drawing
from sklearn.neighbors import KNeighborsClassifier

small, y = data.digits()
large = np.pad(15 * small.repeat(2, axis=1).repeat(2, axis=2), ((0, 0), (6, 6), (6, 6)))
X = np.array([drawing.centered(image) for image in large])
model = KNeighborsClassifier(5, weights="distance").fit(X.reshape(len(X), -1) / 255, y)

def classify(image):
    return model.predict_proba(image.reshape(1, -1) / 255)[0]"""
DRAW = "drawing.draw_digit(classify)"
SLOW = """calls = 0

def slowly(image):
    "Fails at first, then takes half a second, and answers how often it was asked."
    global calls
    calls += 1
    if calls == 1:
        raise ValueError("no <b>weights</b>")
    time.sleep(0.5)
    return np.eye(10)[min(calls, 9)]

drawing.draw_digit(slowly)"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A notebook with two widgets, all cells run: the page and the errors of its console."""
    course, home = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("home")
    unit = course / "release" / "drawing"
    unit.mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    sources = [new_markdown_cell("# Draw"), *map(new_code_cell, (MODEL, DRAW, SLOW))]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=sources, metadata=kernel), unit / "drawing.ipynb")
    with serving(course, home) as address, browsing() as (page, errors):
        open_notebook(page, address, "drawing")
        assert failures(run_all(page)) == {}
        yield page, errors


@pytest.fixture
def widget(lab):
    """The first widget, cleared: its cell."""
    page, _ = lab
    cell = go_to(page, 2)
    clear(cell)
    return cell


def clear(cell):
    cell.get_by_role("button", name="Clear").click()
    expect(canvas(cell)).to_be_focused()
    says(cell, "Draw a digit.")


def canvas(cell):
    return cell.get_by_role("application")


def says(cell, text):
    """Wait for the readout, and for the picture below to say the same."""
    expect(cell.locator("p[role=status]")).to_have_text(text)
    page = cell.page
    index = page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")
    for _ in range(50):
        if cells(page)[index]["alts"] == [text]:
            return
        page.wait_for_timeout(100)
    assert cells(page)[index]["alts"] == [text]


def ink(cell):
    """What is drawn on the canvas, as drawing.py would hold it."""
    shown = canvas(cell).evaluate("one => [...one.getContext('2d').getImageData(0, 0, 28, 28).data]")
    return 255 - np.array(shown, dtype=np.uint8).reshape(28, 28, 4)[..., 0]


def draw(cell, *points):
    """Draw through points of the grid with the mouse."""
    box = canvas(cell).bounding_box()
    places = [(box["x"] + x / 28 * box["width"], box["y"] + y / 28 * box["height"]) for x, y in points]
    mouse = cell.page.mouse
    mouse.move(*places[0])
    mouse.down()
    for place in places[1:]:
        mouse.move(*place)
    mouse.up()


def draw_by_finger(cell, *points):
    """Draw through points of the grid with a finger on the screen."""
    box, touch = canvas(cell).bounding_box(), cell.page.context.new_cdp_session(cell.page)
    places = [{"x": box["x"] + x / 28 * box["width"], "y": box["y"] + y / 28 * box["height"]} for x, y in points]
    for k, place in enumerate(places):
        kind = "touchMove" if k else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_the_widget_starts_with_a_three(lab):
    page, _ = lab
    cell = go_to(page, 2)
    assert np.array_equal(ink(cell), drawing._with_pen(drawing._THREE))
    says(cell, "I see a 3 (100 %).")
    for theme in ("dark", "light"):
        set_theme(page, theme)
        canvas(cell).focus()
        page.wait_for_timeout(300)
        screenshot(page, f"drawing-{theme}")


def test_a_one_by_mouse(widget):
    picture = widget.locator("img").last
    before = picture.get_attribute("src")
    draw(widget, (14, 5), (14, 12), (14, 23))
    says(widget, "I see a 1 (100 %).")
    expect(picture).not_to_have_attribute("src", before)
    away = np.abs(ink(widget).astype(int) - drawing._with_pen([[(14, 5), (14, 23)]]))
    assert away.max() <= 25  # the pens of drawing.js and drawing.py are the same; a mouse has whole pixels


def test_a_one_by_finger(widget):
    draw_by_finger(widget, *((14, y) for y in range(5, 24, 2)))
    says(widget, "I see a 1 (100 %).")
    assert np.ptp(np.nonzero(ink(widget))[0]) > 15  # the finger drew and did not scroll


def test_a_one_by_keyboard_only(widget):
    page, keys = widget.page, widget.page.keyboard
    before = cells(page)
    widget.get_by_role("button", name="Eraser").focus()
    keys.press("Shift+Tab")
    expect(canvas(widget)).to_be_focused()
    walk_to(widget, 6, 15)
    keys.down("Space")
    for _ in range(17):
        keys.press("ArrowDown")
    keys.up("Space")
    expect(canvas(widget)).to_be_focused()
    expect(widget.locator(".place")).to_have_text("row 23, column 15, ink")
    says(widget, "I see a 1 (100 %).")
    assert np.array_equal(ink(widget), drawing._with_pen([[(14.5, 5.5), (14.5, 22.5)]]))
    erase_by_keys(widget)
    keys.press("Tab")
    keys.press("x")  # on a button, too
    keys.press("Tab")
    keys.press("Enter")  # Clear
    says(widget, "Draw a digit.")
    expect(widget.get_by_role("button", name="Clear")).to_be_focused()
    # In command mode JupyterLab would have moved to other cells, cut this one (x) or deleted it (d d).
    assert [cell["source"] for cell in cells(page)] == [cell["source"] for cell in before]


def walk_to(widget, row, column):
    """Move the cursor with the arrow keys, by what the widget says about its place."""
    now = re.findall(r"\d+", widget.locator(".place").inner_text())
    for away, keys in (
        (row - int(now[0]), ("ArrowUp", "ArrowDown")),
        (column - int(now[1]), ("ArrowLeft", "ArrowRight")),
    ):
        for _ in range(abs(away)):
            widget.page.keyboard.press(keys[away > 0])


def erase_by_keys(widget):
    """Take away the foot of the one, then press what JupyterLab has other plans for."""
    keys, whole = widget.page.keyboard, ink(widget)
    keys.down("x")
    for _ in range(3):
        keys.press("ArrowUp")
    keys.up("x")
    less = ink(widget)
    assert not less[18:].any() and np.array_equal(less[:17], whole[:17])
    keys.press("Delete")
    let_go_elsewhere(widget)
    for key in "ddzab":
        keys.press(key)


def let_go_elsewhere(widget):
    """Space is down when the focus leaves, and up when it comes back: nothing must go on drawing."""
    keys, before = widget.page.keyboard, ink(widget)
    keys.down("Space")
    keys.press("Tab")
    keys.up("Space")
    keys.press("Shift+Tab")
    dotted = ink(widget)
    keys.press("ArrowUp")
    assert np.array_equal(ink(widget), dotted) and not np.array_equal(dotted, before)


def test_ctrl_s_still_saves(widget):
    page = widget.page
    dirty = "jupyterapp.shell.currentWidget.context.model.dirty"
    page.wait_for_function(f"() => {dirty}")
    canvas(widget).press("Control+s")
    page.wait_for_function(f"() => !{dirty}")


def test_the_eraser_is_a_tool_of_the_mouse(widget):
    draw(widget, (4, 14), (24, 14))
    eraser = widget.get_by_role("button", name="Eraser")
    eraser.click()
    expect(eraser).to_have_attribute("aria-pressed", "true")
    draw(widget, (16, 14), (27, 14))
    eraser.click()
    left = np.nonzero(ink(widget))
    assert left[1].min() <= 3 and left[1].max() <= 14


def test_a_faulty_and_slow_model_is_asked_seldom(lab):
    page, _ = lab
    cell = go_to(page, 3)
    says(cell, "slowly stopped with ValueError: no <b>weights</b>. Mend it and run this cell again.")
    canvas(cell).evaluate(FOURTEEN_DOTS)
    readout = cell.locator("p[role=status]")
    expect(readout).to_contain_text("I see a")
    page.wait_for_timeout(900)  # longer than the pause of the surface and the model's half second
    assert readout.inner_text() == "I see a 2 (100 %)."
    assert ink(cell)[14].all()


# In the page, where timers fire in the order of their times, however busy the machine is.
FOURTEEN_DOTS = """async (canvas) => {
    const send = (kind, key) => canvas.dispatchEvent(new KeyboardEvent(kind, { key }));
    const press = (key) => ["keydown", "keyup"].forEach((kind) => send(kind, key));
    [...Array(14)].forEach(() => press("ArrowLeft"));
    for (let k = 0; k < 14; k++) {
        press(" ");
        press("ArrowRight");
        press("ArrowRight");
        await new Promise((done) => setTimeout(done, 60));
    }
}"""


def test_no_console_errors_of_ours(lab):
    assert ours(lab[1]) == []
