"""Odd ways in which editors and sites save a notebook. The answers in them are the reference's."""

from __future__ import annotations

import json
import random

from . import CHAPTER, SMALL, Odd, cell_of, code_cell

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def _odd(name, why, spoil=None, unit=SMALL, **more):
    return Odd(name, unit, why, {}, spoil, **more)


def _code(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _without_ids(notebook, minor=4):
    for cell in notebook["cells"]:
        cell.pop("id", None)
    notebook["nbformat_minor"] = minor


def _new_ids(notebook):
    for n, cell in enumerate(notebook["cells"]):
        cell["id"] = f"{n:08x}-beef-4bad-8bad-{n:012x}"


def _lines(notebook):
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)


def _run(notebook, counts=None):
    """Outputs and execution counts as after Run All."""
    for n, cell in enumerate(_code(notebook), 1):
        cell["execution_count"] = n if counts is None else counts(n)
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["done\n", f"{n}\n"]}]


# -- editors and sites -------------------------------------------------------------------------------------------------


def _vscode(notebook):
    _new_ids(notebook)
    _lines(notebook)
    _run(notebook)
    notebook["metadata"] = {
        "kernelspec": {"display_name": ".venv (3.11.7)", "language": "python", "name": "python3"},
        "language_info": {
            "codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py", "mimetype": "text/x-python",
            "name": "python", "nbconvert_exporter": "python", "pygments_lexer": "ipython3", "version": "3.11.7",
        },
        "orig_nbformat": 4,
        "vscode": {"interpreter": {"hash": "31f2aee4e71d21fbe5cf8b01ff0e069b9275f58929596ceb00d14d90e3e16cd6"}},
    }  # fmt: skip
    for cell in notebook["cells"]:
        cell["metadata"]["vscode"] = {"languageId": "python"}


def _colab(notebook):
    _without_ids(notebook, minor=0)
    _lines(notebook)
    for n, cell in enumerate(notebook["cells"]):
        cell["metadata"] |= {"id": f"aB3dE{n:07}", "colab_type": "text"}
        if cell["cell_type"] == "code":
            cell["metadata"] |= {"colab": {"base_uri": "https://localhost:8080/", "height": 34}, "outputId": "3b1"}
            cell["execution_count"] = None
    notebook["metadata"] = {
        "colab": {"provenance": [], "collapsed_sections": ["x"], "toc_visible": True, "gpuType": "T4"},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "accelerator": "GPU",
        "widgets": {"application/vnd.jupyter.widget-state+json": {"0a1b": {"model_name": "HBoxModel", "state": {}}}},
    }
    notebook["cells"].insert(0, {"cell_type": "markdown", "source": ['<a href="https://colab">Open</a>'], "metadata": {
        "id": "view-in-github", "colab_type": "text"}})  # fmt: skip


def _classic(notebook):
    _without_ids(notebook, minor=2)
    _lines(notebook)
    _run(notebook, lambda n: 2 * n)
    for cell in notebook["cells"]:
        cell["metadata"] |= {"collapsed": False, "scrolled": True, "deletable": False, "editable": False}
        cell["metadata"] |= {"run_control": {"frozen": False}, "ExecuteTime": {"end_time": "2024-05-01T10:00:00"}}
    notebook["metadata"] |= {
        "toc": {"base_numbering": 1, "nav_menu": {}, "number_sections": True, "toc_cell": False},
        "varInspector": {"cols": {"lenName": 16}},
        "kernelspec": {"display_name": "Python [conda env:dl]", "language": "python", "name": "conda-env-dl-py"},
        "celltoolbar": "Create Assignment",
    }


def _databricks(notebook):
    _without_ids(notebook, minor=0)
    for n, cell in enumerate(notebook["cells"]):
        cell["metadata"]["application/vnd.databricks.v1+cell"] = {
            "title": "", "showTitle": False, "nuid": f"{n:08x}-aaaa", "cellMetadata": {"rowLimit": 1},
        }  # fmt: skip
    notebook["metadata"] = {
        "application/vnd.databricks.v1+notebook": {"notebookName": "hw", "dashboards": [], "language": "python"}
    }


