"""Chapter 4's widgets: capacity, dropout, optimizers, schedules."""

import functools
import warnings

import numpy as np

from course_utils import data, plot

from .panel import explore


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
