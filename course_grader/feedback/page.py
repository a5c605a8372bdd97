"""The page that a student gets back: one HTML file per notebook, without a script and without a request.

Two walls stand between what a student wrote and whoever opens the page. Everything is text and is escaped (the
template escapes all that it prints; the only markup made from a student's text are the spans of `highlight`, and images
are rebuilt from verified PNG chunks). And the page's content policy forbids scripts, requests and styles of others.

No test's source is an input of the page: of a test it shows its name, its points, the verdict's message, and the
comment lines that students were given.
"""

from __future__ import annotations

import base64
import builtins
import functools
import hashlib
import json
import keyword
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import nbformat
from markupsafe import Markup, escape
from nbconvert.exporters.exporter import Exporter
from nbgrader.api import MissingEntry
from traitlets import default

from ..contracts import STUDENT, Added, CellRun, CellVerdict, GraderError, Plan, PlanCell, Submission, Verdict
from ..course import plan as plans
from ..intake.pictures import png

OWN = "own-"  # so begin the ids that record.py gives to cells of the student's own
KEPT = ("timestamp.txt", "submission_secret.txt")  # what nbgrader's exchange needs beside the page
MOST_TEXT = 1_000_000  # characters of the student's on a page; an honest page has a few thousand
MOST_IMAGE_BYTES = 8 << 20  # on a page
MOST_BLOCKS = 30  # outputs under a cell; added cells; notes


# -- text: what nobody can see is written out, what is too long is cut -------------------------------------------------

# Colours, cursor jumps, titles, hyperlinks; no alternative reads further than the next ESC, so time stays linear.
_TERMINAL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\x9c]{0,4000}(?:\x07|\x1b\\|\x9c)|[ -/]*[0-~])"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_MARK = (
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"  # accents; they can be stacked
)
_STACKED = re.compile(f"({_MARK}{{4}}){_MARK}+")


@dataclass(frozen=True)
class Shown:
    """A text that is ready for the page. `left_out`: a sentence between head and tail; `odd`: has it ‹U+…› marks?"""

    head: str = ""
    left_out: str = ""
    tail: str = ""
    odd: bool = False

    def __bool__(self) -> bool:
        return bool(self.head.strip() or self.tail.strip())


def clean(text: str) -> str:
    """The text with invisible and direction-changing characters written as ‹U+202E›; also without lone surrogates."""
    text = _STACKED.sub(r"\1", text.replace("\r\n", "\n"))
    return _UNSEEN.sub(lambda found: f"‹U+{ord(found[0]):04X}›", text)


def plain(text: str) -> str:
    """What a terminal would be left with: no escape sequences, and of a line that was written over only the last."""
    text = _TERMINAL.sub("", text).replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(_overwritten(line) for line in text.split("\n"))
    return text


def _overwritten(line: str) -> str:
    return next((part for part in reversed(line.split("\r")) if part), "")


