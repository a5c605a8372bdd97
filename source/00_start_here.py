# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deep Learning Fundamentals: start here
#
# Welcome. In five chapters this course takes you from a single artificial neuron to a network that reads handwritten digits.
# Everything is built twice: first from scratch in NumPy, so that nothing stays hidden, then in PyTorch, the library that professionals use, with the numbers of both held side by side.
#
# This page tells you what deep learning is, what the course contains and how to work with it. Take about ten minutes, and do the practice round at the end: after it you know how every exercise works.

# %% [markdown]
# ## What is deep learning?
#
# **Artificial intelligence** (AI) is the old wish to make machines do what needs intelligence when people do it. **Machine learning** is the part of it in which a program is not given rules but finds them in examples. **Deep learning** is the part of machine learning whose programs are networks of many layers, where each layer works on what the one before has found.
#
# ```mermaid
# %%{init: {"themeVariables": {"lineColor": "#888888"}}}%%
# flowchart TB
#     accTitle: Where deep learning stands
#     accDescr: Deep learning is a part of machine learning, which is a part of artificial intelligence.
#     subgraph AI["Artificial intelligence: machines that act intelligently"]
#         subgraph ML["Machine learning: rules found in examples"]
#             DL["Deep learning: networks of many layers"]
#         end
#     end
# ```
#
# *The same in words: artificial intelligence > machine learning > deep learning; each is a part of the one before it.*
#
# ### Why "deep"?
#
# The depth of a network is its number of layers. Layers between the input and the answer are called **hidden**. Usage varies; in this course a network with one or two hidden layers is *shallow*, with three or more *deep*, and with dozens to hundreds *very deep*.
#
# Depth helps because complicated things are made of simpler ones. In networks that look at photographs, people have found that early layers respond to **edges**, later ones to **textures**, then to **parts** such as an eye or a wheel, and the last ones to whole **objects**. Nobody wrote that list into the program; it grew during training.
#
# ### Three elements
#
# The ideas are decades old. That they work today takes three things at once:
#
# - **Data**: large collections of examples, many of them labelled by people.
# - **Computing power**: graphics processors (GPUs) that do thousands of multiplications at the same time.
# - **Algorithms**: better ways to start, to train and to stabilize deep networks.

# %% [markdown]
# ## What you will be able to do
#
# 1. Explain the basic concepts and the history of deep learning.
# 2. Describe, and compute, how a network turns an input into an answer.
# 3. Derive and program how a network learns: gradient descent and backpropagation.
# 4. Choose and justify methods that make learning faster and its results more reliable.
# 5. Build, train, evaluate and save a classifier of your own in PyTorch.
#
# | Chapter | You will | Reading |
# |---|---|---|
# | 1 Basic Concepts and History | train a perceptron, see it fail on XOR, and fix that with layers | 30-35 min |
# | 2 How Neural Networks Work | build layers, losses and a computational graph | 35-40 min |
# | 3 Learning Algorithms | write backpropagation and a small autograd engine | 35-40 min |
# | 4 Regularization and Optimization | fight overfitting; write dropout, batch normalization, Adam | 30-35 min |
# | 5 Practical Project: MNIST | train, examine and save a classifier of handwritten digits | 40-45 min |
#
# The times are for reading and for running the examples. Exercises take several times as long, and each one states its own honest minutes. Exercises marked *core* carry the main line; those marked *stretch* go further.
#
# ### Three routes
#
# - **Complete**, chapters 1-2-3-4-5: 150-180 minutes of reading. Recommended.
# - **Implementation**, chapters 1-2-5: 90-100 minutes. For those who want to build soon and look up the theory later.
# - **Theory**, chapters 1-2-3-4: 120-140 minutes. For those who care most about why it works.

# %% [markdown]
# ## What you need to know already
#
# **Required**: Python with NumPy arrays; linear algebra (vectors, matrices, the product of a matrix and a vector); calculus (the derivative of a function, the chain rule).
#
# **Recommended**: a rough idea of machine learning, basic probability, NumPy broadcasting. Where the course uses them, it says in a sentence what is needed.
#
# Three warm-ups at the end of this page let you test yourself. They carry no points.

# %% [markdown]
# ## Questions people ask
#
# **How does deep learning differ from other machine learning?** In the classical kind, people choose what to measure about each example and the program learns from those measurements. A deep network also learns what to measure.
#
# **How much mathematics is there?** Derivatives, the chain rule and matrix products, all explained where they are used, and every formula is also a few lines of code that you can run.
#
# **Do I need a GPU?** No. Chapters 1 to 4 use small data. Chapter 5 trains on an ordinary laptop in minutes, and uses a GPU if there is one.
#
# **Do I need to know PyTorch?** No. It is introduced from Chapter 1 on, always beside NumPy code that does the same.
#
# **How long will it take?** Two to three hours of reading, and several times that for all exercises. It is meant to be spread over days.
#
# **And afterwards?** Convolutional networks for images (Chapter 5 gives a taste), then attention and Transformers for language.

# %% [markdown]
# ## Is everything in place?
#
# Run this cell (click it, then press Shift+Enter). It checks what the course needs and tells you how to mend what is missing. The first run may take a few seconds.

