"""Chapter 1's widgets: perceptron, activation functions, softmax."""

import numpy as np

from course_utils import data, plot

from .panel import explore


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
