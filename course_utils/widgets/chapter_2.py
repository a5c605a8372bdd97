"""Chapter 2's widgets: a neuron, losses, the size of the first weights."""

import numpy as np

from course_utils import plot

from .panel import explore


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
