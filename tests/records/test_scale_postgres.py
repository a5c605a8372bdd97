"""The gradebook on a real PostgreSQL server, by nbgrader's own setting: the same points, and the schema as it was."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import scale_class
from plain_course import UNIT
from scale_class import KINDS, assert_right, fill, grade
from sqlalchemy import create_engine, inspect, text

from course_grader.course import plan

pytestmark = pytest.mark.part("scale")
NOBODY = 65534


def program(name: str) -> str | None:
    """A program of the server; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@pytest.fixture(scope="module")
def server():
    """The URL of an empty database on a server that listens on a socket in a temporary folder, and nowhere else."""
    if program("initdb") is None:
        pytest.skip("no PostgreSQL server here: install it with your system's packages (Debian and Ubuntu: postgresql)")
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if user:
        os.chown(folder, NOBODY, NOBODY)
    options = {"cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, **user}
    data = folder / "data"
    initdb = [program("initdb"), "-D", data, "-U", "course", "-A", "trust", "--no-sync", "-E", "UTF8"]
    subprocess.run(initdb, check=True, capture_output=True, **options)
    with (folder / "log").open("w") as log:
        command = [program("postgres"), "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        process = subprocess.Popen(command, stdout=log, stderr=log, **options)
    try:
        ready = [program("pg_isready"), "-h", folder, "-q"]
        assert any(subprocess.run(ready, check=False).returncode == 0 or _pause(process) for _ in range(300))
        yield f"postgresql+psycopg://course@/postgres?host={folder}"
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()
        shutil.rmtree(folder)


def _pause(process) -> bool:
    assert process.poll() is None, "the server ended"
    time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def course(server, tmp_path_factory):
    made = scale_class.make(
        tmp_path_factory.mktemp("postgres") / "course", f"\nc.CourseDirectory.db_url = {server!r}\n"
    )
    assert not (made / "gradebook.db").exists()
    return made


def tables(server) -> dict:
    engine = create_engine(server)
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        look = inspect(engine)
        names = look.get_table_names()
        found = {name: sorted(str(column["name"]) for column in look.get_columns(name)) for name in names}
    engine.dispose()
    return {"version": version} | found


def test_a_class_with_its_gradebook_on_postgresql(course, server):
    before = tables(server)
    made = fill(course, len(KINDS))
    report = json.loads(grade(course, "--jobs", 2, "--json").stdout)
    assert {one["status"] for one in report["submissions"]} == {"graded"}
    assert_right(course, made)
    assert tables(server) == before, "nbgrader's schema, untouched"
    again = grade(course, "--jobs", 2)
    assert f"hw: 0 graded, {len(made)} unchanged" in again.stdout
    with plan.gradebook(plan.settings(course)) as book:
        grades = [one for notebook in book.find_submission(UNIT, "s00001-wrong").notebooks for one in notebook.grades]
        assert {one.name: (one.auto_score, one.needs_manual_grade) for one in grades} == {
            "double-check": (1, False), "double-hidden": (0, False),
            "root-check": (1, False), "root-hidden": (0, False),
        }  # fmt: skip
