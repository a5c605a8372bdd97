# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Chapter 1: Basic Concepts and History
#
# A single artificial neuron fits on one line of NumPy, and with two inputs all it can do is draw one straight line.
# This chapter starts there. You will train such a neuron, meet the small problem that stopped it, and get past that problem by putting neurons in layers.
# At the end you will have written, from nothing, the computation that every network in this course performs when it answers a question, and you will have seen PyTorch give the same numbers.
#
# **What you will be able to do**
#
# - Train a perceptron, and say on which data it stops and on which it never does.
# - Compute the common activation functions and their slopes safely, for any input.
# - Turn scores into probabilities with a softmax that survives scores in the thousands.
# - Wire a network by hand that solves what no single neuron can.
# - Run a network of any depth forward, in NumPy and in PyTorch, with equal results.
#
# **How to read it.** Run each cell with Shift+Enter. Example cells are yours to change: nothing you do there can hurt your grade. Most of them end with `assert`, which stops with an error if the claim of the text is false.
# Exercises have a cell to fill in, a cell of visible checks that explain what is wrong, and hidden tests that run when your work is graded.

# %% [markdown]
# The ideas of this chapter build on each other like this:
#
# ```mermaid
# %%{init: {"themeVariables": {"lineColor": "#888888"}}}%%
# flowchart LR
#     accTitle: The ideas of chapter 1
#     accDescr: One neuron cannot solve XOR, so neurons are put in layers with an activation between them, and softmax turns the last scores into probabilities.
#     A["one neuron:<br>a line"] --> B["XOR:<br>no line will do"]
#     B --> C["layers with an<br>activation between"]
#     C --> D["softmax:<br>probabilities"]
#     D --> E["a network in<br>NumPy and PyTorch"]
# ```
#
# *The same in words: one neuron draws a line → XOR cannot be solved by a line → layers of neurons with an activation between them can → softmax turns the scores of the last layer into probabilities → a whole network, in NumPy and in PyTorch.*
#
# Three conventions hold in the whole course. Data come as an array `X` of shape (N, D): N **samples** in rows, D **features** (measured quantities) in columns.
# A shape in round brackets is always the NumPy shape. Formulas number things from 1 as mathematics does; code counts from 0.

# %% nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "setup"}
import numpy as np
import torch
from torch import nn

import course_utils
from course_utils import check, data, plot, widgets

# %% [markdown]
# ## 1.1 Eighty years in one picture
#
# The story begins in 1943, when the neurophysiologist Warren McCulloch and the logician Walter Pitts described a nerve cell as a small on-off device: it adds up its inputs and fires if the sum passes a threshold.
# In 1958 Frank Rosenblatt published the **perceptron**, a neuron of this kind that *learns* from examples how much weight to give to each input. His Mark I machine, shown in 1960, kept the weights on dials turned by motors.
#
# Then came a first "winter", as people call years in which interest and money go elsewhere. One of its causes was a book of 1969, in which Marvin Minsky and Seymour Papert proved what a single layer of such neurons can never do.
# The cure, networks with several layers, was known in principle. What was missing was a practical way to train them. The central computation was described by Seppo Linnainmaa in 1970, without networks in mind. In 1986 David Rumelhart, Geoffrey Hinton and Ronald Williams showed that **backpropagation** (Chapter 3) does it, and in 1998 Yann LeCun and colleagues presented LeNet-5, a network that reads handwritten digits, together with MNIST, the data set you will use in Chapter 5.
#
# After a second winter, a new wave began in 2012. In the ImageNet contest a program may name five things that it sees in a photograph; AlexNet's five guesses missed the right one for 15.3 % of the photographs, the runner-up's for 26.2 %. Most of its ideas were old. New were the amount of labelled data, and graphics processors fast enough to use it.
# The Transformer of 2017, and the programs for text and speech that are built on it, carried the same recipe further, and in 2024 the Nobel Prize in Physics went to John Hopfield and Geoffrey Hinton for the foundations.

# %% [markdown]
# ### Example 1.1 - History as data
#
# The course carries a small table of milestones, with the source of every date. Here is its beginning.

# %%
events = data.history()
for event in events[:5]:
    print(f"{event.year}  {event.name} ({event.people})")
print(f"... and {len(events) - 5} more, up to {events[-1].year}")

# %% [markdown]
# For some models the table gives the number of **parameters**: the adjustable numbers that learning sets, like the dials of the Mark I.
# Before you run the next cell, guess: by what factor has that number grown since 1958?
#
# The vertical axis of the figure is logarithmic: each step up multiplies by 10.

# %%
models = [event for event in events if event.parameters]
years = np.array([model.year for model in models])
sizes = np.array([model.parameters for model in models], dtype=float)
ax = plot.timeline(years, sizes, [model.name for model in models])

growth = sizes.max() / sizes[years == 1958][0]
plot.show(ax, f"since {years[0]}, parameters have grown {growth / 1e9:.1f} billion times.")
assert growth > 1e9

# %% [markdown]
# A billion times larger, and yet the parts are the same: weighted sums, a simple function after each, and a rule that changes the weights. This chapter is about the first two; the rule is the subject of Chapter 3.
# One rule for changing weights is simple enough to start with.

# %% [markdown]
# ## 1.2 The perceptron
#
# An artificial **neuron** (also called a **unit**) has one **weight** per feature and one **bias**. From a sample $\mathbf{x}$ it computes the weighted sum
#
# $$ z = \mathbf{w} \cdot \mathbf{x} + b = w_1 x_1 + \dots + w_D x_D + b, $$
#
# where $\mathbf{x}$ and the weights $\mathbf{w}$ have shape (D,) and $b$ and $z$ are single numbers. The perceptron answers "yes" if $z > 0$ and "no" otherwise.
# In formulas of this section the two answers are labels $y = +1$ and $y = -1$, which makes the learning rule short; `data` stores them as 1 and 0.
#
# With two features, all points with $z = 0$ form a straight line: the **decision line**. On one side of it the answer is yes, on the other no. The weights turn this line, the bias shifts it. (With three features it is a plane, and with more its counterpart, a *hyperplane*.)
#
# Our first data are **logic gates**. Each takes two inputs that are 0 or 1. AND says yes if both are 1, OR if at least one is, and XOR if exactly one is. So there are four possible samples, the corners of a square.
#
# Try to separate them by hand. The sliders set $w_1$, $w_2$ and $b$; click one and use the arrow keys. A ring marks each corner where the neuron says yes. Can you get four corners right for AND? For OR? For XOR?

# %%
widgets.perceptron_line()

# %% [markdown]
# You moved the line by looking at the picture. Rosenblatt's rule moves it by looking at one sample at a time:
#
# - Start with all weights and the bias at 0.
# - Go through the samples in order. If the answer for a sample $(\mathbf{x}, y)$ is right, that is if $y\,(\mathbf{w} \cdot \mathbf{x} + b) > 0$, do nothing.
# - Otherwise it is a **mistake**: move the weights towards the sample if its label is $+1$, away from it if its label is $-1$:
#
# $$ \mathbf{w} \leftarrow \mathbf{w} + \eta\, y\, \mathbf{x}, \qquad b \leftarrow b + \eta\, y. $$
#
# Here $\eta$ (the Greek letter eta) is the **learning rate**, a positive number that says how far to move; $\mathbf{x}$ and $\mathbf{w}$ have shape (D,).
# One pass over all samples is an **epoch**. When an epoch passes without a mistake, learning is finished.
#
# Note the product $y z$. It is positive when label and sum have the same sign, so one comparison covers both kinds of mistake. And note that $y z = 0$ counts as a mistake: at the very start all weights are 0, so every sum is 0, and without this convention nothing would ever move.
#
# The first two steps on AND by hand, with $\eta = 1$. Sample (0, 0), label $-1$: the sum is 0, a mistake. So $b$ becomes $-1$; the weights stay, because the sample is all zeros. Sample (0, 1), label $-1$: now the sum is $0 + 0 - 1 = -1$, and $y z = +1$. Right, nothing changes.

# %% [markdown]
# ### Example 1.2 - A perceptron learns AND
#
# scikit-learn, a library of classical machine learning, has this rule built in as `Perceptron`. `partial_fit` hands it one sample at a time; its weights are then found in `coef_` and its bias in `intercept_`.
# Whenever they change, the library has corrected a mistake, and we keep the new line.

# %%
from sklearn.linear_model import Perceptron

