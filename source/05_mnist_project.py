# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Chapter 5: A Practical Project, MNIST
#
# Seventy thousand handwritten digits, and all the steps of a real project. At the end, your network reads a digit drawn by you.
#
# **What you will be able to do**
#
# - Prepare images so that nothing leaks from the test into the training.
# - Train a network in PyTorch, on a GPU if there is one.
# - Say where it errs, and how far its probabilities can be trusted.
# - Choose settings by an honest search, and touch the test images once.
# - Save, load and resume, safely.
#
# You need Chapters 1 and 2. What this chapter takes from Chapters 3 and 4 is told in Section 5.1.

# %% [markdown]
# The steps:
#
# ```mermaid
# %%{init: {"themeVariables": {"lineColor": "#888888"}}}%%
# flowchart LR
#     accTitle: The steps of a project
#     accDescr: Look at the data, split them, train, examine the mistakes and choose settings on validation data, test once, save and use.
#     A["look"] --> B["split,<br>normalize"]
#     B --> C["train"]
#     C --> D["examine"]
#     D --> E["choose"]
#     E --> C
#     E --> F["test,<br>once"]
#     F --> G["save,<br>use"]
# ```
#
# *The same in words: look → split and normalize → train → examine → choose, and train again; then test once, save and use.*
#
# The first cell is for machines without the course, such as Google Colab, where you can borrow a GPU.

# %%
import sys
from importlib import invalidate_caches, metadata, util
from subprocess import run

install = False  # True lets this cell install what is missing on Colab or another lone machine

needed = ["course_utils", "matplotlib", "sklearn", "ipywidgets", "anywidget", "pooch", "safetensors"]
missing = [name for name in needed if util.find_spec(name) is None]
wheel = "Put the course's deep_learning_fundamentals-*.whl beside this notebook (Colab: folder, upload)"
if missing and not install:
    raise RuntimeError(f"Missing: {', '.join(missing)}. {wheel}, set install = True, run this again.")
course = ["--no-deps", "--no-index", "--find-links=.", "deep-learning-fundamentals"]
light = [name.replace("sklearn", "scikit-learn") for name in missing if name != "course_utils"]
light += [f"{name}=={metadata.version(name)}" for name in ("numpy", "torch")]  # they stay as they are
for what, cure in [(course, wheel), (light, "Check the network")] if missing else []:
    pip = run([sys.executable, "-m", "pip", "install", "-qq", *what], capture_output=True, text=True)
    if pip.returncode:
        raise RuntimeError(f"{pip.stderr.strip()}\n{cure} and run this cell again.")
invalidate_caches()
assert all(map(util.find_spec, missing)), "Installed: restart the kernel (menu Kernel), then run on."

# %% nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "setup"}
import math
import pickle
import tempfile
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from scipy import stats
from sklearn import linear_model, metrics, model_selection
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import course_utils
from course_utils import check, data, drawing, nets, plot, widgets

device = course_utils.device()

# %% [markdown]
# ## 5.1 What you need to know of training
#
# *If you have done Chapters 3 and 4, go on with Section 5.2.*
#
# Training makes the loss smaller in small steps. A **step** takes a few samples, a **batch**, and does four things:
#
# ```python
# loss = F.cross_entropy(model(X), y)  # forward: how wrong is the network on this batch?
# optimizer.zero_grad()        # forget the slopes of the step before: PyTorch adds new ones to them
# loss.backward()              # for each parameter: how steeply does the loss change with it?
# optimizer.step()             # move each parameter a little, against its slope
# ```
#
# PyTorch finds all slopes itself, by walking back through the computation it has recorded: **autograd**. The **optimizer** decides how far each parameter moves: in the plainest case, the learning rate times the slope. **AdamW** keeps averages of each parameter's slopes, sizes its steps by them, and shrinks all parameters a little each time (**weight decay**). An **epoch** is one pass over all training samples, in random order. A **schedule** changes the learning rate on the way: up in the beginning (**warm-up**), then down, often along a **cosine**.
#
# A network can learn its training samples by heart and fail on others: **overfitting**. Only samples that it never trained on show this, the **validation data**. Against overfitting, **dropout** sets random activations to 0 in each training step and enlarges the others. **Batch normalization** brings the pre-activations of each neuron to mean 0 and standard deviation 1 over the batch, then to a learned scale and shift; that makes the way down easier. In use, dropout does nothing, and batch normalization takes **running averages** that it kept in training. So a network has two modes: `model.train()` and `model.eval()` switch.

# %% [markdown]
# ## 5.2 Look first
#
# **MNIST** (1998) holds 60,000 images to train with and 10,000 to test with, each of 28 x 28 grey pixels, written by employees of the US Census Bureau and by high-school students. `data.mnist` fetches it once. Without the internet, smaller digits stand in, and some numbers differ.

# %% [markdown]
# ### Example 5.1 - Know your data, and what is easy
#
# Before any network: what type, what range, how many of each class, are there copies?

# %%
raw, raw_labels, source = data.mnist("train")
counts = np.bincount(raw_labels)
print(f"{source}: {raw.shape} {raw.dtype}, from {raw.min()} to {raw.max()}")
print(f"of each digit {counts}; copies: {len(raw) - len({image.tobytes() for image in raw})}")
assert raw.dtype == np.uint8 and counts.min() > 0.5 * counts.max()

# %% [markdown]
# The second row shows the mean image of each class: which digits vary most?

# %%
by_class = [raw[raw_labels == digit] for digit in range(10)]
pictures = [group[0] for group in by_class] + [group.mean(axis=0) for group in by_class]
ax = plot.images(pictures, titles=range(10))
plot.show(
    ax, "above, one image of each digit; below, the mean image of each, blurred where hands differ."
)

# %% [markdown]
# What does a network have to beat? Simple methods tell us, the **baselines**. Ours are: always say 1 (MNIST's commonest digit), take the nearest mean image, and a linear model (one dense layer, 10,000 images). A sixth of the training images is put aside to judge them by, the validation data. `stratify` keeps the shares of the classes. The test images stay untouched.

# %%
train_images, val_images, train_labels, truth = model_selection.train_test_split(
    raw, raw_labels, test_size=1 / 6, stratify=raw_labels, random_state=51
)
table, val_table = (part.reshape(len(part), -1) / np.float32(255) for part in (train_images, val_images))
means = np.stack([table[train_labels == digit].mean(axis=0) for digit in range(10)])
nearest = metrics.pairwise.euclidean_distances(val_table, means).argmin(axis=1)
linear = linear_model.RidgeClassifier().fit(table[:10_000], train_labels[:10_000])
guesses = {"always 1": 1, "nearest mean": nearest, "linear model": linear.predict(val_table)}
baselines = {name: round(float(np.mean(guess == truth)), 3) for name, guess in guesses.items()}
print("share right:", baselines)
assert list(baselines.values()) == sorted(baselines.values())

# %% [markdown]
# ## 5.3 From images to batches
#
# Three parts, three purposes: the network learns from the **training part**, *we* learn from the **validation part**, and the **test part** tells at the end what all of it is worth. Whatever flows from the last two into training is a **leak**, and makes the number measured there too good. Even a mean can leak. So pixels are normalized (mean 0, standard deviation 1) by two numbers taken from the training part alone; the same two serve for all images ever after.

# %% [markdown]
# ### Example 5.2 - A loader, and images made of images
#
# PyTorch wants images as (N, channels, height, width), grey ones with one channel. A `DataLoader` cuts a data set into batches. With `shuffle=True`, each epoch has a new random order; drawn from a `torch.Generator` of our own, it is the same in every run. (`num_workers` would fetch batches in other processes, each with a seed of its own; for images in memory, leave it at 0.)

# %%
pixel_mean, pixel_std = train_images.mean() / 255, train_images.std() / 255


def prepared(images):
    """Images (N, 28, 28) of uint8 as a network gets them: (N, 1, 28, 28), normalized, on the device."""
    X = torch.tensor(images, dtype=torch.float32, device=device)[:, None] / 255
    return (X - pixel_mean) / pixel_std


train_set = prepared(train_images), torch.tensor(train_labels).to(device)
val_set = prepared(val_images), torch.tensor(truth).to(device)
order = torch.Generator().manual_seed(52)
loader = DataLoader(TensorDataset(*train_set), batch_size=128, shuffle=True, generator=order)
some, some_labels = next(iter(loader))
print(f"pixels: {pixel_mean:.4f} ± {pixel_std:.4f}; a batch: {tuple(some.shape)}, {some_labels.dtype}")
assert some.shape == (128, 1, 28, 28) and abs(val_set[0].mean()) < 0.05

# %% [markdown]
# A digit moved by two pixels is the same digit. **Augmentation** makes new training images from old ones in this way, in training only. `nets.shifted` moves each image by up to two pixels each way.

# %%
one, moved = some[:1], nets.shifted(some[:1].repeat(9, 1, 1, 1), order)
ax = plot.images(torch.cat([one, moved])[:, 0].cpu(), titles=["original", *["moved"] * 9])
plot.show(ax, "one digit, and nine copies of it, each moved a little.")
assert len(moved.cpu().unique(dim=0)) > 4

# %% [markdown]
# In a `DataLoader`, `collate_fn`, a function of a list of samples, makes the batch. `make_loaders` returns a dict of three loaders, `train`, `val` and `test`. Each yields pairs of images (float32) and labels (int64) and leaves no sample out, so its last batch may be smaller. `train` has a new order in each epoch, drawn from `generator`, and each of its batches goes through `augment`, if there is one. `val` and `test` keep the order of their places and are never augmented.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "data-preparation-task"}
# ### Exercise 5.1 - Splits, one scale, batches (8 points, 45 minutes, core)
#
# **(a)** `stratified_split(y, fractions, rng)`: three int64 arrays of places in `y` (training, validation, test), drawn with `rng`, in any order; each place is in exactly one. Of a class with n samples, each part gets its fraction of n, off by less than 1; but training gets at least one. Negative fractions, or a sum other than 1 (within 1e-9), raise a `ValueError`.
#
# **(b)** `Normalizer`: `fit(X)` takes mean and standard deviation over all pixels of `X / 255` and returns `self`; a deviation of 0 counts as 1. `transform(X)` returns `(X / 255 - mean) / std` as a float32 tensor. `X` is an array (N, 1, 28, 28) of uint8; floats from 0 to 1 are not divided by 255.
#
# **(c)** `make_loaders`, as described above. Change no input.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "data-preparation"}
def stratified_split(y, fractions, rng):
    """Places of the samples for training, validation and test, class by class.

    y: (N,) integers; fractions: three numbers that add up to 1; rng: Generator
    returns: three int64 arrays
    raises: ValueError for other fractions
    """
    ### BEGIN SOLUTION
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"fractions must add up to 1, not {fractions}")
    parts = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        first = max(1, round(fractions[0] * len(places)))
        second = max(first, round((fractions[0] + fractions[1]) * len(places)))
        for part, chosen in zip(parts, np.split(places, [first, second]), strict=True):
            part.append(chosen)
    return tuple(np.concatenate(part).astype(np.int64) for part in parts)
    ### END SOLUTION


