"""The rules of the lint of test cells: which names count, and what to say. `lint.py` applies them.

Names are those of the modules themselves: "numpy.errstate", whatever the cell imported NumPy as.
"""

import ast
import re
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Fault:
    """One thing to mend. `line` counts the cell's lines from 1; a `warning` may be a coincidence."""

    cell: str
    line: int
    sentence: str
    warning: bool = False


def _set(words: str) -> set[str]:
    return set(words.split())


HIDDEN = ("BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
CHECK = "course_utils.check."
NO_VERDICT = {CHECK + word for word in ("each", "items", "kind", "quiet", "passed", "student_side", "CheckFailed")}
REMOTE_CHECKS = {CHECK + word for word in ("each", "items", "quiet")}  # they run the student's code, and give data
EVIDENT = {CHECK + "kind", CHECK + "quiet"}  # what a probe may call: both say what is, not what should be
REVEALING = {
    CHECK + word for word in _set("that shape close gradient equal finite within unchanged raises raises_each")
}
FIXTURES = {"monkeypatch", "mocker", "mock", "capsys", "capfd"}  # pytest's; never an answer's name
NOTEBOOK = {"__name__", "get_ipython", "display", "In", "Out"}

PLAIN = _set(
    "len float int str bool complex repr format print isinstance range ord hash"
)  # their calls give something of the judge's own
PLAIN_ATTRIBUTES = {"shape", "ndim", "size", "dtype", "itemsize", "nbytes"}
SILENT = {"print", "exec", "setattr", "delattr"}  # built-ins that return nothing

TYPE = re.compile(r"(isinstance|issubclass|type|hasattr|callable|vars|dir|inspect\..*)$")
TYPE_ATTRIBUTES = _set("__class__ __dict__ __code__ __mro__ __closure__ __defaults__ __wrapped__ __bases__")
SAME = re.compile(r"(id|numpy\.shares_memory|numpy\.may_share_memory|weakref\..*|gc\..*|sys\.getrefcount)$")
SAME_ATTRIBUTES = _set("base data_ptr ctypes untyped_storage __array_interface__ owndata strides grad_fn is_leaf")
AUTOGRAD = re.compile(r"torch\.(autograd|func)\.")
MODE = re.compile(
    r"""(numpy\.(errstate|seterr|seterrcall|random\.seed|random\.set_state)|random\.seed
    |warnings\.(catch_warnings|simplefilter|filterwarnings)|unittest\.mock\..*|(monkeypatch|mock|mocker)\..*
    |torch\.(random\.|cuda\.)?(manual_seed\w*|seed|fork_rng)
    |torch\.(autograd\.(grad_mode\.)?)?(no_grad|enable_grad|inference_mode|set_grad_enabled)
    |torch\.(set_default_dtype|set_default_device|set_num_threads|use_deterministic_algorithms)
    |sys\.(setrecursionlimit|settrace|setprofile)|signal\..*|os\.chdir|contextlib\.chdir)$""",
    re.VERBOSE,
)
PRINTED = re.compile(r"(contextlib\.redirect_std(out|err)|IPython\.utils\.(io|capture)\.\w+|(capsys|capfd)\..*)$")
TIME = re.compile(r"(time\.\w+|timeit\..*|tracemalloc\..*|resource\..*|datetime\.datetime\.now)$")
FILES = re.compile(
    r"""(open|io\.open|os\.(listdir|scandir|walk|stat|path\.(exists|isfile|getsize))|glob\.\w+|shutil\..*|tempfile\..*
    |numpy\.(load|loadtxt|genfromtxt|fromfile|memmap)|torch\.load|pandas\.read_\w+)$""",
    re.VERBOSE,
)
FILE_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "is_file"}
MODULES = _set(
    "numpy torch torch.nn torch.nn.functional torch.optim scipy pandas sklearn matplotlib course_utils.check "
    "course_utils.data course_utils.plot course_utils.widgets"
)
LIVE = re.compile(  # what makes objects that no message can carry
    r"(torch\.nn\.(?!Parameter$)[A-Z]\w*|torch\.optim\.(\w+\.)*[A-Z]\w*|torch\.utils\.data\.[A-Z]\w*"
    r"|torch\.Generator|numpy\.random\.RandomState|random\.Random|io\.\w+|threading\.\w+"
    r"|iter|zip|map|filter|enumerate|reversed)$"
)
ORDER = ast.Eq | ast.NotEq | ast.Lt | ast.LtE | ast.Gt | ast.GtE
VERDICT = re.compile(
    r"(all|any|bool|isinstance|numpy\.(array_equal|allclose|isclose|all|any)|torch\.(equal|allclose))$"
)
VALUED = re.compile(r"(numpy|torch|math|scipy|statistics)\.(?!testing\.)")  # their calls have a value, so an output
EXPECTS = {
    "equal": 1,
    "close": 1,
    "gradient": 1,
    "within": 2,
}  # checks: how many arguments after the first are expected values

