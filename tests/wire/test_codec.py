"""The codec: every value comes back exactly, and no bytes do anything but give a value or a CodecError."""

import collections
import enum
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import tracemalloc
import warnings
from pathlib import Path, PurePosixPath, PureWindowsPath

import fuzz_codec
import numpy as np
import pytest
import torch
from fuzz_codec import ROOT, array, count, keys, message, whole
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from course_grader.wire import codec
from course_grader.wire.codec import Caps, CodecError, Ext, decode, encode

pytestmark = pytest.mark.part("grader")
set_hypothesis_home_dir(Path(tempfile.gettempdir(), "course-test-hypothesis"))  # not into the checkout
settings.register_profile(
    "codec", database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile("codec")
HOSTILE = fuzz_codec.hostile()
SEEDS = fuzz_codec.seeds()
KINDS = [*codec._DTYPES, "|S3", "<U3", ">U3"]
DTYPES = [getattr(torch, name) for name in codec._TENSOR_DTYPES.split()]


def same(one, other) -> None:
    """Assert that two values cannot be told apart: types, bits, order, flags."""
    assert type(one) is type(other), (one, other)
    if isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif isinstance(one, dict):
        same([part for pair in one.items() for part in pair], [part for pair in other.items() for part in pair])
    elif isinstance(one, set | frozenset):
        same(sorted(one, key=encode), sorted(other, key=encode))
    elif isinstance(one, np.ndarray):
        assert (one.dtype.str, one.shape, one.tobytes("A")) == (other.dtype.str, other.shape, other.tobytes("A"))
        flags = ("C_CONTIGUOUS", "F_CONTIGUOUS", "WRITEABLE", "ALIGNED")
        assert [one.flags[flag] for flag in flags] == [other.flags[flag] for flag in flags] and other.flags.owndata
    elif isinstance(one, torch.Tensor):
        assert (one.dtype, one.shape, one.requires_grad) == (other.dtype, other.shape, other.requires_grad)
        assert bits(one) == bits(other) and other.is_leaf and other.is_contiguous()
        same(one.grad if one.is_leaf else None, other.grad)
    elif isinstance(one, np.random.Generator):
        same(one.bit_generator.state, other.bit_generator.state)
    elif isinstance(one, float):
        assert struct.pack(">d", one) == struct.pack(">d", other)
    elif isinstance(one, complex):
        same((one.real, one.imag), (other.real, other.imag))
    elif isinstance(one, np.generic):
        assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes())
    elif isinstance(one, Ext):
        same((one.kind, one.payload), (other.kind, other.payload))
    else:
        assert one == other


def bits(tensor) -> bytes:
    flat = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes()


def round_trip(value):
    data = encode(value)
    back = decode(data, extend=Ext)
    same(value, back)
    assert encode(back) == data
    return back


# ---------------------------------------------------------------------------------------------------- strategies

texts = st.text(st.characters(), max_size=8)  # surrogates included
floats = st.floats() | st.integers(0, 2**64 - 1).map(lambda n: struct.unpack(">d", n.to_bytes(8, "big"))[0])
paths = st.text("ab/. \ud800", max_size=9).map(Path)


@st.composite
def arrays(draw):
    dtype = np.dtype(draw(st.sampled_from(KINDS)))
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    data = random.Random(draw(st.integers(0, 9))).randbytes(int(np.prod(shape)) * dtype.itemsize)
    values = np.frombuffer(data, f"{dtype.byteorder}u4" if dtype.kind == "U" else dtype).copy()
    if dtype.kind in "bU":
        values = (
            (values.view("u1") % 2).view(dtype)
            if dtype.kind == "b"
            else (values % 0x110000).astype(values.dtype).view(dtype)
        )
    values = values.reshape(shape, order=draw(st.sampled_from("CF")))
    values.flags.writeable = draw(st.booleans())
    return values