X, y = data.logic_gate("AND")
label = 2 * y - 1  # 0 and 1 become -1 and +1
library = Perceptron(shuffle=False)
lines, counts = [np.zeros(3)], []
while not counts or counts[-1] > 0:
    counts.append(0)
    for i in range(4):
        library.partial_fit(X[i : i + 1], label[i : i + 1], classes=[-1, 1])
        now = np.append(library.coef_[0], library.intercept_[0])
        if not np.array_equal(now, lines[-1]):
            counts[-1] += 1
            lines.append(now)
print("mistakes in each epoch:", counts)
assert counts[-1] == 0

# %% [markdown]
# The number of mistakes does not fall in every epoch, but it reaches 0, and there it must stay: without a mistake nothing changes any more.
# The next figure draws the lines on the way, from light to dark, and the last one thick. (The first update changes only the bias, and with zero weights there is no line.)

# %%
ax = plot.points(X, y, names={0: "no", 1: "yes"})
ax.set(xlim=(-0.6, 1.6), ylim=(-0.6, 1.6))
for step, (w1, w2, b) in enumerate(lines[1:-1], start=1):
    plot.line((w1, w2), b, ax=ax, color="0.2", alpha=0.15 + 0.5 * step / len(lines), lw=1)
w1, w2, b = lines[-1]
plot.line((w1, w2), b, ax=ax)
answers = np.where(X @ [w1, w2] + b > 0, 1, -1)
plot.show(ax, f"after {len(lines) - 1} updates the thick line has (1, 1) alone on its yes side.")
assert np.array_equal(answers, label)

# %% [markdown]
# Must it always stop? Yes, if some line *can* separate the data. Append a 1 to every sample, so that the bias is one more weight. Let $R$ be the length of the longest sample, and let $\gamma$ (gamma, the **margin**) be a distance that some separating line through the origin of this larger space keeps from every sample, each on its correct side. Both are single numbers.
# Then the rule makes at most $R^2/\gamma^2$ mistakes in total, in any order of the samples and for any learning rate. Albert Novikoff published this theorem in 1962. For AND, with the line $2x_1 + 2x_2 - 3 = 0$:

# %%
longer = np.column_stack([X, np.ones(4)])
separating = np.array([2.0, 2.0, -3.0])
R = np.linalg.norm(longer, axis=1).max()
margin = (label * (longer @ separating)).min() / np.linalg.norm(separating)
print(f"at most {R**2 / margin**2:.0f} mistakes; there were {sum(counts)}")
assert sum(counts) <= R**2 / margin**2

# %% [markdown]
# The number of features does not appear in the bound. What counts is the gap between the classes, compared with the length of the samples.
# The learning rate does not appear either: from a zero start it multiplies $\mathbf{w}$ and $b$ by the same factor, and the answers stay the same.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "perceptron-fit-task"}
# ### Exercise 1.1 - Perceptron learning (6 points, 20 minutes, stretch)
#
# Write the perceptron rule of this section. `X` has shape (N, D), `y` has shape (N,) and holds $-1$ and $+1$.
#
# - Start from zero weights and bias, and visit the samples in the given order.
# - A sample with $y\,(\mathbf{w} \cdot \mathbf{x} + b) \le 0$ is a mistake: update $\mathbf{w}$ and $b$ at once, each with `lr`, and count it.
# - Stop after the first epoch without a mistake, or after `max_epochs`.
#
# Return `w` of shape (D,), `b` as a float, and `mistakes`, a list with the count of each epoch that was run.
#
# For `X = [[2, 1], [1, -1], [1, 3]]`, `y = [1, -1, 1]` and `lr = 1`: the first two samples are mistakes, the second epoch has none, so `w = [1, 2]`, `b = 0`, `mistakes = [2, 0]`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "perceptron-fit"}
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    """Learn a separating line with the perceptron rule.

    X: (N, D), y: (N,) in {-1, +1}
    returns: w (D,), b float, mistakes (list of int, one per epoch)
    """
    ### BEGIN SOLUTION
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, label in zip(X, y, strict=True):
            if label * (x @ w + b) <= 0:
                step = lr * label
                w, b = w + step * x, b + step
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, b, mistakes
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "perceptron-fit-check"}
traced = np.array([[2.0, 1.0], [1.0, -1.0], [1.0, 3.0]])
w, b, mistakes = perceptron_fit(traced, np.array([1, -1, 1]))
hints = {
    "a sum of 0 is a mistake: the comparison needs <=": [0],
    "the last epoch, without a mistake, belongs into the list": [2],
    "w and b must change at each mistake, not at the end of the epoch": [3, 0],
    "training must stop after an epoch without a mistake": [2] + 99 * [0],
}
check.equal(mistakes, [2, 0], what="mistakes for the three samples of the task", hints=hints)
check.close(w, [1.0, 2.0], what="w for the three samples of the task")
check.close(b, 0.0, what="b for the three samples of the task")
w, b, mistakes = perceptron_fit(traced, np.array([1, -1, 1]), lr=0.5)
check.close(w, [0.5, 1.0], what="w for the same, with lr=0.5", hints={"lr is not used": [1.0, 2.0]})
for gate in ("AND", "OR"):
    corners, truth = data.logic_gate(gate)
    w, b, mistakes = perceptron_fit(corners, 2 * truth - 1)
    hints = {"the bias is never moved": 4 * [False]}
    check.equal(corners @ w + b > 0, truth == 1, what=f"the answers for {gate}", hints=hints)
    check.equal(mistakes[-1], 0, what=f"the last entry of mistakes for {gate}")
check.passed("perceptron_fit")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "perceptron-fit-hidden"}
# Tested on separable data with 1 to 10 features, other orders, learning rates and limits, on XOR, and
# on data far from the origin.
### BEGIN HIDDEN TESTS
def fit_with_appended_one(X, y, max_epochs, lr):
    """The rule for one vector v = (w, b) and samples with a 1 appended."""
    v, tally = np.zeros(X.shape[1] + 1), []
    while len(tally) < max_epochs and (not tally or tally[-1] > 0):
        tally.append(0)
        for a, label in zip(np.column_stack([X, np.ones(len(X))]), y, strict=True):
            if label * np.dot(a, v) <= 0:
                v, tally[-1] = v + lr * label * a, tally[-1] + 1
    return v[:-1], v[-1], tally


def same_run(X, y, what, max_epochs=100, lr=1.0):
    before, labels_before = X.copy(), y.copy()
    w, b, mistakes = perceptron_fit(X, y, max_epochs, lr)
    expected_w, expected_b, expected = fit_with_appended_one(X, y, max_epochs, lr)
    n = len(expected)
    hints = {"there is one epoch too many": n + 1, "there is one epoch too few": n - 1}
    check.hidden.equal(len(mistakes), n, what=f"the number of epochs {what}", hints=hints)
    check.hidden.equal(mistakes, expected, what=f"mistakes {what}")
    check.hidden.close(w, expected_w, what=f"w {what}")
    check.hidden.close(b, expected_b, what=f"b {what}")
    check.hidden.unchanged(X, before, what="X")
    check.hidden.unchanged(y, labels_before, what="y")


for label in (1, -1):
    origin = "on one sample at the origin, where the first sum is 0 and therefore a mistake"
    same_run(np.array([[0.0, 0.0]]), np.array([label]), origin)
