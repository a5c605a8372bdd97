"""Text and pictures of a student's for the page: what nobody can see is written out, what is too long is cut."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from markupsafe import Markup

from ..contracts import Plan, Submission
from ..intake.pictures import png
from ..words import clean

MOST_TEXT = 1_000_000  # characters of the student's on a page; an honest page has a few thousand
MOST_IMAGE_BYTES = 8 << 20  # on a page

# Colours, cursor jumps, titles, hyperlinks; no alternative reads further than the next ESC, so time stays linear.
_TERMINAL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\x9c]{0,4000}(?:\x07|\x1b\\|\x9c)|[ -/]*[0-~])"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)


@dataclass(frozen=True)
class Shown:
    """A text that is ready for the page. `left_out`: a sentence between head and tail; `odd`: has it ‹U+…› marks?"""

    head: str = ""
    left_out: str = ""
    tail: str = ""
    odd: bool = False

    def __bool__(self) -> bool:
        return bool(self.head.strip() or self.tail.strip())


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
        shown = cut(string(text), **limits)
        self.text -= len(shown.head) + len(shown.tail)
        if any(secret in shown.head or secret in shown.tail for secret in self._secrets):
            return Shown("(Not shown: this text repeats a line of the hidden tests.)")
        return shown

    def code(self, source) -> Shown:
        return self.cut(source, head=(600, 40_000), tail=(0, 0), reading=written)

    def png(self, data) -> dict | None:
        """An image as the template needs it; None if it is no sound PNG or too much."""
        found = png(string(data))
        if found is None or len(found[0]) > self.images:
            return None
        self.images -= len(found[0])
        uri = Markup("data:image/png;base64," + base64.b64encode(found[0]).decode("ascii"))  # safe: base64 of ours
        return {"uri": uri, "width": found[1], "height": found[2]}


def string(value) -> str:
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
