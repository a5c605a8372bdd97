"""Lines of solutions and hidden tests that no student may see."""

from course_author.units.regions import HIDDEN, SOLUTION, region
from course_author.units.text import load_unit, unit_names
from course_author.units.unit import ROOT

# A solution or hidden line of up to 12 characters ("return out", "else:", "try:") says nothing about its exercise.
TELLING = 12
# Whole lines of a solution or hidden region that students see elsewhere, each with why it gives nothing away. Keep it
# empty if you can: another seed or another name in the hidden test costs less than an entry here.
PUBLIC_LINES = {
    "with torch.no_grad():": "PyTorch's own words for one thing that every chapter does",
    "model = nn.Sequential(": "a network begins so",
    "super().__init__()": "a module begins so",
    "def forward(self, X):": "a module computes so",
    "def __reduce__(self):": "pickle asks for this method",
    "loss.backward()": "a step of training, since chapter 3",
    "optimizer.step()": "a step of training, since chapter 3",
    "optimizer.zero_grad()": "a step of training, since chapter 3",
    "for _ in range(epochs):": "a loop over epochs, since chapter 3",
    "model.train()": "what chapters 4 and 5 explain",
    "torch.manual_seed(seed)": "where PyTorch knows no other generator",
    "@check.student_side": "the mark of a probe",
    "from torch import nn": "an import",
    "from pathlib import Path": "an import",
    "import tempfile": "an import",
}


def secrets(root=ROOT):
    """Every telling line of every solution and hidden region: line -> where it comes from."""
    found = {}
    for unit in unit_names(root):
        read = load_unit(unit, root)
        for exercise in read.exercises + read.warm_ups:
            solution = stripped(region(exercise.answer, SOLUTION))
            # The visible check may call the answer as a hidden test does; its author wrote that line for students.
            tests = stripped(region(exercise.hidden, HIDDEN)) - (stripped(exercise.check.split("\n")) - solution)
            found |= dict.fromkeys(tests, f"test of {exercise.label}")
            found |= dict.fromkeys(solution, f"solution of {exercise.label}")
    return {line: source for line, source in found.items() if len(line) > TELLING and line not in PUBLIC_LINES}


def stripped(lines):
    return {line.strip() for line in lines}


def texts(value):
    """Every string within a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if value and all(isinstance(line, str) for line in value):
            yield "".join(value)  # how notebooks store a text of several lines
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts(item)
