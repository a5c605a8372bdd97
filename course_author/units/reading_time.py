"""Reading minutes per unit and route, and how long the cells are.

The reading model, for what a student reads from top to bottom (text, example and setup code; not answers and tests):

- 238 words a minute for prose: the mean over 190 studies of silent reading of English non-fiction; most adults read 175
  to 300 (Brysbaert 2019, How many words do we read per minute?, Journal of Memory and Language 109, 104047).
- 7.2 seconds for a line of code: 500 lines an hour, the rate at which reviewers prepare for a review of application
  code (Humphrey 1989, as quoted in McConnell, Code Complete). Blank lines are free.
- 12 seconds for a figure and 10 for a displayed formula: our own round figures; no study that we know settles them.

It predicts a mean reader's first pass, not understanding, and no time for playing with the examples. The time for
exercises is the sum of the minutes that their headings promise; it is said apart.
"""

from __future__ import annotations

import argparse
import ast
import re
from dataclasses import dataclass
from statistics import median

from .text import chosen_units, load_unit, unit_names
from .unit import ROOT, Unit

WORDS_PER_MINUTE = 238
SECONDS_PER_CODE_LINE = 7.2
SECONDS_PER_FIGURE = 12
SECONDS_PER_FORMULA = 10
TOLERANCE = 0.2  # outside the plan's range by more than this share of its nearer end: fail