@st.composite
def tensors(draw):
    dtype, shape = draw(st.sampled_from(DTYPES)), draw(st.lists(st.integers(0, 3), max_size=3))
    size = int(np.prod(shape)) * dtype.itemsize
    data = random.Random(draw(st.integers(0, 9))).randbytes(size)
    data = bytes(byte % 2 for byte in data) if dtype is torch.bool else data
    tensor = torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape) if data else torch.empty(shape, dtype=dtype)
    if dtype.is_floating_point and draw(st.booleans()):
        tensor.requires_grad_(True)
        if draw(st.booleans()):
            tensor.grad = tensor.detach().clone()
    return tensor


numbers = arrays().filter(lambda values: values.size and values.dtype.isnative and values.dtype.kind not in "SU")
hashable = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | texts | st.binary(max_size=5) | paths | st.just(...),
    lambda part: st.lists(part, max_size=3).map(tuple) | st.frozensets(part, max_size=3),
    max_leaves=5,
)
leaves = (
    hashable
    | st.integers(-(2**2000), 2**2000)
    | st.builds(complex, floats, floats)
    | st.binary(max_size=9).map(bytearray)
    | st.builds(slice, st.none() | st.integers(), st.none() | texts)
    | st.builds(range, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 2**70) | st.integers(-5, -1))
    | st.sampled_from([np.dtype(kind) for kind in [*KINDS, "U0"]] + list(codec._TYPES.values()) + DTYPES)
    | st.sampled_from(["cpu", "cpu:0", "cuda", "cuda:3", "meta"]).map(torch.device)
    | numbers.map(lambda values: values.ravel()[0])
    | texts.map(np.str_)
    | st.binary(max_size=4).map(np.bytes_)
    | arrays()
    | tensors()
)
values = st.recursive(
    leaves,
    lambda part: (
        st.lists(part, max_size=4)
        | st.lists(part, max_size=4).map(tuple)
        | st.dictionaries(hashable, part, max_size=4)
        | st.sets(hashable, max_size=4)
        | st.builds(Ext, texts, part)
    ),
    max_leaves=12,
)


# ---------------------------------------------------------------------------------------------------- round trips


@settings(max_examples=200)
@given(values)
def test_every_value_comes_back_exactly(value):
    round_trip(value)


@pytest.mark.full
@settings(max_examples=5_000)
@given(values)
def test_every_value_comes_back_exactly_at_length(value):
    round_trip(value)


@pytest.mark.parametrize("bits_", [0x7FF0000000000001, 0xFFF8000000000123, 0x7FF0000000000000, 1 << 63])
def test_the_bits_of_a_float_survive(bits_):
    number = struct.unpack(">d", bits_.to_bytes(8, "big"))[0]
    back = decode(encode([number, complex(number, number), np.float64(number)]))
    assert struct.pack(">dddd", back[0], back[1].real, back[1].imag, back[2]) == bits_.to_bytes(8, "big") * 4


def test_lone_surrogates_stay_apart():
    assert [ord(letter) for letter in round_trip("\ud83d\ude00")] == [0xD83D, 0xDE00]


def test_ints_at_the_edges():
    for n in (0, 127, 128, -128, -129, 2**63, -(2**63), 2**65_536 - 1, -(2**65_535)):
        round_trip(n)


def test_order_of_a_dict_is_kept_also_of_an_ordered_one():
    ordered = collections.OrderedDict(a=1, b=2, c=3)
    ordered.move_to_end("a")
    assert list(decode(encode(ordered)).items()) == [("b", 2), ("c", 3), ("a", 1)]
    assert list(round_trip({3: 1, 1: 2, 2: 3})) == [3, 1, 2]


@pytest.mark.parametrize(
    "values_",
    [
        np.arange(24.0).reshape(2, 3, 4)[:, ::2, 1:],
        np.arange(24).reshape(4, 6).T[::2],
        np.arange(9)[::-1],
        np.broadcast_to(np.arange(3), (5, 3)),
        np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2),
    ],
)
def test_other_strides_become_c_order(values_):
    back = decode(encode(values_))
    assert back.flags.c_contiguous and back.tobytes() == values_.tobytes() and back.dtype == values_.dtype
    assert back.flags.writeable == values_.flags.writeable


