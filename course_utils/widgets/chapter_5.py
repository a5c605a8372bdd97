"""Chapter 5's widgets: confusion and calibration."""

import numpy as np

from course_utils import plot

from .panel import explore


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
