"""The drawn digit: MNIST's form for it, the sentence about it, a static form always, and a reader's faulty classify."""

import doctest
import os
import subprocess
import sys
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
from IPython.display import Image

from course_utils import data, drawing
from course_utils.data.images import _digits_like_mnist

ROOT = Path(__file__).resolve().parents[2]
ONE = drawing._with_pen([[(14, 5), (14, 23)]])
THREE = drawing._with_pen(drawing._THREE)


def probabilities(**shares):
    """Ten probabilities from shares by digit: probabilities(_7=0.9, _1=0.1)."""
    p = np.zeros(10)
    for name, share in shares.items():
        p[int(name[1:])] = share
    return p


def sure_of_seven(_image):
    return probabilities(_7=0.93, _1=0.04, _2=0.03)


def extent(image):
    """First and last row and column with ink."""
    rows, columns = np.nonzero(image)
    return rows.min(), rows.max(), columns.min(), columns.max()


def centre_of_mass(image):
    rows, columns = np.indices(image.shape)
    return np.average(rows, weights=image), np.average(columns, weights=image)


def alike(a, b):
    """The cosine of the angle between two images."""
    a, b = a.ravel().astype(float), b.ravel().astype(float)
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


# ---- centered


def test_mnist_images_come_back_as_they_are(monkeypatch):
    folder = Path(os.environ.get("COURSE_MNIST_DIR") or ROOT.parent / "shared" / "data" / "mnist")
    if not folder.is_dir():
        pytest.skip("THE REAL MNIST IS NOT TESTED: set COURSE_MNIST_DIR to the folder with its four .gz files")
    monkeypatch.setenv("COURSE_MNIST_DIR", str(folder))
    monkeypatch.delenv("COURSE_FAST", raising=False)
    X = data.mnist("test").X[::5]
    same = [np.array_equal(drawing.centered(image), image) for image in X]
    assert np.mean(same) > 0.998  # a few in ten thousand have 19 pixels instead of 20


def test_the_embedded_digits_get_mnists_size_and_place():
    for image in _digits_like_mnist("test").X[::5]:
        placed = drawing.centered(image)
        top, bottom, left, right = extent(placed)
        assert max(bottom - top, right - left) + 1 == 20
        assert np.allclose(centre_of_mass(placed), 14, atol=0.5 + 1e-9)


@pytest.mark.parametrize("shift", [(-4, -6), (3, 2), (4, -5)])
def test_where_a_digit_is_drawn_does_not_matter(shift):
    small = np.zeros((28, 28), dtype=np.uint8)
    small[7:21, 9:18] = THREE[7:21, 9:18]
    assert np.array_equal(drawing.centered(np.roll(small, shift, axis=(0, 1))), drawing.centered(small))


def test_a_small_and_a_large_digit_become_alike():
    small = drawing._with_pen(0.75 * np.array(drawing._THREE))
    large = drawing._with_pen(1.15 * np.array(drawing._THREE) - 2)
    assert alike(small, large) < 0.4
    assert alike(drawing.centered(small), drawing.centered(large)) > 0.9


def test_a_dot_stays_a_dot():
    dot = drawing._with_pen([[(5.5, 5.5)]])
    before, after = extent(dot), extent(drawing.centered(dot))
    assert after[1] - after[0] + 1 == 2 * (before[1] - before[0] + 1) < 8


def test_nothing_is_pushed_over_the_edge():
    """A heavy end pulls the centre of mass so far that the thin rest would leave the image."""
    image = np.zeros((28, 28), dtype=np.uint8)
    image[4:24, 14] = 1
    image[23, 5:24] = 255
    assert extent(drawing.centered(image))[:2] == (0, 19)
    assert drawing.centered(image).sum() == image.sum()


def test_a_line_and_an_empty_image():
    line = np.zeros((28, 28), dtype=np.uint8)
    line[3:17, 2] = 255
    assert extent(drawing.centered(line)) == (4, 23, 14, 14)
    assert not drawing.centered(np.zeros((28, 28), dtype=np.uint8)).any()


