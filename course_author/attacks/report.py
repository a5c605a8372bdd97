"""What the corpus won, as lines, beside what it wins on stock nbgrader."""

from __future__ import annotations

import json

from ..units.unit import ROOT
from .corpus import Outcome

STOCK = ROOT / "tests" / "attacks" / "stock.json"


def stock_summary() -> str:
    """What the same corpus wins on stock nbgrader, as it was last measured."""
    if not STOCK.is_file():
        return "not measured"
    told = json.loads(STOCK.read_text(encoding="utf-8"))["attacks"].values()
    counts = [sum(bool(one[what]) for one in told) for what in ("gained", "leaked", "changed", "stopped")]
    return "gained {} of {}, leaked {}, changed {}, stopped {}".format(counts[0], len(told), *counts[1:])


def total(outcomes: list[Outcome]) -> str:
    """The line that everything ends with."""
    gained, leaked, changed = (
        sum(bool(getattr(one, what)) for one in outcomes) for what in ("gained", "leaked", "changed")
    )
    live = sum(bool(one.live) for one in outcomes)
    counted = [one for one in outcomes if one.name != "processes-left"]
    won = f"gained {gained} of {len(counted)}, leaked {leaked}, changed {changed}, live {live}"
    return f"{won}; stock nbgrader: {stock_summary()}"


def report(outcomes: list[Outcome]) -> None:
    """A line per class, what was won where it was, the total."""
    from attacks.base import title

    for letter in sorted({one.letter for one in outcomes}):
        ones = [one for one in outcomes if one.letter == letter]
        counts = [
            f"{what} {sum(bool(getattr(one, what)) for one in ones)}"
            for what in ("gained", "leaked", "changed", "live")
        ]
        bad = [f"{what} {n}" for what in ("lost", "stopped") if (n := sum(bool(getattr(one, what)) for one in ones))]
        print(f"{letter}  {title(letter).split(':')[0]:28}{len(ones):4} attacks: {', '.join(counts + bad)}")
    for one in outcomes:
        for what in ("gained", "leaked", "changed", "live", "lost", "stopped"):
            if getattr(one, what):
                print(f"   {one.letter} {one.name}: {what} {getattr(one, what)}"[:400])
    print(total(outcomes))
