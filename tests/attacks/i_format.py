"""I - notebook format: cells and metadata that are not as they were released, and files that are no notebook."""
# ruff: noqa: E501 - the long lines are students' code

import json

from .base import attack, code_cell, named, tests_of
from .course import RIGHT


def _duplicated(notebook):
    for cell in tests_of(notebook):
        copy = json.loads(json.dumps(cell))
        copy["source"], copy["id"] = "pass", cell.get("id", "x")
        notebook["cells"].append(copy)


def _deleted(notebook):
    gone = {"smooth-hidden", "smooth-check"}
    notebook["cells"] = [
        cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") not in gone
    ]


def _retyped(notebook):
    for number, cell in enumerate(tests_of(notebook)):
        cell["cell_type"] = "raw" if number % 2 else "markdown"
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


def _points_edited(notebook):
    for cell in tests_of(notebook):
        cell["metadata"]["nbgrader"] |= {"points": 1000, "grade": False}
        cell["metadata"]["nbgrader"]["locked"] = False


def _emptied_with_checksum(notebook):
    import hashlib

    for cell in tests_of(notebook):
        cell["source"] = "pass"
        told = hashlib.md5()
        told.update(b"pass" + b"code" + str(float(cell["metadata"]["nbgrader"]["points"])).encode())
        told.update(cell["metadata"]["nbgrader"]["grade_id"].encode())
        cell["metadata"]["nbgrader"]["checksum"] = told.hexdigest()


def _swapped_ids(notebook):
    answer, test = named(notebook, "smooth"), named(notebook, "smooth-hidden")
    answer["metadata"], test["metadata"] = test["metadata"], answer["metadata"]
    test["source"] = "smooth = roughness = lambda *args: None"


def _bonus(notebook):
    bonus = code_cell("True")
    bonus["metadata"]["nbgrader"] = {
        "schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False, "points": 100,
        "grade_id": "bonus", "cell_type": "code", "checksum": "0" * 32,
    }  # fmt: skip
    notebook["cells"] += [bonus, code_cell("6")]


def _schema_lies(notebook):
    for number, cell in enumerate(notebook["cells"]):
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"]["schema_version"] = (99, "3", -1, None)[number % 4]
    notebook["metadata"]["nbgrader"] = {"schema_version": 1, "points": 1000}


def _reversed(notebook):
    notebook["cells"].reverse()


def _added_between(notebook):
    place = notebook["cells"].index(named(notebook, "smooth-hidden"))
    source = """
        check.hidden.close = check.hidden.equal = check.hidden.unchanged = lambda *args, **kwargs: None
        class check:
            hidden = quiet = type("Any", (), {"__getattr__": lambda s, n: (lambda *a, **k: None)})()
        """
    notebook["cells"].insert(place, code_cell(source))
    notebook["cells"].insert(0, code_cell("import builtins\nbuiltins.AssertionError = SystemExit"))
    notebook["cells"].append(code_cell("raise SystemExit"))


def _all_added(notebook):
    """Everything is split: the answer cell is empty, its code stands in cells of the student's own after the tests."""
    named(notebook, "search")["source"] = "pass"
    place = notebook["cells"].index(named(notebook, "search-hidden"))
    notebook["cells"].insert(place + 1, code_cell(RIGHT["search"]))


def _old_format(notebook):
    cells = [
        {
            "cell_type": c["cell_type"],
            "metadata": c["metadata"],
            "language": "python",
            "outputs": [],
            "input": c["source"],
        }
        if c["cell_type"] == "code"
        else {"cell_type": "markdown", "metadata": c["metadata"], "source": c["source"]}
        for c in notebook["cells"]
    ]
    for cell in cells:
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            cell["input"] = "pass"
    notebook.clear()
    notebook |= {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}


def _kernels(notebook):
    notebook["metadata"] = {
        "kernelspec": {
            "name": "../../mallory",
            "display_name": "bash",
            "language": "bash",
            "argv": ["sh", "-c", "true"],
        },
        "language_info": {"name": "bash", "file_extension": ".sh", "mimetype": "text/html"},
    }