@pytest.mark.parametrize("image", [np.zeros((28, 28)), np.zeros((8, 8), np.uint8), [[0] * 28] * 28, None], ids=str)
def test_only_a_uint8_image_is_centred(image):
    with pytest.raises(ValueError, match=r"^image must be a uint8 array of shape \(28, 28\), .* not ") as caught:
        drawing.centered(image)
    assert "\n" not in str(caught.value)


def test_centering_leaves_what_it_gets_alone():
    image = THREE.copy()
    drawing.centered(image)
    assert np.array_equal(image, THREE)


def test_example_runs():
    assert doctest.testmod(drawing) == (0, 4)


# ---- the pen


def test_the_pen_is_about_two_pixels_wide_and_soft():
    across = ONE[14] / 255
    assert across[13] == across[14] == 1
    assert 0 < across[12] < 0.5
    assert 2 < across.sum() < 3
    assert 40 < drawing.centered(THREE).sum() / 255 < 190  # 98 in 100 MNIST images have this much ink


def test_the_browsers_pen_has_the_same_size():
    assert f"const PEN = {drawing._PEN};" in Path(drawing.__file__).with_suffix(".js").read_text(encoding="utf-8")


# ---- the sentence


@pytest.mark.parametrize(
    ("shares", "sentence"),
    [
        ({"_7": 0.93, "_1": 0.04, "_2": 0.03}, "I see a 7 (93 %), then a 1 (4 %)."),
        ({"_8": 0.6, "_3": 0.4}, "I see an 8 (60 %), then a 3 (40 %)."),
        ({"_3": 0.5, "_8": 0.5}, "I see a 3 (50 %), then an 8 (50 %)."),
        ({"_1": 0.9999, "_7": 0.0001}, "I see a 1 (over 99 %), then a 7 (under 1 %)."),
        ({"_0": 1.0}, "I see a 0 (100 %)."),
    ],
)
def test_sentence(shares, sentence):
    assert drawing._asked(lambda _: probabilities(**shares), THREE)[1] == sentence


def test_classify_gets_the_centred_drawing_once():
    got = []
    image = np.roll(ONE, (-3, -8), axis=(0, 1))
    drawing._look(lambda seen: (got.append(seen), sure_of_seven(seen))[1], image)
    (seen,) = got
    assert (seen.dtype, seen.shape) == (np.uint8, (28, 28))
    assert np.array_equal(seen, drawing.centered(image)) and not np.array_equal(seen, image)


def test_an_empty_drawing_is_not_classified():
    def never(_image):
        raise AssertionError("classify was asked")

    assert drawing._look(never, np.zeros((28, 28), dtype=np.uint8))[1] == "Draw a digit."


def test_a_torch_tensor_will_do():
    import torch

    assert drawing._asked(lambda _: torch.eye(10)[4], THREE)[1] == "I see a 4 (100 %)."


def raises(_image):
    raise KeyError("weights\nand a second line")


def needs_detach(_image):
    import torch

    return torch.full((10,), 0.1, requires_grad=True)


FAULTY = {
    "raises stopped with KeyError: 'weights": raises,
    "<lambda> stopped with AssertionError: no message.": lambda _: (_ for _ in ()).throw(AssertionError()),
    "returned an array of shape (1, 10), not ten probabilities of shape (10,).": lambda _: np.ones((1, 10)),
    "returned an array of shape (), not ten": lambda _: 7,
    "returned an array of shape (), not": lambda _: None,
    "returned a str that is no NumPy array": lambda _: "seven",
    "needs_detach returned a Tensor that is no NumPy array": needs_detach,
    "returned numbers that are not finite": lambda _: np.full(10, np.nan),
    "returned numbers from -4 to 5 that add up to 5, not probabilities.": lambda _: np.arange(-4.0, 6.0),
    "returned numbers from 0.05 to 0.05 that add up to 0.5, not": lambda _: np.full(10, 0.05),
    "returned numbers from -0.5 to 1.5 that add up to 1, not": lambda _: probabilities(_1=1.5, _2=-0.5),
}


