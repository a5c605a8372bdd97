"""The stand-in device behaves as CUDA does, and every notebook of the course runs on it.

The behaviours (standin_behaviours.py) are run on the stand-in, in a process of its own, and on CUDA too where there is
one: what is asked of the stand-in is what the real thing does. `make cuda-check` runs them on bare machines.
"""

import json
import re
import shutil
import subprocess
import sys
from functools import cache

import nbformat
import pytest
import standin_behaviours
import standin_device
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from standin_behaviours import BEHAVIOURS, MIXED, NO_NUMPY
from standin_device import ROOT, run_notebook, run_notebook_on_standin


@cache
def outcome_on(name):
    """Run the behaviours in a process of its own: a device that is added to PyTorch stays."""
    child = subprocess.run(
        [sys.executable, standin_behaviours.__file__, name], capture_output=True, text=True, timeout=300
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout.splitlines()[-1])


@pytest.mark.parametrize("title", BEHAVIOURS)
def test_standin_behaves_as_cuda(title):
    assert outcome_on(standin_device.NAME)[title] is None, outcome_on(standin_device.NAME)[title]


def test_cuda_behaves_so_too():
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA here to compare the stand-in with")
    assert {title: found for title, found in outcome_on("cuda").items() if found} == {}


# --- notebooks: the runner finds what it should ----------------------------------------------------------------------

HONEST = """
import numpy as np
import torch
import course_utils
device = course_utils.device()
model, x, y = torch.nn.Linear(2, 2), torch.randn(8, 2), torch.randint(2, (8,))
model, x, y = model.to(device), x.to(device), y.to(device)
loss = torch.nn.functional.cross_entropy(model(x), y)
loss.backward()
predicted = model(x).argmax(1).cpu().numpy()
share = np.mean(predicted == y.cpu().numpy())
"""
# What is changed in the honest cell, what then must be raised, and how its message reads.
FAULTS = {
    "a tensor left on the CPU": ("y.to(device)", "y", "RuntimeError", MIXED),
    "a model left on the CPU": ("model.to(device)", "model", "RuntimeError", MIXED),
    "no .cpu() before .numpy()": (".argmax(1).cpu().numpy()", ".argmax(1).numpy()", "TypeError", NO_NUMPY),
    "an array made of a tensor": ("y.cpu().numpy()", "np.asarray(y)", "TypeError", NO_NUMPY),
    "compared with an array": ("y.cpu().numpy())", "y)", "RuntimeError", MIXED),
    "cuda written into the code": ("model.to(device)", "model.cuda()", "AssertionError|RuntimeError", "CUDA"),
    "cuda as a name": ("device = course_utils.device()", "device = 'cuda'", "AssertionError|RuntimeError", "CUDA"),
}

COURSE_LIKE = [
    """
    %matplotlib inline
    import numpy as np
    import matplotlib.pyplot as plt
    import torch
    from ipywidgets import interact
    from torch import nn
    from course_utils import device

    dev = device()
    assert dev.type == "standin"
    """,
    """
    torch.manual_seed(0)
    x = torch.randn(256, 8)
    y = (x[:, 0] * x[:, 1] > 0).long()
    train, test = slice(0, 192), slice(192, None)
    x, y = x.to(dev), y.to(dev)
    model = nn.Sequential(
        nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2),
    ).to(dev)
    """,
    """
    %%time
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for epoch in range(12):
        model.train()
        for batch in torch.randperm(192, device=dev).split(48):
            loss = nn.functional.cross_entropy(model(x[train][batch]), y[train][batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    """,
    """
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[train]).argmax(1) == y[train]).float().mean().item()
    print(f"{accuracy:.2f}")
    assert accuracy > 0.8
    """,
    """
    fig, ax = plt.subplots()
    ax.plot(losses)
    ax.scatter(*x[:, :2].cpu().numpy().T, c=y.cpu())
    plt.show()
    """,
    """
    images = torch.randn(32, 1, 8, 8)
    images[:16, :, :4] += 2
    kind = torch.arange(32, device=dev) < 16
    cnn = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 1))
    cnn.to(dev)
    steps = torch.optim.SGD(cnn.parameters(), lr=0.1, momentum=0.9)
    for _ in range(30):
        loss = nn.functional.binary_cross_entropy_with_logits(cnn(images.to(dev))[:, 0], kind.float())
        steps.zero_grad(); loss.backward(); steps.step()
    assert ((cnn(images.to(dev))[:, 0] > 0) == kind).float().mean() > 0.9
    """,
    """
    @interact(i=(0, 7))
    def show(i=3):
        print((x[:, i] * x[:, i]).mean().item())
    """,
    """
    assert open("data.txt").read() == "kept"
    torch.save(model.state_dict(), "model.pt")
    """,
    "def answer():\n    raise NotImplementedError('Exercise 0.1')",
]


def write_notebook(path, sources, tagged=()):
    """Write a notebook of the given code cells, then tagged ones, which may raise NotImplementedError."""
    cells = [new_markdown_cell("# A notebook")] + [new_code_cell(strip(source)) for source in sources]
    cells += [new_code_cell(source, metadata={"tags": ["raises-exception"]}) for source in tagged]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


def strip(source):
    lines = source.strip("\n").splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[margin:] for line in lines).rstrip()


def test_an_honest_notebook_passes(tmp_path):
    path = write_notebook(tmp_path / "unit" / "unit.ipynb", COURSE_LIKE, tagged=["answer()"])
    (path.parent / "data.txt").write_text("kept", encoding="utf-8")
    report = run_notebook(path)
    assert [str(failure) for failure in report.failures] == []
    assert report.imports_torch and report.operations > 1000
    assert sorted(p.name for p in path.parent.iterdir()) == ["data.txt", "unit.ipynb"]  # nothing written beside it