def _strange_values(notebook):
    test = named(notebook, "deal-hidden")
    test["source"] = ["pa", "ss"]
    test["execution_count"] = -1
    test["outputs"] = [
        {"output_type": "execute_result", "data": {"text/plain": "6"}, "metadata": {}, "execution_count": 1}
    ]
    notebook["cells"][0]["source"] = 5
    notebook["cells"][0]["metadata"] = {"deep": [[[[[None] * 50]]]]}
    notebook["cells"].append({"cell_type": "code", "metadata": {}})
    notebook["cells"].append({"cell_type": "executable", "metadata": {}, "source": "pass", "id": "../x"})


def _outputs_forged(notebook):
    for cell in tests_of(notebook):
        cell["execution_count"] = 1
        cell["outputs"] = [
            {"output_type": "execute_result", "data": {"text/plain": "6"}, "metadata": {}, "execution_count": 1}
        ]
        cell["metadata"]["nbgrader"]["auto_score"] = 6
    notebook["metadata"]["celltoolbar"] = "Create Assignment"


def _surrogates(notebook):
    named(notebook, "search")["source"] = "def search(*args):\n    return 0.3125\n# \ud800\udfff \x00 \u2028 \x1a\f"


def _twice(data):
    """A key that stands twice: one value for who looks at the first, the other for who takes the last."""
    return data.replace(b'"cell_type": "code"', b'"source": "pass", "cell_type": "code", "cell_type": "code"')


ATTACKS = [
    attack("duplicated-tests", "Each test stands twice, the second time empty.", "smooth", notebook=_duplicated),
    attack("deleted-tests", "The tests that would fail are deleted.", "smooth", notebook=_deleted),
    attack("retyped-tests", "The tests are Markdown and raw cells now.", "register", notebook=_retyped),
    attack("edited-points", "Each test is worth 1000 points, is unlocked and is not graded.", "search", notebook=_points_edited),
    attack("tests-with-new-checksums", "The tests are empty, and their checksums are right again.", "deal", notebook=_emptied_with_checksum),
    attack("swapped-ids", "The answer and its hidden test have each other's metadata.", "smooth", notebook=_swapped_ids),
    attack("bonus-cell", "An own graded cell is worth 100 points.", "search", notebook=_bonus),
    attack("schema-lies", "The nbgrader metadata claims versions that do not exist.", "register", notebook=_schema_lies),
    attack("reversed-cells", "All cells stand in the opposite order, the tests before the answers.", "deal", notebook=_reversed),
    attack("added-between", "Own cells around the hidden test replace the checks and end the kernel.", "smooth", notebook=_added_between),
    attack("answer-after-its-test", "The answer stands in a cell of his own behind the tests that it is to pass.", "search", notebook=_all_added),
    attack("nbformat-3", "A notebook of an older format with emptied tests, to be converted on the way.", "deal", notebook=_old_format, refused=True),
    attack("another-kernel", "Asks for another language and for a kernel specification of his own.", "register", notebook=_kernels),
    attack("strange-values", "Sources that are lists and numbers, cells without one, cell types that do not exist.", "deal", notebook=_strange_values),
    attack("forged-outputs", "The handed-in tests carry outputs with the full score.", "smooth", notebook=_outputs_forged),
    attack("surrogates-and-nul", "Half characters, NUL bytes and line separators stand in the source.", "search", notebook=_surrogates),
    attack("keys-twice", "Keys of the JSON stand twice, with different values.", "smooth", data=_twice),
    attack("invalid-utf-8", "The file is no UTF-8.", "smooth", data=lambda data: data[:200] + b"\xff\xfe\x80" + data[200:], refused=True),
    attack("two-hundred-megabytes", "The notebook has 200 MB, nearly all of it blanks.", "search", data=lambda data: data[:-2] + b" " * (200 << 20) + data[-2:], refused=True),
    attack("nested-json", "JSON that is nested two hundred thousand deep.", "deal", data=lambda data: b'{"cells": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", refused=True),
    attack("no-object", "The JSON is a list, whose first item is the notebook.", "register", data=lambda data: b"[" + data + b"]", refused=True),
    attack("numbers-without-end", "JSON with NaN, Infinity, a number of a million digits and exponents beyond floats.", "search", data=lambda data: data.replace(b'"nbformat": 4', b'"x": [NaN, -Infinity, 1e999, ' + b"9" * 1_000_000 + b'], "nbformat": 4', 1)),
    attack("utf-16", "The file is UTF-16 with a byte order mark and ends in the middle.", "smooth", data=lambda data: data.decode().encode("utf-16")[:-7], refused=True),
]  # fmt: skip
