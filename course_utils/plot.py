"""Figures of the course: data in, a matplotlib Axes out.

Drawing functions take an optional `ax`, show nothing by themselves and leave matplotlib's settings alone; `show` puts
the finished figure on the page with its sentence. Classes and curves differ by marker or line style, not by colour
only.
"""

import functools
import io
import time
from pathlib import Path

import numpy as np

_STYLE = Path(__file__).with_name("course.mplstyle")
_MARKERS = "osD^vPX"
_DASHES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1))]


def styled(function):
    """Run a function in the course's style; outside of it, matplotlib's settings stay as the reader has them."""

    @functools.wraps(function)
    def in_style(*args, **kwargs):
        import matplotlib.pyplot as plt

        with plt.style.context(_STYLE):
            return function(*args, **kwargs)

    return in_style


@styled
def axes(rows=1, columns=1, *, size=None, **options):
    """Make a figure in the course's style.

    Parameters
    ----------
    rows, columns : int
        Number of panels down and across.
    size : tuple of float, optional
        Width and height in inches.
    **options
        Passed on to `matplotlib.pyplot.subplots`, for instance ``sharey=True``.

    Returns
    -------
    matplotlib.axes.Axes or ndarray of Axes
        One Axes, or an array of shape (columns,), (rows,) or (rows, columns).
    """
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=size, layout="constrained", **options)[1]


@styled
def image(ax, text):
    """Turn the figure of `ax` into a PNG image that carries `text` as its alternative text, and close the figure."""
    import matplotlib.pyplot as plt
    from IPython.display import Image

    buffer, figure = io.BytesIO(), ax.get_figure(root=True)
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return Image(buffer.getvalue(), format="png", alt=text)


def show(ax, text):
    """Show the figure of `ax` with one sentence under it that says what is to be seen.

    The sentence is for readers who cannot see the figure, and for those who are not sure what to look at.
    """
    from IPython.display import display

    display(image(ax, text))
    print(f"In words: {text}")


@styled
def points(X, y, *, names=None, labels=("$x_1$", "$x_2$"), ax=None):
    """Scatter two-dimensional samples, one marker and colour for each class.

    Parameters
    ----------
    X : ndarray of shape (N, 2)
    y : ndarray of shape (N,)
        The class of each sample; any values.
    names : dict, optional
        What the legend says for each value of `y`.
    """
    ax = axes(size=(4.2, 3.8)) if ax is None else ax
    for i, value in enumerate(np.unique(y)):
        chosen = X[y == value]
        name = (names or {}).get(value, f"class {value}")
        ax.plot(*chosen.T, _MARKERS[i % len(_MARKERS)], ms=9, mec="white", color=f"C{i}", label=name, zorder=3)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


@styled
def line(w, b, *, ax, label=None, **style):
    """Draw the line ``w[0] * x1 + w[1] * x2 + b = 0`` across the present limits of `ax`.

    With ``w = (0, 0)`` there is no line, and nothing is drawn.
    """
    low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
    style = {"color": "black"} | style
    if abs(w[1]) > abs(w[0]):
        x1 = np.array([low[0], high[0]])
        ax.plot(x1, -(w[0] * x1 + b) / w[1], label=label, **style)
    elif w[0] != 0:
        x2 = np.array([low[1], high[1]])
        ax.plot(-(w[1] * x2 + b) / w[0], x2, label=label, **style)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    return ax


@styled
def curves(x, named, *, xlabel="z", ylabel="", title="", ax=None):
    """Draw several curves over one x axis; `named` maps each name to values of shape (N,)."""
    ax = axes() if ax is None else ax
    for i, (name, values) in enumerate(named.items()):
        ax.plot(x, values, ls=_DASHES[i % len(_DASHES)], color=f"C{i}", label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if len(named) > 1:
        ax.legend()
    return ax


@styled
def spread(x, named, *, ax=None, **settings):
    """Draw the mean of several runs as a curve, and a band from the lowest to the highest of them.

    Parameters
    ----------
    x : array_like of shape (N,)
    named : dict
        Maps each name to values of shape (runs, N).
    **settings
        For the Axes: ``xlabel="step"``, ``yscale="log"``, ``title="five starts"``.
    """
    x, named = np.asarray(x), {name: np.asarray(runs) for name, runs in named.items()}
    ax = curves(x, {name: runs.mean(axis=0) for name, runs in named.items()}, ax=ax)
    for i, runs in enumerate(named.values()):
        ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=f"C{i}", alpha=0.2, lw=0)
    ax.set(**settings)
    return ax