class Normalizer:
    """Brings pixels to mean 0 and standard deviation 1, by numbers taken from the training images."""

    def fit(self, X):
        """X: (N, 1, 28, 28), uint8 or floats from 0 to 1; returns: self."""
        ### BEGIN SOLUTION
        pixels = self._unit(X)
        self.mean, self.std = float(pixels.mean()), float(pixels.std()) or 1.0
        return self
        ### END SOLUTION

    def transform(self, X):
        """X: like in fit; returns: float32 tensor of the same shape."""
        ### BEGIN SOLUTION
        return torch.from_numpy((self._unit(X) - self.mean) / self.std).float()

    @staticmethod
    def _unit(X):
        X = np.asarray(X)
        return X / 255.0 if X.dtype == np.uint8 else X.astype(np.float64)
        ### END SOLUTION


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    """Batches for training, validation and test.

    X: tensor (N, 1, 28, 28) float32; y: (N,) integers; splits: three arrays of places; generator: torch.Generator
    augment: function of a batch (B, 1, 28, 28), for training only
    returns: dict of three DataLoaders, "train", "val" and "test"
    """
    ### BEGIN SOLUTION
    labels = torch.as_tensor(np.asarray(y), dtype=torch.int64)

    def gather(samples):
        images, targets = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), targets

    loaders = {}
    for name, places in zip(("train", "val", "test"), splits, strict=True):
        chosen = TensorDataset(X[torch.as_tensor(places)], labels[torch.as_tensor(places)])
        options = (
            {"shuffle": True, "generator": generator, "collate_fn": gather} if name == "train" else {}
        )
        loaders[name] = DataLoader(chosen, batch_size=batch_size, **options)
    return loaders
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 3, "grade_id": "data-preparation-check"}
def epochs_of(make_loaders, parts, seed):
    X = torch.arange(12.0).reshape(12, 1, 1, 1).repeat(1, 1, 28, 28)
    loaders = make_loaders(X, np.arange(12), parts, 4, torch.Generator().manual_seed(seed))
    epochs = [list(loaders[name]) for name in ("train", "train", "val")]
    kinds = [f"{images.dtype} {targets.dtype} {targets.ndim}-D" for images, targets in epochs[0]]
    return [[targets.flatten().tolist() for _, targets in epoch] for epoch in epochs], kinds[0]


y = np.repeat([0, 1, 2], [60, 30, 10])
parts = stratified_split(y, (0.7, 0.2, 0.1), np.random.default_rng(1))
check.equal([len(part) for part in parts], [70, 20, 10], what="the sizes of the three parts")
check.equal(sorted(np.concatenate(parts).tolist()), list(range(100)), what="all places, sorted")
check.equal(np.bincount(y[parts[1]]).tolist(), [12, 6, 2], what="the classes in the validation part")
check.raises(ValueError, stratified_split, y, (0.7, 0.2, 0.2), np.random.default_rng(1), what="sum 1.1")
shades = np.random.default_rng(5).integers(0, 200, size=(3, 1, 28, 28)).astype(np.uint8)
right, norm = (shades - shades.mean()) / shades.std(), Normalizer().fit(shades)
hints = {"each pixel has its own mean": (shades - shades.mean(axis=0)) / shades.std(axis=0)}
check.close(norm.transform(shades).numpy(), right, atol=1e-4, what="transform after fit", hints=hints)
check.close(norm.transform(shades / 255.0).numpy(), right, atol=1e-4, what="transform of floats")
hints = {"use mean and std of fit": (shades[:1] - shades[:1].mean()) / shades[:1].std()}
check.close(norm.transform(shades[:1]).numpy(), right[:1], atol=1e-4, what="one image", hints=hints)
parts = np.arange(6), np.array([9, 7, 11, 6, 8]), np.array([10])
(one, two, val), kind = check.student_side(epochs_of)(make_loaders, parts, 3)
check.equal(kind, "torch.float32 torch.int64 1-D", what="the dtypes of images and labels")
check.equal([len(batch) for batch in one], [4, 2], what="the sizes of training batches")
check.that(one != two, "Two epochs of training have the same order.")
check.equal(val, [[9, 7, 11, 6], [8]], what="the labels of val (in the order of its places)")
check.passed("stratified_split, Normalizer and make_loaders")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 5, "grade_id": "data-preparation-hidden"}
# Tested with tiny classes, other fractions, constant images, absurd validation images, other batch sizes, and an
# augmentation that leaves a mark.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(501)
cases = [
    ([50, 31, 7], (0.6, 0.2, 0.2)),
    ([3, 4, 200], (0.8, 0.1, 0.1)),
    ([1, 2, 3, 5], (0.5, 0.25, 0.25)),
    ([20, 20], (1.0, 0.0, 0.0)),
    ([60, 20], (0.6, 0.3, 0.1)),  # 0.6 + 0.3 is a little less than 0.9
    ([9, 17], (0.1, 0.45, 0.45)),
    ([6, 6, 6], (0.34, 0.33, 0.33)),
]
given = [rng.permutation(np.repeat(np.arange(len(counts)) * 3, counts)) for counts, _ in cases]
kept = [labels.copy() for labels in given]
calls = [
    (labels, fractions, np.random.default_rng(seed))
    for labels, (_, fractions) in zip(given, cases, strict=True)
    for seed in (5, 5, 6)
]
runs = check.each(stratified_split, calls)
for at, (counts, fractions) in enumerate(cases):
    labels, (got, again, other) = kept[at], runs[3 * at : 3 * at + 3]
    which = f"for fractions {fractions}"
    check.hidden.unchanged(given[at], labels, what="y")
    check.hidden.equal(
        [np.asarray(part).dtype.name for part in got], ["int64"] * 3, what="the dtypes of the places"
    )
    everything = np.sort(np.concatenate(got))
    check.hidden.equal(everything, np.arange(len(labels)), what=f"all places together {which}")
    for label, count in zip(np.arange(len(counts)) * 3, counts, strict=True):
        shares = [int((labels[np.asarray(part, dtype=int)] == label).sum()) for part in got]
        check.hidden.that(shares[0] >= 1, f"A class has no sample for training {which}.")
        if count * fractions[0] >= 1:
            off = max(
                abs(share - fraction * count) for share, fraction in zip(shares, fractions, strict=True)
            )
            check.hidden.within(
                off, 0, 1 - 1e-9, what=f"by how many samples a part of a class is off {which}"
            )
    for one, same in zip(got, again, strict=True):
        check.hidden.equal(np.sort(one), np.sort(same), what="a part for an rng of the same seed")
    if min(fractions) > 0 and len(labels) > 50:
        differs = set(np.asarray(got[0]).tolist()) != set(np.asarray(other[0]).tolist())
        check.hidden.that(differs, "Another seed of rng gives the same parts.")


@check.student_side
def refused(stratified_split, y, fractions, seed):
    """Evidence: the names of the classes of the error that comes out."""
    try:
        stratified_split(y, fractions, np.random.default_rng(seed))
    except Exception as error:
        return tuple(kind.__name__ for kind in type(error).__mro__)
    return ()


odd = [(0.5, 0.3, 0.3), (0.5, 0.2, 0.2), (1.2, -0.1, -0.1), (0.5, 0.3, 0.200005)]
nine = np.zeros(9, dtype=int)
met = check.each(refused, [(stratified_split, nine, fractions, 7) for fractions in odd])
for fractions, names in zip(odd, met, strict=True):
    check.hidden.that("ValueError" in names, f"fractions {fractions} must raise ValueError.")


@check.student_side
def scaled(Normalizer, train, bright, shown, floats):
    """Evidence: what fit returns, and what transform gives, each with its kind, after several fits."""
    import torch

    def plain(got):
        return isinstance(got, torch.Tensor), str(got.dtype), got.numpy().copy()

    norm = Normalizer()
    classes = type(norm.fit(train)).__name__, type(norm).__name__
    again = norm.fit(bright)
    norm.fit(train)  # changes what fit has returned, for that is the same object
    change = plain(again.transform(bright))[2] - plain(norm.transform(bright))[2]
    others = [plain(norm.transform(images)) for images in (*shown, *floats)]
    owns = [
        plain(Normalizer().fit(images).transform(train[: len(images)]))
        for images in (train[:1], *floats)
    ]
    dark = Normalizer().fit(0 * train)
    flat, complaints = check.quiet(dark.transform, 0 * train)
    return classes, change, tuple(others), tuple(owns), plain(flat)[2], complaints


train = rng.integers(0, 256, size=(6, 1, 28, 28)).astype(np.uint8)
train[:, :, :9] = 0
poisoned = np.full((2, 1, 28, 28), 255, dtype=np.uint8)
faint = rng.integers(0, 2, size=(2, 1, 28, 28)).astype(np.uint8)
shown, unit = [train, poisoned, train[:1], faint], train / 255.0
floats = [unit[:3].astype(np.float32), unit.copy()]
kept = [images.copy() for images in (train, *floats)]
classes, change, others, owns, flat, complaints = scaled(Normalizer, train, poisoned, shown, floats)
check.hidden.equal(classes[0], classes[1], what="the kind of what fit returns (self)")
check.hidden.close(change, np.zeros(poisoned.shape), what="the change after another fit (return self)")
for now, before, what in zip((train, *floats), kept, ("X", "X of floats", "X of floats"), strict=True):
    check.hidden.unchanged(now, before, what=what)
what = "transform of other images (by the numbers of fit; what is uint8 is divided by 255)"
told = [what] * 4 + ["transform of floats"] * 2
pixels = [*(images / 255.0 for images in shown), *floats]
for (is_tensor, kind, got), images, what in zip(others, pixels, told, strict=True):
    right = (images - unit.mean()) / unit.std()
    check.hidden.that(is_tensor, "transform returns no torch tensor.")
    hints = {
        "the images were scaled by their own mean and std": (images - images.mean())
        / max(images.std(), 1e-9)
    }
    hints["it was not divided by 255, or twice"] = (255 * images - unit.mean()) / unit.std()
    check.hidden.close(got, right, rtol=1e-4, atol=1e-5, what=what, hints=hints)
    check.hidden.equal(kind, "torch.float32", what="the dtype of transform")
# 784 pixels are few enough to tell N from N - 1
what = ["transform after fit on one image", *["transform after fit on floats"] * 2]
for (_, _, got), images, told in zip(owns, (unit[:1], *floats), what, strict=True):
    right = (images - images.mean()) / images.std()
    hints = {
        "the standard deviation is divided by N - 1, not by N": (images - images.mean())
        / images.std(ddof=1)
    }
    check.hidden.close(got, right, rtol=1e-4, atol=1e-5, what=told, hints=hints)
check.hidden.close(flat, np.zeros(train.shape), what="transform of black images")
check.hidden.equal(complaints, [], what="the list of warnings for images that are all equal")


