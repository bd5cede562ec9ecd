"""A turn whose models or whose search fail: quotes, takeovers, and what is said when nothing works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from assistant.guardrails.grounding import RuleJudge
from assistant.models.errors import ModelError, ModelOverloaded, ModelRefused, ModelUnavailable, WishRefused
from assistant.models.fake import ScriptedModel
from assistant.models.registry import Registry
from assistant.models.types import ModelRequest, Piece, Usage
from assistant.orchestration.fake import ListSearch
from assistant.orchestration.gate import KernelGate
from assistant.orchestration.ports import Choice
from assistant.orchestration.prompts import Message
from assistant.orchestration.settings import TurnSettings
from assistant.record import MemoryRecords
from assistant.turn import Turns
from assistant.types import Route, Turn, TurnOptions
from knowledge.errors import IndexUnavailable
from knowledge.types import SearchResult
from tests.turn.conftest import ANNA, LEAVE, Ran

BIG = Route("big", None, "domain", "")


@pytest.mark.parametrize("error", [ModelUnavailable("down"), ModelOverloaded("full"), ModelRefused("too long", "x")])
async def test_it_quotes_the_best_passages_when_no_model_answers(bench: Any, error: ModelError) -> None:
    ran: Ran = await bench(ScriptedModel([error])).ask(LEAVE)
    answer = ran.answer
    assert answer.degraded
    assert not answer.abstained
    assert answer.route.tier == "none"
    assert "Employees get 25 days" in answer.text
    assert [citation.n for citation in answer.citations] == [1, 2, 3]
    assert answer.citations[0].chunk == "c2"
    assert ran.text == answer.text


async def test_it_still_finds_passages_when_there_is_no_model_at_all(bench: Any) -> None:
    class NoModels:
        async def choose(self, turn: Turn) -> Choice:
            raise ModelRefused("No model is configured.", "model_not_found")

    answer = (await bench("x", models=NoModels()).ask(LEAVE)).answer
    assert answer.degraded
    assert answer.citations
    plain = (await bench("x", models=NoModels()).ask("Joke?", grounded=False)).answer
    assert plain.degraded
    assert "No language model" in plain.text


async def test_it_keeps_what_was_released_when_the_model_dies(bench: Any) -> None:
    model = ScriptedModel([("Employees get 25 days [1]. Unused leave", ModelUnavailable("died"))])
    ran: Ran = await bench(model).ask(LEAVE)
    answer = ran.answer
    assert answer.text == "Employees get 25 days [1]."
    assert answer.stopped_by == "error"
    assert answer.notice is not None
    assert "notice" in [event.kind for event in ran.events]
    assert answer.citations


class TakenOver:
    """A router whose first model dies in the middle of its second sentence."""

    name, context_tokens = "router", 4096

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        yield Piece("Employees get ", route=Route("big", None, "domain", ""))
        yield Piece("25 days [1]. Unused leave exp")
        yield Piece("Employees get 25 days [1]. ", route=Route("small", None, "fallback", ""))
        yield Piece("Unused leave expires on 31 March [1].", stopped_by="stop", usage=Usage(5, 5))

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        return 0


async def test_it_goes_on_when_another_model_takes_over_and_repeats_nothing(bench: Any) -> None:
    ran: Ran = await bench(TakenOver(), route=BIG).ask(LEAVE)
    answer = ran.answer
    assert answer.text == ran.text == "Employees get 25 days [1]. Unused leave expires on 31 March [1]."
    assert answer.notice == "big stopped answering, so small took over."
    assert [event.text for event in ran.events if event.kind == "notice"] == [answer.notice]
    assert answer.route.model == "small" and "takeover" in ran.steps


async def test_plain_chat_that_is_taken_over_holds_no_half_sentence_and_no_mark(bench: Any) -> None:
    ran: Ran = await bench(TakenOver(), route=BIG).ask("Leave?", grounded=False)
    assert ran.answer.text == "Employees get 25 days. Unused leave expires on 31 March."
    assert ran.text.startswith(
        "Employees get 25 days …"
    )  # what is streamed cannot be taken back, the answer replaces it


@pytest.mark.parametrize("grounded", [True, False])
async def test_it_tells_once_that_another_model_answers_from_the_beginning(bench: Any, grounded: bool) -> None:
    class Down(TakenOver):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
            route = Route("small", None, "fallback", "", "big did not answer")
            yield Piece("Nothing of that stands there.", route=route)
            yield Piece(stopped_by="stop", usage=Usage(5, 5))

    ran: Ran = await bench(Down(), route=BIG).ask(
        LEAVE, grounded=grounded
    )  # a second draft falls to the small one, too
    assert ran.answer.notice == "big did not answer, so small answered instead."
    assert [event.text for event in ran.events if event.kind == "notice"] == [ran.answer.notice]
    assert ran.steps.count("takeover") == 1


async def test_it_says_what_is_missing_where_no_model_may_answer(bench: Any) -> None:
    class Off:
        async def choose(self, turn: Turn) -> Choice:
            raise WishRefused("All models are switched off. Switch one on.", "model_not_found")

    made = bench("x", models=Off())
    answer = (await made.ask("Joke?", grounded=False)).answer
    assert answer.degraded and answer.text == "All models are switched off. Switch one on."
    visitor = replace(ANNA, credential="widget")
    assert "switched off" not in (await made.ask("Joke?", visitor, grounded=False)).answer.text
    assert (await made.ask(LEAVE)).answer.notice is None  # the documents answered
    named = (await made.ask(LEAVE, model="committee")).answer
    assert named.degraded and named.citations and named.notice == answer.text


async def test_it_says_so_with_the_kernel_that_ships(embedder: Any) -> None:
    turns = Turns(
        ListSearch([]), Registry([]), RuleJudge(embedder.embed), KernelGate(False), MemoryRecords(), TurnSettings()
    )
    asked = Turn("t", "Joke?", (), ANNA, TurnOptions(grounded=False))
    answer = [event async for event in turns.run(asked)][-1].answer
    assert answer is not None and answer.degraded and answer.text.startswith("No model is configured")


@pytest.mark.parametrize("error", [IndexUnavailable("gone"), TimeoutError()])
async def test_it_says_when_the_documents_cannot_be_searched(bench: Any, error: Exception) -> None:
    made = bench("x")

    async def broken(*_: object) -> SearchResult:
        raise error

    made.search.search_detailed = broken
    answer = (await made.ask(LEAVE)).answer
    assert "cannot be searched" in answer.text
    assert answer.degraded
    assert not answer.abstained


async def test_it_gives_up_a_search_that_takes_too_long(bench: Any) -> None:
    made = bench("x", search_timeout_s=0.01)

    async def slow(*_: object) -> SearchResult:
        await asyncio.sleep(5)
        raise AssertionError

    made.search.search_detailed = slow
    assert (await made.ask(LEAVE)).answer.degraded


async def test_it_quotes_when_the_context_holds_no_question_at_all(bench: Any) -> None:
    model = ScriptedModel(["x"], context_tokens=10)
    answer = (await bench(model).ask(LEAVE)).answer
    assert answer.degraded
    assert model.requests == []