@styled
def bars(labels, values, *, ylabel="", title="", ax=None):
    """Draw one bar for each label, with its value written above it."""
    ax = axes(size=(4.2, 3.0)) if ax is None else ax
    drawn = ax.bar(labels, values, color="C0", width=0.6)
    ax.bar_label(drawn, fmt="%.3f", padding=2, fontsize=9)
    ax.set(ylabel=ylabel, title=title)
    ax.grid(axis="x", visible=False)
    return ax


@styled
def groups(x, named, *, xlabel="", ylabel="", title="", ax=None):
    """Draw groups of bars side by side; `named` maps each name to values of shape (N,), like x."""
    ax = axes(size=(6.4, 3.2)) if ax is None else ax
    x, width = np.asarray(x), 0.8 / len(named)
    for i, (name, values) in enumerate(named.items()):
        place = x + (i - (len(named) - 1) / 2) * width
        ax.bar(
            place,
            values,
            width=width,
            color=f"C{i}",
            hatch=["", "//", "..", "xx"][i % 4],
            edgecolor="white",
            label=name,
        )
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.set_xticks(x)
    ax.legend()
    ax.grid(axis="x", visible=False)
    return ax


@styled
def images(pictures, *, titles=(), columns=10, size=None):
    """Draw small grey pictures in rows, dark ink on white.

    Parameters
    ----------
    pictures : sequence of ndarray of shape (H, W)
        Higher values are darker; each picture has its own scale.
    titles : sequence, optional
        What stands above the first pictures.
    columns : int
        Pictures in a row.

    Returns
    -------
    matplotlib.axes.Axes
        That of the first picture.
    """
    rows = -(-len(pictures) // columns)
    grid = axes(rows, columns, size=size or (0.75 * columns, 0.85 * rows + 0.1), squeeze=False).ravel()
    for ax in grid:
        ax.axis("off")
    for ax, picture in zip(grid, pictures, strict=False):
        ax.imshow(picture, cmap="gray_r")
        ax.axis("on")  # a frame: where a digit stands in its picture is part of what is seen
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="0.8")
    for ax, title in zip(grid, titles, strict=False):
        ax.set_title(title, fontsize=9, loc="center")
    return grid[0]


@styled
def matrix(counts, *, xlabel="answer", ylabel="class", title="", ax=None):
    """Draw a table of counts (C, C), the larger the darker; entries of 0 stay empty."""
    counts = np.asarray(counts)
    ax = axes(size=(5.2, 4.6)) if ax is None else ax
    # The root makes the few mistakes visible beside the many right answers.
    ax.imshow(np.sqrt(counts), cmap="Blues")
    middle = np.sqrt(counts).max() / 2
    for i, j in zip(*np.nonzero(counts), strict=True):
        shade = "white" if np.sqrt(counts[i, j]) > middle else "black"
        ax.text(j, i, counts[i, j], ha="center", va="center", fontsize=8, color=shade)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title, xticks=range(len(counts)), yticks=range(len(counts)))
    ax.grid(visible=False)
    return ax


