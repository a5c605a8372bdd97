"""One conversation between the judge and a student's process: frames, requests within requests, and shared objects.

Both sides use a `Channel`. What crosses is plain data (`forms`) and three kinds of references:

- A *shared object* is a mutable value (list, dict, set, array, tensor, generator, bytearray) that both sides know under
  one number. It crosses whole the first time; after that each message brings along the shared objects that changed on
  the sender's side, and the receiver changes its own copy in place. So a modified argument, a lazily consumed random
  stream and a kept reference look as they would in one process.
- What is no data stays where it is, and a number crosses (see `remote` and `student` for what each side makes of it).

A message is ``(kind, changes, body, dropped)``: `changes` is a list of ``(number, type, state)``, body and states are
encoded bytes, `dropped` lists shared objects that the sender holds no longer. Numbers made by the judge are even, those
made by the student's side odd.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

from .envelope import close_usual, open_usual
from .errors import Closed, CodecError, ProtocolError, Silent
from .forms import Caps, Ext
from .read import decode
from .shared import BY_VALUE, CONTAINERS, SHARED_TYPES, as_kept, blank_of, fill, look_at, looks_same, state_of, type_of
from .write import encode

LENGTH = struct.Struct(">I")
FRAME_BYTES = 96 << 20
ENVELOPE = Caps(total_bytes=FRAME_BYTES, string_bytes=FRAME_BYTES)  # it holds whole arrays as bytes
DEPTH = 60  # requests within requests; each takes some twenty frames of Python's
OBJECTS = 200_000  # shared objects alive at a time


class Channel:
    """One end of the conversation.

    Parameters
    ----------
    connection : socket.socket
        A connected stream socket.
    first : int
        0 on the judge's side, 1 on the student's: the first number for shared objects made here.
    """

    def __init__(self, connection: socket.socket, first: int):
        self._socket = connection
        self._ahead = bytearray()  # received, and not yet read
        self._next = first
        self._objects: dict[int, object] = {}  # number -> object
        self._numbers: dict[int, int] = {}  # id of the object -> number
        self._known: dict[int, object] = {}  # number -> a look at the content that both sides have
        self._depth = 0
        self.deadline = None  # time.monotonic() after which waiting ends
        self.is_silent = False  # has waiting ended so? Then nothing more is to be heard in order

    # -- what a side adds ------------------------------------------------------------------------------------------

    def export(self, value):
        """Write something that is no plain data: an `Ext`, or NotImplemented."""
        return NotImplemented

    def resolve(self, kind: str, payload):
        """The object that an `Ext` of the other side stands for."""
        raise ProtocolError(f"a reference of the unknown kind {kind!r}")

    def serve(self, kind: str, body):
        """Answer a request of the other side."""
        raise ProtocolError(f"a request of the unknown kind {kind!r}")

    def describe(self, error: BaseException):
        """An exception as plain data, for the other side."""
        raise NotImplementedError

    def rebuild(self, description) -> BaseException:
        """The exception that `describe` of the other side described."""
        raise NotImplementedError

    # -- requests --------------------------------------------------------------------------------------------------

    def request(self, kind: str, *body):
        """Ask the other side and wait for the answer, answering what it asks meanwhile."""
        if self._depth >= DEPTH:
            raise RecursionError("calls between tests and answer are nested too deeply")
        self._depth += 1
        try:
            self.send(kind, body)
            while True:
                kind, body = self.receive()
                if kind == "value":
                    return body
                if kind == "error":
                    raise self.rebuild(body)
                self.answer(kind, body)
        finally:
            self._depth -= 1

    def answer(self, kind: str, body) -> None:
        """Serve one request and send what came of it."""
        try:
            value = self.serve(kind, body)
        except (Closed, ProtocolError):
            raise
        except BaseException as error:  # the other side has to learn of it, whatever it is
            self.send("error", self.describe(error))
        else:
            self.reply(value)

    def reply(self, value) -> None:
        """Send a value as the answer; if it cannot cross, the reason."""
        try:
            frame = self._pack("value", value)
        except CodecError as error:
            frame = self._pack("error", self.describe(error))
        self._write(frame)

    # -- messages --------------------------------------------------------------------------------------------------

    def send(self, kind: str, body) -> None:
        self._write(self._pack(kind, body))

    def receive(self):
        """The next message as (kind, body), its changes applied."""
        frame = self._read()
        message = open_usual(frame) or decode(frame, caps=ENVELOPE)
        if type(message) is not tuple or [type(part) for part in message] != [str, list, bytes, list]:
            raise ProtocolError("a message of the wrong form")
        kind, changes, encoded, dropped = message
        self._apply(changes)
        body = decode(encoded, extend=self._into)
        self._forget(number for number in dropped if number in self._objects)
        return kind, body

    def _pack(self, kind: str, body) -> bytes:
        encoded = encode(body, extend=self._out)
        changes, done = [], 0
        numbers = list(self._objects)  # what is already shared may have changed
        while done < len(numbers):
            for number in numbers[done:]:
                change = self._change(number)
                if change:
                    changes.append(change)
            done = len(numbers)
            numbers = list(self._objects)  # states may have brought in new objects
        dropped = self._forget_unused()
        return close_usual(kind, changes, encoded, dropped) or encode((kind, changes, encoded, dropped), caps=ENVELOPE)

    def _change(self, number: int):
        value = self._objects[number]
        kind = type_of(value)
        if kind in CONTAINERS:
            look, state = look_at(kind, value), None
        else:
            state = encode(value)
            look = as_kept(state)
        if looks_same(kind, self._known.get(number), look):
            return None
        if state is None:
            state = encode(state_of(kind, value), extend=self._out)
        self._known[number] = look
        return (number, kind, state)

    def _out(self, value):
        if id(type(value)) in BY_VALUE:
            return NotImplemented
        if type_of(value) is None:
            return self.export(value)
        number = self._numbers.get(id(value))
        if number is None:
            number, self._next = self._next, self._next + 2
            self._remember(number, value)
        return Ext("shared", number)

    def _remember(self, number: int, value) -> None:
        if len(self._objects) >= OBJECTS:
            raise ProtocolError("too many objects crossed between answer and tests")
        self._objects[number] = value
        self._numbers[id(value)] = number

    def _into(self, kind: str, payload):
        if kind != "shared":
            return self.resolve(kind, payload)
        if type(payload) is not int or payload not in self._objects:
            raise ProtocolError("a reference to an object that never crossed")
        return self._objects[payload]

    def _apply(self, changes: list) -> None:
        """Two rounds: first every new object exists, then all are filled, since they may contain each other."""
        decoded, fresh = [], set()
        for change in changes:
            if type(change) is not tuple or [type(part) for part in change] != [int, str, bytes]:
                raise ProtocolError("a change of the wrong form")
            number, kind, state = change
            new = number not in self._objects
            if new:
                fresh.add(number)
            elif number in fresh:
                raise ProtocolError("an object is new twice in one message")
            if kind in CONTAINERS:
                decoded.append((number, kind, state))
                if new:
                    self._accept(number, kind, None)
                elif type_of(self._objects[number]) != kind:
                    raise ProtocolError("a shared object changed its type")
            else:
                self._apply_leaf(number, kind, decode(state), new)
        for number, kind, state in decoded:
            content = decode(state, extend=self._into)
            try:
                fill(kind, self._objects[number], content)
            except (TypeError, ValueError) as error:  # content of another shape than this type holds
                raise ProtocolError("a shared object was sent content that does not fit it") from error
        for number, kind, state in changes:
            # A new array is read from just the bytes that would be written of it.
            as_sent = number in fresh and kind not in CONTAINERS
            self._known[number] = as_kept(state) if as_sent else look_at(kind, self._objects[number])

    def _apply_leaf(self, number: int, kind: str, state, new: bool) -> None:
        if type_of(state) != kind:
            raise ProtocolError("a shared object is not of the type that it says")
        if new:
            self._accept(number, kind, state)
            return
        if type_of(self._objects[number]) != kind:
            raise ProtocolError("a shared object changed its type")
        try:
            fill(kind, self._objects[number], state)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ProtocolError("a shared object was changed in a way that cannot cross") from error

    def _accept(self, number: int, kind: str, state) -> None:
        if number < 0 or number % 2 == self._next % 2:
            raise ProtocolError("a new object under a number of ours")
        if kind not in (*SHARED_TYPES, "tensor"):
            raise ProtocolError(f"a shared object of the unknown type {kind!r}")
        self._remember(number, blank_of(kind, state))

    def _forget_unused(self) -> list[int]:
        """Drop shared objects that nobody else holds here: they cannot change, and nobody here would see it."""
        # The table holds one reference, the call of getrefcount the other.
        unused = [number for number in self._objects if sys.getrefcount(self._objects[number]) <= 2]
        self._forget(unused)
        return unused

    def _forget(self, numbers) -> None:
        for number in list(numbers):
            value = self._objects.pop(number)
            self._numbers.pop(id(value), None)
            self._known.pop(number, None)

    # -- frames ----------------------------------------------------------------------------------------------------

    def _write(self, frame: bytes) -> None:
        if len(frame) > FRAME_BYTES:
            raise CodecError(f"a message of {len(frame) >> 20} MB is too large to cross")
        try:
            self._socket.settimeout(self._patience())
            # In one piece: a length of its own would wake the other side only to let it wait for the rest.
            self._socket.sendall(LENGTH.pack(len(frame)) + frame)
        except TimeoutError:
            raise self._gave_up() from None
        except OSError as error:
            raise Closed(str(error)) from None

    def _read(self) -> bytes:
        """The next frame; most come with one call to the system."""
        while len(self._ahead) < LENGTH.size:
            self._more()
        (length,) = LENGTH.unpack_from(self._ahead)
        if length > FRAME_BYTES:
            raise ProtocolError(f"a message of {length >> 20} MB")
        while len(self._ahead) < LENGTH.size + length:
            self._more()
        frame = bytes(self._ahead[LENGTH.size : LENGTH.size + length])
        del self._ahead[: LENGTH.size + length]
        return frame

    def _more(self) -> None:
        # Grown as bytes arrive: a length that lies costs nothing.
        try:
            self._socket.settimeout(self._patience())
            block = self._socket.recv(1 << 18)
        except TimeoutError:
            raise self._gave_up() from None
        except OSError as error:
            raise Closed(str(error)) from None
        if not block:
            raise Closed("the other side has gone")
        self._ahead += block

    def _patience(self) -> float | None:
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self._gave_up()
        return left

    def _gave_up(self) -> Silent:
        self.is_silent = True
        return Silent("it took too long")
