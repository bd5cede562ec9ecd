"""The only loop: ask a model, carry out the calls it makes, ask again, until it answers or its budget is used up.

semantic-kernel stands behind `Orchestrator` (kernel.py), so this file needs none of its import time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Protocol

from assistant.models.types import ChatModel, ModelRequest, Piece
from assistant.orchestration.prompts import Message
from assistant.orchestration.session import SkillSession
from skills.types import Skill

Halt = Callable[[tuple[Message, ...]], bool]  # the messages so far, calls and results included -> end here


def _never(_messages: tuple[Message, ...]) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Permit:
    """What a model may call within one turn, decided before it is asked anything; names are "plugin-function"."""

    functions: frozenset[str] = frozenset()  # empty: nothing at all
    calls: int = 0  # how many calls in all
    session: SkillSession | None = None  # on whose behalf skills run; without one none do


NOTHING = Permit()


class Orchestrator(Protocol):
    """Models and functions behind one door; see kernel.py."""

    def stream(self, model: ChatModel, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Yield the reply of `model`; closing the iterator aborts the generation."""
        ...

    def offer(self, skills: Sequence[Skill]) -> frozenset[str]:
        """Make `skills` functions, newer versions in place of older ones, and return their names for a permit."""
        ...

    def tools(self, permit: Permit) -> tuple[dict[str, Any], ...]:
        """Return the definitions of the functions that `permit` names and that exist, in OpenAI's shape."""
        ...

    async def call(self, call: Mapping[str, Any], permit: Permit, used: int) -> Message:
        """Carry out one call, the `used`-th of the turn, and return its result as the message that answers it.

        A call that is not permitted, not possible or fails is answered with a sentence for the model, never raised.
        """
        ...


async def draft(
    orchestrator: Orchestrator,
    model: ChatModel,
    request: ModelRequest,
    permit: Permit,
    max_model_calls: int,
    halt: Halt = _never,
) -> AsyncGenerator[Piece, None]:
    """Yield the pieces of the reply to `request`; after calls of functions, those of the replies that follow.

    `stopped_by` is set on the very last piece only; `usage` on the last one of every model call. The last model call
    that the budget allows goes without functions, so that the reply ends in words. The calls of one reply were made
    without knowing each other's results, so they run side by side; `halt` may end the draft after them, as when a
    person has to approve one. Raises what the model raises.
    """
    used = 0
    for left in range(max_model_calls, 0, -1):
        tools = orchestrator.tools(permit) if permit.functions and left > 1 and used < permit.calls else ()
        calls: tuple[Mapping[str, Any], ...] = ()
        text = ""
        async with aclosing(orchestrator.stream(model, replace(request, tools=tools))) as pieces:
            async for piece in pieces:
                text += piece.text
                calls += piece.tool_calls if tools else ()
                plain = not calls and not piece.tool_calls
                yield piece if plain else replace(piece, tool_calls=(), stopped_by=None if calls else piece.stopped_by)
        if not calls:
            return
        running = (orchestrator.call(call, permit, used + n) for n, call in enumerate(calls, start=1))
        results = await asyncio.gather(*running)
        used += len(calls)
        request = replace(request, messages=(*request.messages, Message("assistant", text, calls), *results))
        if halt(request.messages):
            return
