"""Widgets: a static picture always, controls that redraw it, the same facts as text, nothing live while grading."""

import re

import ipywidgets
import numpy as np
import pytest
from IPython.display import Image

from course_utils import widgets
from course_utils.widgets import chapter_1, chapter_2, chapter_3, chapter_4

ALL = [
    widgets.perceptron_line, widgets.activation, widgets.softmax_temperature, widgets.neuron, widgets.loss_explorer,
    widgets.init_depth, widgets.descent, widgets.chain_rule, widgets.live_boundary, widgets.capacity,
    widgets.dropout_masks, widgets.optimizer_race, widgets.schedule,
]  # fmt: skip


def confusion():
    """The confusion explorer on ten classes of tiny pictures; a third of the threes are called eights."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(10), 9)
    answers = np.where((labels == 3) & (np.arange(90) % 3 == 0), 8, labels)
    widgets.confusion(rng.random((90, 4, 4)), labels, answers)


def reliability():
    """The reliability diagram of a network that is too sure of itself."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, size=300)
    widgets.reliability(3 * (rng.normal(size=(300, 4)) + np.eye(4)[labels]), labels)


ALL += [confusion, reliability]


@pytest.mark.parametrize("widget", ALL)
def test_controls_on_top_then_a_static_picture_with_its_text(widget, shown):
    widget()
    box, picture = shown[0]
    assert isinstance(box, ipywidgets.VBox)
    assert isinstance(picture, Image)
    assert picture.alt in box.children[-1].value


@pytest.mark.parametrize("widget", ALL)
def test_every_control_redraws_picture_and_text(widget, shown):
    widget()
    (box, picture), handle = shown
    *controls, readout = box.children
    for control in controls:
        before = readout.value
        if isinstance(control, ipywidgets.Dropdown):
            control.value = control.options[-1]
        else:
            control.value = control.max if control.value == control.min else control.min
        assert readout.value != before
        assert handle.updates[-1].alt in readout.value
    assert len(handle.updates) == len(controls)
    assert all(control.description for control in controls)


@pytest.mark.parametrize("variable", ["NBGRADER_EXECUTION", "NBGRADER_VALIDATING"])
@pytest.mark.parametrize("widget", ALL)
def test_static_form_only_while_grading(widget, variable, shown, monkeypatch, capsys):
    monkeypatch.setenv(variable, "1")
    widget()
    (only,) = shown[0]
    assert isinstance(only, Image)
    assert only.alt in capsys.readouterr().out


def test_readouts_tell_the_truth():
    assert chapter_1._draw_perceptron_line("AND", 1.0, 1.0, -1.5)[1].startswith("AND: 4 of 4")
    assert chapter_1._draw_perceptron_line("XOR", 1.0, 1.0, -0.5)[1].startswith("XOR: 3 of 4")
    assert "= 0.5000, slope 0.2500" in chapter_1._draw_activation("sigmoid", 0.0)[1]
    assert "slope 0.1000" in chapter_1._draw_activation("leaky ReLU", -2.0)[1]


def test_readouts_of_chapters_2_and_3_tell_the_truth():
    assert "lies 2.00 from the origin" in chapter_2._draw_neuron(90.0, 2.0, -4.0)[1]
    told = chapter_2._draw_losses("yes", 0.0)[1]
    assert "cross-entropy 0.693 with slope -0.500" in told and "MSE 0.250 with slope -0.250" in told
    assert "rms after layer 2: 0.9" in chapter_2._draw_init_depth("ReLU", 2.0, 2.0)[1]
    assert "after 59 steps 0.018 away" in chapter_3._draw_descent("1", 0.1, 0.0)[1]
    assert "it explodes" in chapter_3._draw_descent("25", 0.09, 0.0)[1]


def test_the_chain_rule_stepper_shows_what_torch_computes():
    import torch

    w1 = torch.tensor(1.25, dtype=torch.float64, requires_grad=True)
    ((torch.tanh(1.0 * w1 + 2.0 * -0.3 + 0.2) - 1) ** 2).backward()
    assert f"slope of w1 = {w1.grad.item():.3f}" in chapter_3._draw_chain_rule(11.0, 1.25)[1]
    assert "forward, step 0 of 5" in chapter_3._draw_chain_rule(0.0, 1.25)[1]


def test_more_hidden_neurons_learn_the_spiral_better():
    few, many = (chapter_3._draw_boundary(number, 150.0, 0.1)[1] for number in ("2", "64"))
    share = [int(text.split("loss")[1].split(", ")[1].split("%")[0]) for text in (few, many)]
    assert share[0] < 70 < 90 < share[1]


def test_a_slider_is_put_back_on_its_grid(shown):
    """A browser counts in steps from the low end and sends back 99.99999999999999 for 100."""
    widgets.live_boundary()
    (box, _), handle = shown
    epoch = next(control for control in box.children if getattr(control, "description", "") == "epoch")
    epoch.value = 49.99999999999999
    assert "epoch 50:" in handle.updates[-1].alt


def test_whole_numbers_are_shown_as_such(shown):
    widgets.live_boundary()
    formats = {c.description: c.readout_format for c in shown[0][0].children if hasattr(c, "readout_format")}
    assert formats == {"epoch": ".0f", "learning rate": ".2f"}


def test_dropout_masks_leave_the_readers_random_numbers_alone(shown):
    import torch

    torch.rand(1)  # so that the state is none that a widget has left behind
    before = torch.get_rng_state()
    widgets.dropout_masks()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("surface", ["valley", "banana"])
def test_the_race_is_run_at_the_best_rates_of_the_chapter(surface):
    """At a factor of 1 and 300 steps everybody ends where Example 4.5 says; rounding may change that tenfold."""
    _, told = chapter_4._draw_optimizer_race(surface, "1", 300)
    heights = {
        name: float(value) for name, value in re.findall(r"(SGD|momentum|RMSprop|Adam) (\S+?)[,.]?(?= |$)", told)
    }
    due = {
        "valley": {"SGD": 1e-1, "momentum": 2e-12, "RMSprop": 1e-18, "Adam": 6e-14},
        "banana": {"SGD": 5.0, "momentum": 9e-3, "RMSprop": 5e-4, "Adam": 5e-3},
    }[surface]
    assert set(heights) == set(due)
    assert all(0.1 < height / due[name] < 10 for name, height in heights.items()), heights


def test_the_confusion_explorer_opens_on_the_commonest_mistake(shown):
    confusion()
    (box, picture), handle = shown
    assert picture.alt == "3 of 9 images of a 3 were called 8; 3 are shown."
    true_class, answer, _ = box.children
    assert (true_class.value, answer.value) == ("3", "8")
    answer.value = "3"
    assert handle.updates[-1].alt == "6 of 9 images of a 3 were called 3; 6 are shown."
    true_class.value = "0"
    assert handle.updates[-1].alt == "0 of 9 images of a 0 were called 3."


def test_the_reliability_readout_is_the_calibration_error(shown):
    """By hand: two answers in one bin, 0.9 sure on average, one of them right."""
    logits = np.log([[0.9, 0.1], [0.9, 0.1]])
    widgets.reliability(logits, np.array([0, 1]))
    assert "calibration error 0.4000" in shown[0][1].alt and "50.0% right" in shown[0][1].alt
    assert "mean confidence 0.900" in shown[0][1].alt
    temperature, bins, _ = shown[0][0].children
    temperature.value = 2.0  # the root of the odds, 9 to 1: 3 to 1
    assert "mean confidence 0.750" in shown[1].updates[-1].alt
    assert "temperature 2.00, 10 bins: calibration error 0.2500" in shown[1].updates[-1].alt
