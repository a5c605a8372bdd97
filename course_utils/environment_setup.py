"""Build the course's environment: `.venv` from pyproject.toml, under the versions of constraints.txt.

Standard library only, and importable by old Pythons: it runs before anything is installed, and a Python that is too old
must get a sentence here, not a SyntaxError.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

MINIMUM_PYTHON = (3, 11)  # a test holds it equal to requires-python in pyproject.toml
STAMP = "course-setup.json"  # inside the environment: what it was built from
LOG = "course-setup.log"  # inside the environment: all that pip said last time
FORMAT = 1
GRADER = "./course_grader"  # a distribution of its own

# What pip prints when it fails -> what to do. The first match counts, so causes stand before their consequences.
PIP_CURES = (
    (
        r"No space left on device|Errno 28|not enough space on the disk|Disk quota exceeded",
        "The disk is full: free about 3 GB, then run the same command again (it goes on where it stopped).",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLError",
        "A proxy or virus scanner answers in the package index's place: ask your administrator for its certificate"
        " file, set PIP_CERT to that file, then run the same command again.",
    ),
    (
        r"NewConnectionError|NameResolutionError|Temporary failure in name resolution|Name or service not known"
        r"|getaddrinfo failed|nodename nor servname|Network is unreachable|No route to host|Connection refused"
        r"|ConnectTimeout|ReadTimeout|ProxyError|Max retries exceeded|Connection broken|Connection reset",
        "No connection to the package index: check the network (or the proxy settings), then run the same command again"
        " (it goes on where it stopped).",
    ),
    (
        r"Permission denied|Errno 13|WinError 5|WinError 32|Read-only file system",
        "A file could not be written: close JupyterLab and other programs that use this folder, see that it is yours to"
        " write to, then run the same command again.",
    ),
    (
        r"ResolutionImpossible|conflicting dependencies",
        "The versions in constraints.txt do not fit together on this Python: get the course's files afresh (git pull),"
        " or use the newest release of Python 3.11, 3.12 or 3.13 (delete the environment folder first).",
    ),
    (
        r"No matching distribution found|Failed building wheel|metadata-generation-failed|subprocess-exited-with-error",
        "One package is not to be had for this Python on this system: use Python 3.11, 3.12 or 3.13 of 64 bits, delete"
        " the environment folder, then run the same command again.",
    ),
)
OUT_OF_MEMORY = "The system stopped pip, most likely for lack of memory: close other programs, then run it again."
NO_CURE = "The lines above say what pip missed: mend that, delete the environment folder, then run this again."

# Programs the tests start that pip cannot install: names to look for, Debian package, what needs it.
TOOLS = (
    (("chromium", "chromium-browser", "google-chrome", "chrome"), "chromium", "the tests in a real browser"),
    (("bwrap",), "bubblewrap", "the sandbox for grading (Linux only, in the making)"),
)


class CourseError(Exception):
    """What happened and what to do, in one sentence for the person at the keyboard."""


def say(line):
    """Print one line at once, also into a pipe, whatever the terminal's encoding can show."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)


# ---- the Python that runs this


def python_problem(version=None, executable=None):
    """One sentence if this Python is too old for the course, else None."""
    version = tuple(version or sys.version_info)[:3]
    if version[:2] >= MINIMUM_PYTHON:
        return None
    found = ".".join(str(part) for part in version)
    needed = ".".join(str(part) for part in MINIMUM_PYTHON)
    newer = next((name for name in newer_pythons() if shutil.which(name)), None)
    if newer and os.name != "nt":
        cure = f"this machine has a newer one, so run: make lab PYTHON={newer} (or {newer} -m course_utils.lab)"
    else:
        cure = "install a newer one (www.python.org/downloads, or your system's packages), then use it"
    this = f"Python {found} ({executable or sys.executable})"
    return f"The course needs Python {needed} or newer, but this is {this}: {cure}."


def newer_pythons():
    """Command names under which a Python that is new enough is usually found."""
    return [f"python3.{minor}" for minor in (13, 12, 11, 14)]


# ---- the environment folder


def venv_dir(root):
    """Folder of the environment: `.venv` in the course folder, or COURSE_VENV."""
    return Path(root, os.environ.get("COURSE_VENV") or ".venv").absolute()


def venv_python(venv):
    """Path of the environment's interpreter."""
    return Path(venv, "Scripts", "python.exe") if os.name == "nt" else Path(venv, "bin", "python")


