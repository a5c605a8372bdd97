"""What a conversation between processes may fail with."""

from __future__ import annotations


class CodecError(ValueError):
    """A value or bytes that are refused; the message is one sentence."""


class ProtocolError(Exception):
    """The other side sent something that no honest process sends."""


class Closed(Exception):
    """The other side has gone, or said nothing for longer than it may."""


class Silent(Closed):
    """It said nothing for longer than it may."""
