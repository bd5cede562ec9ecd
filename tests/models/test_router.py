from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

import pytest

from assistant.models.breaker import Breaker, BreakerRules
from assistant.models.errors import ModelError, ModelOverloaded, ModelRefused, ModelUnavailable, NoModelLeft
from assistant.models.fake import ScriptedModel
from assistant.models.retries import RetryBudget
from assistant.models.router import Deadlines, Lane, Routed, Router
from assistant.models.types import ChatModel, ModelRequest, Piece
from assistant.types import Route

Ask = Callable[..., ModelRequest]


class SilentModel(ScriptedModel):
    """Says `words` words and then nothing."""

    def __init__(self, words: int = 0) -> None:
        super().__init__(["x"], "silent")
        self.words = words
        self.closed = 0

    async def stream(self, request: ModelRequest) -> AsyncIterator[Piece]:  # type: ignore[override]
        try:
            for _ in range(self.words):
                yield Piece("word ")
            await asyncio.Event().wait()
        finally:
            self.closed += 1


def lane(model: ChatModel, tier: str = "domain", tools: bool = True, patience_s: float = 30.0, **rules: float) -> Lane:
    route = Route(model.name, None, tier, "")  # type: ignore[arg-type]
    breaker = Breaker(BreakerRules(**rules), time.monotonic)  # type: ignore[arg-type]
    return Lane(model.name, model, lambda: route, breaker, Deadlines(patience_s, patience_s), tools)


def router_of(*lanes: Lane) -> Router:
    return Router(lanes, seed=1)


async def answer(router: Router, request: ModelRequest, names: Sequence[str]) -> list[Piece]:
    return [piece async for piece in router.stream(request, names)]


def last_reply(pieces: Sequence[Piece]) -> tuple[str, str]:
    """Return who answered at last, and what, as a reader of the stream understands it."""
    who, text = "", ""
    for piece in pieces:
        if piece.route:
            who, text = piece.route.model, ""
        text += piece.text
    return who, text


def model(*script: str | ModelError | tuple[str, ModelError], name: str = "big") -> ScriptedModel:
    return ScriptedModel(script, name)


SMALL = "The answer is 7."


async def test_the_first_piece_carries_the_route_and_no_other_does(ask: Ask) -> None:
    pieces = await answer(router_of(lane(model("one two three"))), ask(), ["big"])
    assert [piece.route is not None for piece in pieces] == [True, False, False, False]


@pytest.mark.parametrize(
    "trouble",
    [
        ModelUnavailable("down"),
        ModelOverloaded("full"),
        ModelRefused("too long", "context_length_exceeded"),
        ("The answer", ModelUnavailable("died")),
    ],
    ids=["down", "full", "too-long", "died"],
)
async def test_the_next_model_answers_from_the_beginning(trouble: ModelError, ask: Ask) -> None:
    router = router_of(lane(model(trouble)), lane(model(SMALL, name="small"), "fallback"))
    pieces = await answer(router, ask(), ["big", "small"])
    assert last_reply(pieces) == ("small", SMALL)
    assert sum(piece.stopped_by is not None for piece in pieces) == 1


@pytest.mark.parametrize("words", [0, 3])
async def test_a_silent_model_is_left_at_its_deadline(words: int, ask: Ask) -> None:
    silent = SilentModel(words)
    router = router_of(lane(silent, patience_s=0.2), lane(model(SMALL, name="small"), "fallback"))
    assert last_reply(await answer(router, ask(), ["silent", "small"])) == ("small", SMALL)
    assert silent.closed == 1


async def test_a_refused_request_is_not_tried_elsewhere(ask: Ask) -> None:
    small = model(SMALL, name="small")
    router = router_of(lane(model(ModelRefused("bad schema", "schema_refused"))), lane(small, "fallback"))
    with pytest.raises(ModelRefused):
        await answer(router, ask(), ["big", "small"])
    assert not small.requests


async def test_it_says_why_nobody_could_answer(ask: Ask) -> None:
    router = router_of(lane(model(ModelUnavailable("a"))), lane(model(ModelOverloaded("b"), name="small"), "fallback"))
    with pytest.raises(NoModelLeft) as caught:
        await answer(router, ask(), ["big", "small"])
    assert caught.value.reasons == ("a", "b")


