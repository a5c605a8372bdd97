"""The corpus of tests/attacks, and what one attack won."""

from __future__ import annotations

import dataclasses

WORD = "attacked-course"  # in the path of every course that may be harmed; attacks look for it


@dataclasses.dataclass
class Outcome:
    """What one attack won. gained: points above those deserved; leaked, changed, live, lost: what; stopped: why."""

    name: str
    letter: str
    gained: float = 0.0
    leaked: list[str] = dataclasses.field(default_factory=list)
    changed: list[str] = dataclasses.field(default_factory=list)
    live: list[str] = dataclasses.field(default_factory=list)  # on formgrader's pages in a browser
    lost: list[str] = dataclasses.field(default_factory=list)  # points of other exercises, or a cause not expected
    stopped: str = ""
    causes: dict[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    refused: str = ""

    @property
    def won(self) -> bool:
        return bool(self.gained or self.leaked or self.changed or self.live or self.lost or self.stopped)


def corpus() -> dict[str, list]:
    from attacks import base

    return base.corpus()


def named(names: list[str]) -> list[tuple[str, object]]:
    """(letter, attack) of the names, in the corpus's order; the control comes first."""
    from attacks import base

    every = [("-", base.CONTROL)] + [(letter, attack) for letter, ones in corpus().items() for attack in ones]
    return [(letter, attack) for letter, attack in every if attack.name in names]


def unit_name() -> str:
    from attacks.course import UNIT

    return UNIT


def profile() -> str:
    from attacks.course import PROFILE

    return PROFILE