@check.student_side
def batches_of(make_loaders, numbers, labels, splits, batch_size, seed, mark, drawn):
    """Evidence: for two rounds, what each loader yields, as first pixels and labels; lengths and dtypes."""
    import torch

    X = torch.tensor(numbers).reshape(-1, 1, 1, 1).repeat(1, 1, 28, 28)
    before = X.clone()
    seen = []
    augment = (lambda images: (seen.append(len(images)), images + mark)[1]) if mark else None
    generator = torch.Generator().manual_seed(seed)
    torch.rand(drawn, generator=generator)
    loaders = make_loaders(X, labels, splits, batch_size, generator, augment)
    rounds = []
    for _ in (1, 2):
        told = {}
        for name in sorted(loaders):
            pairs = [(images, targets) for images, targets in loaders[name]]
            told[name] = tuple(
                (tuple(images[:, 0, 0, 0].tolist()), tuple(targets.tolist()))
                for images, targets in pairs
            )
            shapes = [
                (tuple(images.shape[1:]), str(images.dtype), str(targets.dtype))
                for images, targets in pairs
            ]
            told[name + " kinds"] = tuple(sorted(set(shapes)))
        rounds.append(told)
    return tuple(rounds), bool(torch.equal(X, before)), tuple(seen)


numbers = rng.normal(size=30).astype(np.float32)
labels = rng.integers(0, 10, size=30).astype(np.uint8)
order = rng.permutation(30)
splits = order[:17], order[17:24], order[24:]
several = ((1, 0), (1, 0), (2, 0), (1, 9))
manners = [(4, 0.0, several), (6, 100.0, several[:1]), (40, 0.0, several[:1])]
found = check.each(
    batches_of,
    [
        (make_loaders, numbers, labels, splits, batch_size, seed, mark, drawn)
        for batch_size, mark, starts in manners
        for seed, drawn in starts
    ],
)
for batch_size, mark, starts in manners:
    runs = [found.pop(0) for _ in starts]
    rounds, untouched, seen = runs[0]
    which = f"for batch_size = {batch_size}"
    check.hidden.that(untouched, "X was changed.")
    check.hidden.equal(
        sorted(name for name in rounds[0] if " " not in name), ["test", "train", "val"], what="the names"
    )
    for name, places in zip(("train", "val", "test"), splits, strict=True):
        added = mark if name == "train" else 0.0
        sizes = [len(targets) for _, targets in rounds[0][name]]
        full, rest = divmod(len(places), batch_size)
        check.hidden.equal(
            sizes, [batch_size] * full + [rest] * (rest > 0), what=f"the batch sizes of {name} {which}"
        )
        kinds = [((1, 28, 28), "torch.float32", "torch.int64")]
        check.hidden.equal(rounds[0][name + " kinds"], kinds, what=f"shape and dtypes of {name}")
        pixels = np.concatenate([values for values, _ in rounds[0][name]])
        targets = np.concatenate([values for _, values in rounds[0][name]])
        where = np.array([np.abs(numbers[places] + added - pixel).argmin() for pixel in pixels])
        right = numbers[places][where] + added
        what = f"the images of {name} {which} (augment is for training alone)"
        check.hidden.close(pixels, right, rtol=1e-5, atol=1e-4, what=what)
        numbered = np.arange(len(places))
        check.hidden.equal(np.sort(where), numbered, what=f"whether each sample of {name} comes once")
        check.hidden.equal(targets, labels[places][where], what=f"the labels of {name} {which}")
        if name != "train":
            check.hidden.equal(where, numbered, what=f"the order of {name}, which is fixed,")
            again = rounds[1][name] == rounds[0][name]
            check.hidden.that(again, f"The second round of {name} is not like the first.")
    check.hidden.that(rounds[0]["train"] != rounds[1]["train"], "Two epochs of training have one order.")
    if len(runs) > 1:
        _, same, other, later = (one[0] for one in runs)
        check.hidden.that(same == rounds, "A generator of the same seed gives other batches.")
        differs = other[0]["train"] != rounds[0]["train"]
        check.hidden.that(differs, "Another seed gives the same batches.")
        told = "A generator that has drawn numbers before gives the same batches as a new one."
        check.hidden.that(later[0]["train"] != rounds[0]["train"], told)
    if mark:
        sizes = [len(targets) for one in rounds for _, targets in one["train"]]
        check.hidden.equal(
            seen, sizes, what="the numbers of images that augment gets at a time (a batch)"
        )
### END HIDDEN TESTS

# %% [markdown]
# ## 5.4 Train
#
# A loop over epochs needs two functions: one takes an epoch of steps, one judges. Two things often go wrong. The mean loss must count *samples*: the last batch may be smaller than the others. And judging must leave no trace: same mode, parameters and running averages afterwards. `torch.no_grad()` or `torch.inference_mode()` around a computation keeps PyTorch from recording it, which saves memory and time.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "train-and-evaluate-task"}
# ### Exercise 5.2 - One epoch, and an honest evaluation (7 points, 35 minutes, core)
#
# `loader` yields pairs of tensors, perhaps only for one pass; `loss_fn(logits, y)` gives the mean loss of a batch as a tensor. Move each batch to `device`; `model` is there already.
#
# **(a)** `train_one_epoch`: put the model into training mode, and for each batch take one step: clear the slopes, forward, backward, `optimizer.step()`. Return the mean loss over all samples (each batch before its step, counted by its size), a float.
#
# **(b)** `evaluate`: with the model in use and no slopes recorded, return mean loss and share of right answers over all samples, two floats. Afterwards, the model is in the mode in which it came; parameters, slopes and running averages are as before.
#
# The model gives logits: apply no softmax.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "train-and-evaluate"}
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    """One step for each batch. returns: the mean loss over the samples (float)."""
    ### BEGIN SOLUTION
    model.train()
    total, count = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total, count = total + loss.item() * len(y), count + len(y)
    return total / count
    ### END SOLUTION


def evaluate(model, loader, loss_fn, device):
    """Judge a model on all batches. returns: mean loss and share of right answers (two floats)."""
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.inference_mode():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += int((logits.argmax(dim=1) == y).sum())
            count += len(y)
    model.train(training)
    return total / count, right / count
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 3, "grade_id": "train-and-evaluate-check"}
def tried(train_one_epoch, evaluate, X, y, W):
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Dropout(0.0)).double().eval()
    model[0].weight.data, cpu = torch.tensor(W), torch.device("cpu")
    loader = [(torch.tensor(X[:3]), torch.tensor(y[:3])), (torch.tensor(X[3:]), torch.tensor(y[3:]))]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    before, mode = evaluate(model, loader, F.cross_entropy, cpu), model.training
    loss = train_one_epoch(model, loader, optimizer, F.cross_entropy, cpu)
    return before, loss, [mode, model.training], model[0].weight.detach().numpy()


X, y = np.array([[1.0, 0], [0, 2], [1, 1], [3, -1]]), np.array([0, 1, 0, 1])  # batches of 3 and 1
W = np.array([[0.5, 0], [0, -0.5]])
both = train_one_epoch, evaluate
before, loss, modes, moved = check.student_side(tried)(*both, X, y, W)
hints = {"batches of 3 and 1 count alike": [1.006731, 1 / 3], "it is a sum": [3.413862, 0.5]}
hints["the model gives logits, no softmax is due"] = [0.742012, 0.5]
check.close(before, [0.853466, 0.5], rtol=1e-5, what="loss and share of evaluate", hints=hints)
check.equal(modes, [False, True], what="model.training [after evaluate, after train_one_epoch]")
hints = {"the slopes are not cleared": [[-0.6125475, 0.0449553], [1.1125475, -0.5449553]]}
hints["only the last batch counts"] = [[-0.5965879, 0.3655293], [1.0965879, -0.8655293]]
hints["no step is taken"] = W
right = [[-0.7202945, 0.2438179], [1.2202945, -0.7438179]]
check.close(moved, right, rtol=1e-5, what="the weights after train_one_epoch", hints=hints)
hints = {"batches of 3 and 1 count alike": 1.433084, "it is the last batch's": 2.165970}
check.close(loss, 1.066642, rtol=1e-5, what="the loss of train_one_epoch", hints=hints)
check.passed("train_one_epoch and evaluate")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "train-and-evaluate-hidden"}
# Tested with dropout and batch normalization inside, short last batches, models that arrive in either mode, a loss,
# an optimizer and batches that note each call, and against steps taken one by one.
### BEGIN HIDDEN TESTS
@check.student_side
def an_epoch(train_one_epoch, X, y, sizes, first, arrives_training):
    """Evidence: the returned loss and its kind, weights afterwards, calls in order, modes seen, devices asked for."""
    import torch
    from torch import nn
    from torch.nn import functional

    model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4)).double()
    for parameter, value in zip(model.parameters(), first, strict=True):
        parameter.data = torch.tensor(value)
    model.train(arrives_training)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    told, modes, softmaxed = [], [], []

    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model

        def forward(self, X):
            modes.append(self.inner.training)
            told.append("forward")
            return self.inner(X)

    def loss_fn(logits, targets):
        softmaxed.append(bool(((logits.detach().sum(dim=1) - 1).abs() < 1e-9).all()))
        return functional.cross_entropy(logits, targets)

    take = optimizer.step
    optimizer.step = lambda *args, **kwargs: (told.append("step"), take(*args, **kwargs))[1]
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    batches, start = [], 0
    for size in sizes:
        batches.append((torch.tensor(X[start : start + size]), torch.tensor(y[start : start + size])))
        start += size
    watched = Watched().train(arrives_training)
    loss = train_one_epoch(watched, iter(batches), optimizer, loss_fn, torch.device("cpu"))
    weights = np.concatenate([parameter.detach().numpy().ravel() for parameter in model.parameters()])
    return loss, type(loss).__name__, weights, told, modes, softmaxed, watched.training


def by_hand(X, y, sizes, first):
    """The same epoch, step by step in NumPy: the chain rule and the momentum written out."""
    weights, velocity, losses, start = [value.copy() for value in first], [0.0] * 6, [], 0
    for size in sizes:
        chosen = slice(start, start + size)
        W, b, scale, shift, V, c = weights
        Z = X[chosen] @ W.T + b
        root = np.sqrt(Z.var(axis=0) + 1e-5)
        normal = (Z - Z.mean(axis=0)) / root
        H = scale * normal + shift
        A = np.maximum(H, 0)
        logits = A @ V.T + c
        d = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        own = np.arange(size), y[chosen]
        losses += [-np.log(d[own]).mean()] * size
        d[own] -= 1
        d /= size
        dH = d @ V * (H > 0)
        dN = dH * scale
        dZ = (dN - dN.mean(axis=0) - normal * (dN * normal).mean(axis=0)) / root
        slopes = dZ.T @ X[chosen], dZ.sum(axis=0), (dH * normal).sum(axis=0), dH.sum(axis=0)
        slopes += d.T @ A, d.sum(axis=0)
        velocity = [0.9 * v + g for v, g in zip(velocity, slopes, strict=True)]
        weights = [weight - 0.2 * v for weight, v in zip(weights, velocity, strict=True)]
        start += size
    return float(np.mean(losses)), np.concatenate([weight.ravel() for weight in weights])


rng = np.random.default_rng(502)
first = [rng.normal(size=shape) for shape in ((5, 3), (5,), (5,), (5,), (4, 5), (4,))]
epochs = []
for sizes in ([4, 4, 2], [7], [3, 2], [3, 5, 2]):
    X, y = rng.normal(size=(sum(sizes), 3)), rng.integers(0, 4, size=sum(sizes))
    modes = (True, False) if len(sizes) != 2 else (False,)
    epochs += [(X, y, sizes, by_hand(X, y, sizes, first), mode) for mode in modes]