PLAN = {  # minutes that a unit may take a reader
    "01_basic_concepts": (30, 35),
    "02_how_networks_work": (35, 40),
    "03_learning_algorithms": (35, 40),
    "04_regularization_optimization": (30, 35),
    "05_mnist_project": (40, 45),
}
ROUTES = {  # chapters, minutes
    "complete": ((1, 2, 3, 4, 5), (150, 180)),
    "implementation": ((1, 2, 5), (90, 100)),
    "theory": ((1, 2, 3, 4), (120, 140)),
}
DISPLAYED = re.compile(r"\$\$.+?\$\$|\\begin\{(equation|align)\*?\}.+?\\end\{\1\*?\}", re.DOTALL)
INLINE = re.compile(r"(?<![\\$])\$[^$\n]+\$")
PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)|<(img|svg)\b|```mermaid")
DRAWS = ("plot", "widgets")


@dataclass(frozen=True)
class Stats:
    """What stands in one unit."""

    words: int
    code_lines: int
    formulas: int
    figures: int
    exercise_minutes: int
    cell_lengths: tuple[int, ...]

    @property
    def minutes(self) -> float:
        """Reading minutes by the model above."""
        seconds = self.code_lines * SECONDS_PER_CODE_LINE
        seconds += self.figures * SECONDS_PER_FIGURE + self.formulas * SECONDS_PER_FORMULA
        return self.words / WORDS_PER_MINUTE + seconds / 60


def prose(markdown: str) -> str:
    """The words of a Markdown cell: without comments, displayed formulas, code blocks, addresses and marks.

    A formula, or a piece of code, within a sentence counts as one word.
    """
    text = re.sub(r"<!--.*?-->", " ", markdown, flags=re.DOTALL)
    text = DISPLAYED.sub(" ", re.sub(r"```.*?```", " ", text, flags=re.DOTALL))
    text = INLINE.sub(" formula ", re.sub(r"`[^`\n]+`", " code ", text))
    text = re.sub(r"\]\([^)]*\)", "] ", text)
    return re.sub(r"<[^>]+>", " ", text)


def count_words(markdown: str) -> int:
    return sum(bool(re.search(r"\w", word)) for word in prose(markdown).split())


def code_length(source: str) -> int:
    """Lines that are not blank."""
    return sum(bool(line.strip()) for line in source.split("\n"))


def is_exercise_code(cell) -> bool:
    """Answer, check and hidden cells: written for, or by, who solves the exercise, not for reading on."""
    options = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and bool(options.get("grade") or options.get("solution"))


def measure(unit: Unit) -> Stats:
    """Count one unit."""
    markdown = [cell.source for cell in unit.cells if cell.cell_type == "markdown"]
    code = [cell.source for cell in unit.cells if cell.cell_type == "code" and not is_exercise_code(cell)]
    return Stats(
        words=sum(map(count_words, markdown)),
        code_lines=sum(map(code_length, code)),
        formulas=sum(len(DISPLAYED.findall(text)) for text in markdown),
        figures=sum(len(PICTURE.findall(text)) for text in markdown) + sum(map(_draws, code)),
        exercise_minutes=sum(exercise.minutes for exercise in unit.exercises + unit.warm_ups),
        cell_lengths=tuple(map(code_length, code)),
    )


def _draws(source: str) -> bool:
    """Does a cell draw? One figure a cell, by the rules of the course."""
    try:
        calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except SyntaxError:  # a magic: the cell sets up
        return False
    return any(call.split(".")[0] in DRAWS and "." in call or call.startswith("plt.") for call in calls)


def fault(what: str, minutes: float, planned: tuple[int, int]) -> str | None:
    """A sentence if `minutes` lie outside 20 % of the planned range."""
    low, high = planned[0] * (1 - TOLERANCE), planned[1] * (1 + TOLERANCE)
    if low <= minutes <= high:
        return None
    do = "shorten it" if minutes > high else "it lacks something, or the plan promises too much"
    span = f"{planned[0]}-{planned[1]} (20 % more or less)"
    return f"{what} takes {minutes:.0f} minutes to read, the plan says {span}: {do}."


def faults(stats: dict[str, Stats]) -> list[str]:
    """A sentence per unit, and per route whose units are all there, that is off the plan."""
    found = [fault(unit, stats[unit].minutes, PLAN[unit]) for unit in stats if unit in PLAN]
    for route, (_, planned) in ROUTES.items():
        minutes = route_minutes(route, stats)
        found += [] if minutes is None else [fault(f"The {route} route", minutes, planned)]
    return [sentence for sentence in found if sentence]


def route_minutes(route: str, stats: dict[str, Stats]) -> float | None:
    """Minutes of a route; None while a unit of it is still to be written."""
    by_chapter = {int(unit[:2]): value for unit, value in stats.items()}
    chapters = ROUTES[route][0]
    return None if set(chapters) - set(by_chapter) else sum(by_chapter[chapter].minutes for chapter in chapters)


def table(stats: dict[str, Stats]) -> str:
    """The figures, for people."""
    rows = [
        f"{'unit':32}{'words':>7}{'code':>6}{'formulas':>10}{'figures':>9}{'reading':>9}{'plan':>8}{'exercises':>11}"
    ]
    for unit, value in stats.items():
        plan = "-".join(map(str, PLAN.get(unit, ("",))))
        rows.append(
            f"{unit:32}{value.words:7}{value.code_lines:6}{value.formulas:10}{value.figures:9}"
            f"{value.minutes:5.0f} min{plan:>8}{value.exercise_minutes:7} min"
        )
    rows += ["", f"{'lines per code cell':32}{'median':>7}{'p90':>6}{'max':>10}"]
    for unit, value in stats.items():
        lengths = sorted(value.cell_lengths) or [0]
        p90 = lengths[min(len(lengths) - 1, int(0.9 * len(lengths)))]
        rows.append(f"{unit:32}{median(lengths):7.0f}{p90:6}{lengths[-1]:10}")
    rows.append("")
    for route, (chapters, planned) in ROUTES.items():
        minutes = route_minutes(route, stats)
        said = "not all written yet" if minutes is None else f"{minutes:.0f} min"
        rows.append(f"{route} route ({'-'.join(map(str, chapters))}), {planned[0]}-{planned[1]} min planned: {said}")
    return "\n".join(rows)


def add_arguments(parser):
    parser.add_argument("units", nargs="*", metavar="UNIT", help="default: all")


def main(argv, root=ROOT) -> int:
    """`python -m course_author stats`."""
    parser = argparse.ArgumentParser(prog="course_author stats", description=__doc__.split("\n")[0])
    add_arguments(parser)
    units = chosen_units(parser.parse_args(argv).units, root) if unit_names(root) else []
    stats = {unit: measure(load_unit(unit, root)) for unit in units}
    print(table(stats))
    found = faults(stats)
    print("\n".join(["", *found]) if found else "")
    return 1 if found else 0
