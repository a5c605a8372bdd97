"""All chapters after the first in a real JupyterLab: they run, show their pictures, and their widgets take keys."""

import re

import pytest
from browser import (
    ROOT,
    browsing,
    cells,
    close_notebook,
    failures,
    go_to,
    open_notebook,
    ours,
    run_all,
    screenshot,
    serving_release,
    set_theme,
    unanswered,
)
from playwright.sync_api import expect

from course_author.units.text import load_unit, unit_names
from course_author.units.unit import UnitError

pytestmark = pytest.mark.part("browser")


def chapters():
    """Released units with exercises but the first; one that cannot be read or released is other tests' business."""
    for name in unit_names()[1:]:
        try:
            unit = load_unit(name)
        except UnitError:
            continue
        if unit.exercises and unit.chapter > 1 and (ROOT / "release" / name).is_dir():
            yield pytest.param(unit, id=name)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """One JupyterLab with a fresh workbook and one page for all chapters: its address, the page, its errors."""
    with serving_release(tmp_path_factory) as address, browsing() as (page, errors):
        yield address, page, errors


@pytest.fixture(scope="module", params=chapters())
def chapter(lab, request):
    """A blank chapter in which all cells were run: the unit, the page, the code cells, the errors of the console."""
    address, page, errors = lab
    errors.clear()
    open_notebook(page, address, request.param.name)
    yield request.param, page, run_all(page), errors
    close_notebook(page)


def test_run_all_of_the_blank_chapter_reaches_the_end(chapter):
    unit, page, ran, _ = chapter
    assert all(cell["count"] for cell in ran)
    assert failures(ran) == unanswered(unit)
    screenshot(page, f"{unit.name[:2]}-run-all-end")


def test_pictures_and_maps_in_both_themes(chapter):
    unit, page, _, _ = chapter
    drawn = {i: cell for i, cell in enumerate(cells(page)) if cell["alts"] or "```mermaid" in cell["source"]}
    assert any(cell["alts"] for cell in drawn.values())
    for theme in ("dark", "light"):
        set_theme(page, theme)
        for i, cell in drawn.items():
            shown = go_to(page, i)
            (is_a_figure if cell["alts"] else is_a_map)(shown, cell)
            screenshot(page, f"{unit.name[:2]}-cell-{i:03}-{theme}")


def is_a_figure(shown, cell):
    """Every picture is on the screen, and says its alternative text also in words, for JupyterLab draws no alt."""
    pictures = shown.locator(".jp-OutputArea-output img")
    expect(pictures).to_have_count(len(cell["alts"]))
    drawn(pictures)
    for alt in cell["alts"]:
        assert alt, f"a picture without alternative text: {cell['source']}"
        expect(shown.locator(".jp-OutputArea")).to_contain_text(alt)


def is_a_map(shown, cell):
    """Every mermaid graph is drawn (not quoted as text), with the title that it gives itself."""
    pictures = shown.locator(".jp-RenderedMermaid img")
    titles = re.findall(r"accTitle: (.+)", cell["source"])
    assert len(titles) == cell["source"].count("```mermaid")
    expect(pictures).to_have_count(len(titles))
    drawn(pictures)
    assert pictures.evaluate_all("all => all.map(one => one.alt)") == titles


def drawn(pictures):
    """Wait until pictures can be drawn (decode() fails for one that never can), and bring them into view."""
    pictures.evaluate_all("all => Promise.all(all.map(one => one.decode()))")
    pictures.last.scroll_into_view_if_needed()


def test_every_control_of_every_widget_takes_keys(chapter):
    _, page, _, _ = chapter
    widgets = [i for i, cell in enumerate(cells(page)) if cell["source"].startswith("widgets.")]
    assert widgets
    for i in widgets:
        cell = go_to(page, i)
        controls = cell.locator("[role=slider], select")
        expect(controls.first).to_be_visible()
        labels = cell.locator(".widget-label:visible")
        assert labels.evaluate_all(CUT_OFF) == []
        for k in range(controls.count()):
            press(cell, controls.nth(k))
            assert cells(page)[i]["alts"] == [cell.locator("p[role=status]").inner_text()]


CUT_OFF = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"


def press(cell, control):
    """Move a control by keys, and wait until readout and picture have followed."""
    readout, picture = cell.locator("p[role=status]"), cell.locator("img").last
    said, source = readout.inner_text(), picture.get_attribute("src")
    control.focus()
    if control.evaluate("one => one.tagName") == "SELECT":
        choose_next(control)
    else:
        control.press("ArrowRight")
    expect(readout).not_to_have_text(said)
    expect(picture).not_to_have_attribute("src", source)


def choose_next(menu):
    """Open a menu by keyboard and take its next entry; while it is closed, JupyterLab takes arrows for moving cells."""
    menu.press("Space")
    menu.page.wait_for_function("one => one.matches(':open')", arg=menu.element_handle())
    menu.press("ArrowDown")
    menu.press("Enter")


def test_no_console_errors_of_ours(chapter):
    assert ours(chapter[3]) == []