runs = check.each(
    an_epoch, [(train_one_epoch, X, y, sizes, first, mode) for X, y, sizes, _, mode in epochs]
)
for (_, _, sizes, (expected, weights), _), found in zip(epochs, runs, strict=True):
    loss, word, got, told, modes, softmaxed, after = found
    which = f"for {len(sizes)} batches"
    what = "whether the model is in training mode for each batch"
    check.hidden.equal(modes, [True] * len(sizes), what=what)
    check.hidden.equal(told.count("step"), len(sizes), what=f"the number of steps {which}")
    check.hidden.that(not any(softmaxed), "loss_fn got probabilities: it wants logits.")
    what = f"the parameters after an epoch {which} (are the slopes cleared?)"
    check.hidden.close(got, weights, rtol=1e-7, what=what)
    check.hidden.close(loss, expected, rtol=1e-7, what=f"the loss of train_one_epoch {which}")
    check.hidden.equal(word, "float", what="the kind of the loss")
    check.hidden.that(after, "After train_one_epoch the model must be in training mode.")


@check.student_side
def judged(evaluate, X, y, sizes, training, seed):
    """Evidence: loss and share by evaluate, their kinds, and what it left behind."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.default_generator.manual_seed(seed)  # torch.manual_seed takes its time
    model = (
        nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 4))
        .double()
        .train(training)
    )
    model[1].running_mean += 0.3
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    model[0].bias.requires_grad_(False)
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    recorded, batches, start = [], [], 0

    def loss_fn(logits, targets):
        recorded.append(bool(logits.requires_grad))
        return functional.cross_entropy(logits, targets)

    for size in sizes:
        batches.append((torch.tensor(X[start : start + size]), torch.tensor(y[start : start + size])))
        start += size
    got = evaluate(model, iter(batches), loss_fn, torch.device("cpu"))
    same = all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
    slopes = all(
        p.grad is not None and torch.equal(p.grad, torch.ones_like(p)) for p in model.parameters()
    )
    wanted = [parameter.requires_grad for parameter in model.parameters()]
    same = same and wanted == [True, False, *[True] * 4]
    was = model.training, [module.training for module in model]
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor(X)).numpy()
    return tuple(got), [type(one).__name__ for one in got], same and slopes, was, recorded, logits


cases = []
for sizes in ([5, 5, 2], [8], [2, 3], [2, 5, 3]):
    X, y = rng.normal(size=(sum(sizes), 3)), rng.integers(0, 4, size=sum(sizes))
    modes = (True, False) if len(sizes) != 2 else (False,)
    cases += [(X, y, sizes, mode, 10) for mode in modes]
runs = check.each(judged, [(evaluate, *case) for case in cases])
for (_, y, _, training, _), found in zip(cases, runs, strict=True):
    got, kinds, same, was, recorded, logits = found
    losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(y)), y]
    what = "the loss of evaluate (dropout and batch norm in use)"
    check.hidden.close(got[0], losses.mean(), rtol=1e-7, what=what)
    what = "the share of right answers of evaluate"
    check.hidden.close(got[1], (logits.argmax(axis=1) == y).mean(), what=what)
    check.hidden.equal(kinds, ["float", "float"], what="the kinds of what evaluate returns")
    check.hidden.that(same, "evaluate changed parameters, slopes or running averages.")
    what = "the mode of the model and its parts after evaluate"
    check.hidden.equal(was, (training, [training] * 4), what=what)
    check.hidden.that(not any(recorded), "evaluate records slopes: use no_grad or inference_mode.")


@check.student_side
def devices(train_one_epoch, evaluate, X, y):
    """Evidence: the devices that batches were moved to, by a batch that notes them."""
    import torch
    from torch import nn

    asked = []

    class Noting(torch.Tensor):
        def to(self, *args, **kwargs):
            kind = "images" if self.is_floating_point() else "labels"
            asked.append((kind, str(args[0] if args else kwargs.get("device"))))
            return super().to(*args, **kwargs).as_subclass(torch.Tensor)

    model = nn.Linear(3, 4).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batch = torch.tensor(X).as_subclass(Noting), torch.tensor(y).as_subclass(Noting)
    device = torch.device("cpu", 0)
    train_one_epoch(model, [batch], optimizer, nn.functional.cross_entropy, device)
    first = list(asked)
    asked.clear()
    evaluate(model, [batch], nn.functional.cross_entropy, device)
    return first, asked


for asked in devices(train_one_epoch, evaluate, X, y):
    right = [("images", "cpu:0"), ("labels", "cpu:0")]
    check.hidden.equal(sorted(set(asked)), right, what="where images and labels are moved to")
### END HIDDEN TESTS

# %% [markdown]
# ### Example 5.3 - Two networks for digits
#
# A network of your own is a class made from `nn.Module`: `__init__` makes the layers, `forward` says what happens to a batch. Ours is an **MLP**, a multilayer perceptron: dense layers in a row.


# %%
def hidden(D, M, dropout):
    return [nn.Linear(D, M), nn.BatchNorm1d(M), nn.ReLU(), nn.Dropout(dropout)]


class MLP(nn.Module):
    """Images (N, 1, 28, 28) to logits (N, 10)."""

    def __init__(self, width=256, dropout=0.2):
        super().__init__()  # lets nn.Module find the parameters of all layers below
        layers = [*hidden(784, width, dropout), *hidden(width, width, dropout), nn.Linear(width, 10)]
        self.layers = nn.Sequential(nn.Flatten(), *layers)  # Flatten: (N, 1, 28, 28) to (N, 784)

    def forward(self, images):
        return self.layers(images)


# %% [markdown]
# Our loop needs no loader: all images lie in memory, so `X[batch]` is a batch. Interrupting the kernel (■) stops the training and keeps the network. (`nets` is our toolbox: `loss_on` is the loss in use, `epochs` adds some where samples are few, `spread` prints mean ± standard deviation.)


# %%
@torch.no_grad()
def logits_of(model, images):
    model.eval()  # fit calls train() itself; 1,000 images at a time save memory
    return torch.cat([model(part) for part in images.split(1000)])


def fit(model, samples, epochs, lr, augment=lambda batch, random: batch, seed=0, show=False):
    """AdamW, batches of 128, rates up to lr and down again (one cycle); `show` draws the losses."""
    (X, y), random, live = samples, torch.Generator().manual_seed(seed), plot.Live(epochs)
    optimizer, steps = torch.optim.AdamW(model.parameters(), lr=lr), epochs * math.ceil(len(y) / 128)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    for _ in range(epochs):
        model.train()
        total = 0.0
        for batch in torch.randperm(len(y), generator=random).split(128):
            loss = F.cross_entropy(model(augment(X[batch], random)), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            plan.step()
            total += len(batch) * loss.detach()
        if show:
            live.add(training_loss=total / len(y), validation_loss=nets.loss_on(model, val_set))


# %% [markdown]
# A test that finds many mistakes at once: before the first step, the loss must be about $\ln 10 = 2.30$, for the network knows nothing; and twenty images it must be able to learn by heart. (The seed: layers draw weights from PyTorch's global generator.)


# %%
def first(n):
    return train_set[0][:n], train_set[1][:n]


torch.manual_seed(53)
tiny = MLP(dropout=0.0).to(device)
before = nets.loss_on(tiny, val_set)
fit(tiny, first(20), epochs=60, lr=0.01)
after = nets.loss_on(tiny, first(20))
print(f"loss before the first step {before:.2f}; of twenty images after 60 steps {after:.4f}")
assert 2.0 < before < 2.8 and after < 0.05

# %% [markdown]
# Now all training images. Why does the validation loss start *below* the training loss? (Which has dropout? Which is measured after the epoch?)


# %%
def share_right(model):
    return (logits_of(model, val_set[0]).argmax(dim=1) == val_set[1]).float().mean().item()


torch.manual_seed(54)
mlp = MLP().to(device)
fit(mlp, train_set, nets.epochs(8, len(train_images)), lr=3e-3, show=True)
print(f"{share_right(mlp):.2%} of the validation images right")
assert share_right(mlp) > max(0.95, baselines["linear model"])

# %% [markdown]
# To a dense layer, pixels are a list without neighbours. A **convolutional layer** knows where they are. It slides a window of weights, here 3 x 3, over the image: the *same* weights look for one stroke everywhere. 16 windows give 16 images, its channels. **Pooling** then keeps the largest value of each 2 x 2 patch: the image gets smaller, and small shifts matter less. A network of such layers is a **CNN**. Ours needs fewer parameters.


# %%
def make_cnn():
    def look(into, out):
        window = nn.Conv2d(into, out, kernel_size=3, padding=1)  # padding: zeros around the image
        return [window, nn.BatchNorm2d(out), nn.ReLU(), nn.MaxPool2d(2)]  # halves height and width

    end = [nn.Flatten(), *hidden(32 * 7 * 7, 64, 0.25), nn.Linear(64, 10)]
    return nn.Sequential(*look(1, 16), *look(16, 32), *end)


torch.manual_seed(55)
cnn = make_cnn().to(device)
fit(cnn, train_set, nets.epochs(5, len(train_images)), lr=5e-3, augment=nets.shifted, show=True)
mlp_size, cnn_size = (sum(p.numel() for p in model.parameters()) for model in (mlp, cnn))
print(f"{share_right(cnn):.2%} right, with {cnn_size:,} parameters in place of {mlp_size:,}")
assert share_right(cnn) > 0.95 and cnn_size < mlp_size / 2

# %% [markdown]
# Did the augmentation matter? With few images it should matter most. The MLP on 1,000 images, five starts each way. (The smaller digits, all in the middle, gain little.)


# %%
def trained(n, epochs, lr=3e-3, dropout=0.2, seeds=5, **options):
    shares = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        model = MLP(dropout=dropout).to(device)
        fit(model, first(n), epochs, lr, seed=seed, **options)
        shares.append(share_right(model))
    return shares


plain, moved = (trained(1000, nets.epochs(30, 1000), **way) for way in ({}, {"augment": nets.shifted}))
print(f"as they are: {nets.spread(plain, 3)} right; moved: {nets.spread(moved, 3)}")
assert np.mean(moved) > np.mean(plain) + (0.01 if source == "mnist" else -0.01)

# %% [markdown]
# Large networks on a GPU gain from two more lines (ours is too small):
#
# ```python
# model = torch.compile(model)                      # fuses operations; the first step takes long
# with torch.autocast("cuda", dtype=torch.bfloat16):  # 16-bit numbers where they do no harm
#     loss = F.cross_entropy(model(images), labels)
# ```

# %% [markdown]
# ## 5.5 Examine
#
# One number hides much. The **confusion matrix** $M$, (C, C), counts: $M_{ij}$ is the number of samples of class $i$ that were called $j$. For a class $c$, **precision** asks how many of the answers "c" are right, **recall** how many of the class were found, and **F1** is small if either is:
#
# $$ \text{precision}_c = \frac{M_{cc}}{\sum_i M_{ic}}, \qquad \text{recall}_c = \frac{M_{cc}}{\sum_j M_{cj}}, \qquad \text{F1}_c = \frac{2\,\text{precision}_c\,\text{recall}_c}{\text{precision}_c + \text{recall}_c} . $$
#
# **Macro F1** is the plain mean of F1 over all C classes: rare classes count as much as common ones. The **accuracy** is the share of all samples that are right.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "confusion-task"}
# ### Exercise 5.3 - Confusion matrix and report (6 points, 30 minutes, core)
#
# **(a)** `confusion_matrix(y_true, y_pred, num_classes)`: int64 (C, C); the entry in row i, column j is the number of samples of class i that were called j. Both inputs are 1-D lists, arrays or tensors of any integer type, also uint8 with C = 256. A label below 0 or from C on, or different lengths, raise a `ValueError`.
#
# **(b)** `classification_report(cm)`: a dict of floats `accuracy` and `macro_f1` and of float64 arrays (C,) `precision`, `recall`, `f1`, by the formulas above. Wherever a formula divides by 0, the value is 0; the mean of `macro_f1` runs over all C classes. No warnings.
#
# `[[8, 2], [1, 9]]`: accuracy 0.85, precision `[8/9, 9/11]`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "confusion"}
def confusion_matrix(y_true, y_pred, num_classes):
    """Counts by true class (rows) and answer (columns).

    y_true, y_pred: (N,) integers; returns: (C, C) int64
    raises: ValueError for labels outside 0 to C - 1, and for different lengths
    """
    ### BEGIN SOLUTION
    true, answer = np.asarray(y_true).astype(np.int64), np.asarray(y_pred).astype(np.int64)
    if true.shape != answer.shape:
        raise ValueError(f"{true.size} labels, but {answer.size} answers")
    for labels in (true, answer):
        if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError(f"labels must be from 0 to {num_classes - 1}")
    counts = np.bincount(true * num_classes + answer, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes).astype(np.int64)
    ### END SOLUTION


def classification_report(cm):
    """Accuracy, precision, recall and F1 from a confusion matrix. cm: (C, C); returns: dict."""
    ### BEGIN SOLUTION
    right = np.diag(cm).astype(np.float64)

    def share(part, whole):
        return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

    precision, recall = share(right, cm.sum(axis=0)), share(right, cm.sum(axis=1))
    f1 = share(2 * precision * recall, precision + recall)
    accuracy = float(right.sum() / cm.sum()) if cm.sum() else 0.0
    return {
        "accuracy": accuracy,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "macro_f1": float(f1.mean()),
    }
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "confusion-check"}
y_true, y_pred = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 0, 2, 2])
cm, right = confusion_matrix(y_true, y_pred, 3), np.array([[1, 1, 0], [0, 1, 0], [1, 0, 2]])
hints = {"rows and columns are exchanged": right.T, "a pair counts once only": np.minimum(right, 1)}
check.close(cm, right, what="the confusion matrix", hints=hints)
check.equal(cm.dtype.name, "int64", what="its dtype")
true, called = np.array([255, 3], dtype=np.uint8), np.array([255, 4], dtype=np.uint8)
large = confusion_matrix(true, called, 256)
got = [int(large[255, 255]), int(large[3, 4])]
check.equal(got, [1, 1], what="entries (255, 255) and (3, 4) for uint8 labels")
report = classification_report(np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]]))
check.close(report["accuracy"], 0.85, what="accuracy")
hints = {"that is the recall": [0.8, 0.9, 0]}
check.close(report["precision"], [8 / 9, 9 / 11, 0], what="precision", hints=hints)
check.close(report["recall"], [0.8, 0.9, 0], what="recall")
check.close(report["f1"], [0.842105, 0.857143, 0], rtol=1e-5, what="f1")
hints = {"classes without samples must count, too": 0.849624}
check.close(report["macro_f1"], 0.566416, rtol=1e-5, what="macro_f1", hints=hints)
check.raises(ValueError, confusion_matrix, [0, 3], [0, 1], 3, what="a label of 3 for 3 classes")
check.passed("confusion_matrix and classification_report")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "confusion-hidden"}
# Tested with classes that are missing on either side, lists, tensors and several integer types, 100,000 samples, no
# samples at all, and labels that do not fit.
### BEGIN HIDDEN TESTS
def counted(true, answer, C):
    table = np.zeros((C, C), dtype=int)
    np.add.at(table, (true.astype(int), answer.astype(int)), 1)
    return table


@check.student_side
def counts_of(confusion_matrix, true, answer, C, times, as_tensors):
    """Evidence: kind, shape and dtype of the matrix for labels, repeated so often; the entries that are not 0."""
    import torch

    given = (np.tile(true, times), np.tile(answer, times)) if times > 1 else (true, answer)
    if as_tensors:
        given = torch.tensor(true), torch.tensor(answer)
    got = confusion_matrix(*given, C)
    word, table = check.kind(got), np.asarray(got)
    places = np.nonzero(table)
    return word, table.shape, table.dtype.name, places, table[places]


rng = np.random.default_rng(503)
plans = []
for C, N, kind in [
    (2, 30, "int64"),
    (10, 500, "int32"),
    (256, 900, "uint8"),
    (260, 500, "int64"),
    (5, 12, "int8"),
    (4, 60, "uint16"),
    (1, 3, "int64"),
]:
    true = rng.integers(0, max(1, C - 1), size=N).astype(kind)
    answer = rng.integers(0, C, size=N).astype(kind)
    plans.append((true, answer, C, 1, False, f"for {C} classes and {kind} labels"))
    plans.append((true.tolist(), answer.tolist(), C, 1, False, f"of lists for {C} classes"))
true, answer = rng.integers(0, 7, size=40), rng.integers(0, 7, size=40)
for kind in (np.int64, np.uint8, np.int32):
    plans.append((true.astype(kind), answer.astype(kind), 7, 1, True, "of tensors"))
pattern = np.array([3] * 7 + [0, 1, 9]), np.array([3] * 7 + [2, 1, 3])
plans.append((*pattern, 10, 9500, False, "of 95,000 samples"))  # more than 65,535 in one entry
empty = np.zeros(0, dtype=np.int64)
plans.append((empty, empty.copy(), 4, 1, False, "of no samples"))
kept = [(np.array(true), np.array(answer)) for true, answer, *_ in plans]
runs = check.each(counts_of, [(confusion_matrix, *given) for *given, _ in plans])
for (*given, C, times, _, which), before, found in zip(plans, kept, runs, strict=True):
    word, size, dtype, places, entries = found
    check.hidden.that(word in ("array", "list", "tuple"), f"The confusion matrix {which} is no array.")
    check.hidden.equal(size, (C, C), what=f"the shape of the confusion matrix {which}")
    got, right = np.zeros((C, C)), counted(*before, C) * times
    got[places] = entries
    if not np.array_equal(got, right):
        hints = {"rows and columns are exchanged": right.T}
        check.hidden.close(got, right, what=f"the confusion matrix {which}", hints=hints)
    check.hidden.equal(dtype, "int64", what="the dtype of the confusion matrix")
    for now, was, what in zip(given, before, ("y_true", "y_pred"), strict=True):
        check.hidden.unchanged(now, was, what=what)


@check.student_side
def refused(confusion_matrix, true, answer, C):
    """Evidence: the names of the classes of the error that comes out."""
    try:
        confusion_matrix(true, answer, C)
    except Exception as error:
        return tuple(kind.__name__ for kind in type(error).__mro__)
    return ()


pairs = [
    ([0, 1], [0, 4]),
    ([0, -1], [0, 1]),
    ([4, 0], [1, 1]),
    ([0, 1], [-1, 1]),
    ([0, 1], [0]),
    ([0], [1, 0]),
]
pairs = [(np.array(true), np.array(answer)) for true, answer in pairs]
for names in check.each(refused, [(confusion_matrix, *pair, 4) for pair in pairs]):
    check.hidden.that("ValueError" in names, "Labels that do not fit must raise ValueError.")

tables = [rng.integers(0, 9, size=(C, C)) for C in (2, 3, 6)]
holes = rng.integers(1, 9, size=(5, 5))
holes[2], holes[:, 3] = 0, 0
tables += [
    holes,
    np.zeros((3, 3), dtype=np.int64),
    np.diag([4, 0, 2]),
    np.array([[0, 3], [5, 0]]),
    np.array([[7]]),
]
kept = [table.copy() for table in tables]
reports = check.each(check.quiet, [(classification_report, table) for table in tables])
for given, table, (got, complaints) in zip(tables, kept, reports, strict=True):
    C = len(table)
    check.hidden.unchanged(given, table, what="cm")
    check.hidden.equal(complaints, [], what="the list of warnings")
    parts = {"precision": [], "recall": [], "f1": []}
    for c in range(C):
        hit, called, there = int(table[c, c]), int(table[:, c].sum()), int(table[c].sum())
        parts["precision"].append(hit / called if called else 0.0)
        parts["recall"].append(hit / there if there else 0.0)
        parts["f1"].append(2 * hit / (called + there) if hit else 0.0)
    check.hidden.equal(
        sorted(got), ["accuracy", "f1", "macro_f1", "precision", "recall"], what="the keys of the report"
    )
    for name, right in parts.items():
        other = {"precision": "recall", "recall": "precision"}.get(name)
        hints = (
            {"rows and columns are exchanged": parts[other]} if other and parts[other] != right else {}
        )
        check.hidden.close(got[name], right, what=f"{name} for {C} classes", hints=hints)
        check.hidden.equal(check.kind(got[name]), "array", what=f"the kind of {name}")
        check.hidden.equal(np.asarray(got[name]).dtype.name, "float64", what=f"the dtype of {name}")
    total = int(table.sum())
    share = sum(int(table[c, c]) for c in range(C)) / total if total else 0.0
    check.hidden.close(got["accuracy"], share, what="accuracy")
    weights = table.sum(axis=1)
    hints = {"classes are weighted by their size": float(np.dot(weights, parts["f1"]) / max(1, total))}
    hints["that is the accuracy"] = share
    mean = sum(parts["f1"]) / C
    hints = {cause: value for cause, value in hints.items() if abs(value - mean) > 1e-6}
    check.hidden.close(got["macro_f1"], mean, what="macro_f1", hints=hints)
    kinds = [check.kind(got["accuracy"]), check.kind(got["macro_f1"])]
    check.hidden.equal(kinds, ["float", "float"], what="the kinds of accuracy and macro_f1")
### END HIDDEN TESTS

# %% [markdown]
# ### Example 5.4 - Where it errs, and how sure it is
#
# The MLP on the validation images. Which digit do you expect to be hardest?

# %%
p = logits_of(mlp, val_set[0]).softmax(dim=1).cpu().numpy()
answers = p.argmax(axis=1)
print(metrics.classification_report(truth, answers, digits=3))
assert metrics.f1_score(truth, answers, average=None).min() > 0.85

# %% [markdown]
# Open the entries of the matrix: do you see why they were confused?

# %%
widgets.confusion(val_images, truth, answers)

# %% [markdown]
# For which mistakes did the true class get the least probability?

# %%
wrong = np.flatnonzero(answers != truth)
worst = wrong[np.argsort(p[wrong, truth[wrong]])][:10]
titles = [f"{truth[i]} called {answers[i]}" for i in worst]
ax = plot.images(val_images[worst], titles=titles, columns=5, size=(6.4, 2.9))
plot.show(ax, f"the mistakes with the least probability for the true class: {', '.join(titles)}.")
assert len(wrong) > 0 and p[worst[0]].max() > 0.5

# %% [markdown]
# Are a network's probabilities worth anything? Of all answers given with 80 %, 80 % should be right; a network for which this holds is **calibrated**. The **expected calibration error** sorts the answers into bins by their probability, and takes the mean gap between that and the share right, each bin counted by its size. We look at a plain network, without batch norm and dropout, that learned 100 images by heart.


# %%
def calibration_error(p, truth, bins=10):
    sure, right = p.max(axis=1), p.argmax(axis=1) == truth
    bin_of = np.minimum((sure * bins).astype(int), bins - 1)
    return sum(abs((right - sure)[bin_of == b].sum()) for b in range(bins)) / len(truth)


crammer = nn.Sequential(nn.Flatten(), nets.mlp([784, 256, 256, 10], seed=56))
fit(crammer, first(100), epochs=100, lr=3e-3)
logits = logits_of(crammer, val_set[0]).cpu().double()
p = logits.softmax(dim=1).numpy()
sure, right, error = (
    p.max(axis=1).mean(),
    np.mean(p.argmax(axis=1) == truth),
    calibration_error(p, truth),
)
print(f"{right:.1%} right, but {sure:.1%} sure on average; calibration error {error:.3f}")
assert sure > right

# %% [markdown]
# It is too sure of itself, as networks often are. **Temperature scaling** divides all logits by one number $T$, the temperature of Chapter 1. The answers stay; $T > 1$ makes them more modest. $T$ is chosen on one half of the validation images, for the lowest loss, and judged on the other. Then see all bins.

# %%
half, temperatures, targets = len(truth) // 2, np.geomspace(0.5, 5, 50), torch.tensor(truth)
losses = [F.cross_entropy(logits[:half] / T, targets[:half]).item() for T in temperatures]
errors = []
for T in (1.0, temperatures[np.argmin(losses)]):
    errors.append(calibration_error((logits[half:] / T).softmax(dim=1).numpy(), truth[half:]))
    print(f"T = {T:.2f}: calibration error {errors[-1]:.3f} on the other half")
assert errors[1] < 0.7 * errors[0]

# %%
widgets.reliability(logits, truth)

# %% [markdown]
# ## 5.6 Choose
#
# What training does not find itself (learning rate, dropout, width) are **hyperparameters**. A **grid** tries all combinations of a few values. **Random search** draws each value at random, so that nine trials test nine learning rates, not three. Where factors count, as for a learning rate, values are drawn **log-uniformly**: from 0.001 to 0.01 as often as from 0.01 to 0.1. And since every run holds chance, each setting is tried with several seeds.

# %% [markdown]
# ### Example 5.5 - Nine trials, drawn and in a grid
#
# Short trainings on 2,000 images. Where is the best learning rate?

# %%
random = np.random.default_rng(56)
draws = zip(stats.loguniform(1e-4, 1).rvs(9, random), random.uniform(0, 0.6, 9), strict=True)
plans = {"random": list(draws), "grid": [(lr, p) for lr in (0.001, 0.01, 0.1) for p in (0, 0.3, 0.6)]}
ax, best = plot.axes(), []
for plan, mark in zip(plans, "os", strict=True):
    found = [np.mean(trained(2000, 3, lr, dropout, seeds=2)) for lr, dropout in plans[plan]]
    ax.semilogx([lr for lr, _ in plans[plan]], found, mark)
    lr, dropout = plans[plan][np.argmax(found)]
    best.append(f"{plan}, {max(found):.3f} with lr {lr:.4f} and dropout {dropout:.2f}")
    assert max(found) > 0.85
ax.set(xlabel="learning rate", ylabel="validation accuracy")
plot.show(ax, f"circles: random; squares: grid, three columns only. Best: {'; '.join(best)}.")

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "random-search-task"}
# ### Exercise 5.4 - Random search (6 points, 30 minutes, stretch)
#
# **(a)** `log_uniform(low, high)` returns a function of a Generator that draws one float from `low` to `high`, such that its logarithm is uniform.
#
# **(b)** `random_search`: `space` maps names to such functions. For each of `n_trials` trials, draw a value for every name from `rng`, and call `objective(params, seed)` `seeds_per_trial` times, each call of the whole search with another int seed (counting will do). A trial's score is the mean; higher is better; the first wins ties. A trial in which a call raises an `Exception` or returns NaN has the score NaN and never wins.
#
# Return a dict: `trials` (in order, each a dict of `params` and `score`), `best_params` (a copy) and `best_score`; both are `None` if every trial failed.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "random-search"}
def log_uniform(low, high):
    """A function that draws from low to high, uniformly on a log scale. returns: function of a Generator."""
    ### BEGIN SOLUTION
    return lambda rng: float(np.exp(rng.uniform(np.log(low), np.log(high))))
    ### END SOLUTION


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    """Try random settings, each with several seeds.

    space: dict of functions of a Generator; objective: function of (params, seed), higher is better
    returns: dict of best_params, best_score, trials
    """
    ### BEGIN SOLUTION
    best_params, best_score, trials = None, None, []
    for trial in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        first = trial * seeds_per_trial
        try:
            scores = [objective(dict(params), seed) for seed in range(first, first + seeds_per_trial)]
            score = float(np.mean(scores))
        except Exception:
            score = math.nan
        trials.append({"params": params, "score": score})
        if not math.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "random-search-check"}
@check.student_side
def tried(log_uniform, random_search, rng):
    draw, seeds = log_uniform(1e-4, 1.0), []

    def objective(params, seed):
        seeds.append(seed)
        if params["lr"] > 0.5:
            raise RuntimeError("it exploded")
        return -abs(math.log10(params["lr"]) + 2) + params["bonus"]

    space = {"lr": draw, "bonus": lambda rng: float(rng.integers(2))}
    values = np.array([draw(rng) for _ in range(1000)])
    return values, random_search(space, objective, 60, rng, 2), tuple(seeds)


values, found, seeds = tried(log_uniform, random_search, np.random.default_rng(54))
check.within(values, 1e-4, 1.0, what="the values of log_uniform(0.0001, 1)")
told = "Half of the values should lie below 0.01. Likely cause: the values are uniform, their logarithms are not."
check.that(0.42 < np.mean(values < 0.01) < 0.58, told)
check.equal(len(found["trials"]), 60, what="the number of trials")
check.equal(len(set(seeds)), len(seeds), what="the number of different seeds")
scores = np.array([trial["score"] for trial in found["trials"]])
rates = np.array([trial["params"]["lr"] for trial in found["trials"]])
told = "The score is NaN where objective raises, and only there."
check.that(np.array_equal(np.isnan(scores), rates > 0.5), told)
check.close(found["best_score"], np.nanmax(scores), what="best_score")
winner = found["trials"][int(np.nanargmax(scores))]["params"]
check.equal(found["best_params"], winner, what="best_params")
check.within(found["best_params"]["lr"], 0.003, 0.03, what="the best lr")
check.passed("log_uniform and random_search")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "random-search-hidden"}
# Tested on the distribution of log_uniform, the number and the seeds of the calls, ties, failures, NaN, and what happens
# to the results when somebody changes params.
### BEGIN HIDDEN TESTS
@check.student_side
def many(log_uniform, low, high, seed, count):
    """Evidence: values drawn in a row, and the first of another function of the same bounds with the same seed."""
    one, two = log_uniform(low, high), log_uniform(low, high)
    rng, again = np.random.default_rng(seed), np.random.default_rng(seed)
    two(np.random.default_rng(seed + 1))  # a Generator that was there before must not matter
    return np.array([one(rng) for _ in range(count)]), np.array([two(again) for _ in range(count // 5)])


ranges = [(1e-5, 1e-1, 1, 4000), (0.5, 8.0, 2, 1000), (1e-3, 2e-3, 3, 1000), (10.0, 1e6, 4, 1000)]
runs = check.each(many, [(log_uniform, *one) for one in ranges])
for (low, high, _, drawn), (values, again) in zip(ranges, runs, strict=True):
    which = f"of log_uniform({low:g}, {high:g})"
    check.hidden.within(values, low * (1 - 1e-12), high * (1 + 1e-12), what=f"the values {which}")
    check.hidden.shape(values, (drawn,), what=f"the values {which}")
    check.hidden.close(
        again, values[: drawn // 5], what=f"the values {which} for an rng of the same seed"
    )
    place = np.sort((np.log(values) - np.log(low)) / (np.log(high) - np.log(low)))
    steps = np.arange(1, drawn + 1) / drawn
    gap = max(np.abs(place - steps).max(), np.abs(place - steps + 1 / drawn).max())
    # Kolmogorov-Smirnov: beyond 3 / sqrt(drawn) once in 30 million times.
    check.hidden.within(
        gap, 0, 3 / np.sqrt(drawn), what=f"how far the logarithms {which} are from uniform ones"
    )


@check.student_side
def searched(random_search, lists, n_trials, seeds_per_trial, seed, manner, fixed=None):
    """Evidence: the result of a search, with the calls that objective got. No two draws give quite the same value."""
    calls, draws = [], []

    def items(params):  # plain tuples cross faster than dicts
        return tuple(sorted(params.items())) if isinstance(params, dict) else params and "no dict"

    def drawer(values):
        def draw(rng):
            draws.append(values[int(rng.integers(len(values)))] + 1e-6 * len(draws))
            return draws[-1]

        return draw

    def scored(params, seed):
        calls.append((dict(params), seed))
        turn = sum(one == params for one, _ in calls)
        if params["a"] < 0 and (manner == "raises" or (manner == "second raises" and turn == 2)):
            raise ZeroDivisionError("planned")
        if params["a"] < 0 and (manner == "nan" or (manner == "second is nan" and turn == 2)):
            return float("nan")
        score = params["a"] + 0.01 * (seed % 7) if fixed is None else fixed
        if manner == "spoils":
            params["a"] = -99.0
        return score

    space = {name: drawer(values) for name, values in lists.items()}
    found = random_search(space, scored, n_trials, np.random.default_rng(seed), seeds_per_trial)
    trials = tuple((items(trial["params"]), trial["score"]) for trial in found["trials"])
    told = tuple((items(params), seed) for params, seed in calls)
    return items(found["best_params"]), found["best_score"], trials, told, len(draws)


lists = {"a": [-2.0, -1.0, 0.5, 1.0, 2.0, 3.0], "b": [10.0, 20.0]}
manners = ("plain", "ties", "raises", "nan", "second raises", "second is nan", "spoils")
plans = [
    (manner, n_trials, per_trial) for manner in manners for n_trials, per_trial in ((12, 1), (7, 3))
]
runs = check.each(
    searched,
    [
        (random_search, lists, n_trials, per_trial, 21, manner, 0.0 if manner == "ties" else None)
        for manner, n_trials, per_trial in plans
    ],
)
for (manner, n_trials, per_trial), (best, score, trials, calls, drawn) in zip(plans, runs, strict=True):
    which = f"for {n_trials} trials of {per_trial} seeds"
    check.hidden.equal(len(trials), n_trials, what=f"the number of trials {which}")
    check.hidden.equal(drawn, 2 * n_trials, what=f"how many values are drawn {which}")
    check.hidden.equal(
        len({seed for _, seed in calls}), len(calls), what=f"the number of different seeds {which}"
    )
    check.hidden.equal(
        [check.kind(seed) for _, seed in calls], ["int"] * len(calls), what="the kinds of the seeds"
    )
    order = [params for at, (params, _) in enumerate(calls) if at == 0 or params != calls[at - 1][0]]
    check.hidden.that(
        [params for params, _ in trials] == order, f"The params of all trials {which} are not right."
    )
    expected = []
    for params, _ in trials:
        a, seeds = dict(params)["a"], [seed for called, seed in calls if called == params]
        fails = a < 0 and (manner in ("raises", "nan") or ("second" in manner and per_trial > 1))
        if not fails:
            check.hidden.equal(len(seeds), per_trial, what=f"the number of calls for one trial {which}")
        values = [0.0 if manner == "ties" else a + 0.01 * (seed % 7) for seed in seeds]
        expected.append(float("nan") if fails else float(np.mean(values)))
    failed = [one != one for one in expected]
    got = [one for (_, one), fails in zip(trials, failed, strict=True) if fails]
    check.hidden.that(all(one != one for one in got), "The score of a trial that fails must be NaN.")
    got = [one for (_, one), fails in zip(trials, failed, strict=True) if not fails]
    good = [one for one in expected if one == one]
    check.hidden.that("tensor" not in map(check.kind, got), "A score is a torch tensor.")
    check.hidden.close(got, good, what=f"the scores of the trials (means) {which}")
    check.hidden.close(score, max(good), what=f"best_score {which}")
    winner = trials[expected.index(max(good))][0]
    check.hidden.equal(best, winner, what=f"best_params {which} (the first wins ties)")

lowest = -math.inf
failing, one, same, other, low = check.each(
    searched,
    [
        (random_search, {"a": [-1.0], "b": [0.0]}, 4, 1, 5, "raises"),
        (random_search, lists, 9, 1, 33, "plain"),
        (random_search, lists, 9, 1, 33, "plain"),
        (random_search, lists, 9, 1, 34, "plain"),
        (random_search, lists, 5, 2, 6, "plain", lowest),
    ],
)
kinds = check.kind(failing[0]), check.kind(failing[1]), len(failing[2])
check.hidden.equal(
    kinds, ("none", "none", 4), what="best_params, best_score and the number of trials if all fail"
)
check.hidden.equal(same[3], one[3], what="the calls for an rng of the same seed")
check.hidden.that(
    [p for p, _ in other[3]] != [p for p, _ in one[3]], "Another seed of rng gives the same params."
)
check.hidden.equal(low[1], lowest, what="best_score if all scores are minus infinity (no failure)")
told = "best_params if all scores are minus infinity"
check.hidden.equal(low[0], low[2][0][0], what=told)


@check.student_side
def interrupted(random_search):
    """Evidence: the error that comes out when somebody stops the search."""

    def scored(params, seed):
        raise KeyboardInterrupt

    try:
        random_search({"a": lambda rng: 1.0}, scored, 2, np.random.default_rng(0))
    except BaseException as error:
        return type(error).__name__
    return "nothing"


told = "what comes out of random_search when objective is interrupted (no Exception, so no failed trial)"
check.hidden.equal(interrupted(random_search), "KeyboardInterrupt", what=told)


@check.student_side
def aliased(random_search):
    """Evidence: best_params after the winning trial's params were changed."""
    outcome = random_search(
        {"a": lambda rng: 1.0}, lambda params, seed: params["a"], 1, np.random.default_rng(0)
    )
    outcome["trials"][0]["params"]["a"] = 77.0
    return outcome["best_params"]["a"]


