"""Figures of the course: data in, a matplotlib Axes out.

Drawing functions take an optional `ax`, show nothing by themselves and leave matplotlib's settings alone; `show` puts
the finished figure on the page with its sentence. Classes and curves differ by marker or line style, not by colour
only.
"""

import functools
import io
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

    buffer = io.BytesIO()
    ax.figure.savefig(buffer, format="png")
    plt.close(ax.figure)
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