rng = np.random.default_rng(101)
for D in (1, 2, 5, 10):  # whole numbers and powers of two: no rounding, so every list must agree exactly
    direction = rng.choice([-2, -1, 1, 3], size=D)
    points = rng.integers(-6, 7, size=(24, D)) + direction
    heights = points @ direction - np.median(points @ direction) - 0.5  # never 0
    clear = (
        np.abs(heights) > 0.15 * np.abs(heights).max()
    )  # a wide gap keeps the number of updates small
    points, labels = points[clear].astype(float), np.where(heights[clear] > 0, 1, -1)
    order = rng.permutation(len(points))
    same_run(points, labels, f"on separable data with {D} features", max_epochs=4000)
    same_run(points[order], labels[order], "on the same samples in another order", max_epochs=4000)
    same_run(points, -labels, "with the labels exchanged and lr = 0.5", max_epochs=4000, lr=0.5)
    same_run(points.astype(int), labels, "on whole numbers with lr = 0.5", max_epochs=4000, lr=0.5)
    enough = len(fit_with_appended_one(points, labels, 4000, 1.0)[2])
    for limit in {1, enough // 2, enough - 1}:
        same_run(points, labels, "when max_epochs ends the training early", max_epochs=max(1, limit))
corners, xor = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([-1, 1, 1, -1])
for limit in (1, 7, 60):
    same_run(corners, xor, f"on XOR, which stops only at max_epochs = {limit}", max_epochs=limit)

direction = np.array([0.6, -0.8, 0.0])
cloud = rng.normal(size=(80, 3)) + 4.0
gap = (cloud - 4.0) @ direction
cloud, labels = cloud[np.abs(gap) > 0.3], np.sign(gap[np.abs(gap) > 0.3]).astype(int)
long = np.column_stack([cloud, np.ones(len(cloud))])
teacher = np.append(direction, -4.0 * direction.sum())
bound = (long**2).sum(axis=1).max() * (teacher @ teacher) / (labels * (long @ teacher)).min() ** 2
for lr in (0.1, 1.0, 30.0):
    w, b, mistakes = perceptron_fit(cloud, labels, max_epochs=int(bound) + 2, lr=lr)
    check.hidden.equal(
        np.sign(cloud @ w + b).astype(int),
        labels,
        what=f"the answers far from the origin with lr = {lr}",
    )
    check.hidden.within(sum(mistakes), 1, bound, what=f"the sum of mistakes with lr = {lr}")
    check.hidden.equal(mistakes[-1], 0, what="the last entry of mistakes")
### END HIDDEN TESTS

# %% [markdown]
# ## 1.3 The problem that stopped it
#
# **XOR** ("exclusive or") says yes if *exactly one* of its two inputs is 1. Four samples, two features: what could be simpler?
# If you tried it with the widget, you know that it resists.

# %% [markdown]
# ### Example 1.3 - Why XOR cannot work
#
# First, let the perceptron try for 100 epochs. What do you expect the list of mistakes to look like?

# %%
X, y = data.logic_gate("XOR")
label = 2 * y - 1
library, counts = Perceptron(shuffle=False), []
now = np.zeros(3)
for _ in range(100):
    counts.append(0)
    for i in range(4):
        before = now
        library.partial_fit(X[i : i + 1], label[i : i + 1], classes=[-1, 1])
        now = np.append(library.coef_[0], library.intercept_[0])
        counts[-1] += not np.array_equal(now, before)
print("mistakes in the first 12 epochs:", counts[:12])
print(f"fewest mistakes in any of 100 epochs: {min(counts)}")
assert min(counts) > 0

# %% [markdown]
# Four mistakes in every epoch, for ever. The four corrections cancel each other exactly: after each epoch all weights are back at 0, and the round begins anew.
#
# But perhaps the rule is to blame, and a good line exists that it does not find?
# So we try by brute force: 41 values for each of $w_1$, $w_2$ and $b$, which makes 68,921 choices. For each one we count the corners with the right answer.

# %%
steps = np.arange(-20, 21)  # whole numbers, so that no rounding disturbs
w1, w2, b = np.meshgrid(steps, steps, steps)
yes = [w1 * x1 + w2 * x2 + b > 0 for x1, x2 in X]
right = sum(fires == (truth == 1) for fires, truth in zip(yes, y, strict=True))
for corners in range(5):
    print(f"{corners} corners right: {np.sum(right == corners):6,} choices")
assert right.max() == 3

# %% [markdown]
# No choice gets all four. The grid is finite, but four inequalities settle the matter for all lines at once. XOR asks for
#
# $$ b \le 0, \qquad w_2 + b > 0, \qquad w_1 + b > 0, \qquad w_1 + w_2 + b \le 0 . $$
#
# Add the two in the middle: $w_1 + w_2 + 2b > 0$. Add the outer two: $w_1 + w_2 + 2b \le 0$. Both cannot hold.
# We say that XOR is not **linearly separable**: no straight line has all its yes samples on one side and all its no samples on the other.

# %% [markdown]
# ### Example 1.4 - Two lines and a decision
#
# One line is not enough, but XOR is easily said in *two*: "at least one input is 1, *and* not both are". The first part is OR. The second is the opposite of AND, called NAND. A single neuron can do each, and a third neuron can combine their answers by AND.
#
# Neurons that look at the same inputs side by side form a **layer**. A layer whose results are not the final answer is called **hidden**. We write the weights of a layer of M neurons as one matrix of shape (D, M): each column belongs to one neuron. The biases have shape (M,).

# %%
W1, b1 = np.array([[1.0, -1.0], [1.0, -1.0]]), np.array([-0.5, 1.5])  # columns: OR, NAND
W2, b2 = np.array([[1.0], [1.0]]), np.array([-1.5])  # one column: AND of the two

H = (X @ W1 + b1 > 0).astype(float)  # (4, 2): what the two hidden neurons say
answer = (H @ W2 + b2 > 0).astype(int)[:, 0]  # (4, 1), its one column taken out: (4,)
for corner, hidden, out in zip(X, H, answer, strict=True):
    print(f"inputs {corner}   OR, NAND {hidden}   answer {out}")
assert np.array_equal(answer, y)

# %% [markdown]
# Solved, with nine numbers chosen by hand. The next figure shows *why* it works. On the left are the four corners as the hidden layer sees them, with its two lines. On the right are the same four samples, placed at the hidden layer's two answers: both yes samples have moved to (1, 1).

# %%
panels = plot.axes(1, 2, size=(7.6, 4.4))
for ax, places, title in zip(panels, (X, H), ("inputs", "hidden answers"), strict=True):
    plot.points(places, y, names={0: "no", 1: "yes"}, ax=ax)
    ax.set(xlim=(-0.6, 1.6), ylim=(-0.6, 1.6), title=title)
for unit, (name, dashes) in enumerate({"line of OR": "-", "line of NAND": "--"}.items()):
    plot.line(W1[:, unit], b1[unit], ax=panels[0], label=name, ls=dashes)
plot.line(W2[:, 0], b2[0], ax=panels[1], label="line of AND")
for ax in panels:
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
panels[1].set(xlabel="OR", ylabel="NAND")
plot.show(panels[1], "no line parts yes from no on the left; one does on the right.")
assert np.array_equal(H[y == 1], [[1, 1], [1, 1]])

# %% [markdown]
# This is the idea at the heart of deep learning: **a hidden layer moves the samples to new places, where the next layer has an easier task.** Here we chose the places. Later the network will find them itself.

# %% [markdown]
# ## 1.4 Activation functions
#
# The neurons so far answer with a hard step, yes or no. The perceptron rule can live with that, but it works for one layer only, because it needs to know the right answer of each neuron, and for hidden neurons nobody knows it. Training several layers needs slopes: how does the final answer change if I move this weight a little? With a step, almost always not at all.
# Modern neurons replace the step by another function, the **activation function**. The number $z$ that goes in is the **pre-activation**; what comes out is the **activation** $a$. It acts on each number separately, so the shape of `z` never changes.
#
# Three of them carry this course:
#
# $$ \sigma(z) = \frac{1}{1 + e^{-z}}, \qquad \tanh(z) = \frac{e^{z} - e^{-z}}{e^{z} + e^{-z}}, \qquad \mathrm{ReLU}(z) = \max(0, z). $$
#
# The **sigmoid** $\sigma$ maps any number into (0, 1), and **tanh** (the hyperbolic tangent) into (-1, 1). They are relatives: $\tanh(z) = 2\,\sigma(2z) - 1$. **ReLU** ("rectified linear unit") keeps what is positive and replaces the rest by 0.
#
# Their slopes will matter as much as their values, because learning follows slopes:
#
# $$ \sigma'(z) = \sigma(z)\,(1 - \sigma(z)), \qquad \tanh'(z) = 1 - \tanh^2(z), \qquad \mathrm{ReLU}'(z) = 1 \text{ if } z > 0,\ 0 \text{ if } z < 0. $$
#
# At $z = 0$ ReLU has a kink and no slope; programs pick a value between 0 and 1, usually 0.

# %% [markdown]
# ### Example 1.5 - A gallery
#
# PyTorch, the library that Example 1.8 introduces, has these functions built in and can also compute slopes. Chapter 3 shows how; here it serves as a calculator. Its arrays are called **tensors**, `requires_grad=True` asks it to keep track for slopes, and `grad(a.sum(), z)` gives the slope at every `z` at once.
#
# Two younger functions join as a preview: **leaky ReLU**, which lets a little of the negative side through, and **GELU**, a smooth cousin of ReLU that many language models use.

# %%
z = torch.linspace(-6, 6, 481, dtype=torch.float64, requires_grad=True)
functions = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "ReLU": torch.relu,
    "leaky ReLU": nn.LeakyReLU(0.1),
    "GELU": nn.GELU(),
}
values, slopes = {}, {}
for name, function in functions.items():
    a = function(z)
    values[name] = a.detach().numpy()
    slopes[name] = torch.autograd.grad(a.sum(), z)[0].numpy()
