"""The IPython shell that a student's cells run in, and what records their outputs for the human reader."""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

TEXT = 100_000  # characters of printed text kept per cell
PICTURE = 2_000_000  # bytes of a picture kept; larger ones are left out
PICTURES = 20  # per cell
PROMPT = re.compile(r">>>|In \[|\.\.\.:")  # might be one: `In [1]: x` is Python, too


def make_shell():
    """A shell without history, colours or kernel, whose figures come out as PNG pictures.

    IPython's history writes from a thread of its own, and a process with two threads must not fork.
    """
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Hook(DisplayHook):
        """Hands the value of a last expression to the recorder."""

        def write_output_prompt(self):
            pass

        def write_format_data(self, format_dict, md_dict=None):
            if self.shell.recorder is not None:
                self.shell.recorder.display(format_dict, "execute_result")

    class Publisher(DisplayPublisher):
        """Hands what `display` shows to the recorder."""

        def publish(self, data, metadata=None, *args, **kwargs):
            if self.shell.recorder is not None:
                self.shell.recorder.display(data, "display_data")

        def clear_output(self, wait=False):
            if self.shell.recorder is not None:
                self.shell.recorder.clear()

    class Shell(InteractiveShell):
        """A bare InteractiveShell raises on `%matplotlib inline`, because only kernels have an event loop."""

        recorder = None
        displayhook_class = Hook
        display_pub_class = Publisher

        def enable_gui(self, gui=None):
            pass

        def transform_cell(self, raw_cell):
            """Only what is no Python as it stands needs IPython's own way: magics, `!command`, `name?`, prompts."""
            if raw_cell[:1].isspace() or PROMPT.search(raw_cell) or not _is_python(raw_cell):
                return super().transform_cell(raw_cell)
            return raw_cell if raw_cell.endswith("\n") else raw_cell + "\n"

        def system(self, cmd):
            """`!command`: IPython's own way wants a pseudo-terminal, of which the sandbox has none."""
            line = self.var_expand(cmd, depth=1)
            done = subprocess.run(line, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
            print(done.stdout, end="")
            self.user_ns["_exit_code"] = done.returncode

        def showtraceback(self, exc_tuple=None, *args, **kwargs):
            pass  # run_cell returns the exception; its text is one line of ours

        def showsyntaxerror(self, *args, **kwargs):
            pass

        def showindentationerror(self):
            pass

    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "nocolor"
    settings.InteractiveShell.xmode = "Minimal"
    settings.InteractiveShell.autoawait = True
    shell = Shell.instance(config=settings)
    shell.history_manager.enabled = False
    return shell


def _is_python(source: str) -> bool:
    try:
        with warnings.catch_warnings():  # IPython parses it again, and warns then
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


class _Stream(io.TextIOBase):
    """stdout or stderr of the student's code: kept up to a cap, then counted."""

    encoding = "utf-8"

    def __init__(self, recorder, name):
        self._recorder, self._name = recorder, name

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._recorder.text(self._name, text)
        return len(text)

    def fileno(self):
        return 1 if self._name == "stdout" else 2

    @property
    def buffer(self):
        return _Bytes(self)


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`, for those who write bytes."""

    def __init__(self, stream):
        self._stream = stream

    def writable(self):
        return True

    def write(self, data):
        self._stream.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


class Recorder:
    """Collects what cells print and show, in order, as nbformat's outputs."""

    def __init__(self, shell):
        self._shell, self._outputs, self._kept, self._pictures = shell, [], 0, 0
        shell.recorder = self
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (what subprocesses print; gone with the process)
        for descriptor in (1, 2):
            os.dup2(self._file.fileno(), descriptor)
        sys.stdout, sys.stderr = _Stream(self, "stdout"), _Stream(self, "stderr")

    def text(self, name: str, text: str) -> None:
        room = TEXT - self._kept
        if room <= 0 or not text:
            return
        if len(text) > room:
            text = text[:room] + "\n... (the rest was cut off)\n"
        self._kept += len(text)
        if self._outputs and self._outputs[-1].get("name") == name:
            self._outputs[-1]["text"].append(text)
        else:
            self._outputs.append({"output_type": "stream", "name": name, "text": [text]})

    def display(self, data: dict, kind: str) -> None:
        kept = {}
        if isinstance(data.get("text/plain"), str):
            kept["text/plain"] = data["text/plain"][: max(0, TEXT - self._kept)]
            self._kept += len(kept["text/plain"])
        picture = data.get("image/png")
        if isinstance(picture, bytes):
            picture = base64.b64encode(picture).decode()
        if isinstance(picture, str) and len(picture) <= PICTURE and self._pictures < PICTURES:
            kept["image/png"] = picture
            self._pictures += 1
        if kept:
            self._outputs.append({"output_type": kind, "data": kept})

    def clear(self) -> None:
        self._outputs = []

    def take(self) -> list[dict]:
        """The outputs since the last call."""
        self._file_output()
        outputs, self._outputs, self._kept, self._pictures = self._outputs, [], 0, 0
        for output in outputs:
            if "text" in output:
                output["text"] = "".join(output["text"])
        return outputs

    def _file_output(self) -> None:
        """What was written to the descriptors 1 and 2 themselves (subprocesses, C libraries)."""
        with contextlib.suppress(OSError, ValueError):  # the student may have closed it
            descriptor = self._file.fileno()
            if os.fstat(descriptor).st_size:
                self.text("stdout", os.pread(descriptor, TEXT, 0).decode("utf-8", "replace"))
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.ftruncate(descriptor, 0)

    def close(self) -> None:
        """From here on nothing is kept: what is written during test calls must not reach the student."""
        self._shell.recorder = None
        sink = Path(os.devnull).open("w")  # noqa: SIM115 (open for the rest of the process's life)
        for descriptor in (1, 2):
            os.dup2(sink.fileno(), descriptor)
        sys.stdout = sys.stderr = sink


def run_cell(shell, recorder, name: str, source: str) -> str:
    """Run one cell; return what went wrong as one line, "" if nothing did."""
    shell.cell_name = name
    result = shell.run_cell(source, store_history=True)
    error = result.error_before_exec or result.error_in_exec
    return "" if error is None else one_line(error)


def one_line(error: BaseException) -> str:
    """An exception as "NameError: name 'x' is not defined (line 3)"."""
    try:
        message = str(error)
    except Exception:  # the class may be the student's own
        message = ""
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    if isinstance(error, SyntaxError):
        message = error.msg or ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        if is_cell(frame.f_code.co_filename):
            line = number
    where = f" (line {line})" if line else ""
    return f"{type(error).__name__}: {message}"[:2000].rstrip(": ") + where


def is_cell(filename: str) -> bool:
    """Is this the file name of a cell's code?"""
    return "<ipython-input-" in filename or "/ipykernel_" in filename or filename.startswith("<cell ")
