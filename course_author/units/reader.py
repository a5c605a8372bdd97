"""Sort the cells of a unit's text into exercises and examples, and refuse what could not be released."""

from __future__ import annotations

import ast
import re
import textwrap

from .regions import DEFINITIONS, HIDDEN, SOLUTION, enclosing, region
from .unit import Example, Exercise, Unit, UnitError

EXERCISE = re.compile(
    r"^### Exercise (?P<number>\d+\.\d+) - (?P<title>.+?) "
    r"\((?P<points>\d+) points?, (?P<minutes>\d+) minutes?, (?P<kind>core|stretch)\)$"
)
WARM_UP = re.compile(
    r"^### Warm-up (?P<number>\d+\.\d+) - (?P<title>.+?) \((?P<points>0) points, (?P<minutes>\d+) minutes?\)$"
)
EXAMPLE = re.compile(r"^### Example (?P<number>\d+\.\d+) - (?P<title>.+)$")
SLUG = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
PARTS = ("task", "answer", "check", "hidden")
FORMS = {  # by the first word of a heading: its pattern, its cells, a sample
    "Exercise": (EXERCISE, PARTS, "### Exercise 1.3 - Title (5 points, 12 minutes, core)"),
    "Warm-up": (WARM_UP, PARTS[:3], "### Warm-up 0.1 - Title (0 points, 3 minutes)"),
}


