"""Server-sent events of an OpenAI-compatible server, read so that one bad line does not end an answer."""

from __future__ import annotations

import json
from typing import Any

# One event of a chat stream is a few hundred bytes; a line beyond this is not one, and is not kept in memory.
MAX_LINE_BYTES = 1_000_000


class EventReader:
    """Cuts a byte stream into the JSON objects of its data lines; lines that are not JSON are skipped and counted."""

    def __init__(self) -> None:
        self.malformed = 0
        self.done = False  # [DONE] was seen
        self._tail = b""

    def push(self, data: bytes) -> list[dict[str, Any]]:
        """Return the events that `data` completes, in order; nothing after [DONE]."""
        *lines, self._tail = (self._tail + data).split(b"\n")
        if len(self._tail) > MAX_LINE_BYTES:
            self._tail = b""
            self.malformed += 1
        return [event for line in lines if (event := self._event(line.strip())) is not None]

    def _event(self, line: bytes) -> dict[str, Any] | None:
        if self.done or not line.startswith(b"data:"):
            return None  # blank lines, comments that keep the connection open, ids
        payload = line[5:].strip()
        if payload == b"[DONE]":
            self.done = True
            return None
        try:
            event = json.loads(payload)
        except ValueError:  # also UnicodeDecodeError
            event = None
        if not isinstance(event, dict):
            self.malformed += 1
            return None
        return event