check.hidden.close(
    aliased(random_search), 1.0, what="best_params after a change in trials (it must be a copy)"
)
### END HIDDEN TESTS

# %% [markdown]
# The best of many scores is a little too good: luck was chosen, too. So validation data choose between our networks, and then, **once**, the test images say what the choice is worth. Whoever goes back after that and changes something has no test part any more.

# %%
chosen = max((mlp, cnn), key=share_right)
test_images, test_labels, _ = data.mnist("test")
right = logits_of(chosen, prepared(test_images)).argmax(dim=1).cpu().numpy() == test_labels
print(f"{right.mean():.2%} of the test images right (± {right.std() / np.sqrt(len(right)):.2%})")
assert right.mean() > 0.95

# %% [markdown]
# (The ± is the standard deviation to expect by chance with so many images.)
#
# ## 5.7 Keep and use
#
# What is saved is not the Python object but its numbers, by name: `model.state_dict()`. Whoever loads them builds the network first, then fills it. To *go on* with training, more is needed: AdamW's averages live in the optimizer, which has a `state_dict()`, too. All together are a **checkpoint**.
#
# Two dangers. A PyTorch file contains a **pickle**, which can hold a program that runs while it is loaded. `weights_only=True` admits little but tensors, numbers, texts, lists and dicts. And a save that breaks off midway must not destroy the older file: write to another name in the same folder, then `os.replace` it: all at once or not at all.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "checkpoint-task"}
# ### Exercise 5.5 - Checkpoint and use (7 points, 40 minutes, stretch)
#
# **(a)** `save_checkpoint` writes all that is needed to go on: the states of model and optimizer, `epoch` (int) and `config` (a dict of numbers, texts and lists). If writing fails midway, an older file at `path` stays whole. `path` may be a text or a `Path`.
#
# **(b)** `load_checkpoint(path, build)`: `build(config)` returns a new `(model, optimizer)` on the CPU; bring both to the saved state, and return `(model, optimizer, epoch)`, the model in `eval()` mode. Load with `weights_only=True`.
#
# **(c)** `predict(model, images, normalizer)`: `images` (N, 28, 28) or (28, 28), uint8 or floats from 0 to 1; other shapes raise a `ValueError`. Return labels (N,) int64 and probabilities (N, 10), NumPy arrays. In `eval()` mode, without recording slopes; the model is left as it came.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "checkpoint"}
def save_checkpoint(path, model, optimizer, epoch, config):
    """Write a checkpoint, all or nothing. path: str or Path; epoch: int; config: dict of plain values."""
    ### BEGIN SOLUTION
    path = Path(path)
    half_done = path.with_name(path.name + ".tmp")
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    torch.save(state, half_done)
    half_done.replace(path)
    ### END SOLUTION


