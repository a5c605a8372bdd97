# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Chapter 4: Regularization and Optimization
#
# Chapter 3 made the loss fall on the training samples. This chapter asks how the network does on new ones, helps where the answer is bad, and makes the way down faster.
#
# **What you will be able to do**
#
# - See from two curves that a network overfits.
# - Use L1 and L2 penalties, dropout and batch normalization, and say what each does in training and what in use.
# - Write RMSprop, Adam and AdamW, and compare optimizers fairly.
# - Plan the learning rate over a run, and stop in time with the best weights.
#
# You need Chapters 1 to 3. Effects that depend on chance are measured over several random starts: ± is the standard deviation, and bands in figures go from the lowest run to the highest.

# %% [markdown]
# The sections belong to two questions:
#
# ```mermaid
# %%{init: {"themeVariables": {"lineColor": "#888888"}}}%%
# flowchart LR
#     accTitle: The ideas of chapter 4
#     accDescr: Overfitting is answered by penalties, dropout and early stopping. A slow way down is answered by batch normalization, better optimizers and learning-rate schedules.
#     A["overfitting:<br>good on old samples,<br>bad on new ones"] --> B["penalties"]
#     A --> C["dropout"]
#     A --> D["early stopping"]
#     E["a hard way down"] --> F["batch<br>normalization"]
#     E --> G["RMSprop, Adam"]
#     E --> H["schedules"]
# ```
#
# *The same in words: penalties, dropout and early stopping act against overfitting; batch normalization, better optimizers and schedules make the way down easier.*

# %% nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "setup"}
import copy
import functools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import check, data, nets, plot, widgets

# %% [markdown]
# ## 4.1 Overfitting
#
# A large network can learn its training samples by heart, noise (what is there by chance) included. On new samples it is then worse than one that has learned less. This is **overfitting**. Only samples that training never touches show it: the validation data of Chapter 3.
#
# How much a network could learn by heart is its **capacity**; more neurons and layers mean more of it. Whatever holds a network back from overfitting is called **regularization**.

# %% [markdown]
# ### Example 4.1 - More capacity than data
#
# Forty noisy moons to learn from, a thousand to judge by. `nets`, from our toolbox, has what you know by now: tensors on the device, dense layers with He weights, the loss on some samples in use. The training loop stands here once more; it serves the whole chapter.

# %%
few = nets.tensors(*data.moons(40, noise=0.3, rng=np.random.default_rng(41)))
many = nets.tensors(*data.moons(1000, noise=0.3, rng=np.random.default_rng(42)))


def train(network, samples, optimizer, steps, batch_size=None, rng=None, after=lambda: None):
    """Train on random batches, or on all samples at once; `after` is called after each step."""
    X, y = samples
    for _ in range(int(steps)):
        chosen = slice(None) if rng is None else rng.choice(len(y), batch_size, replace=False)
        loss = F.cross_entropy(network(X[chosen]), y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        after()


def watch(network, lr=0.1):
    """Train on the forty, with momentum; training and validation loss after every 20 steps, shape (20, 2)."""
    optimizer, record = torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9), []
    for _ in range(20):
        train(network, few, optimizer, steps=20)
        record.append([nets.loss_on(network, few), nets.loss_on(network, many)])
    return np.array(record)


# %% [markdown]
# Networks of three sizes, five random starts each. Which will have the lowest training loss? And which the lowest validation loss?

# %%
capacity = {}
for width in (0, 16, 128):  # 0: no hidden layer at all
    sizes = [2, width, width, 2] if width else [2, 2]
    capacity[width] = np.array([watch(nets.mlp(sizes, seed)) for seed in range(5)])
    ends = capacity[width][:, -1].T
    print(f"width {width:3}: training {nets.spread(ends[0], 4)}, validation {nets.spread(ends[1])}")
runs = {"training": capacity[128][:, :, 0], "validation": capacity[128][:, :, 1]}
ax = plot.spread(20 * np.arange(1, 21), runs, xlabel="step", ylabel="loss", title="width 128")
plot.show(ax, "from step 20 on, the training loss goes to 0 while the validation loss rises.")
gaps = [(runs[:, -1, 1] - runs[:, -1, 0]).mean() for runs in capacity.values()]
assert gaps == sorted(gaps) and (capacity[128][:, -1, 1] > 1.1 * capacity[128][:, 0, 1]).all()

# %% [markdown]
# The largest network has the lowest training loss and the highest validation loss: it becomes surer and surer, also where it is wrong. Without a hidden layer, the border is straight: the two losses agree, but neither falls below 0.34, however long we train. That is **underfitting**.
#
# How does the border change with capacity and noise? (Here, networks train until nothing moves. The penalty is the cure of the next section.)

# %%
widgets.capacity()

# %% [markdown]
# ## 4.2 Penalties
#
# Wild borders need large weights. So we add their size to the loss: over all weights $w$ of all layers,
#
# $$ L_\text{total} = L + \lambda_1 \sum |w| + \frac{\lambda_2}{2} \sum w^2 . $$
#
# The first sum is the **L1 penalty**, the second the **L2 penalty**; $\lambda_1$, $\lambda_2$ (lambda) say how strong they are. Biases are left out: they shift a neuron's line, but do not make the neuron steeper. The slopes of the penalties are $\lambda_1 \operatorname{sign}(w)$ and $\lambda_2 w$: L1 pulls at every weight with the same force, L2 mostly at the large ones.
#
# For plain gradient descent, L2 means $w \leftarrow (1 - \eta\lambda_2)\,w - \eta\,\partial L/\partial w$: each step shrinks the weight a little, so it is also called **weight decay**.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "penalty-task"}
# ### Exercise 4.1 - Penalties and their slopes (4 points, 15 minutes, stretch)
#
# `params` is a list of pairs `(W, b)`, `grads` a list of pairs `(dW, db)` of the same shapes, float64.
#
# **(a)** `penalty(params, l1, l2)`: `l1` times the sum of all $|w|$ plus `l2 / 2` times the sum of all $w^2$, over the weights of all layers, as a float. Biases do not count. Nothing is divided by N.
#
# **(b)** `add_penalty_grads(grads, params, l1, l2)`: a new list of pairs `(dW, db)`, each `dW` with the slope of the penalty added. At a weight of exactly 0, any slope of the L1 part from `-l1` to `l1` will do. Change no input.
#
# For `W = [[3, -4]]` and any `b`: with `l1=1` the penalty is 7, with `l2=1` it is 12.5.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "penalty"}
def penalty(params, l1=0.0, l2=0.0):
    """l1 sum |w| + l2 / 2 sum w^2 over the weights of all layers. params: list of (W, b); returns: float."""
    ### BEGIN SOLUTION
    return sum(l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum() for W, _ in params)
    ### END SOLUTION


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    """grads with the slopes of the penalty. grads: list of (dW, db), params: list of (W, b); returns: like grads."""
    ### BEGIN SOLUTION
    pairs = zip(grads, params, strict=True)
    return [(dW + l1 * np.sign(W) + l2 * W, db) for (dW, db), (W, _) in pairs]
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "penalty-check"}
weights = [[[3.0, -4.0]], [[2.0], [-0.5]], [[1.0]]]
params = [(np.array(W), np.full(len(W[0]), 10.0)) for W in weights]
grads, kept = [(np.ones(W.shape), np.ones(b.shape)) for W, b in params], copy.deepcopy(params)
hints = {
    "biases were counted": 50.5,
    "only the last layer was counted": 1.0,
    "that is no sum of |w|": 1.5,
}
hints |= {"a norm of a matrix is something else": 7.5, "means were taken, not sums": 5.75}
check.close(penalty(params, l1=1.0), 10.5, what="the L1 penalty of 3, -4, 2, -0.5, 1", hints=hints)
hints = {"the factor 1/2 is missing": 60.5, "a root was taken": 5.5, "biases were counted": 430.25}
check.close(penalty(params, l2=2.0), 30.25, what="the L2 penalty with l2 = 2", hints=hints)
check.close(penalty(params, 1.0, 2.0), 40.75, what="both penalties together")
check.close(penalty(params), 0.0, what="the penalty with l1 = l2 = 0")
check.unchanged(params[0][0], kept[0][0], what="W")
got = add_penalty_grads(grads, params, l1=0.5, l2=0.1)
check.equal(len(got), 3, what="the number of pairs")
hints = {
    "the slope of l2 / 2 w^2 is l2 w": [[2.1, -0.3]],
    "l2 / 2 w^2 has the slope l2 w": [[1.65, 0.3]],
}
hints |= {"the L1 part is missing": [[1.3, 0.6]], "the L2 part is missing": [[1.5, 0.5]]}
hints |= {"grads were left out": [[0.8, -0.9]], "the slope of |w| has the sign of w": [[1.8, 1.1]]}
hints["the penalty was taken off, not added"] = [[0.2, 1.9]]
check.close(got[0][0], [[1.8, 0.1]], what="dW of the first layer, from 1 and 1", hints=hints)
check.close(got[1][0], [[1.7], [0.45]], what="dW of the second layer, from 1 and 1")
check.close(got[1][1], [1.0], what="db of the second layer (biases are not penalized)")
check.unchanged(grads[0][0], np.ones((1, 2)), what="the dW that was passed in")
check.passed("penalty and add_penalty_grads")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 3, "grade_id": "penalty-hidden"}
# Tested with one to five layers, either penalty alone, both together, weights of 0, and against slopes that
# were found by numbers.
### BEGIN HIDDEN TESTS
def layers_of(sizes, rng):
    return [
        (rng.normal(size=(D, M)), rng.normal(size=M)) for D, M in zip(sizes, sizes[1:], strict=False)
    ]


rng = np.random.default_rng(401)
single, all_four = [(0.7, 0.0), (0.0, 0.3)], [(0.7, 0.0), (0.0, 0.3), (0.25, 1.5), (0.0, 0.0)]
plans = [
    (layers_of(sizes, rng), layers_of(sizes, rng), l1, l2)
    for sizes, strengths in (
        ([3, 2], all_four[2:]),
        ([1, 1], single),
        ([4, 5, 3], all_four),
        ([2, 3, 3, 2], all_four[2:3]),
        ([5, 2, 4, 1, 3, 2], single),
    )
    for l1, l2 in strengths
]
originals = copy.deepcopy(plans)
sums = check.each(penalty, [(layers, l1, l2) for layers, _, l1, l2 in plans])
pulled = check.each(add_penalty_grads, [(slopes, layers, l1, l2) for layers, slopes, l1, l2 in plans])
for plan, before, got, moved in zip(plans, originals, sums, pulled, strict=True):
    layers, slopes, l1, l2 = before
    flat_w = np.concatenate([W.ravel() for W, _ in layers])
    flat_b = np.concatenate([b for _, b in layers])
    expected = l1 * np.linalg.norm(flat_w, 1) + l2 * np.dot(flat_w, flat_w) / 2
    which = f"of {len(layers)} layers with l1 = {l1} and l2 = {l2}"
    hints = {}
    if l1 or l2:
        both = np.concatenate([flat_w, flat_b])
        hints["biases are counted"] = l1 * np.abs(both).sum() + l2 * (both**2).sum() / 2
        hints["the last layer alone is counted"] = (
            l1 * np.abs(layers[-1][0]).sum() + l2 * (layers[-1][0] ** 2).sum() / 2
            if len(layers) > 1
            else np.nan
        )
        hints["it is divided by the number of weights"] = expected / flat_w.size
        hints["the factor 1/2 is missing"] = expected + l2 * np.dot(flat_w, flat_w) / 2 if l2 else np.nan
    check.hidden.equal(check.kind(got) in ("float", "int"), True, what="whether penalty is a number")
    check.hidden.close(got, expected, what=f"penalty {which}", hints=hints)
    check.hidden.equal(len(moved), len(layers), what=f"the number of pairs {which}")
    for (dW, db), (W, _), (dW0, db0) in zip(moved, layers, slopes, strict=True):
        pull = l1 * (2.0 * (W > 0) - 1) + l2 * W
        causes = {"the penalty was taken off": dW0 - pull, "the slopes of the loss are missing": pull}
        causes["the slope of the L2 part is l2 w, without a 2"] = dW0 + pull + l2 * W
        causes = {cause: wrong for cause, wrong in causes.items() if l1 or l2}
        check.hidden.close(dW, dW0 + pull, what=f"dW {which}", hints=causes)
        check.hidden.close(db, db0, what=f"db {which}")
    for now, then in zip([*plan[0], *plan[1]], [*layers, *slopes], strict=True):
        for name, one, other in zip(("W or dW", "b or db"), now, then, strict=True):
            check.hidden.unchanged(one, other, what=name)

