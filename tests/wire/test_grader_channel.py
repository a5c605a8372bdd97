"""The judge's end of the conversation against messages that no honest process sends."""

import socket
import struct

import numpy as np
import pytest

from course_grader.judging.remote import Judge
from course_grader.wire import channel, codec
from course_grader.wire.channel import Closed, ProtocolError
from course_grader.wire.codec import CodecError, Ext

pytestmark = pytest.mark.part("grader")


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    judge = Judge(ours, words={"Value"})
    ours.settimeout(5)
    yield judge, theirs
    ours.close()
    theirs.close()


def message(kind="value", changes=(), body=None, dropped=(), extend=None):
    return codec.encode((kind, list(changes), codec.encode(body, extend=extend), list(dropped)))


def hostile(connection, frame, length=None):
    connection.sendall(struct.pack(">I", len(frame) if length is None else length) + frame)


def data(value):
    return codec.encode(value)


ARRAY = ("array", np.arange(3.0))
MESSAGES = {
    "no codec at all": b"\x80\x04pickle",
    "empty": b"",
    "not a message": codec.encode([1, 2, 3]),
    "a body that is no bytes": codec.encode(("value", [], 5, [])),
    "an unknown kind of request": message("sing"),
    "a reference to what never crossed": message(body=Ext("shared", 4)),
    "a reference that is no number": message(body=Ext("shared", "x")),
    "an unknown kind of reference": message(body=Ext("pointer", 140_000_000)),
    "a handle of the wrong form": message(body=Ext("handle", ("Value", 3))),
    "a callback that never crossed": message(body=Ext("callback", 0)),
    "a negative callback": message(body=Ext("callback", -1)),
    "a call of a function that never crossed": message("callback", body=(0, (), {})),
    "a call of the wrong form": message("callback", body=(0, [], 3)),
    "a new object under a number of the judge's": message(changes=[(8, "list", data(()))], body=None),
    "a new object under a negative number": message(changes=[(-1, "list", data(()))], body=None),
    "an object that is new twice": message(changes=[(1, "list", data(())), (1, "list", data((2,)))]),
    "a change of the wrong form": message(changes=[(1, "list")]),
    "an unknown type of object": message(changes=[(1, "module", data(()))]),
    "an array that is a text": message(changes=[(1, "array", data("text"))]),
    "a dict of one-tuples": message(changes=[(1, "dict", data(((1,),)))]),
    "an error of the wrong form": message("error", body=[1]),
    "an error without types": message("error", body={"types": 3, "message": "", "token": 0}),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_hostile_message_is_refused(ends, name):
    judge, theirs = ends
    hostile(theirs, MESSAGES[name])
    with pytest.raises((ProtocolError, CodecError)):
        judge.request("names", [])


def test_a_length_that_lies_costs_nothing(ends):
    judge, theirs = ends
    hostile(theirs, b"", length=0xFFFFFFFF)
    with pytest.raises(ProtocolError, match="MB"):
        judge.request("names", [])


def test_a_message_that_ends_early_is_a_closed_conversation(ends):
    judge, theirs = ends
    hostile(theirs, b"abc", length=1000)
    theirs.close()
    with pytest.raises(Closed):
        judge.request("names", [])


def shared(judge, theirs, value):
    """Let the judge share a value; returns its number."""
    hostile(theirs, message())
    judge.request("call", value)
    (number,) = judge._objects
    return number


@pytest.mark.parametrize(
    ("value", "kind", "state"),
    [
        (np.arange(3.0), "array", np.arange(4.0)),  # another size: memory would move under those who look at it
        (np.arange(3.0), "array", np.arange(3)),
        (np.arange(3.0), "list", (1, 2)),
        ([1, 2], "dict", ((1, 2),)),
    ],
)
def test_a_claimed_change_must_fit_the_object(ends, value, kind, state):
    judge, theirs = ends
    number = shared(judge, theirs, value)
    hostile(theirs, message(changes=[(number, kind, data(state))]))
    with pytest.raises(ProtocolError):
        judge.request("names", [])


def test_a_read_only_array_cannot_be_changed_from_there(ends):
    judge, theirs = ends
    value = np.arange(3.0)
    value.flags.writeable = False
    number = shared(judge, theirs, value)
    hostile(theirs, message(changes=[(number, "array", data(np.zeros(3)))]))
    with pytest.raises(ProtocolError):
        judge.request("names", [])
    assert value.tolist() == [0, 1, 2]


def test_no_exception_class_of_theirs_and_no_exit_is_raised(ends):
    judge, theirs = ends
    for names in (["SystemExit"], ["KeyboardInterrupt", "BaseException"], ["Mine", "KeyError"], ["GeneratorExit"], []):
        hostile(theirs, message("error", body={"types": [*names, "object"], "message": "m", "token": -1}))
        with pytest.raises(Exception) as caught:
            judge.request("names", [])
        assert type(caught.value) is (KeyError if "KeyError" in names else RuntimeError)


def test_a_class_name_made_up_there_is_not_shown(ends):
    judge, theirs = ends
    hostile(theirs, message(body=(Ext("handle", (0, "Value")), Ext("handle", (1, "it_is_271828")))))
    value, other = judge.request("names", [])
    assert "Value" in repr(value)
    assert "271828" not in repr(other)


@pytest.mark.parametrize("name", ["__array_interface__", "__array_struct__", "__dlpack__", "__reduce_ex__"])
def test_protocols_are_not_the_students_to_answer(ends, name):
    judge, theirs = ends
    hostile(theirs, message(body=Ext("handle", (0, "Value"))))
    handle = judge.request("names", [])
    assert name in dir(object) or not hasattr(handle, name)
    with pytest.raises(TypeError):
        np.asarray(handle)


# -- envelopes ---------------------------------------------------------------------------------------------------------

ENVELOPES = [
    ("value", [], b"", []),
    (
        "call",
        [(0, "array", b"x" * 127), (127, "list", b"y" * 128), (128, "dict", b"")],
        b"z" * 20_000,
        [2, 255, 256, 4],
    ),
    ("x" * 127, [(32_767, "set", b"1" * 16_384)], b"b", list(range(127))),
]


@pytest.mark.parametrize("message", ENVELOPES)
def test_a_usual_envelope_has_the_bytes_that_codec_gives_it(message):
    frame = codec.encode(message)
    assert channel._close_usual(*message) == frame
    assert channel._open_usual(frame) == message


@pytest.mark.parametrize(
    "message",
    [("value", [], b"", [32_768]), ("value", [], b"", list(range(128))), ("value", [(1 << 20, "list", b"")], b"", [])],
)
def test_an_unusual_envelope_is_left_to_codec(message):
    assert channel._close_usual(*message) is None
    assert channel._open_usual(codec.encode(message)) is None


def test_what_codec_refuses_no_short_way_opens():
    """Every frame with one byte changed, left out or doubled is opened as codec opens it, or left to codec."""
    opened = 0
    for message in (ENVELOPES[0], ("call", [(3, "list", b"ab"), (300, "dict", b"c")], b"de", [5, 129])):
        frame = codec.encode(message)
        for place in range(len(frame)):
            for other in (*(frame[:place] + bytes((byte,)) + frame[place + 1 :] for byte in range(256)),
                          frame[:place] + frame[place + 1 :], frame[: place + 1] + frame[place:]):  # fmt: skip
                found = channel._open_usual(other)
                if found is not None:
                    opened += 1
                    assert codec.decode(other) == found
    assert opened > 1000


@pytest.mark.parametrize(
    "other",
    [b"\1(\4s\5value[\0b\x82\0xy[\0", b"\1(\4s\5value[\0b\0[\1i\2\0\5", b"\1(\4s\5value[\0b\0[\1i\1\x80"],
    ids=["a length in two bytes that needs one", "a number in two bytes that needs one", "a negative number"],
)
def test_a_node_in_an_unusual_form_is_left_to_codec(other):
    assert channel._open_usual(other) is None
