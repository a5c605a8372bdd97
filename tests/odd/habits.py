"""Odd habits in a notebook: magics, shell lines, plots, cells of the student's own, answers split, merged and moved."""

from __future__ import annotations

import copy

from . import CHAPTER, Odd, after, before, both, cell_of, code_cell, insert, markdown_cell, place_of, reference

FIT, ACT, SOFT, XOR, NET = "perceptron-fit", "activations", "softmax", "xor-params", "forward"


def _odd(name, why, answers=None, spoil=None, **more):
    return Odd(name, CHAPTER, why, answers or {}, spoil, **more)


# -- magics and shell --------------------------------------------------------------------------------------------------

MAGICS = [
    _odd(
        "matplotlib-inline-and-config",
        "the usual first line of many notebooks",
        {
            FIT: before("""
        %matplotlib inline
        %config InlineBackend.figure_format = "retina"
        import matplotlib.pyplot as plt
        plt.style.use("ggplot")
        plt.rcParams.update({"figure.dpi": 60})
        """)
        },
    ),
    _odd(
        "autoreload",
        "the autoreload extension, switched on and left on",
        {
            ACT: before("""
        %load_ext autoreload
        %autoreload 2
        """)
        },
    ),
    _odd(
        "timeit-lines",
        "%timeit and %time below the answer, one of them with a result",
        {
            SOFT: after("""
        %timeit -n2 -r2 softmax(np.ones(5))
        timing = %timeit -o -q -n1 -r1 softmax(np.ones(3))
        p = %time softmax(np.arange(3.0))
        print(timing, p)
        """)
        },
    ),
    _odd(
        "time-cell-magic",
        "%%time above the whole answer: the definitions stay",
        {XOR: lambda source: "%%time\n" + source},
    ),
    _odd("capture-cell-magic", "%%capture above the whole answer", {NET: lambda source: "%%capture out\n" + source}),
    _odd(
        "shell-lines",
        "!ls, !echo with a result, and a shell variable",
        {
            FIT: before("""
        !ls
        where = !pwd
        !echo "$HOME" {where[0]}
        !false
        """)
        },
    ),
    _odd(
        "pip-install-line",
        "%pip and !pip for something that is there already",
        {},
        insert(
            FIT,
            """
        %pip install numpy
        """,
            "!pip --version",
        ),
    ),
    _odd(
        "bash-html-javascript-cells",
        "whole cells of bash, HTML, LaTeX, SVG and JavaScript",
        {},
        insert(
            SOFT,
            "%%bash\nfor i in 1 2; do echo $i; done",
            "%%html\n<b>bold</b>",
            "%%latex\n$e^{i\\pi} = -1$",
            "%%javascript\nconsole.log(1)",
            "%%svg\n<svg xmlns='http://www.w3.org/2000/svg'/>",
        ),
    ),
    _odd(
        "writefile-and-import",
        "a module written with %%writefile and imported by the answer",
        {
            NET: """
        import mynet
        from mynet import forward, to_torch
        """
        },
        lambda notebook: insert(
            NET,
            "%%writefile mynet.py\nimport numpy as np\nimport torch\nfrom torch import nn\n\n\n"
            + reference(CHAPTER)[NET],
        )(notebook),
    ),
    _odd(
        "writefile-and-run",
        "a script written with %%writefile; %run puts its functions into the notebook",
        {ACT: "%run -i curves.py"},
        lambda notebook: insert(ACT, "%%writefile curves.py\n" + reference(CHAPTER)[ACT])(notebook),
    ),
    _odd(
        "help-with-question-marks",
        "np.exp? and softmax?? below the answer",
        {
            SOFT: after("""
        np.exp?
        softmax??
        ?softmax
        help(softmax)
        """)
        },
    ),
    _odd(
        "namespace-magics",
        "%who, %whos, %pwd, %env, %precision, %history, %xmode, %page",
        {},
        insert(
            ACT,
            """
        %who
        %whos
        %pwd
        %env MY_SETTING=1
        %precision 3
        %xmode Minimal
        %history -l 3
        %lsmagic
        """,
        ),
    ),
    _odd("automagic", "magics without the percent sign: pwd and ls alone on a line", {}, insert(XOR, "pwd", "ls -la")),
    _odd(
        "get-ipython",
        "get_ipython() used by name",
        {
            SOFT: """
        ip = get_ipython()
        ip.run_line_magic("matplotlib", "inline")
        ip.run_cell("def _shifted(z, axis):\\n    return z - z.max(axis=axis, keepdims=True)")

        def softmax(z, temperature=1.0, axis=-1):
            if temperature <= 0:
                raise ValueError
            e = np.exp(_shifted(np.asarray(z), axis) / temperature)
            return e / e.sum(axis=axis, keepdims=True)

        ip.push({"softmax_alias": softmax})
        assert softmax_alias is softmax
        """
        },
    ),
    _odd(
        "own-magic",
        "a magic of the student's own, registered and used",
        {
            XOR: before("""
        from IPython.core.magic import register_line_magic, register_cell_magic

        @register_line_magic
        def shout(line):
            return line.upper()

        loud = %shout hello
        assert loud == "HELLO"
        """)
        },
    ),
    _odd(
        "history-variables",
        "_, __, Out and In across cells of the student's own",
        {
            FIT: after("""
        assert half == 21 and "40 + 2" in In[-3] + In[-2] + In[-4]
        _
        """)
        },
        insert(FIT, "40 + 2", "half = _ // 2\nassert 42 in Out.values()\n_i, _ii"),
    ),
    _odd(
        "async-cell-and-loop",
        "a running loop is found and tasks are made in cells of the student's own",
        {},
        insert(
            NET,
            """
        import asyncio

        async def work(n):
            await asyncio.sleep(0)
            return n

        results = await asyncio.gather(*map(work, range(3)))
        task = asyncio.ensure_future(work(5))
        """,
            "assert await task == 5 and results == [0, 1, 2]\nasyncio.get_running_loop()",
        ),
    ),
    _odd(
        "last-expression-shown",
        "cells that end in values of many kinds, with and without semicolons",
        {
            SOFT: after("""
        softmax(np.arange(3.0))
        """),
            XOR: after("xor_params();"),
            NET: after("forward"),
        },
        insert(ACT, "nn.Linear(2, 3)", "torch.eye(2)", "range", "..."),
    ),
]

