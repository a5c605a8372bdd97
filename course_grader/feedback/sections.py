"""From a plan and a verdict to what the template prints: exercises with their parts, and the student's cells."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from ..causes import LATE, PART_WORDS, WHY, says_more
from ..contracts import CellRun, CellVerdict, Plan, PlanCell, Submission, Verdict
from ..words import heading, number
from .highlight import highlight
from .text import Budget, Shown, secret_lines, string, written

MOST_BLOCKS = 30  # outputs under a cell; added cells; notes
STATES = {  # of an exercise: symbol (never the only sign) and words
    "ok": ("✓", "solved"),
    "part": ("◐", "partly solved"),
    "open": ("○", "not solved yet"),
    "blank": ("–", "not answered"),
    "wait": ("…", "waits for your instructor"),
}


@dataclass
class Part:
    """A test of an exercise, or a cell that a person grades."""

    title: str
    score: float | None
    most: float
    cause: str = ""
    by_hand: bool = False
    message: Shown = field(default_factory=Shown)
    tested: str = ""
    output: Shown = field(default_factory=Shown)
    remarks: list[str] = field(default_factory=list)
    hidden: bool = False

    @property
    def word(self) -> tuple[str, str]:
        """State (for the style sheet) and word."""
        if self.score is None:
            return "wait", "waits for your instructor"
        if self.by_hand:
            return ("ok" if self.score >= self.most else "part" if self.score > 0 else "open"), "set by your instructor"
        if self.cause == "" and self.score < self.most:
            return "part", "partly right"
        return PART_WORDS[self.cause]


@dataclass
class Wrote:
    """A cell of the student's: `code` (highlighted) or `text`, and what it showed when it ran."""

    title: str
    code: Markup | None = None
    text: Shown = field(default_factory=Shown)
    said: str = ""  # instead of the cell's text
    blocks: list[dict] = field(default_factory=list)
    comment: str = ""


@dataclass
class Section:
    """An exercise as the page shows it."""

    title: str
    graded: bool = True
    parts: list[Part] = field(default_factory=list)
    wrote: list[Wrote] = field(default_factory=list)

    @property
    def score(self) -> float:
        return sum(part.score or 0.0 for part in self.parts)

    @property
    def most(self) -> float:
        return sum(part.most for part in self.parts)

    @property
    def state(self) -> str:
        states = [part.word[0] for part in self.parts]
        if "wait" in states:
            return "wait"
        if all(state == "ok" for state in states):
            return "ok"
        if all(state == "blank" for state in states):
            return "blank"
        return "part" if self.score > 0 or "ok" in states else "open"

    @property
    def advice(self) -> list[tuple[str, str]]:
        """For each cause, once: what happened and what to do."""
        found: dict[str, bool] = {}  # cause -> is it the hidden tests' alone?
        for part in self.parts:
            if part.word[0] != "ok" and not part.by_hand and part.cause:
                found[part.cause] = found.get(part.cause, True) and part.hidden
        broken_check = any(not part.hidden and part.cause for part in self.parts)
        return [(WHY[c][0], WHY[c][2 if alone and not broken_check else 1]) for c, alone in found.items()]