@styled
def reliability(confidence, right, *, bins=10, ax=None):
    """Hold stated confidence against the share of right answers, bin by bin; bars show how many answers a bin holds.

    Parameters
    ----------
    confidence : ndarray of shape (N,)
        Probability of the answer that was given, from 0 to 1.
    right : ndarray of shape (N,), bool
    bins : int
        Bins of equal width; empty ones draw nothing.
    """
    ax = axes(size=(5.0, 3.8)) if ax is None else ax
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    there = counts > 0
    sums = [np.bincount(place, weights=values, minlength=bins) for values in (confidence, right)]
    means = [total[there] / counts[there] for total in sums]
    edges = np.arange(bins) / bins
    share = counts / counts.sum()
    ax.bar(edges, share, width=1 / bins, align="edge", color="0.85", edgecolor="white", label="share of all answers")
    ax.plot([0, 1], [0, 1], "--", color="0.4", lw=1, label="as sure as right")
    ax.plot(*means, "-", color="C0", lw=1)
    ax.scatter(*means, s=15 + 150 * np.sqrt(share[there]), color="C0", zorder=3, label="answers (larger: more of them)")
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="stated probability", ylabel="share of right answers")
    ax.legend(loc="upper left")
    return ax


class Live:
    """Curves that grow while something is trained, with a line that says how far it is.

    Parameters
    ----------
    total : int
        Number of epochs to come.
    **settings
        For the Axes: ``ylabel="loss"``.

    Examples
    --------
    >>> live = Live(2, ylabel="loss")
    >>> live.add(training=1.0, validation=1.2)  # doctest: +ELLIPSIS
    <IPython.core.display.Image object>
    >>> live.add(training=0.5, validation=0.9)  # doctest: +ELLIPSIS
    <IPython.core.display.Image object>
    In words: after 2 epochs, in ... s: training 0.500, validation 0.900.
    """

    SECONDS = 0.5  # between two pictures: drawing takes a tenth of a second, which short epochs need for themselves

    def __init__(self, total, **settings):
        self.total, self.settings, self.named = total, {"xlabel": "epoch"} | settings, {}
        self._shown, self._started, self._drawn = None, time.perf_counter(), -np.inf

    def add(self, **values):
        """Take in one number for each curve; draw it if the last picture is old enough, or if this epoch ends all."""
        for name, value in values.items():
            self.named.setdefault(name.replace("_", " "), []).append(float(value))
        done, now = len(next(iter(self.named.values()))), time.perf_counter()
        if now - self._drawn >= self.SECONDS or done >= self.total:
            self._drawn = now
            self._draw(done, now - self._started)

    def _draw(self, done, spent_s):
        from IPython.display import display

        latest = ", ".join(f"{name} {values[-1]:.3f}" for name, values in self.named.items())
        text = f"after {done} epoch{'s' * (done > 1)}, in {spent_s:.0f} s: {latest}."
        left = f", about {spent_s / done * (self.total - done):.0f} s left" if done < self.total else ""
        ax = curves(np.arange(1, done + 1), self.named, title=f"epoch {done} of {self.total}{left}", **self.settings)
        ax.set_xlim(0.5, self.total + 0.5)
        picture = image(ax, text)
        if self._shown is None:
            self._shown = display(picture, display_id=True)
        else:
            self._shown.update(picture)
        if done >= self.total:
            print(f"In words: {text}")


@styled
def timeline(years, sizes, names, *, ax=None):
    """Draw models by year and number of parameters, the latter on a logarithmic axis.

    Parameters
    ----------
    years, sizes : ndarray of shape (N,)
    names : sequence of N str
    """
    ax = axes(size=(7.6, 4.6)) if ax is None else ax
    ax.semilogy(years, sizes, "o", ms=7, mec="white")
    for i, (year, size, name) in enumerate(zip(years, sizes, names, strict=True)):
        # The points rise to the right, so the corners up-left and down-right of a point have room for its name; the
        # thin line says whose name it is.
        side, shift = ("right", (-14, 9)) if i % 2 == 0 else ("left", (14, -15))
        thread = {"arrowstyle": "-", "color": "0.5", "lw": 0.7}
        ax.annotate(name, (year, size), shift, textcoords="offset points", ha=side, fontsize=8, arrowprops=thread)
    ax.set(xlabel="year", ylabel="adjustable parameters", xlim=(min(years) - 14, max(years) + 16))
    return ax