print("computed:", ", ".join(values))
assert abs(slopes["sigmoid"].max() - 0.25) < 1e-6 and abs(slopes["tanh"].max() - 1) < 1e-6

# %% [markdown]
# Where will the slope of the sigmoid be largest, and how large is it six units away from there?
# The grey zones of the lower picture mark where the sigmoid's slope is below 0.02.

# %%
grid = z.detach().numpy()
top, bottom = plot.axes(2, 1, size=(6.4, 6.4), sharex=True)
plot.curves(grid, values, title="activation", xlabel="", ax=top).set_ylim(-1.3, 2.6)
plot.curves(grid, slopes, title="slope", ax=bottom)
flat = np.abs(grid[slopes["sigmoid"] < 0.02]).min()
for side in (-1, 1):
    bottom.axvspan(side * flat, side * 6, color="0.5", alpha=0.2, lw=0)
plot.show(bottom, f"beyond z = ±{flat:.1f} the sigmoid is nearly flat; ReLU keeps slope 1 for z > 0.")
assert slopes["sigmoid"][0] < 0.003 < slopes["ReLU"][-1]

# %% [markdown]
# A function is said to **saturate** where it has become flat. In the grey zones a sigmoid neuron reports almost the same answer whatever its input does, and learning, which follows slopes, gets next to no signal.
# The largest slope of a sigmoid is 0.25, at $z = 0$. By the chain rule, the slope through ten sigmoids in a row contains ten such factors: at most $0.25^{10}$, about one millionth. That is one reason why deep networks use ReLU and its cousins.
#
# Follow one point along each curve. The dashed line is the tangent at that point, and its steepness is the slope. Watch it lie down where the sigmoid saturates, and jump from 0 to 1 at the kink of ReLU.

# %%
widgets.activation()

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "activations-task"}
# ### Exercise 1.2 - Activations and derivatives (6 points, 35 minutes, core)
#
# Write the three functions and their derivatives by the formulas above; NumPy's own functions are allowed. Each takes the pre-activation `z`: a number or an array of any shape, of ordinary floats (float64) or whole numbers. Each returns float64 of that shape and leaves `z` as it is.
#
# For `z = 0`: `sigmoid` 0.5, `tanh` 0, `relu` 0, `d_sigmoid` 0.25, `d_tanh` 1. For `d_relu` at 0, any value from 0 to 1 will do.
#
# The hard part: $e^{1000}$ is larger than any float64, and NumPy warns of an overflow. All six must give finite values without any warning for `z = 1000` and `z = -1000`, and `sigmoid(-30)` must still be right to 1 %. (Hint: `np.exp(-np.abs(z))` never overflows; `np.where` computes both of its branches.)


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "activations"}
def sigmoid(z):
    """1 / (1 + exp(-z)), safe for any z. z: any shape; returns: float64 of that shape."""
    ### BEGIN SOLUTION
    small = np.exp(-np.abs(z))  # never above 1
    return np.where(z >= 0, 1.0, small) / (1.0 + small)
    ### END SOLUTION


def tanh(z):
    """Hyperbolic tangent. z: any shape; returns: float64 of that shape."""
    ### BEGIN SOLUTION
    return np.tanh(z)
    ### END SOLUTION


def relu(z):
    """max(0, z). z: any shape; returns: float64 of that shape."""
    ### BEGIN SOLUTION
    return np.maximum(0.0, z)
    ### END SOLUTION


def d_sigmoid(z):
    """Slope of sigmoid at the pre-activation z. z: any shape; returns: float64 of that shape."""
    ### BEGIN SOLUTION
    return sigmoid(z) * sigmoid(-z)
    ### END SOLUTION


def d_tanh(z):
    """Slope of tanh at the pre-activation z. z: any shape; returns: float64 of that shape."""
    ### BEGIN SOLUTION
    return 1.0 - tanh(z) ** 2
    ### END SOLUTION


def d_relu(z):
    """Slope of relu at the pre-activation z. z: any shape; returns: float64 of that shape."""
    ### BEGIN SOLUTION
    return np.where(z > 0, 1.0, 0.0)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "activations-check"}
grid = np.array([[-2.0, -1.0, -0.5], [0.5, 1.0, 2.0]])
hints = {"the minus sign in the exponent is missing": [0.268941, 0.119203]}
check.close(sigmoid(grid[1, 1:]), [0.731059, 0.880797], rtol=1e-5, what="sigmoid([1, 2])", hints=hints)
hints = {"the sigmoid must be taken at 2z": [0.462117, 0.761594]}
check.close(tanh(grid[1, 1:]), [0.761594, 0.964028], rtol=1e-5, what="tanh([1, 2])", hints=hints)
kept = grid.copy()
check.close(relu(grid), [[0, 0, 0], [0.5, 1, 2]], what="relu of the six numbers")
check.unchanged(grid, kept, what="the input of relu")
stray = {
    "sigmoid": grid * (1 - grid),
    "tanh": 1 - grid**2,
    "relu": grid,
}  # the formula at z instead of a
for name, f, df in (("sigmoid", sigmoid, d_sigmoid), ("tanh", tanh, d_tanh), ("relu", relu, d_relu)):
    rise = (f(grid + 1e-5) - f(grid - 1e-5)) / 2e-5
    hints = {"the formula was given z where it needs the activation": stray[name]}
    hints["the square is missing"] = 1 - f(grid)
    check.close(
        df(grid), rise, rtol=1e-6, what=f"d_{name}, held against the rise of {name},", hints=hints
    )
    for called, tested in ((name, f), (f"d_{name}", df)):
        far, complaints = check.quiet(tested, np.array([-1000.0, 1000.0]))
        check.finite(far, what=f"{called}([-1000, 1000])")
        check.equal(complaints, [], what=f"NumPy's warnings for {called}([-1000, 1000]), a list,")
check.passed("Activations")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "activations-hidden"}
# Tested on single numbers, arrays of up to three dimensions and whole numbers, far out on both sides
# (values and warnings), and in the tails.
### BEGIN HIDDEN TESTS
def true_activation(name, z):
    """Values by other formulas than the notebook's, built on exp(-|z|), which never overflows."""
    z = np.asarray(z, dtype=float)
    e = np.exp(-np.abs(z))
    return {
        "sigmoid": np.exp(-np.logaddexp(0.0, -z)),
        "tanh": np.sign(z) * (1 - e**2) / (1 + e**2),
        "relu": (z + np.abs(z)) / 2,
        "d_sigmoid": e / (1 + e) ** 2,
        "d_tanh": 4 * e**2 / (1 + e**2) ** 2,
        "d_relu": (np.sign(z) + 1) / 2,
    }[name]


tail = np.linspace(-30, -20, 21)  # 1 %: the tanh form of the sigmoid loses digits here, an honest price
low = "between -30 and -20 (clipping z loses these values)"
check.hidden.close(sigmoid(tail), np.exp(tail), rtol=1e-2, atol=0, what=f"sigmoid {low}")
check.hidden.close(d_sigmoid(tail), np.exp(tail), rtol=1e-2, atol=0, what=f"d_sigmoid {low}")
check.hidden.close(sigmoid(-tail) + sigmoid(tail), np.ones(21), what="sigmoid(-z) + sigmoid(z)")

