"""A digit that readers draw for their own model: by mouse, finger, pen or keyboard, brought into MNIST's form.

The live surface is `drawing.js` with `drawing.css`; all else happens here. As with the other widgets, a static picture
comes first, the same facts stand there as text, and nothing is live while nbgrader grades or validates.
"""

import functools
from pathlib import Path

import numpy as np

from course_utils import plot
from course_utils.widgets.panel import paragraph, unattended

_SIDE = 28  # of an MNIST image
_BOX = 20  # the longer side of the ink in it
_LARGEST_GROWTH = 2.0
_PEN = 1.2  # radius of the pen in pixels; drawing.js has the same
# Strokes are lists of points (x, y), in pixels from the upper left corner.
_THREE = [  # recognised by models of MNIST and of scikit-learn's digits alike, which a seven is not
    [(9.0, 7.0), (12.0, 5.0), (16.0, 6.0), (17.5, 9.0), (15.5, 12.5), (12.5, 13.5)],
    [(12.5, 13.5), (16.5, 15.0), (18.5, 18.5), (16.5, 22.0), (12.0, 23.0), (9.0, 21.0)],
]


def draw_digit(classify, start=None):
    """Let the reader draw a digit, and show what their own model says to it.

    Parameters
    ----------
    classify : callable
        Called with a uint8 array of shape (28, 28), 0 = paper, 255 = ink; returns the probabilities of the ten digits,
        shape (10,). What was drawn has gone through `centered` before.
    start : ndarray of shape (28, 28), uint8, optional
        The first picture; by default a three.

    Returns
    -------
    None
        The output is displayed. An error in `classify` is told in one sentence, and the widget goes on.

    Raises
    ------
    ValueError
        If `start` is not a uint8 array of shape (28, 28).
    """
    from IPython.display import display

    drawn = _with_pen(_THREE) if start is None else _checked(start, "start")
    picture, text = _look(classify, drawn)
    if unattended():
        display(picture)
        print(text)
        return
    panel = _Panel(classify, drawn, text)
    display(panel.box)
    panel.shown = display(picture, display_id=True)


def centered(image):
    """Bring a drawn digit into the form of MNIST: 20 pixels large, its centre of mass in the middle.

    The ink is cut out, resized with its aspect ratio kept until its longer side has 20 pixels, and moved by whole
    pixels until its centre of mass is in the middle of the image. It is never enlarged more than twofold, so that a
    dot stays a dot, and never pushed over the edge. MNIST images come back as they are.

    Parameters
    ----------
    image : ndarray of shape (28, 28), uint8
        0 = paper, 255 = ink.

    Returns
    -------
    ndarray of shape (28, 28), uint8
        A new array; without ink it is empty, too.

    Raises
    ------
    ValueError
        If `image` is of another type or shape.

    Notes
    -----
    The recipe is that of MNIST's authors, http://yann.lecun.com/exdb/mnist (LeCun, Cortes, Burges).

    Examples
    --------
    >>> image = np.zeros((28, 28), dtype=np.uint8)
    >>> image[2:12, 3:5] = 255  # a small one in the corner
    >>> rows, columns = np.nonzero(centered(image))
    >>> print(rows.min(), rows.max(), columns.min(), columns.max())
    4 23 12 15
    """
    image = _checked(image, "image")
    placed = np.zeros_like(image)
    if not image.any():
        return placed
    ink = _resized(_cut_out(image))
    top, left = (_first_pixel(ink, axis) for axis in (0, 1))
    placed[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return placed


def _checked(image, name):
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.shape != (_SIDE, _SIDE):
        told = f"{image.dtype} of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f"{name} must be a uint8 array of shape (28, 28), 0 = paper and 255 = ink, not {told}.")
    return image


def _cut_out(image):
    rows, columns = np.nonzero(image)
    return image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def _resized(ink):
    from PIL import Image

    scale = min(_BOX / max(ink.shape), _LARGEST_GROWTH)
    height, width = (max(1, round(scale * side)) for side in ink.shape)
    return np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR))


def _first_pixel(ink, axis):
    """Where the ink begins along an axis for its centre of mass to lie at 13.5 to 14.5, as in every MNIST image."""
    centre = np.average(np.arange(ink.shape[axis]), weights=ink.sum(axis=1 - axis))
    return int(np.clip(np.ceil(13.5 - centre), 0, _SIDE - ink.shape[axis]))


def _with_pen(strokes):
    """Draw strokes, lists of points (x, y), with a soft round pen: full ink inside, half of it at the pen's radius."""
    middles = np.stack(np.meshgrid(*2 * [np.arange(_SIDE) + 0.5]), axis=-1)
    segments = [pair for stroke in strokes for pair in zip([stroke[0], *stroke], stroke, strict=False)]
    away = np.min([_distance(middles, np.array(a), np.array(b)) for a, b in segments], axis=0)
    return np.floor(255 * np.clip(_PEN + 0.5 - away, 0, 1) + 0.5).astype(np.uint8)


def _distance(points, a, b):
    """Distance of points (..., 2) from the segment between a and b."""
    along = np.clip((points - a) @ (b - a) / max((b - a) @ (b - a), 1e-12), 0, 1)
    return np.linalg.norm(points - a - along[..., None] * (b - a), axis=-1)


