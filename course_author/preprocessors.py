"""The two steps that this course adds to nbgrader's release: stubs that name their exercise, and tags for blank cells.

`nbgrader_config.py` names them as strings, so that `nbgrader generate_assignment` and formgrader's Generate button
both use them.
"""

from __future__ import annotations

import ast
import re

from nbgrader.preprocessors import ClearSolutions, NbGraderPreprocessor

from .units import SOLUTION, enclosing

HEADING = re.compile(r"^#+ ((?:Exercise|Warm-up) \d+\.\d+)\b", re.MULTILINE)


def stub_line(label: str | None, names: str | None) -> str:
    """What stands for an answer: it names exercise and function, and says to delete it (nbgrader issue 1154)."""
    where = f"{label}: " if label else ""
    return f'raise NotImplementedError("{where}write {names or "your answer"}, then delete this line")'


def blank_answer(source: str, label: str | None) -> str:
    """An answer cell with each solution region replaced by a stub that names what belongs there.

    label: what the heading calls the exercise ("Exercise 1.3")
    """
    lines, inside = [], False
    for at, line in enumerate(source.split("\n"), 1):
        if SOLUTION[0] in line:
            if inside:
                raise RuntimeError("BEGIN SOLUTION opens again before END SOLUTION: close the first one")
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [f"{indent}# YOUR CODE HERE", indent + stub_line(label, _asked_for(source, at))]
        elif SOLUTION[1] in line:
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise RuntimeError("BEGIN SOLUTION is never closed: add END SOLUTION")
    return "\n".join(lines)


def _asked_for(source: str, line: int) -> str | None:
    """What a region is to define: the function around it, or the names that a region outside functions binds."""
    try:
        name = enclosing(source, line)
        tree = ast.parse(source)
    except SyntaxError:  # magics: the stub then names the exercise only
        return None
    if name:
        return name
    rows = source.split("\n")
    end = next(row for row in range(line, len(rows) + 1) if SOLUTION[1] in rows[row - 1])
    bound = []
    for node in tree.body:
        if line < node.lineno < end:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                bound.append(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                bound += [leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)]
    return ", ".join(dict.fromkeys(bound)) or None


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