zero = [(np.array([[0.0, -0.0, 2.0]]), np.zeros(3))]
got = add_penalty_grads([(np.zeros((1, 3)), np.zeros(3))], zero, 0.4, 0.0)[0][0]
check.hidden.within(got[0, :2], -0.4, 0.4, what="the slope at a weight of 0")
check.hidden.close(got[0, 2], 0.4, what="the slope at a positive weight beside zeros")
large = [(1e3 * rng.normal(size=(100, 60)), np.zeros(60))]
exact = 0.01 * math.fsum(np.abs(large[0][0]).ravel()) + 0.5 * math.fsum((large[0][0] ** 2).ravel())
check.hidden.close(penalty(large, 0.01, 1.0), exact, rtol=1e-9, what="penalty of a large layer")
unpulled = add_penalty_grads([(np.full((1, 2), 3.0), np.ones(2))], [(np.full((1, 2), 2.0), np.ones(2))])
check.hidden.close(unpulled[0][0], [[3.0, 3.0]], what="dW without l1 and l2")
by_name = add_penalty_grads(
    [(np.zeros((1, 1)), np.zeros(1))], [(np.full((1, 1), 2.0), np.ones(1))], l2=3.0
)
check.hidden.close(by_name[0][0], [[6.0]], what="dW with l2 alone, given by its name")
### END HIDDEN TESTS

# %% [markdown]
# ### Example 4.2 - What L1 and L2 do to weights
#
# A hundred moons, with two useful inputs and eighteen of pure noise. Will a penalty find out which are which? Each has the strength that suits it best, found by trying.
#
# After each step on the loss, a penalty pulls at the weights, with $c = \eta\lambda$. A plain L1 step never lands on zero exactly, it jumps over it. The **proximal** step stops there (PyTorch's `softshrink`).


# %%
def with_noise(n, seed):
    random = np.random.default_rng(seed)
    X, y = data.moons(n, noise=0.2, rng=random)
    return nets.tensors(np.hstack([X, random.normal(size=(n, 18))]), y)


wide_train, wide_val = with_noise(100, 44), with_noise(1000, 45)
pulls = {
    "none": (0.0, lambda W, c: 0 * W),
    "L2": (0.06, lambda W, c: c * W),
    "L1": (0.03, lambda W, c: c * W.sign()),
    "L1 proximal": (0.03, lambda W, c: W - F.softshrink(W, c)),
}


def shrunk(strength, pull, seed, lr=0.1):
    network = nets.mlp([20, 32, 2], seed)

    def after():
        for dense in (network[0], network[2]):
            dense.weight.data -= pull(dense.weight.data, lr * strength)

    train(network, wide_train, torch.optim.SGD(network.parameters(), lr=lr), steps=600, after=after)
    return network


# %%
means, use = {}, {}
for kind, (strength, pull) in pulls.items():
    networks = [shrunk(strength, pull, seed) for seed in range(3)]
    first = torch.stack([network[0].weight.detach().cpu() for network in networks]).numpy()
    losses = [nets.loss_on(network, wide_val) for network in networks]
    means[kind], use[kind] = np.average(losses), np.abs(first).sum(axis=1).mean(axis=0)
    zeros = np.mean(first == 0)
    print(f"{kind:11}: validation loss {nets.spread(losses)}, exact zeros in layer 1: {zeros:.0%}")
    assert zeros > 0.9 if kind == "L1 proximal" else zeros < 0.01
assert means["none"] > means["L2"] > means["L1 proximal"]

# %% [markdown]
# How much does the network use each input? We add up the sizes of its weights to the first layer.

# %%
chosen = {kind: use[kind] for kind in ("L2", "L1 proximal")}
ax = plot.groups(range(1, 21), chosen, xlabel="input (1 and 2 are useful)", ylabel="sum of |weights|")
useful = {kind: float(sizes[:2].sum() / sizes.sum()) for kind, sizes in chosen.items()}
told = f"inputs 1 and 2 hold {useful['L2']:.0%} of the weight with L2, {useful['L1 proximal']:.0%} with L1 proximal"
plot.show(ax, f"{told}.")
assert useful["L1 proximal"] > 0.6 > useful["L2"]

# %% [markdown]
# L2 makes all weights smaller and none zero. L1 selects: its pull does not fade near zero and takes useless weights all the way. That is the better idea here, where most inputs are noise.

# %% [markdown]
# ## 4.3 Dropout
#
# **Dropout** makes it hard to learn by heart: in each training step, every number of a hidden layer is set to 0 with probability $p$, independently of all others. No neuron can rely on a certain other one.
#
# In use, nothing is dropped. So that the next layer sees numbers of the same size on average, those that stay are multiplied by $1/(1-p)$ in training. This form is called **inverted dropout**.

# %% [markdown]
# ### Example 4.3 - Dropout by PyTorch
#
# What is the mean over many masks?

# %%
dropout, ones = nn.Dropout(p=0.25), torch.ones(10_000, 6)
torch.manual_seed(43)  # nn.Dropout knows no other generator than PyTorch's global one
dropped = dropout(ones)
print("two masks in training:", *dropped[:2].numpy().round(2), sep="\n")
print("mean over 10,000 masks:", dropped.mean(dim=0).numpy().round(3))
print("in use:", dropout.eval()(ones)[0].numpy())
# One number of such a mask has the standard deviation sqrt(p / (1 - p)) = 0.58, so the mean has 0.0058.
assert (dropped.mean(dim=0) - 1).abs().max() < 6 * 0.0058 and torch.equal(dropout(ones), ones)

# %% [markdown]
# `eval()` tells a network that it is used, `train()` that it is trained; `nets.loss_on` switches there and back. Does dropout help the overfitting network of Example 4.1?


# %%
def thinning(width):
    return [nn.ReLU(), nn.Dropout(0.5)]


torch.manual_seed(44)
thinned = [nets.mlp([2, 128, 128, 2], seed, thinning) for seed in range(5)]
helped = np.array([watch(network) for network in thinned])
for name, runs in {"without dropout": capacity[128], "with p = 0.5": helped}.items():
    print(f"{name:15}: validation loss {nets.spread(runs[:, -1, 1])}")
assert helped[:, -1, 1].max() < capacity[128][:, -1, 1].min()

# %% [markdown]
# Each mask picks another smaller network. In use, the full network stands for their average. Compare it with an average over 100 masks:

# %%
torch.manual_seed(45)
with torch.no_grad():
    masked = torch.stack([thinned[0].train()(many[0]).softmax(dim=1) for _ in range(100)])
    full = thinned[0].eval()(many[0]).softmax(dim=1)
agree = (masked.mean(dim=0).argmax(dim=1) == full.argmax(dim=1)).float().mean().item()
print(f"the full network and the average of 100 thinned ones agree on {agree:.1%} of the samples")
assert agree > 0.95

# %%
widgets.dropout_masks()

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "dropout-task"}
# ### Exercise 4.2 - Inverted dropout (5 points, 20 minutes, core)
#
# **(a)** `dropout_forward(A, p_drop, rng, training)` returns `(out, mask)`, both (N, M) float64, with `out = A * mask`. In training, each entry of the mask is 0 with probability `p_drop` and otherwise $1/(1 - p)$, independently of all other entries, drawn from `rng`. In use (`training=False`), the mask is all ones, and nothing is drawn; `rng` may then be `None`.
#
# Raise a `ValueError` unless `0 <= p_drop < 1`, in use as well.
#
# **(b)** `dropout_backward(dout, mask)` returns the slopes with respect to `A`, for the same mask.
#
# Change no input. With `p_drop=0.5`, a row `[1, 2, 3]` may become `[2, 0, 6]`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "dropout"}
def dropout_forward(A, p_drop, rng, training):
    """Inverted dropout.

    A: (N, M); p_drop: share of numbers to drop, 0 <= p_drop < 1; rng: Generator (or None in use)
    returns: out (N, M), mask (N, M) of 0 and 1 / (1 - p_drop)
    raises: ValueError for another p_drop
    """
    ### BEGIN SOLUTION
    if not 0 <= p_drop < 1:
        raise ValueError(f"p_drop must be from 0 to below 1, not {p_drop}")
    mask = (rng.random(A.shape) >= p_drop) / (1 - p_drop) if training else np.ones(A.shape)
    return A * mask, mask
    ### END SOLUTION


def dropout_backward(dout, mask):
    """Backward pass of out = A * mask. dout, mask: (N, M); returns: dA (N, M)."""
    ### BEGIN SOLUTION
    return dout * mask
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "dropout-check"}
A, sheet = np.arange(1.0, 7.0).reshape(2, 3), np.full((80, 100), 3.0)
out, mask = dropout_forward(A, 0.4, None, False)
check.close([out, mask], [A, np.ones((2, 3))], what="[out, mask] in use, where nothing is scaled,")
out, mask = dropout_forward(sheet, 0.2, np.random.default_rng(4), True)
check.unchanged(sheet, np.full((80, 100), 3.0), what="A")
hints = {"the factor 1 / (1 - p) belongs into the mask": sheet * mask * 1.25}
check.close(out, sheet * mask, what="out in training, held against A * mask,", hints=hints)
hints = {"the factor 1 / (1 - p) is missing": [0, 1], "p was taken for the share that stays": [0, 5]}
check.close(np.unique(mask), [0.0, 1.25], what="the different values in the mask", hints=hints)
told = "Rows or columns of the mask are all alike: each number needs its own draw."
check.that(np.ptp(mask.mean(axis=0)) > 0 and np.ptp(mask.mean(axis=1)) > 0, told)
told = "p_drop = 0.2 dropped about 80 %: p_drop was taken for the probability to stay."
check.that(not 0.77 < np.mean(mask == 0) < 0.83, told)
check.within(np.mean(mask == 0), 0.173, 0.227, what="the share that p_drop = 0.2 drops")  # 6 sigma
again = dropout_forward(sheet, 0.2, np.random.default_rng(4), True)[1]
check.that(
    np.array_equal(again, mask), "An rng of the same seed gives another mask: draw from rng alone."
)
leaf, dout = torch.ones(4, 5, requires_grad=True), torch.arange(1.0, 21.0).reshape(4, 5)
twin = F.dropout(leaf, 0.2)  # PyTorch's; from ones, so it is its own mask
twin.backward(dout)
got = dropout_backward(dout.numpy(), twin.detach().numpy())
check.close(got, leaf.grad.numpy(), what="dropout_backward, beside PyTorch,")
for p in (1.0, -0.1):
    check.raises(ValueError, dropout_forward, A, p, None, False, what=f"p_drop = {p} in use")
