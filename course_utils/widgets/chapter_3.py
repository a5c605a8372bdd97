"""Chapter 3's widgets: descent, the chain rule, a decision boundary that grows."""

import functools

import numpy as np

from course_utils import data, plot

from .panel import explore


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
