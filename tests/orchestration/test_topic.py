from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.orchestration.read import read, readable
from assistant.orchestration.topic import asks_for_topic, asks_for_whom, on_topic
from knowledge.types import Passage
from tests.orchestration.test_read import Odds
from tests.readings import SURE
from tests.turn.conftest import passage

WHAT = "What is the parental leave policy?"


def page(n: int, title: str, text: str, *, place: int = 0, heading: str = "", document: str = "") -> Passage:
    return replace(passage(n, text, title), document_id=document or title, place=place, heading=heading)


FIRST = page(1, "New Parent Leave", "Parents get 12 weeks of leave. It is paid.")
LATER = page(2, "New Parent Leave", "Leave of a parent does not accrue a sabbatical.", place=3)
OTHER = page(3, "Sabbatical", "After parental leave a sabbatical is a matter of policy.")


@pytest.mark.parametrize(
    "question",
    [
        WHAT,
        "what are the company holidays",
        "How do performance reviews work?",
        "What happens on my first day?",
        "Tell me about the sabbatical.",
        "explain OKRs",
        "parental leave",
        "sabbatical",
        "What is the policy on drugs and alcohol?",
        "What does a project manager do?",
    ],
)
def test_a_whole_topic_is_asked_for(question: str) -> None:
    assert asks_for_topic(question)


@pytest.mark.parametrize(
    "question",
    [
        "How many weeks of parental leave do I get?",
        "What is the salary of an engineer?",
        "What types of therapy does the plan cover?",
        "Who is the head of sales?",
        "Can I work remotely?",
        "What happens if I lose my card?",
        "Is jury duty paid?",
        "We went there on foot because the bus was late.",
        "",
    ],
)
def test_something_about_a_topic_is_asked_for(question: str) -> None:
    assert not asks_for_topic(question)


@pytest.mark.parametrize("begin", ["what is ", "how do ", "explain ", ""])
@pytest.mark.parametrize("word", ["a", "a ", "work ", "-"])
def test_a_long_text_is_looked_at_once(begin: str, word: str) -> None:
    assert not asks_for_topic(f"{begin}{word * 8_000};")


def test_a_title_is_one_thing_however_it_is_put() -> None:
    asked = "What is the code of conduct?"
    assert not asks_for_topic(asked, ["Conduct"]) and asks_for_topic(asked, ["Conduct", "Code of Conduct"])


def test_a_passage_that_is_about_much_else_is_not_the_one() -> None:
    risk = page(1, "Information Security Risk Management Policy", "Security needs a policy.")
    wider = page(2, "Information Security Policy", "Security needs a policy.")
    much = page(3, "How sales and support learn from each other", "Security.", heading="Our security and their plans")
    assert on_topic("What is the security policy?", [risk, wider]) == 1
    assert on_topic("What is the security policy?", [much]) is None


@pytest.mark.parametrize(
    ("question", "passages", "found"),
    [
        (WHAT, [OTHER, LATER, FIRST], 2),  # the beginning of the page
        (WHAT, [OTHER], None),  # it mentions the thing
        ("What is the sick leave policy?", [FIRST, LATER], None),  # a page about another leave
        ("What are the rules?", [FIRST], None),
        ("What is it?", [FIRST], None),
        (WHAT, [], None),
    ],
)
def test_the_passage_is_the_one_whose_title_names_the_topic(
    question: str, passages: list[Passage], found: int | None
) -> None:
    assert on_topic(question, passages) == found


def test_a_heading_names_it_too_and_the_text_may_have_the_rest_of_the_words() -> None:
    first = page(1, "Welcome", "Be there at nine.", heading="Start > The First Day")
    assert on_topic("What happens on my first day?", [OTHER, first]) == 1
    assert on_topic("What happens on my first Monday?", [first]) is None
    asked = "Is the sabbatical paid?"
    assert on_topic(asked, [page(1, "Sabbatical", "It is paid in full.")]) == 0
    assert on_topic(asked, [page(1, "Sabbatical", "It lasts twelve weeks.")]) is None


def test_of_several_documents_it_is_the_first_and_of_a_wider_one_a_passage_with_the_topic_in_its_text() -> None:
    sick = "Vacation and Sick Leave"
    about = [page(1, sick, "Three weeks."), page(2, sick, "Sick leave accrues.", place=1)]
    again = page(3, "Sick leave in short", "Sick leave: see there.")
    assert on_topic("sick leave", [*about, again]) == 1
    assert on_topic("sick leave", [again, *about]) == 0
    narrow = [page(1, "Sick leave policy", "Sick leave accrues.", place=1), page(2, "Sick leave policy", "Get well.")]
    assert on_topic("sick leave", narrow) == 1