check.passed("dropout_forward and dropout_backward")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 3, "grade_id": "dropout-hidden"}
# Tested with several p_drop, p_drop = 0, inputs that hold zeros, which numbers are drawn and from where, and
# masks for the backward pass that no dropout would give.
### BEGIN HIDDEN TESTS
@check.student_side
def trained(dropout_forward, A, p, seed):
    """Evidence: out; the mask's kind, shape and dtype, its different values, and which of them stands where."""
    out, mask = dropout_forward(A, p, np.random.default_rng(seed), True)
    values, places = np.unique(np.asarray(mask), return_inverse=True)
    places = places.reshape(-1).astype(np.uint8 if len(values) < 256 else np.int64)
    return (
        np.array(out),
        (check.kind(out), check.kind(mask)),
        mask.shape,
        mask.dtype.name,
        values,
        places,
    )


rng = np.random.default_rng(402)
A = rng.normal(size=(100, 120))
A[::7] = 0.0
kept, shares = A.copy(), (0.1, 0.35, 0.5, 0.8)
runs = check.each(trained, [(dropout_forward, A, p, int(100 * p)) for p in shares])
check.hidden.unchanged(A, kept, what="A")
for p, (out, words, size, dtype, values, places) in zip(shares, runs, strict=True):
    which = f"for p_drop = {p}"
    check.hidden.equal(words, ("array", "array"), what="the kinds of out and mask")
    check.hidden.equal(size, A.shape, what=f"the shape of the mask {which}")
    hints = {"p_drop was taken for the probability to stay": [0.0, 1 / p]}
    hints["the numbers that stay are not multiplied by 1 / (1 - p)"] = [0.0, 1.0]
    what = f"the values in the mask {which}"
    check.hidden.close(values, [0.0, 1 / (1 - p)], what=what, hints=hints)
    mask = values[places].reshape(A.shape)
    check.hidden.close(out, kept * mask, what=f"out in training {which}")
    check.hidden.equal([out.dtype.name, dtype], ["float64"] * 2, what="the dtypes of out and mask")
    gone = mask == 0
    # Six standard deviations: of one share, and of the 100 and 120 shares of rows and columns.
    for share, count, words in (
        (gone.mean(), gone.size, "share of dropped numbers"),
        (gone.mean(axis=1), 120, "shares of dropped numbers in the rows"),
        (gone.mean(axis=0), 100, "shares of dropped numbers in the columns"),
    ):
        room = 6 * np.sqrt(p * (1 - p) / count)
        check.hidden.within(share, p - room, p + room, what=f"the {words} {which}")
    pairs = [(gone[:-1], gone[1:]), (gone[:, :-1], gone[:, 1:]), (gone[:50], gone[50:])]
    for one, other in pairs:
        both, room = (one & other).mean(), 6 * np.sqrt(p**2 * (1 - p**2) / one.size) * 2
        told = "how often two neighbours are dropped together (each number needs its own draw)"
        check.hidden.within(both, p**2 - room, p**2 + room, what=f"{told} {which}")


@check.student_side
def masks_of(dropout_forward, shape, p, rng, count):
    """Evidence: the masks of several calls with one rng."""
    return np.array([dropout_forward(np.ones(shape), p, rng, True)[1] for _ in range(count)])


masks = masks_of(dropout_forward, (8, 10), 0.3, np.random.default_rng(77), 40)
check.hidden.shape(masks, (40, 8, 10), what="40 masks")
repeated = any(np.array_equal(mask, masks[0]) for mask in masks[1:])
check.hidden.that(not repeated, "Two calls with one rng give one mask.")
different = np.unique((masks == 0).sum(axis=(1, 2)))
told = "Each mask drops the same number of entries: they are not independent."
check.hidden.that(len(different) > 3, told)
twice = [masks_of(dropout_forward, (5, 6), 0.5, np.random.default_rng(3), 1) for _ in range(2)]
check.hidden.close(twice[1], twice[0], what="the mask of another rng with the same seed")


@check.student_side
def refused(dropout_forward, A, p, seed, training):
    """Evidence: the names of the classes of the error that comes out."""
    try:
        dropout_forward(A, p, np.random.default_rng(seed), training)
    except Exception as error:
        return tuple(kind.__name__ for kind in type(error).__mro__)
    return ()


A = rng.normal(size=(6, 5))
odd = [(p, training) for training in (True, False) for p in (-0.1, 1.0, 1.5, float("nan"))]
met = check.each(refused, [(dropout_forward, A, p, 8, training) for p, training in odd])
for (p, training), names in zip(odd, met, strict=True):
    what = f"dropout_forward with p_drop = {p} and training = {training}"
    check.hidden.that("ValueError" in names, f"{what} must raise ValueError.")
cases = [(0.0, np.random.default_rng(8), training) for training in (True, False)]
cases += [(0.6, source, False) for source in (None, np.random.default_rng(9))]
runs = check.each(dropout_forward, [(A, *case) for case in cases])
for (p, *_), (out, mask) in zip(cases, runs, strict=True):
    told = "in use" if p else "for p_drop = 0"
    hints = {"it is scaled in use": A * 0.4, "it is scaled in use, too": A / 0.4} if p else {}
    check.hidden.close(out, A, what=f"out {told}", hints=hints)
    check.hidden.close(mask, np.ones((6, 5)), what=f"the mask {told}")


@check.student_side
def draws(dropout_forward, A):
    """Evidence: the Generator's state before and after a call in use, and NumPy's global one in training."""
    own = np.random.default_rng(12)
    before = own.bit_generator.state["state"]["state"]
    dropout_forward(A, 0.5, own, False)
    after = own.bit_generator.state["state"]["state"]
    seed, state = np.random.seed, np.random.get_state  # noqa: NPY002 (the old global one is what is looked at)
    seed(98)
    old = state()[1].tolist(), state()[2]
    dropout_forward(A, 0.5, own, True)
    return str(before), str(after), old == (state()[1].tolist(), state()[2])


before, after, untouched = draws(dropout_forward, A)
check.hidden.that(before == after, "Numbers are drawn from rng in use.")
check.hidden.that(untouched, "NumPy's global random state was used: draw from rng alone.")
shapes = ((3, 4), (1, 6), (5, 1))
given = [(rng.normal(size=shape), rng.choice([0.0, 2.5, 0.25], size=shape)) for shape in shapes]
kept = copy.deepcopy(given)
back = check.each(dropout_backward, given)
for got, now, (upstream, mask) in zip(back, given, kept, strict=True):
    hints = {
        "the mask already holds the factor 1 / (1 - p)": upstream * (mask > 0),
        "dout is not used": mask,
    }
    check.hidden.close(got, upstream * mask, what="dropout_backward", hints=hints)
    check.hidden.unchanged(now[0], upstream, what="dout")
    check.hidden.unchanged(now[1], mask, what="the mask")
### END HIDDEN TESTS

# %% [markdown]
# ## 4.4 Batch normalization
#
# Chapter 2 chose initial weights so that signals neither fade nor explode; training soon changes these weights. **Batch normalization** (*batch norm*, 2015) restores order in every step: for each neuron, it takes mean $\mu$ and variance $\sigma^2$ over the batch, and turns the pre-activations $x_n$ into
#
# $$ \hat{x}_n = \frac{x_n - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad y_n = \gamma\, \hat{x}_n + \beta . $$
#
# The small $\varepsilon$ (epsilon) avoids a division by zero. $\gamma$ and $\beta$ (gamma, beta), one of each per neuron, are learned: the network may choose another scale if it helps.
#
# In use there may be only one sample, and its answer must not depend on its neighbours. So training also keeps **running averages** of mean and variance, and use takes those. PyTorch's convention, with $\alpha = 0.1$: running $\leftarrow (1 - \alpha)\,$running $+\; \alpha\,$batch. (The code calls $\alpha$ `momentum`; it has nothing to do with that of gradient descent.)

# %% [markdown]
# ### Example 4.4 - What batch normalization does
#
# Three features of very different scales go through `nn.BatchNorm1d`.

# %%
rng, centers = np.random.default_rng(48), np.array([3.0, 0.5, -200.0])
norm = nn.BatchNorm1d(3)
for _ in range(80):
    batch = torch.tensor(rng.normal(centers, [0.1, 1.0, 50.0], (32, 3)), dtype=torch.float32)
    normed = norm(batch).detach()
print("batch:  std ", batch.std(dim=0).numpy().round(2))
print("output: mean", normed.mean(dim=0).numpy().round(2), "std", normed.std(dim=0).numpy().round(2))
print("running mean:", norm.running_mean.numpy().round(1))
norm.eval()  # in use
assert normed.mean(dim=0).abs().max() < 1e-3 and torch.allclose(norm(batch[:1]), norm(batch)[:1])
assert np.allclose(norm.running_mean.numpy(), centers, rtol=0.05, atol=0.3)

# %% [markdown]
# In use, a sample gives the same result alone and in company. In *training*, a batch of one sample has no spread to divide by, and PyTorch refuses it. **Layer normalization** averages over the features of each sample instead, and does not care about the batch.

# %%
try:
    norm.train()(batch[:1])
except ValueError as error:
    print("ValueError:", error)
row = nn.LayerNorm(3)(batch[:1]).detach()
print("layer norm of one sample:", row.numpy().round(2))
assert row.mean().abs() < 1e-5

# %% [markdown]
# Does it matter? A deep network, eight hidden layers, whose He weights we spoil by a factor of 1/2, on the spiral of Chapter 3: four learning rates, three starts each. What do you expect without batch norm?

# %%
arms = nets.tensors(*data.spiral(100, 3, 0.2, np.random.default_rng(46)))


def sweep(network_of, optimizer_of, rates, steps, batch_size=64, plan=None):
    """The loss on the spiral after training: three starts (rows), each at all learning rates (columns)."""
    losses = np.empty((3, len(rates)))
    for seed, column in np.ndindex(losses.shape):
        network = network_of(seed)
        optimizer = optimizer_of(network.parameters(), lr=rates[column])
        after = plan(optimizer).step if plan else lambda: None  # a schedule, Section 4.6
        train(network, arms, optimizer, steps, batch_size, np.random.default_rng(seed), after)
        losses[seed, column] = nets.loss_on(network, arms)
    return losses


# %%
def normed_layer(width):
    return [nn.BatchNorm1d(width), nn.ReLU()]


rates, depths = (0.03, 0.1, 0.3, 1.0), {}
for name, between in {"without": None, "with batch norm": normed_layer}.items():
    spoiled = functools.partial(nets.mlp, [2, *[32] * 8, 3], between=between, scale=0.5)
    depths[name] = sweep(spoiled, torch.optim.SGD, rates, steps=150)
axes = {"xlabel": "learning rate", "ylabel": "loss after training", "xscale": "log", "yscale": "log"}
ax = plot.spread(rates, depths, **axes)
plot.show(
    ax,
    "without it the loss stays near ln 3 = 1.10 at every rate; with it, it is far lower (one start in three has bad luck at 0.3).",
)
assert depths["without"].min() > 0.8 and np.median(depths["with batch norm"]) < 0.15