def load_checkpoint(path, build):
    """Read a checkpoint. build: function of config, returns (model, optimizer); returns: model, optimizer, epoch."""
    ### BEGIN SOLUTION
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return model.eval(), optimizer, state["epoch"]
    ### END SOLUTION


def predict(model, images, normalizer):
    """Labels and probabilities for images.

    images: (N, 28, 28) or (28, 28); normalizer: with transform
    returns: labels (N,) int64, probabilities (N, 10)
    raises: ValueError for another shape
    """
    ### BEGIN SOLUTION
    images = np.asarray(images)
    if images.ndim not in (2, 3) or images.shape[-2:] != (28, 28):
        raise ValueError(f"images must be (N, 28, 28) or (28, 28), not {images.shape}")
    X = normalizer.transform(images.reshape(-1, 1, 28, 28)).to(next(model.parameters()).device)
    training = model.training
    model.eval()
    with torch.inference_mode():
        p = model(X).softmax(dim=1).cpu().numpy()
    model.train(training)
    return p.argmax(axis=1), p
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "checkpoint-check"}
@check.student_side
def round_trip(save_checkpoint, load_checkpoint, predict, images):
    class Halving:  # stands in for a Normalizer
        def transform(self, X):
            return torch.tensor(np.asarray(X) / 510).float()

    def build(config):
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.Dropout(0.5))
        model.append(nn.Linear(8, config["classes"]))
        return model, torch.optim.Adam(model.parameters(), lr=0.01)

    model, optimizer = build({"classes": 10})
    model(torch.ones(2, 784)).square().sum().backward()
    optimizer.step()
    with tempfile.TemporaryDirectory() as place:
        save_checkpoint(Path(place) / "model.pt", model, optimizer, 3, {"classes": 10})
        again, second, epoch = load_checkpoint(f"{place}/model.pt", build)
    steps = [float(state["step"]) for state in second.state_dict()["state"].values()]
    answers = [predict(one, images, Halving()) for one in (model, model, again)]
    return [epoch, again.training, steps], answers