def venv_version(venv):
    """Version "3.11" of the environment's interpreter, or None if there is none that starts.

    It is asked rather than read from a file: after an upgrade of the system's Python the files still stand there.
    """
    try:
        done = subprocess.run(
            [str(venv_python(venv)), "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("ascii", "replace").strip() if done.returncode == 0 else None


def has_pip(venv):
    """True if the environment's interpreter can start pip."""
    command = [str(venv_python(venv)), "-I", "-m", "pip", "--version"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def key(root, python):
    """Hash of all that decides what is installed: both files, Python's version and where the course lies."""
    digest = hashlib.sha256()
    for part in (str(FORMAT), python or "", str(Path(root).resolve())):
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update(Path(root, name).read_bytes() + b"\0")
    if has_grader(root):
        digest.update(Path(root, GRADER, "pyproject.toml").read_bytes())
    return digest.hexdigest()


def has_grader(root):
    """True in the whole project; students get the course without it."""
    return Path(root, GRADER, "pyproject.toml").is_file()


def read_stamp(venv):
    """The environment's stamp; an unreadable one counts as none."""
    try:
        stamp = json.loads(Path(venv, STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(venv, **stamp):
    """Write the stamp in one step, so that an interruption leaves the old one or the new one."""
    fresh = Path(venv, STAMP + ".new")
    fresh.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    fresh.replace(Path(venv, STAMP))


def is_ready(root, venv, dev=False):
    """True if nothing changed since the environment was completed (one with dev serves lab too)."""
    stamp = read_stamp(venv)
    if stamp.get("state") != "complete" or (dev and not stamp.get("dev")):
        return False
    python = venv_version(venv)
    return python is not None and stamp.get("key") == key(root, python)


# ---- building it


def set_up(root, dev=False):
    """Make the environment ready and return its interpreter; a second call with nothing changed does nothing.

    Parameters
    ----------
    root : folder with pyproject.toml and constraints.txt
    dev : install what tests and authors need as well

    Raises
    ------
    CourseError : with what to do; whatever was built so far is kept and completed by the next call.
    """
    root = Path(root).resolve()
    venv = venv_dir(root)
    missing = [name for name in ("pyproject.toml", "constraints.txt") if not (root / name).is_file()]
    if missing:
        raise CourseError(
            "{} is missing in {}: run this in the course folder, or get the course's files afresh.".format(
                " and ".join(missing), root
            )
        )
    if not is_ready(root, venv, dev):
        _build(root, venv, dev)
    if dev:
        _tools(venv)
    return venv_python(venv)


def _build(root, venv, dev):
    before = read_stamp(venv)
    _check_folder(venv)
    dev = bool(dev or before.get("dev"))  # never take the tests' packages away again
    if before.get("state") == "building":
        say("The last set-up was interrupted: completing it.")
    try:
        venv.mkdir(parents=True, exist_ok=True)
        write_stamp(venv, state="building", dev=dev)  # from here on a half-built environment is known as one
        _make_venv(root, venv, broken=bool(before) or (venv / "pyvenv.cfg").is_file())
        _install(root, venv, dev)
        write_stamp(venv, state="complete", dev=dev, key=key(root, venv_version(venv)))
    except OSError as error:
        raise CourseError(
            f"Setting up {venv} failed ({error.strerror or error}): free some space or see that the folder is"
            " yours to write to, then run the same command again."
        ) from error
    say("[3/3] Ready.")


def _check_folder(venv):
    """Refuse a folder that holds something else than an environment: it may be cleared."""
    if not venv.exists() or (venv / "pyvenv.cfg").is_file() or (venv / STAMP).is_file():
        return
    if not venv.is_dir() or any(venv.iterdir()):
        raise CourseError(f"{venv} is not a Python environment: move it away, or name another folder in COURSE_VENV.")


def _make_venv(root, venv, broken):
    """Create the environment, or give a standing one what it lacks (one made by `uv venv` has no pip)."""
    if venv_version(venv) is None:
        say("[1/3] {} the environment {} ...".format("Rebuilding" if broken else "Creating", _short(venv, root)))
        _clear(venv)
        base = getattr(sys, "_base_executable", None) or sys.executable
        done, said = _run([base, "-m", "venv", str(venv)], root)
        if done != 0:
            raise CourseError(_venv_failed(said))
    elif _too_old(venv_version(venv)):
        raise CourseError(
            f"The environment {venv} holds Python {venv_version(venv)}, which is too old for the course: delete that"
            " folder, then run the same command again."
        )
    else:
        say(f"[1/3] The environment {_short(venv, root)} exists.")
    if not has_pip(venv):
        done, said = _run([str(venv_python(venv)), "-m", "ensurepip", "--upgrade", "--default-pip"], root)
        if done != 0:
            raise CourseError(_venv_failed(said))


def _clear(venv):
    """Empty a broken environment, all but the stamp that says whose it is (`venv --clear` takes that away too)."""
    for child in venv.iterdir():
        if child.name == STAMP:
            continue
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(str(child))
        else:
            child.unlink()


def _too_old(version):
    return tuple(int(part) for part in version.split(".")) < MINIMUM_PYTHON


def _venv_failed(said):
    _show_tail(said)
    if "ensurepip" in said:
        return (
            "This Python cannot make environments with pip: install its venv package (Debian and Ubuntu:"
            " sudo apt install python3-venv), then run the same command again."
        )
    return "The environment could not be created: the lines above say why; mend that, then run the same command again."


def _install(root, venv, dev):
    target = ".[dev]" if dev else "."
    say("[2/3] Installing packages{} (the first time takes minutes) ...".format(" for lab and tests" if dev else ""))
    command = [str(venv_python(venv)), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off"] + (["--editable", GRADER] if has_grader(root) else [])
    command += ["--editable", target, "--constraint", "constraints.txt"]
    done, said = _run(command, root)
    Path(venv, LOG).write_text(said, encoding="utf-8")
    if done != 0:
        _show_tail(said)
        raise CourseError(f"{pip_cure(said, done)} (All of it: {_short(venv / LOG, root)})")


def pip_cure(said, returncode=1):
    """The sentence that says what to do about a failed pip, from what it printed."""
    if returncode in (-9, 137):
        return OUT_OF_MEMORY
    return next((cure for pattern, cure in PIP_CURES if re.search(pattern, said)), NO_CURE)


def _run(command, cwd):
    """Run a command quietly; return its exit status and all it printed."""
    # User-site installs, another Python's home or path would lead pip out of the environment.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    environment.update(PIP_USER="0", PYTHONIOENCODING="utf-8")
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, cwd=str(cwd), env=environment, **pipes)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _show_tail(said, count=12):
    """Show the last lines of a failed command, without pip's remarks on where it looked."""
    lines = [line.rstrip() for line in said.splitlines() if line.strip() and "find-links" not in line.lower()]
    lines = [line for line in lines if not re.search(r"Location '.*' is ignored|new release of pip", line)]
    for line in lines[-count:]:
        say("    " + line[:300])


def _short(path, root):
    """A path as seen from the course folder, where it lies inside."""
    try:
        return str(Path(path).relative_to(root))
    except ValueError:
        return str(path)


# ---- programs that pip cannot install


def _tools(venv):
    """Install the programs that tests start, where that is allowed; else say what is missing. Never fails."""
    missing = [tool for tool in TOOLS if not any(shutil.which(name) for name in tool[0])]
    if not missing:
        return
    stamp = read_stamp(venv)
    apt = _apt_get()
    tried = stamp.get("apt_failed") or []
    wanted = [package for _, package, _ in missing if package not in tried]
    if apt and wanted:
        say("Installing {} with apt-get ...".format(" and ".join(wanted)))
        _apt_install(apt, wanted)
        missing = [tool for tool in TOOLS if not any(shutil.which(name) for name in tool[0])]
        # A failed attempt is not repeated at each start: it would cost minutes where there is no network.
        write_stamp(venv, **dict(stamp, apt_failed=[package for _, package, _ in missing]))
    for _, package, purpose in missing:
        say(f"Missing: {package}, needed by {purpose}; {_tool_cure(package)}.")


def _apt_get():
    """The command line that may install Debian packages here without asking, or None."""
    apt = shutil.which("apt-get")
    if not apt or os.name != "posix":
        return None
    if os.geteuid() == 0:
        return [apt]
    sudo = shutil.which("sudo")
    if not sudo:
        return None
    allowed = subprocess.run([sudo, "-n", "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # sudo drops the environment, so the setting goes through env
    return [sudo, "-n", "env", "DEBIAN_FRONTEND=noninteractive", apt] if allowed.returncode == 0 else None


def _apt_install(apt, packages):
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    install = apt + ["install", "--yes", "--quiet", "--no-install-recommends"] + packages
    for command in (install, apt + ["update", "--quiet"], install):  # the lists may be absent or old: then once more
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=900,
            )
        except (OSError, subprocess.TimeoutExpired):
            return
        if command is install and done.returncode == 0:
            return


def _tool_cure(package):
    if sys.platform.startswith("linux"):
        return f"install it with your system's packages (Debian and Ubuntu: sudo apt install {package})"
    if package == "chromium":
        return "install Chromium or Google Chrome"
    return "it does not exist for this system, so those tests are skipped (or run them in a Linux container)"