def written(text: str) -> str:
    """A source text with one kind of line end; nothing is taken out, or code could hide from its reader."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def cut(text: str, head=(120, 8_000), tail=(30, 2_000), reading=plain) -> Shown:
    """Clean a text and keep its beginning and its end, each at most (lines, characters).

    reading: `plain` for what a program printed, `written` for what a person wrote
    """
    most = 20 * (head[1] + tail[1])  # nothing below has to read 100 MB
    skipped = max(0, len(text) - 2 * most)
    first, last = (text[:most], text[-most:]) if skipped else (text, "")
    cleaned, end = clean(reading(first)), clean(reading(last))
    odd = "‹U+" in cleaned or "‹U+" in end
    lines = cleaned.split("\n")
    if not skipped and len(lines) <= head[0] + tail[0] and len(cleaned) <= head[1] + tail[1]:
        return Shown(cleaned.strip("\n"), odd=odd)
    kept = "\n".join(lines[: head[0]])[: head[1]]
    ending = (end or cleaned[len(kept) :]).rstrip("\n")
    shown_end = "\n".join(ending.split("\n")[-tail[0] :])[-tail[1] :] if tail[1] else ""
    missing = len(cleaned) + len(end) + skipped - len(kept) - len(shown_end)
    return Shown(kept, f"… {missing:,} characters are left out here …", shown_end, odd)


class Budget:
    """What a page may still hold of the student's: characters of text, bytes of images."""

    def __init__(self, secrets: frozenset[str]):
        self.text, self.images, self._secrets = MOST_TEXT, MOST_IMAGE_BYTES, secrets

    def cut(self, text, **limits) -> Shown:
        """`cut`, within what is left; a text that repeats a line of a hidden test is replaced by a sentence."""
        if self.text <= 0:
            return Shown("", "… left out: this page has become too long …")
        shown = cut(_string(text), **limits)
        self.text -= len(shown.head) + len(shown.tail)
        if any(secret in shown.head or secret in shown.tail for secret in self._secrets):
            return Shown("(Not shown: this text repeats a line of the hidden tests.)")
        return shown

    def code(self, source) -> Shown:
        return self.cut(source, head=(600, 40_000), tail=(0, 0), reading=written)

    def png(self, data) -> dict | None:
        """An image as the template needs it; None if it is no sound PNG or too much."""
        found = png(_string(data))
        if found is None or len(found[0]) > self.images:
            return None
        self.images -= len(found[0])
        uri = Markup("data:image/png;base64," + base64.b64encode(found[0]).decode("ascii"))  # safe: base64 of ours
        return {"uri": uri, "width": found[1], "height": found[2]}


def _string(value) -> str:
    """nbformat keeps text as a string or as a list of strings; anything else is no text."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def secret_lines(plan: Plan, submission: Submission) -> frozenset[str]:
    """The lines of hidden tests that neither stand in the release nor in the student's own text.

    The judge's messages hold none; this is the second lock on that door.
    """
    own = "\n".join([*submission.answers.values(), *(cell.source for cell in submission.added)])
    own += "\n".join(cell.released for cell in plan.cells)
    lines = {line.strip() for cell in plan.cells if cell.hidden for line in cell.source.splitlines()}
    return frozenset(line for line in lines if len(line) > 7 and line not in own)


# -- code --------------------------------------------------------------------------------------------------------------

# Pygments' Python lexer takes seconds for 20,000 hostile characters (blank lines); this reads each character once.
_TOKEN = re.compile(
    r"""
    (?P<c>\#[^\n]*)
    |(?P<s>[rbuftRBUFT]{0,2}(?:
        \"{3}(?:\\(?:[\s\S]|\Z)|[^\\])*?(?:\"{3}|\Z)
        |'{3}(?:\\(?:[\s\S]|\Z)|[^\\])*?(?:'{3}|\Z)
        |"(?:\\(?:[\s\S]|\Z)|[^\\"\n])*"?
        |'(?:\\(?:[\s\S]|\Z)|[^\\'\n])*'?))
    |(?P<m>(?<![\w.])\d[\w.]*)
    |(?P<n>[^\W\d]\w*)
    """,
    re.VERBOSE,
)
_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_"))


def highlight(source: str) -> Markup:
    """Python source as escaped text with spans of Pygments' class names: k, s, c, m, nf, nb."""
    pieces, place, before = [], 0, ""
    for found in _TOKEN.finditer(source):
        text, kind = found[0], found.lastgroup
        if kind == "n":
            kind = "k" if keyword.iskeyword(text) else "nf" if before in ("def", "class") else ""
            kind = kind or ("nb" if text in _BUILTINS else "")
        before = text
        if kind:
            pieces += [escape(source[place : found.start()]), Markup(f'<span class="{kind}">'), escape(text), _END]
            place = found.end()
    return Markup("").join([*pieces, escape(source[place:])])


