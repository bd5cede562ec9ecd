"""Grounding: what stands in the passages passes, what does not is held back, and citations end up where they belong."""

from __future__ import annotations

import pytest

from assistant.guardrails.grounding import Judged, RuleJudge, judge
from assistant.guardrails.rules import load
from assistant.guardrails.sources import Embed
from knowledge.types import Passage
from tests.guardrails.conftest import passage

OWN = "The documents do not say."


def judged(question: str, sentence: str, passages: list[Passage], embed: Embed) -> Judged:
    return RuleJudge(embed).open(question, passages, OWN).sentence(sentence)


@pytest.mark.parametrize(
    ("question", "sentence", "cited"),
    [
        ("In what country is Normandy located?", "France [1].", (1,)),
        ("In what country is Normandy located?", "Normandy is located in France [1].", (1,)),
        ("In what country is Normandy located?", "Normandy is a region in France. [1]", (1,)),
        ("Who was the leader of the Norse raiders?", "Rollo [1]", (1,)),
        ("From where did the Norse raiders come?", "Denmark, Iceland and Norway [1].", (1,)),
        ("How many days of paid leave do employees get per year?", "25 days [2].", (2,)),
        ("How many days of paid leave do employees get per year?", "Employees get 25 days of paid leave [2].", (2,)),
        ("When does unused leave expire?", "31 March 2025 [2].", (2,)),
        ("When does unused leave expire?", "On March 31, 2025 [2].", (2,)),
        ("When does unused leave expire?", "Unused leave expires on 2025-03-31 [2].", (2,)),
        ("Is leave paid out in cash?", "No, leave is not paid out in cash [2].", (2,)),
        ("By how much did revenue rise?", "5% [3].", (3,)),
        ("What is the price per seat?", "1499.50 EUR [3].", (3,)),
    ],
)
def test_it_keeps_what_the_passage_says(
    question: str, sentence: str, cited: tuple[int, ...], passages: list[Passage], embed: Embed
) -> None:
    found = judged(question, sentence, passages, embed)
    assert (found.kind, found.cited) == ("supported", cited), found


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("In what country is Normandy located?", "Germany [1]."),
        ("In what country is Normandy located?", "Normandy is located in Germany [1]."),
        ("How many days of paid leave do employees get per year?", "30 days [2]."),
        ("How many days of paid leave do employees get per year?", "Employees get 25 weeks of paid leave [2]."),
        (
            "How many days of paid leave do employees get per year?",
            "Employees get 2.5 days of paid leave per year [2].",
        ),
        ("When does unused leave expire?", "Unused leave expires on 31 April 2025 [2]."),
        ("When does unused leave expire?", "Unused leave expires on 31 March 2026 [2]."),
        ("Is leave paid out in cash?", "Leave is paid out in cash [2]."),
        ("Do employees get paid leave?", "Employees do not get 25 days of paid leave per year [2]."),
        ("By how much did revenue rise?", "Revenue rose by 5 dollars [3]."),
        ("By how much did revenue rise?", "Revenue rose to $1.2 million [3]."),
        ("Who was the leader of the Norse raiders?", "Their leader was Erik Thorvaldsson [1]."),
        ("What is the capital of Australia?", "Canberra [1]."),
        ("What is the wifi password?", "The sky is green and the grass is blue on every second Tuesday [2]."),
    ],
)
def test_it_holds_back_what_the_passage_does_not_say(
    question: str, sentence: str, passages: list[Passage], embed: Embed
) -> None:
    found = judged(question, sentence, passages, embed)
    assert found.kind == "unsupported", found
    assert found.reason


def test_it_moves_a_citation_to_the_passage_that_says_it(passages: list[Passage], embed: Embed) -> None:
    asked = "How many days of paid leave do employees get per year?"
    assert judged(asked, "25 days [1].", passages, embed).cited == (2,)
    assert judged(asked, "25 days [17].", passages, embed).cited == (2,)


def test_it_adds_a_citation_that_is_missing(passages: list[Passage], embed: Embed) -> None:
    assert judged("In what country is Normandy located?", "France.", passages, embed).cited == (1,)


def test_it_takes_a_sentence_that_rests_on_two_passages(passages: list[Passage], embed: Embed) -> None:
    sentence = "Employees get 25 days of paid leave per year and revenue rose by 5 percent [2][3]."
    assert judged("What is new?", sentence, passages, embed).cited == (2, 3)


def test_it_knows_an_abstention_and_empty_talk(passages: list[Passage], embed: Embed) -> None:
    assert judged("Who?", OWN, passages, embed).kind == "abstention"
    assert judged("Who?", "Here is the answer:", passages, embed).kind == "neutral"
    assert judged("Who?", "**", passages, embed).kind == "neutral"


def test_it_finds_nothing_supported_without_passages(embed: Embed) -> None:
    assert judged("Who?", "Rollo [1].", [], embed).kind == "unsupported"


def test_it_sums_an_answer_up(passages: list[Passage], embed: Embed) -> None:
    question = "How many days of paid leave do employees get?"
    good = judge(question, ["25 days [2]."], passages, embed, OWN)
    assert good.grounded
    assert not good.abstained
    mixed = judge(question, ["25 days [2]. ", "Mars is made of chocolate [1]."], passages, embed, OWN)
    assert not mixed.grounded
    assert len(mixed.supported) == 1
    assert judge(question, [OWN], passages, embed, OWN).abstained


@pytest.mark.parametrize(
    "sentence", ["[1]", "[1][2]", "\x00 [1]", "½ [1].", "a" * 5000 + " [1].", "日本 [1]。", "|a|b|", "\ud800", "[999]"]
)
def test_it_survives_odd_sentences(sentence: str, passages: list[Passage], embed: Embed) -> None:
    judged("Who?", sentence, passages, embed)
    judged("\ud800?", sentence, [passages[0]], embed)


def test_it_ships_rules_for_every_weight_it_uses() -> None:
    rules = load()
    assert 0 < rules.span.threshold < 1
    assert 0 < rules.statement.threshold < 1
    with pytest.raises(KeyError):
        rules.span.probability({})


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        ("In welchem Land liegt die Normandie?", "Frankreich", "Die Normandie ist eine Region in Frankreich."),
        ("¿En qué país está Normandía?", "Francia", "Normandía es una región de Francia."),
        ("诺曼底在哪个国家？", "法国", "诺曼底是法国的一个地区。"),
        ("في أي بلد تقع نورماندي؟", "فرنسا", "نورماندي منطقة في فرنسا."),
    ],
)
def test_it_is_no_stricter_with_other_languages(question: str, answer: str, text: str, embed: Embed) -> None:
    assert judged(question, f"{answer} [1].", [passage(text, "")], embed).kind == "supported"


def test_it_reads_a_table_row_with_its_header(embed: Embed) -> None:
    head, rent, food = "| Item | 2019 | 2018 |\n|---|---|---|", "| Rent | 9 | 8 |", "| Food | 7 | 6 |"
    table = "\n".join([head, rent, food, "| Total sales | 1,496.5 | 1,202.9 |"])
    asked = "What were the total sales in 2019?"
    assert judged(asked, "1,496.5 [1].", [passage(table, "Sales")], embed).kind == "supported"
    assert judged(asked, "1,496.9 [1].", [passage(table, "Sales")], embed).kind == "unsupported"
