"""What became of the mutants: which of them lost points, kept from run to run, and the rules on that.

Results lie in `tests/answers/mutants.json` under a hash of everything they depend on; `tests/answers/equivalent.toml`
names the mutants that are no fault, each with its proof.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import tomllib
from collections import defaultdict
from pathlib import Path

from course_utils import check

from ..units.build import write
from ..units.text import chosen_units, load_unit
from ..units.unit import ROOT, Exercise, Unit, UnitError, graded
from .execution import Runner
from .jobs import job_for, outcome
from .mutants import Mutant, all_mutants, mutants
from .operators import OPERATORS_VERSION

LEAST_KILLED = 0.95
MOST_DECLARED = 0.05


class MutantError(UnitError):
    """The bookkeeping of mutants is wrong; the message is one sentence."""


def _name(exercise: Exercise) -> str:
    return f"{exercise.unit}/{exercise.slug}"


def _results_path(root: Path) -> Path:
    return Path(root) / "tests" / "answers" / "mutants.json"


def key(unit: Unit, exercise: Exercise) -> str:
    """Hash of what an exercise's results depend on: setup, earlier and own solution, tests, checks, operators."""
    before = [earlier.answer for earlier in unit.exercises if earlier.index < exercise.index]
    checks = [path.read_text(encoding="utf-8") for path in sorted(Path(check.__file__).parent.glob("*.py"))]
    parts = [str(OPERATORS_VERSION), *checks, *unit.setup, *before, exercise.answer, exercise.check, exercise.hidden]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def results(root: Path = ROOT) -> dict[str, dict]:
    """The kept results: exercise -> key, number of mutants, how many fell to check and hidden tests, survivors."""
    path = _results_path(root)
    try:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        raise MutantError(f"{path.name} is not JSON of ours: delete it and run `make mutants`.")
    return kept


def is_current(unit: Unit, exercise: Exercise, kept: dict[str, dict]) -> bool:
    return kept.get(_name(exercise), {}).get("key") == key(unit, exercise)


def totals(units: list[Unit], root: Path = ROOT) -> tuple[int, int, list[str]]:
    """Mutants killed and made (by current results), and the exercises whose results are stale or missing."""
    kept, killed, made, stale = results(root), 0, 0, []
    for unit in units:
        for exercise in graded(unit):
            if is_current(unit, exercise, kept):
                entry = kept[_name(exercise)]
                made += entry["mutants"]
                killed += entry["mutants"] - len(entry["survivors"])
            else:
                stale.append(_name(exercise))
    return killed, made, stale


def declared(root: Path = ROOT) -> dict[str, dict[str, str]]:
    """Mutants that are declared equivalent: exercise -> mutant id -> proof."""
    path = Path(root) / "tests" / "answers" / "equivalent.toml"
    if not path.is_file():
        return {}
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MutantError(f"{path.name} is not TOML ({error}): mend it.") from None
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for entry in entries:
        if set(entry) != {"exercise", "mutant", "proof"} or not entry["proof"].strip() or "\n" in entry["proof"]:
            raise MutantError(f"{path.name}: each [[equivalent]] has exercise, mutant and a one-line proof: {entry}.")
        found[entry["exercise"]][entry["mutant"]] = entry["proof"]
    return found


def run(runner: Runner, unit: Unit, exercise: Exercise, chosen: list[Mutant]) -> dict[str, str]:
    """What became of mutants: id -> "check", "hidden" (who took the points), or "survived"."""
    plain = ast.unparse(ast.parse(exercise.answer))  # printed like the mutants: printing alone must kill nothing
    sources = [plain, *(mutant.source for mutant in chosen)]
    reference, *judged = runner.run([job_for(unit, exercise, source, until_failure=True) for source in sources])
    if not outcome(exercise, reference).passed:
        raise MutantError(f"The reference solution of {_name(exercise)} fails its own tests: mend that first.")
    fate = {}
    for mutant, verdicts in zip(chosen, judged, strict=True):
        found = outcome(exercise, verdicts)
        fate[mutant.id] = "check" if not found.check.passed else "survived" if found.hidden.passed else "hidden"
    return fate