def _kaggle(notebook):
    _lines(notebook)
    for n, cell in enumerate(_code(notebook)):
        cell["metadata"] |= {
            "_uuid": f"{n:040x}", "_cell_guid": f"{n:08x}-0000", "trusted": True,
            "execution": {"iopub.status.busy": "2024-05-01T10:00:00.1Z", "shell.execute_reply": "2024-05-01T10:00:01Z"},
            "papermill": {"duration": 0.01, "exception": False, "status": "completed"},
        }  # fmt: skip
    notebook["metadata"]["papermill"] = {"version": "2.5", "parameters": {}, "environment_variables": {}}
    notebook["metadata"]["kaggle"] = {"accelerator": "none", "dataSources": []}


def _deepnote(notebook):
    for n, cell in enumerate(notebook["cells"]):
        cell["metadata"] |= {"cell_id": f"{n:032x}", "deepnote_cell_type": cell["cell_type"], "tags": []}
        cell["metadata"] |= {"source_hash": "a1", "execution_start": 1714557600000, "deepnote_to_be_reexecuted": False}
    notebook["metadata"] |= {"deepnote": {}, "deepnote_notebook_id": "x", "is_deepnote": True}
    notebook["cells"].append({"cell_type": "markdown", "metadata": {"created_in_deepnote_cell": True}, "id": "last",
                              "source": "<a href='https://deepnote.com'>Created in Deepnote</a>"})  # fmt: skip


def _pycharm(notebook):
    _lines(notebook)
    for cell in notebook["cells"]:
        cell["metadata"] |= {"pycharm": {"name": "#%%\n", "is_executing": False}, "jupyter": {"outputs_hidden": False}}
    notebook["metadata"]["pycharm"] = {
        "stem_cell": {"cell_type": "raw", "source": [], "metadata": {"collapsed": False}}
    }


def _jupytext(notebook):
    notebook["metadata"] |= {
        "jupytext": {"formats": "ipynb,py:percent", "cell_metadata_filter": "-all"},
        "rise": {"theme": "sky"}, "language_info": {"name": "python", "version": "3.8.10"},
    }  # fmt: skip
    for cell in notebook["cells"]:
        cell["metadata"] |= {"slideshow": {"slide_type": "fragment"}, "lines_to_next_cell": 2}


def _lab_decorations(notebook):
    for n, cell in enumerate(notebook["cells"]):
        cell["metadata"] |= {
            "tags": ["todo", "hide-input"],
            "jp-MarkdownHeadingCollapsed": True,
            "editable": bool(n % 2),
        }
        cell["metadata"] |= {"jupyter": {"source_hidden": True, "outputs_hidden": True}, "collapsed": True, "name": "x"}
    notebook["metadata"] |= {"toc-autonumbering": True, "authors": [{"name": "Zoë"}], "title": "Homework"}


def _skip_tags(notebook):
    """Tags of nbmake, papermill and nbval on the student's own cells, and on an answer."""
    notebook["cells"].append(code_cell("raise ValueError", metadata={"tags": ["skip-execution", "raises-exception"]}))
    cell_of(notebook, "value")["metadata"]["tags"] = ["nbval-skip", "parameters"]


def _tags_from_release_removed(notebook):
    for cell in notebook["cells"]:
        cell["metadata"].pop("tags", None)


# -- pieces ------------------------------------------------------------------------------------------------------------


