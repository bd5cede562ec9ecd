"""What the pieces of a draft tell beside their text."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from assistant.guardrails.output import Output
from assistant.guardrails.plain_release import PlainRelease
from assistant.models.types import Piece
from assistant.orchestration.attempt import Progress, attempt
from assistant.orchestration.notes import NOBODY
from assistant.orchestration.trace import Trace


async def test_what_a_model_cannot_do_of_what_somebody_set_is_told_with_the_answer() -> None:
    async def pieces() -> AsyncGenerator[Piece, None]:
        yield Piece("Hello", unmet="far takes no top-k, so it changes nothing.")
        yield Piece(".", stopped_by="stop")

    progress = Progress(NOBODY)
    events = [event async for event in attempt(pieces(), PlainRelease(Output([], ())), progress, Trace(), str)]
    assert progress.notice == "far takes no top-k, so it changes nothing."
    assert [event.text for event in events if event.kind == "notice"] == [progress.notice]
