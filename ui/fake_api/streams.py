"""The streams of the stand-in's answers: kept, so that whoever lost one resumes it, and stopped on request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ui.fake_api.doorkeeper import done, missing
from ui.fake_api.records import FakeUser
from ui.fake_api.world import World


@dataclass
class FakeStream:
    """The frames of one answer, kept for whoever resumes it."""

    turn_id: str
    owner: str
    frames: list[dict[str, object] | str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False
    closed: bool = False

    def add(self, frame: dict[str, object] | str) -> None:
        """Append a frame and wake the readers."""
        self.frames.append(frame)
        self.news.set()
        self.news = asyncio.Event()


STREAMS: dict[str, FakeStream] = {}


async def frames(stream: FakeStream, after: int, cut_after: int | None) -> AsyncIterator[bytes]:
    """Yield the events behind number `after`; breaks off behind number `cut_after`."""
    position = after
    while True:
        news = stream.news
        while position < len(stream.frames):
            if cut_after is not None and position >= cut_after:
                raise ConnectionError("this stream was told to break off")
            frame = stream.frames[position]
            position += 1
            data = frame if isinstance(frame, str) else json.dumps({"choices": [{"index": 0, "delta": {}}], **frame})
            yield f"id: {stream.turn_id}:{position}\ndata: {data}\n\n".encode("utf-8", "replace")
        if stream.closed:
            return
        await news.wait()


async def follow(_world: World, user: FakeUser, request: Request) -> Response:
    """Resume a stream behind the last event that arrived."""
    stream = STREAMS.get(request.path_params["id"])
    if stream is None or stream.owner != user.id:
        return missing("stream")
    last = request.headers.get("last-event-id", "").rpartition(":")[2]
    return StreamingResponse(frames(stream, int(last or 0), None), media_type="text/event-stream")


async def stop(_world: World, user: FakeUser, request: Request) -> Response:
    """Stop an answer; what was said stays."""
    stream = STREAMS.get(request.path_params["id"])
    if stream is None or stream.owner != user.id:
        return missing("stream")
    stream.stopping = True
    return done()
