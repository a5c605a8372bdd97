"""An honest second device for computers without a GPU, and a runner that puts a notebook on it.

`install()` adds the device ``standin:0`` to PyTorch, for this process and for good. It is a backend like any other:
its tensors carry PyTorch's own key for outside backends (PrivateUse1), so ``.device``, autograd, ``nn.Module.to`` and
the device checks inside PyTorch treat them as they treat CUDA tensors. Their memory is ordinary memory with another
label on it: DLPack hands the same bytes over as a standin tensor or as a CPU tensor. One fallback kernel serves nearly
every operation: refuse CPU tensors where CUDA refuses them, take off the label, compute on the CPU, put the label back.
So all numbers are real, and whoever forgets a tensor on the CPU is told so.

What it cannot show: CUDA's own rounding and speed, operations that run on after the call returns, an index out of range
that ends the process, a device generator handed to a CPU operation. It has no mixed precision, no LSTM or GRU cell
(CUDA has fused ones), no sparse or quantised tensors; each of these raises NotImplementedError or says so.

Run as a program, the file executes the code cells of a notebook with `course_utils.device()` being the stand-in:
``python tests/helpers/standin_device.py notebook.ipynb report.json``. `run_notebook` calls that in a fresh process.
"""

import contextlib
import ctypes
import importlib.abc
import importlib.util
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # as a program, it is started with tests/ first

from course_author.proof import cells  # noqa: E402

NAME = "standin"
STANDIN_CODE, CPU_CODE = 12, 1  # DLPack's codes: kDLExtDev and kDLCPU
SEED_SHIFT = 0x5EED  # like CUDA's, the device's random numbers are not the CPU's under the same seed
VIEWS = ("as_strided", "view", "_reshape_alias", "unfold", "view_as_real", "view_as_complex", "view.dtype")
SETTERS = ("set_.source_Tensor", "set_.source_Storage", "set_.source_Storage_storage_offset")
# The tensors of these arguments may lie on the CPU, as on CUDA: indices are carried over.
INDEX_OPS = {"index", "index_put", "index_put_", "_index_put_impl", "_index_put_impl_", "_unsafe_index"}
# Not tagged as pointwise, and yet CUDA takes a CPU scalar tensor there.
SCALAR_OPS = {"fill", "fill_", "masked_fill", "masked_fill_", "index_fill", "index_fill_"}

_operations = 0
_lock = threading.RLock()  # autograd runs the device's backward pass in a thread of its own
_keep = []  # libraries must live as long as the process
_generators = {}  # the device's generators by their address in PyTorch, which hands kernels a new object each time


def operations() -> int:
    """How many operations on tensors of the stand-in this process has done; making an empty tensor is none."""
    return _operations


# --- memory: one block of bytes under two labels ---------------------------------------------------------------------


def _relabel(tensor, code):
    """Return a tensor on the same memory that says it is on the other device."""
    import torch

    capsule = torch._C._to_dlpack(tensor)
    pointer = _capsule_pointer(capsule, b"dltensor")
    device = ctypes.cast(pointer + ctypes.sizeof(ctypes.c_void_p), ctypes.POINTER(ctypes.c_int32))
    device[0], device[1] = code, 0  # DLTensor: the data's address, then the device's type and index
    return torch._C._from_dlpack(capsule)


_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def _on_standin(tensor) -> bool:
    return tensor.device.type == NAME


def _to_cpu(value):
    """Take the label off: tensors, lists of tensors, devices and generators of the stand-in become the CPU's."""
    import torch

    if isinstance(value, torch.Tensor):
        return _relabel(value, CPU_CODE) if _on_standin(value) else value
    if isinstance(value, torch.device):
        return torch.device("cpu") if value.type == NAME else value
    if isinstance(value, (list, tuple)):
        return type(value)(_to_cpu(item) for item in value)
    return value


def _to_standin(value):
    import torch

    if isinstance(value, torch.Tensor):
        return value if _on_standin(value) else _relabel(value, STANDIN_CODE)
    if isinstance(value, (list, tuple)):
        return type(value)(_to_standin(item) for item in value)
    return value


# --- the fallback kernel ---------------------------------------------------------------------------------------------


def _count():
    global _operations
    _operations += 1


def _tensors(value):
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)


def _refuse_mixed(op, bound, written):
    """Raise as CUDA does when a tensor of this call lies on the CPU and may not."""
    import torch

    if not any(_on_standin(tensor) for value in bound.values() for tensor in _tensors(value)):
        return
    _count()
    name = op._schema.name.split("::")[1]
    scalars_may = torch.Tag.pointwise in op.tags or name in SCALAR_OPS or name in INDEX_OPS
    for argument, value in bound.items():
        if argument == "indices" and name in INDEX_OPS:
            continue
        for tensor in _tensors(value):
            if _on_standin(tensor) or (scalars_may and tensor.dim() == 0 and argument not in written):
                continue
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but got {argument} is on {tensor.device}, different "
                f"from other tensors on {NAME}:0 (when checking argument in method {name} of the stand-in device)"
            )