# %%
try:
    from course_utils import environment
except ModuleNotFoundError as error:
    print(f"{error}: this notebook does not run in the course's own environment.")
    print("Close JupyterLab and start it with `make lab` in the folder of the course")
    print("(on Windows: `py -m course_utils.lab`).")
else:
    environment.report()

# %% [markdown]
# The next cell loads what the warm-ups need. Cells like it stand at the top of every chapter; run them first.

# %% nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "setup"}
import numpy as np

from course_utils import check

# %% [markdown]
# ## A practice round
#
# Every exercise of the course has the same parts: a **task**, a cell for your **answer**, and a cell of visible **checks**. Graded exercises also have hidden tests, which run when your work is graded. Practise on the three warm-ups:
#
# 1. **Edit.** In the answer cell, replace the line that starts with `raise` by your own code. Delete that line altogether: as long as it is there, the exercise counts as unanswered.
# 2. **Run** your cell, then the check below it, each with Shift+Enter. If something is wrong, the check says what was expected, what came, and what the likely cause is.
# 3. **Save** (Ctrl+S, on a Mac Cmd+S), then press **Validate** in the toolbar of the notebook. It runs everything from the top in a fresh state, as the grader will, and lists the checks that fail.
# 4. **Submit.** In a terminal of JupyterLab (*File*, *New*, *Terminal*) run `course submit 00`. It asks for your student id the first time, names each answer that is missing or cannot run, and writes one zip file to `outbox/`. You see it in the file browser (right-click, *Download*), and hand it in as your instructor asks you to.
#
# If you want to start over, rename your copy of the notebook and start the course again (`make lab`): you will get a fresh one.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "column-means-task"}
# ### Warm-up 0.1 - NumPy arrays (0 points, 3 minutes)
#
# `X` is an array of shape (N, D). Return the mean of each *column*, an array of shape (D,).
# For `X = [[1, 2], [3, 6]]` the answer is `[2, 4]`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "column-means"}
def column_means(X):
    """Mean of each column. X: (N, D); returns: (D,)."""
    ### BEGIN SOLUTION
    return X.mean(axis=0)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 0, "grade_id": "column-means-check"}
check.close(
    column_means(np.array([[1.0, 2.0], [3.0, 6.0]])),
    [2.0, 4.0],
    what="column_means([[1, 2], [3, 6]])",
    hints={"the mean ran along the rows (axis=1); columns need axis=0": [1.5, 4.5]},
)
check.close(column_means(np.array([[1.0, 2.0, 6.0]])), [1.0, 2.0, 6.0], what="column_means([[1, 2, 6]])")
check.passed("Warm-up 0.1")

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "weighted-sums-task"}
# ### Warm-up 0.2 - Matrix and vector (0 points, 3 minutes)
#
# `X` has shape (N, D) and `w` has shape (D,). Return, for each row $\mathbf{x}$ of `X`, the sum $w_1 x_1 + \dots + w_D x_D$: an array of shape (N,), without a loop.
# For `X = [[1, 2], [3, 4]]` and `w = [10, 1]` the answer is `[12, 34]`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "weighted-sums"}
def weighted_sums(X, w):
    """Weighted sum of each row. X: (N, D), w: (D,); returns: (N,)."""
    ### BEGIN SOLUTION
    return X @ w
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 0, "grade_id": "weighted-sums-check"}
check.close(
    weighted_sums(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 1.0])),
    [12.0, 34.0],
    what="weighted_sums([[1, 2], [3, 4]], [10, 1])",
    hints={"columns and rows are exchanged": [13.0, 24.0]},
)
check.close(
    weighted_sums(np.ones((3, 2)), np.array([1.0, -4.0])),
    [-3.0, -3.0, -3.0],
    what="weighted_sums of three equal rows",
)
check.passed("Warm-up 0.2")

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "slope-task"}
# ### Warm-up 0.3 - A derivative (0 points, 4 minutes)
#
# Let $f(x) = (3x + 1)^2$. Find the derivative $f'(x)$ with the chain rule, and return its value at `x`, a number or an array.
# For `x = 0` the answer is 6.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "slope"}
def slope(x):
    """Derivative of (3 x + 1)**2 at x. x: number or array; returns: the same shape."""
    ### BEGIN SOLUTION
    return 6 * (3 * x + 1)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 0, "grade_id": "slope-check"}
places = np.array([-1.0, 0.0, 2.0])
rise = ((3 * (places + 1e-5) + 1) ** 2 - (3 * (places - 1e-5) + 1) ** 2) / 2e-5
check.close(
    slope(places),
    rise,
    rtol=1e-6,
    what="slope([-1, 0, 2]), held against the rise of f around each place,",
    hints={"the inner derivative, the factor 3, is missing": 2 * (3 * places + 1)},
)
check.passed("Warm-up 0.3")

# %% [markdown]
# If the three warm-ups went well, you are ready. If one of them was hard, refresh that topic first: the [NumPy quickstart](https://numpy.org/doc/stable/user/quickstart.html) for arrays, any introduction to linear algebra and calculus for the others.
#
# **Next:** [Chapter 1, Basic Concepts and History](../01_basic_concepts/01_basic_concepts.ipynb).