def _outputs(notebook):
    """Pictures, widget views, errors, HTML with scripts and half a megabyte of text, left in."""
    kinds = [
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": PNG, "text/plain": ["<Figure>"]}},
        {"output_type": "display_data", "metadata": {}, "data": {
            "application/vnd.jupyter.widget-view+json": {"model_id": "77", "version_major": 2, "version_minor": 0}}},
        {"output_type": "error", "ename": "ValueError", "evalue": "x", "traceback": ["\x1b[31mValueError\x1b[0m"]},
        {"output_type": "stream", "name": "stderr", "text": ["Warning\n"] * 5000},
        {"output_type": "execute_result", "execution_count": 3, "metadata": {},
         "data": {"text/html": ["<script>1</script>"], "text/plain": ["x" * 500_000]}},
    ]  # fmt: skip
    for n, cell in enumerate(_code(notebook)):
        cell["outputs"], cell["execution_count"] = [kinds[n % len(kinds)]], n
    notebook["metadata"]["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {
            "version_major": 2,
            "version_minor": 0,
            "state": {f"{n:032x}": {"model_name": "A", "state": {}} for n in range(500)},
        }
    }


def _old_score_outputs(notebook):
    """Outputs of an earlier grading are in the test cells: numbers, errors, feedback's metadata."""
    for cell in _code(notebook):
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            cell["outputs"] = [{"output_type": "error", "ename": "AssertionError", "evalue": "", "traceback": []},
                               {"output_type": "execute_result", "execution_count": 1, "metadata": {},
                                "data": {"text/plain": "0.0"}}]  # fmt: skip
    notebook["metadata"]["nbgrader"] = {"__altered": True}


def _mixed_sources(notebook):
    for n, cell in enumerate(notebook["cells"]):
        if n % 3 == 0:
            cell["source"] = list(cell["source"])  # a character each
        elif n % 3 == 1:
            cell["source"] = cell["source"].splitlines(keepends=True) + ["", ""]


def _crlf_sources(notebook):
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].replace("\n", "\r\n")


def _white_space(notebook):
    for cell in notebook["cells"]:
        cell["source"] = "\n\n" + cell["source"].replace("\n", "  \n") + "\n   \n\n"


def _metadata_gone(notebook):
    notebook["metadata"] = {}


def _odd_kernelspec(notebook):
    notebook["metadata"]["kernelspec"] = {
        "display_name": "dl — my env",
        "language": "python",
        "name": "Deep Learning (3.12)",
    }
    notebook["metadata"]["language_info"] = {"name": "python", "version": "3.12.1", "codemirror_mode": "python"}


def _cell_metadata_stripped(notebook):
    """A tool that keeps ids and drops all it does not know, nbgrader's metadata too (nbstripout --strip-extra…)."""
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def _nbgrader_keys_lost(notebook):
    """Points and checksums lost, the grade_id kept."""
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"] = {k: v for k, v in cell["metadata"]["nbgrader"].items() if k != "checksum"}


def _ids_doubled(notebook):
    for cell in notebook["cells"]:
        cell["id"] = "same"


def _minor_from_the_future(notebook):
    notebook["nbformat_minor"] = 99
    notebook["cells"][0]["future"] = {"a": 1}
    notebook["comments"] = []


def _validated(notebook):
    """Extra keys at the top and in cells, null where nothing is meant."""
    for cell in _code(notebook):
        cell["execution_count"] = None
        cell["outputs"] = []
        cell["metadata"]["execution"] = {}
    notebook["cells"][0]["attachments"] = {}


# -- bytes -------------------------------------------------------------------------------------------------------------


def _minified(notebook):
    return json.dumps(notebook, separators=(",", ":")).encode()


def _utf8_and_tabs(notebook):
    for cell in _code(notebook):
        cell["source"] += "\n# naïve – “quotes”, 数学, 🎓𝔸, e\u0301 and \u200bzero width\ufeff"
    return (json.dumps(notebook, ensure_ascii=False, indent="\t") + "\n").encode()


def _escaped(notebook):
    for cell in _code(notebook):
        cell["source"] += "\n# 🎓 𝔸 naïve\u2028"
    return json.dumps(notebook, ensure_ascii=True).replace("/", "\\/").encode()


def _bom(notebook):
    return b"\xef\xbb\xbf" + json.dumps(notebook, indent=1).encode()


def _windows_file(notebook):
    return json.dumps(notebook, indent=2).replace("\n", "\r\n").encode() + b"\r\n\x20\r\n"


