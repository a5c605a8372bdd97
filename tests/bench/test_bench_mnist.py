"""bench-mnist trains what the chapter trains, on the chapter's own functions, and says when a goal is missed."""

import ast
import json

import pytest

from course_author.bench import mnist
from course_author.units.text import load_unit
from course_author.units.unit import UnitError

pytestmark = pytest.mark.part("units and tools")


@pytest.fixture(scope="module")
def space():
    return mnist.chapter()


def test_the_benchmark_trains_as_the_chapter_does(space):
    """Epochs, learning rate and augmentation of its calls of fit are those in the chapter's text."""
    calls = {}
    for cell in load_unit(mnist.UNIT).cells:
        if cell.cell_type == "code" and "\nfit(" in cell.source:
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "fit":
                    calls[ast.unparse(node.args[0])] = node
    for name, network in (("MLP", "mlp"), ("CNN", "cnn")):
        told = {keyword.arg: ast.unparse(keyword.value) for keyword in calls[network].keywords}
        planned = eval(ast.unparse(calls[network].args[2]), dict(space))
        make, options = mnist.networks(space)[name]
        assert options["epochs"] == planned
        assert options["lr"] == float(told["lr"])
        assert ("augment" in options) == ("augment" in told)
        assert sum(p.numel() for p in make().parameters()) > 100_000


def test_nothing_is_trained_before_the_clock_runs(space):
    assert "mlp" not in space and "cnn" not in space and "loader" not in space
    assert len(space["train_set"][1]) == len(space["train_images"]) == 1194


def test_a_run_on_the_digits_reaches_its_goal_and_is_told(capsys):
    assert mnist.main(["--seeds", "1"]) == 0
    *_, last = capsys.readouterr().out.strip().split("\n")
    told = json.loads(last)
    assert told["source"] == "digits" and told["MLP"]["accuracy"][0] > 0.95 and told["CNN"]["accuracy"][0] > 0.95
    assert told["CNN"]["cpu_s"][0] > told["MLP"]["cpu_s"][0] > 0


def test_a_goal_that_is_missed_fails(monkeypatch, capsys):
    poor = {"accuracy": 0.9, "wall_s": 1.0, "cpu_s": 1.0}
    monkeypatch.setattr(mnist, "one_run", lambda space, name, seed: poor)
    assert mnist.main(["--seeds", "2"]) == 1
    assert "MLP: 90.00% (± 0.00%), goal NOT met (95.0% asked)" in capsys.readouterr().out


def test_what_was_measured_is_told_after_each_run(monkeypatch):
    """So that a run which is ended early is not lost; and the first of a process is none of those measured."""
    told = []
    monkeypatch.setattr(mnist, "warm_up", lambda space: told.append("warm"))
    monkeypatch.setattr(mnist, "one_run", lambda *_: {"accuracy": 1.0, "wall_s": 1.0, "cpu_s": 1.0})
    mnist.measure(2, save=lambda result: told.append([result[n]["runs"] for n in ("MLP", "CNN") if n in result]))
    assert told == ["warm", [1], [2], [2, 1], [2, 2]]


def test_warming_up_trains_both_networks(space):
    trained = []
    mnist.warm_up(space | {"fit": lambda model, samples, **options: trained.append((len(samples[1]), options))})
    assert [(samples, options["epochs"], options["lr"]) for samples, options in trained] == [
        (256, 1, 3e-3),
        (256, 1, 5e-3),
    ]


def test_no_runs_are_refused():
    with pytest.raises(UnitError, match="--seeds must be 1 or more, not 0"):
        mnist.main(["--seeds", "0"])