def entry_for(unit: Unit, exercise: Exercise, fate: dict[str, str]) -> dict:
    """What `mutants.json` keeps of a run over all mutants of an exercise."""
    count = list(fate.values()).count
    survivors = sorted(name for name, end in fate.items() if end == "survived")
    return {
        "key": key(unit, exercise), "mutants": len(fate), "check": count("check"), "hidden": count("hidden"),
        "survivors": survivors,
    }  # fmt: skip


def save(kept: dict[str, dict], root: Path) -> None:
    """Replace `mutants.json` in one step, so that an interrupted run leaves the old one."""
    write(_results_path(root), (json.dumps(kept, indent=1, sort_keys=True) + "\n").encode())


def faults(exercise: Exercise, entry: dict, equivalent: dict[str, str]) -> list[str]:
    """The plan's rules on the results of one exercise, each broken one as a sentence."""
    made, survivors, found = entry["mutants"], set(entry["survivors"]), []
    ids = {mutant.id for mutant in mutants(exercise)}
    possible = len(all_mutants(exercise))
    if made < min(30, possible):
        found.append(f"{made} mutants were run, at least {min(30, possible)} can be.")
    if made and (made - len(survivors)) / made < LEAST_KILLED:
        found.append(f"{made - len(survivors)} of {made} mutants lose points, {LEAST_KILLED:.0%} are asked for.")
    if len(equivalent) > MOST_DECLARED * made:
        found.append(f"{len(equivalent)} of {made} are declared equivalent, at most {MOST_DECLARED:.0%} may be.")
    for name in equivalent:
        if name not in ids:
            found.append(f"the declared mutant {name!r} does not exist (any more): drop it from equivalent.toml.")
        elif name not in survivors:
            found.append(f"the declared mutant {name!r} loses points, so it is not equivalent: drop its declaration.")
    return found


# -- the command -----------------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", nargs="*", help="units to run (default: all)")
    parser.add_argument("--all", action="store_true", help="run all mutants again, not only stale results")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)


def main(argv: list[str]) -> int:
    """Bring the kept results up to date and print survivors and declared ones; 1 if a rule is broken."""
    parser = argparse.ArgumentParser(prog="course_author mutants", description=__doc__.split("\n")[0])
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    root = arguments.root
    everything = [load_unit(name, root) for name in chosen_units([], root)]
    chosen = chosen_units(arguments.unit, root)
    exercises = {_name(exercise): (unit, exercise) for unit in everything for exercise in graded(unit)}
    kept = {name: entry for name, entry in results(root).items() if name in exercises}
    equivalent = declared(root)
    broken = [f"equivalent.toml names {name!r}, which is no exercise." for name in equivalent if name not in exercises]
    with Runner(root) as runner:
        for name, (unit, exercise) in exercises.items():
            if unit.name in chosen:
                if arguments.all or not is_current(unit, exercise, kept):
                    kept[name] = entry_for(unit, exercise, run(runner, unit, exercise, mutants(exercise)))
                    save(kept, root)
                broken += _print_entry(exercise, kept[name], equivalent.get(name, {}))
    killed, made, _ = totals([unit for unit in everything if unit.name in chosen], root)
    for fault in broken:
        print(f"! {fault}")
    print(f"\nmutants killed {killed}/{made}")
    return 1 if broken else 0


def _print_entry(exercise: Exercise, entry: dict, equivalent: dict[str, str]) -> list[str]:
    survivors = entry["survivors"]
    print(
        f"{_name(exercise)}: {entry['mutants']} mutants, {entry['check']} fall to the check, {entry['hidden']} to the "
        f"hidden tests, {len(survivors)} survive, {len(equivalent)} declared equivalent"
    )
    for name in survivors:
        print(f"    {'equivalent' if name in equivalent else 'survivor'}  {name}")
        if name in equivalent:
            print(f"        proof: {equivalent[name]}")
    return [f"{_name(exercise)}: {fault}" for fault in faults(exercise, entry, equivalent)]
