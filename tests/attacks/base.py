"""What an attack is, and the addresses at which the runner listens for what one manages to send out."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .course import LAZY, RIGHT, STUDENT

# Where the runner listens, in a network of its own. Attacks know these, as a student knows his own server.
TCP, UDP, DNS = ("127.0.0.1", 47351), ("127.0.0.1", 47353), ("127.0.0.1", 53)
METADATA = ("169.254.169.254", 80)  # a stand-in for a cloud's metadata service; hands out METADATA_SECRET
ABSTRACT = "\0mallory-47355"
METADATA_SECRET = "CANARY-METADATA-SECRET-uc74oa"

WRONG = frozenset({"wrong", "error"})
SLOW = frozenset({"time"})
LARGE = frozenset({"memory"})
DEAD = frozenset({"died"})
ANY = frozenset({"wrong", "error", "time", "memory", "died", "tampered", "unanswered"})


@dataclass(frozen=True)
class Attack:
    """One submission of somebody who wants points without the work, the hidden tests, or harm to others.

    name: unique within the corpus; tries: what it is after, in one sentence; target: the exercise it attacks
    answers: slug -> source of the answer cell, for all exercises; those beside the target are right
    notebook: changes the submitted notebook (a dict) in place; data: turns its bytes into others; folder: changes the
        submission's folder, in which the notebook lies
    student: the id under which it is handed in
    earns: hidden points that the target's answer deserves (0, or 6 where an honest answer carries the attack)
    causes: what our grader may give as the cause for the target's hidden tests
    loses: slugs beside the target that may lose points as well, each a documented decision
    refused: the file is no notebook any more, and must be refused in a sentence
    loot: words whose appearance in feedback proves a leak, beside the canaries
    inside: is the grader started in the submission's folder?
    harmful: why it is not run on stock nbgrader ("" if it is)
    long: does it take ten seconds and more, whatever the cap? `make test` then leaves it to `make full`
    cpu_seconds: cap for a student's cell; small where the attack runs into it
    """

    name: str
    tries: str
    target: str
    answers: dict[str, str]
    notebook: Callable[[dict], None] | None = None
    data: Callable[[bytes], bytes] | None = None
    folder: Callable[[Path], None] | None = None
    student: str = STUDENT
    earns: float = 0.0
    causes: frozenset[str] = ANY
    loses: frozenset[str] = frozenset()
    refused: bool = False
    loot: tuple[str, ...] = ()
    inside: bool = False
    harmful: str = ""
    long: bool = False
    cpu_seconds: float = 3.0


# What a student writes who has read the grader's source: find the socket to the judge, and speak its protocol by hand.
WIRE = """\
import gc, socket, struct, sys, time

codec = sys.modules["course_grader.wire.write"]


def _wire():
    frame = sys._getframe()
    while frame is not None:
        for value in frame.f_locals.values():
            if type(value) is socket.socket and value.fileno() >= 0:
                return value
            if isinstance(getattr(value, "_socket", None), socket.socket):
                return value._socket
        frame = frame.f_back
    return next(s for s in gc.get_objects() if isinstance(s, socket.socket) and s.fileno() >= 0)


def _raw(data):
    wire = _wire()
    wire.settimeout(None)
    wire.sendall(data)


def _frame(data):
    _raw(struct.pack(">I", len(data)) + data)


def _post(kind, body, changes=(), dropped=()):
    _frame(codec.encode((kind, list(changes), codec.encode(body, extend=_as_is), list(dropped))))


def _as_is(value):
    return value if isinstance(value, codec.Ext) else NotImplemented


READY = [{"name": name, "outputs": [], "error": "", "cpu_s": 0.0} for name in ("smooth", "register", "search", "deal")]
"""


def attack(name, tries, target, code="", also: dict[str, str] | None = None, wire=False, **rest) -> Attack:
    """An attack whose target's answer is the lazy one, then `code`; with `earns`, the right one, then `code`.

    also: slug -> code that goes before the right answer of another exercise
    wire: does the code begin with the hand-made end of the grader's protocol?
    """
    first = (RIGHT if rest.get("earns") else LAZY)[target] + "\n\n" + (WIRE + "\n\n" if wire else "")
    answers = dict(RIGHT) | {target: first + textwrap.dedent(code).strip("\n") + "\n"}
    for slug, extra in (also or {}).items():
        answers[slug] = textwrap.dedent(extra).strip("\n") + "\n\n\n" + answers[slug]
    return Attack(name, tries, target, answers, **rest)


# No attack: right answers, and a canary in plain sight. What finds nothing in it would find nothing anywhere.
CONTROL = Attack(
    "control",
    "Answers rightly what it deserves no points for, and prints a canary that it did not have to steal.",
    "smooth",
    dict(RIGHT) | {"smooth": RIGHT["smooth"] + 'print("CANARY-SMOOTH-" + "TEST-kx41vq")\n'},
)


def named(notebook: dict, name: str) -> dict:
    """The cell of a notebook with this grade_id."""
    return next(cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == name)


def code_cell(source: str, **metadata) -> dict:
    """A cell of the student's own."""
    cell = {"cell_type": "code", "execution_count": None, "id": f"own-{abs(hash(source)) % 10**8}"}
    return cell | {"metadata": metadata, "outputs": [], "source": textwrap.dedent(source).strip("\n")}


def tests_of(notebook: dict) -> list[dict]:
    """All graded cells of a notebook."""
    return [cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade")]


def corpus() -> dict[str, list[Attack]]:
    """All attacks, by class: "A" to "N"."""
    import importlib

    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-n]_*.py"))
    return {name[0].upper(): importlib.import_module(f"{__package__}.{name}").ATTACKS for name in names}


def title(letter: str) -> str:
    """What a class is called: the first line of its file's docstring, without the letter."""
    import importlib

    path = next(Path(__file__).parent.glob(f"{letter.lower()}_*.py"))
    return importlib.import_module(f"{__package__}.{path.stem}").__doc__.split("\n")[0].split(" - ")[1].rstrip(".")
