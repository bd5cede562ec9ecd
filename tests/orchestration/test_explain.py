"""Questions that want an explanation, and the stretch of a passage that gives it."""

from __future__ import annotations

import pytest

from assistant.orchestration.explain import asks_for_explanation, explanation

COINSURANCE = """IMPORTANT PLAN INFORMATION

Choosing a plan takes time. Coinsurance is a cost-sharing requirement of the plan. This means that after you have met
your deductible, you pay 20 percent of the costs. The rate depends on the service. Dental care has rules of its own."""
TRIALS = """The plan covers the cost of certain clinical trial services, and some of the most common include:

• Diagnostic testing
• Medications
• Lab services

Ask your doctor before you take part."""


@pytest.mark.parametrize(
    "question",
    [
        "How does coinsurance work?",
        "Why was the request refused?",
        "Can you explain the appeals process?",
        "What is a copayment?",
        "what is copay for Northwind Health Plus?",
        "What does grandfathered mean?",
        "What happens when I leave the company?",
        "What should I do if I lose my laptop?",
        "What are the benefits of the wellness program?",
        "What services does the plan cover?",
        "What kinds of therapy does it cover?",
        "Does the plan cover gender affirming care?",
        "Tell me about the travel policy.",
    ],
)
def test_a_few_words_are_no_answer_to(question: str) -> None:
    assert asks_for_explanation(question)


@pytest.mark.parametrize(
    "question",
    [
        "How many days of leave do employees get?",
        "How much is lunch?",
        "Who approves business class?",
        "When does unused leave expire?",
        "Where is the canteen?",
        "What is the capital of Normandy?",
        "Which form is needed?",
        "In what year was the company founded?",
        "What color is the badge of a visitor?",
    ],
)
def test_a_few_words_answer(question: str) -> None:
    assert not asks_for_explanation(question)


def test_shows_the_sentences_that_are_about_the_question() -> None:
    assert explanation("How does coinsurance work?", COINSURANCE, "20 percent", "Plan") == (
        "Coinsurance is a cost-sharing requirement of the plan. [1] This means that after you have met your "
        "deductible, you pay **20 percent** of the costs. [1] The rate depends on the service. [1]"
    )


def test_shows_a_list_with_the_sentence_that_leads_to_it_and_nothing_after_it() -> None:
    assert explanation("What services does the clinical trial plan cover?", TRIALS, "Lab services", "Plan") == (
        "The plan covers the cost of certain clinical trial services, and some of the most common include: [1]"
        "\n- Diagnostic testing\n- Medications\n- **Lab services**"
    )


def test_long_words_and_those_of_the_question_are_not_emphasised() -> None:
    shown = explanation("How does coinsurance work?", COINSURANCE, "Coinsurance", "")
    assert shown is not None and "**" not in shown
    long = "after you have met your deductible, you pay 20 percent of the costs"
    shown = explanation("How does coinsurance work?", COINSURANCE, long, "")
    assert shown is not None and long in shown and "**" not in shown


def test_does_not_begin_with_a_sentence_that_leans_on_the_one_before() -> None:
    text = "Leave is granted by the manager. It is granted within a week. Ask early."
    shown = explanation("How is leave granted?", text, "within a week", "")
    assert shown is not None and shown.startswith("Leave is granted by the manager.")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("| Plan | Rate |\n| --- | --- |\n| Gold | 20 |", "a table"),
        ("Coinsurance\n\nCopayment", "headings alone"),
        ("The canteen opens at noon. Lunch is served until two.", "something else"),
        ("", "nothing"),
    ],
)
def test_there_is_none_in(text: str, why: str) -> None:
    assert explanation("How does coinsurance work for dental care?", text, "noon", "") is None, why


def test_the_headings_count_as_what_a_passage_is_about() -> None:
    text = "Members pay a share of the costs once the deductible is met."
    assert explanation("What is coinsurance?", text, "", "Plan > Coinsurance") == f"{text} [1]"


def test_is_bounded() -> None:
    sentence = "Coinsurance is a share of the costs that members pay for the services that they receive from doctors."
    shown = explanation("How does coinsurance work?", " ".join([sentence] * 50), "share", "")
    assert shown is not None and len(shown) < 800


LEAVE = """Employees get 12 weeks of paid leave after the birth or adoption of a child. They take it within a year.

Teams are told as early as possible. Paid time off of any kind, including new parent leave, brings nobody nearer to a
sabbatical. The state pays a part of it."""


@pytest.mark.parametrize("question", ["What is the parental leave policy?", "How does parental leave work?"])
def test_a_text_about_the_topic_itself_is_told_from_its_beginning(question: str) -> None:
    told = explanation(question, LEAVE, "sabbatical", "New Parent Leave")
    assert told is not None and told.startswith("Employees get 12 weeks")
    elsewhere = explanation(question, LEAVE, "sabbatical", "Days off")
    assert elsewhere is not None and elsewhere.startswith("Paid time off")


def test_what_makes_a_question_general_need_not_stand_in_the_text() -> None:
    policies = "What are the rules and processes for lunch?"
    assert explanation(policies, "Lunch is served at noon.", "", "Canteen") == "Lunch is served at noon. [1]"


def test_it_does_not_ask_again_what_was_asked() -> None:
    text = (
        "What is balance billing? A provider bills you for the rest. It is often unexpected. What is a claim? A bill."
    )
    found = explanation("What is balance billing?", text, "", "Plan")
    assert found is not None and found.startswith("A provider bills you for the rest. [1] It is often unexpected. [1]")
    assert explanation("What is a claim?", "Read on. What is a claim?", "", "Plan") == "What is a claim? [1]"