answers = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "d_sigmoid": d_sigmoid,
    "d_tanh": d_tanh,
    "d_relu": d_relu,
}
rng = np.random.default_rng(102)
for name, function in answers.items():
    shapes = [(), (1,), (6,), (3, 4), (4, 4), (2, 3, 5)]
    inputs = [np.asarray(2.5 * rng.normal(size=shape)) for shape in shapes]
    before = [z.copy() for z in inputs]
    seen = check.each(check.quiet, [(function, z) for z in inputs])
    for z, kept, (got, complaints) in zip(inputs, before, seen, strict=True):
        which = f"{name} of an array of shape {z.shape}"
        check.hidden.close(got, true_activation(name, kept), what=which)
        check.hidden.equal(complaints, [], what=f"the list of warnings of {name} on small numbers")
        check.hidden.unchanged(z, kept, what=f"the input of {name}")
    whole = np.array([-4, -2, 1, 3])
    got, halves, one, negative = check.each(function, [(whole,), (whole + 0.5,), (1.25,), (-2,)])
    check.hidden.close(got, true_activation(name, whole), what=f"{name} of whole numbers")
    check.hidden.equal(
        np.asarray(got).dtype.name, "float64", what=f"the dtype of {name} of whole numbers"
    )
    check.hidden.equal(np.asarray(halves).dtype.name, "float64", what=f"the dtype of {name}")
    check.hidden.close(one, true_activation(name, 1.25), what=f"{name} of one number")
    check.hidden.close(negative, true_activation(name, -2), what=f"{name} of one negative whole number")
    far = np.array([-1000.0, -710.0, 710.0, 1000.0])
    for z, (got, complaints) in zip(
        (far, -1000.0, 1000.0),
        check.each(check.quiet, [(function, far), (function, -1000.0), (function, 1000.0)]),
        strict=True,
    ):
        check.hidden.finite(got, what=f"{name} far from 0")
        check.hidden.close(got, true_activation(name, z), what=f"{name} far from 0")
        check.hidden.equal(
            complaints, [], what=f"the list of warnings of {name} far from 0 (an overflow warns)"
        )
    first, _, at_zero = check.each(function, [(far,), (-far,), (np.zeros(2),)])
    check.hidden.close(
        first, true_activation(name, far), what=f"an earlier result of {name} after another call"
    )
    if name != "d_relu":
        check.hidden.close(at_zero, np.full(2, true_activation(name, 0.0)), what=f"{name}(0)")
check.hidden.within(d_relu(np.zeros(3)), 0, 1, what="d_relu(0)")
check.hidden.equal(np.asarray(d_relu(np.zeros(3))).dtype.name, "float64", what="the dtype of d_relu(0)")
### END HIDDEN TESTS

# %% [markdown]
# ## 1.5 Softmax: from scores to probabilities
#
# A network that tells C **classes** apart (ten digits, say) ends with C numbers for each sample, one **score** per class; the largest one wins. These scores are called **logits**. They can be any numbers, so they are not probabilities yet.
# **Softmax** makes probabilities of them: take $e$ to the power of each score, which makes everything positive, and divide by the sum, so that they add up to 1. The probability of class $c$ is
#
# $$ p_c = \frac{e^{z_c}}{\sum_{k=1}^{C} e^{z_k}}, $$
#
# where $k$ runs over all C classes, and $\mathbf{z}$ and $\mathbf{p}$ have shape (C,). For N samples they have shape (N, C), and each row is treated by itself.
#
# By hand, for the scores 2, 1 and 0.1: $e^2 = 7.39$, $e^1 = 2.72$, $e^{0.1} = 1.11$, together 11.21. So the probabilities are $7.39/11.21 = 0.659$, 0.242 and 0.099.

# %% [markdown]
# ### Example 1.6 - Softmax done right, and three ways to get it wrong
#
# **Shift.** Adding one number to all scores of a sample multiplies the numerator and the denominator by the same factor and changes nothing. In exact mathematics, that is. What will the formula, typed as it stands, make of the scores 1001, 1000 and 999.1?

# %%
scores = np.array([2.0, 1.0, 0.1])
with np.errstate(over="ignore", invalid="ignore"):
    typed = [np.exp(z) / np.exp(z).sum() for z in (scores, scores + 999)]
built_in = torch.softmax(torch.from_numpy(scores + 999), dim=0)
print("scores about 1,    formula as typed: ", typed[0].round(4))
print("scores about 1000, formula as typed: ", typed[1])
print("scores about 1000, torch.softmax:    ", built_in.numpy().round(4))
assert np.isnan(typed[1]).all() and np.allclose(built_in, typed[0])

# %% [markdown]
# float64 ends at about $10^{308}$, which is $e^{709}$. Beyond that NumPy has only `inf`, and `inf / inf` is `nan`, "not a number". The cure is the shift itself: subtract the largest score first. Then the largest power is $e^0 = 1$, and nothing can overflow.
#
# **Axis.** For several samples (a *batch*) the sum must run over the classes of *one* sample. PyTorch calls the axis `dim`. If it is left out, the sum runs over the whole table:

# %%
batch = torch.tensor([[2.0, 1.0, 0.1], [0.0, 3.0, 1.0]], dtype=torch.float64)
per_row = torch.softmax(batch, dim=1)
whole_table = batch.exp() / batch.exp().sum()
print("row sums with the axis:   ", per_row.sum(dim=1).tolist())
print("row sums without the axis:", whole_table.sum(dim=1).numpy().round(3))
assert torch.allclose(per_row.sum(dim=1), torch.ones(2, dtype=torch.float64))

# %% [markdown]
# Nothing crashed, and the shape is right. Only the values show the mistake, which is why the checks in this course look at values.
# In NumPy, `max` and `sum` take an `axis`, too, and with `keepdims=True` their result keeps that axis with length 1, so that it fits the original when you subtract it or divide by it.
#
# **Temperature.** Dividing all scores by a number $T > 0$ before the softmax makes the probabilities sharper ($T < 1$) or flatter ($T > 1$). Language models offer the same control. Which class wins never changes. Before you move the slider: what will happen as $T$ gets very large, and very small?

# %%
widgets.softmax_temperature()

# %%
for temperature in (0.1, 1.0, 10.0, 1000.0):
    p = torch.softmax(torch.from_numpy(scores) / temperature, dim=0)
    print(f"T = {temperature:6g}: {p.numpy().round(3)}")
assert torch.allclose(p, torch.full((3,), 1 / 3, dtype=torch.float64), atol=1e-3)

# %% [markdown]
# With growing $T$ all probabilities approach $1/C$; with $T$ near 0 the winner takes everything.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "softmax-task"}
# ### Exercise 1.3 - Softmax with temperature (5 points, 20 minutes, core)
#
# Turn scores into probabilities along one axis:
#
# $$ p_c = \frac{e^{z_c/T}}{\sum_{k} e^{z_k/T}} $$
#
# `z` holds ordinary floats (float64) or whole numbers and has shape (..., C), or any shape with the C scores along `axis`. The result is float64 of the same shape. $T$ is `temperature`.
# For `z = [2, 1, 0.1]` and $T = 1$ the answer is about `[0.659, 0.242, 0.099]`.
#
# It must stay right for scores in the thousands, of either sign, also when one sample's scores are much larger than another's: subtract from each sample's scores their own maximum.
# A temperature of 0 or less has no meaning: raise a `ValueError`. Do not change `z` itself.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "softmax"}
def softmax(z, temperature=1.0, axis=-1):
    """Turn scores into probabilities along one axis.

    z: (..., C) int or float; axis: the one that holds the C scores
    returns: float64 of the shape of z, sums to 1 along axis
    raises: ValueError if temperature <= 0
    """
    ### BEGIN SOLUTION
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    scaled = z / temperature
    powers = np.exp(scaled - scaled.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "softmax-check"}
scores = np.array([[2.0, 1.0, 0.1], [0.0, 3.0, 1.0]])
p = softmax(scores)
hints = {
    "the sum ran over the whole table: it needs an axis": [0.3202080, 0.6797920],
    "the sum ran over the whole table: it needs the axis, too": [0.5614831, 0.4385169],
    "without an axis argument, the last axis must be taken": [1.2890505, 1.7109495],
}
check.close(p.sum(axis=1), [1.0, 1.0], what="the sum of each row", hints=hints)
hints = {"the maximum was taken along another axis than the sum": [0.6485482, 0.0877713, 0.2636805]}
check.close(p[0], [0.6590011, 0.2424330, 0.0985659], rtol=1e-5, what="softmax([2, 1, 0.1])", hints=hints)
check.close(softmax(scores + 5.0), p, what="softmax(scores + 5), which should equal softmax(scores),")
hints = {
    "the scores were multiplied by the temperature": [0.8637771, 0.1168995, 0.0193234],
    "the temperature is not used": p[0],
    "the probabilities were divided by the temperature, not the scores": p[0] / 2,
}
warm = softmax(scores[0], temperature=2.0)
right = [0.5016878, 0.3042890, 0.1940232]
check.close(warm, right, rtol=1e-5, what="softmax([2, 1, 0.1], temperature=2)", hints=hints)
check.close(softmax(np.array([1000.0, 1000.0])), [0.5, 0.5], what="softmax([1000, 1000])")
check.passed("softmax")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "softmax-hidden"}
# Tested with huge scores, rows of very different size, one to three dimensions, any axis, whole
# numbers, ties, and temperatures from 0.001 to 100.
### BEGIN HIDDEN TESTS
def softmax_by_gaps(z, temperature, axis):
    """1 / sum_k exp((z_k - z_c) / T): the same numbers without a maximum."""
    z = np.moveaxis(np.asarray(z, dtype=float), axis, -1)
    gaps = (z[..., None, :] - z[..., :, None]) / temperature
    return np.moveaxis(1.0 / np.exp(np.minimum(gaps, 700.0)).sum(axis=-1), -1, axis)


