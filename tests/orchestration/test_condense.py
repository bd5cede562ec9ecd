"""Condense: follow-ups take along what they point to; questions that stand alone stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.guardrails.words import content
from assistant.orchestration.condense import condense, points_back, rewriting, rewritten
from assistant.orchestration.prompts import Message, load_chat

CAST = Path(__file__).parents[3] / "shared" / "data" / "F_multi_turn" / "cast_2019_2020_rewrite.jsonl"


def after(*said: str) -> list[Message]:
    return [Message("user" if n % 2 == 0 else "assistant", text) for n, text in enumerate(said)]


@pytest.mark.parametrize(
    ("said", "question", "taken"),
    [
        (("What is throat cancer?", "A disease [1]."), "What are its symptoms?", "throat cancer"),
        (("Who leads Contoso?", "Jane Doe [1]."), "When did she join?", "Jane Doe"),
        (("What is the parental leave policy?", "16 weeks [1]."), "What about fathers?", "parental"),
        (("Tell me about the Bronze Age collapse.", "It was [1]."), "And why?", "Bronze Age collapse"),
    ],
)
def test_it_takes_along_what_a_question_points_to(said: tuple[str, ...], question: str, taken: str) -> None:
    found = condense(question, after(*said))
    assert found.question.startswith(question)
    for word in taken.split():
        assert word in found.question
    assert found.queries == (found.question,)


def test_it_leaves_a_question_that_stands_alone() -> None:
    history = after("What is the vacation policy?", "25 days [1].")
    question = "How do I reset the password of my Windows laptop?"
    assert condense(question, history).queries == (question,)
    assert condense("What is Normandy?", []).queries == ("What is Normandy?",)


def test_it_searches_for_both_forms_of_a_question_that_is_merely_short() -> None:
    found = condense("What was the culture like?", after("Tell me about the Ottoman Empire.", "It [1]."))
    assert found.question == "What was the culture like?"
    assert found.queries[0] == found.question
    assert "Ottoman Empire" in found.queries[1]


@pytest.mark.parametrize("question", ["Is there a gym?", "Does the policy say that leave expires?"])
def test_it_is_not_misled_by_words_that_only_look_as_if(question: str) -> None:
    assert not points_back(question)


def test_it_asks_a_model_without_old_marks_and_takes_only_questions() -> None:
    chat = rewriting(load_chat("condense"), "And {her}?", after("Who {leads}?", "Jane [1]."))
    assert chat[0].role == "system"
    assert "User: Who {leads}?\nAssistant: Jane ." in chat[1].content
    assert chat[1].content.endswith("Last question: And {her}?")
    assert rewritten('Question: "Who is Jane Doe?"\nmore', "who?") == "Who is Jane Doe?"
    assert rewritten("", "who?") is None
    assert rewritten("I cannot do that", "who?") is None
    assert rewritten("word " * 100, "who?") is None


@pytest.mark.parametrize("question", ["", "?", "its", "\ud800", "它是什么？", "a" * 8000])
def test_it_survives_odd_questions(question: str) -> None:
    assert condense(question, after("What is X?", "Y [1].")).queries


def test_it_finds_most_of_what_people_put_into_their_own_rewrites() -> None:
    if not CAST.is_file():
        pytest.skip("the TREC CAsT rewrites are not there; this measures the rules against people's rewrites")
    rows = [json.loads(line) for line in CAST.read_text("utf-8").splitlines()]
    rows = [row for row in rows if len(row["turns"]) > 1]
    raw = plain = 0.0
    for row in rows:
        said = [Message("user", turn["content"]) for turn in row["turns"]]
        wanted = set(content(row["rewrite"]))
        got = set(content(condense(said[-1].content, said[:-1]).queries[-1]))
        plain += len(wanted & set(content(said[-1].content))) / len(wanted)
        raw += len(wanted & got) / len(wanted)
    assert plain / len(rows) < 0.62  # what the questions alone hold of the rewrites' content words
    assert raw / len(rows) > 0.76