_END = Markup("</span>")


# -- words -------------------------------------------------------------------------------------------------------------

PART_WORDS = {
    "": ("ok", "passed"),
    "wrong": ("open", "not right yet"),
    "error": ("open", "stopped by an error"),
    "time": ("open", "took too long"),
    "memory": ("open", "needed too much memory"),
    "died": ("open", "Python ended"),
    "tampered": ("open", "not accepted"),
    "unanswered": ("blank", "not answered"),
    "empty": ("blank", "not answered"),
    "unknown": ("blank", "no result"),
}
# What WHY says of these is all that a message could say.
SELF_EXPLAINED = ("time", "memory", "died", "tampered", "unanswered")
# What happened, and what to do if the visible check shows it too, or if only the hidden tests do.
WHY = {
    "wrong": (
        "Your code ran, but a result was not what the task asks for.",
        "Run the visible check below your answer: it shows what came and what was expected. Mend one difference at a "
        "time, then run it again.",
        "The visible check holds, so the basic case works. The hidden tests use other inputs: other shapes and sizes, "
        "a single sample, zeros, negative or very large numbers. Read the task once more, try such inputs in a cell of "
        "your own, and work out by hand what should come.",
    ),
    "error": (
        "Your code stopped with an error before there was a result to look at.",
        "Choose Restart Kernel and Run All Cells in JupyterLab. The last line of the error says what went wrong, the "
        "arrow shows the line. A name that is not defined often comes from a cell that was deleted or run in another "
        "order.",
        "With the inputs of the visible check it works. Try other inputs in a cell of your own: other shapes, a single "
        "sample, whole numbers, extreme values. The error then shows up there too, with the line it comes from.",
    ),
    "time": (
        "Your code was stopped because it used more processor time than a cell may take. Only the time in which your "
        "code itself computes is counted, so a busy computer costs you nothing.",
        "Look for a loop that never ends. If there is none, replace loops over single numbers by operations on whole "
        "arrays.",
        "Look for a loop whose end depends on the input: can it be reached for every input? If so, replace loops over "
        "single numbers by operations on whole arrays.",
    ),
    "memory": (
        "Your code asked for more memory than there is for an exercise.",
        "Look for a list that grows in a loop, or an array that is larger than you think: (N, 1) and (1, N) give "
        "(N, N). Print the shapes on the way.",
        "Look for an array that grows faster than its input: (N, 1) and (1, N) give (N, N). Print the shapes on the "
        "way for a larger input.",
    ),
    "died": (
        "The Python process ended while your code was running, so nothing could be looked at.",
        "Take out calls that end Python (exit, quit, os._exit, signals). If there are none, look for recursion without "
        "an end, then choose Restart Kernel and Run All Cells.",
        "Take out calls that end Python (exit, quit, os._exit, signals), and look for recursion that does not end for "
        "some inputs.",
    ),
    "tampered": (
        "While your code ran, the grader was sent something that an answer cannot send by computing: for instance "
        "because Python itself or the way results are handed over was changed. That earns no points.",
        "Let the answer compute its result and nothing else. If you did not mean to change anything, look for code "
        "that replaces built-in functions or parts of a library, and talk to your instructor.",
        "Let the answer compute its result and nothing else. If you did not mean to change anything, look for code "
        "that replaces built-in functions or parts of a library, and talk to your instructor.",
    ),
    "unanswered": (
        "The answer cell is as it was handed out, or still raises NotImplementedError.",
        "Delete the line that starts with raise, write your code in its place, and run the visible check below it. "
        "If you did write an answer, check that it stands in the answer cell and that the notebook was saved.",
        "Delete the line that starts with raise, write your code in its place, and run the visible check below it. "
        "If you did write an answer, check that it stands in the answer cell and that the notebook was saved.",
    ),
    "empty": (
        "The answer cell is empty, or as it was handed out.",
        "Write your answer into the cell, and save the notebook before you hand it in.",
        "Write your answer into the cell, and save the notebook before you hand it in.",
    ),
    "unknown": (
        "There is no result for this part, and without one there are no points.",
        "Please tell your instructor; this is not something that you can mend.",
        "Please tell your instructor; this is not something that you can mend.",
    ),
}
STATES = {  # of an exercise: symbol (never the only sign) and words
    "ok": ("✓", "solved"),
    "part": ("◐", "partly solved"),
    "open": ("○", "not solved yet"),
    "blank": ("–", "not answered"),
    "wait": ("…", "waits for your instructor"),
}
BY_STOCK = "This notebook was graded without the separate judge, so for some parts only the points are known."


