"""Questions that built-in skills read by themselves: the right arguments, or none at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from skills.builtin import Host, sources
from skills.builtin.calculator import evaluate, show
from skills.builtin.sums_said import expression_in
from skills.settings import SkillsSettings
from skills.sources import Parts
from skills.types import Skill

TODAY = datetime(2026, 11, 28, 12, tzinfo=UTC)


async def _nothing(*_: object) -> Any: ...


@pytest.fixture
async def reading(parts: Parts) -> list[Skill]:
    """Return the built-in skills that read questions."""
    settings = SkillsSettings(quotes_url="http://127.0.0.1:9/{symbol}", tickets_url="http://127.0.0.1:9")
    found = sources(Host(_nothing, _nothing, _nothing, now=lambda: TODAY), replace(parts, settings=settings))
    loaded = [skill for source in found for skill in await source.load()]
    return [skill for skill in loaded if skill.reads is not None]


@pytest.mark.parametrize(
    ("question", "result"),
    [
        ("How much is 25 plus 17?", "42"),
        ("What is the square root of 144?", "12"),
        ("What is 4,800 divided by 12?", "400"),
        ("Multiply 128 by 46.", "5888"),
        ("Add 17.5, 22 and 9.", "48.5"),
        ("Add two numbers: 4 and 5", "9"),
        ("add 3 to 10", "13"),
        ("subtract 3 from 10", "7"),
        ("12 times 14", "168"),
        ("12 x 14 =", "168"),
        ("Please calculate 1000 minus 387.5", "612.5"),
        ("How much is 2 to the power of 16?", "65536"),
        ("What is 17% of 2340?", "397.8"),
        ("How much is 18 percent of 940?", "169.2"),
        ("Work out (14 + 6) * 2.5, please.", "50"),
        ("what's 20% off 80", "64"),
        ("How much is €25 plus 20% VAT?", "30"),
        ("Increase 1200 by 3.5%", "1242"),
        ("what percentage of 120 is 30", "25"),
        ("average of 3, 4 and 8", "5"),
        ("What is the largest of 3, 40 and 8?", "40"),
        ("half of 30", "15"),
        ("5 squared", "25"),
    ],
)
def test_a_sum_is_read_as_it_is_said(question: str, result: str) -> None:
    said = expression_in(question)
    assert said is not None and show(evaluate(said)) == result


def test_a_sum_without_a_result_is_a_sum() -> None:
    assert expression_in("What is 10 / 0?") == "10 / 0"


@pytest.mark.parametrize(
    ("question", "skill", "arguments"),
    [
        ("Convert 5 miles to km", "convert_units", {"value": "5", "from_unit": "miles", "to_unit": "km"}),
        ("How many feet are in a mile?", "convert_units", {"value": "1", "from_unit": "mile", "to_unit": "feet"}),
        ("What is 100 F in C?", "convert_units", {"value": "100", "from_unit": "f", "to_unit": "c"}),
        ("How many days until Christmas?", "days_between", {"start": "2026-11-28", "end": "2026-12-25"}),
        ("How many days until 2026-12-24?", "days_between", {"start": "2026-11-28", "end": "2026-12-24"}),
        ("how many days since March 3", "days_between", {"start": "2026-03-03", "end": "2026-11-28"}),
        ("How many days since Christmas?", "days_between", {"start": "2025-12-25", "end": "2026-11-28"}),
        ("How many days since Monday?", "days_between", {"start": "2026-11-23", "end": "2026-11-28"}),
        ("How many days since 28 November?", "days_between", {"start": "2026-11-28", "end": "2026-11-28"}),
        ("days from 1 May 2026 to June 5, 2026", "days_between", {"start": "2026-05-01", "end": "2026-06-05"}),
        ("What date is in 3 weeks?", "add_to_date", {"start": "2026-11-28", "weeks": 3}),
        ("Which date is 45 days before 2026-08-01?", "add_to_date", {"start": "2026-08-01", "days": -45}),
        ("what date was it two months ago", "add_to_date", {"start": "2026-11-28", "months": -2}),
        ("What day of the week is 2026-12-24?", "weekday", {"day": "2026-12-24"}),
        ("Which weekday is next Monday?", "weekday", {"day": "2026-11-30"}),
        ("What time is it in Tokyo?", "current_time", {"timezone": "Asia/Tokyo"}),
        ("What is today's date?", "current_time", {}),
        ("What is the price of AAPL?", "stock_price", {"symbol": "AAPL"}),
        ("What is the stock price of Apple?", "stock_price", {"symbol": "Apple"}),
        ("What is the exchange rate of EUR to USD?", "stock_price", {"symbol": "EURUSD"}),
        ("What is the status of ticket 12?", "ticket_status", {"ticket": "12"}),
        ("my laptop is broken, open a ticket for it", "create_ticket",
         {"title": "My laptop is broken", "description": "My laptop is broken", "priority": "normal"}),
        ("show my closed tickets", "my_tickets", {"status": "closed"}),
        ("Add to ticket 12 that it happened again", "comment_on_ticket", {"ticket": "12", "text": "it happened again"}),
        (
            "Please open a ticket: my laptop does not start. It is urgent.",
            "create_ticket",
            {
                "title": "My laptop does not start",
                "description": "My laptop does not start. It is urgent",
                "priority": "high",
            },
        ),
        ("Summarise policy.md", "summarise_document", {"document": "policy.md"}),
        ("Please sum up the document Travel Policy for me.", "summarise_document", {"document": "Travel Policy"}),
        ("Read https://example.com/a?b=1.", "fetch_web_page", {"url": "https://example.com/a?b=1"}),
    ],
)  # fmt: skip
def test_one_skill_reads_it(reading: list[Skill], question: str, skill: str, arguments: dict[str, str]) -> None:
    found = {each.name: given for each in reading if each.reads and (given := each.reads(question)) is not None}
    assert found == {skill: arguments}


@pytest.mark.parametrize(
    "question",
    [
        "2026-12-24",
        "10-20",
        "24/7",
        "What is 5?",
        "What is the 2023 budget?",
        "What is a 401(k)?",
        "What is section 4.2?",
        "How many vacation days do new employees get?",
        "How many days are between request and approval?",
        "How many days until the deadline?",
        "How many days since March 3, 2027?",
        "How many days since next Monday?",
        "How many days since tomorrow?",
        "How many hours are there in the work week?",
        "When is Labor Day observed?",
        "What day is payday?",
        "Is today a holiday?",
        "What time is it in Atlantis?",
        "What is the price of a standing desk?",
        "How long is the IT support line open?",
        "How do I open a ticket?",
        "Summarise our conversation so far",
        "Summarise the travel policy",
        "How do I report a security incident?",
        "What does https://example.com say about cats?",
        "Compare https://a.example and https://b.example",
        "Convert 5 miles to kilograms",
        "10 euros + 5 dollars",
        "12,50 + 3,50",
        "1.000,50 + 2",
        "20 mW in W",
        "1 Mb in MB",
        "What is the PTO rate?",
        "share the PDF",
        "rate my CV",
        "What is the HSA contribution rate?",
        "How do I share a file in GDRIVE",
        "report an incident that happened at the party",
        "report a problem about harassment anonymously",
        "Open a ticket, but not now",
        "Open a ticket: what do I have to write?",
        "make a ticket for the concert",
        "Summarise the report on Q3 sales",
        "Summarise the report for me",
        "convert the contract to PDF",
        "add Anna to the team",
        "",
    ],
)
def test_what_is_no_such_question_is_read_by_none(reading: list[Skill], question: str) -> None:
    assert not [skill.name for skill in reading if skill.reads and skill.reads(question) is not None]


@pytest.mark.parametrize("word", ["1 ", "1+", "what is ", "a ", "12 days ", "https://a "])
def test_a_long_question_is_looked_at_once(reading: list[Skill], word: str) -> None:
    for skill in reading:
        assert skill.reads is not None
        skill.reads((word * 400)[:400])
