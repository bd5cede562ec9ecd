"""What the reading process says to the worker: small JSON messages, some with bytes, over a pipe.

JSON and not pickle, because the reader has touched a hostile file: the worst that it can say is a wrong text.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.errors import ReaderCrashed

_HEADER = struct.Struct(">II")  # bytes of JSON, bytes that follow it
MAX_JSON = 2 * 1024 * 1024
MAX_BYTES = 1024 * 1024
_READ = 256 * 1024
KILL = b"kill"  # what the worker says on the control socket to end a reading

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Message = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    message: Message
    body: bytes = b""


class Writer:
    """Writes frames to a file descriptor."""

    def __init__(self, descriptor: int) -> None:
        """Write to `descriptor`, which stays the caller's to close."""
        self._descriptor = descriptor

    def send(self, message: Mapping[str, Json], body: bytes = b"") -> None:
        """Write one frame; blocks while the other side is behind."""
        text = json.dumps(message).encode()
        data = memoryview(_HEADER.pack(len(text), len(body)) + text + body)
        while data:
            data = data[os.write(self._descriptor, data) :]


@dataclass
class Reader:
    """Reads frames from a pipe; `descriptor` stays the caller's to close."""

    descriptor: int
    _buffer: bytearray = field(default_factory=bytearray)

    def next(self, until: float) -> Frame | None:
        """Return the next frame, None at the end of the pipe.

        Raises TimeoutError when it is not there at `until` (time.monotonic()), ReaderCrashed when it breaks the rules.
        """
        header = self._take(_HEADER.size, until)
        if header is None:
            return None
        text_size, body_size = _HEADER.unpack(header)
        if text_size > MAX_JSON or body_size > MAX_BYTES:
            raise ReaderCrashed("The reading process sent something other than messages.")
        text, body = self._take(text_size, until), self._take(body_size, until)
        if text is None or body is None:
            return None  # it died in the middle of a message
        return Frame(_parsed(text), body)

    def _take(self, size: int, until: float) -> bytes | None:
        while len(self._buffer) < size:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.descriptor], [], [], left)[0]:
                raise TimeoutError
            piece = os.read(self.descriptor, _READ)
            if not piece:
                return None
            self._buffer += piece
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def _parsed(text: bytes) -> Message:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ReaderCrashed("The reading process sent something other than messages.") from exc
    if not isinstance(message, dict):
        raise ReaderCrashed("The reading process sent something other than messages.")
    return message