MAGICS += [
    _odd(
        "matplotlib-backends-that-fail",
        "backends that are not installed, in a cell of the student's own",
        {},
        insert(FIT, "%matplotlib widget", "%matplotlib notebook", "%matplotlib qt", "%load_ext tensorboard"),
    ),
    _odd(
        "cd-and-mkdir",
        "%mkdir and %cd, then files with relative names",
        {
            NET: after("""
        %mkdir -p out
        %cd out
        np.savetxt("weights.txt", np.eye(2))
        assert np.loadtxt("weights.txt").sum() == 2
        %cd ..
        """)
        },
    ),
    _odd(
        "quit-in-a-scratch-cell",
        "quit() left behind in a cell of the student's own",
        {},
        insert("softmax-task", "quit()"),
        stock="the kernel ends, and nbgrader stops there for the whole class",
    ),
]

# -- plots and displays ------------------------------------------------------------------------------------------------

DISPLAYS = [
    _odd(
        "figures-left-open",
        "25 figures, never closed",
        {
            ACT: after("""
        import matplotlib.pyplot as plt

        for k in range(25):
            plt.figure(figsize=(1, 1))
        plt.plot(np.linspace(-3, 3), sigmoid(np.linspace(-3, 3)), label="σ – a curve")
        plt.legend()
        plt.show()
        """)
        },
    ),
    _odd(
        "figures-saved",
        "savefig in three formats, twin axes, an animation that is never drawn",
        {
            ACT: after("""
        import matplotlib.pyplot as plt
        from matplotlib.animation import FuncAnimation

        fig, ax = plt.subplots()
        ax.imshow(np.eye(3), cmap="viridis")
        ax.set_title(r"$\\sigma(z)$")
        for kind in ("png", "pdf", "svg"):
            fig.savefig(f"figure.{kind}")
        animation = FuncAnimation(fig, lambda k: [], frames=3)
        plt.close("all")
        """)
        },
    ),
    _odd(
        "interactive-backend",
        "plt.ion, another backend asked for, plt.pause",
        {},
        insert(
            SOFT,
            """
        import matplotlib
        import matplotlib.pyplot as plt

        plt.ion()
        matplotlib.use("agg")
        plt.plot([1, 2])
        plt.pause(0.01)
        plt.draw()
        """,
        ),
    ),
    _odd(
        "widgets",
        "sliders, interact and an output widget",
        {
            ACT: after("""
        import ipywidgets as w
        from ipywidgets import interact

        slider = w.FloatSlider(value=0.5, min=-3, max=3)
        slider.observe(lambda change: print(change.new), "value")
        slider.value = 1
        interact(lambda z=1.0: print(sigmoid(z)), z=(-2.0, 2.0))
        out = w.Output()
        with out:
            print("inside")
        display(w.VBox([slider, out]))
        """)
        },
    ),
    _odd(
        "courses-own-widgets",
        "the widgets and plots of the course, called in the answer cell",
        {
            XOR: after("""
        widgets.perceptron_line()
        X, y = data.logic_gate("XOR")
        ax = plot.points(X, y, names={0: "no", 1: "yes"})
        """)
        },
    ),
    _odd(
        "rich-displays",
        "display, HTML, Markdown, Math, update_display, clear_output, own _repr_html_",
        {
            SOFT: after("""
        from IPython.display import HTML, JSON, Image, Latex, Markdown, Math, clear_output, display, update_display

        class Card:
            def _repr_html_(self):
                return "<b>card</b>"

            def _repr_mimebundle_(self, include=None, exclude=None):
                return {"text/plain": "card", "text/html": "<i>card</i>"}

        handle = display(Card(), display_id="one")
        handle.update(HTML("<i>two</i>"))
        display(Markdown("**bold**"), Math("x^2"), {"raw": 1}, metadata={"a": 1})
        display({"text/plain": "raw bundle"}, raw=True)
        clear_output(wait=True)
        Card()
        """)
        },
    ),
    _odd(
        "broken-repr",
        "an object whose repr raises is the last line of the answer",
        {
            FIT: after("""
        class Shy:
            def __repr__(self):
                raise RuntimeError("do not look")

        Shy()
        """)
        },
    ),
    _odd(
        "pandas-or-else",
        "a table with pandas where it is installed",
        {
            SOFT: after("""
        try:
            import pandas as pd
            display(pd.DataFrame(softmax(np.eye(3))).style.background_gradient())
        except ImportError:
            print(np.round(softmax(np.eye(3)), 2))
        """)
        },
    ),
    _odd(
        "progress-library",
        "tqdm where it is installed, else a loop with print",
        {
            FIT: lambda source: (
                """
try:
    from tqdm.auto import tqdm
except ModuleNotFoundError:
    def tqdm(things, **kwargs):
        things = list(things)
        for n, thing in enumerate(things, 1):
            print(f"\\r{n}/{len(things)}", end="")
            yield thing

"""
                + source.replace("range(max_epochs)", "tqdm(range(max_epochs), leave=False)")
            )
        },
    ),
]