# %% [markdown]
# Without it, signals and slopes halve from layer to layer. Batch norm repairs the scale, whatever the weights are.
#
# For the backward pass, note that every $x_n$ moves $\mu$ and $\sigma^2$, and with them *all* outputs. Collecting the paths gives, for each feature, with $g_n = \gamma\, dy_n$ and bars for means over the batch,
#
# $$ dx_n = \frac{g_n - \bar{g} - \hat{x}_n\, \overline{g \hat{x}}}{\sqrt{\sigma^2 + \varepsilon}}, \qquad d\gamma = \sum_n dy_n\, \hat{x}_n, \qquad d\beta = \sum_n dy_n . $$

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "batchnorm-task"}
# ### Exercise 4.3 - Batch normalization (8 points, 45 minutes, stretch)
#
# All arrays are float64: `X` (N, D), the others (D,). `state` is a dict of `running_mean` and `running_var`.
#
# **(a)** `batchnorm_forward` returns `(Y, cache, new_state)`. In training, normalize with the batch's mean and its variance (divided by N); `new_state` holds the new running averages, for which the variance is divided by N - 1. N = 1 raises a `ValueError`. In use, normalize with the running averages; `new_state` has the values of `state`.
#
# **(b)** `batchnorm_backward(dY, cache)`, after a forward pass in training, returns `(dX, dgamma, dbeta)`.
#
# What `cache` holds is up to you. Change no input, nor `state`. `X = [[1], [3]]` with `gamma = [1]`, `beta = [0]` gives `Y` of about `[[-1], [1]]`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "batchnorm"}
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    """Batch normalization.

    X: (N, D); gamma, beta: (D,); state: dict of running_mean (D,) and running_var (D,)
    returns: Y (N, D), cache, new_state (a dict like state)
    raises: ValueError for one sample in training
    """
    ### BEGIN SOLUTION
    if not training:
        normal = (X - state["running_mean"]) / np.sqrt(state["running_var"] + eps)
        return gamma * normal + beta, None, dict(state)
    N = len(X)
    if N == 1:
        raise ValueError("one sample has no spread to normalize with")
    mean, var = X.mean(axis=0), X.var(axis=0)
    root = np.sqrt(var + eps)
    normal = (X - mean) / root
    new_state = {
        "running_mean": (1 - momentum) * state["running_mean"] + momentum * mean,
        "running_var": (1 - momentum) * state["running_var"] + momentum * var * N / (N - 1),
    }
    return gamma * normal + beta, (normal, root, np.array(gamma)), new_state
    ### END SOLUTION


def batchnorm_backward(dY, cache):
    """Backward pass of batch normalization in training. dY: (N, D); returns: dX (N, D), dgamma (D,), dbeta (D,)."""
    ### BEGIN SOLUTION
    normal, root, gamma = cache
    g = gamma * dY
    dX = (g - g.mean(axis=0) - normal * (g * normal).mean(axis=0)) / root
    return dX, (dY * normal).sum(axis=0), dY.sum(axis=0)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 3, "grade_id": "batchnorm-check"}
def there_and_back(forward, backward, X, gamma, beta, state, dY):
    Y, cache, after = forward(X, gamma, beta, state, True)
    return Y, after, backward(dY, cache), np.vstack([X, state["running_mean"]])


X, dY = np.array([[1.0, 100.0], [3, 300], [8, 500]]), np.array([[1.0, 1.0], [0, -2], [0, 3]])
norm, leaf = nn.BatchNorm1d(2, dtype=torch.float64), torch.tensor(X, requires_grad=True)  # PyTorch's
gamma, beta, both = np.arange(1.0, 3.0), np.array([0.0, 10.0]), (batchnorm_forward, batchnorm_backward)
twin, state = norm(leaf), {"running_mean": np.zeros(2), "running_var": np.ones(2)}
Y, after, got, given = check.student_side(there_and_back)(*both, X, gamma, beta, state, dY)
hints = {"the mean runs over all of X": [-0.804357, 9.446006], "a root is missing": [-0.346154, 9.985]}
hints |= {"gamma, beta are missing": [-1.0190487, -1.2247449], "it is divided by N - 1": [-0.83205, 8]}
hints |= {"running averages are for use": [0.999995, 209.999], "samples are rows": [-1, 12]}
check.close(Y[0], [-1.0190487, 7.5505103], rtol=1e-6, what="the first row of Y", hints=hints)
right = [norm.running_mean.numpy(), norm.running_var.numpy()]
hints = {"it needs the variance divided by N - 1": [right[0], [1.766667, 2667.566667]]}
check.close(
    [after["running_mean"], after["running_var"]], right, rtol=1e-6, what="new_state", hints=hints
)
check.unchanged(given, np.vstack([X, np.zeros(2)]), what="X or state")
twin.backward(torch.tensor(gamma * dY))
hints = {"mean and variance are no constants": [0.339683, 0.012247], "no gamma": [0.108873, 0.008165]}
hints |= {"a path is missing": [0.226455, 0.004082], "the mean of g is missing": [0.222101, 0.024495]}
check.gradient(got[0][0], leaf.grad[0].numpy(), rtol=1e-4, batch=3, what="dX[0]", hints=hints)
check.gradient([got[1], got[2]], [[-1.0190487, 2.4494897], [1, 2]], batch=3, what="[dgamma, dbeta]")
used = batchnorm_forward(X[:2], gamma, beta, after, False)[0]
right = gamma * norm.eval()(leaf[:2]).detach().numpy() + beta
check.close(used, right, rtol=1e-6, what="Y of two samples in use")
check.raises(
    ValueError, batchnorm_forward, X[:1], gamma, beta, state, True, what="one sample in training"
)
check.passed("batchnorm_forward and batchnorm_backward")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 5, "grade_id": "batchnorm-hidden"}
# Tested against PyTorch over several batches, with two to many samples, one feature, features of very
# different scales, other momenta and eps, samples alone in use, and gradients of any size.
### BEGIN HIDDEN TESTS
def torch_norm(gamma, beta, state, momentum, eps):
    """PyTorch's own, in float64, with the given parameters and running averages."""
    module = nn.BatchNorm1d(len(gamma), eps=eps, momentum=momentum, dtype=torch.float64)
    with torch.no_grad():
        for part, values in zip(
            (module.weight, module.bias, module.running_mean, module.running_var),
            (gamma, beta, state["running_mean"], state["running_var"]),
            strict=True,
        ):
            part.copy_(torch.tensor(values))
    return module


@check.student_side
def several(forward, backward, batches, gamma, beta, state, momentum, eps, few_rows):
    """Evidence: of training passes in a row, Y, new_state, slopes, and the inputs afterwards; of use, the same."""
    rounds = []
    for X, upstream in batches:
        Y, cache, new_state = forward(X, gamma, beta, state, True, momentum, eps)
        slopes = tuple(backward(upstream, cache))
        given = X, gamma, beta, upstream, state["running_mean"], state["running_var"]
        after = new_state["running_mean"], new_state["running_var"]
        rounds.append(copy.deepcopy((Y, after, slopes, given)))
        state = new_state
    whole, _, after = forward(few_rows, gamma, beta, state, False, momentum, eps)
    used = copy.deepcopy((whole, after["running_mean"], after["running_var"]))
    single = forward(few_rows[1:2], gamma, beta, state, False, momentum, eps)[0]
    return tuple(rounds), used, (state["running_mean"], state["running_var"]), single


rng, mine = np.random.default_rng(403), (batchnorm_forward, batchnorm_backward)
settings = [
    (6, 3, 0.1, 1e-5, 3),
    (2, 4, 0.3, 1e-3, 2),
    (5, 5, 0.9, 1e-5, 2),
    (4, 1, 1.0, 0.1, 2),
    (64, 2, 0.01, 1e-5, 2),
]
names = ("X", "gamma", "beta", "dY", "running_mean of state", "running_var of state")
plans = []
for N, D, momentum, eps, count in settings:
    gamma, beta = rng.normal(size=D), rng.normal(size=D)
    state = {"running_mean": rng.normal(size=D), "running_var": rng.uniform(0.5, 3, size=D)}
    batches = [
        (
            rng.normal(rng.normal(size=D), 10.0 ** np.linspace(-1, 2, D), size=(N, D)),
            rng.normal(size=(N, D)) * 10.0 ** rng.integers(-3, 4),
        )
        for _ in range(count)
    ]
    plans.append((batches, gamma, beta, state, momentum, eps, rng.normal(size=(3, D))))
originals = copy.deepcopy(plans)
runs = check.each(several, [(*mine, *plan) for plan in plans])
for plan, (rounds, used, left, single) in zip(originals, runs, strict=True):
    batches, gamma, beta, state, momentum, eps, few_rows = plan
    module, (N, D) = torch_norm(gamma, beta, state, momentum, eps), batches[0][0].shape
    which = f"for {N} samples, {D} features, momentum {momentum} and eps {eps}"
    averages = tuple(state.values())
    for (X, upstream), (Y, new_averages, got, given) in zip(batches, rounds, strict=True):
        for now, one, name in zip(given, (X, gamma, beta, upstream, *averages), names, strict=True):
            check.hidden.unchanged(now, one, what=name)
        leaf = torch.tensor(X, requires_grad=True)
        module.zero_grad()
        out = module.train()(leaf)
        out.backward(torch.tensor(upstream))
        exact, spread = out.detach().numpy(), X.var(axis=0)
        hints = {"the variance must be divided by N": beta + (exact - beta) * np.sqrt(1 - 1 / N)}
        hints["gamma and beta are missing"] = (exact - beta) / gamma
        check.hidden.close(Y, exact, rtol=1e-6, atol=1e-8, what=f"Y in training {which}", hints=hints)
        biased = (1 - momentum) * averages[1] + momentum * spread
        hints = {"the running variance needs the variance divided by N - 1": biased}
        right_mean, right_var = module.running_mean.numpy(), module.running_var.numpy()
        check.hidden.close(new_averages[0], right_mean, what=f"running_mean {which}")
        check.hidden.close(new_averages[1], right_var, what=f"running_var {which}", hints=hints)
        root = np.sqrt(spread + eps)
        hints = {"mean and variance were taken for constants": gamma * upstream / root}
        hints["the path through the variance is missing"] = (
            gamma * (upstream - upstream.mean(axis=0)) / root
        )
        right = leaf.grad.numpy(), module.weight.grad.numpy(), module.bias.grad.numpy()
        # dX is a difference of terms of the size of gamma dY / root, and exact to the rounding of those.
        largest = np.abs(upstream).max()
        sizes = np.abs(gamma * upstream / root).max(axis=0), largest, largest
        for slopes, true, size, name in zip(got, right, sizes, ("dX", "dgamma", "dbeta"), strict=True):
            causes = {cause: wrong / size for cause, wrong in hints.items()} if name == "dX" else None
            told = {"atol": 1e-7, "batch": N, "what": f"{name} {which}", "hints": causes}
            check.hidden.gradient(slopes / size, true / size, rtol=1e-6, **told)
        averages = new_averages
    module.eval()
    expected = module(torch.tensor(few_rows)).detach().numpy()
    hints = {"gamma and beta are missing": (expected - beta) / gamma}
    check.hidden.close(used[0], expected, what=f"Y in use {which}", hints=hints)
    check.hidden.close(used[1:], [right_mean, right_var], what="new_state after a call in use")
    what = "the state that was passed in, after a call in use"
    check.hidden.close(left, [right_mean, right_var], what=what)
    check.hidden.close(single, expected[1:2], what="Y of one sample in use")

ones, zeros = np.ones(2), np.zeros(2)
start = {"running_mean": zeros.copy(), "running_var": ones.copy()}
what = "batchnorm_forward with one sample in training"
check.hidden.raises(ValueError, batchnorm_forward, np.ones((1, 2)), ones, zeros, start, True, what=what)
pair = [np.full((4, 2), 7.0), np.array([[1.0, 0.0], [3.0, 8.0]])]
flat, defaults = check.each(batchnorm_forward, [(X, ones, zeros, start, True) for X in pair])
check.hidden.close(flat[0], np.zeros((4, 2)), what="Y of samples that are all equal")
averages = defaults[2]["running_mean"], defaults[2]["running_var"]
what = "[running_mean, running_var] with the default momentum"
check.hidden.close(averages, [[0.2, 0.4], [1.1, 4.1]], what=what)


@check.student_side
def steady(forward, batch, gamma, beta, state, momentum, count):
    """Evidence: the running averages after the same batch, many times."""
    for _ in range(count):
        state = forward(batch, gamma, beta, state, True, momentum=momentum)[2]
    return state["running_mean"], state["running_var"]


