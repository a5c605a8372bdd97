"""Run the code cells of a notebook in a process of its own, without a kernel, and say which of them failed.

It needs IPython and what the cells import, and nothing else of Jupyter, so it also runs on bare machines.

Run as a program, the file runs the cells: ``python -m course_author.proof.cells notebook.ipynb report.json``, on the
device that `COURSE_DEVICE` names. `run_notebook` calls that, or another program of the same form, in a fresh process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

from course_utils.workbook import read_notebook

from ..units.unit import ROOT

PROGRAM = ("-m", "course_author.proof.cells")


@dataclass
class Failure:
    """A cell that did not run as it should, and why."""

    cell: int  # index among all cells of the notebook; -1: the notebook as a whole
    source: str  # first line of the cell
    error: str
    message: str

    def __str__(self):
        place = "the notebook" if self.cell < 0 else f"cell {self.cell} ({self.source})"
        return f"{place}: {self.error}: {self.message}"


@dataclass
class Report:
    """What came of running a notebook."""

    failures: list
    operations: int  # done on the device: the stand-in counts operations, CUDA pieces of memory; 0 where nobody counts
    imports_torch: bool  # a code cell of the notebook itself says so
    cells: int = 0  # code cells run
    total: int = 0  # code cells in the notebook


class EndedError(RuntimeError):
    """The process ended before the last cell; `report` tells what was done until then, None if nothing was."""

    def __init__(self, message, report=None):
        super().__init__(message)
        self.report = report


def run_notebook(path, environment, program=PROGRAM, timeout=900) -> Report:
    """Run a notebook in a process of its own, in a copy of its folder, and report.

    Parameters
    ----------
    path : path-like
        The notebook. It is only read.
    environment : dict of str
        What the process finds in its environment beside what is there and what the runner needs.
    program : sequence of str
        What Python is to run: it is handed the notebook and where to write the report.
    timeout : float
        Seconds after which the process is ended.

    Raises
    ------
    EndedError
        If the process ended, or was ended, before the last cell.
    """
    path = Path(path).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        folder, report = Path(scratch) / "folder", Path(scratch) / "report.json"
        shutil.copytree(path.parent, folder)
        try:
            child = subprocess.run(
                [sys.executable, *program, str(folder / path.name), str(report)],
                cwd=folder,
                env=_environment(scratch, environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            words = f"{path.name} ran for more than {timeout:.0f} s and was ended."
            raise EndedError(words, _read(report)) from None
        found = _read(report)
        if child.returncode or found is None or found.cells < found.total:
            words = f"{path.name} ended its process (code {child.returncode}):\n{child.stdout}\n{child.stderr}"
            raise EndedError(words, found)
    return found


def _environment(scratch, more):
    path = os.pathsep.join(filter(None, [str(ROOT), more.get("PYTHONPATH", os.environ.get("PYTHONPATH"))]))
    own = {"MPLBACKEND": "agg", "IPYTHONDIR": str(Path(scratch) / "ipython"), "PYTHONIOENCODING": "utf-8"}
    return os.environ | own | more | {"PYTHONPATH": path}


def _read(path):
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    return Report([Failure(**failure) for failure in found.pop("failures")], **found)


def code_cells(path) -> list:
    """The code cells of a notebook with their places among all cells; ValueError with a reason if it is none."""
    cells = enumerate(read_notebook(Path(path).read_bytes())["cells"])
    return [
        SimpleNamespace(index=index, source="".join(cell["source"]), metadata=cell["metadata"])
        for index, cell in cells
        if cell["cell_type"] == "code"
    ]


# --- in the process of the notebook ----------------------------------------------------------------------------------


def _shell():
    """Make the IPython that runs the cells, without history, colours and saved state."""
    from IPython.terminal.interactiveshell import TerminalInteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.TerminalInteractiveShell.colors = "nocolor"
    config.TerminalInteractiveShell.simple_prompt = True
    return TerminalInteractiveShell.instance(config=config)


def _shown_errors(shell):
    """Collect every error the shell shows: also one that a widget's callback raised and the cell survived."""
    shown, show = [], shell.showtraceback

    def showtraceback(exc_tuple=None, *args, **kwargs):
        shown.append((exc_tuple or sys.exc_info())[1])
        return show(exc_tuple, *args, **kwargs)

    shell.showtraceback = showtraceback
    return shown


def _run_cell(shell, shown, cell):
    """Run a cell and return the errors it may not raise."""
    shown.clear()
    result = shell.run_cell(cell.source, store_history=True)
    errors = [error for error in (result.error_before_exec, result.error_in_exec) if error is not None]
    errors += [error for error in shown if error is not None and error not in errors]
    may_be_unanswered = "raises-exception" in cell.metadata.get("tags", [])
    return [error for error in errors if not (may_be_unanswered and _says_unanswered(error))]


def _says_unanswered(error) -> bool:
    """Tell an exercise's stub from an operation that the stand-in lacks, which raises the same class."""
    return isinstance(error, NotImplementedError) and "aten" not in str(error)


def run_cells(cells, count=None, save=lambda report: None) -> Report:
    """Run code cells in this process.

    Parameters
    ----------
    cells : list
        As `code_cells` gives them.
    count : callable, optional
        Says how much was done on the device. A notebook that imports torch and never computes there then fails as a
        whole: nothing of it would run on a student's GPU either.
    save : callable
        Is given the report before the first cell and after each one, so that it outlives the process.
    """
    imports_torch = any(re.search(r"^\s*(import|from)\s+torch\b", cell.source, re.MULTILINE) for cell in cells)
    report = Report([], 0, imports_torch, 0, len(cells))
    save(report)
    shell = _shell()
    shown = _shown_errors(shell)
    for cell in cells:
        first_line = cell.source.strip().partition("\n")[0]
        report.failures += [
            Failure(cell.index, first_line, type(error).__name__, str(error)) for error in _run_cell(shell, shown, cell)
        ]
        report.operations = count() if count else 0
        report.cells += 1
        if report.cells == report.total and count and imports_torch and not report.operations:
            reason = "imports torch and never computed on course_utils.device()"
            report.failures.append(Failure(-1, "", "NeverOnDevice", reason))
        save(report)
    return report


def run_program(arguments, count=None) -> int:
    """Run the notebook arguments[0] and write the report to arguments[1], as JSON."""
    target = Path(arguments[1])

    def save(report):
        target.with_suffix(".new").write_text(json.dumps(asdict(report)), encoding="utf-8")
        target.with_suffix(".new").replace(target)  # whole, whenever the process may be ended

    run_cells(code_cells(arguments[0]), count, save)
    return 0


def _pieces_of_cuda_memory() -> int:
    torch = sys.modules.get("torch")
    return torch.cuda.memory_stats().get("allocation.all.allocated", 0) if torch else 0


if __name__ == "__main__":
    on_cuda = os.environ.get("COURSE_DEVICE", "").startswith("cuda")
    sys.exit(run_program(sys.argv[1:], _pieces_of_cuda_memory if on_cuda else None))
