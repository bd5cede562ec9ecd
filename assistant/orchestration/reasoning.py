"""Reasoning: a model that thinks aloud is heard from the mark on after which it answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from assistant.models.types import Piece

MAX_CHARACTERS = 1_200  # of the reasoning that is shown


async def answer_only(
    pieces: AsyncGenerator[Piece, None], mark: str, thoughts: list[str]
) -> AsyncGenerator[Piece, None]:
    """Yield the pieces of a reply with the text before `mark` taken out and put into `thoughts`.

    A reply without the mark is yielded whole at its end: it is checked like any other. When another model takes over,
    the reply begins anew.
    """
    held, found = "", False
    async with aclosing(pieces):
        async for piece in pieces:
            if piece.route is not None:
                held, found = "", False
                thoughts.clear()
            if found:
                yield piece
                continue
            held += piece.text
            before, seen, after = held.partition(mark)
            if seen:
                found = True
                thoughts[:] = [before.strip()[:MAX_CHARACTERS]]
            ended = piece.stopped_by is not None
            yield replace(piece, text=after.lstrip() if seen else held if ended else "")
