"""Answers without a model: questions in other words, and what administrators have written."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from assistant.cache import Key
from assistant.kept import KeptAnswers
from assistant.models.fake import ScriptedModel
from assistant.models.types import Sampling
from assistant.near import NearCache, same_particulars
from assistant.orchestration.settings import TurnSettings
from assistant.types import Answer, Caller, Route, TurnOptions
from knowledge.embed import OnnxEmbedder
from knowledge.types import Scope
from tests.turn.conftest import LEAVE

ROUTE = Route("m", None, "fallback", "")
KEY = Key("scope", 1, ROUTE, "prompt", "How long is the gym open?", "", TurnOptions())
ANSWER = Answer("Yes [1].", (), False, True, False, ROUTE)
OTHER_WORDS = "How many days of paid leave do employees get each year?"
BEN = Caller("ben", "Ben", Scope(frozenset({"everyone", "user:ben"})))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("What is the code of door 3?", "What is the code of door 4?", False),
        ("May I carry over leave?", "May I not carry over leave?", False),
        ("Who approves travel in Lisbon?", "Who approves travel in Turin?", False),
        ("Who approves travel?", "When is travel approved?", False),
        ("What is the minimum stay?", "What is the maximum stay?", False),
        ("How long is the gym open?", "How long is the fitness room open?", True),
        ("how long is the gym open", "How long is the gym open?", True),
    ],
)
def test_it_sees_what_closeness_does_not(one: str, other: str, same: bool) -> None:
    assert same_particulars(one, other) is same is same_particulars(other, one)


def test_it_compares_within_one_reader_version_route_and_prompt_alone() -> None:
    cache, vector = NearCache(0.9, 10, 60.0), np.full(4, 0.5, np.float32)
    cache.put(KEY, vector, ANSWER)
    asked = dataclasses.replace(KEY, question="How long is the fitness room open?")
    assert cache.get(asked, vector) is ANSWER
    foreign: list[dict[str, Any]] = [
        {"scope": "other"}, {"knowledge": 2}, {"route": Route("n", None, "fallback", "")}, {"prompt": "new"},
        {"said": "x"}, {"options": TurnOptions(collections=("HR",))},
    ]  # fmt: skip
    for change in foreign:
        assert cache.get(dataclasses.replace(asked, **change), vector) is None
    assert cache.get(asked, np.array([1, 0, 0, 0], np.float32)) is None


def test_it_forgets_what_is_old_or_too_much() -> None:
    clock, vector = [0.0], np.full(4, 0.5, np.float32)
    cache = NearCache(0.9, 2, 60.0, lambda: clock[0])
    for n in range(3):
        cache.put(dataclasses.replace(KEY, question=f"Question {n}?"), vector, ANSWER)
    assert len(cache) == 2 and cache.get(dataclasses.replace(KEY, question="Question 0?"), vector) is None
    clock[0] = 60.0
    assert cache.get(dataclasses.replace(KEY, question="Question 2?"), vector) is None and len(cache) == 0


async def test_a_question_in_other_words_is_answered_from_memory_and_counted(
    bench: Any, embedder: OnnxEmbedder
) -> None:
    model = ScriptedModel(["25 days [1]."])
    settings = TurnSettings(cache_answers=True, cache_closeness=0.9)
    made = bench(model, cache_answers=True)
    made.turns.kept = KeptAnswers(settings, embedder.embed)
    first = await made.ask(LEAVE)
    again = await made.ask(OTHER_WORDS)
    assert again.answer.text == first.answer.text and again.steps == ["cache"] and len(model.requests) == 1
    assert "in other words" in again.answer.steps[0].detail
    figures, used = made.turns.kept.figures(), first.answer.usage
    assert (figures.same, figures.near, figures.missed) == (0, 1, 1)
    assert figures.saved_tokens == used.input_tokens + used.output_tokens
    await made.ask(OTHER_WORDS, caller=BEN)
    made.search.changes += 1
    await made.ask(OTHER_WORDS)
    assert len(model.requests) == 3


async def test_questions_in_other_words_do_not_count_unless_switched_on(bench: Any, embedder: OnnxEmbedder) -> None:
    model = ScriptedModel(["25 days [1]."])
    made = bench(model, cache_answers=True)
    made.turns.kept = KeptAnswers(TurnSettings(cache_answers=True), embedder.embed)
    await made.ask(LEAVE)
    await made.ask(OTHER_WORDS)
    assert len(model.requests) == 2


async def test_an_answer_in_json_is_not_kept(bench: Any) -> None:
    model = ScriptedModel(['{"days": 25}'])
    made = bench(model, cache_answers=True)
    for _ in range(2):
        await made.ask(LEAVE, sampling=Sampling(json_schema={"type": "object"}))
    assert len(model.requests) == 2


class Board:
    """Curated answers on a board: one, for everyone."""

    def find(self, question: str, scope: Scope) -> Answer | None:
        return dataclasses.replace(ANSWER, text="Written.") if question == LEAVE else None


async def test_what_an_administrator_wrote_comes_before_any_model_and_not_when_asked_anew(bench: Any) -> None:
    model = ScriptedModel(["25 days [1]."])
    made = bench(model)
    made.turns.kept = KeptAnswers(TurnSettings(), pinned=Board())
    ran = await made.ask(LEAVE)
    assert ran.text == "Written." and not model.requests and made.records.records[0].cached
    assert "administrator" in ran.answer.steps[0].detail
    await made.ask(LEAVE, fresh=True)
    await made.ask(LEAVE, grounded=False)
    assert len(model.requests) == 2 and made.turns.kept.figures().pinned == 1
    measured = made.turns.over(made.search, made.records)
    assert measured.kept.figures() != made.turns.kept.figures()
