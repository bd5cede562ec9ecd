"""The cache: the same question is answered from memory for the same reader, and for nobody else."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest

from assistant.cache import AnswerCache, Key, said
from assistant.models.errors import ModelUnavailable
from assistant.models.fake import ScriptedModel
from assistant.models.types import Sampling
from assistant.orchestration.prompts import Message
from assistant.types import Answer, Caller, Route, TurnOptions
from knowledge.types import Scope
from tests.turn.conftest import LEAVE, PASSAGES, Ran, passage

ROUTE = Route("m", None, "fallback", "")
KEY = Key("scope", 1, ROUTE, "prompt", "question", "", TurnOptions())
ANSWER = Answer("Yes [1].", (), False, True, False, ROUTE)
BEN = Caller("ben", "Ben", Scope(frozenset({"everyone", "user:ben"})))


def test_it_returns_what_was_kept_until_it_is_too_old() -> None:
    clock = [0.0]
    cache = AnswerCache(10, 60.0, lambda: clock[0])
    assert cache.get(KEY) is None
    cache.put(KEY, ANSWER)
    clock[0] = 59.0
    assert cache.get(KEY) is ANSWER
    clock[0] = 60.0
    assert cache.get(KEY) is None
    assert len(cache) == 0
    assert (cache.hits, cache.misses) == (1, 2)


def test_it_keeps_the_last_used_ones_within_its_bound() -> None:
    cache = AnswerCache(2, 60.0)
    keys = [dataclasses.replace(KEY, question=str(n)) for n in range(3)]
    cache.put(keys[0], ANSWER)
    cache.put(keys[1], ANSWER)
    cache.get(keys[0])
    cache.put(keys[2], ANSWER)
    assert [cache.get(key) is not None for key in keys] == [True, False, True]
    none = AnswerCache(0, 60.0)
    none.put(KEY, ANSWER)
    assert none.get(KEY) is None


@pytest.mark.parametrize("change", [{"degraded": True}, {"notice": "x"}, {"stopped_by": "cancelled"}])
def test_it_keeps_nothing_that_went_wrong(change: dict[str, Any]) -> None:
    cache = AnswerCache(2, 60.0)
    cache.put(KEY, dataclasses.replace(ANSWER, **change))
    assert cache.get(KEY) is None


def test_it_tells_histories_apart() -> None:
    assert said([]) != said([Message("user", "a")])
    assert said([Message("user", "ab"), Message("user", "c")]) != said([Message("user", "a"), Message("user", "bc")])


async def test_it_answers_again_without_search_or_model(bench: Any) -> None:
    model = ScriptedModel(["25 days [1]."])
    made = bench(model, cache_answers=True)
    first: Ran = await made.ask(LEAVE)
    again: Ran = await made.ask(LEAVE)
    assert again.answer.text == again.text == first.answer.text
    assert again.answer.citations == first.answer.citations
    assert again.steps == ["cache"]
    assert len(model.requests) == 1
    assert made.records.records[1].cached


async def test_it_is_off_unless_switched_on(bench: Any) -> None:
    model = ScriptedModel(["25 days [1]."])
    made = bench(model)
    await made.ask(LEAVE)
    await made.ask(LEAVE)
    assert len(model.requests) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"caller": BEN},
        {"fresh": True},
        {"max_passages": 2},
        {"collections": ("handbook",)},
        {"sampling": Sampling(temperature=0.5)},
        {"sampling": Sampling(max_tokens=9)},
        {"history": [Message("user", "Hi"), Message("assistant", "Hello")]},
    ],
)
async def test_it_asks_anew_when_anything_differs(bench: Any, changed: dict[str, Any]) -> None:
    model = ScriptedModel(["25 days [1]."])
    made = bench(model, cache_answers=True)
    await made.ask(LEAVE)
    await made.ask(LEAVE, **changed)
    assert len(model.requests) == 2


async def test_it_asks_anew_when_a_document_or_a_right_has_changed(bench: Any) -> None:
    model = ScriptedModel(["25 days [1]."])
    made = bench(model, cache_answers=True)
    await made.ask(LEAVE)
    made.search.changes += 1
    await made.ask(LEAVE)
    assert len(model.requests) == 2


async def test_it_keeps_no_degraded_answer(bench: Any) -> None:
    model = ScriptedModel([ModelUnavailable("down"), "25 days [1]."])
    made = bench(model, cache_answers=True)
    assert (await made.ask(LEAVE)).answer.degraded
    assert (await made.ask(LEAVE)).answer.text == "25 days [1]."


async def test_it_never_crosses_from_one_readers_rights_to_anothers(bench: Any) -> None:
    """Two readers ask the same 25 questions; each one's documents hold a secret of their own."""
    dice = random.Random(7)
    secrets = {name: [f"{name}{n}x{dice.randrange(10**9)}" for n in range(25)] for name in ("red", "blue")}
    passages = [
        passage(n, f"The code of door {n} is {secrets[name][n]}.", f"Door {n}", collection=name)
        for name in secrets
        for n in range(25)
    ]

    def reveal(request: Any) -> str:
        words = request.messages[-1].content.split("\n\n")[0].split()
        return f"{words[words.index('is') + 1].rstrip('.')} [1]."

    made = bench(
        ScriptedModel([reveal]),
        passages=passages,
        readers={name: f"group:{name}" for name in secrets},
        cache_answers=True,
        cache_entries=2000,
    )
    callers = {n: Caller(n, n, Scope(frozenset({"everyone", f"group:{n}"}))) for n in secrets}
    for door in range(25):
        for name, other in (("red", "blue"), ("blue", "red"), ("red", "blue")):
            answer = (await made.ask(f"What is the code of door {door}?", caller=callers[name], max_passages=1)).answer
            shown = repr((answer.text, answer.citations, answer.suggestions, answer.nearest, answer.searched))
            assert secrets[name][door] in answer.text
            assert not any(secret in shown for secret in secrets[other])
    assert made.turns.kept.figures().same == 25


async def test_it_shows_no_reader_what_only_others_may_read(bench: Any) -> None:
    hidden = passage(8, "Salaries: the director gets a castle.", "Salaries", "Secret salary table", "board")
    made = bench(
        ScriptedModel(["The documents do not say."]), passages=[*PASSAGES, hidden], readers={"board": "group:board"}
    )
    answer = (await made.ask("What salary does the director get?")).answer
    shown = repr(answer)
    assert "castle" not in shown  # a word: digits of a number turn up in the measured times
    assert "alary table" not in shown
    assert "board" not in answer.searched