@pytest.mark.parametrize("name", codec._GENERATORS)
@pytest.mark.parametrize("draw", ["none", "integers", "many"])
def test_a_generator_goes_on_with_the_same_numbers(name, draw):
    rng = np.random.Generator(getattr(np.random, name)(7))
    if draw == "integers":
        rng.integers(0, 9, 3, dtype=np.uint32)  # leaves half a word behind
    elif draw == "many":
        rng.normal(size=1234)
    back = round_trip(rng)
    for draws in (lambda r: r.integers(0, 1000, 2000), lambda r: r.normal(size=999), lambda r: r.permutation(50)):
        assert (draws(rng) == draws(back)).all()


def test_tensors_beyond_the_plain_ones():
    base = torch.arange(6.0).reshape(2, 3)
    z = torch.view_as_complex(torch.arange(8.0).reshape(2, 2, 2))
    for tensor in (base.T, base[:, 1], base.expand(4, 2, 3), z.conj(), z.conj().imag, torch._neg_view(base)):
        back = decode(encode(tensor))
        assert torch.equal(back, tensor.resolve_conj().resolve_neg()) and back.is_contiguous()
    weight = torch.nn.Parameter(base.clone())
    (weight * weight).sum().backward()
    back = decode(encode([weight, weight * 2]))
    assert [type(each) for each in back] == [torch.Tensor] * 2 and all(each.is_leaf for each in back)
    assert back[0].requires_grad and torch.equal(back[0].grad, 2 * base) and back[1].requires_grad
    back[1].sum().backward()  # a leaf of its own
    with torch.no_grad():
        assert decode(encode(weight)).requires_grad


def test_what_comes_back_owns_its_memory():
    data = encode([np.zeros(3), torch.zeros(3), bytearray(3)])
    one, two = decode(data), decode(data)
    for each in one:
        each[:] = each[:] if isinstance(each, bytearray) else 1
    one[2][0] = 9
    assert not two[0].any() and not two[1].any() and two[2] == bytearray(3)
    one[0].resize(5)
    one[1].resize_(9)
    assert encode(two) == data


@pytest.mark.parametrize("form", [bytes, memoryview, lambda data: memoryview(bytearray(data)), bytearray])
def test_bytes_in_any_form(form):
    value = [1, "a", np.arange(3.0), (2.5, b"x")]
    same(decode(form(encode(value))), value)


# ---------------------------------------------------------------------------------------------------- subclasses


def _touched(*_, **__):
    raise AssertionError("an overridden method was called")


METHODS = """
    __iter__ __len__ __getitem__ __reduce__ __reduce_ex__ __getattribute__ __getattr__ __class__ __hash__ __eq__
    __str__ __repr__ __bool__ __int__ __index__ __float__ __complex__ __array__ __array_interface__ __array_struct__
    __buffer__ __bytes__ __fspath__ __format__ __sizeof__ __contains__ __array_finalize__ __torch_function__ encode
    items keys values copy tobytes shape dtype flags detach numpy requires_grad grad real imag bit_length to_bytes
"""


def _liar(base, meta=type):
    lies = {
        name: property(_touched) if name in ("shape", "__class__", "dtype") else _touched for name in METHODS.split()
    }
    del lies["__array_finalize__"]  # runs when an instance is made
    if base is torch.Tensor:
        lies["__torch_function__"] = classmethod(_touched)
    return meta("Liar", (base,), lies)


class Meta(type):
    __hash__ = __eq__ = __getattribute__ = __instancecheck__ = _touched


@pytest.mark.parametrize("value", [7, 2.5, 1 - 2j, "text", b"ab", (1, [2]), (), "", 0, -(2**70)])
@pytest.mark.parametrize("meta", [type, Meta])
def test_a_subclass_is_read_past_its_lies(value, meta):
    liar = type(value).__new__(_liar(type(value), meta), value)
    same(decode(encode([liar]))[0], value)