batch = rng.normal([5.0, -3.0], [2.0, 0.5], size=(50, 2))
mean, var = steady(batchnorm_forward, batch, ones, zeros, start, 0.3, 50)
told = "after 50 times the same batch"
check.hidden.close(mean, batch.mean(axis=0), rtol=1e-4, what=f"running_mean {told}")
check.hidden.close(var, batch.var(axis=0, ddof=1), rtol=1e-4, what=f"running_var {told}")


@check.student_side
def two_caches(forward, backward, first, other, gamma, beta, state, upstream):
    """Evidence: dX from a cache, before and after another forward pass."""
    cache = forward(first, gamma, beta, state, True)[1]
    alone = np.array(backward(upstream, cache)[0])
    forward(other, gamma, beta, state, True)
    return alone, np.array(backward(upstream, cache)[0])


both = rng.normal(size=(5, 2)), 9.0 * rng.normal(size=(5, 2))
alone, again = two_caches(*mine, *both, ones, zeros, start, rng.normal(size=(5, 2)))
check.hidden.close(again, alone, what="dX from an earlier cache, after another forward pass")
### END HIDDEN TESTS

# %% [markdown]
# ## 4.5 Better steps
#
# In Example 3.3, one learning rate had to serve a steep and a flat direction. What if each parameter had its own? With $g$ for the gradient, and all operations for each parameter by itself, **RMSprop** keeps a running average of $g^2$ and divides by its root:
#
# $$ s \leftarrow \rho\, s + (1 - \rho)\, g^2, \qquad w \leftarrow w - \eta\, \frac{g}{\sqrt{s} + \varepsilon} . $$
#
# Steep or flat, once $s$ has filled up, a steady slope gives steps of about $\eta$; the very first step is longer, because $s$ starts at 0. **Adam** (2015) averages the slope as well, as momentum does. In step $t = 1, 2, \dots$, with $m$ and $v$ zero at first,
#
# $$ m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, $$
#
# $$ \hat{m} = \frac{m}{1 - \beta_1^t}, \qquad \hat{v} = \frac{v}{1 - \beta_2^t}, \qquad w \leftarrow w - \eta\, \frac{\hat{m}}{\sqrt{\hat{v}} + \varepsilon} . $$
#
# The divisions by $1 - \beta^t$ make up for the start at zero (**bias correction**).

# %% [markdown]
# ### Example 4.5 - A fair race
#
# A race is fair if every optimizer runs at *its own* best learning rate. First on two surfaces: a narrow valley with condition number 100, and Rosenbrock's banana, a curved valley with its minimum at (1, 1). 16 rates for each, 300 steps.

# %%
optimizers = {
    "SGD": torch.optim.SGD,
    "momentum": functools.partial(torch.optim.SGD, momentum=0.9),  # SGD with this argument given
    "RMSprop": torch.optim.RMSprop,
    "Adam": torch.optim.Adam,
}
surfaces = {
    "valley": (lambda x, y: (x**2 + 100 * y**2) / 2, [10.0, 1.0]),
    "banana": (lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2, [-1.5, 2.0]),
}


def height_after(height, start, make, lr):
    place = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = make([place], lr=lr)
    for _ in range(300):
        optimizer.zero_grad()
        height(*place).backward()
        optimizer.step()
    return np.nan_to_num(height(*place).item(), nan=np.inf)


# %%
grid = np.geomspace(1e-4, 10, 16)
for surface, (height, start) in surfaces.items():
    best = {}
    for name, make in optimizers.items():
        heights = [height_after(height, start, make, lr) for lr in grid]
        best[name] = min(heights)
        print(f"{surface}: {name:8} reaches {best[name]:.0e} at lr {grid[np.argmin(heights)]:.4f}")
    assert best["SGD"] > 100 * max(best["momentum"], best["RMSprop"], best["Adam"])

# %% [markdown]
# See the paths. The menu multiplies all four best rates by one factor: who explodes first when they are too large?

# %%
widgets.optimizer_race()

# %% [markdown]
# Now on a real network, the spiral again. How low does each curve get, and how wide is its valley?

# %%
rates, races = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0], {}
for name, make in optimizers.items():
    losses = sweep(functools.partial(nets.mlp, [2, 64, 64, 3]), make, rates, steps=100)
    races[name] = np.minimum(losses, 3)  # or those that explode spoil the picture
ax = plot.spread(rates, races, **axes)
lowest = {name: round(float(losses.mean(axis=0).min()), 2) for name, losses in races.items()}
plot.show(ax, f"the lowest mean loss of each: {lowest}.")
assert lowest["Adam"] < lowest["SGD"] < 0.3 and races["Adam"][:, 2].max() < 0.3

# %% [markdown]
# At its own best rate, even plain SGD learns. Adam gives comfort rather than magic: rates around 0.01 work without a search.

# %% [markdown]
# ### AdamW
#
# In Section 4.2, an L2 penalty was the same as weight decay. For Adam it is not: a slope $\lambda w$ added to $g$ is divided by $\sqrt{\hat v}$ with everything else. **AdamW** keeps decay and slope apart ("decoupled"): $w \leftarrow (1 - \eta\lambda)\, w$, then Adam's step with $g$ alone.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "adam-task"}
# ### Exercise 4.4 - RMSprop, Adam and AdamW (7 points, 40 minutes, core)
#
# Each call makes one step for one parameter array and returns `(w_new, state_new)`. `state` is `{}` at the first call, and later what the last call returned; what it holds is up to you. `w` and `g` are float64 of the same shape, any one.
#
# **(a)** `rmsprop_step` by the formulas above, with `s` zero at first.
#
# **(b)** `adam_step` by the formulas above. With `weight_decay` $\lambda > 0$: AdamW if `decoupled`; otherwise $\lambda w$ is added to `g` before anything else.
#
# Change none of `w`, `g` and `state`, nor what is in it.
#
# The first step of Adam with `lr=0.1` from `w = [1, 1]`, `g = [0.5, -20]` gives about `[0.9, 1.1]`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "adam"}
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    """One step of RMSprop. w, g: one shape; state: {} or the last state_new; returns: w_new, state_new."""
    ### BEGIN SOLUTION
    s = rho * state.get("s", 0.0) + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}
    ### END SOLUTION


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    """One step of Adam; with decoupled weight decay, of AdamW.

    w, g: one shape; state: {} or the last state_new; returns: w_new, state_new
    """
    ### BEGIN SOLUTION
    beta1, beta2 = betas
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    t = state.get("t", 0) + 1
    m = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    v = beta2 * state.get("v", 0.0) + (1 - beta2) * g**2
    step = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return w - lr * step, {"t": t, "m": m, "v": v}
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "adam-check"}
def two_steps(step, **options):
    """From w = [[1], [1]] with the slopes [[0.5], [-20]] and [[0.25], [10]]; the second step is taken twice."""
    w, slopes = np.ones((2, 1)), np.array([[[0.5], [-20.0]], [[0.25], [10.0]]])
    first, state = step(w, slopes[0], {}, 0.1, **options)
    second, again = (step(first, slopes[1], state, 0.1, **options)[0] for _ in range(2))
    check.unchanged(w, np.ones((2, 1)), what="w")
    check.close(again, second, what="the second step, once more (no call may change the state it gets)")
    return np.ravel(first), np.ravel(second)


first, second = two_steps(rmsprop_step, rho=0.75)
hints = {"rho and 1 - rho are exchanged": [0.88453, 1.11547], "s starts at 0, not at g^2": [0.9, 1.1]}
check.close(first, [0.8, 1.2], rtol=1e-4, what="w after one step of rmsprop_step", hints=hints)
check.close(second, [0.7, 1.1], rtol=1e-4, what="w after two steps of rmsprop_step")
first, _ = two_steps(rmsprop_step, rho=0.75, eps=1.0)
hints = {"eps is added to the root, not to s": [0.951493, 1.199007]}
check.close(first, [0.96, 1.181818], rtol=1e-4, what="w with eps = 1", hints=hints)
first, second = two_steps(adam_step)
hints = {"there is no bias correction": [0.683772, 1.316228], "m is not corrected": [0.99, 1.01]}
hints["v is not corrected"] = [-2.162276, 4.162278]
check.close(first, [0.9, 1.1], rtol=1e-5, what="w after one step of adam_step", hints=hints)
hints = {"t stays 1": [0.7747301, 1.1357914], "the betas are exchanged": [0.8036134, 1.132086]}
check.close(second, [0.806782, 1.1266337], rtol=1e-5, what="w after two steps of adam_step", hints=hints)
right = {True: [0.714282, 1.0241337], False: [0.802428, 1.1235036]}  # by torch.optim.AdamW and Adam
hints = {"the decay lacks lr": [0.106782, 0.326634], "the decay comes too late": [0.723693, 1.018052]}
hints |= {"the L2 part is missing in v": [0.593589, 1.120809], "decoupled is not obeyed": right[False]}
for decoupled, expected in right.items():
    got, what = two_steps(adam_step, weight_decay=0.5, decoupled=decoupled)[1], "two steps with decay"
    check.close(got, expected, rtol=1e-5, what=f"{what}, decoupled={decoupled}", hints=hints)
check.passed("rmsprop_step and adam_step")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 5, "grade_id": "adam-hidden"}
# Tested over up to 200 steps with changing gradients against averages that are summed anew in each step, for several
# shapes, parameters side by side, gradients near zero and huge ones, and on what a call changes.
### BEGIN HIDDEN TESTS
def path_by_sums(kind, w, slopes, rates, betas=(0.9, 0.999), eps=1e-8, decay=0.0):
    """Every position of RMSprop, Adam or AdamW; all slopes so far are weighted by their age."""
    w, (beta1, beta2), places = np.array(w), betas, []
    ages = np.arange(len(slopes))[::-1]
    weights1, weights2 = (1 - beta1) * beta1**ages, (1 - beta2) * beta2**ages
    seen, squares = np.zeros((2, len(slopes), w.size))
    for t, (slope, lr) in enumerate(zip(slopes, rates, strict=True), start=1):
        seen[t - 1] = np.ravel(slope + decay * w if kind == "Adam" else slope)
        squares[t - 1] = seen[t - 1] ** 2
        m = (weights1[-t:] @ seen[:t]).reshape(w.shape)
        v = (weights2[-t:] @ squares[:t]).reshape(w.shape)
        if kind == "RMSprop":
            step = slope / (np.sqrt(v) + eps)
        else:
            step = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)
        w = w - lr * (step + decay * w if kind == "AdamW" else step)
        places.append(w)
    return np.array(places)


@check.student_side
def path_of(step, w, slopes, rates, options):
    """Evidence: the position after each step."""
    here, state, places = w, {}, []
    for slope, lr in zip(slopes, rates, strict=True):
        here, state = step(here, slope, state, lr, **options)
        places.append(np.array(here))
    return np.array(places)


rng = np.random.default_rng(404)
shapes = ((3,), (2, 4), (), (1,), (2, 1, 3))
ends = np.cumsum([0, *(math.prod(shape) for shape in shapes)])
flat_w = rng.normal(size=ends[-1])
flat = np.array([rng.normal(size=ends[-1]) * 10.0 ** rng.integers(-3, 3) for _ in range(10)])
given = []  # the same numbers in several shapes
for shape, low, high in zip(shapes, ends, ends[1:], strict=False):
    parts = [row[low:high].reshape(shape).copy() for row in (flat_w, *flat)]
    given.append((parts[0], parts[1:]))
kept = copy.deepcopy(given)
settings = [
    ("RMSprop", lr, (0.0, rho), eps, 0.0, {"rho": rho, "eps": eps})
    for lr, rho, eps in ((0.1, 0.9, 1e-8), (0.01, 0.5, 1e-3), (0.3, 0.99, 1e-8))
]
for betas, eps, decay, decoupled in (
    ((0.9, 0.999), 1e-8, 0.0, True),
    ((0.5, 0.9), 1e-3, 0.0, False),
    ((0.9, 0.99), 1e-8, 0.2, True),
    ((0.8, 0.95), 1e-8, 0.2, False),
):
    options = {"betas": betas, "eps": eps, "weight_decay": decay, "decoupled": decoupled}
    settings.append(("AdamW" if decoupled else "Adam", 0.05, betas, eps, decay, options))