class View:
    """Collects the sections of a page."""

    def __init__(self, plan: Plan, submission: Submission, verdict: Verdict, scores: dict, comments: dict):
        self.plan, self.submission, self.scores, self.comments = plan, submission, dict(scores), dict(comments)
        self.budget = Budget(secret_lines(plan, submission))
        self.verdicts = {cell.name: cell for cell in verdict.cells}
        self.runs = {run.name: run for run in verdict.runs}
        self.left = dict.fromkeys([*self.verdicts, *self.scores])  # graded names that no section shows yet
        self.sections = self._sections()
        self.added = self._added()
        notes = list(dict.fromkeys([*submission.notes, *verdict.notes]))[:MOST_BLOCKS]
        self.notes = [self.budget.cut(note, head=(12, 1_500), tail=(0, 0)) for note in notes]

    def _sections(self) -> list[Section]:
        """Exercises, cells that a person grades, and answers that nobody grades, in notebook order."""
        exercises = {exercise.first: exercise for exercise in self.plan.exercises()}
        owned = {place for exercise in exercises.values() for place in exercise.answers}
        found, since = [], 0
        for place, cell in enumerate(self.plan.cells):
            if place in exercises:
                answers = [i for i in exercises[place].answers if self.plan.cells[i].kind == "answer"]
                found.append(self._exercise(heading(self.plan, since, place), exercises[place].tests, answers))
                since = exercises[place].last + 1
            elif cell.kind == "manual":
                found.append(self._manual(heading(self.plan, since, place), cell))
                since = place + 1
            elif cell.kind == "answer" and place not in owned:
                found.append(Section(heading(self.plan, since, place) or cell.name, False, [], [self._answer(cell)]))
                since = place + 1
            elif cell.kind == "text" and cell.name in self.scores:  # nbgrader's task cells
                found.append(Section(heading(self.plan, since, place + 1) or cell.name, parts=[self._by_hand(cell)]))
                found[-1].wrote = self._comment_alone(cell.name)
        return found + self._others()

    def _exercise(self, title: str, tests: list[int], answers: list[int]) -> Section:
        cells = [self.plan.cells[i] for i in tests]
        wrote = [self._answer(self.plan.cells[i]) for i in answers]
        if len(wrote) == 1:
            wrote[0].title = "Your answer"
        name = self.plan.cells[answers[0]].name if answers else cells[0].name
        section = Section(title or name, wrote=wrote)
        for cell in cells:
            like = [other for other in cells if other.hidden == cell.hidden]
            label = "Hidden tests" if cell.hidden else "Visible check"
            section.parts.append(self._test(cell, f"{label} {like.index(cell) + 1}" if len(like) > 1 else label))
        _once(section.parts)
        return section

    def _test(self, cell: PlanCell, title: str) -> Part:
        verdict = self.verdicts.get(cell.name) or CellVerdict(cell.name, 0.0, cell.points, "unknown")
        score, most, by_hand = self._score(cell.name, (verdict.points, verdict.max_points, False))
        cause = "late" if verdict.message == LATE else verdict.cause if verdict.cause in PART_WORDS else "unknown"
        part = Part(title, score, most, cause, by_hand, hidden=cell.hidden)
        if says_more(cause, verdict.message):
            part.message = self.budget.cut(verdict.message, head=(30, 2_500), tail=(5, 500))
        part.tested = released_comment(cell) if cell.hidden else ""
        if not cell.hidden:
            part.output = self.budget.cut(verdict.output)
        if cause == "time":
            part.remarks.append(f"A cell may take {number(self.plan.cpu_seconds)} s of processor time.")
        if len(verdict.attempts) > 1:
            part.remarks.append("It was tried a second time, on its own, before this was decided.")
        return part

    def _manual(self, title: str, cell: PlanCell) -> Section:
        return Section(title or cell.name, parts=[self._by_hand(cell)], wrote=[self._answer(cell, "Your answer")])

    def _by_hand(self, cell: PlanCell) -> Part:
        score, most, by_hand = self._score(cell.name, (None, cell.points, True))
        blank = score == 0 and self._as_released(cell)
        return Part("Read by your instructor", score, most, "empty" if blank else "", by_hand and not blank)

    def _others(self) -> list[Section]:
        """Points for cells that the plan does not know: shown, so that the page adds up."""
        if not self.left:
            return []
        section = Section("Other graded parts")
        for name in list(self.left):
            score, most, by_hand = self._score(name, (0.0, 0.0, False))
            cause = self.verdicts[name].cause if name in self.verdicts else "" if (score or 0) >= most else "unknown"
            section.parts.append(Part(name, score, most, cause if cause in PART_WORDS else "unknown", by_hand))
            section.parts[-1].hidden = True
        return [section]

    def _score(self, name: str, otherwise: tuple) -> tuple:
        self.left.pop(name, None)
        return self.scores.get(name, otherwise)

    def _as_released(self, cell: PlanCell) -> bool:
        return self.submission.answers.get(cell.name, "").strip() in ("", cell.released.strip())

    def _answer(self, cell: PlanCell, title: str = "") -> Wrote:
        wrote = Wrote(title or f"Your answer in the cell {cell.name}")
        wrote.comment = string(self.comments.get(cell.name))
        source = self.submission.answers.get(cell.name)
        if source is None:
            wrote.said = "This cell was missing in what you handed in."
        elif self._as_released(cell):
            wrote.said = "This cell is empty." if not source.strip() else "This cell is as it was handed out."
        elif cell.cell_type == "code":
            wrote.text = self.budget.code(source)
            wrote.code = highlight(wrote.text.head)
        else:
            wrote.text = self.budget.cut(source, head=(400, 30_000), reading=written)
        wrote.blocks = self._blocks(self.runs.get(cell.name))
        return wrote

    def _comment_alone(self, name: str) -> list[Wrote]:
        comment = string(self.comments.get(name))
        return [Wrote("", comment=comment)] if comment else []

    def _added(self) -> list[Wrote]:
        found = []
        for place, cell in enumerate(self.submission.added[:MOST_BLOCKS], 1):
            text = self.budget.code(cell.source)
            found.append(Wrote(f"Added cell {place}", highlight(text.head), text))
            found[-1].blocks = self._blocks(self.runs.get(f"added {place}"))
        return found

    def _blocks(self, run: CellRun | None) -> list[dict]:
        """What a cell showed, as kinds that the template knows: print, warning, error, image, note."""
        if run is None:
            return []
        outputs = _joined(run.outputs if isinstance(run.outputs, list) else [])
        blocks = [block for output in outputs[:MOST_BLOCKS] for block in self._output(output)]
        if len(outputs) > MOST_BLOCKS:
            blocks.append({"kind": "note", "text": f"{len(outputs) - MOST_BLOCKS:,} more outputs are left out."})
        if run.error and not any(block["kind"] == "error" for block in blocks):
            blocks.append({"kind": "error", "shown": self.budget.cut(run.error)})
        return [block for block in blocks if block.get("shown", True)]

    def _output(self, output: dict) -> list[dict]:
        kind = output.get("output_type")
        if kind == "stream":
            label = "warning" if output.get("name") == "stderr" else "print"
            return [{"kind": label, "shown": self.budget.cut(output.get("text"))}]
        if kind == "error":
            trace = output.get("traceback")
            lines = [line for line in trace if isinstance(line, str)] if isinstance(trace, list) else []
            last = f"{string(output.get('ename'))}: {string(output.get('evalue'))}"
            return [{"kind": "error", "shown": self.budget.cut("\n".join(lines) or last, tail=(40, 3_000))}]
        data = output.get("data")
        return self._display(data) if isinstance(data, dict) else []

    def _display(self, data: dict) -> list[dict]:
        """An image if there is one, else the plain text; whatever else a cell displays is named, not shown."""
        text = self.budget.cut(data.get("text/plain"))
        if "image/png" in data:
            image = self.budget.png(data["image/png"])
            if image is not None:
                return [{"kind": "image", "image": image, "alt": text.head[:300] or "An image that this cell drew"}]
            return [{"kind": "note", "text": "An image is not shown: it is no sound PNG file, or too large."}]
        if text:
            return [{"kind": "print", "shown": text}]
        return [{"kind": "note", "text": "An output is not shown here: this page shows text and PNG images only."}]


def _joined(outputs: list) -> list[dict]:
    """The outputs that are dicts, with neighbouring streams of one name as one (a print per line makes many)."""
    found: list[dict] = []
    for output in outputs:
        if not isinstance(output, dict):
            continue
        stream = output.get("output_type") == "stream"
        before = found[-1] if found else {}
        if stream and before.get("output_type") == "stream" and output.get("name") == before.get("name"):
            before["text"].append(string(output.get("text")))
        else:
            found.append({**output, "text": [string(output.get("text"))]} if stream else output)
    return found


def _once(parts: list[Part]) -> None:
    """Say a message that several tests share once."""
    said = set()
    for part in parts:
        if part.message.head in said:
            part.message = Shown()
        said.add(part.message.head)


def released_comment(cell: PlanCell) -> str:
    """The comment that a hidden test shows to students: what it tries, in words."""
    lines = [line.strip().lstrip("#").strip() for line in cell.released.splitlines() if line.strip().startswith("#")]
    return " ".join(line for line in lines if line and not line.startswith(("BEGIN", "END")))