# Methods of plain data: a call of one on a result is taken for the judge's own work.
DATA_METHODS = {name for kind in (list, dict, str, set, float) for name in dir(kind)} | _set(
    "all any argmax argmin argsort astype clip copy cumsum dot flatten item max mean min nonzero numpy prod ravel "
    "repeat reshape round sort squeeze std sum swapaxes take tobytes tolist trace transpose var view detach cpu "
    "clone double norm numel backward size dim to permute unsqueeze"
)

INSIDE = "inside a @check.student_side function"
SAY = {
    "type": "{0} asks for the type of what a student's code gave, and the judge has a stand-in or a copy of it: write "
    f"check.kind(x), or return the fact as evidence from {INSIDE[7:]}.",
    "same": "{0} asks for identity or memory, and the judge has copies only: change one object "
    f"{INSIDE} and return the values of the other.",
    "compared": "{0} lets a student's object say whether it is equal, and its word is no proof: compare plain values, "
    "such as float(x) or an attribute.",
    "autograd": "{0} would follow gradients into the student's process, and the judge has no graph of it: "
    f"differentiate {INSIDE} and return the gradients as arrays.",
    "mode": f"{{0}} acts on the judge only, not on the student's code called here: put it {INSIDE} (for warnings: "
    "check.quiet), and draw random inputs from np.random.default_rng(seed).",
    "printed": f"{{0}} sees the judge's output only: redirect {INSIDE} and return the text.",
    "time": "{0} would measure messages and the machine's load as well: count calls or steps instead (the CPU time of "
    "every cell is capped anyway).",
    "files": "{0} uses a file, and the judge shares no folder with the course or the student: write the values into "
    f"the test, or save and load {INSIDE}.",
    "patch": f"{{0}} changes a module for the judge only, not for the student's code: do it {INSIDE}.",
    "rebound": "{0} is a name that students define, and a new meaning would hold for the judge only: choose another "
    f"name, or replace it {INSIDE}.",
    "argument": "{0} cannot be sent to the student's code: send numbers, strings, arrays, lists or functions, or make "
    f"it {INSIDE}.",
    "inherit": f"{{0}} inherits from a student's class, which lives in another process: define it {INSIDE}.",
    "caught": "{0} is a student's class, and the judge gets built-in exceptions: name the built-in one that it is.",
    "reveal": "{0} shows values, and this part is hidden: write check.hidden.{1}.",
    "testing": "{0} prints expected values, and this part is hidden: write check.hidden.close or check.hidden.equal.",
    "silent": "This test asserts nothing, so that every answer would pass: call check.… or write an assert.",
    "score": "The cell ends in an expression, whose value nbgrader reads as the points: end it with a check.",
    "syntax": "The cell is not Python ({0}): mend the line.",
    "probe name": "The probe {0} uses {1}, which the student's process may not have: pass it as an argument, make it "
    "inside the probe, or move it to a setup cell.",
    "probe check": "The probe {0} judges, where the student's code could interfere: return values, check them outside.",
    "probe verdict": "The probe {0} returns a verdict, which a student's code could forge: return the values that it "
    "rests on, and compare them outside.",
    "probe nothing": "The probe {0} returns nothing, so it proves nothing: return values for the test to check.",
    "probe secret": "The probe {0} holds {1}, which a check of this cell expects, and students' code can read a probe: "
    "pass inputs as arguments, keep expected values outside.",
}