shades = np.random.default_rng(5).integers(0, 256, size=(3, 28, 28)).astype(np.uint8)
tools = save_checkpoint, load_checkpoint, predict
state, ((labels, p), second, third) = round_trip(*tools, shades)
hints = {"the optimizer's state is missing": [3, False, []]}
check.equal(
    state, [3, False, [1.0] * 4], what="[epoch, training?, Adam's steps] after load", hints=hints
)
check.close(p.sum(axis=1), np.ones(3), rtol=1e-5, what="the sums of the probabilities of 3 images")
check.equal(list(labels), p.argmax(axis=1).tolist(), what="the labels")
check.close(second[1], p, rtol=1e-5, what="the probabilities of a second call (is dropout off?)")
check.close(third[1], p, rtol=1e-5, what="the probabilities after loading")
check.passed("save_checkpoint, load_checkpoint and predict")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 5, "grade_id": "checkpoint-hidden"}
# Tested by going on with training after a load, by a write that fails midway, by a file that hides a program, and with
# single images, floats, dropout, batch normalization and other shapes.
### BEGIN HIDDEN TESTS
@check.student_side
def resumed(save_checkpoint, load_checkpoint, X, y, kind, as_text):
    """Evidence: weights after 6 steps in one go, and after 3 steps, a checkpoint, and 3 more; what load returned."""
    import tempfile
    from pathlib import Path

    import torch
    from torch import nn

    config = {"hidden": 5, "kind": kind, "rates": [0.05, 0.9], "name": "small", "deep": {"x": 1.5}}
    seen = []

    def build(config):
        seen.append(config)
        torch.default_generator.manual_seed(123)  # torch.manual_seed takes its time
        model = nn.Sequential(
            nn.Linear(4, config["hidden"]), nn.BatchNorm1d(config["hidden"]), nn.Tanh(), nn.Linear(5, 3)
        )
        kinds = {
            "adam": torch.optim.Adam,
            "sgd": lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=config["rates"][1]),
        }
        return model, kinds[config["kind"]](model.parameters(), lr=config["rates"][0])

    def steps(model, optimizer, places):
        model.train()
        for place in places:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(torch.tensor(X[place])), torch.tensor(y[place])).backward()
            optimizer.step()

    def weights(model):
        return np.concatenate([value.detach().numpy().ravel() for value in model.state_dict().values()])

    model, optimizer = build(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1
    steps(model, optimizer, range(3))
    optimizer.param_groups[0]["lr"] *= 0.3  # as a schedule would
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pt"
        save_checkpoint(str(path) if as_text else path, model, optimizer, 7, config)
        saved = weights(model)
        steps(model, optimizer, range(3, 6))
        again, second, epoch = load_checkpoint(path if as_text else str(path), build)
        loaded, mode = weights(again), again.training
        steps(again, second, range(3, 6))
        torch.load(path, weights_only=True)  # nothing but plain data in the file
    same = {id(p) for group in second.param_groups for p in group["params"]} == {
        id(p) for p in again.parameters()
    }
    return saved, loaded, weights(model), weights(again), epoch, mode, seen[-1], same


rng = np.random.default_rng(505)
X, y = rng.normal(size=(6, 8, 4)).astype(np.float32), rng.integers(0, 3, size=(6, 8))
runs = check.each(
    resumed, [(save_checkpoint, load_checkpoint, X, y, *one) for one in (("adam", True), ("sgd", False))]
)
for saved, loaded, whole, parts, epoch, mode, config, same in runs:
    check.hidden.close(loaded, saved, what="parameters and running averages after loading")
    check.hidden.equal([epoch, mode], [7, False], what="epoch, and the mode of the loaded model")
    check.hidden.equal(config["deep"], {"x": 1.5}, what="a part of the config that build gets")
    check.hidden.that(same, "The loaded optimizer does not move the loaded model's parameters.")
    told = "the parameters after 3 steps, a checkpoint and 3 more steps (is the optimizer's state saved and loaded?)"
    check.hidden.close(parts, whole, rtol=1e-4, atol=1e-6, what=told)


@check.student_side
def broken_writes(save_checkpoint, load_checkpoint, name):
    """Evidence: what saves raise that fail midway, whether the older file is whole, what a hostile file sets off."""
    import resource
    import tempfile
    from pathlib import Path

    import torch
    from torch import nn

    class Hostile:
        def __reduce__(self):
            return print, ("it ran",)

    class Unwritable:
        def __init__(self, error):
            self.error = error

        def __reduce__(self):
            raise self.error

    def build(config):
        model = nn.Linear(*config["sizes"])
        return model, torch.optim.SGD(model.parameters(), lr=0.1)

    def outcome(action, *args):
        try:
            action(*args)
        except BaseException as error:
            return type(error).__name__
        return "nothing"

    def onto_a_full_disk():
        big, small = build({"sizes": [300, 300]}), resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, small[1]))
        try:
            return outcome(save_checkpoint, path, *big, 4, {"sizes": [300, 300]})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, small)

    path = Path(tempfile.mkdtemp()) / name
    model, optimizer = build({"sizes": [2, 2]})
    save_checkpoint(path, model, optimizer, 1, {"sizes": [2, 2]})
    before, raised, kept = path.read_bytes(), [], []
    for error in (OSError("broken off"), KeyboardInterrupt()):
        raised.append(outcome(save_checkpoint, path, model, optimizer, 2, {"v": Unwritable(error)}))
        kept.append(path.is_file() and path.read_bytes() == before)
    raised.append(onto_a_full_disk())
    kept.append(path.is_file() and path.read_bytes() == before)
    epoch = load_checkpoint(path, build)[2] if all(kept) else -1
    evil = path.with_name("evil.pt")
    torch.save({"model": Hostile(), "optimizer": {}, "epoch": 1, "config": {"sizes": [2, 2]}}, evil)
    return raised, kept, epoch, outcome(load_checkpoint, evil, build)


