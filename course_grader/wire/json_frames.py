"""Messages of our own processes to each other: JSON, each with its length before it. No student's process sends any."""

from __future__ import annotations

import json
import socket

from .channel import LENGTH


def send_json(connection: socket.socket, message) -> None:
    data = json.dumps(message).encode("utf-8", "surrogatepass")
    connection.sendall(LENGTH.pack(len(data)) + data)


def receive_json(connection: socket.socket):
    """The next message; None when the other side has hung up."""
    header = _exactly(connection, LENGTH.size)
    if header is None:
        return None
    data = _exactly(connection, LENGTH.unpack(header)[0])
    return None if data is None else json.loads(data.decode("utf-8", "surrogatepass"))


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    received = bytearray()
    while len(received) < count:
        block = connection.recv(count - len(received))
        if not block:
            return None
        received += block
    return bytes(received)