def number(points: float) -> str:
    """Points as people write them: 2, 1.5, 0.33."""
    return f"{points:.2f}".rstrip("0").rstrip(".") if points == points else "?"


# -- from a plan and a verdict to what the template prints -------------------------------------------------------------


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
        cause = verdict.cause if verdict.cause in PART_WORDS else "unknown"
        part = Part(title, score, most, cause, by_hand, hidden=cell.hidden)
        if cause not in SELF_EXPLAINED:
            part.message = self.budget.cut(verdict.message, head=(30, 2_500), tail=(5, 500))
        part.tested = released_comment(cell) if cell.hidden else ""
        if not cell.hidden:
            part.output = self.budget.cut(verdict.output)
        if cause == "time":
            part.remarks.append(
                f"Processor time used: {verdict.cpu_s:.1f} s. A cell may take {number(self.plan.cpu_seconds)} s."
            )
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
        wrote.comment = _string(self.comments.get(cell.name))
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
        comment = _string(self.comments.get(name))
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
            last = f"{_string(output.get('ename'))}: {_string(output.get('evalue'))}"
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
            before["text"].append(_string(output.get("text")))
        else:
            found.append({**output, "text": [_string(output.get("text"))]} if stream else output)
    return found


def _once(parts: list[Part]) -> None:
    """Say a message that several tests share once."""
    said = set()
    for part in parts:
        if part.message.head in said:
            part.message = Shown()
        said.add(part.message.head)


_HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*)$")
_NUMBERED = re.compile(r"(?i)(exercise|problem|question|task|warm-up|part)\b.*\d")


def headings(cell: PlanCell) -> list[str]:
    """The headings of a Markdown cell as text, without the points in brackets at the end."""
    found, fenced = [], False
    for line in cell.released.splitlines():
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        match = None if fenced else _HEADING.match(line)
        if match:
            title = re.sub(r"[`*#]+", "", match[1]).strip()
            found.append(re.sub(r"\s*\([^()]*\b(points?|minutes)\b[^()]*\)$", "", title))
    return found


def heading(plan: Plan, start: int, stop: int) -> str:
    """The heading of what stands in plan.cells[start:stop]: the last one with a number, else the last; "" if none."""
    texts = [cell for cell in plan.cells[start:stop] if cell.cell_type == "markdown" and cell.kind == "text"]
    found = [title for cell in texts for title in headings(cell)]
    return next((title for title in reversed(found) if _NUMBERED.match(title)), found[-1] if found else "")


def released_comment(cell: PlanCell) -> str:
    """The comment that a hidden test shows to students: what it tries, in words."""
    lines = [line.strip().lstrip("#").strip() for line in cell.released.splitlines() if line.strip().startswith("#")]
    return " ".join(line for line in lines if line and not line.startswith(("BEGIN", "END")))


# -- the page ----------------------------------------------------------------------------------------------------------