@contextlib.contextmanager
def _random_numbers(op, bound):
    """Draw from the device's own generator, so that the CPU's stream of random numbers stays where it is."""
    import torch

    if torch.Tag.nondeterministic_seeded not in op.tags:
        yield
        return
    given = bound.get("generator")
    if given is not None and given._cdata not in _generators:
        raise RuntimeError(f"Expected a '{NAME}' device type for generator but found '{given.device.type}'")
    source = torch.standin.generator if given is None else given
    cpu = torch.default_generator
    before = cpu.get_state()
    cpu.set_state(source.get_state())
    try:
        yield
    finally:
        source.set_state(cpu.get_state())
        cpu.set_state(before)


def _compute(op, *args, **kwargs):
    """Serve one operation of the stand-in: check devices, compute on the CPU, label what comes out."""
    schema = op._schema
    bound = dict(zip((argument.name for argument in schema.arguments), args, strict=False)) | kwargs
    written = {argument.name for argument in schema.arguments if argument.alias_info and argument.alias_info.is_write}
    _refuse_mixed(op, bound, written)
    with _lock, _random_numbers(op, bound):
        cpu = {name: _to_cpu(value) for name, value in bound.items()}
        outputs = _fresh_outputs(schema, cpu)
        if cpu.get("generator") is not None:
            cpu["generator"] = None  # its state is already in the CPU's default generator
        result = op(**cpu)
        _fill_outputs(bound, outputs)
    return _label_results(op, bound, result)


def _fresh_outputs(schema, cpu):
    """Give the CPU kernel empty tensors for ``out=``: it may resize them, which memory over DLPack does not allow."""
    import torch

    outputs = {}
    for argument in schema.arguments:
        given = cpu.get(argument.name)
        is_output = argument.kwarg_only and argument.alias_info is not None and argument.alias_info.is_write
        if is_output and isinstance(given, torch.Tensor):
            outputs[argument.name] = cpu[argument.name] = torch.empty(0, dtype=given.dtype)
    return outputs


def _fill_outputs(bound, outputs):
    """Copy the CPU kernel's outputs into the caller's tensors, which take new memory where the shape differs."""
    for name, host in outputs.items():
        if bound[name].shape == host.shape:
            _to_cpu(bound[name]).copy_(host)
        else:
            bound[name].set_(_to_standin(host))


def _label_results(op, bound, result):
    """Return the caller's own tensors for what was written in place, labelled tensors for what is new."""
    returns = op._schema.returns
    if not returns:
        return None
    labelled = []
    for kind, value in zip(returns, [result] if len(returns) == 1 else result, strict=True):
        if kind.alias_info is None:
            labelled.append(_to_standin(value))
        elif kind.alias_info.is_write:
            labelled.append(bound[_argument_written_as(op, kind)])
        else:
            raise NotImplementedError(f"{op} returns a view: name it in VIEWS of tests/helpers/standin_device.py")
    return labelled[0] if len(returns) == 1 else tuple(labelled)


def _argument_written_as(op, kind):
    names = [
        a.name for a in op._schema.arguments if a.alias_info and a.alias_info.before_set & kind.alias_info.before_set
    ]
    return names[0]


# --- the few operations that need a kernel of their own --------------------------------------------------------------


def _copy_(self, src, non_blocking=False):
    """Copy between the devices: the one operation that may always see both."""
    _count()
    with _lock:
        _to_cpu(self).copy_(_to_cpu(src))
    return self