# -- cells of the student's own, and where answers stand ---------------------------------------------------------------


def _merge_all(notebook):
    """All five answers in the first cell; the others say so."""
    answers = reference(CHAPTER)
    cell_of(notebook, FIT)["source"] = "\n\n\n".join(answers.values())
    for slug in (ACT, SOFT, XOR, NET):
        cell_of(notebook, slug)["source"] = "# see Exercise 1.1, it is all there"


def _stub_stays(notebook, released_stub="raise NotImplementedError('Exercise 1.3')"):
    """The stub is left alone; the answer is written into a new cell below it."""
    cell = cell_of(notebook, SOFT)
    answer, cell["source"] = (
        cell["source"],
        ("def softmax(z, temperature=1.0, axis=-1):\n    # YOUR CODE HERE\n    raise NotImplementedError"),
    )
    insert(SOFT, answer, below=True)(notebook)


def _split(notebook):
    """Half of the functions in the answer cell, half in two cells of their own below."""
    parts = reference(CHAPTER)[ACT].split("\n\n\n")
    cell_of(notebook, ACT)["source"] = "\n\n\n".join(parts[:2])
    insert(ACT, "\n\n\n".join(parts[2:4]), "\n\n\n".join(parts[4:]), below=True)(notebook)


def _split_above(notebook):
    """The first half stands in a cell above the answer cell."""
    first, second = reference(CHAPTER)[NET].split("\n\n\n")
    cell_of(notebook, NET)["source"] = second
    insert(NET, first)(notebook)


