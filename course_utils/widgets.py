"""Pictures with controls: a static figure first, live controls on top, the same facts as text, all of it by keyboard.

Each widget shows the picture of its first state as an ordinary image, which stays readable with the kernel off. Sliders
and menus above it redraw the picture; sliders take the arrow keys, and a menu opens with the space bar. While nbgrader
grades or validates there is nobody to move a slider, and only the static picture and its text are shown.
"""

import functools
import html
import os
import warnings

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
    if unattended():
        display(picture)
        print(text)
        return
    panel = _panel(draw, controls, text)
    display(panel.box)
    panel.shown = display(picture, display_id=True)


def unattended():
    """Whether nbgrader grades or validates, so that nobody is there to move a control."""
    return bool(os.environ.get("NBGRADER_EXECUTION") or os.environ.get("NBGRADER_VALIDATING"))


class _Panel:
    """The live part of a widget: its controls, its readout, and the handle of the picture below."""

    def __init__(self, draw, inputs, readout, box):
        self.draw, self.inputs, self.readout, self.box = draw, inputs, readout, box
        self.shown = None

    def redraw(self, _change):
        picture, text = _picture(self.draw, {name: _value(control) for name, control in self.inputs.items()})
        self.readout.value = paragraph(text)
        self.shown.update(picture)


def _panel(draw, controls, text):
    import ipywidgets

    inputs = {name: _control(name.replace("_", " "), spec) for name, spec in controls.items()}
    readout = ipywidgets.HTML(paragraph(text))
    panel = _Panel(draw, inputs, readout, ipywidgets.VBox([*inputs.values(), readout]))
    for control in inputs.values():
        control.observe(panel.redraw, names="value")
    return panel


def _control(label, spec):
    """A menu for a list, a slider for (low, high, step, start)."""
    import ipywidgets

    whole_label = {"description_width": "initial"}
    if isinstance(spec, list):
        return ipywidgets.Dropdown(options=spec, description=label, style=whole_label)
    low, high, step, start = spec
    whole = all(float(number).is_integer() for number in (low, step))
    return ipywidgets.FloatSlider(
        min=low, max=high, step=step, value=start, readout_format=".0f" if whole else ".2f", description=label,
        style=whole_label, layout=ipywidgets.Layout(width="32em"),
    )  # fmt: skip


def _value(control):
    """What a control says; a slider is put back on its grid, for the browser says 99.99999999999999 for 100."""
    if not hasattr(control, "step"):
        return control.value
    steps = round((control.value - control.min) / control.step)
    return round(control.min + steps * control.step, 10)


def paragraph(text):
    """The HTML of a readout. Its role makes screen readers say the new text when it changes."""
    return f'<p role="status" style="margin:0.3em 0">{html.escape(text, quote=False)}</p>'


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


def descent():
    """Walk down a valley: sliders for learning rate and momentum, a menu for how narrow the valley is."""
    explore(
        _draw_descent,
        condition_number=["10", "1", "25", "100"],
        learning_rate=(0.01, 0.25, 0.01, 0.18),
        momentum=(0.0, 0.98, 0.02, 0.0),
    )


def _draw_descent(condition_number, learning_rate, momentum):
    bends = np.array([1.0, float(condition_number)])
    place, velocity, path = np.array([9.0, 1.2]), np.zeros(2), []
    for _ in range(60):
        path.append(place)
        velocity = momentum * velocity + bends * place
        place = place - learning_rate * velocity
    path = np.array(path)
    ax = plot.axes(size=(6.4, 3.2))
    x, y = np.meshgrid(np.linspace(-6, 11, 120), np.linspace(-3, 3, 100))
    ax.contour(x, y, np.sqrt(x**2 + bends[1] * y**2), levels=10, colors="0.7", linewidths=0.8)
    ax.plot(*np.clip(path, -1e6, 1e6).T, "o-", ms=3.5, lw=1, color="C0")
    ax.plot(0, 0, "*", ms=13, color="C1", label="minimum")
    ax.set(xlim=(-6, 11), ylim=(-3, 3), xlabel="x", ylabel="y", title=f"condition number {condition_number}")
    ax.legend(loc="upper left")
    away = np.linalg.norm(path[-1])
    told = "it explodes" if away > np.linalg.norm(path[0]) else f"{away:.2g} away from the minimum"
    return ax, f"learning rate {learning_rate:g}, momentum {momentum:g}: after 59 steps {told}."