def test_the_reader_gives_way_to_the_page_about_the_topic() -> None:
    odds = Odds({"c1": SURE - 3, "c2": SURE + 5, "c3": SURE + 1})
    found = read(odds, [WHAT], [OTHER, LATER, FIRST])
    assert (found.passage, found.sure) == (FIRST, True)
    assert found.explanation == "Parents get 12 weeks of leave. [1] It is paid. [1]"
    assert read(odds, ["How many weeks of parental leave do I get?"], [OTHER, LATER, FIRST]).passage == LATER


def test_the_page_is_told_where_the_reader_would_find_nothing() -> None:
    remote = page(1, "Working Remotely", "Everybody may do it on two days. Tell your team.")
    unsure, sure = Odds({"c1": SURE - 3, "c2": SURE - 4}), Odds({"c1": SURE - 3, "c2": SURE + 3})
    assert read(unsure, ["Can I work remotely?"], [remote, LATER]).passage == remote
    assert read(sure, ["Can I work remotely?"], [remote, LATER]).passage == LATER
    assert not read(unsure, ["Who works remotely?"], [remote, LATER]).sure


def test_a_page_that_tells_nothing_in_sentences_does_not_count() -> None:
    empty = page(1, "Parental leave", "| Parental | leave |")
    assert read(Odds({"c1": SURE - 3, "c2": SURE + 1}), [WHAT], [empty, LATER]).passage == LATER


def test_the_page_of_an_attached_file_comes_first() -> None:
    mine = page(4, "My notes", "Parental leave is mine.", document="file")
    odds = Odds({"c1": SURE - 3, "c4": SURE + 1})
    assert read(odds, [WHAT], [FIRST, mine], attached={"c4"}).passage == mine


def test_a_heading_that_is_a_sentence_is_told_with_the_text_below() -> None:
    mission = page(1, "Mission", "We build things that last.", heading="Our mission is to repair the world.")
    found = read(Odds({"c1": SURE + 1}), ["What is our mission?"], [mission])
    assert found.explanation == "Our mission is to repair the world. [1] We build things that last. [1]"


def test_words_without_a_sentence_are_english_where_an_english_page_is_named_so() -> None:
    assert readable("parental leave", [FIRST])
    assert not readable("Elternzeit", [FIRST]) and not readable("parental leave", [OTHER])
    german = page(
        1, "Parental leave", "Die Elternzeit dauert zwölf Wochen und ist bezahlt, wie der Urlaub es auch ist."
    )
    assert not readable("parental leave", [german])


def test_a_heading_alone_can_name_it() -> None:
    other = page(1, "Vacation and Sick Leave", "Duty is paid on any day.")
    within = page(
        2, "Other Protected Absences", "Three days are paid.", heading="Absences > Jury Duty or Witness Summons"
    )
    assert on_topic("Is jury duty paid?", [other, within]) == 1


def test_what_is_not_so_is_told_below_a_heading_that_says_so() -> None:
    covered = page(1, "Perks", "These are covered: gym and yoga.", heading="Perks > What is covered?")
    refused = page(
        2, "Perks", "Food is not covered.", place=1, heading="Perks > What is not covered?", document="Perks"
    )
    assert on_topic("What is not covered by Perks?", [covered, refused]) == 1
    assert on_topic("What is covered by Perks?", [refused, covered]) == 1
    assert on_topic("What is not covered by Perks?", [covered]) == 0


@pytest.mark.parametrize(
    ("question", "whom"),
    [
        ("Who is eligible for parental leave?", True),
        ("And who qualifies for it?", True),
        ("Who gets parental leave?", True),
        ("Who is the head of sales?", False),
        ("How do I get leave?", False),
    ],
)
def test_whom_a_thing_is_for_is_asked(question: str, whom: bool) -> None:
    assert asks_for_whom(question) is whom


def test_whom_a_thing_is_for_stands_where_its_page_begins() -> None:
    asked, unsure = "Who is eligible for parental leave?", Odds({"c1": SURE - 3, "c2": SURE - 1})
    found = read(unsure, [asked], [FIRST, LATER])
    assert found.explanation == "Parents get 12 weeks of leave. [1] It is paid. [1]"
    assert read(Odds({"c1": SURE - 3, "c2": SURE + 1}), [asked], [FIRST, LATER]).passage == LATER


def test_a_name_is_known_by_its_initials() -> None:
    other = page(1, "Onboarding", "Read about OKRs on the first day.")
    meant = page(2, "Objectives and Key Results", "They are a method for keeping track of goals.")
    assert on_topic("explain OKRs", [other, meant]) == 1
    assert on_topic("explain OKRs", [other, replace(meant, title="Objectives")]) is None