def _helper_in_example(notebook):
    """A helper is defined in an example cell that the student edited."""
    at = place_of(notebook, ACT) - 2
    assert notebook["cells"][at]["cell_type"] == "code"
    notebook["cells"][at]["source"] += "\n\n\ndef bump(z):\n    return np.exp(-np.abs(z))\n"
    cell_of(notebook, ACT)["source"] = reference(CHAPTER)[ACT].replace("np.exp(-np.abs(z))", "bump(z)", 1)


def _example_is_answer(notebook):
    """The text of an example was replaced altogether; the answer imports what it needs itself."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and not cell["metadata"].get("nbgrader"):
            cell["source"] = "print('my notes')\nnotes = 1"


def _copied_cell(notebook):
    """The answer cell copied with its metadata and id changed by the editor; both hold the same answer."""
    at = place_of(notebook, SOFT)
    notebook["cells"].insert(at + 1, copy.deepcopy(notebook["cells"][at]) | {"id": "copied0000"})


def _old_attempt_above(notebook):
    """The same, but the copy above is the first attempt: the lower one counts, as it does when all is run."""
    at = place_of(notebook, SOFT)
    old = copy.deepcopy(notebook["cells"][at]) | {"id": "attempt000"}
    old["source"] = "def softmax(z, temperature=1.0, axis=-1):\n    return np.exp(z) / np.exp(z).sum()"
    notebook["cells"].insert(at, old)


def _swap_exercises(notebook):
    """All cells of exercise 1.3 stand above those of exercise 1.2."""
    cells = notebook["cells"]
    start, end = place_of(notebook, "softmax-task"), place_of(notebook, "softmax-hidden") + 1
    block = cells[start:end]
    del cells[start:end]
    at = place_of(notebook, "activations-task")
    cells[at:at] = block


def _tests_at_the_end(notebook):
    """The visible checks were moved to the end of the notebook."""
    for slug in (FIT, ACT, SOFT, XOR, NET):
        notebook["cells"].append(notebook["cells"].pop(place_of(notebook, f"{slug}-check")))


def _without(*names):
    def spoil(notebook):
        for name in names:
            del notebook["cells"][place_of(notebook, name)]

    return spoil


def _only_answers(notebook):
    """Everything but the answers was deleted."""
    slugs = (FIT, ACT, SOFT, XOR, NET)
    notebook["cells"] = [c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") in slugs]


def _edit_tests(notebook):
    """Visible checks edited: prints added, one check commented out, points changed, a cell unlocked."""
    cell = cell_of(notebook, "softmax-check")
    cell["source"] = "print('testing')\n" + cell["source"].replace("check.close(warm", "# check.close(warm")
    cell["metadata"]["nbgrader"] |= {"locked": False, "points": 3}
    cell_of(notebook, "forward-check")["source"] = "pass"
    cell_of(notebook, "forward-hidden")["source"] += "\nforward(np.ones((1, 1)), [(np.ones((1, 1)), np.ones(1))])"


def _notes_between(notebook):
    """Headings, pictures, raw cells and empty cells between everything."""
    cells = []
    for n, cell in enumerate(notebook["cells"]):
        cells += [
            cell,
            {"cell_type": "raw", "id": f"raw{n}", "metadata": {"format": "text/x-rst"}, "source": ".. note"},
        ]
        cells += [code_cell("", id=f"empty{n}"), markdown_cell(f"## My note {n}\n\n![x](attachment:x.png)")]
        cells[-1]["attachments"] = {"x.png": {"image/png": "iVBORw0KGgo="}}
    notebook["cells"] = cells


def _task_text_edited(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = cell["source"].replace("Exercise", "Übung").upper()


def _example_as_markdown(notebook):
    """Example cells turned into Markdown and raw cells, to keep the notebook fast."""
    code = [c for c in notebook["cells"] if c["cell_type"] == "code" and not c["metadata"].get("nbgrader")]
    for n, cell in enumerate(code):
        cell["cell_type"] = ("markdown", "raw")[n % 2]
        for key in ("outputs", "execution_count"):
            cell.pop(key, None)


def _answer_pasted_into_one_line(notebook):
    cell_of(notebook, XOR)["source"] = (
        "xor_params = lambda: dict(W1=np.ones((2, 2)), b1=np.array([0., -1.]), "
        "W2=np.array([[1.], [-2.]]), b2=np.zeros(1)); "
        "best_linear_accuracy = lambda y: (.75 if tuple(y) in {(0, 1, 1, 0), (1, 0, 0, 1)} else 1.); # "
        + "very long "
        * 20_000
    )


CELLS = [
    _odd(
        "helper-cell-before",
        "a helper in a cell of its own above the answer",
        {
            SOFT: """
        def softmax(z, temperature=1.0, axis=-1):
            if temperature <= 0:
                raise ValueError
            return normalised(np.exp(shifted(np.asarray(z) / temperature, axis)), axis)
        """
        },
        insert(
            SOFT,
            "def shifted(z, axis):\n    return z - z.max(axis, keepdims=True)",
            "def normalised(e, axis):\n    return e / e.sum(axis, keepdims=True)",
        ),
    ),
    _odd(
        "helper-cell-after",
        "a helper in a cell of its own below the answer, found when it is called",
        {
            SOFT: """
        def softmax(z, temperature=1.0, axis=-1):
            if temperature <= 0:
                raise ValueError
            return later(np.asarray(z) / temperature, axis)
        """
        },
        insert(
            SOFT,
            """
        def later(z, axis):
            e = np.exp(z - z.max(axis, keepdims=True))
            return e / e.sum(axis, keepdims=True)
        """,
            below=True,
        ),
    ),
    _odd(
        "helper-far-above",
        "imports and helpers in one cell at the very top, above the setup cell",
        {
            NET: """
        def forward(X, params, return_all=False):
            steps = reduce(lambda steps, n: steps + [one_layer(steps[-1], *params[n], last=n + 1 == len(params))],
                           range(len(params)), [X])
            return (steps[-1], steps) if return_all else steps[-1]

        def to_torch(params):
            pairs = [(Linear(*W.shape, dtype=torch.float64), ReLU()) for W, _ in params]
            for (linear, _), (W, b) in zip(pairs, params):
                linear.load_state_dict({"weight": torch.tensor(W.T), "bias": torch.tensor(b)})
            return Sequential(*list(chain(*pairs))[:-1])
        """
        },
        insert(
            "setup",
            "from functools import reduce\nfrom itertools import chain\nfrom torch.nn import Linear, ReLU, Sequential",
            "def one_layer(A, W, b, last):\n    Z = A @ W + b\n    return Z if last else Z * (Z > 0)",
        ),
    ),
    _odd("helper-in-edited-example", "a helper in an example cell that the student edited", {}, _helper_in_example),
    _odd(
        "import-from-an-example",
        "nn.functional and Perceptron as the untouched example cells import them",
        {
            FIT: before("""
        library = Perceptron(alpha=0, eta0=1.0)
        """)
        },
    ),
    _odd("examples-replaced", "all example cells overwritten with notes", {}, _example_is_answer),
    _odd("examples-turned-into-text", "example cells turned into Markdown and raw cells", {}, _example_as_markdown),
    _odd(
        "answer-split-in-three", "a part of the functions in the answer cell, the rest in two cells below", {}, _split
    ),
    _odd("answer-split-above", "one of two functions in a cell above the answer cell", {}, _split_above),
    _odd("answers-merged", "all answers in the first answer cell", {}, _merge_all),
    _odd("stub-stays-answer-below", "the stub is left alone and the answer is in a new cell below", {}, _stub_stays),
    _odd(
        "answer-cell-copied",
        "an answer cell copied together with its metadata",
        {},
        _copied_cell,
        stock="nbgrader stops there, for the whole class",
    ),
    _odd(
        "old-attempt-above",
        "an old attempt above the answer, copied together with its metadata",
        {},
        _old_attempt_above,
        stock="nbgrader stops there, for the whole class",
    ),
    _odd("exercises-swapped", "exercise 1.3 before exercise 1.2, all of its cells", {}, _swap_exercises),
    _odd("checks-at-the-end", "the visible checks moved to the end of the notebook", {}, _tests_at_the_end),
    _odd(
        "text-and-examples-deleted",
        "only the answer cells are left",
        {},
        _only_answers,
        stock="not even the setup cell is put back at its place",
    ),
    _odd(
        "visible-checks-deleted",
        "two visible checks deleted",
        {},
        _without("softmax-check", "forward-check"),
        stock="their points are lost, unless the course sets add_missing_cells",
    ),
    _odd(
        "hidden-tests-deleted",
        "the cells of hidden tests look empty, so they were deleted",
        {},
        _without("softmax-hidden", "forward-hidden", "xor-params-hidden"),
        stock="their points are lost, unless the course sets add_missing_cells",
    ),
    _odd(
        "setup-deleted",
        "the setup cell deleted after it was run; a locked cell is put back",
        {},
        _without("setup"),
        stock="the setup cell comes back too late",
    ),
    _odd("tests-edited", "visible checks edited, for a look at something, and points changed", {}, _edit_tests),
    _odd("task-text-edited", "task texts translated and edited", {}, _task_text_edited),
    _odd("notes-between-all-cells", "raw cells, empty cells and pictures between all cells", {}, _notes_between),
    _odd(
        "check-copied-and-run-again",
        "a visible check copied into a cell of the student's own",
        {},
        lambda notebook: insert("softmax-check", cell_of(notebook, "softmax-check")["source"], below=True)(notebook),
    ),
    _odd(
        "scratch-cells-that-fail",
        "scratch cells with a wrong name, a syntax error, 1/0 and exit",
        {},
        insert(
            SOFT,
            "1 / 0",
            "def broken(:",
            "undefined_name",
            "raise SystemExit",
            "raise KeyboardInterrupt",
            "assert False",
            "    indented = 1\n  wrong = 2",
            "lambda: (yield)",
            "'unclosed",
        ),
    ),
    _odd(
        "scratch-cells-after-the-last-test",
        "experiments at the end that break everything",
        {},
        lambda notebook: notebook["cells"].extend(
            [code_cell("del np, torch"), code_cell("softmax = forward = sigmoid = None")]
        ),
    ),
    _odd(
        "later-cell-redefines-a-helper",
        "a helper of exercise 1.2 gets another meaning in exercise 1.3",
        {
            ACT: lambda source: (
                "def safe(z):\n    return np.exp(-np.abs(z))\n\n\n" + source.replace("np.exp(-np.abs(z))", "safe(z)")
            ),
            SOFT: """
        def safe(z, axis):
            return np.exp(z - z.max(axis=axis, keepdims=True))

        def softmax(z, temperature=1.0, axis=-1):
            if temperature <= 0:
                raise ValueError
            e = safe(z / temperature, axis)
            return e / e.sum(axis=axis, keepdims=True)
        """,
        },
    ),
    _odd(
        "later-answer-uses-an-earlier-one",
        "forward calls relu of exercise 1.2, which is a partial there",
        {
            ACT: after("import functools\nrelu = functools.partial(np.maximum, 0.0)"),
            NET: lambda source: source.replace("np.maximum(Z, 0.0)", "relu(Z)"),
        },
    ),
    _odd(
        "later-answer-changes-a-setting",
        "an own setting is read when the functions are called",
        {
            SOFT: lambda source: (
                "SHIFT = True\n\n\n"
                + source.replace(
                    "scaled - scaled.max(axis=axis, keepdims=True)",
                    "scaled - SHIFT * scaled.max(axis=axis, keepdims=True)",
                )
            ),
            XOR: before("SHIFT = False  # of the input"),
        },
    ),
    _odd(
        "earlier-exercise-is-wrong-by-crash-below",
        "a scratch cell between answer and check damages nothing of others",
        {},
        both(insert(ACT, "a, b = 1", below=True), insert("activations-check", "z = sigmoid", below=True)),
    ),
    _odd("one-very-long-line", "an answer on one line of 200,000 characters", {}, _answer_pasted_into_one_line),
    _odd(
        "three-thousand-lines",
        "an answer of 3,000 lines, most of them leftovers",
        {SOFT: after("\n".join(f"def attempt_{n}(x):\n    # number {n}\n    return x + {n}" for n in range(1000)))},
    ),
    _odd("tabs-for-indentation", "tabs instead of spaces", {FIT: lambda source: source.replace("    ", "\t")}),
    _odd(
        "cookie-and-shebang",
        "an encoding cookie, a shebang and a future import at the top of an answer",
        {FIT: before("#!/usr/bin/env python3\n# -*- coding: latin-1 -*-\nfrom __future__ import annotations")},
    ),
    _odd(
        "form-feeds",
        "Emacs' page breaks between functions, trailing white space",
        {ACT: lambda source: source.replace("\n\n\n", "   \n\f\n\n")},
    ),
    _odd(
        "unicode-line-separators-in-comments",
        "U+2028 and U+0085 in a comment and a string, pasted from a web page",
        {SOFT: after("note = 'one\u2028two\x85three'  # pasted\u00a0text\nassert len(note) == 13")},
    ),
    _odd(
        "comments-only-above-magics",
        "comments and empty lines above a cell magic are not its first line",
        {XOR: lambda source: "%%time\n# my answer\n\n" + source + "\n# %%\n# In[12]:\n"},
    ),
    _odd(
        "docstring-with-markers",
        "the words of nbgrader's markers in a string",
        {SOFT: after('memo = """\n# YOUR CODE HERE\nraise NotImplementedError\n"""')},
    ),
]


def _later_magics(notebook):
    insert(
        ACT,
        "%%capture\ndef from_capture():\n    return 7",
        "%%time\nfrom_time = from_capture()",
        "%%timeit -n1 -r1\nfrom_time",
        "%%prun -q\nfrom_time",
    )(notebook)


CELLS += [
    _odd(
        "magics-that-define",
        "names defined under %%capture and %%time are used by the answer",
        {ACT: lambda source: source + "\n\nassert from_time == 7"},
        _later_magics,
    ),
    _odd(
        "answer-in-comment-style-percent-cells",
        "VS Code's '# %%' cell marks inside an answer",
        {NET: lambda source: "# %% Exercise 1.5\n" + source.replace("\n\n\n", "\n\n\n# %% the second function\n")},
    ),
]

ODD = [*MAGICS, *DISPLAYS, *CELLS]
