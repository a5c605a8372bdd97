"""What a text of the project names is in the project: a reader who follows a name must find something."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = (".md", ".py", ".toml", ".yml", ".cff", "")
DOCUMENT = re.compile(r"(?<![\w/.*{}])[\w./-]*\w\.md\b")
PACKAGE_FILE = re.compile(r"\b(?:course_utils|course_author|course_grader|tests)/[\w/]+\.(?:py|html|css)\b")


def tracked():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no git here to say which files are the project's")
    return [ROOT / name for name in done.stdout.split("\n") if Path(name).suffix in READ and (ROOT / name).is_file()]


def absent(paths):
    """Names of documents and modules in these files that lead nowhere, each with the file it stands in."""
    found = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        names = {name.lstrip("/") for name in DOCUMENT.findall(text)}
        names |= set(PACKAGE_FILE.findall(text)) if path.suffix == ".md" else set()
        for name in sorted(names):
            if not any((place / name).is_file() for place in (ROOT, path.parent, ROOT / "docs", ROOT / "tests")):
                found.append(f"{path.relative_to(ROOT)} names {name}")
    return found


def test_every_document_that_a_text_names_is_there():
    paths = tracked()
    assert len(paths) > 200
    made_up = {"tests/project/test_documents.py"}
    assert absent(path for path in paths if path.relative_to(ROOT).as_posix() not in made_up) == []


def test_a_name_that_leads_nowhere_is_found(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    text = tmp_path / "page.md"
    text.write_text("See page.md, `plan/course_plan.md` and course_utils/absent.py.")
    assert absent([text]) == ["page.md names course_utils/absent.py", "page.md names plan/course_plan.md"]