_NEURON = {  # the nodes of Example 3.4, and their places in the picture
    "x1": (0, 4), "w1": (0, 3), "x2": (0, 2), "w2": (0, 1), "b": (0, 0),
    "p1": (1, 3.5), "p2": (1, 1.5), "s": (2, 2.5), "z": (3, 2), "a": (4, 2), "L": (5, 2),
}  # fmt: skip
_ARROWS = [
    ("x1", "p1"), ("w1", "p1"), ("x2", "p2"), ("w2", "p2"), ("p1", "s"), ("p2", "s"), ("s", "z"), ("b", "z"),
    ("z", "a"), ("a", "L"),
]  # fmt: skip


def chain_rule():
    """Step through a neuron, forward and then backward: a slider for the step, one for a weight."""
    explore(_draw_chain_rule, step=(0.0, 11.0, 1.0, 8.0), w1=(-2.0, 2.0, 0.25, 0.5))


def _draw_chain_rule(step, w1):
    x1, x2, w2, b = 1.0, 2.0, -0.3, 0.2
    p1, p2 = x1 * w1, x2 * w2
    z = p1 + p2 + b
    a = np.tanh(z)
    values = {"x1": x1, "w1": w1, "x2": x2, "w2": w2, "b": b, "p1": p1, "p2": p2, "s": p1 + p2, "z": z, "a": a}
    values["L"] = (a - 1) ** 2
    da = 2 * (a - 1)
    dz = da * (1 - a**2)
    slopes = {"L": 1.0, "a": da} | dict.fromkeys(("z", "s", "b", "p1", "p2"), dz)
    slopes |= {"x1": dz * w1, "w1": dz * x1, "x2": dz * w2, "w2": dz * x2}
    forward = [["p1", "p2"], ["s"], ["z"], ["a"], ["L"]]
    backward = [
        (["L"], "the slope of L with respect to itself is 1"),
        (["a"], "times 2(a - 1), the local derivative of (a - 1)²"),
        (["z"], "times 1 - a², the local derivative of tanh"),
        (["s", "b"], "a sum hands its slope on: times 1"),
        (["p1", "p2"], "a sum hands its slope on: times 1"),
        (["x1", "w1", "x2", "w2"], "a product: times the other factor"),
    ]
    step = int(step)
    shown = {"x1", "w1", "x2", "w2", "b"}.union(*forward[: min(step, 5)])
    done = set().union(*(names for names, _ in backward[: max(0, step - 5)]))
    ax = plot.axes(size=(7.4, 4.0))
    for start, end in _ARROWS:
        style = {"arrowstyle": "-|>", "color": "0.6", "shrinkA": 24, "shrinkB": 24}
        ax.annotate("", _NEURON[end], _NEURON[start], arrowprops=style)
    now = set(backward[step - 6][0] if step > 5 else forward[step - 1] if step else [])
    for name, place in _NEURON.items():
        text = name + (f"\n{values[name]:.2f}" if name in shown else "\n?")
        text += f"\n({slopes[name]:.2f})" if name in done else ""
        box = {"boxstyle": "round", "fc": "#ffe9b0" if name in now else "white", "ec": "0.4"}
        ax.text(*place, text, ha="center", va="center", fontsize=9, bbox=box)
    ax.set(xlim=(-0.5, 5.5), ylim=(-0.6, 4.6), title="value, and (slope of L)")
    ax.axis("off")
    if step <= 5:
        told = f"forward, step {step} of 5: " + (
            ", ".join(f"{n} = {values[n]:.3f}" for n in sorted(now)) or f"the given numbers, with w1 = {w1:g}"
        )
    else:
        told = f"backward, step {step - 5} of 6: " + ", ".join(f"slope of {n} = {slopes[n]:.3f}" for n in sorted(now))
        told += f" ({backward[step - 6][1]})"
    return ax, told + "."


def live_boundary():
    """Watch a network learn the spiral: sliders for the epoch and the learning rate, a menu for its hidden neurons."""
    explore(
        _draw_boundary,
        hidden_neurons=["64", "2", "8"],
        epoch=(5.0, 150.0, 5.0, 100.0),
        learning_rate=(0.02, 0.5, 0.02, 0.1),
    )


