"""Notebooks and zips as students hand them in, made by hand."""

import hashlib
import json
import stat
import zipfile

UNIT = "01_basic_concepts"
SLUGS = {"softmax": "Exercise 1.3 - Softmax with temperature", "forward": "Exercise 1.5 - Forward"}


STUB = "def answer(x):\n    raise NotImplementedError('Exercise: replace this line')"


def cell(source, grade_id=None, cell_type="code", **flags):
    meta = {"grade": False, "solution": False, "locked": True, "task": False, "schema_version": 3, **flags}
    made = {"cell_type": cell_type, "metadata": {}, "source": source.splitlines(keepends=True)}
    if grade_id:
        made["metadata"]["nbgrader"] = {"grade_id": grade_id, **meta}
    if cell_type == "code":
        made.update(outputs=[], execution_count=None)
    return made


def notebook(answers=None, drop=()):
    cells = [cell("# A chapter", cell_type="markdown"), cell("import math", "setup")]
    for slug, title in SLUGS.items():
        task = f"Some text.\n\n### {title} (5 points, 12 minutes, core)\n\nDo it."
        cells.append(cell(task, f"{slug}-task", "markdown"))
        cells.append(cell((answers or {}).get(slug, STUB), slug, solution=True, locked=False))
        cells.append(cell("assert answer(1)", f"{slug}-check", grade=True, points=1))
    kept = [one for one in cells if one["metadata"].get("nbgrader", {}).get("grade_id") not in drop]
    return {"cells": kept, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def dump(notebook_):
    return json.dumps(notebook_).encode()


def make_zip(path, data=None, members=None, compression=zipfile.ZIP_DEFLATED, **record):
    data = dump(notebook({"softmax": "x = 1"})) if data is None else data
    sealed = {"format": 1, "unit": UNIT, "student": "anna", "time": "2026-11-20T13:00:00Z"}
    sealed = {**sealed, "sha256": hashlib.sha256(data).hexdigest(), **record}
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members or [(f"{sealed['unit']}.ipynb", data), ("submission.json", json.dumps(sealed))]:
            archive.writestr(name, content)
    return data


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def link_member(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info