rng = np.random.default_rng(103)
cases = [
    ((4,), -1, 1.0),
    ((5, 3), 1, 2.5),
    ((4, 4), 0, 0.4),
    ((4, 4), -1, 3.0),
    ((3, 6), -2, 0.7),
    ((2, 5, 3), 1, 100.0),
    ((3, 3, 3), 0, 1.5),
    ((3, 3, 3), 2, 1.0),
    ((1, 7), 0, 2.0),
    ((6, 1), 1, 0.5),
]


@check.student_side
def three_ways(softmax, z, temperature, axis):
    """Evidence: with its arguments named, by position, and left out."""
    return softmax(z, temperature=temperature, axis=axis), softmax(z, temperature, axis), softmax(z)


tables = [3.0 * rng.normal(size=shape) for shape, _, _ in cases]
before = [z.copy() for z in tables]
seen = check.each(
    three_ways, [(softmax, z, t, axis) for z, (_, axis, t) in zip(tables, cases, strict=True)]
)
for z, kept, (shape, axis, temperature), (named, placed, plain) in zip(
    tables, before, cases, seen, strict=True
):
    expected = softmax_by_gaps(kept, temperature, axis)
    hints = {
        "the scores were multiplied by the temperature": softmax_by_gaps(kept, 1 / temperature, axis),
        "the temperature has no effect": softmax_by_gaps(kept, 1.0, axis),
        "the axis argument has no effect": softmax_by_gaps(kept, temperature, -1),
    }
    which = f"softmax along axis {axis} of an array of shape {shape}"
    check.hidden.close(named, expected, hints=hints, what=which)
    check.hidden.close(placed, expected, what="softmax with its arguments given by position")
    check.hidden.unchanged(z, kept, what="z")
    without = softmax_by_gaps(kept, 1.0, -1)
    check.hidden.close(plain, without, what="softmax without temperature and axis")

uneven = np.array([[1000.0, 1001.0, 1003.0], [-1000.0, -1002.0, -1001.0], [0.5, 0.0, 1.0]])
check.hidden.close(
    softmax(uneven),
    softmax_by_gaps(uneven, 1.0, -1),
    what="softmax of rows of very different size (each row needs its own largest score)",
)
check.hidden.close(
    softmax(uneven.T, axis=0),
    softmax_by_gaps(uneven.T, 1.0, 0),
    what="softmax of columns of very different size",
)
check.hidden.close(
    softmax(40.0 * uneven, temperature=40),
    softmax_by_gaps(uneven, 1.0, -1),
    what="softmax of scores of tens of thousands",
)
check.hidden.close(
    softmax(np.array([0.0, 2000.0])), [0.0, 1.0], what="softmax of two scores that are 2000 apart"
)
whole = np.array([[3, 1, 2], [-4, 7, 7]])
kept = whole.copy()
check.hidden.close(softmax(whole, 2), softmax_by_gaps(whole, 2.0, -1), what="softmax of whole numbers")
check.hidden.unchanged(whole, kept, what="z")
check.hidden.equal(np.asarray(softmax(whole)).dtype.name, "float64", what="the dtype of the result")
for cold in (1e-3, 0.01):
    check.hidden.close(
        softmax(np.array([0.5, 2.5, 1.5]), temperature=cold),
        [0.0, 1.0, 0.0],
        what="softmax at a temperature near 0",
    )
check.hidden.close(
    softmax(np.array([2.0, 9.0, 9.0, 9.0]), temperature=1e-3),
    [0, 1 / 3, 1 / 3, 1 / 3],
    what="softmax of three equal largest scores",
)
for impossible in (0.0, 0, -1.0):
    check.hidden.raises(
        ValueError,
        softmax,
        np.array([1.0, 2.0]),
        temperature=impossible,
        what="softmax with a temperature of 0 or less",
    )
### END HIDDEN TESTS

# %% [markdown]
# ## 1.6 From neurons to networks
#
# In Example 1.4 two neurons stood side by side and a third one read their answers. With activations in place of steps, this is a **neural network**: layer after layer, each one a weighted sum followed by an activation, and a last layer without one. For two layers, in one line each:
#
# $$ H = \mathrm{ReLU}(X W_1 + \mathbf{b}_1), \qquad Z = H W_2 + \mathbf{b}_2 . $$
#
# `X` has shape (N, D), `W1` (D, M), `b1` (M,), `H` (N, M), `W2` (M, C), `b2` (C,), and the result `Z` (N, C).
# The product of matrices takes the weighted sums of all N samples and all M neurons at once, and NumPy adds the bias of shape (M,) to each of the N rows (**broadcasting**).
#
# Why an activation at all? Without it, $Z = (X W_1 + \mathbf{b}_1) W_2 + \mathbf{b}_2$, and that is $X (W_1 W_2) + (\mathbf{b}_1 W_2 + \mathbf{b}_2)$: a single layer again, with weights of shape (D, C) and a bias of shape (C,), which cannot solve XOR. The second layer helps only because the activation bends.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "xor-params-task"}
# ### Exercise 1.4 - XOR by hand (6 points, 35 minutes, stretch)
#
# **(a)** Choose weights so that the network $\mathrm{ReLU}(X W_1 + \mathbf{b}_1) W_2 + \mathbf{b}_2$ computes XOR. Return a dict of arrays: `W1` (2, 2), `b1` (2,), `W2` (2, 1) and `b2` (1,). The output must be at least 0.75 at the "yes" corners and at most 0.25 at the others. If each input is off by up to 0.05, it must stay on the right side of 0.5.
#
# **(b)** `y` of shape (4,) holds a 0 or 1 for the corners (0, 0), (0, 1), (1, 0), (1, 1), in this order. Return the largest share of corners that any line gets right. Either side may be the one answered 1, and the line may pass outside the square. For XOR that is 0.75.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "xor-params"}
def xor_params():
    """Weights of a 2-2-1 ReLU network that computes XOR.

    returns: dict with W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)
    """
    ### BEGIN SOLUTION
    return {
        "W1": np.array([[1.0, 1.0], [1.0, 1.0]]),  # both hidden units add the inputs
        "b1": np.array([0.0, -1.0]),  # the second one counts only what goes beyond 1
        "W2": np.array([[1.0], [-2.0]]),
        "b2": np.array([0.0]),
    }
    ### END SOLUTION


def best_linear_accuracy(y):
    """Best accuracy of any line on the four corners of the unit square.

    y: (4,) in {0, 1}, labels of (0, 0), (0, 1), (1, 0), (1, 1)
    returns: float
    """
    ### BEGIN SOLUTION
    # No line parts the two diagonals of a square; every other labeling leaves one corner or one side to cut off.
    y00, y01, y10, y11 = y
    return 0.75 if y00 == y11 != y01 == y10 else 1.0
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "xor-params-check"}
inputs, xor = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
params = xor_params()
for name, shape in {"W1": (2, 2), "b1": (2,), "W2": (2, 1), "b2": (1,)}.items():
    check.equal(check.kind(params[name]), "array", what=f"the kind of {name}")
    check.shape(params[name], shape, what=name)
output = (np.maximum(inputs @ params["W1"] + params["b1"], 0) @ params["W2"] + params["b2"])[:, 0]
check.within(output[xor == 0], -np.inf, 0.25, what="the output at (0, 0) and (1, 1)")
check.within(output[xor == 1], 0.75, np.inf, what="the output at (0, 1) and (1, 0)")
for y, best in (([0, 1, 1, 0], 0.75), ([0, 0, 0, 1], 1.0), ([1, 1, 0, 1], 1.0), ([1, 0, 0, 0], 1.0)):
    hints = {"the number of corners was returned, not their share": 4 * best}
    hints["a slanted line does better than an upright or a level one"] = 0.5
    hints["lines may have either side for their yes, and need not pass through the origin"] = 0.75
    check.close(best_linear_accuracy(np.array(y)), best, what=f"best_linear_accuracy({y})", hints=hints)
check.passed("XOR by hand")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "xor-params-hidden"}
# Tested with inputs that are a little off in all directions, and with all 16 ways to label four corners.
### BEGIN HIDDEN TESTS
def xor_net(X, params):
    W1, b1, W2, b2 = (np.asarray(params[name], dtype=float) for name in ("W1", "b1", "W2", "b2"))
    return (np.maximum(X @ W1 + b1, 0.0) @ W2 + b2)[:, 0]


square = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
exclusive = np.array([0, 1, 1, 0])
weights = xor_params()
wanted = {"W1": (2, 2), "b1": (2,), "W2": (2, 1), "b2": (1,)}
for name, shape in wanted.items():
    check.hidden.equal(check.kind(weights[name]), "array", what=f"the kind of {name}")
    check.hidden.shape(weights[name], shape, what=name)
exact = xor_net(square, weights)
check.hidden.within(exact[exclusive == 1], 0.75, np.inf, what="the output at the two yes corners")
check.hidden.within(exact[exclusive == 0], -np.inf, 0.25, what="the output at the two no corners")
wobble = np.stack(
    np.meshgrid(np.linspace(-0.05, 0.05, 5), np.linspace(-0.05, 0.05, 5)), axis=-1
).reshape(-1, 2)
for corner, truth in zip(square, exclusive, strict=True):
    outputs = xor_net(corner + wobble, weights)
    check.hidden.equal(
        outputs > 0.5, np.full(25, truth == 1), what="the answer for inputs that are off by up to 0.05"
    )

for number in range(16):
    labels = np.array([number >> bit & 1 for bit in range(4)])
    kept = labels.copy()
    expected = 0.75 if number in (6, 9) else 1.0  # XOR and its opposite
    got = best_linear_accuracy(labels)
    check.hidden.close(
        got,
        expected,
        what="best_linear_accuracy for one of the 16 labelings",
        hints={
            "only lines through the origin, or along the axes, were tried": 0.75,
            "the number of corners was returned, not their share": 4 * expected,
        },
    )
    check.hidden.unchanged(labels, kept, what="y")
### END HIDDEN TESTS

# %% [markdown]
# ### Example 1.7 - A forward pass you can follow
#
# Computing a network's answer, layer by layer from the input to the scores, is called a **forward pass**. Here is one on a table small enough to print: five pieces of fruit, four measurements each, three kinds.

# %%
table = data.fruit_table()
print("columns:", ", ".join(table.features))
for row, kind in zip(table.X, table.y, strict=True):
    print(row, table.classes[kind])

# %% [markdown]
# The mass is counted in hundreds, the sugar in tens. To put the columns on one scale, we subtract each column's mean and divide by its standard deviation, which says how far its values spread.
# The weights are random: nobody has trained this network, so we should not expect good answers. We want to see the shapes.

# %%
rng = np.random.default_rng(7)
X = (table.X - table.X.mean(axis=0)) / table.X.std(axis=0)
W1, b1 = 0.5 * rng.normal(size=(4, 10)), np.zeros(10)
W2, b2 = 0.5 * rng.normal(size=(10, 3)), np.zeros(3)

Z1 = X @ W1 + b1
H = np.maximum(Z1, 0)
logits = H @ W2 + b2
steps = {"X": X, "Z1 = X W1 + b1": Z1, "H = ReLU(Z1)": H, "logits = H W2 + b2": logits}
for name, value in steps.items():
    print(f"{name:20} shape {value.shape}")
assert H.min() == 0 and logits.shape == (5, 3)

# %% [markdown]
# Five samples went in, five rows came out; four columns became ten, then three. Counting parameters is a good habit: $4 \cdot 10 + 10$ in the first layer and $10 \cdot 3 + 3$ in the second, 83 in all.
# What do the untrained network's probabilities look like? Softmax, applied to each row, tells:

# %%
p = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
for kind, row in zip(table.y, p, strict=True):
    print(
        f"{table.classes[kind]:7}",
        "  ".join(f"{name} {share:.2f}" for name, share in zip(table.classes, row, strict=True)),
    )
right = np.sum(p.argmax(axis=1) == table.y)
print(f"{right} of 5 right: the network has not learned anything yet.")
assert np.allclose(p.sum(axis=1), 1) and W1.size + b1.size + W2.size + b2.size == 83

# %% [markdown]
# ### Example 1.8 - The same network in PyTorch
#
# **PyTorch** is the library that we use beside NumPy from here on. Its tensors work much like NumPy's arrays, with two additions: PyTorch can compute slopes through a calculation, and a tensor lives on a **device**, the CPU or a graphics processor (GPU).
# `course_utils.device()` picks the best one that this computer has.
#
# A layer of weighted sums is called `nn.Linear`, and `nn.Sequential` chains layers (for a list of layers: `nn.Sequential(*layers)`). One trap: `nn.Linear(4, 10)` stores its weights with shape (10, 4), *outputs first*, so our `W1` must be transposed (`.T`) when it is copied. Inside `no_grad`, PyTorch does not record the copying for its slopes.
#
# `torch.from_numpy` makes a tensor that *shares* its memory with the NumPy array, so that a change of one is a change of both; `torch.tensor` makes a copy.

# %%
device = course_utils.device()
model = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 3)).to(device)
with torch.no_grad():
    for layer, W, b in ((model[0], W1, b1), (model[2], W2, b2)):
        layer.weight.copy_(torch.from_numpy(W.T))
        layer.bias.copy_(torch.from_numpy(b))
torch_logits = model(torch.from_numpy(X).float().to(device))
print("first layer's weights in PyTorch:", tuple(model[0].weight.shape), "on", device)

# %% [markdown]
# PyTorch computes in float32 unless told otherwise, with about 7 decimal digits; NumPy's float64 has about 16. `.float()` made float32 of our table. To have a layer in float64, write `nn.Linear(4, 10, dtype=torch.float64)`, or call `.double()` on the finished network. How close will the two results be?

# %%
answer = torch_logits.detach().cpu()  # off the device, without the slopes
difference = np.abs(answer.numpy() - logits).max()
print(f"largest difference: {difference:.1e}")
torch.testing.assert_close(answer, torch.from_numpy(logits).float(), rtol=1e-4, atol=1e-5)

# %% [markdown]
# Equal up to rounding in the seventh digit. `assert_close` compares with a tolerance, and so should you: two correct programs rarely agree in every last digit.
#
# Note where the network *ends*: with logits, not with probabilities. There is no softmax layer. To train a classifier, PyTorch measures how wrong it is with a function (a *loss*, Chapter 2) that takes logits and applies the softmax itself, in a form that cannot overflow. A network that ends in softmax and then goes through that function applies it twice, a common and silent mistake:

# %%
once = torch.softmax(answer, dim=1)
twice = torch.softmax(once, dim=1)
print("softmax once: ", once[2].numpy().round(3))
print("softmax twice:", twice[2].numpy().round(3))
assert (twice.max(dim=1).values < once.max(dim=1).values).all()

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "forward-task"}
# ### Exercise 1.5 - A network of any depth, twice (7 points, 40 minutes, core)
#
# `params` is a list with one pair `(W, b)` for each layer $l = 1, 2, \dots$: `W` of shape $(D_l, D_{l+1})$, `b` of shape $(D_{l+1},)$, all float64.
#
# **(a)** `forward(X, params)` applies layer after layer to `X` of shape (N, D), with ReLU *between* layers and none after the last. It returns the logits (N, C). With `return_all=True` it returns `(logits, [X, A_1, ..., logits])`, where $A_l$ are the activations of hidden layer $l$ (`H` above).
#
# **(b)** `to_torch(params)` returns the same network as an `nn.Sequential` of `nn.Linear` and `nn.ReLU`, in float64, on the CPU and trainable (its parameters keep `requires_grad`). Changing its weights must not change `params`.
#
# With one layer, `W = [[2], [1]]` and `b = [-5]`, `X = [[1, 2]]` gives `[[-1]]`. Change neither `X` nor `params`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "forward"}
def forward(X, params, return_all=False):
    """Forward pass: ReLU between layers, none after the last.

    X: (N, D); params: list of (W (D_l, D_l+1), b (D_l+1,))
    returns: logits (N, C), or (logits, [X, A_1, ..., logits]) if return_all
    """
    ### BEGIN SOLUTION
    activations = [X]
    for layer, (W, b) in enumerate(params, start=1):
        Z = activations[-1] @ W + b
        activations.append(np.maximum(Z, 0.0) if layer < len(params) else Z)
    return (activations[-1], activations) if return_all else activations[-1]
    ### END SOLUTION


def to_torch(params):
    """The network of forward(X, params) as nn.Sequential, float64.

    params: list of (W (D_l, D_l+1), b (D_l+1,)); returns: nn.Sequential
    """
    ### BEGIN SOLUTION
    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "forward-check"}