def _resize_(self, size, *, memory_format=None):
    """Resize as PyTorch does: the elements stay, in order, and memory is renewed when it must grow."""
    import torch

    _count()
    host = torch.empty(0, dtype=self.dtype).resize_(size)
    held = _to_cpu(self.as_strided((self.untyped_storage().nbytes() // self.element_size(),), (1,), 0))
    kept = min(held.numel(), host.numel())
    host.view(-1)[:kept].copy_(held[:kept])
    return self.set_(_to_standin(host))


def _convolution(*args):
    """Convolve: PyTorch asks outside backends for this one by a name of its own, without checking devices."""
    import torch

    return _compute(torch.ops.aten.convolution.default, *args)


def _convolution_backward(grad_output, input, weight, *args):
    import torch

    *settings, output_mask = args
    backward = torch.ops.aten.convolution_backward.default
    return _compute(backward, grad_output, input, weight, [grad_output.shape[1]], *settings, output_mask)


def _register_kernels():
    import torch

    everything = torch.library.Library("_", "IMPL")
    everything.fallback(_compute, "PrivateUse1")
    aten = torch.library.Library("aten", "IMPL")
    cpu_key = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)

    def cpu_kernel(op):
        """Make a kernel that only moves sizes and strides about: PyTorch's own for the CPU does that for any device."""

        def kernel(*args, **kwargs):
            _count()
            return op.redispatch(cpu_key, *args, **kwargs)

        return kernel

    for name in VIEWS + SETTERS:
        base, _, overload = name.partition(".")
        aten.impl(name, cpu_kernel(getattr(getattr(torch.ops.aten, base), overload or "default")), "PrivateUse1")
    aten.impl("copy_", _copy_, "PrivateUse1")
    aten.impl("resize_", _resize_, "PrivateUse1")
    # Module.to then keeps its Parameter objects and gives them new memory, as it does for CUDA.
    aten.impl("_has_compatible_shallow_copy_type", lambda tensor, other: True, "PrivateUse1")
    aten.impl("convolution_overrideable", _convolution, "PrivateUse1")
    aten.impl("convolution_backward_overrideable", _convolution_backward, "PrivateUse1")
    # Pinned memory makes CUDA's copies faster and changes no number: DataLoader(pin_memory=True) gets plain memory.
    aten.impl("_pin_memory", lambda tensor, device=None: tensor.clone(), "CPU")
    _keep.extend([everything, aten])


# --- what stands around the kernels: torch.standin, generators, storages ---------------------------------------------


def _backend_module():
    """Make the module `torch.standin`, which PyTorch asks for seeds and the number of devices."""
    from torch.utils import backend_registration

    class Module(backend_registration._DummyBackendModule):
        generator = None

        def manual_seed_all(self, seed):
            self.generator.manual_seed(int(seed) ^ SEED_SHIFT)

        manual_seed = manual_seed_all

        def get_rng_state(self, device=NAME):
            return self.generator.get_state()

        def set_rng_state(self, state, device=NAME):
            self.generator.set_state(state)

        def synchronize(self, device=None):
            """Return at once: every operation has ended when it returns."""

        def get_amp_supported_dtype(self):
            import torch

            return [torch.float16, torch.bfloat16]

        def device(self, index):
            """Make the device current, as a context: there is only this one."""
            return contextlib.nullcontext()

    return Module()


def _add_generators(module):
    """Let ``torch.Generator(device="standin")`` work; a device generator is a CPU one with the device's label."""
    import torch

    plain = torch.Generator

    class Kind(type):
        def __instancecheck__(cls, thing):
            return isinstance(thing, plain)

        def __call__(cls, device="cpu"):
            return OnStandin() if torch.device(device).type == NAME else plain(device)

    class Generator(metaclass=Kind):
        """Stands for `torch.Generator` and makes the device's generators too."""

    class OnStandin(plain):
        device = property(lambda self: torch.device(NAME, 0))

        def __init__(self, device=None):
            _generators[self._cdata] = self

    torch.Generator = Generator
    module.generator = OnStandin()
    module.manual_seed_all(torch.initial_seed())


def _add_storages():
    """Let `deepcopy` and `torch.load` make storages on the device: the backend brings no allocator, `empty` does."""
    import torch

    base = torch.storage._StorageBase
    plain_clone, plain_to = base.clone, base.to

    def new_storage(size):
        return torch.empty(size, dtype=torch.uint8, device=NAME).untyped_storage()

    def clone(self):
        return new_storage(self.nbytes()).copy_(self) if self.device.type == NAME else plain_clone(self)

    def to(self, *, device, non_blocking=False):
        if torch.device(device).type != NAME:
            return plain_to(self, device=device, non_blocking=non_blocking)
        return self if self.device.type == NAME else new_storage(self.nbytes()).copy_(self)

    base.clone, base.to = clone, to
    base.standin = lambda self, device=NAME, non_blocking=False: to(self, device=device)


def install():
    """Add the device `standin` to PyTorch in this process; a second call does nothing."""
    import torch
    from torch.utils import backend_registration

    if _keep:
        return
    module = _backend_module()
    backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=module)
    torch.accelerator.synchronize = module.synchronize
    _register_kernels()
    _add_generators(module)
    _add_storages()


# --- notebooks on the stand-in ---------------------------------------------------------------------------------------


def run_notebook_on_standin(path, **options) -> list:
    """Run a notebook's code cells with `course_utils.device()` being the stand-in; return the failing cells.

    A cell tagged ``raises-exception`` may raise NotImplementedError, and nothing else. A notebook that imports torch
    and never computes on the stand-in fails as a whole: nothing of it would have run on a student's GPU either.
    """
    return run_notebook(path, **options).failures


def run_notebook(path, timeout=900) -> cells.Report:
    """Run a notebook on the stand-in, in a process of its own: course_author/proof/cells.py says how."""
    # A hard-coded "cuda" must fail on a computer with a GPU as well.
    environment = {"COURSE_DEVICE": NAME, "CUDA_VISIBLE_DEVICES": ""}
    return cells.run_notebook(path, environment, [str(Path(__file__).resolve())], timeout)


class _InstallAfterTorch(importlib.abc.MetaPathFinder):
    """Install the stand-in right after the first import of torch, whoever imports it; else torch stays unloaded."""

    def find_spec(self, name, path, target=None):
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def load_and_install(module):
            load(module)
            install()

        spec.loader.exec_module = load_and_install
        return spec


if __name__ == "__main__":
    sys.modules["standin_device"] = sys.modules["__main__"]  # one stand-in, also for a cell that imports this file
    sys.meta_path.insert(0, _InstallAfterTorch())
    sys.exit(cells.run_program(sys.argv[1:], operations))
