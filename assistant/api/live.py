"""One answer while it is being made: who writes appends frames, who reads follows them, now or a little later."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator

from assistant.api import sse
from assistant.types import Answer, Citation, Event

# Text is sent at most every 50 ms: people cannot tell, and 200 streams cost a tenth of the sends.
COALESCE_S = 0.05
# A reader who comes late gets what is there in pieces of this size: what one connection buffers stays small.
PIECE_BYTES = 64 * 1024


class BrokenOff(Exception):
    """Frames that a reader has not had are not kept any more."""


class Live:
    """The frames of one turn, kept until nobody can want them any more."""

    def __init__(self, turn_id: str, owner_id: str, credential_id: str, wire: sse.Wire, max_bytes: int) -> None:
        """Begin with the first frame; of the others at most `max_bytes` are kept."""
        self.turn_id = turn_id
        self.owner_id = owner_id
        self.credential_id = credential_id
        self.wire = wire
        self.readers = 0
        self.answer: Answer | None = None
        self.failed = False
        self.said = ""  # all text so far
        self.cited: tuple[Citation, ...] = ()  # what that text cites
        self.first_text_at: float | None = None  # monotonic seconds
        self._pending = ""
        self._pending_cited: tuple[Citation, ...] = ()
        self._flush_at: asyncio.TimerHandle | None = None
        self._flushed = 0.0
        self._frames: deque[tuple[int, bytes]] = deque()
        self._next = 1
        self._kept_bytes = 0
        self._max_bytes = max_bytes
        self._closed = asyncio.Event()
        self._news = asyncio.Event()
        self._append(wire.begin())

    @property
    def closed(self) -> bool:
        """Return whether the last frame is there."""
        return self._closed.is_set()

    def take(self, event: Event) -> None:
        """Add what an event of the turn says; the answer itself is kept for `close`."""
        if event.kind == "text":
            self._say(event.text, event.citations)
        elif event.kind == "step" and event.step is not None:
            self._flush()
            self._append(self.wire.step(event.step))
        elif event.kind == "notice":
            self._flush()
            self._append(self.wire.notice(event.text))
        elif event.kind == "answer":
            self.answer = event.answer

    def queued(self, position: int) -> None:
        """Tell the place in the queue."""
        self._append(self.wire.queued(position))

    def close(self, answer: Answer) -> None:
        """Add the closing frames; what the answer has beyond the streamed text is sent before them."""
        self.answer = answer
        goes_on = answer.text.startswith(self.said)
        if goes_on:
            self._say(answer.text[len(self.said) :])
        self._flush()
        for data in self.wire.end(answer, replaces_text=not goes_on):
            self._append(data)
        self._end()

    def fail(self, error: bytes) -> None:
        """Close with an error, one line of JSON."""
        self.failed = True
        self._flush()
        self._append(error)
        self._append(b"[DONE]")
        self._end()

    async def wait_closed(self) -> None:
        """Return when the last frame is there."""
        await self._closed.wait()

    def nudge(self) -> None:
        """Let readers look whether it is time for a sign of life; a timer for each wait would cost more than frames."""
        self._tell()

    def holds(self, after: int) -> bool:
        """Return whether every frame behind number `after` is still kept."""
        return after < self._next and (not self._frames or self._frames[0][0] <= after + 1)

    async def follow(self, after: int, ping_s: float) -> AsyncIterator[bytes]:
        """Yield the frames behind number `after`, those that are there at once, then as they come, to the last.

        Several frames that are there together come as one piece. When nothing came for `ping_s`, the next `nudge`
        brings a comment.

        Raises BrokenOff when the reader is so slow that frames it has not had are not kept any more.
        """
        sent = time.monotonic()
        while True:
            news = self._news
            if not self.holds(after):
                raise BrokenOff("The reader is too far behind; read the conversation instead.")
            ready = self._behind(after)
            if ready:
                after += len(ready)
                sent = time.monotonic()
                yield b"".join(ready)
            elif self.closed:
                return
            elif time.monotonic() - sent >= ping_s:
                sent = time.monotonic()
                yield sse.PING
            else:
                await news.wait()

    def _behind(self, after: int) -> list[bytes]:
        """Return the next frames behind number `after`, of at most PIECE_BYTES together unless it is a single one."""
        found: list[bytes] = []
        size = 0
        for position in range(after + 1 - self._frames[0][0], len(self._frames)):
            made = self._frames[position][1]
            size += len(made)
            if found and size > PIECE_BYTES:
                break
            found.append(made)
        return found

    def _say(self, text: str, cited: tuple[Citation, ...] = ()) -> None:
        if not text:
            return
        moment = time.monotonic()
        self.first_text_at = self.first_text_at or moment
        self.said += text
        self.cited += cited
        self._pending += text
        self._pending_cited += cited
        if self._flush_at is None:
            wait_s = self._flushed + COALESCE_S - moment
            if wait_s <= 0:
                self._flush()
            else:
                self._flush_at = asyncio.get_running_loop().call_later(wait_s, self._flush)

    def _flush(self) -> None:
        if self._flush_at is not None:
            self._flush_at.cancel()
            self._flush_at = None
        if self._pending:
            text, cited = self._pending, self._pending_cited
            self._pending, self._pending_cited = "", ()
            self._flushed = time.monotonic()
            refused = self.wire.refuses(self.said)
            self._append(self.wire.refusal(text) if refused else self.wire.text(text, cited))

    def _append(self, data: bytes) -> None:
        made = sse.frame(self.turn_id, self._next, data)
        self._frames.append((self._next, made))
        self._next += 1
        self._kept_bytes += len(made)
        while self._kept_bytes > self._max_bytes and len(self._frames) > 1:
            self._kept_bytes -= len(self._frames.popleft()[1])
        self._tell()

    def _end(self) -> None:
        self._closed.set()
        self._tell()

    def _tell(self) -> None:
        """Wake all readers; each then waits for the next news."""
        self._news.set()
        self._news = asyncio.Event()
