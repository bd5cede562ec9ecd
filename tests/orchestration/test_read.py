from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from assistant.orchestration.read import Read, read, readable
from knowledge.reader import Reading
from knowledge.types import Passage
from tests.readings import SURE, reading
from tests.turn.conftest import PASSAGES, passage

LEAVE = "How many days of paid leave do employees get?"


@dataclass
class Scores:
    """A reader that finds each passage as likely as it is told, and its first word the answer."""

    log_odds: Sequence[float]

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        given = zip(passages, self.log_odds, strict=True)
        return [reading(question, p, p.text.split()[0], log_odds) for p, log_odds in given]


def test_it_takes_the_likeliest_passage() -> None:
    found = read(Scores([SURE - 1, SURE + 1, SURE]), [LEAVE], PASSAGES)
    assert (found.passage, found.words) == (PASSAGES[1], "Employees")
    assert found.log_odds == pytest.approx(SURE + 1)
    assert found.told == "The answer stands in Leave"


@pytest.mark.parametrize(("log_odds", "sure"), [(SURE + 0.1, True), (SURE - 0.1, False)])
def test_it_is_sure_from_a_limit_on(log_odds: float, sure: bool) -> None:
    found = read(Scores([SURE - 2, log_odds, SURE - 1]), [LEAVE], PASSAGES)
    assert found.sure is sure
    assert ("No passage" in found.told) is not sure


def test_it_finds_no_answer_in_an_empty_passage() -> None:
    found = Read(LEAVE, PASSAGES[0], "", 5.0)
    assert not found.sure


@pytest.mark.parametrize("text", ["25   days", "Leave\n\n25 days", "25 days\nLeave"])
def test_it_keeps_the_answer_to_one_line(text: str) -> None:
    assert read(Whole(), [LEAVE], [passage(1, text)]).words == "25 days"


@pytest.mark.parametrize(
    ("log_odds", "attached", "found_in"),
    [
        ([SURE + 1, SURE + 1.9, SURE - 5], {"c1"}, 0),
        ([SURE + 1, SURE + 2.1, SURE - 5], {"c1"}, 1),  # clearly likelier
        ([SURE - 0.1, SURE + 0.1, SURE - 5], {"c1"}, 1),  # not sure
        ([SURE - 1, SURE - 2, SURE + 3], {"c1", "c2"}, 2),
        ([SURE + 1, SURE + 2, SURE + 2.9], {"c1", "c2"}, 1),
        ([SURE - 1, SURE - 2, SURE - 3], {"c3"}, 0),
        ([SURE + 1, SURE + 1.5, SURE - 3], set(), 1),
        ([SURE + 1, SURE + 2, SURE + 3], {"c1", "c2", "c3"}, 2),
    ],
)
def test_attached_passages_answer_where_they_are_sure_and_no_other_is_clearly_likelier(
    log_odds: list[float], attached: set[str], found_in: int
) -> None:
    scores = Odds(dict(zip(("c1", "c2", "c3"), log_odds, strict=True)))
    assert read(scores, [LEAVE], PASSAGES, attached).passage == PASSAGES[found_in]


@pytest.mark.parametrize(("own", "found_in"), [(SURE + 0.1, 0), (SURE - 0.1, 1)])
def test_attached_passages_answer_a_follow_up_where_they_are_sure(own: float, found_in: int) -> None:
    scores = Odds({"c1": own, "c2": SURE + 5, "c3": SURE - 5})
    assert read(scores, [LEAVE], PASSAGES, {"c1"}, points_back=True).passage == PASSAGES[found_in]


@dataclass
class Odds:
    """A reader that finds each chunk as likely as it is told."""

    log_odds: Mapping[str, float]

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        return [reading(question, p, p.text.split()[0], self.log_odds[p.chunk_id]) for p in passages]


@dataclass
class Understanding:
    """A reader that is sure of some questions alone, and keeps what it was asked."""

    known: Sequence[str]
    asked: list[str]

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        self.asked.append(question)
        odds = SURE + 1 if question in self.known else SURE - 1
        return [reading(question, p, p.text.split()[0], odds) for p in passages]


@pytest.mark.parametrize(
    ("known", "answered", "read_before"),
    [([LEAVE], LEAVE, 1), (["in part-time"], "in part-time", 2), ([LEAVE, "in part-time"], LEAVE, 1), ([], LEAVE, 2)],
)
def test_it_reads_another_meaning_only_where_the_likelier_one_has_no_answer(
    known: list[str], answered: str, read_before: int
) -> None:
    reader = Understanding(known, [])
    found = read(reader, [LEAVE, "in part-time"], PASSAGES)
    assert (found.question, len(reader.asked)) == (answered, read_before)
    assert found.sure is bool(known)


class Whole:
    """A reader that takes the whole passage for the answer."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        return [Reading(1.0, 0, len(p.text)) for p in passages]


@pytest.mark.parametrize(
    ("question", "text", "can"),
    [
        (LEAVE, PASSAGES[1].text, True),
        ("Wie viele Tage Urlaub?", PASSAGES[1].text, False),
        (LEAVE, "Die Angestellten haben 25 Tage Urlaub, und nicht mehr als das ist für sie in dem Jahr.", False),
        (LEAVE, "员工每年有二十五天带薪假期。", False),
    ],
)
def test_it_reads_english_alone(question: str, text: str, can: bool) -> None:
    assert readable(question, [PASSAGES[0], passage(2, text)]) is can