@pytest.mark.parametrize(("told", "classify"), FAULTY.items(), ids=FAULTY)
def test_a_faulty_classify_is_told_in_one_line(told, classify):
    p, text = drawing._asked(classify, THREE)
    assert told in text and text.startswith(classify.__name__)
    assert text.endswith(". Mend it and run this cell again.") and "\n" not in text
    assert p.shape == (10,) and not p.any()


def test_an_object_may_classify():
    class Model:
        def __call__(self, _image):
            return np.ones(3)

    assert drawing._asked(Model(), THREE)[1].startswith("classify returned an array of shape (3,)")


# ---- the widget


def test_controls_on_top_then_a_static_picture_with_its_text(shown):  # noqa: F811
    drawing.draw_digit(sure_of_seven)
    box, picture = shown[0]
    assert isinstance(box, ipywidgets.VBox)
    assert isinstance(picture, Image)
    assert picture.alt == "I see a 7 (93 %), then a 1 (4 %)."
    surface, readout = box.children
    assert readout.value.startswith('<p role="status"') and picture.alt in readout.value
    assert surface.ink == THREE.tobytes()


@pytest.mark.parametrize("variable", ["NBGRADER_EXECUTION", "NBGRADER_VALIDATING"])
def test_static_form_only_while_grading(variable, shown, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setenv(variable, "1")
    drawing.draw_digit(sure_of_seven)
    (only,) = shown[0]
    assert isinstance(only, Image)
    assert capsys.readouterr().out == f"{only.alt}\n"


def test_the_first_picture_may_be_the_readers(shown):  # noqa: F811
    drawing.draw_digit(sure_of_seven, start=ONE)
    assert shown[0][0].children[0].ink == ONE.tobytes()
    with pytest.raises(ValueError, match=r"^start must be a uint8 array of shape \(28, 28\), .* not float64"):
        drawing.draw_digit(sure_of_seven, start=ONE / 255)


def test_picture_and_readout_follow_what_the_browser_sends(shown):  # noqa: F811
    drawing.draw_digit(lambda seen: probabilities(_1=0.8, _4=0.2) if np.ptp(extent(seen)[2:]) < 8 else sure_of_seven(0))
    (box, first), handle = shown
    surface, readout = box.children
    surface.ink = memoryview(ONE.tobytes())  # the form in which ipywidgets hands it over
    assert "I see a 1 (80 %), then a 4 (20 %)." in readout.value
    assert handle.updates[-1].alt in readout.value
    assert handle.updates[-1].data != first.data
    surface.ink = bytes(784)
    assert "Draw a digit." in readout.value


def test_anything_but_784_bytes_is_refused_with_a_sentence(shown):  # noqa: F811
    drawing.draw_digit(sure_of_seven)
    (box, _), handle = shown
    surface, readout = box.children
    for sent in (bytes(783), bytes(785), [0] * 784, "0" * 784, None, {"a": 1}, 784):
        readout.value = ""
        surface.ink = sent
        told = type(sent).__name__ if not isinstance(sent, bytes) else f"{len(sent)} bytes"
        assert f"The drawing that arrived is damaged ({told} instead of 784 bytes)" in readout.value
    assert handle.updates == []
    surface.ink = ONE.tobytes()  # and goes on
    assert "I see a 7" in readout.value


def test_a_widget_outlives_a_faulty_classify(shown):  # noqa: F811
    answers = iter([raises, lambda _: np.ones(3), sure_of_seven])
    drawing.draw_digit(lambda seen: next(answers)(seen))
    (box, _), handle = shown
    surface, readout = box.children
    assert "stopped with KeyError" in readout.value
    surface.ink = ONE.tobytes()
    assert "returned an array of shape (3,)" in readout.value
    surface.ink = THREE.tobytes()
    assert "I see a 7" in readout.value and len(handle.updates) == 2


def test_what_classify_says_is_no_html(shown):  # noqa: F811
    def classify(_image):
        raise ValueError("<img src=x onerror=alert(1)> & so on")

    drawing.draw_digit(classify)
    readout = shown[0][0].children[1].value
    assert "&lt;img src=x" in readout and "<img" not in readout


def test_importing_is_light():
    heavy = {"anywidget", "ipywidgets", "torch", "PIL", "matplotlib", "sklearn"}
    code = f"import sys, course_utils.drawing; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"
