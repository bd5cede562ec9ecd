"""One answer in the making, without a server."""

from __future__ import annotations

import asyncio
import json

import pytest

from assistant.api import sse
from assistant.api.live import PIECE_BYTES, BrokenOff, Live
from assistant.types import Answer, Citation, Event, Route

ROUTE = Route("m", None, "fallback", "s")
CITATION = Citation(1, "d", "Handbook", 1, "c", "quote")


def _live(max_bytes: int = 1_000_000) -> Live:
    return Live("t", "ben", "s", sse.wire("t", "assistant", None, False), max_bytes)


def _answer(text: str) -> Answer:
    return Answer(text, (CITATION,), abstained=False, grounded=True, degraded=False, route=ROUTE)


async def _all(live: Live, after: int = 0) -> str:
    return b"".join([piece async for piece in live.follow(after, 5.0)]).decode()


async def test_citations_travel_with_the_text_that_uses_them_first() -> None:
    live = _live()
    live.take(Event("text", "30 days [1]. ", citations=(CITATION,)))
    live.take(Event("text", "More."))
    live.close(_answer("30 days [1]. More."))
    chunks = [json.loads(line[6:]) for line in (await _all(live)).splitlines() if line.startswith("data: {")]
    assert chunks[1]["assistant"]["citations"][0]["title"] == "Handbook" and live.cited == (CITATION,)


async def test_the_rest_of_an_answer_is_sent_before_its_end() -> None:
    live = _live()
    live.take(Event("text", "One."))
    live.close(_answer("One. Two."))
    text = await _all(live)
    assert '"content":" Two."' in text and '"text":' not in text


async def test_a_chunk_of_text_is_json_like_any_other() -> None:
    wire = sse.wire("t", 'a "model"', None, False)
    for text in ("plain", 'a "quote" \\ and \n', "\N{GRINNING FACE}\u2028", ""):
        assert json.loads(wire.text(text)) == json.loads(wire.chunk({"content": text}))


async def test_two_readers_read_the_same() -> None:
    live = _live()
    readers = [asyncio.create_task(_all(live)) for _ in range(2)]
    for number in range(50):
        live.take(Event("text", f"{number} "))
        await asyncio.sleep(0.002)
    live.close(_answer(live.said))
    first, second = await asyncio.gather(*readers)
    assert first == second and first.count("[DONE]") == 1


async def test_a_quiet_stream_is_kept_alive_by_comments() -> None:
    live = _live()
    follower = live.follow(1, 0.01)
    waiting = asyncio.ensure_future(anext(follower))
    await asyncio.sleep(0.03)
    live.nudge()
    assert await waiting == sse.PING
    live.close(_answer("x"))
    assert b"[DONE]" in await anext(follower)


async def test_a_reader_who_is_too_far_behind_is_cut_and_not_given_holes() -> None:
    live = _live(max_bytes=50_000)
    follower = live.follow(0, 5.0)
    await anext(follower)
    for _ in range(20):
        live.take(Event("text", "x" * 10_000))
        live.take(Event("notice", "flush"))
    with pytest.raises(BrokenOff):
        await anext(follower)
    assert not live.holds(1) and live.holds(live._next - 1) and not live.holds(live._next)


async def test_a_late_reader_gets_small_pieces() -> None:
    live = _live()
    for _ in range(20):
        live.take(Event("text", "x" * 20_000))
        live.take(Event("notice", "flush"))
    live.close(_answer(live.said))
    sizes = [len(piece) async for piece in live.follow(0, 5.0)]
    assert max(sizes) <= PIECE_BYTES and sum(sizes) > 400_000
