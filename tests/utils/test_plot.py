"""Figures: data in, Axes out; opaque, told apart without colour, with a sentence; settings left alone."""

import doctest
import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from course_utils import data, plot


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def pixels(ax):
    return np.asarray(Image.open(io.BytesIO(plot.image(ax, "text").data)).convert("RGBA"))


def test_settings_stay_as_they_were():
    before = dict(mpl.rcParams)
    plot.points(*data.logic_gate("AND"))
    plot.image(plot.bars(["a", "b"], [0.2, 0.8]), "two bars")
    assert dict(mpl.rcParams) == before


def test_figures_are_opaque_for_the_dark_theme():
    with plt.style.context("dark_background"):
        corner = pixels(plot.curves(np.arange(3), {"a": np.arange(3)}))[0, 0]
    assert corner.tolist() == [255, 255, 255, 255]


def test_classes_and_curves_differ_by_more_than_colour():
    ax = plot.points(*data.logic_gate("XOR"), names={0: "no", 1: "yes"})
    assert len({line.get_marker() for line in ax.lines}) == 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["no", "yes"]
    x = np.linspace(0, 1, 5)
    ax = plot.curves(x, {str(i): i * x for i in range(6)})
    assert len({str(line._unscaled_dash_pattern) for line in ax.lines}) == 6
    assert ax.get_xlabel()


@pytest.mark.parametrize(("w", "b"), [((1.0, 2.0), -1.0), ((2.0, -0.5), 0.3), ((0.0, 1.0), -0.5), ((1.0, 0.0), -0.5)])
def test_line_lies_where_the_weighted_sum_is_zero(w, b):
    ax = plot.axes()
    ax.set(xlim=(-1, 2), ylim=(-1, 2))
    plot.line(w, b, ax=ax)
    drawn = np.column_stack(ax.lines[0].get_data())
    assert np.allclose(drawn @ np.array(w) + b, 0)
    assert ax.get_xlim() == (-1, 2)


def test_spread_is_a_mean_with_a_band_from_lowest_to_highest():
    runs = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 7.0]])
    ax = plot.spread([1, 10, 100], {"a": runs, "b": 2 * runs}, xlabel="rate", xscale="log")
    assert ax.lines[0].get_ydata().tolist() == [2.0, 2.0, 5.0]
    corners = ax.collections[0].get_paths()[0].vertices
    assert {(1.0, 1.0), (1.0, 3.0), (100.0, 3.0), (100.0, 7.0)} <= {tuple(corner) for corner in corners.tolist()}
    assert (ax.get_xscale(), ax.get_xlabel()) == ("log", "rate")


def test_groups_stand_side_by_side_and_differ_by_more_than_colour():
    ax = plot.groups([1, 2], {"a": [0.5, 1.0], "b": [2.0, 3.0]})
    bars = ax.patches
    assert [bar.get_height() for bar in bars] == [0.5, 1.0, 2.0, 3.0]
    assert np.allclose([bar.get_x() for bar in bars], [0.6, 1.6, 1.0, 2.0]) and np.isclose(bars[0].get_width(), 0.4)
    assert bars[0].get_hatch() != bars[2].get_hatch()


def test_no_weights_no_line():
    assert not plot.line((0.0, 0.0), 1.0, ax=plot.axes()).lines


def test_show_prints_the_sentence_and_leaves_no_open_figure(capsys):
    plot.show(plot.bars(["a"], [1.0]), "one bar.")
    assert "In words: one bar." in capsys.readouterr().out
    assert not plt.get_fignums()


def test_image_carries_its_text():
    assert plot.image(plot.bars(["a"], [1.0]), "one bar.")._repr_mimebundle_()[1]["image/png"]["alt"] == "one bar."


def test_timeline_keeps_every_name_inside_and_apart():
    events = [event for event in data.history() if event.parameters]
    ax = plot.timeline([e.year for e in events], [e.parameters for e in events], [e.name for e in events])
    ax.figure.canvas.draw()
    frame = ax.figure.bbox
    boxes = [Text.get_window_extent(text) for text in ax.texts]  # the words without their leader lines
    assert len(boxes) == len(events)
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in boxes)
    overlaps = [(i, j) for i, a in enumerate(boxes) for j, b in enumerate(boxes[:i]) if a.overlaps(b)]
    assert not overlaps


def test_images_stand_in_rows_each_in_a_frame():
    first = plot.images([np.eye(3) * i for i in range(5)], titles=["a", "b"], columns=3)
    panels = first.figure.axes
    assert len(panels) == 6
    assert [ax.get_title() for ax in panels] == ["a", "b", "", "", "", ""]
    assert [len(ax.images) for ax in panels] == [1, 1, 1, 1, 1, 0]
    assert [bool(ax.axison) for ax in panels] == [True] * 5 + [False]
    assert np.array_equal(panels[4].images[0].get_array(), 4 * np.eye(3))


def test_a_matrix_says_its_counts_where_there_are_any():
    ax = plot.matrix([[90, 2], [0, 100]])
    told = {text.get_position(): text.get_text() for text in ax.texts}
    assert told == {(0, 0): "90", (1, 0): "2", (1, 1): "100"}  # x is the answer, y the class
    assert ax.get_xlabel() == "answer" and ax.get_ylabel() == "class"


def test_reliability_holds_confidence_against_right_answers():
    sure = np.array([0.55, 0.55, 0.95, 0.95, 0.95, 0.95, 1.0])
    ax = plot.reliability(sure, np.array([1, 0, 1, 1, 1, 0, 1], dtype=bool), bins=10)
    x, y = ax.lines[-1].get_data()
    assert np.allclose(x, [0.55, 0.96]) and np.allclose(y, [0.5, 0.8])
    assert np.allclose([bar.get_height() for bar in ax.patches], [0, 0, 0, 0, 0, 2 / 7, 0, 0, 0, 5 / 7])


def test_live_curves_draw_the_first_and_the_last_epoch_and_keep_one_picture(monkeypatch, capsys):
    shown = []

    class Handle:
        update = shown.append

    monkeypatch.setattr("IPython.display.display", lambda picture, display_id: shown.append(picture) or Handle)
    monkeypatch.setattr(plot.Live, "SECONDS", 3600)
    live = plot.Live(4, ylabel="loss")
    for loss in (0.9, 0.7, 0.5, 0.25):
        live.add(training_loss=loss, validation=2 * loss)
    assert len(shown) == 2  # those between came too soon for a new picture
    assert shown[0].alt == "after 1 epoch, in 0 s: training loss 0.900, validation 1.800."
    assert shown[1].alt.endswith("training loss 0.250, validation 0.500.")
    assert capsys.readouterr().out == f"In words: {shown[1].alt}\n"


def test_the_examples_in_the_docstrings_run():
    ran = doctest.testmod(plot)
    assert ran.attempted > 2 and ran.failed == 0