@functools.lru_cache(maxsize=8)
def _learned(hidden, learning_rate):
    """The spiral, the loss after each epoch, and what the network decides on a grid after every fifth one."""
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPClassifier

    X, y = data.spiral(100, 3, 0.2, np.random.default_rng(39))
    network = MLPClassifier(
        (hidden,), solver="sgd", learning_rate_init=learning_rate, batch_size=32, alpha=0, random_state=1
    )
    side = np.linspace(-1.1, 1.1, 70)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    losses, frames, shares = [], {}, {}
    for epoch in range(1, 151):
        network.partial_fit(X, y, classes=[0, 1, 2])
        losses.append(log_loss(y, network.predict_proba(X)))
        if epoch % 5 == 0:
            frames[epoch], shares[epoch] = network.predict(grid).reshape(70, 70), network.score(X, y)
    return X, y, side, losses, frames, shares


def _draw_boundary(hidden_neurons, epoch, learning_rate):
    from matplotlib.colors import ListedColormap

    X, y, side, losses, frames, shares = _learned(int(hidden_neurons), round(learning_rate, 2))
    epoch = int(epoch)
    left, right = plot.axes(1, 2, size=(7.4, 3.4))
    # No contours here: between classes 0 and 2 they would draw a thin line of class 1.
    left.pcolormesh(side, side, frames[epoch], cmap=ListedColormap(["C0", "C1", "C2"]), vmin=0, vmax=2, alpha=0.25)
    for label in range(3):
        left.plot(*X[y == label].T, "osD"[label], ms=3.5, color=f"C{label}")
    left.set(title=f"{hidden_neurons} hidden neurons, epoch {epoch}", aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    right.plot(np.arange(1, 151), losses, lw=1.2)
    right.plot(epoch, losses[epoch - 1], "o", ms=8, color="C1")
    right.set(xlabel="epoch", ylabel="training loss", ylim=(0, max(1.2, *losses)))
    told = f"{hidden_neurons} hidden neurons, learning rate {learning_rate:g}, epoch {epoch}"
    return left, f"{told}: loss {losses[epoch - 1]:.3f}, {shares[epoch]:.0%} of the training samples right."


def capacity():
    """Let a network overfit and cure it: menus for its width and the L2 penalty, a slider for the noise."""
    explore(
        _draw_capacity,
        hidden_neurons=["64 and 64", "2 and 2", "8 and 8"],
        noise=(0.0, 0.5, 0.1, 0.3),
        l2_penalty=["0", "0.001", "0.01", "0.1", "1"],
    )


@functools.cache
def _overfitted(width, noise, l2):
    """A network trained on 40 moons until nothing moves, and the data that it learned from."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    X, y = data.moons(40, noise=noise, rng=np.random.default_rng(41))
    # scikit-learn divides its penalty, alpha / 2 * sum w^2, by the number of samples.
    network = MLPClassifier((width, width), solver="lbfgs", alpha=40 * l2, max_iter=400, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(X, y), X, y


def _draw_capacity(hidden_neurons, noise, l2_penalty):
    from matplotlib.colors import LinearSegmentedColormap
    from sklearn.metrics import log_loss

    noise, width = round(noise, 1), int(hidden_neurons.split()[0])
    network, X, y = _overfitted(width, noise, float(l2_penalty))
    X_val, y_val = data.moons(1000, noise=noise, rng=np.random.default_rng(42))
    train, val = (log_loss(labels, network.predict_proba(samples)) for samples, labels in ((X, y), (X_val, y_val)))
    side, height = np.linspace(-2.0, 3.0, 120), np.linspace(-1.6, 2.1, 90)
    grid = np.stack(np.meshgrid(side, height), axis=-1)
    p = network.predict_proba(grid.reshape(-1, 2))[:, 1].reshape(grid.shape[:2])
    ax = plot.axes(size=(6.2, 3.8))
    shades = LinearSegmentedColormap.from_list("classes", ["C0", "white", "C1"])
    ax.contourf(side, height, p, levels=np.linspace(0, 1, 11), cmap=shades, alpha=0.4)
    ax.contour(side, height, p, levels=[0.5], colors="black", linewidths=1.2)
    plot.points(X, y, ax=ax)
    ax.set(title=f"training loss {train:.3f}, validation loss {val:.2f}")
    told = f"{hidden_neurons} hidden neurons, noise {noise:g}, L2 penalty {l2_penalty}"
    return ax, f"{told}: training loss {train:.3f}, validation loss {val:.2f}, {network.score(X_val, y_val):.0%} right."


def dropout_masks():
    """Draw masks of dropout over a layer, sample by sample: sliders for p and for the training step."""
    explore(_draw_dropout_masks, p=(0.0, 0.9, 0.1, 0.5), training_step=(1.0, 20.0, 1.0, 1.0))


def _draw_dropout_masks(p, training_step):
    import torch
    from torch.nn import functional

    samples, neurons, p = 6, 24, round(p, 1)
    with torch.random.fork_rng(devices=[]):  # the reader's own random numbers stay as they are
        torch.manual_seed(int(training_step))
        mask = functional.dropout(torch.ones(samples, neurons), p).numpy()
    ax = plot.axes(size=(6.6, 2.6))
    rows, columns = np.nonzero(mask)
    ax.plot(columns + 1, rows + 1, "o", ms=9, color="C0", label=f"stays, times {1 / (1 - p):.2f}")
    rows, columns = np.nonzero(mask == 0)
    ax.plot(columns + 1, rows + 1, "x", ms=6, color="0.6", label="dropped")
    ax.set(
        xlabel="neuron", ylabel="sample", yticks=range(1, samples + 1), xlim=(0, neurons + 1), ylim=(0.3, samples + 0.7)
    )
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    kept = int(np.count_nonzero(mask))
    told = f"p = {p:g}, training step {training_step:g}: {kept} of {mask.size} numbers stay"
    return (
        ax,
        f"{told}; each sample has its own mask, and its numbers add up to {mask.sum(axis=1).mean():.1f} on average.",
    )


_SURFACES = {  # height for torch numbers, start, limits of the picture, and the best learning rates of Example 4.5
    "banana": (
        lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        (-1.5, 2.0), ((-2, 2), (-1, 3)),
        {"SGD": 0.001, "momentum": 10 ** (-8 / 3), "RMSprop": 10 ** (-2 / 3), "Adam": 10 ** (1 / 3)},
    ),
    "valley": (
        lambda x, y: (x**2 + 100 * y**2) / 2,
        (10.0, 1.0), ((-4, 11), (-1.5, 1.5)), {"SGD": 0.01, "momentum": 0.01, "RMSprop": 0.1, "Adam": 10 ** (-1 / 3)},
    ),
}  # fmt: skip


def optimizer_race():
    """Race four optimizers over a surface, each at its best learning rate times one factor for all."""
    explore(
        _draw_optimizer_race,
        surface=["valley", "banana"],
        factor=["1", "0.1", "0.3", "2", "3"],
        steps=(10.0, 300.0, 10.0, 200.0),
    )


@functools.cache
def _raced(surface, factor):
    """The path of each optimizer over 300 steps: name -> (301, 2)."""
    import torch

    height, start, _, rates = _SURFACES[surface]
    kinds = {
        "SGD": torch.optim.SGD,
        "momentum": torch.optim.SGD,
        "RMSprop": torch.optim.RMSprop,
        "Adam": torch.optim.Adam,
    }
    paths = {}
    for name, kind in kinds.items():
        place = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        racer = kind([place], lr=rates[name] * factor, **({"momentum": 0.9} if name == "momentum" else {}))
        paths[name] = [start]
        for _ in range(300):
            (place.grad,) = torch.autograd.grad(height(*place), place)
            racer.step()
            paths[name].append(place.tolist())
    return {name: np.nan_to_num(path, nan=1e9, posinf=1e9, neginf=-1e9) for name, path in paths.items()}


def _draw_optimizer_race(surface, factor, steps):
    height, _, (xlim, ylim), _ = _SURFACES[surface]
    paths, count = _raced(surface, float(factor)), int(steps)
    x, y = np.meshgrid(np.linspace(*xlim, 160), np.linspace(*ylim, 120))
    ax = plot.axes(size=(6.6, 3.8))
    ax.contour(x, y, np.log10(height(x, y) + 1e-3), levels=14, colors="0.75", linewidths=0.8)
    told = []
    for i, (name, path) in enumerate(paths.items()):
        seen = np.clip(path[: count + 1], -1e6, 1e6)
        ax.plot(
            *seen.T,
            ["-", "--", "-.", ":"][i],
            marker="osD^"[i],
            markevery=max(1, count // 12),
            ms=5,
            color=f"C{i}",
            label=name,
        )
        with np.errstate(over="ignore"):
            reached = height(*path[count])
        told.append(f"{name} {reached:.0e}" if reached < 1e6 else f"{name} explodes")
    ax.plot(*{"banana": (1, 1), "valley": (0, 0)}[surface], "*", ms=14, color="black", label="minimum")
    ax.set(xlim=xlim, ylim=ylim, xlabel="x", ylabel="y", title=f"{surface}, best rates times {factor}, {count} steps")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax, f"heights after {count} steps: {', '.join(told)}."


def schedule():
    """Design a learning-rate schedule: a menu for its kind, sliders for the highest rate, warm-up and lowest rate."""
    explore(
        _draw_schedule,
        kind=["cosine", "step decay", "constant"],
        highest_rate=(0.05, 1.0, 0.05, 0.3),
        warm_up_steps=(0.0, 40.0, 5.0, 10.0),
        lowest_rate=(0.0, 0.1, 0.01, 0.0),
    )


def _draw_schedule(kind, highest_rate, warm_up_steps, lowest_rate):
    import torch
    from torch.optim import lr_scheduler

    total, rise = 100, int(warm_up_steps)
    engine = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=highest_rate)
    fall = {
        "cosine": lambda: lr_scheduler.CosineAnnealingLR(engine, total - 1 - rise, eta_min=lowest_rate),
        "step decay": lambda: lr_scheduler.StepLR(engine, step_size=25, gamma=0.2),
        "constant": lambda: lr_scheduler.ConstantLR(engine, factor=1.0),
    }[kind]
    if rise:
        ramp = lr_scheduler.LinearLR(engine, 1 / (rise + 1), total_iters=rise)
        plan = lr_scheduler.SequentialLR(engine, [ramp, fall()], milestones=[rise])
    else:
        plan = fall()
    rates = []
    for step in range(total):
        rates.append(max(plan.get_last_lr()[0], lowest_rate if step >= rise else 0.0))
        engine.step()
        plan.step()
    ax = plot.curves(np.arange(total), {kind: rates}, xlabel="step", ylabel="learning rate", title=kind)
    ax.set(ylim=(0, 1.05))
    told = f"{kind}: from {rates[0]:.3f} in step 0 over {max(rates):.3f} to {rates[-1]:.3f} in step {total - 1}"
    return ax, f"{told}; on average {np.mean(rates):.3f}."


def confusion(images, labels, answers):
    """Open the entries of a confusion matrix: a menu for the true class, one for the answer.

    Parameters
    ----------
    images : ndarray of shape (N, H, W)
    labels, answers : ndarray of shape (N,), integers from 0 on
    """
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(labels, answers)
    wrong = counts - np.diag(np.diag(counts))
    commonest = np.unravel_index(wrong.argmax(), counts.shape)
    choices = [[str(first), *(str(c) for c in range(len(counts)) if c != first)] for first in commonest]

    def draw(true_class, answer):
        return _draw_confusion(images, labels, answers, counts, int(true_class), int(answer))

    explore(draw, true_class=choices[0], answer=choices[1])


def _draw_confusion(images, labels, answers, counts, true_class, answer):
    import matplotlib.pyplot as plt

    chosen = np.flatnonzero((labels == true_class) & (answers == answer))
    figure = plt.figure(figsize=(8.6, 4.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.3, 1])
    ax = plot.matrix(counts, ax=left.subplots())
    ax.plot(answer, true_class, "s", ms=20, mfc="none", mec="C1", mew=2.5)
    for place, panel in enumerate(right.subplots(4, 4).ravel()):
        panel.axis("off")
        if place < len(chosen):
            panel.imshow(images[chosen[place]], cmap="gray_r")
    shown = f"; {min(16, len(chosen))} are shown" if len(chosen) else ""
    told = f"{len(chosen)} of {counts[true_class].sum()} images of a {true_class} were called {answer}{shown}"
    return ax, f"{told}."


def reliability(logits, labels):
    """Cool or heat the probabilities of a trained network: sliders for the temperature and the number of bins.

    Parameters
    ----------
    logits : ndarray of shape (N, C)
    labels : ndarray of shape (N,)
    """
    logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)

    def draw(temperature, bins):
        from scipy.special import log_softmax

        log_p = log_softmax(logits / temperature, axis=1)
        confidence, right = np.exp(log_p.max(axis=1)), log_p.argmax(axis=1) == labels
        bins = int(bins)
        ax = plot.reliability(confidence, right, bins=bins)
        ax.set_title(f"temperature {temperature:.2f}")
        place = np.minimum((confidence * bins).astype(int), bins - 1)
        gap = np.abs(np.bincount(place, weights=right - confidence)).sum() / len(labels)
        loss = -log_p[np.arange(len(labels)), labels].mean()
        told = f"temperature {temperature:.2f}, {bins} bins: calibration error {gap:.4f}, loss {loss:.4f}"
        return ax, f"{told}; mean confidence {confidence.mean():.3f}, {right.mean():.1%} right."

    explore(draw, temperature=(0.5, 3.0, 0.1, 1.0), bins=(5.0, 20.0, 1.0, 10.0))