async def test_it_leaves_a_model_alone_that_failed_three_times(ask: Ask) -> None:
    big, small = model(("x", ModelUnavailable("died"))), model(SMALL, name="small")
    router = router_of(lane(big), lane(small, "fallback"))
    for _ in range(8):
        await answer(router, ask(), ["big", "small"])
    # A token came each time, so the model is not dead, only unlucky: it is still asked.
    assert len(big.requests) == 8
    big = model(ModelUnavailable("down"))
    router = router_of(lane(big), lane(small, "fallback"))
    for _ in range(8):
        await answer(router, ask(), ["big", "small"])
    assert len(big.requests) == 3  # one request and its retry, and another one


async def test_it_tries_a_broken_connection_once_more(ask: Ask) -> None:
    big = model(ModelUnavailable("reset"), SMALL)
    assert last_reply(await answer(router_of(lane(big)), ask(), ["big"])) == ("big", SMALL)


async def test_retries_have_a_budget(ask: Ask) -> None:
    budget = RetryBudget(most=3, per_answer=0.5)
    assert [budget.take() for _ in range(5)] == [True, True, True, False, False]
    budget.earn()
    budget.earn()
    assert budget.take() and not budget.take()


async def test_it_comes_back_after_a_canary(ask: Ask) -> None:
    big = model(ModelUnavailable("1"), ModelUnavailable("2"), ModelUnavailable("3"), "canary", SMALL)
    router = router_of(lane(big, canary_every_s=0.05), lane(model("small", name="small"), "fallback"))
    stop = asyncio.Event()
    tending = asyncio.create_task(router.tend(stop))
    for _ in range(2):
        await answer(router, ask(), ["big", "small"])
    assert not router.lanes["big"].breaker.allows()
    async with asyncio.timeout(60):
        while not router.lanes["big"].breaker.allows():
            await asyncio.sleep(0.02)
    assert last_reply(await answer(router, ask(), ["big", "small"])) == ("big", SMALL)
    assert big.requests[3].sampling.max_tokens == 1
    stop.set()
    await tending


async def test_leaving_closes_the_model_s_stream_and_is_no_failure(ask: Ask) -> None:
    big = ScriptedModel(["a b c d e f"], "big", pause_s=0.01)
    router = router_of(lane(big))
    for _ in range(5):
        async with aclosing(router.stream(ask(), ["big"])) as pieces:
            await anext(pieces)
        assert big.open_streams == 0
    assert router.lanes["big"].breaker.allows()
    assert router.lanes["big"].seen.failures == 0


async def test_tools_go_to_models_that_can_call_them_and_are_left_out_for_others(ask: Ask) -> None:
    tool = ({"type": "function", "function": {"name": "f"}},)
    big, small = model("big"), model("small", name="small")
    router = router_of(lane(small, "fallback", tools=False), lane(big))
    request = ModelRequest(ask().messages, tools=tool)
    assert last_reply(await answer(router, request, ["small", "big"]))[0] == "big"
    assert big.requests[0].tools == tool
    assert last_reply(await answer(router_of(lane(small, tools=False)), request, ["small"]))[0] == "small"
    assert small.requests[0].tools == ()


async def test_a_model_that_refuses_tools_is_asked_again_without_them_and_offered_none_any_more(ask: Ask) -> None:
    refusal = ModelRefused("This server calls no tools.", "no_tools")
    big, small = ScriptedModel([refusal, "big"], "big"), ScriptedModel(["small"], "small")
    router = router_of(lane(big), lane(small, "fallback"))
    request = ModelRequest(ask().messages, tools=({"type": "function", "function": {"name": "f"}},))
    assert last_reply(await answer(router, request, ["big", "small"]))[0] == "big"
    assert big.requests[-1].tools == () and not small.requests
    assert not router.lanes["big"].tools and router.lanes["big"].breaker.allows()


async def test_one_model_that_stands_for_several_has_the_smallest_context(ask: Ask) -> None:
    big, small = ScriptedModel(["b"], "big", 32_000), ScriptedModel(["s"], "small", 4_096)
    routed = Routed(router_of(lane(big), lane(small, "fallback")), ["big", "small"])
    assert (routed.name, routed.context_tokens) == ("big", 4_096)
    assert await routed.count_tokens(ask("one two").messages) == 4
    assert last_reply([piece async for piece in routed.stream(ask())]) == ("big", "b")
