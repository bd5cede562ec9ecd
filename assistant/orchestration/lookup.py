"""What a turn looks up before an answer is drafted: passages, and what the person asked to be remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from assistant.orchestration.condense import Standalone
from assistant.orchestration.context import gather
from assistant.orchestration.notes import Notes, recalled_talk, remembered, searched
from assistant.orchestration.ports import Memory, Search, Talk
from assistant.threads import in_thread
from assistant.types import Event, Turn


async def found(search: Search, notes: Notes, attached: str | None, timeout_s: float) -> Event:
    """Search for the question, `attached` files first, and note what was found.

    Raises KnowledgeError when the search cannot answer, TimeoutError after `timeout_s` seconds.
    """
    turn, started = notes.turn, notes.trace.clock()
    standalone = notes.standalone or Standalone(turn.question, (turn.question,), "")
    options = turn.options
    async with asyncio.timeout(timeout_s):
        context = await gather(
            search, standalone, turn.caller.scope, options.collections, attached, options.max_passages
        )
    own = context.attached.union(passage.chunk_id for passage in options.given)
    notes.context = replace(context, passages=(*options.given, *context.passages), attached=own)
    return notes.trace.step("search", searched(notes.context), notes.trace.elapsed_ms(started))


async def unread(search: Search, turn: Turn, attached: str | None) -> str | None:
    """Return the sentence about documents that may hold the answer and are not read yet; None without any."""
    if turn.caller.credential == "widget":
        return None  # what is missing is the administrator's affair, not the visitor's
    places = [turn.options.collections, *([(attached,)] if attached else [])]
    waiting = sum([await in_thread(search.unread, turn.caller.scope, place) for place in places])
    if waiting == 1:
        return "1 document is still being read; ask again when it is ready."
    return f"{waiting} documents are still being read; ask again when they are ready." if waiting else None


async def recalled(memory: Memory, talk: Talk, notes: Notes, used: bool) -> AsyncGenerator[Event, None]:
    """Recall the person's notes, and what was said earlier in the chat; `used` when the model will be told of them."""
    turn, started = notes.turn, notes.trace.clock()
    if turn.options.memory:
        notes.recalled = await memory.recall(turn.question, turn.caller.scope)
    if notes.recalled:
        notes.private = used
        yield notes.trace.step("recall", remembered(notes.recalled, used), notes.trace.elapsed_ms(started))
    started = notes.trace.clock()
    notes.earlier = await talk.earlier(turn)
    if used and notes.earlier.shown:
        yield notes.trace.step("recall", recalled_talk(notes.earlier), notes.trace.elapsed_ms(started))