x = np.array([[3.0, -1.0]])
two = [(np.array([[1.0, -1.0], [1.0, -1.0]]), np.zeros(2)), (np.array([[1.0], [2.0]]), np.array([-5.0]))]
last, steps = forward(x, two, return_all=True)
hints = {"there is no ReLU between the layers": [[-7.0]], "there is a ReLU before the first": [[-2.0]]}
hints["there is a ReLU after the last layer"] = [[0.0]]
check.close(last, [[-3.0]], what="a network with two layers", hints=hints)
check.equal(len(two), 2, what="the number of layers in params after the call")
check.equal(len(steps), 3, what="the length of [X, A_1, logits]", hints={"the list begins with X": 2})
hints = {"these are the sums before the ReLU": [[2.0, -2.0]]}
check.close(steps[1], [[2.0, 0.0]], what="A_1 of the network with two layers", hints=hints)

rng = np.random.default_rng(5)
params = [(rng.normal(size=shape), rng.normal(size=shape[1])) for shape in ((4, 10), (10, 5), (5, 3))]
X = rng.normal(size=(6, 4))
logits = forward(X, params)
check.shape(logits, (6, 3), what="forward(X, params)")
model = to_torch(params)
hints = {"float32 is PyTorch's default, float64 has to be asked for": ["torch.float32"]}
kinds = sorted({str(part.dtype) for part in model.parameters()})
check.equal(kinds, ["torch.float64"], what="the dtype of to_torch(params)", hints=hints)
count = sum(part.numel() for part in model.parameters())
check.equal(count, 123, what="the number of parameters of to_torch(params)")
hints = {"a softmax at the end: networks end in logits": nn.Softmax(dim=1)(torch.tensor(logits)).numpy()}
same = model(torch.from_numpy(X)).detach().numpy()
check.close(same, logits, rtol=1e-6, what="to_torch(params)(X), held against forward,", hints=hints)
check.passed("forward and to_torch")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 5, "grade_id": "forward-hidden"}
# Tested with one to five layers, square and other weight matrices, one sample and many, and on what
# the torch network shares with params.
### BEGIN HIDDEN TESTS
def network(widths, rng):
    return [
        (rng.normal(size=shape) / np.sqrt(shape[0]), rng.normal(size=shape[1]))
        for shape in zip(widths[:-1], widths[1:], strict=True)
    ]


def layer_outputs(X, params):
    """[X, A_1, ..., logits] by einsum and a product with the sign, not by the notebook's code."""
    steps = [X]
    for W, b in params:
        Z = np.einsum("nd,dm->nm", steps[-1], W) + b[None, :]
        steps.append(Z if len(steps) == len(params) else Z * (Z > 0))
    return steps


@check.student_side
def look_into(to_torch, params, X):
    """Evidence: outputs, parts and gradients of the torch network, and params after its weights have moved."""
    model = to_torch(params)
    outputs = model(torch.from_numpy(X).to(next(model.parameters()).dtype))
    if outputs.requires_grad:
        outputs.sum().backward()
    gradients = [
        None if weights.grad is None else weights.grad.numpy().copy() for weights in model.parameters()
    ]
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(1.0)
    return {
        "outputs": outputs.detach().numpy(),
        "classes": [cls.__name__ for cls in type(model).__mro__],  # a subclass is an nn.Sequential, too
        "parts": [type(part).__name__ for part in model.modules()],
        "dtypes": [str(weights.dtype) for weights in model.parameters()],
        "shapes": [tuple(weights.shape) for weights in model.parameters()],
        "gradients": gradients,
        "params": [(W.copy(), b.copy()) for W, b in params],
    }


rng = np.random.default_rng(105)
for widths, N in [
    ((3, 2), 4),
    ((4, 4), 4),
    ((5, 7, 2), 1),
    ((3, 3, 3, 3), 5),
    ((2, 6, 4, 3), 3),
    ((6, 5, 5, 4, 4, 2), 8),
    ((1, 2, 1), 2),
]:
    params, X = network(widths, rng), rng.normal(size=(N, widths[0]))
    kept_params, kept_X = [(W.copy(), b.copy()) for W, b in params], X.copy()
    expected = layer_outputs(X, params)
    which = f"for {len(params)} layers of widths {widths} and {N} samples"
    hints = {"there is a ReLU after the last layer": np.maximum(expected[-1], 0)}
    check.hidden.close(forward(X, params), expected[-1], what=f"forward(X, params) {which}", hints=hints)
    last, steps = forward(X, params, return_all=True)
    check.hidden.close(last, expected[-1], what=f"the logits {which} with return_all=True", hints=hints)
    check.hidden.equal(len(steps), len(expected), what=f"the number of arrays in the list {which}")
    for i, (got, want) in enumerate(zip(steps, expected, strict=True)):
        check.hidden.close(got, want, what=f"entry {i} of the list {which}")
    check.hidden.unchanged(X, kept_X, what="X")
    for (W, b), (kept_W, kept_b) in zip(params, kept_params, strict=True):
        check.hidden.unchanged(W, kept_W, what="a W in params")
        check.hidden.unchanged(b, kept_b, what="a b in params")

    seen = look_into(to_torch, params, X)
    check.hidden.equal(
        sorted(set(seen["dtypes"])), ["torch.float64"], what="the dtype of the torch parameters"
    )
    check.hidden.close(
        seen["outputs"], expected[-1], rtol=1e-9, what=f"to_torch(params)(X) {which}", hints=hints
    )
    check.hidden.equal(
        seen["parts"].count("Linear"),
        len(params),
        what=f"the number of nn.Linear in to_torch(params) {which}",
    )
    check.hidden.that(
        "Sequential" in seen["classes"], "to_torch(params) does not return an nn.Sequential."
    )
    shapes = sorted(shape for W, b in kept_params for shape in (W.T.shape, b.shape))
    check.hidden.equal(
        sorted(seen["shapes"]), shapes, what=f"the shapes of the torch parameters {which}"
    )
    check.hidden.that(
        all(check.kind(gradient) == "array" for gradient in seen["gradients"]),
        "to_torch(params): some parameter gets no gradient, so it cannot be trained.",
    )
    for (kept_W, kept_b), (seen_W, seen_b) in zip(kept_params, seen["params"], strict=True):
        check.hidden.that(
            np.array_equal(seen_W, kept_W) and np.array_equal(seen_b, kept_b),
            "params changed when the weights of to_torch(params) did: the two share memory. Copy the arrays.",
        )
### END HIDDEN TESTS

# %% [markdown]
# ## What to keep
#
# - A neuron computes $z = \mathbf{w} \cdot \mathbf{x} + b$. Its decision line is straight; weights turn it, the bias shifts it.
# - The perceptron rule stops exactly when the (finitely many) data are linearly separable. XOR is not.
# - A hidden layer moves the samples to where the next layer can separate them. Without an activation between them, two layers are one.
# - Sigmoid and tanh saturate: far from 0 their slope is nearly 0. ReLU has slope 1 for every positive $z$.
# - Softmax: subtract the row's largest score, mind the axis. Networks end in logits.
# - `X` (N, D), `W` (D, M), `b` (M,); `nn.Linear` stores (M, D).
#
# **Words of this chapter:** activation (function), bias, broadcasting, class, decision line, device, epoch, feature, forward pass, hidden layer, layer, learning rate, linearly separable, logit, margin, neuron (unit), parameter, perceptron, pre-activation, ReLU, sample, saturation, sigmoid, softmax, temperature, tensor, weight.
#
# **Hand in.** Save the notebook, press *Validate* in its toolbar, then run `course submit 01` in JupyterLab's terminal.
#
# **Next:** [Chapter 2](../02_how_networks_work/02_how_networks_work.ipynb) takes the forward pass apart: shapes, initial weights, and the *loss*, one number that says how wrong a network is.
#
# ### Sources
#
# W. McCulloch and W. Pitts (1943), *Bulletin of Mathematical Biophysics* 5. F. Rosenblatt (1958), *Psychological Review* 65. A. Novikoff (1962), *Symposium on the Mathematical Theory of Automata*. M. Minsky and S. Papert (1969), *Perceptrons*, MIT Press. D. Rumelhart, G. Hinton and R. Williams (1986), *Nature* 323. Y. LeCun and others (1998), *Proceedings of the IEEE* 86. A. Krizhevsky, I. Sutskever and G. Hinton (2012), *NIPS*. The sources of all dates are in the table of Example 1.1: `data.history()`.
