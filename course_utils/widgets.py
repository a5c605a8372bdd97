"""Pictures with controls: a static figure first, live controls on top, the same facts as text, all of it by keyboard.

Each widget shows the picture of its first state as an ordinary image, which stays readable with the kernel off. Sliders
and menus above it redraw the picture; they take the arrow keys. While nbgrader grades or validates there is nobody to
move a slider, and only the static picture and its text are shown.
"""

import os

import numpy as np

from course_utils import data, plot


def explore(draw, **controls):
    """Show what `draw` makes of the controls' first values, and let the reader move them.

    Parameters
    ----------
    draw : callable
        Called with one keyword argument for each control; returns an Axes and the text that says what it shows.
    **controls
        For a slider ``(low, high, step, start)``, for a menu a list whose first entry is chosen.

    Returns
    -------
    None
        The output is displayed.
    """
    from IPython.display import display

    start = {name: spec[0] if isinstance(spec, list) else spec[3] for name, spec in controls.items()}
    picture, text = _picture(draw, start)
    if os.environ.get("NBGRADER_EXECUTION") or os.environ.get("NBGRADER_VALIDATING"):
        display(picture)
        print(text)
        return
    panel = _panel(draw, controls, text)
    display(panel.box)
    panel.shown = display(picture, display_id=True)


class _Panel:
    """The live part of a widget: its controls, its readout, and the handle of the picture below."""

    def __init__(self, draw, inputs, readout, box):
        self.draw, self.inputs, self.readout, self.box = draw, inputs, readout, box
        self.shown = None

    def redraw(self, _change):
        picture, text = _picture(self.draw, {name: control.value for name, control in self.inputs.items()})
        self.readout.value = _paragraph(text)
        self.shown.update(picture)


def _panel(draw, controls, text):
    import ipywidgets

    inputs = {name: _control(name.replace("_", " "), spec) for name, spec in controls.items()}
    readout = ipywidgets.HTML(_paragraph(text))
    panel = _Panel(draw, inputs, readout, ipywidgets.VBox([*inputs.values(), readout]))
    for control in inputs.values():
        control.observe(panel.redraw, names="value")
    return panel


def _control(label, spec):
    """A menu for a list, a slider for (low, high, step, start)."""
    import ipywidgets

    if isinstance(spec, list):
        return ipywidgets.Dropdown(options=spec, description=label)
    low, high, step, start = spec
    return ipywidgets.FloatSlider(
        min=low, max=high, step=step, value=start, description=label, layout=ipywidgets.Layout(width="26em")
    )


def _paragraph(text):
    # role=status: screen readers say the new text when it changes.
    return f'<p role="status" style="margin:0.3em 0">{text}</p>'


@plot.styled
def _picture(draw, values):
    """Draw one state; return it as an image with alternative text, and the text."""
    ax, text = draw(**values)
    return plot.image(ax, text), text


def perceptron_line():
    """Move the line of one perceptron over a logic gate: three sliders for w1, w2 and b, a menu for the gate."""
    explore(
        _draw_perceptron_line,
        gate=["AND", "OR", "XOR"],
        w1=(-3.0, 3.0, 0.5, 1.0),
        w2=(-3.0, 3.0, 0.5, -1.0),
        b=(-3.0, 3.0, 0.5, 0.5),
    )


def _draw_perceptron_line(gate, w1, w2, b):
    X, y = data.logic_gate(gate)
    says_yes = X @ np.array([w1, w2]) + b > 0
    right = int(np.sum(says_yes == (y == 1)))
    ax = plot.axes(size=(5.2, 3.6))
    ax.set(xlim=(-0.6, 1.6), ylim=(-0.6, 1.6), title=f"{gate}: {right} of 4 corners right")
    plot.points(X, y, names={0: "should say no", 1: "should say yes"}, ax=ax)
    ax.plot(*X[says_yes].T, "o", ms=19, mfc="none", mec="black", mew=1.2, label="says yes")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    plot.line((w1, w2), b, ax=ax)
    return ax, f"{gate}: {right} of 4 corners right with w1 = {w1:g}, w2 = {w2:g}, b = {b:g}."


def activation():
    """Follow an activation function and its slope along z: a menu for the function, a slider for z."""
    explore(_draw_activation, function=["sigmoid", "tanh", "ReLU", "leaky ReLU"], z=(-6.0, 6.0, 0.25, 1.0))


def _activation_values(function, z):
    """Values of the named function; from SciPy, because writing them is the reader's own exercise."""
    from scipy.special import expit

    if function == "sigmoid":
        return expit(z)
    if function == "tanh":
        return np.tanh(z)
    return np.where(z > 0, z, (0.1 if function == "leaky ReLU" else 0.0) * z)


def _draw_activation(function, z):
    grid = np.linspace(-6, 6, 481)
    # A central difference; at the kink of ReLU it gives the mean of the two slopes.
    value, h = float(_activation_values(function, np.array(z))), 1e-5
    slope = float(np.diff(_activation_values(function, np.array([z - h, z + h])))[0] / (2 * h))
    ax = plot.curves(grid, {function: _activation_values(function, grid)}, title=f"{function} and its slope")
    near = np.array([z - 1.5, z + 1.5])
    ax.plot(near, value + slope * (near - z), "--", color="C1", label=f"slope {slope:.3f}")
    ax.plot(z, value, "o", ms=9, color="C1")
    ax.legend(loc="upper left")
    return ax, f"{function}({z:g}) = {value:.4f}, slope {slope:.4f}."