steps = {"RMSprop": rmsprop_step, "Adam": adam_step, "AdamW": adam_step}
cases = [
    (steps[kind], *pair, [lr] * 10, options) for kind, lr, _, _, _, options in settings for pair in given
]
runs = check.each(path_of, cases)
for now, before in zip(given, kept, strict=True):
    for one, other in zip((now[0], *now[1]), (before[0], *before[1]), strict=True):
        check.hidden.unchanged(one, other, what="w or g")
for number, (kind, lr, betas, eps, decay, _) in enumerate(settings):
    exact = path_by_sums(kind, flat_w, flat, [lr] * 10, betas, eps, decay)
    swapped = {"Adam": "AdamW", "AdamW": "Adam"}.get(kind)
    other = path_by_sums(swapped, flat_w, flat, [lr] * 10, betas, eps, decay) if decay else None
    corrected = flat_w - lr * flat[0] / (np.abs(flat[0]) + eps)
    for place, shape in enumerate(shapes):
        part = slice(ends[place], ends[place + 1])
        got = runs[len(shapes) * number + place]
        which = f"of {kind} for shape {shape}, betas or rho {betas} and weight_decay = {decay}"
        check.hidden.shape(got, (10, *shape), what=f"w after each of 10 steps {which}")
        for count in (1, 2, 10):
            right = exact[count - 1, part].reshape(shape)
            hints = {}
            if kind == "RMSprop" and count == 1:
                hints["s is corrected as in Adam"] = corrected[part].reshape(shape)
            if decay:
                cause = "AdamW and Adam with an L2 penalty are exchanged"
                hints[cause] = other[count - 1, part].reshape(shape)
            what = f"w after {count} steps {which}"
            check.hidden.close(got[count - 1], right, rtol=1e-9, atol=1e-11, what=what, hints=hints)

long = [np.sin(0.1 * t) + rng.normal(size=2) for t in range(200)]
start, tiny = np.array([1.0, -2.5]), np.array([1e-10, -1e-10, 0.0])
falling = [0.3 / (1 + t) for t in range(6)]
far, near = (long, [0.01] * 200), (np.zeros(3), [tiny], [1.0], {})
got = check.each(
    path_of,
    [
        (adam_step, start, *far, {"weight_decay": 0.1}),
        (rmsprop_step, start, *far, {}),
        (adam_step, *near),
        (rmsprop_step, *near),
        (adam_step, start, long[:6], falling, {}),
        (rmsprop_step, start, long[:6], falling, {}),
    ],
)
check.hidden.unchanged(start, np.array([1.0, -2.5]), what="w")
exact = path_by_sums("AdamW", start, *far, decay=0.1)[-1]
check.hidden.close(got[0][-1], exact, rtol=1e-8, what="w after 200 steps of adam_step")
exact = path_by_sums("RMSprop", start, *far, (0.0, 0.99))[-1]
check.hidden.close(got[1][-1], exact, rtol=1e-8, what="w after 200 steps of rmsprop_step")
inside = -tiny / np.sqrt(tiny**2 + 1e-8)
hints = {"eps stands under the root": inside, "eps is missing": -np.sign(tiny)}
what, right = "the first step of Adam for a tiny gradient", -tiny / (np.abs(tiny) + 1e-8)
check.hidden.close(got[2][0], right, what=what, hints=hints)
hints = {"eps stands under the root": -tiny / np.sqrt(0.01 * tiny**2 + 1e-8)}
what, right = "the first step of RMSprop for a tiny gradient", -tiny / (0.1 * np.abs(tiny) + 1e-8)
check.hidden.close(got[3][0], right, what=what, hints=hints)
exact = path_by_sums("Adam", start, long[:6], falling)[-1]
check.hidden.close(got[4][-1], exact, what="w after 6 steps of adam_step with a falling lr")
exact = path_by_sums("RMSprop", start, long[:6], falling, (0.0, 0.99))[-1]
check.hidden.close(got[5][-1], exact, what="w after 6 steps of rmsprop_step with a falling lr")
still = np.array([2.0, -3.0]), np.zeros(2), {}, 0.1
for after, complaints in check.each(check.quiet, [(step, *still) for step in (rmsprop_step, adam_step)]):
    check.hidden.close(after[0], [2.0, -3.0], what="w after a step with gradient 0")
    check.hidden.equal(complaints, [], what="the list of warnings for a gradient of 0")


@check.student_side
def in_turn(step, a, b, slopes_a, slopes_b, lr):
    """Evidence: the positions of two parameters that are moved in turn, each with a state of its own."""
    one, two, state_one, state_two = a, b, {}, {}
    for slope_a, slope_b in zip(slopes_a, slopes_b, strict=True):
        one, state_one = step(one, slope_a, state_one, lr)
        two, state_two = step(two, slope_b, state_two, lr)
    return one, two


a, b = np.array([1.0]), np.array([[2.0, 3.0]])
slopes_a = [rng.normal(size=1) for _ in range(6)]
slopes_b = [rng.normal(size=(1, 2)) for _ in range(6)]
both = check.each(in_turn, [(step, a, b, slopes_a, slopes_b, 0.2) for step in (rmsprop_step, adam_step)])
for kind, betas, (one, two) in zip(("RMSprop", "Adam"), ((0.0, 0.99), (0.9, 0.999)), both, strict=True):
    what = f"two parameters, each with its own state, under {kind}"
    exact = [path_by_sums(kind, w, g, [0.2] * 6, betas)[-1] for w, g in ((a, slopes_a), (b, slopes_b))]
    check.hidden.close(one, exact[0], what=what)
    check.hidden.close(two, exact[1], what=what)


@check.student_side
def branches(step, w, slopes, lr):
    """Evidence: whether a used state gives the same step again, what {} holds afterwards, and w's own values."""
    empty, here = {}, w.copy()
    _, state = step(here, slopes[0], empty, lr)
    _, state = step(here, slopes[1], state, lr)
    first = step(here, slopes[2], state, lr)[0]
    step(here, slopes[3], state, lr)
    second = step(here, slopes[2], state, lr)[0]
    return np.array(first), np.array(second), len(empty), here


four = [rng.normal(size=2) for _ in range(4)]
runs = check.each(branches, [(step, start, four, 0.1) for step in (rmsprop_step, adam_step)])
for name, (first, second, left, here) in zip(("rmsprop_step", "adam_step"), runs, strict=True):
    told = f"w by {name} from a state that was used before (a call must not change the state it gets)"
    check.hidden.close(second, first, what=told)
    check.hidden.equal(left, 0, what="the number of entries in the {} that was passed in, afterwards,")
    check.hidden.unchanged(here, start, what="w")
### END HIDDEN TESTS

# %% [markdown]
# ### Example 4.6 - Decay that is no penalty
#
# Two weights, both 1 at first. Their gradients are noise around 0 and push nowhere on average, but the noise of the second is a thousand times as large. Both should decay by the same factor: $(1 - \eta\lambda)^{500} = 0.61$ here. Which optimizer does it?

# %%
noise = np.random.default_rng(49).normal(size=(500, 40, 1)) * np.array([0.01, 10.0])
for name, kind in {"Adam with L2": torch.optim.Adam, "AdamW": torch.optim.AdamW}.items():
    weights = torch.ones(40, 2, dtype=torch.float64, requires_grad=True)  # 40 pairs, to see the spread
    optimizer = kind([weights], lr=0.001, weight_decay=1.0)
    for slopes in noise:
        weights.grad = torch.tensor(slopes)
        optimizer.step()
    little, much = weights.detach().numpy().T
    print(f"{name:12}: {nets.spread(little)} with little noise, {nets.spread(much)} with much")
    assert much.mean() > 0.9 if name == "Adam with L2" else abs(much.mean() - 0.999**500) < 0.02

# %% [markdown]
# With AdamW both decay as announced. With L2 inside Adam, the weight with much noise hardly decays, because its decay is divided by the noise; for the other one, $\lambda w$ is nearly all of the gradient, and Adam turns any such gradient into steps of nearly $\eta$. That is why AdamW has become the usual choice. By custom, biases, $\gamma$ and $\beta$ do not decay.

# %% [markdown]
# ## 4.6 Schedules
#
# Large steps are good at the beginning, small ones at the end, where the noise of mini-batches keeps large steps jumping around the minimum. A **schedule** lowers the learning rate during the run. With $T$ steps in all, counted from 0, and $k$ for the present one, three kinds are common:
#
# - *constant*: $\eta$ all the time;
# - *step decay*: multiply by a factor every so many steps;
# - *cosine*: along half a cosine wave from $\eta$ down to $\eta_\text{min}$.
#
# In front of each there may be a **warm-up** of $K$ steps, in which the rate rises evenly: $\eta\,(k + 1)/(K + 1)$. It protects a fresh network while Adam's averages are still guesses. After the warm-up, the cosine runs over the progress $q = (k - K)/(T - 1 - K)$, from 0 to 1:
#
# $$ \eta_k = \eta_\text{min} + (\eta - \eta_\text{min})\,\frac{1 + \cos(\pi q)}{2} . $$

# %% [markdown]
# ### Example 4.7 - Do schedules help?
#
# The spiral, momentum 0.9, batches of 32, and 300 steps for everybody: equal work. Each schedule may choose the better of two rates. What do you expect?

# %%
schedulers = torch.optim.lr_scheduler


def warm_up_then_cosine(optimizer):
    rise = schedulers.LinearLR(optimizer, start_factor=1 / 30, total_iters=30)
    fall = schedulers.CosineAnnealingLR(optimizer, T_max=270)
    return schedulers.SequentialLR(optimizer, [rise, fall], milestones=[30])


plans = {
    "constant": None,
    "step decay": functools.partial(schedulers.StepLR, step_size=100, gamma=0.3),
    "cosine": functools.partial(schedulers.CosineAnnealingLR, T_max=300),
    "warm-up + cosine": warm_up_then_cosine,
}
finals = {}
for name, plan in plans.items():
    network_of = functools.partial(nets.mlp, [2, 64, 64, 3])
    tried = sweep(network_of, optimizers["momentum"], [0.1, 0.3], steps=300, batch_size=32, plan=plan)
    best = tried[:, tried.mean(axis=0).argmin()]
    finals[name] = best.mean()
    print(f"{name:16}: loss {nets.spread(best, 3)}")
assert max(finals["step decay"], finals["cosine"], finals["warm-up + cosine"]) < 0.8 * finals["constant"]

# %% [markdown]
# All three schedules end lower, and with less spread. Warm-up adds nothing here.
#
# Design a schedule yourself:

