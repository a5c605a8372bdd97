"""Hostile messages for the codec, and an atheris fuzzer that makes more: python tests/helpers/fuzz_codec.py -runs=N.

Options are libFuzzer's. The rule that every message is held against: decoding gives a CodecError, or a value whose
encoding is that very message (so nothing is believed, and nothing has a second form).
"""

import contextlib
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

with contextlib.suppress(ImportError):
    import atheris


def _codec():
    from course_grader.wire import codec

    return codec


def message(node: bytes) -> bytes:
    return b"\1" + node


def count(value: int) -> bytes:
    """A varint."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def text(value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return count(len(value)) + value


def whole(value: int) -> bytes:
    return b"i" + text(value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def array(dtype: str, shape: tuple, data: bytes = b"", flags: int = 0, tag: bytes = b"a") -> bytes:
    return tag + bytes([flags]) + text(dtype) + count(len(shape)) + b"".join(map(count, shape)) + data


def keys(nodes: list[bytes], tag: bytes = b"{") -> bytes:
    if tag == b"{":
        return tag + count(len(nodes)) + b"".join(node + b"N" for node in nodes)
    return tag + count(len(nodes)) + b"".join(sorted(nodes))


def _floats(a: float, b: float) -> bytes:
    return b"c" + struct.pack(">dd", a, b)


def _twister(pos: int, key: bytes = b"\1\2\3\4" * 624) -> bytes:
    return b"G" + text("MT19937") + key + pos.to_bytes(2, "little")


def _philox(pos: int, has: int = 0) -> bytes:
    return b"G" + text("Philox") + bytes(range(80)) + bytes([pos, has]) + bytes(4)


def _pcg(inc: int, has: int = 0) -> bytes:
    return b"G" + text("PCG64") + bytes(16) + inc.to_bytes(16, "little") + bytes([has]) + bytes(4)


_PRIME = 2**61 - 1


def _twins(number: int, length: int) -> tuple[bytes, bytes]:
    """A tuple of ints, and a NumPy number that has its hash (and is asked for an array if they are compared)."""
    tuples = ((n,) * length for n in range(10_000))
    good = [key for key in tuples if abs(hash(key)) < _PRIME][number]
    node = b"(" + count(length) + whole(good[0]) * length
    return node, b"n" + text("<i8") + struct.pack("<q", hash(good))


def _lengths() -> dict[str, bytes]:
    """Lying lengths: of everything that has one."""
    huge = count(2**62)
    cases = {f"length of {chr(tag)}": bytes([tag]) + huge + b"ab" for tag in b"isbB([{SZ/dynuvDVGX"}
    cases |= {f"64 MB of {chr(tag)}": bytes([tag]) + count(64 << 20) + b"N" for tag in b"isbB([{SZ"}
    cases["lists that all promise the rest"] = b"".join(b"[" + count(2000 - n) for n in range(50)) + b"N" * 900
    cases["length of 10 bytes"] = b"s" + b"\xff" * 9 + b"\x01"
    cases["length that never ends"] = b"s" + b"\x80" * 9 + b"\0"
    cases["length that never ends, of zeros"] = b"s" + b"\x80" * 9
    cases["length in a long form"] = b"s\x83\x00abc"
    cases["nothing"] = b""
    cases["half a float"], cases["half a complex"] = b"f1234", b"c12345678"
    return cases


def _arrays(tag: bytes, eight: str, one: str, boolean: str) -> dict[str, bytes]:
    """Lying shapes, sizes and flags, for NumPy (tag a) and torch (tag t)."""
    name = tag.decode()
    return {
        f"{name}: shape beyond the data": array(eight, (4, 3), bytes(95), tag=tag),
        f"{name}: shape of 2**62": array(eight, (2**62,), bytes(64), tag=tag),
        f"{name}: product overflows to 0": array(eight, (2**32, 2**32), bytes(64), tag=tag),
        f"{name}: product overflows to 64 bits": array(eight, (2**31, 2**31, 2, 2**30, 2), bytes(64), tag=tag),
        f"{name}: a billion rows of nothing": array(eight, (10**9, 0), tag=tag),
        f"{name}: overflow next to 0": array(eight, (2**62, 2**62, 0), tag=tag),
        f"{name}: many empty rows, often": b"[" + count(300) + 300 * array(one, (10**5, 0), tag=tag),
        f"{name}: 33 axes": array(one, (1,) * 33, b"a", tag=tag),
        f"{name}: 2**40 axes": tag + b"\0" + text(one) + count(2**40),
        f"{name}: 20 million axes": tag + b"\0" + text(one) + count(20_000_000) + b"\xff\x7f" * 20_000_000,
        f"{name}: flags": array(one, (2,), b"ab", flags=4, tag=tag),
        f"{name}: a bool of 2": array(boolean, (2,), b"\1\2", tag=tag),
        f"{name}: dtype of objects": array("|O", (1,), bytes(8), tag=tag),
        f"{name}: dtype is no text": array(b"\xff\xfe", (1,), bytes(8), tag=tag),
    }


def _dtypes() -> dict[str, bytes]:
    names = ["O", "|O", "<O8", "object", "f8", "=f8", "<f16", "<c32", "<M8[s]", "|V8", "<f3", "f8,f8", "(2,)f8", "<T16"]
    names += ["<U01", "<U-1", "<U1e3", "|S99999999", "int64"]
    names += ["<U1\n", "<U\u0661", "", "<f8\0", "<U1,O", "U5", "<U"]
    cases = {f"dtype {name!a}": b"d" + text(name) for name in names}
    cases |= {f"array of {name!a}": array(name, (1,), bytes(16)) for name in names}
    cases["U of 400 MB"] = array("<U99999999", (0,))
    cases["U of 64 MB, empty, often"] = b"[" + count(1000) + 1000 * array("<U16777216", (0,))
    cases["U of no size"] = array("<U0", (2**40,))
    cases["S of no size"] = array("|S0", (3,))
    cases["no character"] = array("<U1", (1,), b"\0\0\x11\0")
    cases["no character, other order"] = array(">U1", (1,), b"\0\x11\0\0")
    cases["Fortran order that is C order"] = array("<f8", (3,), bytes(24), flags=1)
    cases["scalar of text"], cases["scalar, foreign order"] = (
        b"n" + text("<U1") + b"a\0\0\0",
        b"n" + text(">f8") + bytes(8),
    )
    cases["scalar bool of 2"] = b"n" + text("|b1") + b"\2"
    return cases


def _tensors() -> dict[str, bytes]:
    plain = array("float32", (2,), bytes(8), tag=b"t")
    needs = array("float32", (2,), bytes(8), flags=3, tag=b"t")
    other = array("float64", (2,), bytes(16), tag=b"t")
    cases = {
        f"tensor of {name}": array(name, (1,), bytes(16), tag=b"t") for name in ("qint8", "load", "complex32", "int4")
    }
    cases |= {
        f"torch dtype {name}": b"D" + text(name) for name in ("qint8", "load", "__class__", "Tensor", "float32\0")
    }
    cases |= {
        f"device {name!a}": b"V" + text(name)
        for name in (
            "",
            "cpu:00",
            "cpu:-1",
            "cuda:999",
            "cuda:0x1",
            "hpu",
            "privateuseone",
            "cpu\n",
            "cuda:" + "9" * 50,
        )
    }
    return cases | {
        "gradient of whole numbers": array("int64", (2,), bytes(16), flags=1, tag=b"t"),
        "gradient of another dtype": needs + other,
        "gradient of another shape": needs + array("float32", (1, 2), bytes(8), tag=b"t"),
        "gradient that is a list": needs + b"[\0",
        "gradient that is an Ext": needs + b"X" + text("k") + plain,
        "gradients of gradients": needs * 500 + plain,
        "gradient is missing": needs,
    }


def _hashes() -> dict[str, bytes]:
    """Keys that collide, and keys whose comparison would run something."""
    ints = [whole(n * _PRIME) for n in range(5000)]
    nested = ints[0]
    for _ in range(40):
        nested = b"(" + count(2) + nested + nested[:20]
    pair, number = _twins(0, 2)
    one, first = _twins(0, 1)
    crossed = [(one, first, *_twins(number, 1)) for number in range(1, 40)]  # some of them in the same order in the set
    cases = {
        "ints that collide": keys(ints),
        "ints that collide, in a set": keys(ints, b"S"),
        "ints that collide, in a frozenset": keys(ints, b"Z"),
        "complex numbers that collide": keys([_floats(-1000003.0 * n, float(n)) for n in range(5000)]),
        "tuples that collide": keys([b"(" + count(1) + node for node in ints]),
        "frozensets that collide": keys([b"Z" + count(1) + node for node in ints]),
        "ranges that collide": keys([b"r" + whole(n) + whole(n) + whole(1) for n in range(5000)]),
        "a number that is asked whether it equals a pair": keys([pair, number]),
        "a number that is asked whether it equals a tuple": keys([one, first]),
        "the same, within tuples": keys([b"(" + count(1) + one, b"(" + count(1) + first]),
        "a number and a great int": keys([b"n" + text("<f8") + struct.pack("<d", 8.0), whole(2 ** (61 * 1000 + 3))]),
        "a key twice": keys([whole(1), whole(1)]),
        "1 and 1.0": keys([whole(1), b"f" + struct.pack(">d", 1.0)]),
        "True and 1": keys([b"T", whole(1)], b"S"),
        "a set out of order": b"S" + count(2) + whole(2) + whole(1),
    }
    for number, (a, x, b, y) in enumerate(crossed):
        cases[f"the same, within frozensets {number}"] = keys([keys([a, y], b"Z"), keys([x, b], b"Z")])
    for name, node in {"list": b"[\0", "dict": b"{\0", "set": b"S\0", "array": array("|u1", (1,), b"a")}.items():
        cases[f"key is a {name}"] = keys([node])
        cases[f"{name} in a frozenset's tuple"] = keys([b"(" + count(1) + node], b"Z")
    return cases


def _generators() -> dict[str, bytes]:
    return {
        "twister beyond its words": _twister(625),
        "twister far beyond": _twister(65535),
        "twister of zeros": _twister(624, bytes(2496)),
        "twister that is as good as zeros": _twister(624, b"\xff\xff\xff\x7f" + bytes(2492)),
        "philox beyond its buffer": _philox(5),
        "philox far beyond": _philox(255),
        "half a number, twice": _philox(4, 2),
        "pcg that stands still": _pcg(0),
        "pcg of a short cycle": _pcg(2),
        "pcg has 255 numbers": _pcg(1, 255),
        "generator unknown": b"G" + text("BitGenerator") + bytes(64),
        "generator is no generator": b"G" + text("test") + bytes(64),
        "generator cut": _twister(624)[:-100],
    }


def _others() -> dict[str, bytes]:
    deep = {f"deep {chr(tag)}": bytes([tag, 1]) * 100_000 + b"N" for tag in b"([SZ"}
    return deep | {
        "deep dict": b"{\1N" * 100_000 + b"N",
        "deep slice": b":NN" * 100_000 + b"N",
        "deep Ext": (b"X" + text("k")) * 65 + b"N",
        "deep keys": b"{\1(\1" * 50_000 + b"N",
        "Ext without extend": b"X" + text("handle") + b"N",
        "Ext of a long kind": b"X" + text("k" * 65) + b"N",
        "giant int": b"i" + text(b"\x01" * (1 << 20)),
        "int a little too long": b"i" + text(b"\x01" * 8194),
        "int in a long form": b"i" + text(b"\0\1"),
        "int of no bytes": b"i\0",
        "giant range": b"r" + whole(0) + whole(10**30) + whole(1),
        "giant range, backwards": b"r" + whole(0) + whole(-(10**30)) + whole(-1),
        "many long ranges": b"[" + count(100) + 100 * (b"r" + whole(0) + whole(10**6) + whole(1)),
        "range of step 0": b"r" + whole(0) + whole(1) + whole(0),
        "range of floats": b"r" + whole(0) + b"f" + bytes(8) + whole(1),
        "range of bools": b"r" + b"F" + b"T" + b"T",
        "range of a numpy int": b"r" + whole(0) + b"n" + text("<i8") + bytes(8) + whole(1),
        "path of a million parts": b"/" + text("a/" * 500_000),
        "paths of many parts": b"[" + count(200) + 200 * (b"/" + text("a/" * 16_000 + "a")),
        "path in another form": b"/" + text("a//b"),
        "path of nothing": b"/\0",
        "text is not UTF-8": b"s" + text(b"\xff"),
        "text in a long form": b"s" + text(b"\xc0\xaf"),
        "text beyond Unicode": b"s" + text(b"\xf4\x90\x80\x80"),
        "type unknown": b"y" + text("type"),
        "type of os": b"y" + text("os.system"),
        "more parts than allowed": b"[" + count(2_000_001) + b"N" * 2_000_001,
        "more sets than allowed": b"[" + count(600_000) + b"S\0" * 600_000,
        "more generators than allowed": b"[" + count(40_000) + _pcg(1) * 40_000,
        "more tensors than allowed": b"[" + count(125_001) + array("bool", (1,), b"\1", tag=b"t") * 125_001,
        "more paths than allowed": b"[" + count(250_001) + b"/\1a" * 250_001,
        "trailing bytes": b"NN",
        "trailing zero": b"i\1\1\0",
        "pickle": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00N.",
    }


def hostile() -> dict[str, bytes]:
    """Messages by what is wrong with them; every one must be refused."""
    cases = _lengths() | _arrays(b"a", "<f8", "|u1", "|b1") | _arrays(b"t", "float64", "uint8", "bool")
    cases |= _dtypes() | _tensors() | _hashes() | _generators() | _others()
    cases = {name: message(node) for name, node in cases.items()}
    unknown = set(range(256)) - set(b"NTF.ifcsbB([{SZ:r/danuvytDVGX")
    cases |= {f"tag {tag}": message(bytes([tag]) + b"\1\1\1NNN") for tag in unknown}
    return cases | {"no version": b"", "version 0": b"\0N", "version 2": b"\2N", "pickled": b"\x80\x04N."}


def seeds() -> list[bytes]:
    """Good messages of every tag, for a mutator to start from."""
    import torch

    codec = _codec()
    leaf = torch.tensor([1.0, 2.0], requires_grad=True)
    leaf.grad = torch.tensor([3.0, 4.0])
    generators = [np.random.Generator(getattr(np.random, name)(1)) for name in codec._GENERATORS]
    values = [None, True, ..., -129, 2**70, -0.0, float("nan"), 1 - 2j, "a\ud800\U0001f600", b"x", bytearray(b"y")]
    values += [
        (1, [2, (3,)]),
        [1.5, []],
        {"a": 1, (2, -1): {3.5}, (2, -2): None},
        {1, 2, "c"},
        frozenset([(1,), (-1,), (-2,)]),
    ]
    values += [slice(1, None, 2), range(3, 30, 4), Path("a/b"), np.dtype(">f4"), np.dtype("<U9"), np.float32, list]
    values += [
        np.zeros((2, 3), order="F"),
        np.array(3),
        np.array(["ab", "c"], ">U3"),
        np.array([b"x"]),
        np.zeros((0, 4)),
    ]
    values += [
        np.array([True, False]),
        np.float16(1.5),
        np.bool_(True),
        np.str_("a\0"),
        np.bytes_(b"b"),
        np.complex64(1j),
    ]
    values += [
        leaf,
        torch.zeros(2, 3, dtype=torch.bfloat16),
        torch.tensor(True),
        torch.bfloat16,
        torch.device("cuda:1"),
    ]
    values += [*generators, codec.Ext("handle", (1, "name"))]
    return [codec.encode(value) for value in values]


def check(data: bytes) -> bool:
    """Hold one message against the rule; says whether it was accepted."""
    codec = _codec()
    try:
        value = codec.decode(data, extend=codec.Ext)
    except codec.CodecError:
        return False
    again = codec.encode(value)
    if again != data:
        raise AssertionError(f"{data!r} was read as {value!r}, which is written as {again!r}")
    return True


def main() -> None:
    import torch  # noqa: F401  before the codec is instrumented

    with atheris.instrument_imports(include=["course_grader"]):
        codec = _codec()
    with tempfile.TemporaryDirectory(prefix="fuzz-codec-") as folder:
        small = [data for data in hostile().values() if len(data) < 5000]
        for number, data in enumerate([*small, *seeds()]):
            Path(folder, f"{number:04}").write_bytes(data)
        dictionary = Path(folder, "words")
        words = [
            *codec._DTYPES,
            *codec._TENSOR_DTYPES.split(),
            *codec._GENERATORS,
            *codec._TYPES,
            "<U",
            "cpu:",
            "cuda:",
        ]
        dictionary.write_text("".join(f'"\\x{len(word):02x}{word}"\n' for word in words))
        options = ["-timeout=10", "-rss_limit_mb=4096", "-malloc_limit_mb=512", f"-dict={dictionary}"]
        atheris.Setup([sys.argv[0], *options, *sys.argv[1:], folder], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