names = ("old.pt", "old.tmp", "old")
runs = check.each(broken_writes, [(save_checkpoint, load_checkpoint, name) for name in names])
for raised, kept, epoch, refused in runs:
    told = "A save that failed midway damaged the older file: write to another name, then replace."
    check.hidden.that(all(kept), told)
    check.hidden.that(
        "nothing" not in raised, "A save that failed midway raises nothing: nobody would notice."
    )
    check.hidden.equal(epoch, 1, what="epoch of the older checkpoint after saves that failed")
    told = "how a file with a program in it is met (weights_only=True refuses it)"
    check.hidden.equal(refused, "UnpicklingError", what=told)


@check.student_side
def looked_at(predict, images, training, seed, scale):
    """Evidence: labels and probabilities, their kinds, what the normalizer got, and what is left of the model."""
    import torch
    from torch import nn

    torch.default_generator.manual_seed(seed)  # torch.manual_seed takes its time
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 12), nn.BatchNorm1d(12), nn.Dropout(0.5), nn.Linear(12, 10)
    )
    model[2].running_mean += 0.5
    model[4].weight.data *= scale
    model.train(training)
    calls = []

    class Watching:
        def transform(self, X):
            X = np.asarray(X)
            calls.append((X.shape, X.dtype.name))
            pixels = X / 255.0 if X.dtype == np.uint8 else X
            return torch.tensor((pixels - 0.3) / 0.4).float()

    before = [value.clone() for value in model.state_dict().values()]
    labels, p = predict(model, images, Watching())
    twice = predict(model, images, Watching())[1]
    same = all(torch.equal(a, b) for a, b in zip(before, model.state_dict().values(), strict=True))
    kinds = type(labels).__name__, np.asarray(labels).dtype.name, type(p).__name__
    mode = model.training
    model.eval()
    pixels = np.asarray(images) / 255.0 if np.asarray(images).dtype == np.uint8 else np.asarray(images)
    with torch.no_grad():
        logits = model(torch.tensor((pixels.reshape(-1, 1, 28, 28) - 0.3) / 0.4).float()).numpy()
    return np.array(labels), np.array(p), np.array(twice), same, kinds, mode, len(calls), logits


images = rng.integers(0, 256, size=(5, 28, 28)).astype(np.uint8)
use, large = (False, 1.0), (False, 5000.0)
train = (True, 1.0)
cases = [
    *((images, *how) for how in (train, use, large)),
    *((images[2], *how) for how in (train, use, large)),
    (images[:1], *train),
    *((images / 255.0, *how) for how in (train, large)),
    *(((images / 255.0).astype(np.float32), *how) for how in (train, use)),
    (images[3] / 255.0, *use),
]
runs = check.each(looked_at, [(predict, shown, training, 3, scale) for shown, training, scale in cases])
for (shown, training, _), found in zip(cases, runs, strict=True):
    labels, p, twice, same, kinds, mode, calls, logits = found
    N = 1 if np.ndim(shown) == 2 else len(shown)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    right = powers / powers.sum(axis=1, keepdims=True)
    check.hidden.shape(labels, (N,), what="the labels")
    hints = {"those are logits, not probabilities": logits}
    told = "the probabilities (in use mode, normalized once)"
    check.hidden.close(p, right, rtol=1e-4, atol=1e-6, what=told, hints=hints)
    check.hidden.close(twice, p, rtol=1e-6, what="the probabilities of a second call")
    check.hidden.equal(labels.tolist(), right.argmax(axis=1).tolist(), what="the labels")
    told = "the kinds of labels and probabilities"
    check.hidden.equal(kinds, ("ndarray", "int64", "ndarray"), what=told)
    told = "[whether the model is as before, its mode] after predict"
    check.hidden.equal([same, mode], [True, training], what=told)
    check.hidden.equal(calls, 2, what="how often two calls of predict normalize")


@check.student_side
def shapes_refused(predict, shapes):
    """Evidence: the name of the error for each shape, and whether the model is still in training mode."""
    import torch
    from torch import nn

    class Passing:
        def transform(self, X):
            return torch.tensor(np.asarray(X)).float()

    model, names = nn.Sequential(nn.Flatten(), nn.LazyLinear(10)), []
    model(torch.zeros(1, 1, 28, 28))
    for shape in shapes:
        try:
            predict(model, np.zeros(shape), Passing())
            names.append("nothing")
        except Exception as error:
            names.append(type(error).__name__)
    return names, model.training


shapes = [(28,), (27, 28), (4, 28, 27), (784,), (2, 784), (2, 3, 28, 28), (28, 29)]
got, training = shapes_refused(predict, shapes)
check.hidden.that(training, "The model is left in another mode after images of another shape.")
check.hidden.equal(got, ["ValueError"] * len(shapes), what="the errors for images of another shape")
### END HIDDEN TESTS

# %% [markdown]
# ### Example 5.6 - Files that are safe, and a digit of your own
#
# A file with a program inside, loaded carelessly, then carefully.


# %%
class Gift:
    def __reduce__(self):  # tells pickle how to rebuild the object: by calling any function at all
        return print, ("This line ran while a file was loaded!",)


folder = Path(tempfile.mkdtemp())
torch.save({"weights": Gift()}, folder / "gift.pt")
torch.load(folder / "gift.pt", weights_only=False)
try:
    torch.load(folder / "gift.pt", weights_only=True)
    raise AssertionError("it was loaded")
except pickle.UnpicklingError as error:
    print("with weights_only=True:", str(error).split(".")[0])

# %% [markdown]
# The weights themselves are no program. `safetensors` is a format that holds arrays and nothing that runs; for sharing, prefer it.

# %%
weights = {name: value.cpu() for name, value in cnn.state_dict().items()}
torch.save(weights, folder / "cnn.pt")
safetensors.torch.save_file(weights, folder / "cnn.safetensors")
loaded = (
    torch.load(folder / "cnn.pt", weights_only=True),
    safetensors.torch.load_file(folder / "cnn.safetensors"),
)
for states in loaded:
    torch.testing.assert_close(dict(states), weights, rtol=0, atol=0)
reader = make_cnn().to(device)
print(reader.load_state_dict(states))

# %% [markdown]
# At last, a digit of your own. Draw with the mouse, or with arrow keys and space. `drawing` brings it into MNIST's form: of its size, in the middle. A network knows what it has seen, and little else: what does it say to a letter?


# %%
def look_at(image):
    return logits_of(reader, prepared(image[None])).softmax(dim=1)[0].cpu().numpy()


drawing.draw_digit(look_at)

# %% [markdown]
# ## What to keep
#
# - Know the data and the baselines first.
# - Three parts: learn, choose, test once. Numbers for normalization come from the training part.
# - Loss about $\ln C$ before the first step; one batch can be learned by heart.
# - Accuracy hides where a network errs (confusion matrix, macro F1) and how sure it is (calibration).
# - Random search on a log scale, with several seeds.
# - Save states, not objects; load with `weights_only=True`; replace when whole.
#
# **Words of this chapter:** accuracy, augmentation, baseline, calibration, checkpoint, CNN, confusion matrix, convolutional layer, expected calibration error, F1 (macro), grid, hyperparameter, leak, log-uniform, MLP, pickle, pooling, precision, random search, recall, temperature scaling, test part, training part, validation part.
#
# **Hand in.** Save the notebook, press *Validate* in its toolbar, then run `course submit 05` in JupyterLab's terminal.
#
# **And now?** You know all the steps. Next come deeper convolutional networks, then attention and Transformers for language. Or take a problem of your own.
#
# ### Sources
#
# Y. LeCun, L. Bottou, Y. Bengio and P. Haffner (1998), *Gradient-Based Learning Applied to Document Recognition*, Proceedings of the IEEE 86 (MNIST). J. Bergstra and Y. Bengio (2012), *Random Search for Hyper-Parameter Optimization*, JMLR 13. C. Guo, G. Pleiss, Y. Sun and K. Weinberger (2017), *On Calibration of Modern Neural Networks*, ICML (temperature scaling). L. Smith and N. Topin (2019), *Super-Convergence* (the one-cycle schedule).