def page(
    plan: Plan,
    submission: Submission,
    verdict: Verdict,
    scores: dict[str, tuple],
    comments: dict[str, str],
    *,
    late_penalty: float = 0.0,
) -> str:
    """The feedback page as HTML; a pure function of its arguments.

    scores: grade_id -> (score, or None while it waits for a person; max; was it set by a person?); what it lacks is
        taken from the verdict
    comments: grade_id -> what a person wrote about that cell
    late_penalty: points taken off for handing in late
    """
    view = View(plan, submission, verdict, scores, comments)
    titles = [title for cell in plan.cells if cell.cell_type == "markdown" for title in headings(cell)]
    graded = [section for section in view.sections if section.graded]
    numbers = [section.state for section in graded]
    total = sum(section.score for section in graded)
    return _template().render(
        title=titles[0] if titles else plan.notebook, unit=plan.unit, notebook=plan.notebook,
        student=submission.student, sections=view.sections, graded=graded, solved=numbers.count("ok"),
        waiting=numbers.count("wait"), score=total, late=late_penalty or 0.0, most=sum(s.most for s in graded),
        added=view.added, more_added=max(0, len(submission.added) - MOST_BLOCKS), notes=view.notes,
        added_ran=plan.allow_added_cells, states=STATES, policy=policy(), style=Markup(_style()),
        here=any(cell.where == STUDENT for cell in verdict.cells),
    )  # fmt: skip


def _print(value):
    """What the template does to everything that it prints; escaping comes on top of it."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    shown = clean(value[:5_000])
    return shown if len(value) <= 5_000 else shown + "…"


@functools.cache
def _template() -> jinja2.Template:
    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    surroundings = jinja2.Environment(
        loader=folder, autoescape=True, finalize=_print, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    surroundings.filters["number"] = number
    return surroundings.get_template("feedback.html")


@functools.cache
def _style() -> str:
    return Path(__file__).with_name("feedback.css").read_text(encoding="utf-8")


def policy() -> str:
    """The page's content policy. The hash admits our style sheet only; browsers that know it ignore unsafe-inline."""
    digest = base64.b64encode(hashlib.sha256(f"\n{_style()}".encode()).digest()).decode("ascii")
    style = f"style-src 'unsafe-inline' 'sha256-{digest}'"
    return f"default-src 'none'; img-src data:; {style}; form-action 'none'; base-uri 'none'"


# -- nbgrader and the command line -------------------------------------------------------------------------------------


def write(course: Path | plans.Settings, unit: str, student: str) -> list[Path]:
    """Write feedback/<student>/<unit>/<notebook>.html for each graded notebook; returns the pages.

    Raises
    ------
    GraderError
        If nothing of this student has been graded.
    """
    for name in (unit, student):
        if name in ("", ".", "..") or re.search(r"[/\\\0]", name):
            raise GraderError(f"{name!r} cannot be the name of a unit or a student.")
    course = course if isinstance(course, plans.Settings) else plans.settings(course)
    graded, target = (course.folder(step, student, unit) for step in ("autograded", "feedback"))
    found = sorted(path for path in graded.glob("*.ipynb") if path.is_file() and not path.is_symlink())
    if not found:
        raise GraderError(f"{student} has no graded work in {unit}: grade it first, then write the feedback.")
    target.mkdir(parents=True, exist_ok=True)
    mode = 0o664 if course.coursedir.groupshared else 0o644
    pages = []
    for path in found:
        html = page_of(course, unit, student, path, nbformat.read(path, as_version=4))
        pages.append(_replace(target / f"{path.stem}.html", html.encode("utf-8"), mode))
    for name in KEPT:
        if (graded / name).is_file() and not (graded / name).is_symlink():
            _replace(target / name, (graded / name).read_bytes(), mode)
    return pages