# --- What the model says ----------------------------------------------------------------------------------------------


def _look(classify, drawn):
    """The picture of what the model sees and says, with its text as alternative text, and the text."""
    seen = centered(drawn)
    p, text = _asked(classify, seen)
    return plot.image(_bars_beside(seen, p), text), text


def _asked(classify, seen):
    """Ten probabilities, all 0 if there are none, and the sentence about them."""
    nothing, name = np.zeros(10), getattr(classify, "__name__", "classify")  # the reader's own word for it
    if not seen.any():
        return nothing, "Draw a digit."
    try:
        returned = classify(seen.copy())
    except Exception as error:  # the reader's own function: whatever it raises must not end the widget
        first_line = str(error).strip().partition("\n")[0][:200]
        return nothing, f"{name} stopped with {type(error).__name__}: {first_line or 'no message'}. {_MEND}"
    try:
        p = np.asarray(returned, dtype=float)
    except Exception as error:  # NumPy and PyTorch raise several kinds
        first_line = str(error).partition("\n")[0][:200]
        return nothing, f"{name} returned {_kind(returned)} that is no NumPy array ({first_line}). {_MEND}"
    problem = _problem(p)
    return (nothing, f"{name} {problem}. {_MEND}") if problem else (p, _sentence(p))


_MEND = "Mend it and run this cell again."


def _kind(thing):
    name = type(thing).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _problem(p):
    """Why these are not the probabilities of ten digits, or None if they are."""
    if p.shape != (10,):
        return f"returned an array of shape {p.shape}, not ten probabilities of shape (10,)"
    if not np.isfinite(p).all():
        return "returned numbers that are not finite (NaN or infinite)"
    # 0.01 leaves room for a softmax in half precision, and logits do not get through.
    if p.min() < 0 or abs(p.sum() - 1) > 0.01:
        return f"returned numbers from {p.min():.3g} to {p.max():.3g} that add up to {p.sum():.3g}, not probabilities"
    return None


def _sentence(p):
    first, second = np.argsort(-p, kind="stable")[:2]
    then = f", then {_named(second)} ({_percent(p[second])})" if p[second] > 0 else ""
    return f"I see {_named(first)} ({_percent(p[first])}){then}."


def _named(digit):
    return f"{'an' if digit == 8 else 'a'} {digit}"


def _percent(share):
    """A share in whole percent; what is only nearly nothing or all is not rounded to it."""
    if 0.995 <= share < 1:
        return "over 99 %"
    return "under 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


@plot.styled
def _bars_beside(seen, p):
    left, right = plot.axes(columns=2, size=(6.6, 2.8), width_ratios=[1, 1.7])
    left.imshow(seen, cmap="gray_r", vmin=0, vmax=255)
    left.set(xticks=[], yticks=[], title="the model sees")
    left.grid(visible=False)
    left.spines[:].set(visible=True, color="0.6")
    bars = right.bar(range(10), p, color=["C1" if p[k] == p.max() else "C0" for k in range(10)], width=0.7)
    right.bar_label(bars, [f"{100 * share:.0f} %" if share >= 0.005 else "" for share in p], padding=2, fontsize=9)
    right.set(xticks=range(10), yticks=[0, 0.5, 1], ylim=(0, 1.12))
    right.set(xlabel="digit", ylabel="probability", title="the model says")
    right.grid(axis="x", visible=False)
    return right


# --- The live surface -------------------------------------------------------------------------------------------------


class _Panel:
    """The live part: the surface to draw on, the readout, and the handle of the picture below."""

    def __init__(self, classify, drawn, text):
        import ipywidgets

        self.classify, self.shown = classify, None
        self.surface = _surface_class()(ink=drawn.tobytes())
        self.readout = ipywidgets.HTML(paragraph(text))
        self.box = ipywidgets.VBox([self.surface, self.readout])
        self.surface.observe(self.redraw, names="ink")

    def redraw(self, change):
        try:
            drawn = _received(change["new"])
        except ValueError as error:
            self.readout.value = paragraph(str(error))
            return
        picture, text = _look(self.classify, drawn)
        self.readout.value = paragraph(text)
        self.shown.update(picture)


def _received(sent):
    """The picture in what a browser sent: 784 bytes, row by row."""
    content = bytes(sent) if isinstance(sent, bytes | bytearray | memoryview) else None
    if content is None or len(content) != _SIDE**2:
        told = type(sent).__name__ if content is None else f"{len(content)} bytes"
        raise ValueError(f"The drawing that arrived is damaged ({told} instead of 784 bytes): clear it and draw again.")
    return np.frombuffer(content, dtype=np.uint8).reshape(_SIDE, _SIDE)


@functools.cache
def _surface_class():
    """Made at its first use, because anywidget takes a while to import."""
    import anywidget
    import traitlets

    class Surface(anywidget.AnyWidget):
        _esm = Path(__file__).with_name("drawing.js")
        _css = Path(__file__).with_name("drawing.css")
        ink = traitlets.Any(bytes(_SIDE**2)).tag(sync=True)  # checked on arrival, to tell the reader what is wrong

    return Surface