@pytest.mark.parametrize("value", [[1, (2,)], {"a": 1, "b": 2}, {1, 2}, bytearray(b"ab"), frozenset((1,))])
def test_a_container_subclass_is_read_past_its_lies(value):
    base = type(value)
    liar = base.__new__(_liar(base), value)
    base.__init__(liar, value)
    same(decode(encode([liar]))[0], value)


def test_an_array_subclass_is_read_past_its_lies():
    plain = np.arange(6.0).reshape(2, 3)
    liar = plain.view(_liar(np.ndarray))
    type(liar).__array_finalize__ = _touched
    same(plain, decode(encode([liar]))[0])
    same(decode(encode([np.float64.__new__(_liar(np.float64), 2.5)]))[0], np.float64(2.5))
    same(decode(encode(np.ma.array([1.0, 2.0]))), np.array([1.0, 2.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        same(decode(encode(np.matrix([[1.0, 2.0]]))), np.array([[1.0, 2.0]]))


def test_a_tensor_subclass_is_read_past_its_lies():
    with torch._C.DisableTorchFunctionSubclass():
        liar = torch.arange(3.0).as_subclass(_liar(torch.Tensor))
        loud = torch.arange(3.0).as_subclass(
            type("Loud", (torch.Tensor,), {"__torch_function__": classmethod(_touched)})
        )
    same(decode(encode([liar, loud])), [torch.arange(3.0)] * 2)


def test_a_tensor_with_kernels_of_its_own_is_refused():
    class Wrapper(torch.Tensor):
        @staticmethod
        def __new__(cls):
            return torch.Tensor._make_wrapper_subclass(cls, (2, 3))

        @classmethod
        def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
            raise KeyError("anything")

    with pytest.raises(CodecError):
        encode(Wrapper())


def test_familiar_subclasses():
    class Level(enum.IntEnum):
        HIGH = 3

    class Word(enum.StrEnum):
        A = "a"

    pair = collections.namedtuple("pair", "x y")
    default, counter = collections.defaultdict(list, a=1), collections.Counter("aab")
    back = decode(encode([Level.HIGH, Word.A, pair(1, 2), default, counter, torch.Size((2, 3)), PurePosixPath("a/b")]))
    same(back, [3, "a", (1, 2), {"a": 1}, {"a": 2, "b": 1}, (2, 3), Path("a/b")])


# ---------------------------------------------------------------------------------------------------- refusals


class Own:
    pass


def _recursive():
    value = [1]
    value.append(value)
    return value


def _deep():
    value = 0
    for _ in range(64):
        value = [value]
    return value


def _wide(levels):
    """One list twice in a list that is twice in a list: little memory, 2**levels parts."""
    value = [0] * 10
    for _ in range(levels):
        value = [value, value]
    return value


TOO_WIDE = _wide(40)
REFUSED = {
    "object": Own(),
    "class": Own,
    "function": _deep,
    "module": os,
    "object array": np.array([None]),
    "structured array": np.zeros(2, [("a", "f8")]),
    "structured dtype": np.dtype([("a", "f8")]),
    "record in disguise": np.dtype((np.int32, {"a": (np.int16, 0), "b": (np.int16, 2)})),
    "subarray dtype": np.dtype(("f8", 2)),
    "dates": np.zeros(2, "M8[s]"),
    "a date": np.datetime64(0, "s"),
    "longdouble": np.zeros(2, np.longdouble),
    "a longdouble": np.longdouble(1),
    "void": np.void(b"ab"),
    "strings of any length": np.array(["a"], np.dtypes.StringDType()),
    "elements of no size": np.ndarray((3,), [("a", "U0"), ("b", "f8")])["a"],
    "recursion": _recursive(),
    "depth": [_deep()],
    "int": 1 << 65_537,
    "range": range(10**7),
    "huge range": range(10**30),
    "text": "a" * (8 << 20) + "b",
    "text that grows": "\U0001f600" * (3 << 20),
    "bytes": bytes((8 << 20) + 1),
    "array": np.broadcast_to(0.0, (10**12,)),
    "rows of nothing": np.zeros((10**8, 0)),
    "dtype too wide": np.dtype("U99999999"),
    "array of long text": np.zeros(1, "U20000000"),
    "sparse tensor": torch.eye(2).to_sparse(),
    "meta tensor": torch.zeros(2, device="meta"),
    "tensor of bits": torch.empty(2, dtype=torch.bits8),
    "torch generator": torch.Generator(),
    "random state": np.random.RandomState(1),
    "expanded tensor": torch.zeros(1).expand(10**12),
    "many axes": torch.zeros((1,) * 33),
    "generator": (n for n in range(3)),
    "iterator": iter([1]),
    "whole": [np.zeros(4 << 20) for _ in range(3)],
    "path": Path("a/" * 20_000),
    "enum": enum.Enum("Kind", "A").A,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_form_is_refused(name):
    with pytest.raises(CodecError) as error:
        encode(REFUSED[name])
    assert re.fullmatch(r"[A-Z][^\n]*[a-z)'0-9]\.", str(error.value)) and error.value.__cause__ is None


def test_a_bit_generator_of_the_students_own_is_refused():
    class PCG64:
        capsule = np.random.PCG64(1).capsule
        lock = np.random.PCG64(1).lock
        state = property(_touched)

    with pytest.raises(CodecError):
        encode(np.random.Generator(PCG64()))


@pytest.mark.parametrize(
    "caps, good, bad",
    [
        (Caps(depth=2), [[1]], [[[1]]]),
        (Caps(depth=2), {1: (2,)}, {(1, (2,)): 3}),
        (Caps(items=7), [1] * 5, [1] * 6),
        (Caps(items=10_000), _wide(5), TOO_WIDE),
        (Caps(items=20), np.zeros((6, 0)), np.zeros((18, 0))),
        (Caps(array_bytes=64), np.zeros(8), np.zeros(9)),
        (Caps(array_bytes=64), torch.zeros(16), torch.zeros(17)),
        (Caps(ndim=2), np.zeros((1, 1)), np.zeros((1, 1, 1))),
        (Caps(string_bytes=4), "\u20aca", "\u20ac\u20ac"),
        (Caps(string_bytes=4), bytearray(4), b"12345"),
        (Caps(int_bits=16), 65_535, 65_536),
        (Caps(total_bytes=20), b"a" * 17, b"a" * 18),
        (Caps(total_bytes=41), np.zeros(4), np.zeros(5)),
    ],
)
def test_both_sides_hold_the_same_caps(caps, good, bad):
    same(decode(encode(good, caps=caps), caps=caps), good)
    with pytest.raises(CodecError):
        encode(bad, caps=caps)
    if bad is not TOO_WIDE:
        with pytest.raises(CodecError):
            decode(encode(bad), caps=caps)


def test_a_short_stack_is_a_refusal_too():
    def deep(value, levels):
        return deep(value, levels - 1) if levels else value()

    data = encode(_deep())
    room = sys.getrecursionlimit() - len(list(_frames())) - 60
    for call in (lambda: decode(data), lambda: encode(_deep())):
        with pytest.raises(CodecError):
            deep(call, room)


def _frames():
    frame = sys._getframe()
    while frame:
        yield frame
        frame = frame.f_back


# ---------------------------------------------------------------------------------------------------- extensions


def test_extend_sees_all_but_the_plain_and_may_stand_in():
    seen = []

    def out(value):
        seen.append(type(value))
        return Ext("own", [1, "name"]) if type(value) is Own else NotImplemented

    data = encode([1, 2.5, "a", b"b", None, True, 1j, {"k": Own()}, ..., np.zeros(1)], extend=out)
    assert seen == [list, dict, Own, list, type(...), np.ndarray]
    assert encode(Ext("k", 1), extend=_touched) == encode(Ext("k", 1))
    assert decode(data, extend=lambda kind, payload: (kind, payload))[7] == {"k": ("own", [1, "name"])}


def test_extend_stays_out_of_the_parts_that_must_be_plain():
    leaf = torch.ones(2, requires_grad=True)
    leaf.grad = torch.ones(2)
    data = encode(leaf, extend=lambda value: NotImplemented if value is leaf else Ext("other", None))
    assert decode(data).grad is not None


@pytest.mark.parametrize("answer", [3, None, ("own", 1), Own()])
def test_extend_that_returns_anything_else(answer):
    with pytest.raises(TypeError):
        encode([Own()], extend=lambda value: answer if type(value) is Own else NotImplemented)


def test_errors_of_extend_pass_through():
    def refuse(kind, payload):
        raise KeyError(kind)

    with pytest.raises(KeyError):
        decode(encode(Ext("own", 1)), extend=refuse)
    with pytest.raises(CodecError):
        encode([Own()], extend=lambda value: Ext("own", value))  # for ever


def test_objects_of_extend_are_never_compared():
    compared = []

    class Same:
        def __eq__(self, other):
            compared.append(other)
            return False

        def __hash__(self):
            return 7

    data = message(keys([b"X" + count(1) + b"k" + whole(n) for n in range(3)]))
    with pytest.raises(CodecError):
        decode(data, extend=lambda kind, payload: Same())
    two = message(keys([b"X" + count(1) + b"k" + whole(1), whole(7)]))
    with pytest.raises(CodecError):
        decode(two, extend=lambda kind, payload: Same())
    assert not compared
    assert len(decode(data, extend=lambda kind, payload: Own())) == 3


# ---------------------------------------------------------------------------------------------------- hostile bytes


def accepted(data: bytes) -> bool:
    return fuzz_codec.check(data)


@pytest.mark.parametrize("name", [name for name in HOSTILE if len(HOSTILE[name]) < 500_000])
def test_a_hostile_message_is_refused(name):
    with pytest.raises(CodecError) as error:
        decode(HOSTILE[name])
    assert re.fullmatch(r"[A-Z][^\n]*\.", str(error.value)), str(error.value)


CHILD = """
import resource, sys
sys.path.insert(0, {tests!r})
import fuzz_codec
from course_grader.wire import codec
messages = fuzz_codec.hostile()
for data in fuzz_codec.seeds():
    codec.decode(data, extend=codec.Ext)
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (320 << 20),) * 2)
for name, data in messages.items():
    try:
        codec.decode(data)
    except codec.CodecError:
        continue
    raise SystemExit(f"accepted: {{name}}")
print("refused", len(messages))
"""


def child(*arguments, timeout=300, **options):
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=timeout, **options
    )


def test_hostile_messages_fit_into_little_memory():
    """A process that may take 320 MB more refuses them all, the 2-million-node ones included."""
    done = child("-c", CHILD.format(tests=str(ROOT / "tests" / "helpers")))
    assert done.stdout == f"refused {len(HOSTILE)}\n", done.stdout + done.stderr[-2000:]


@pytest.mark.parametrize("name", [name for name in HOSTILE if len(HOSTILE[name]) < 50_000])
def test_a_small_hostile_message_takes_little_memory(name):
    tracemalloc.start()
    try:
        with pytest.raises(CodecError):
            decode(HOSTILE[name])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200_000 + 60 * len(HOSTILE[name])


BOMBS = {
    "sets": b"S\0",
    "sets of one": b"S\1N",
    "sets of 5": keys([whole(n) for n in range(5)], b"S"),
    "frozensets of 20": keys([whole(n) for n in range(20)], b"Z"),
    "dicts": b"{\0",
    "dicts of one": b"{\1NN",
    "dicts of 6": keys([whole(n) for n in range(6)]),
    "lists of one": b"[\1N",
    "tuples": b"(\1N",
    "texts": b"s\4a\xe2\x82\xac",
    "letters": b"s\1a",
    "numpy texts": b"u\1a",
    "ints": whole(1 << 60),
    "arrays": array("|u1", (1,), b"a"),
    "empty arrays": array("<U1000", (0,)),
    "arrays of 32 axes": array("|u1", (1,) * 32, b"a"),
    "empty arrays of 32 axes": array("|u1", (0,) * 32),
    "dtypes": b"d\3<U7",
    "numbers": b"n\3<f8" + bytes(8),
    "paths": b"/\x15" + b"a/" * 10 + b"a",
    "slices": b":NNN",
    "ranges": b"r" + 2 * whole(1 << 40) + whole(1),
}


@pytest.mark.parametrize("name", BOMBS)
def test_many_small_parts_cost_what_their_caps_say(name):
    """About 100 bytes for each unit of `items`: memory follows the caps, whatever the parts are."""
    caps, node = Caps(items=30_000), BOMBS[name]
    reader = codec._Reader(message(node)[1:], None, caps)
    reader.node()
    number = 29_000 // (caps.items - reader.items)
    data = message(b"[" + count(number) + node * number)
    tracemalloc.start()
    try:
        value = decode(data, caps=caps)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(value) == number and peak < 130 * caps.items + 2 * len(data)
    more = caps.items // (caps.items - reader.items) + 2
    with pytest.raises(CodecError):
        decode(message(b"[" + count(more) + node * more), caps=caps)


@pytest.mark.parametrize("node", [b"s" + b"\xff" * 1000, b"[" + count(1001) + b"N" * 1000])
def test_a_lie_about_length_is_found_before_the_rest_is_read(node):
    reader = codec._Reader(node, None, codec.CAPS)
    with pytest.raises(CodecError):
        reader.node()
    assert reader.pos <= 10


def test_few_colliding_keys_are_honest():
    grid = {(a, b, c, d): 1 for a in (-1, -2) for b in (-1, -2) for c in (-1, -2) for d in (-1, -2)}
    assert len({hash(key) for key in grid}) == 1
    round_trip(grid)
    round_trip({frozenset([-1]), frozenset([-2])})
    for zero in (0, False, 0.0, -0.0, 0j, np.int64(0), np.float32(0)):
        round_trip({zero: 1, "": 2, b"": 3})
    round_trip({(0,), ("",), (b"",), Path("a"), ("a",), Path(), ()})
    round_trip({(np.int64(-1), "a"), (np.int64(-2), "a"), frozenset([np.int64(-1)]), frozenset([np.int64(-2)])})
    round_trip({np.int64(-1): 1, np.int64(-2): 2, 2**61 - 3: 3})
    round_trip({float("nan"): 1, complex("nan"): 2})


def test_a_large_dict_and_set():
    round_trip({n: -n for n in range(20_000)})
    round_trip({str(n) for n in range(20_000)})


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_good_messages_cut_and_continued(seed):
    data = SEEDS[seed]
    assert accepted(data)
    for end in range(min(len(data), 200)):
        assert not accepted(data[:end])
    assert not accepted(data + b"\0") and not accepted(data + b"N")


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_every_flipped_bit_of_a_good_message(seed):
    data = SEEDS[seed]
    for position in range(min(len(data), 60)):
        for bit in range(8):
            other = bytearray(data)
            other[position] ^= 1 << bit
            accepted(bytes(other))


def mutated(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at, action = rng.randrange(len(out) + 1), rng.randrange(6)
        if action == 0:
            out[at : at + 1] = rng.randbytes(1)
        elif action == 1:
            out[at:at] = rng.choice(SEEDS)[1:] if rng.random() < 0.7 else rng.randbytes(rng.randint(1, 9))
        elif action == 2:
            del out[at : at + rng.randint(1, 5)]
        elif action == 3:
            out[at : at + 1] = bytes([rng.choice(b"NTF.ifcsbB([{SZ:r/danuvytDVGX")])
        elif action == 4:
            out[at : at + 1] = count(rng.choice((0, 1, 2, 127, 128, 2**32, 2**62, 2**63 - 1)))
        else:
            out[at:at] = out[rng.randrange(len(out) + 1) :][: rng.randint(1, 60)]
    return bytes(out)


@settings(max_examples=100)
@given(values, st.integers(0, 2**32))
def test_mutations_of_good_messages(value, seed):
    """Each gives a value that is written as this very message, or a CodecError, and nothing else."""
    rng, data = random.Random(seed), encode(value)
    for _ in range(10):
        accepted(mutated(rng, data))


@pytest.mark.full
def test_mutations_of_good_messages_at_length():
    rng = random.Random(1)
    for _ in range(300_000):
        accepted(mutated(rng, rng.choice(SEEDS)))


needs_atheris = pytest.mark.skipif(not hasattr(fuzz_codec, "atheris"), reason="no atheris here to fuzz the codec with")


def fuzz(folder, *options, **more):
    return child("tests/helpers/fuzz_codec.py", *options, f"-artifact_prefix={folder}/", **more)


@needs_atheris
def test_the_fuzzer_finds_nothing_in_a_few_seconds(tmp_path):
    done = fuzz(tmp_path, "-runs=5000", "-seed=1")
    assert done.returncode == 0 and "Done 5000 runs" in done.stderr, done.stderr[-3000:]


@needs_atheris
@pytest.mark.full
def test_the_fuzzer_finds_nothing_in_five_minutes(tmp_path):
    done = fuzz(tmp_path, "-max_total_time=300", "-max_len=6000", timeout=900)
    assert done.returncode == 0 and "Done " in done.stderr, done.stderr[-3000:]


@needs_atheris
def test_the_fuzzer_can_find_something(tmp_path):
    """A codec that does not look whether a set is sorted has a second form for a value, and the fuzzer says so."""
    for name in (
        "course_grader/__init__.py",
        "course_grader/wire/__init__.py",
        "course_grader/wire/codec.py",
        "tests/helpers/fuzz_codec.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    file = tmp_path / "course_grader" / "wire" / "codec.py"
    sound = file.read_text()
    assert sound.count("_require(before >= last,") == 1
    file.write_text(sound.replace("_require(before >= last,", "_require(True,"))
    done = child(str(tmp_path / "tests" / "helpers" / "fuzz_codec.py"), "-runs=5000", f"-artifact_prefix={tmp_path}/")
    assert done.returncode != 0 and "which is written as" in done.stderr + done.stdout


# ---------------------------------------------------------------------------------------------------- the format


def test_the_table_of_the_format_names_every_tag():
    """The docstring's table, the readers and the known good messages have the same tags."""
    rows = re.findall(r"^\| ((?:\S )+)\|.*\|.*\|$", codec.__doc__, re.M)
    tags = {tag for row in rows for tag in row.split()} - {"tag", "---"}
    assert tags == set(codec._READ) == {chr(data[1]) for data in SEEDS} | set("FT")


@pytest.mark.parametrize(
    "value, data",
    [
        (None, b"\1N"),
        ([1, -1], b"\1[\2i\1\1i\1\xff"),
        ("\u20ac", b"\1s\3\xe2\x82\xac"),
        (1.5, b"\1f\x3f\xf8\0\0\0\0\0\0"),
        ({"a": True}, b"\1{\1s\1aT"),
        ({3, 1, 2}, b"\1S\3i\1\1i\1\2i\1\3"),
        (np.array([[1, 2]], ">i2"), b"\1a\0\3>i2\2\1\2\0\1\0\2"),
        (b"x" * 200, b"\1b\xc8\1" + b"x" * 200),
        (Ext("k", None), b"\1X\1kN"),
    ],
)
def test_the_bytes_are_those_of_the_table(value, data):
    assert encode(value) == data


def test_numbers_and_arrays_do_not_import_torch():
    use = "decode(encode([1, {2: 'a'}]))"
    code = f"import sys; from course_grader.wire.codec import *; {use}; print('torch' in sys.modules)"
    assert child("-c", code).stdout == "False\n"


def test_windows_paths_go_as_text():
    assert decode(encode(PureWindowsPath("a/b"))) == Path("a\\b")