class Reader:
    """Sorts one unit's cells into roles, checking as it goes."""

    def __init__(self, unit, path, cells):
        self.unit, self.path, self.cells = unit, path, cells
        self.text = path.read_text(encoding="utf-8").split("\n")
        self.lines = self._cell_lines()
        self.roles: list[tuple[str, str, int]] = []  # (role, slug, cell index) of every nbgrader cell

    def read(self) -> Unit:
        self._check_metadata_is_read()
        self._sort_roles()
        for index in range(len(self.cells)):
            self._check_markers(index)
        every = self._exercises()
        warm_ups = [exercise for exercise in every if exercise.kind == "warm-up"]
        exercises = [exercise for exercise in every if exercise.kind != "warm-up"]
        setup = [self.cells[index].source for role, _, index in self.roles if role == "setup"]
        examples = self._examples()
        self._check_numbers(exercises, examples, warm_ups)
        return Unit(self.unit, self.path, self.cells, exercises, setup, examples, warm_ups)

    # -- where things are ------------------------------------------------------------------------------------------

    def _cell_lines(self) -> list[int]:
        """Line of each cell's `# %%`; all 1 where jupytext counts other cells than we do (then no line is promised)."""
        starts = [number for number, line in enumerate(self.text, 1) if re.match(r"# %%+( |$)", line)]
        return starts if len(starts) == len(self.cells) else [1] * len(self.cells)

    def _fault(self, index: int, sentence: str, line: int | None = None):
        """`line` counts the cell's own lines from 1."""
        offset = 0 if line is None else line
        raise UnitError(f"source/{self.path.name}:{self.lines[index] + offset}: {sentence}")

    # -- nbgrader metadata -----------------------------------------------------------------------------------------

    def _check_metadata_is_read(self):
        """A typing slip in `nbgrader={...}` makes jupytext read the options as a title: nothing would be graded."""
        for number, line in enumerate(self.text, 1):
            if re.match(r"# %%", line) and "nbgrader" in line:
                index = self.lines.index(number) if number in self.lines else None
                if index is None or not isinstance(self.cells[index].metadata.get("nbgrader"), dict):
                    raise UnitError(
                        f"source/{self.path.name}:{number}: the cell's nbgrader options cannot be read: "
                        "write them as nbgrader={...} with JSON between the braces."
                    )

    def _sort_roles(self):
        seen: dict[str, int] = {}
        for index, cell in enumerate(self.cells):
            options = cell.metadata.get("nbgrader")
            if options is None:
                continue
            grade_id = options.get("grade_id", "")
            self._check_options(index, cell, options, grade_id)
            if grade_id in seen:
                self._fault(
                    index,
                    f"grade_id {grade_id!r} is already used by the cell at line {self.lines[seen[grade_id]]}: "
                    "give one of them another name.",
                )
            seen[grade_id] = index
            self.roles.append((*self._role(index, cell, options, grade_id), index))

    def _check_options(self, index, cell, options, grade_id):
        if not isinstance(grade_id, str) or not SLUG.match(grade_id):
            self._fault(
                index, f"grade_id {grade_id!r} is not a name of lower-case words and hyphens: write such a name."
            )
        if options.get("schema_version") != 3:
            self._fault(index, f'cell {grade_id!r} has no "schema_version": 3: add it to its nbgrader options.')
        for key in ("grade", "solution", "locked"):
            if not isinstance(options.get(key), bool):
                self._fault(index, f'cell {grade_id!r} does not say "{key}": add it as true or false.')
        points = options.get("points")
        if options["grade"] and (isinstance(points, bool) or not isinstance(points, int | float) or points < 0):
            self._fault(index, f'graded cell {grade_id!r} has no "points": add a number, 0 or more.')
        if not options["grade"] and points:
            self._fault(index, f'cell {grade_id!r} has "points" but is not graded: drop them, or set "grade": true.')

    def _role(self, index, cell, options, grade_id) -> tuple[str, str]:
        code = cell.cell_type == "code"
        flags = (options["grade"], options["solution"], options["locked"])
        if not code and flags == (False, False, True) and grade_id.endswith("-task"):
            return "task", grade_id.removesuffix("-task")
        if code and flags == (False, True, False):
            return "answer", grade_id
        if code and flags == (True, False, True) and grade_id.endswith("-check"):
            return "check", grade_id.removesuffix("-check")
        if code and flags == (True, False, True) and grade_id.endswith("-hidden"):
            return "hidden", grade_id.removesuffix("-hidden")
        if code and flags == (False, False, True) and not re.search(r"-(task|check|hidden)$", grade_id):
            return "setup", grade_id
        return self._fault(
            index,
            f"cell {grade_id!r} is neither task, answer, check, hidden nor a locked code cell: set its cell type, name "
            "ending (-task, none, -check, -hidden) and grade, solution and locked as in source/01_basic_concepts.py.",
        )

    # -- exercises -------------------------------------------------------------------------------------------------

    def _exercises(self) -> list[Exercise]:
        exercises, roles = [], list(self.roles)
        while roles:
            if roles[0][0] == "setup":
                roles.pop(0)
                continue
            role, slug, index = roles[0]
            if role == "hidden":
                self._fault(index, f"cell {slug + '-hidden'!r} is left over: an exercise begins with its task cell.")
            parts = FORMS["Warm-up" if self.cells[index].source.startswith("### Warm-up") else "Exercise"][1]
            for position, part in enumerate(parts):
                if len(roles) <= position or roles[position][:2] != (part, slug):
                    name = slug if part == "answer" else f"{slug}-{part}"
                    self._fault(
                        index,
                        f"exercise {slug!r} lacks its {part} cell at place {position + 1}: "
                        f"add {name!r}, so that {', '.join(parts)} follow each other.",
                    )
            exercises.append(self._exercise(slug, [role[2] for role in roles[: len(parts)]]))
            roles = roles[len(parts) :]
        return exercises

    def _exercise(self, slug, indices) -> Exercise:
        task, answer, check, *hidden = (self.cells[index] for index in indices)
        pattern, _, sample = FORMS["Exercise" if hidden else "Warm-up"]
        first = task.source.split("\n")[0]
        heading = pattern.match(first)
        if heading is None:
            self._fault(indices[0], f"the heading {first!r} is not of the form {sample!r}: write it so.", 1)
        self._check_answer(slug, indices[1])
        self._check_visible(slug, indices[2])
        if hidden:
            self._check_hidden(slug, indices[3])
        points = [cell.metadata.nbgrader.points for cell in (check, *hidden)]
        if sum(points) != int(heading["points"]):
            self._fault(
                indices[0],
                f"the heading of {slug!r} says {heading['points']} points, its tests give {sum(points):g}: "
                "make them equal.",
                1,
            )
        return Exercise(
            slug=slug,
            unit=self.unit,
            number=heading["number"],
            title=heading["title"],
            minutes=int(heading["minutes"]),
            kind=heading["kind"] if hidden else "warm-up",
            points_check=points[0],
            points_hidden=points[1] if hidden else 0,
            task=task.source,
            answer=answer.source,
            check=check.source,
            hidden=hidden[0].source if hidden else "",
            index=indices[1],
        )

    def _parse(self, index):
        try:
            return ast.parse(self.cells[index].source)
        except SyntaxError as error:
            return self._fault(index, f"this cell is not Python ({error.msg}): mend the line.", error.lineno)

    def _check_answer(self, slug, index):
        source = self.cells[index].source
        if SOLUTION[0] not in source:
            self._fault(index, f"answer {slug!r} has no solution region: add ### BEGIN SOLUTION and ### END SOLUTION.")
        tree = self._parse(index)
        if not any(isinstance(node, DEFINITIONS) for node in tree.body):
            self._fault(index, f"answer {slug!r} defines no function or class: let the exercise ask for one.")
        for number, line in enumerate(source.split("\n"), 1):
            if SOLUTION[0] in line and enclosing(source, number) is None:
                self._fault(
                    index,
                    f"a solution region of {slug!r} stands outside any function, so that its stub would stop the whole "
                    "cell: move it into a function or method.",
                    number,
                )

    def _check_visible(self, slug, index):
        if not _asserts(self._parse(index)):
            self._fault(index, f"check {slug + '-check'!r} asserts nothing: call check.… or write an assert.")

    def _check_hidden(self, slug, index):
        name, source = f"{slug}-hidden", self.cells[index].source
        if HIDDEN[0] not in source:
            self._fault(index, f"{name!r} has no hidden region: add ### BEGIN HIDDEN TESTS and ### END HIDDEN TESTS.")
        self._parse(index)
        before = [line.strip() for line in source[: source.index(HIDDEN[0])].split("\n")[:-1] if line.strip()]
        sentence = " ".join(line.lstrip("# ") for line in before)
        if not before or not all(line.startswith("#") for line in before) or not sentence.endswith("."):
            self._fault(
                index,
                f"{name!r} has no sentence before its region: say in one comment what is tested, with a full stop.",
            )
        after = source[source.rindex(HIDDEN[1]) :].split("\n")[1:]
        if any(line.strip() for line in after):
            self._fault(index, f"{name!r} goes on after ### END HIDDEN TESTS: move that into the region.")
        try:
            tree = ast.parse(textwrap.dedent("\n".join(region(source, HIDDEN))))
        except SyntaxError as error:
            self._fault(index, f"the hidden region of {name!r} is not whole Python ({error.msg}): mend it.")
        if not _asserts(tree):
            self._fault(index, f"the hidden region of {name!r} asserts nothing: call check.… or write an assert.")

    # -- markers ---------------------------------------------------------------------------------------------------

    def _check_markers(self, index):
        role = next((role for role, _, at in self.roles if at == index), "no exercise")
        for (begin, end), owner in ((SOLUTION, "answer"), (HIDDEN, "hidden")):
            opened = None
            for number, line in enumerate(self.cells[index].source.split("\n"), 1):
                mark = begin if begin in line else end if end in line else None
                if mark is None:
                    self._check_spelling(index, number, line)
                    continue
                if not re.fullmatch(rf"\s*#+ {mark}\s*", line):
                    self._fault(index, f"the marker {mark} shares its line: write '### {mark}' alone.", number)
                if role != owner:
                    self._fault(index, f"### {mark} stands in a cell of {role}: move it into the {owner} cell.", number)
                if mark == begin and opened:
                    self._fault(index, f"### {begin} opens again before ### {end}: close the first one.", number)
                if mark == end and not opened:
                    self._fault(index, f"### {end} closes nothing: put ### {begin} above it.", number)
                opened = number if mark == begin else None
            if opened:
                self._fault(index, f"### {begin} is never closed: add ### {end}.", opened)

    def _check_spelling(self, index, number, line):
        """A misspelt marker would release what it should hide."""
        if re.match(r"\s*#+\s*(BEGIN|END)\b", line, re.IGNORECASE):
            words = re.sub(r"^[\s#]+", "", line).strip()
            if words not in SOLUTION + HIDDEN:
                self._fault(
                    index,
                    f"{words!r} is no marker: write BEGIN or END with SOLUTION or HIDDEN TESTS, in capitals.",
                    number,
                )

    # -- examples and numbers --------------------------------------------------------------------------------------

    def _examples(self) -> list[Example]:
        examples = []
        for index, cell in enumerate(self.cells):
            if cell.cell_type != "markdown":
                continue
            for number, line in enumerate(cell.source.split("\n"), 1):
                if re.match(r"#+ *Example\b", line):
                    heading = EXAMPLE.match(line)
                    if heading is None:
                        self._fault(
                            index,
                            f"the heading {line!r} is not of the form '### Example 1.3 - Title': write it so.",
                            number,
                        )
                    examples.append(Example(heading["number"], heading["title"]))
                elif re.match(r"#+ *(Exercise|Warm-up) \d", line) and cell.metadata.get("nbgrader") is None:
                    self._fault(
                        index, f"{line!r} heads a cell without nbgrader options: make it the task cell.", number
                    )
        return examples

    def _check_numbers(self, exercises, examples, warm_ups):
        for things, word in ((exercises, "Exercise"), (examples, "Example"), (warm_ups, "Warm-up")):
            numbers = [thing.number for thing in things]
            for number in numbers:
                index = next(i for i, cell in enumerate(self.cells) if f"### {word} {number} - " in cell.source)
                if int(number.split(".")[0]) != int(self.unit[:2]):
                    self._fault(index, f"{word} {number} does not belong to chapter {int(self.unit[:2])}: renumber it.")
                if numbers.count(number) > 1:
                    self._fault(index, f"{word} {number} is there twice: renumber one of them.")


def _asserts(tree: ast.AST) -> bool:
    """Does the code hold an assert, a raise or a call into `check`?"""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert | ast.Raise):
            return True
        if isinstance(node, ast.Call) and "check" in ast.unparse(node.func).split(".")[:1]:
            return True
    return False