# %%
widgets.schedule()

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "schedule-task"}
# ### Exercise 4.5 - Learning-rate schedules (5 points, 25 minutes, stretch)
#
# `lr_at(step, *, total, base_lr, ...)` returns the learning rate in step $k$ = `step` of $T$ = `total` as a float, with $\eta$ = `base_lr`. Steps beyond the last one, $T - 1$, get the rate of the last one.
#
# - During the warm-up, $k < K$ = `warmup`: the ramp of Section 4.6, for every kind, whatever `min_lr` is.
# - `"cosine"`: the formula above, with $\eta_\text{min}$ = `min_lr`, and $q = 0$ if $T - 1 = K$.
# - `"step"`: `base_lr` times `gamma` to the power $(k - K) /$ `step_size`, rounded down, but at least `min_lr`.
# - `"constant"`: `base_lr`.
#
# Any other kind raises a `ValueError`.
#
# For `total=5`, `base_lr=1`, the cosine gives about 1, 0.854, 0.5, 0.146, 0.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "schedule"}
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    """Learning rate at one step of a schedule.

    step: from 0; total: number of steps; warmup: number of warm-up steps; kind: "cosine", "step" or "constant"
    returns: float
    raises: ValueError for another kind
    """
    ### BEGIN SOLUTION
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(f"unknown kind of schedule: {kind!r}")
    s = min(step, total - 1)
    if s < warmup:
        return base_lr * (s + 1) / (warmup + 1)
    if kind == "cosine":
        q = (s - warmup) / max(1, total - 1 - warmup)
        return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2
    if kind == "step":
        return max(min_lr, base_lr * gamma ** ((s - warmup) // step_size))
    return float(base_lr)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "schedule-check"}
def rates_of(count, **options):
    return [lr_at(step, **options) for step in range(count)]


hints = {"q must reach 1 in the last step, T - 1": [1, 0.904508, 0.654508, 0.345492, *[0.095492] * 3]}
hints["steps beyond T - 1 are not held"] = [1, 0.853553, 0.5, 0.146447, 0, 0.146447, 0.5]
right, got = [1, 0.853553, 0.5, 0.146447, 0, 0, 0], rates_of(7, total=5, base_lr=1.0)
check.close(got, right, rtol=1e-4, atol=1e-5, what="the cosine over 5 steps and 2 more", hints=hints)
tail, got = [1, 0.882843, 0.6, 0.317157, 0.2], rates_of(7, total=7, base_lr=1.0, warmup=2, min_lr=0.2)
hints = {"the warm-up reaches base_lr too early": [0.5, 1, *tail], "it starts at 0": [0, 0.5, *tail]}
hints["the warm-up starts at min_lr"] = [0.466667, 0.733333, *tail]
hints["q counts the warm-up, too"] = [1 / 3, 2 / 3, 0.8, 0.6, 0.4, 0.253590, 0.2]
hints["min_lr was added on top"] = [1 / 3, 2 / 3, 1.2, 1.053553, 0.7, 0.346447, 0.2]
hints["min_lr was used as a floor"] = [1 / 3, 2 / 3, 1, 0.853553, 0.5, 0.2, 0.2]
right = [1 / 3, 2 / 3, *tail]
check.close(got, right, rtol=1e-4, what="the cosine with a warm-up of 2 steps and min_lr", hints=hints)
got = rates_of(8, total=6, base_lr=8.0, warmup=1, kind="step", step_size=2)
hints = {"the exponent must be rounded down": [4, 8, 5.656854, 4, 2.828427, *[2] * 3]}
hints |= {
    "steps beyond T - 1 are not held": [4, 8, 8, 4, 4, 2, 2, 1],
    "K is not taken off": [4, 8, 4, 4, 2, 2, 2, 2],
}
check.close(
    got, [4, 8, 8, 4, 4, 2, 2, 2], rtol=1e-4, what="step decay after a warm-up of 1", hints=hints
)
floor = lr_at(9, total=10, base_lr=8.0, kind="step", min_lr=3.0)
check.close(floor, 3.0, what="step decay, where min_lr = 3 ends it")
got = rates_of(4, total=4, base_lr=0.3, kind="constant", warmup=1)
check.close(got, [0.15, 0.3, 0.3, 0.3], what="the constant kind with a warm-up of 1 step")
check.raises(ValueError, lr_at, 0, total=5, base_lr=1.0, warmup=2, kind="linear", what="an unknown kind")
check.passed("lr_at")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "schedule-hidden"}
# Tested at the ends, around the end of the warm-up and of each stage, beyond the last step, with runs of one
# step, warm-ups as long as the run, and against PyTorch's cosine.
### BEGIN HIDDEN TESTS
@check.student_side
def rates_at(lr_at, steps, options):
    """Evidence: the rates at these steps."""
    return [lr_at(step, **options) for step in steps]


def ramp(total, peak, warmup):
    return [peak * n / (warmup + 1) for n in range(1, warmup + 1)][:total]


def half_wave(total, peak, warmup, low):
    """The rates from the end of the warm-up on, by torch."""
    count = total - warmup
    if count <= 0:
        return []
    dummy = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    wave = torch.optim.lr_scheduler.CosineAnnealingLR(dummy, max(1, count - 1), eta_min=low)
    rates = []
    for _ in range(count):
        rates.append(wave.get_last_lr()[0])
        dummy.step()
        wave.step()
    return rates


runs = [
    (10, 0, 0.1, 0.0),
    (10, 3, 2.0, 0.0),
    (8, 4, 0.5, 0.3),
    (25, 5, 0.3, 0.03),
    (2, 1, 1.0, 0.5),
    (6, 5, 1.0, 0.1),
    (1, 0, 0.7, 0.2),
    (4, 4, 1.0, 0.1),
    (3, 6, 1.0, 0.0),
    (40, 0, 1.0, 1.0),
]
stages = ((1, 0.5), (3, 0.1), (4, 0.9), (100, 0.5))
kinds = [{}, {"kind": "constant"}]
kinds += [{"kind": "step", "step_size": size, "gamma": factor} for size, factor in stages]
cases = [
    (lr_at, range(total + 3), {"total": total, "base_lr": peak, "warmup": warmup, "min_lr": low} | kind)
    for total, warmup, peak, low in runs
    for kind in kinds
]
found = check.each(rates_at, cases)
for total, warmup, peak, low in runs:
    wanted = ramp(total, peak, warmup) + half_wave(total, peak, warmup, low)
    wanted += wanted[-1:] * 3
    got, steady, *stepped = (found.pop(0) for _ in kinds)
    which = f"for {total} steps, a warm-up of {warmup} and min_lr = {low}"
    hints = {"steps beyond the last one need the rate of the last one": [*wanted[:total], 0, 0, 0]}
    if warmup and total > warmup + 1:
        late = [
            low + (peak - low) * (1 + math.cos(math.pi * s / (total - 1))) / 2
            for s in range(warmup, total)
        ]
        hints["q counts the warm-up, too"] = ramp(total, peak, warmup) + late + late[-1:] * 3
    check.hidden.close(got, wanted, rtol=1e-9, atol=1e-12, what=f"the cosine {which}", hints=hints)
    flat = ramp(total, peak, warmup) + [peak] * max(0, total - warmup)
    flat += flat[-1:] * 3
    check.hidden.close(steady, flat, rtol=1e-12, what=f"the constant kind {which}")
    for (size, factor), got in zip(stages, stepped, strict=True):
        stairs = ramp(total, peak, warmup)
        rate = peak
        for s in range(warmup, total):
            rate = rate * factor if s > warmup and (s - warmup) % size == 0 else rate
            stairs.append(max(low, rate))
        stairs += stairs[-1:] * 3
        smooth = ramp(total, peak, warmup)
        smooth += [max(low, peak * factor ** ((s - warmup) / size)) for s in range(warmup, total)]
        smooth += smooth[-1:] * 3
        hints = {"the exponent must be rounded down": smooth} if smooth != stairs else {}
        check.hidden.close(
            got, stairs, rtol=1e-9, what=f"step decay every {size} steps {which}", hints=hints
        )


@check.student_side
def refused(lr_at, step, kind):
    """Evidence: the names of the classes of the error that comes out."""
    try:
        lr_at(step, total=5, base_lr=1.0, warmup=2, kind=kind)
    except Exception as error:
        return tuple(one.__name__ for one in type(error).__mro__)
    return ()


longer = {"total": 9, "base_lr": 0.4, "warmup": 2}
halves, wholes, order, again = check.each(
    rates_at,
    [
        (lr_at, range(8), {"total": 8, "base_lr": 1.0, "kind": "step"}),
        (lr_at, range(3), {"total": 3, "base_lr": 2, "kind": "constant"}),
        (lr_at, (8, 0, 5, 0, 8), longer),
        (lr_at, (8, 0, 5, 0, 8), longer),
    ],
)
check.hidden.close(halves, 0.5 ** np.arange(8), what="step decay with the default step_size and gamma")
check.hidden.equal([check.kind(rate) for rate in wholes], ["float"] * 3, what="the kinds of the rates")
check.hidden.close(wholes, [2.0] * 3, what="the constant kind for a base_lr that is an int")
check.hidden.equal(again, order, what="the rates asked for a second time")
unknown = [(step, kind) for kind in ("Cosine", "exponential", "") for step in (0, 3, 50)]
met = check.each(refused, [(lr_at, *one) for one in unknown])
for (_, kind), names in zip(unknown, met, strict=True):
    check.hidden.that("ValueError" in names, f"kind = {kind!r} must raise ValueError.")
### END HIDDEN TESTS

# %% [markdown]
# ## 4.7 Early stopping
#
# Watch the validation loss, and stop when it no longer falls. One bad epoch may be chance, so we wait for a few: the **patience**. The weights to keep are not the last ones, but those of the best epoch. They must be *copied* when that epoch comes; training goes on writing into the originals.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "early-stopping-task"}
# ### Exercise 4.6 - Early stopping with the best weights (5 points, 25 minutes, core)
#
# `step(metric, params)` is called once after each epoch, and returns `True` when training should stop: in the `patience`-th call in a row without an improvement (the last call), else `False`.
#
# An **improvement** is a metric lower than the best one by more than `min_delta` (`mode="min"`), or higher (`mode="max"`). The first metric that is not NaN is one, too. NaN never is; it counts as a call without improvement.
#
# Attributes: `best_metric`, `best_epoch` (counted from 0) and `best_params`, all `None` at first. `best_params` is a copy: `params` may be any nesting of lists, tuples, dicts, arrays and tensors, and what happens to them later must not show.
#
# With `patience=2`, the metrics 3, 2, 2, 4 return False, False, False, True.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "early-stopping"}
class EarlyStopping:
    """Says when to stop training, and keeps the best parameters.

    patience: int; min_delta: smallest change that counts, exclusive; mode: "min" or "max"
    best_metric, best_epoch, best_params: of the best epoch so far, or None
    """

    def __init__(self, patience, min_delta=0.0, mode="min"):
        ### BEGIN SOLUTION
        self.patience, self.min_delta, self.mode = patience, min_delta, mode
        self.best_metric = self.best_epoch = self.best_params = None
        self.epoch = self.waited = 0
        ### END SOLUTION

    def step(self, metric, params):
        """Take in one epoch; return True if training should stop now."""
        ### BEGIN SOLUTION
        sign = 1 if self.mode == "min" else -1
        first = self.best_metric is None and not math.isnan(metric)
        if first or (
            self.best_metric is not None and sign * (self.best_metric - metric) > self.min_delta
        ):
            self.best_metric, self.best_epoch, self.best_params = (
                metric,
                self.epoch,
                copy.deepcopy(params),
            )
            self.waited = 0
        else:
            self.waited += 1
        self.epoch += 1
        return self.waited >= self.patience
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "early-stopping-check"}
def answers(metrics, **options):
    stopping = EarlyStopping(**options)
    return [int(stopping.step(metric, [np.full(2, metric)])) for metric in metrics], stopping