def softmax_temperature(scores=(2.0, 1.0, 0.1), names=("cat", "dog", "fox")):
    """Sharpen and flatten the probabilities that softmax makes of fixed scores: a slider for the temperature."""

    def draw(temperature):
        from scipy.special import softmax as scipy_softmax

        p = scipy_softmax(np.asarray(scores) / temperature)
        ax = plot.bars(list(names), p, ylabel="probability", title=f"temperature {temperature:g}")
        ax.set_ylim(0, 1.1)
        shares = ", ".join(f"{name} {value:.3f}" for name, value in zip(names, p, strict=True))
        return ax, f"temperature {temperature:g}: {shares}."

    explore(draw, temperature=(0.1, 5.0, 0.1, 1.0))


def neuron():
    """Turn, stretch and shift one sigmoid neuron: sliders for the angle and the length of w, and for b."""
    explore(_draw_neuron, angle=(0.0, 345.0, 15.0, 30.0), length=(0.5, 8.0, 0.5, 2.0), b=(-6.0, 6.0, 0.5, 1.0))


def _draw_neuron(angle, length, b):
    from scipy.special import expit

    w = length * np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    side = np.linspace(-3, 3, 121)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    ax = plot.axes(size=(5.2, 4.0))
    shades = ax.contourf(side, side, expit(grid @ w + b), levels=np.linspace(0, 1, 11), cmap="cividis")
    ax.figure.colorbar(shades, ax=ax, label="activation")
    ax.set(xlim=(-3, 3), ylim=(-3, 3), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    plot.line(w, b, ax=ax, color="white", lw=2.5)
    foot = -b * w / (w @ w)
    if np.abs(foot).max() <= 3:
        arrow = {"arrowstyle": "-|>", "color": "white", "lw": 2}
        ax.annotate("", foot + w / length, foot, arrowprops=arrow)
    away = abs(b) / length
    return (
        ax,
        f"w = ({w[0]:.2f}, {w[1]:.2f}), b = {b:g}: the line lies {away:.2f} from the origin; the arrow points along w.",
    )


def loss_explorer():
    """Two losses of one logit beside each other: a slider for the logit, a menu for the right answer."""
    explore(_draw_losses, right_answer=["yes", "no"], z=(-8.0, 8.0, 0.25, -4.0))


def _draw_losses(right_answer, z):
    from scipy.special import expit

    target = float(right_answer == "yes")
    grid = np.linspace(-8, 8, 321)
    sign = 2 * target - 1
    losses = {"MSE": (expit(grid) - target) ** 2, "cross-entropy": np.logaddexp(0, -sign * grid)}
    p = expit(z)
    now = {"cross-entropy": np.logaddexp(0, -sign * z), "MSE": (p - target) ** 2}
    slopes = {"MSE": 2 * (p - target) * p * (1 - p), "cross-entropy": p - target}
    ax = plot.curves(grid, losses, xlabel="logit z", ylabel="loss", title=f"the right answer is {right_answer}")
    for i, (name, slope) in enumerate(slopes.items()):
        near = np.array([z - 1.5, z + 1.5])
        ax.plot(near, now[name] + slope * (near - z), color="black", lw=1)
        ax.plot(z, now[name], "os"[i], ms=9, color=f"C{i}")
    told = "; ".join(f"{name} {now[name]:.3f} with slope {slopes[name]:.3f}" for name in losses)
    return ax, f"z = {z:g}, so p = {p:.3f}: {told}."


def init_depth():
    """Send a signal through many layers: a menu for the activation, sliders for depth and size of the weights."""
    explore(
        _draw_init_depth,
        activation=["ReLU", "tanh", "sigmoid"],
        layers=(2.0, 30.0, 1.0, 20.0),
        weight_variance_times_fan_in=(0.25, 4.0, 0.25, 1.0),
    )


def _draw_init_depth(activation, layers, weight_variance_times_fan_in):
    from scipy.special import expit

    width, rng = 128, np.random.default_rng(27)
    bend = {"ReLU": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": expit}[activation]
    A, sizes = rng.normal(size=(200, width)), [1.0]
    for _ in range(int(layers)):
        A = bend(A @ rng.normal(0, np.sqrt(weight_variance_times_fan_in / width), (width, width)))
        sizes.append(np.sqrt((A**2).mean()))
    title = f"{activation}, variance of the weights = {weight_variance_times_fan_in:g} / fan-in"
    ax = plot.curves(np.arange(len(sizes)), {activation: sizes}, xlabel="layer", title=title)
    most = max(100.0, *sizes)
    ax.set(yscale="log", ylim=(min(0.01, *sizes) / 2, 2 * most), ylabel="rms of the activations")
    ax.xaxis.get_major_locator().set_params(integer=True)
    varied = A.std(axis=0).mean()  # over the samples: what the layer still knows about its input
    return (
        ax,
        f"rms after layer {len(sizes) - 1}: {sizes[-1]:.2g}; over the samples a neuron still varies by {varied:.2g}.",
    )
