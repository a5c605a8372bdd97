"""How a test session of the course runs and what it says at the end: minutes per part, and every skip."""

import os
import re
import tempfile
from pathlib import Path

import pytest

from course_author.units.release import environment

# A test's part: its `part` marker, else the first pattern that its file matches.
PARTS = (
    ("notebooks", r"\.ipynb$|test_(notebooks|standin|routes)"),
    ("set-up", r"test_(set_?up|lab|environment|workbook|handin|fresh|packag|project)"),
    ("answers", r"test_(answers|mutants|execution)"),
    ("grader", r"test_(demo|grad|feedback)"),
    ("browser", r"test_browser"),
    ("scale", r"test_scale"),
    ("units and tools", r""),
)
BUDGET = {"set-up": 4, "notebooks": 4, "answers": 5, "grader": 5, "browser": 2, "scale": 3}
# In CI a skip is a failure, unless its reason stands here, with why that is no loss.
ALLOWED_SKIPS: dict[str, str] = {
    "no CUDA here to compare the stand-in with": "CI has no GPU; `make nbval DEVICE=cuda` fails without one",
    "THE REAL MNIST IS NOT TESTED: set COURSE_MNIST_DIR to the folder with its four .gz files": (
        "the project ships no copy; .ci/run points there where one lies beside the project"
    ),
}


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="also run the tests marked full, which take long")


def pytest_configure(config):
    config.addinivalue_line("markers", "part(name): the part of the test time that a test counts for")
    config.addinivalue_line("markers", "full: takes long; runs only with --full")
    config.stash[SCRATCH] = tempfile.TemporaryDirectory(prefix="course-test-")
    os.environ.update(environment(Path(config.stash[SCRATCH].name)))  # kernels must not read anybody's own settings
    os.environ.setdefault("COURSE_FAST", "digits")  # chapter 5: short runs on the embedded digits


def pytest_unconfigure(config):
    config.stash[SCRATCH].cleanup()


def pytest_collection_modifyitems(config, items):
    """Without --full, leave the long tests out (deselected, not skipped: they are another command's work)."""
    if config.getoption("full"):
        return
    long = [item for item in items if item.get_closest_marker("full")]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    marker = item.get_closest_marker("part")
    if marker:
        report.user_properties.append(("part", marker.args[0]))
    _refuse_in_ci(report)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    _refuse_in_ci((yield).get_result())


def _refuse_in_ci(report):
    """A skip in CI means that something is missing there, so nobody would learn that the test stopped testing."""
    if os.environ.get("CI", "").lower() != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = skip_reason(report)
    if reason not in ALLOWED_SKIPS:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where every test must run: {reason}"


def skip_reason(report) -> str:
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")


def part_of(report) -> str:
    """The part of the test time that a report counts for."""
    named = dict(report.user_properties).get("part")
    path = report.nodeid.split("::")[0]
    return named or next(part for part, pattern in PARTS if re.search(pattern, path))


def pytest_terminal_summary(terminalreporter):
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    minutes = {part: 0.0 for part, _ in PARTS}
    minutes["set-up"] += float(os.environ.get("COURSE_SETUP_SECONDS", 0)) / 60  # what `make` spent before us
    for report in {id(report): report for report in reports}.values():
        if isinstance(report, pytest.TestReport):
            minutes[part_of(report)] += report.duration / 60
    terminalreporter.section("minutes per part (summed over workers)")
    for part, spent in minutes.items():
        budget = f"of {BUDGET[part]}" if part in BUDGET else ""
        terminalreporter.line(f"{part:16}{spent:6.1f} {budget}")
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section(f"{len(skipped)} skipped")
    for report in skipped:
        reason = skip_reason(report)
        terminalreporter.line(f"{report.nodeid}: {reason} {ALLOWED_SKIPS.get(reason, '')}".rstrip())


SCRATCH = pytest.StashKey()