@cache
def run_with_faults(folder):
    """Run one notebook with a cell per fault, and the honest cell before, between and after them."""
    cells = [HONEST]
    for old, new, *_ in FAULTS.values():
        assert HONEST.count(old) == 1
        cells += [HONEST.replace(old, new), HONEST]
    return run_notebook_on_standin(write_notebook(folder / "planted" / "planted.ipynb", cells))


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return run_with_faults(tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_fails(planted, fault):
    *_, error, message = FAULTS[fault]
    cell = 2 + 2 * list(FAULTS).index(fault)
    (failure,) = [failure for failure in planted if failure.cell == cell]
    assert re.fullmatch(error, failure.error) and re.search(message, failure.message), failure


def test_the_honest_cells_beside_the_faults_pass(planted):
    assert [failure.cell for failure in planted] == [2 + 2 * i for i in range(len(FAULTS))]


def test_a_notebook_that_never_computes_on_the_device_fails(tmp_path):
    asked = 'course_utils.device() and torch.device("cuda" if torch.cuda.is_available() else "cpu")'
    path = write_notebook(tmp_path / "never" / "never.ipynb", [HONEST.replace("course_utils.device()", asked)])
    (failure,) = run_notebook_on_standin(path)
    assert (failure.cell, failure.error) == (-1, "NeverOnDevice")


def test_only_an_unanswered_exercise_may_raise(tmp_path):
    """Not another error in a tagged cell, not an untagged stub, not an error that a widget's callback swallowed."""
    plain = ["import torch", "raise NotImplementedError('a stub')", "from ipywidgets import interact"]
    plain += ["@interact(i=(0, 3))\ndef show(i=1):\n    raise KeyError('in the callback')"]
    tagged = ["raise NotImplementedError('Exercise 1.1')", "1 / 0", "raise NotImplementedError('aten::lstm')", "2 +"]
    path = write_notebook(tmp_path / "errors" / "errors.ipynb", plain, tagged)
    found = [(failure.cell, failure.error) for failure in run_notebook_on_standin(path)]
    assert found == [
        (2, "NotImplementedError"),
        (4, "KeyError"),
        (6, "ZeroDivisionError"),
        (7, "NotImplementedError"),
        (8, "SyntaxError"),
        (-1, "NeverOnDevice"),
    ]


def test_a_notebook_without_torch_does_not_load_it(tmp_path):
    cells = ["import sys, numpy, course_utils", "assert 'torch' not in sys.modules", "assert not sys.stdin.read()"]
    report = run_notebook(write_notebook(tmp_path / "plain" / "plain.ipynb", cells))
    assert (report.failures, report.operations, report.imports_torch) == ([], 0, False)


def test_a_process_that_dies_is_no_pass(tmp_path):
    path = write_notebook(tmp_path / "dies" / "dies.ipynb", ["import os; os._exit(0)"])
    with pytest.raises(RuntimeError, match="ended its process"):
        run_notebook_on_standin(path)
    path = write_notebook(tmp_path / "hangs" / "hangs.ipynb", ["import time; time.sleep(60)"])
    with pytest.raises(RuntimeError, match="more than 3 s"):
        run_notebook_on_standin(path, timeout=3)


# --- the course's notebooks ------------------------------------------------------------------------------------------


def notebooks(kind):
    """The units' notebooks, solved (source) or as students get them (release)."""
    return sorted(path for path in (ROOT / kind).glob("*/*.ipynb") if path.stem == path.parent.name)


def unit_folders():
    return sorted(p.name for p in (ROOT / "source").iterdir() if p.is_dir() and p.name[0] not in "._")


def test_every_unit_has_notebooks_to_run():
    if not unit_folders():
        pytest.skip("source/ has no unit folder yet")
    assert [path.stem for path in notebooks("source")] == unit_folders()
    assert notebooks("release"), "no notebook in release/: build it"


# Its experiments take ten times as long on the stand-in as on the CPU: nine minutes.
LONG = {"04_regularization_optimization"}


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.stem, marks=[pytest.mark.full] * (path.stem in LONG)) for path in notebooks("source")],
)
def test_a_notebook_of_the_course_runs_on_a_second_device(path):
    """The solved ones: whatever a blank one computes, they compute too (test_release holds the two together)."""
    report = run_notebook(path)
    print(f"{path.name}: {report.operations} operations on the stand-in")
    assert [str(failure) for failure in report.failures] == []


def test_faults_planted_in_the_course_are_found(tmp_path):
    """Take every ``.cpu()`` out of a real notebook, and append one cell per fault."""
    candidates = [p for p in notebooks("source") if re.search(r"import torch", p.read_text(encoding="utf-8"))]
    if not candidates:
        pytest.skip("no notebook of the course imports torch yet")
    path = tmp_path / "unit" / candidates[0].name
    shutil.copytree(candidates[0].parent, path.parent)
    notebook = nbformat.read(path, as_version=4)
    with_cpu = [i for i, c in enumerate(notebook.cells) if c.cell_type == "code" and ".cpu()" in c.source]
    for index in with_cpu:
        notebook.cells[index].source = notebook.cells[index].source.replace(".cpu()", "")
    end = len(notebook.cells)
    place = "import torch, course_utils\nplanted = torch.ones(2, device=course_utils.device())\n"
    notebook.cells += [new_code_cell(place + fault) for fault in ("planted + torch.ones(2)", "planted.numpy()")]
    nbformat.write(notebook, path)
    failures = {failure.cell: failure for failure in run_notebook_on_standin(path)}
    assert re.search(MIXED, failures[end].message) and re.search(NO_NUMPY, failures[end + 1].message)
    assert not with_cpu or set(with_cpu) & set(failures)
