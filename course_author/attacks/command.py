"""The attack corpus against our grader, and against stock nbgrader: `make attacks`.

Every submission of tests/attacks goes through the whole of grading: intake, engine, record, feedback. Counted is what
it won: points on what it attacks, canaries of hidden tests in anything that leaves the grader, changes to anything that
is not its own, and, for those that are after whoever reads a page, whatever is live on formgrader's pages of them in a
browser. A destructive one runs inside namespaces of its own around all of this, in case the sandbox fails: an
own process space, network, and /tmp, and a read-only view of the rest.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys

from ..units.unit import UnitError
from . import pages
from .corpus import Outcome, corpus
from .machine import run
from .report import STOCK, report, stock_summary


def measure_stock(names: list[str], jobs: int, on_outcome) -> None:
    """Run the corpus on stock nbgrader and keep what came of it in tests/attacks/stock.json."""
    from importlib.metadata import version

    every = [attack for attacks in corpus().values() for attack in attacks]
    kept = json.loads(STOCK.read_text(encoding="utf-8")) if STOCK.is_file() else {"attacks": {}}

    def keep(outcome: Outcome) -> None:
        kept["attacks"][outcome.name] = {
            "gained": outcome.gained, "leaked": outcome.leaked, "changed": outcome.changed[:20],
            "stopped": outcome.stopped,
        }  # fmt: skip
        made = {
            "nbgrader": version("nbgrader"),
            "note": "Default settings of nbgrader, one submission at a time, measured by `make attacks STOCK=1`.",
            "left out": {attack.name: attack.harmful for attack in every if attack.harmful},
            "attacks": {
                attack.name: kept["attacks"][attack.name] for attack in every if attack.name in kept["attacks"]
            },
        }
        STOCK.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        on_outcome(outcome)

    run("stock", names, jobs, keep)


def add_pages(outcomes: list[Outcome]) -> None:
    """Open formgrader's pages of the attacks on readers, if there are any among these, and add what is live there."""
    readers = {one.name: one for one in outcomes if one.letter == "J"}
    if readers:
        readers[pages.PAYLOADS] = Outcome(pages.PAYLOADS, "J")
        outcomes.append(readers[pages.PAYLOADS])
        for name, live in pages.look(list(readers)).items():
            readers[name].live = live


def stock_pages(names: list[str]) -> str:
    """What the same pages are like without this course's settings, as a line."""
    found = pages.look([*names, pages.PAYLOADS], stock=True)
    gone_off = {name: [one for one in live if not one.startswith("stands there")] for name, live in found.items()}
    signs = sum(map(len, gone_off.values()))
    return f"on nbgrader's own pages {sum(map(bool, gone_off.values()))} of {len(found)} are live, by {signs} signs"


def _chosen(only: list[str], stock: bool) -> list[str]:
    names = []
    for letter, attacks in corpus().items():
        for attack in attacks:
            if (not only or letter in only or attack.name in only) and not (stock and attack.harmful):
                names.append(attack.name)
    if not names:
        raise UnitError(f"No attack is called {', '.join(only)}: see tests/attacks/.")
    return names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("only", nargs="*", help="classes (A to N) or names of attacks (default: all)")
    parser.add_argument("--stock", action="store_true", help="measure stock nbgrader again as well (takes long)")
    parser.add_argument("--stock-only", action="store_true", help="measure stock nbgrader and nothing else")
    parser.add_argument("--jobs", type=int, default=2, help="how many engines run beside each other")
    parser.add_argument("--verbose", action="store_true", help="a line per attack")


def main(argv: list[str]) -> int:
    """Run the corpus; 1 if anything was won."""
    parser = argparse.ArgumentParser(prog="course_author attacks", description=__doc__.split("\n")[0])
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    progress = functools.partial(_progress, verbose=arguments.verbose, done=[])
    if arguments.stock or arguments.stock_only:
        measure_stock(_chosen(arguments.only, stock=True), arguments.jobs, progress)
        readers = {attack.name for attack in corpus()["J"]} & set(_chosen(arguments.only, stock=True))
        if readers:
            print(stock_pages(sorted(readers)))
    if arguments.stock_only:
        print(f"stock nbgrader: {stock_summary()}")
        return 0
    outcomes = run("ours", _chosen(arguments.only, stock=False), arguments.jobs, progress)
    order = {name: place for place, name in enumerate(_chosen([], stock=False))}
    add_pages(outcomes)
    outcomes.sort(key=lambda one: order.get(one.name, len(order)))
    report(outcomes)
    return 1 if any(one.won for one in outcomes) else 0


def _progress(outcome: Outcome, verbose: bool, done: list) -> None:
    done.append(outcome)
    if verbose:
        won = [
            f"{what} {value}"
            for what in ("gained", "leaked", "changed", "live", "lost", "stopped")
            if (value := getattr(outcome, what))
        ]
        causes = {name: cause for name, cause in outcome.causes.items() if cause}
        words = [outcome.letter, outcome.name, f"{outcome.seconds:.1f}s", "; ".join(won) or "nothing", str(causes)]
        print(" ".join([*words, outcome.refused])[:700], file=sys.stderr, flush=True)
    elif len(done) % 25 == 0:
        print(f"  {len(done)} attacks", file=sys.stderr, flush=True)
