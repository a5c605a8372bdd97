"""The two steps that this course adds to nbgrader's release: stubs that name their exercise, and tags for blank cells.

`nbgrader_config.py` names them as strings, so that `nbgrader generate_assignment` and formgrader's Generate button
both use them.
"""

from __future__ import annotations

import re

from nbgrader.preprocessors import ClearSolutions, NbGraderPreprocessor

from .regions import SOLUTION
from .stubs import blank_answer

HEADING = re.compile(r"^#+ ((?:Exercise|Warm-up) \d+\.\d+)\b", re.MULTILINE)


class NamedStubs(ClearSolutions):
    """nbgrader's ClearSolutions, with a stub that says which exercise and which function is still to be written."""

    def preprocess(self, nb, resources):
        self._label = None
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "markdown":
            found = HEADING.search(cell.source)
            self._label = found[1] if found else self._label
        return super().preprocess_cell(cell, resources, cell_index)

    def _replace_solution_region(self, cell, language):
        if cell.cell_type != "code" or language != "python" or SOLUTION[0] not in cell.source:
            return super()._replace_solution_region(cell, language)
        cell.source = blank_answer(cell.source, self._label)
        return True


class TagUnanswered(NbGraderPreprocessor):
    """Tag the cells that fail while an answer is missing, so that Run All and nbval reach the end of a blank release.

    Those are the tests, visible and hidden (students who hand in get the hidden ones put back and may run them), and an
    answer cell whose stub stands outside any function. The solved notebook never passes here, so it must run clean.
    """

    def preprocess(self, nb, resources):
        nb.metadata.pop("course_text", None)  # the stamp of build.py: authors' business
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, cell_index):
        options = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and (options.get("grade") or (options.get("solution") and _stops(cell.source))):
            tags = cell.metadata.get("tags", [])
            cell.metadata["tags"] = [*tags, *({"raises-exception"} - set(tags))]
        return cell, resources


def _stops(source: str) -> bool:
    """Would the cell raise its stub when it is run, not only when its functions are called?"""
    return bool(re.search(r"^raise NotImplementedError\b", source, re.MULTILINE))