def _replace(path: Path, content: bytes, mode: int) -> Path:
    """Write a file whole or not at all."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".feedback-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(draft).chmod(mode)
    return Path(draft).replace(path)


def page_of(course: plans.Settings, unit: str, student: str, path: Path, notebook) -> str:
    """The page for the autograded notebook at `path`: points from the gradebook, the verdict from the file beside it.

    Without a verdict (plain nbgrader has graded) the page holds the points and what ran before the first hidden test:
    in a process that has seen a hidden test, outputs may show what it holds.
    """
    name = path.stem
    scores, comments, late = grades(course, unit, name, student)
    try:
        plan = plans.load(course, unit, name)
    except GraderError:  # released by other means, or released again since: then the notebook has to do
        plan = plan_of(notebook, unit, name)
    verdict = read_verdict(path.with_name(f"{name}.verdict.json"), unit, name, student)
    submission = submission_of(notebook, plan, student)
    if verdict is None:
        verdict = stock_verdict(notebook, plan, scores, student)
    return page(plan, submission, verdict, scores, comments, late_penalty=late)


def grades(course: plans.Settings, unit: str, notebook: str, student: str) -> tuple[dict, dict, float]:
    """Scores and comments as `page` takes them, and the late penalty.

    Raises
    ------
    GraderError
        If the gradebook knows nothing of this notebook and student.
    """
    with plans.gradebook(course) as gradebook:
        try:
            found = gradebook.find_submission_notebook(notebook, unit, student)
        except MissingEntry:
            raise GraderError(f"The gradebook holds no grades of {student} for {notebook} in {unit}.") from None
        scores = {}
        for grade in found.grades:
            waits = grade.manual_score is None and grade.auto_score is None
            scores[grade.name] = (None if waits else grade.score, grade.max_score, grade.manual_score is not None)
        comments = {comment.name: comment.comment for comment in found.comments if comment.comment}
        return scores, comments, found.late_submission_penalty or 0.0


def read_verdict(path: Path, unit: str, notebook: str, student: str) -> Verdict | None:
    """The verdict that was recorded for this notebook; None if there is none, or if it is not ours."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        verdict = Verdict.from_json(path.read_text(encoding="utf-8"))
        # Written by record.py; but plain nbgrader copies whatever lay beside a submission, so it is held to its types.
        ours = (verdict.unit, verdict.notebook, verdict.student) == (unit, notebook, student)
        texts = [text for c in verdict.cells for text in (c.name, c.cause, c.message, c.output, c.where)]
        texts += [text for run in verdict.runs for text in (run.name, run.error)] + list(verdict.notes)
        numbers = [value for cell in verdict.cells for value in (cell.points, cell.max_points, cell.cpu_s)]
        lists = [cell.attempts for cell in verdict.cells]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    typed = all(isinstance(text, str) for text in texts) and all(isinstance(value, int | float) for value in numbers)
    return verdict if ours and typed and all(isinstance(value, list) for value in lists) else None


def _name(cell) -> str:
    options = cell.metadata.get("nbgrader")
    return _string(options.get("grade_id")) if isinstance(options, dict) else ""


def plan_of(notebook, unit: str, name: str) -> Plan:
    """A plan from an autograded notebook alone. What was released of its tests is not known, so none of it is shown."""
    cells = []
    for cell in notebook.cells:
        if cell.get("id", "").startswith(OWN):
            continue
        options = cell.metadata.get("nbgrader")
        options = options if isinstance(options, dict) else {}
        graded, solution, code = bool(options.get("grade")), bool(options.get("solution")), cell.cell_type == "code"
        kind = "manual" if graded and solution else "answer" if solution else "test" if graded and code else ""
        kind = kind or ("text" if not code else "setup" if options else "example")
        released = cell.source if kind in ("text", "setup", "example") else ""
        source = cell.source if kind not in ("answer", "manual") else ""
        points = options.get("points", 0.0)
        points = float(points) if isinstance(points, int | float) else 0.0
        cells.append(PlanCell(kind, _name(cell), source, released, cell.cell_type, cell.get("id", ""), points))
    return Plan(unit, name, tuple(cells))