got, stopping = answers([3.0, 2.0, 2.0, 4.0], patience=2)
hints = {"an equal metric counted as better, or it waits one call too many": [0] * 4}
hints["it stops too early"] = [0, 0, 1, 1]
check.equal(got, [0, 0, 0, 1], what="the answers (1: stop) to 3, 2, 2, 4 with patience 2", hints=hints)
check.equal(
    stopping.best_epoch, 1, what="best_epoch", hints={"epochs count from 0": 2, "the last one": 3}
)
check.close([stopping.best_metric, *stopping.best_params[0]], [2, 2, 2], what="best_metric, best_params")
got, _ = answers([5.0, 6.0, 4.0, 5.0, 4.5], patience=2)
hints = {"all calls without improvement were counted, not those in a row": [0, 0, 0, 1, 1]}
hints["the metric was held against the last one, not the best one"] = [0] * 5
check.equal(got, [0, 0, 0, 0, 1], what="the answers to 5, 6, 4, 5, 4.5 with patience 2", hints=hints)
got, _ = answers([0.5, 0.75, 0.8125, 1.0, 1.0], patience=2, min_delta=0.25, mode="max")
hints = {"min_delta is ignored, has the wrong sign, or counts when met exactly": [0] * 5}
hints["mode is ignored"] = [0, 0, 1, 1, 1]
check.equal(got, [0, 0, 0, 0, 1], what="the answers in mode max with min_delta = 0.25", hints=hints)
got, stopping = answers([math.nan, 2.0, math.nan, math.nan], patience=2)
check.that(
    stopping.best_metric == 2, "best_metric of nan, 2, nan, nan is not 2: is NaN taken for the best?"
)
check.equal(got, [0, 0, 0, 1], what="the answers to nan, 2, nan, nan with patience 2")
W, stopping = {"layers": [np.zeros(2)]}, EarlyStopping(patience=1)
stopping.step(1.0, W)
W["layers"][0] += 1
told = "best_params changed with the weights: a reference, or a copy of the top level only."
check.that(np.all(stopping.best_params["layers"][0] == 0), told)
check.passed("EarlyStopping")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "early-stopping-hidden"}
# Tested with several patiences, both modes, min_delta, NaN at the beginning and later, several runs side by
# side, and nested parameters that are changed afterwards.
### BEGIN HIDDEN TESTS
def course_of(metrics, patience, min_delta, mode):
    """Answers, best metric and best epoch, from the whole list at once."""
    turned = [value if mode == "min" else -value for value in metrics]
    told, best, since = [], None, -1
    for epoch, value in enumerate(turned):
        if value == value and (best is None or value < turned[best] - min_delta):
            best, since = epoch, epoch
        told.append(epoch - since >= patience)
    return told, None if best is None else metrics[best], best


@check.student_side
def run_of(EarlyStopping, metrics, patience, min_delta, mode):
    """Evidence: the answers, and the three attributes afterwards."""
    watcher = EarlyStopping(patience=patience, min_delta=min_delta, mode=mode)
    told = tuple(bool(watcher.step(value, [np.array([value, 1.0])])) for value in metrics)
    best = watcher.best_params
    if best is not None:  # plain numbers cross faster; another form than that of the parameters has none
        usual = isinstance(best, list | tuple) and check.kind(best[0]) in ("array", "list")
        best = tuple(np.asarray(best[0]).tolist()) if usual else ()
    return told, watcher.best_metric, watcher.best_epoch, best


rng, nan = np.random.default_rng(406), float("nan")
sequences = [
    [4.0, 3.0, 2.0, 1.0, 0.5],
    [1.0, 2.0, 3.0, 4.0, 5.0],
    [2.0, 2.0, 2.0, 2.0],
    [3.0, 2.5, 2.25, 2.125, 2.0625, 2.03125],
    [nan, 3.0, nan, 2.0, nan, nan],
    [nan, nan, nan],
    [5.0, nan, 4.0, 4.5, 4.25, 3.0, 3.5],
    [0.0, -1.0, -3.0, -2.0, -4.0, -4.0],
    [-5.0, -4.0, -3.0, -3.5, -2.0],
    [1.0, 1.5, 0.5, 1.0, 1.0, 0.25, 0.5, 0.5, 0.5],
    *[rng.integers(-8, 8, size=12) / 4.0 for _ in range(6)],
]
ways = [(mode, min_delta) for mode in ("min", "max") for min_delta in (0.0, 0.5)]
plans = []
for number, metrics in enumerate(sequences):
    metrics = [float(value) for value in metrics]
    for turn, patience in enumerate((1, 2, 3, 5)):
        for mode, min_delta in (ways[::3], ways[1:3])[(number + turn) % 2]:
            stop = course_of(metrics, patience, min_delta, mode)[0]
            seen = metrics[: stop.index(True) + 1] if True in stop else metrics
            plans.append((tuple(seen), patience, min_delta, mode))
runs = check.each(run_of, [(EarlyStopping, *plan) for plan in plans])
for plan, (got, *three) in zip(plans, runs, strict=True):
    metrics, patience, min_delta, mode = plan
    wanted, best, epoch = course_of(*plan)
    which = f"for patience {patience}, mode {mode} and min_delta = {min_delta}"
    if got != tuple(wanted):
        later = course_of(metrics, patience + 1, min_delta, mode)[0]
        hints = {"it stops one call too late": later} if later != wanted else {}
        check.hidden.equal(got, wanted, what=f"the list of answers {which}", hints=hints)
    if best is None:
        kinds = [check.kind(one) for one in three]
        check.hidden.equal(kinds, ["none"] * 3, what="the kinds of the attributes after nan alone")
        continue
    check.hidden.equal(three[1], epoch, what=f"best_epoch {which}")
    check.hidden.that(check.kind(three[0]) != "tensor", "best_metric is a torch tensor.")
    told = f"best_metric and best_params {which}"
    check.hidden.close([three[0], *(three[2] or ())], [best, best, 1.0], what=told)


@check.student_side
def beside(EarlyStopping):
    """Evidence: the attributes at first, and what several runs side by side say."""
    fresh = EarlyStopping(patience=4)
    kinds = [check.kind(one) for one in (fresh.best_metric, fresh.best_epoch, fresh.best_params)]
    one, two = EarlyStopping(1), EarlyStopping(1)
    for value in (3.0, 2.0):
        one.step(value, [np.zeros(1)])
    two.step(9.0, [np.ones(1)])
    three, four = EarlyStopping(2), EarlyStopping(2)
    told = [bool(turn.step(5.0, [np.zeros(1)])) for turn in (three, four, three, four)]
    last = EarlyStopping(1)
    last.step(2.0, [np.zeros(1)])
    word = check.kind(last.step(5.0, [np.zeros(1)]))
    return kinds, one.best_metric, two.best_metric, told, word


kinds, low, high, told, word = beside(EarlyStopping)
check.hidden.equal(kinds, ["none"] * 3, what="the kinds of the three attributes at first")
check.hidden.close(low, 2.0, what="best_metric of one run beside another")
check.hidden.close(high, 9.0, what="best_metric of another run")
check.hidden.equal(told, [False] * 4, what="the answers of two runs side by side, in turn")
check.hidden.equal(word, "bool", what="the kind of the answer of step")


@check.student_side
def kept_params(EarlyStopping):
    """Evidence: what best_params holds after the parameters were changed in place, on every level."""
    import torch

    leaf = torch.ones(2, requires_grad=True)
    layer = torch.nn.Linear(2, 2)
    layer.weight.data.fill_(3.0)
    deep = {
        "layers": [(np.zeros(2), np.zeros(1)), [np.full(3, 7.0)]],
        "leaf": leaf,
        "inner": {"x": np.ones(2)},
    }
    deep["weights"] = layer.state_dict()
    watcher = EarlyStopping(3)
    watcher.step(1.0, deep)
    deep["layers"][0][0][:] = 5.0
    deep["layers"][0][1][:] = 5.0
    deep["layers"][1][0] += 1.0
    deep["inner"]["x"] *= 9.0
    layer.weight.data.fill_(-1.0)
    with torch.no_grad():
        leaf += 4.0
    deep["layers"].append("new")
    watcher.step(2.0, deep)
    best = watcher.best_params
    numbers = [
        *best["layers"][0],
        best["layers"][1][0],
        best["inner"]["x"],
        best["leaf"].detach().numpy(),
    ]
    numbers.append(best["weights"]["weight"].numpy().ravel())
    kinds = [type(best).__name__, type(best["layers"][0]).__name__, type(best["leaf"]).__name__]
    return (
        np.concatenate(numbers),
        len(best["layers"]),
        kinds,
        [float(one) for one in deep["layers"][1][0]],
    )


numbers, count, kinds, originals = kept_params(EarlyStopping)
right = [0.0, 0.0, 0.0, 7.0, 7.0, 7.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0]
told = "best_params after the parameters were changed in place (copies are needed on every level)"
check.hidden.close(numbers, right, what=told)
check.hidden.equal(
    count, 2, what="the length of a list in best_params after another one was made longer"
)
check.hidden.equal(kinds, ["dict", "tuple", "Tensor"], what="the kinds of what best_params holds")
check.hidden.close(originals, [8.0] * 3, what="the parameters that were passed in")
### END HIDDEN TESTS

# %% [markdown]
# ### Example 4.8 - Stopping at the right time
#
# Width 128 on forty moons once more, with smaller steps, five starts. We train too long, keep a copy of the weights after every twenty steps, and look up afterwards where early stopping should have gone back to.

# %%
stopped = []
for seed in range(5):
    network = nets.mlp([2, 128, 128, 2], seed)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    losses, copies = [], []
    for _ in range(20):
        train(network, few, optimizer, steps=20)
        losses.append(nets.loss_on(network, many))
        copies.append(copy.deepcopy(network.state_dict()))
    network.load_state_dict(copies[int(np.argmin(losses))])
    stopped.append((20 * (1 + np.argmin(losses)), nets.loss_on(network, many), losses[-1]))
steps, lowest, end = np.array(stopped).T
print(f"lowest: {nets.spread(lowest)} after {steps.astype(int)} steps; at the end: {nets.spread(end)}")
assert (lowest < end - 0.05).all() and steps.max() < 200

# %% [markdown]
# The cures can be combined, and usually are. More data helps more surely than any of them.
#
# One warning. The validation data have now *chosen* something: a step, a penalty, a rate. So the loss on them is a little too good to be true. An honest last word needs a third set that has chosen nothing, the **test set** of Chapter 5.

# %% [markdown]
# ## What to keep
#
# - Training loss down, validation loss up: overfitting. Capacity makes it possible; few samples make it likely.
# - L2 shrinks all weights, L1 with proximal steps makes many exactly 0. Biases are left out.
# - Dropout: mask and $1/(1-p)$ in training, nothing in use. Batch norm: the batch's statistics in training, running averages in use. So switch with `train()` and `eval()`.
# - RMSprop and Adam give each parameter its own step size. AdamW keeps decay apart. Compare optimizers at their own best rates only.
# - Lower the rate towards the end. Stop when patience ends, and take the best weights, from a copy.
#
# **Words of this chapter:** Adam, AdamW, batch normalization, bias correction, capacity, cosine schedule, decoupled weight decay, dropout (inverted), early stopping, improvement, L1 penalty, L2 penalty, layer normalization, overfitting, patience, proximal step, regularization, RMSprop, running average, schedule, step decay, test set, underfitting, warm-up, weight decay.
#
# **Hand in.** Save the notebook, press *Validate* in its toolbar, then run `course submit 04` in JupyterLab's terminal.
#
# **Next:** [Chapter 5](../05_mnist_project/05_mnist_project.ipynb) puts everything to work on real images.
#
# ### Sources
#
# N. Srivastava et al. (2014), *Dropout*, JMLR 15. S. Ioffe and C. Szegedy (2015), *Batch Normalization*, ICML. J. Ba, J. Kiros and G. Hinton (2016), *Layer Normalization*. T. Tieleman and G. Hinton (2012), *Lecture 6.5: RMSProp*, Coursera. D. Kingma and J. Ba (2015), *Adam*, ICLR. I. Loshchilov and F. Hutter (2017), *SGDR*, ICLR (the cosine), and (2019), *Decoupled Weight Decay Regularization*, ICLR. H. Rosenbrock (1960), *The Computer Journal* 3. L. Prechelt (1998), *Early Stopping - But When?*, in *Neural Networks: Tricks of the Trade*. R. Tibshirani (1996), *Regression Shrinkage and Selection via the Lasso*, JRSS B 58.