def _shuffled_keys(notebook):
    mixed = random.Random(0)

    def shuffle(node):
        if isinstance(node, dict):
            items = list(node.items())
            mixed.shuffle(items)
            return {key: shuffle(value) for key, value in items}
        return [shuffle(value) for value in node] if isinstance(node, list) else node

    return json.dumps(shuffle(notebook), indent=4).encode()


ODD = [
    _odd("saved-by-vscode", "VS Code: new ids, sources as lists, its own metadata", _vscode, CHAPTER),
    _odd("saved-by-colab", "Colab: nbformat 4.0 without ids, its own metadata, a badge on top", _colab, CHAPTER),
    _odd("saved-by-classic-notebook", "classic Notebook with extensions: 4.2, a conda kernel", _classic, CHAPTER),
    _odd("saved-by-databricks", "Databricks: no kernelspec, no language_info", _databricks),
    _odd("saved-by-kaggle", "Kaggle and papermill: times in every cell", _kaggle),
    _odd("saved-by-deepnote", "Deepnote: other ids, a badge at the end", _deepnote),
    _odd("saved-by-pycharm", "PyCharm: a raw stem cell in the metadata", _pycharm),
    _odd("saved-by-jupytext", "paired with a text file, slides, another Python version", _jupytext),
    _odd("lab-decorations", "tags, collapsed and hidden cells, a table of contents", _lab_decorations),
    _odd("skip-tags-on-own-cells", "tags that other tools skip cells by, on the student's own cells", _skip_tags),
    _odd("release-tags-removed", "the tags of the release removed", _tags_from_release_removed),
    _odd("outputs-left-in", "pictures, errors, widgets, scripts and long text left in the outputs", _outputs, CHAPTER),
    _odd("graded-once-before", "outputs of an earlier grading left in the test cells", _old_score_outputs),
    _odd(
        "counts-out-of-order",
        "execution counts that fall and repeat",
        lambda notebook: _run(notebook, lambda n: 1000 - 7 * (n // 2)),
    ),
    _odd("sources-as-lists-of-characters", "sources as lists of characters, of lines, and as strings", _mixed_sources),
    _odd("windows-line-ends-in-sources", "\\r\\n inside the cells", _crlf_sources, CHAPTER),
    _odd("white-space-around", "empty lines above, below and blanks at the line ends", _white_space, CHAPTER),
    _odd("notebook-metadata-gone", "no metadata of the notebook at all", _metadata_gone),
    _odd("kernel-of-another-name", "a kernel that only the student has", _odd_kernelspec),
    _odd("checksums-lost", "nbgrader's checksums lost, the names kept", _nbgrader_keys_lost),
    _odd(
        "cell-metadata-stripped",
        "all metadata of cells dropped, the ids kept",
        _cell_metadata_stripped,
        stock="it knows cells by that metadata only",
    ),
    _odd("cell-ids-gone", "nbformat 4.4, which knows no ids", _without_ids),
    _odd("cell-ids-new", "all ids renewed", _new_ids),
    _odd("cell-ids-doubled", "one id for all cells", _ids_doubled),
    _odd(
        "minor-version-of-the-future",
        "written by a newer Jupyter, with keys that nobody knows yet",
        _minor_from_the_future,
    ),
    _odd("empty-keys", "empty execution metadata and attachments", _validated),
    _odd("json-on-one-line", "minified", write=_minified),
    _odd(
        "json-with-tabs-and-utf8",
        "UTF-8 as it is, tabs, combining and zero-width characters in comments",
        write=_utf8_and_tabs,
        unit=CHAPTER,
    ),
    _odd("json-all-escaped", "surrogate pairs and escaped slashes", write=_escaped),
    _odd(
        "json-with-bom",
        "a byte order mark, as Windows editors write it",
        write=_bom,
        stock="json refuses the byte order mark",
    ),
    _odd("json-windows-line-ends", "\\r\\n between the lines of the file", write=_windows_file),
    _odd("json-keys-shuffled", "keys in another order", write=_shuffled_keys),
]
