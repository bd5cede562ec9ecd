from __future__ import annotations

import pytest

from assistant.orchestration.compose import load_prompts
from assistant.orchestration.second_look import Look, again, nearest
from assistant.types import Route
from tests.turn.conftest import PASSAGES, passage

PROMPTS = load_prompts()
SMALL, LARGE = Route("small", "grounded-answer", "fallback", ""), Route("big", None, "domain", "")
LEAVE = "How many days of paid leave do employees get?"


def test_it_finds_the_passage_with_most_of_the_questions_words() -> None:
    assert nearest(LEAVE, PASSAGES) == PASSAGES[1]
    twice = passage(9, PASSAGES[1].text, PASSAGES[1].title)
    assert nearest(LEAVE, [*PASSAGES, twice]) == PASSAGES[1]  # the search had it first


@pytest.mark.parametrize("question", ["Who founded the chess club of Bremen?", "", "Why?"])
def test_it_finds_none_where_all_have_few_of_them(question: str) -> None:
    assert nearest(question, PASSAGES) is None


def test_it_has_the_small_model_look_again_at_the_nearest_passage_alone() -> None:
    look = again(LEAVE, PASSAGES, SMALL, PROMPTS, abstained=True)
    assert look == Look(PROMPTS.grounded, [PASSAGES[1]], "Asked about the nearest passage alone: Leave")
    assert again("Who founded the chess club?", PASSAGES, SMALL, PROMPTS, abstained=True) is None
    assert again(LEAVE, PASSAGES[1:2], SMALL, PROMPTS, abstained=True) is None  # it has seen just that


def test_it_believes_the_abstention_of_a_large_model() -> None:
    assert again(LEAVE, PASSAGES, LARGE, PROMPTS, abstained=True) is None


@pytest.mark.parametrize(("route", "prompt"), [(SMALL, PROMPTS.grounded), (LARGE, PROMPTS.strict)])
def test_it_asks_both_again_when_nothing_stands_in_the_passages(route: Route, prompt: object) -> None:
    look = again("Anything?", PASSAGES, route, PROMPTS, abstained=False)
    assert look is not None and (look.prompt, tuple(look.passages)) == (prompt, tuple(PASSAGES[:2]))
