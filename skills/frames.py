"""Messages between the server and a process with a team's skills: four bytes of length, then JSON."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any, BinaryIO

Frame = dict[str, Any]
_LENGTH = struct.Struct(">I")


class FrameTooLarge(Exception):
    """A message is over the limit."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"returned {size / 1e6:.1f} MB, over the limit of {limit / 1e6:.1f} MB")


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame."""
    body = json.dumps(frame, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return _LENGTH.pack(len(body)) + body


def read(stream: BinaryIO) -> Frame | None:
    """Return the next frame, None at the end of the stream. For the child, which trusts its parent."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    frame = json.loads(stream.read(_LENGTH.unpack(head)[0]))
    return frame if isinstance(frame, dict) else None


async def read_async(stream: asyncio.StreamReader, max_bytes: int) -> Frame | None:
    """Return the next frame, None at the end of the stream or after something that is no frame.

    Raises FrameTooLarge before reading a frame over `max_bytes`.
    """
    try:
        size = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))[0]
        if size > max_bytes:
            raise FrameTooLarge(size, max_bytes)
        frame = json.loads(await stream.readexactly(size))
    except (asyncio.IncompleteReadError, ConnectionError, ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None