def submission_of(notebook, plan: Plan, student: str) -> Submission:
    """What the student wrote, read from the autograded notebook."""
    names = {cell.name: place for place, cell in enumerate(plan.cells) if cell.name}
    ids = {cell.cell_id: place for place, cell in enumerate(plan.cells) if cell.cell_id}
    examples = {cell.source for cell in plan.cells if cell.kind == "example"}
    answers, added, after = {}, [], -1
    for cell in notebook.cells:
        place = names.get(_name(cell), ids.get(cell.get("id", "")))
        if place is not None:
            after = place
            if plan.cells[place].kind in ("answer", "manual"):
                answers.setdefault(plan.cells[place].name, cell.source)
        elif cell.cell_type == "code" and cell.source.strip() and cell.source not in examples and not _name(cell):
            added.append(Added(after, cell.source))
    return Submission(student, answers, tuple(added))


def stock_verdict(notebook, plan: Plan, scores: dict, student: str) -> Verdict:
    """What plain nbgrader's run tells: points, the kind of failure, and outputs from before the first hidden test."""
    verdict = Verdict(plan.unit, plan.notebook, student, notes=[BY_STOCK])
    kinds = {cell.name: cell for cell in plan.cells if cell.name}
    safe = True
    for cell in notebook.cells:
        ours = kinds.get(_name(cell))
        if cell.cell_type != "code" or ours is None:
            continue
        safe = safe and not ours.hidden
        if ours.kind == "test":
            verdict.cells.append(_stock_cell(cell, ours, scores.get(ours.name, (0.0, ours.points, False)), safe))
        elif safe and ours.kind in ("answer", "manual"):
            verdict.runs.append(CellRun(ours.name, json.loads(json.dumps(cell.outputs))))
    return verdict


def _stock_cell(cell, ours: PlanCell, score: tuple, safe: bool) -> CellVerdict:
    points, most = score[0] or 0.0, score[1]
    errors = [output for output in cell.outputs if output.get("output_type") == "error"]
    ename = _string(errors[0].get("ename")) if errors else ""
    known = {"NotImplementedError": "unanswered", "AssertionError": "wrong", "CheckFailed": "wrong", "": "wrong"}
    cause = "" if points >= most and not errors else known.get(ename, "error")
    message = _string(errors[0].get("evalue")) if errors and safe else ""
    return CellVerdict(ours.name, points, most, cause, message)


class FeedbackExporter(Exporter):
    """What `nbgrader generate_feedback` and formgrader's Generate Feedback write.

    In nbgrader_config.py: ``c.GenerateFeedback.exporter_class = "course_grader.feedback.page.FeedbackExporter"``.
    """

    export_from_notebook = None  # no entry in Jupyter's Save As
    output_mimetype = "text/html"

    @default("file_extension")
    def _file_extension_default(self):
        return ".html"

    def from_notebook_node(self, nb, resources=None, **kw):
        """The page of one autograded notebook; `resources` as nbgrader's converter makes them."""
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        facts, folder = resources["nbgrader"], Path(resources["metadata"]["path"])
        unit, name, student = facts["assignment"], facts["notebook"], facts["student"]
        course = plans.Settings(self.parent.coursedir, self.parent.config)
        take_back(folder, course.folder("feedback", student, unit))
        return page_of(course, unit, student, folder / f"{name}.ipynb", nb), resources


def take_back(graded: Path, target: Path) -> None:
    """Remove from the feedback folder what nbgrader has copied there: the record for instructors, and pages that a
    student has handed in. What the exchange needs stays, and so do pages of ours.
    """
    pages = {f"{path.stem}.html" for path in graded.glob("*.ipynb")}
    for path in sorted(graded.rglob("*"), reverse=True):  # files before the folders that hold them
        copy = target / path.relative_to(graded)
        if path.parent == graded and (path.name in KEPT or path.name in pages):
            continue
        if copy.is_dir() and not copy.is_symlink():
            if not any(copy.iterdir()):
                copy.rmdir()
        else:
            copy.unlink(missing_ok=True)
