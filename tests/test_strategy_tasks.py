"""How the benchmark of ways to ask reads answers, and draws what is asked and what is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.strategy_tasks import read, sheets


@pytest.mark.parametrize(
    ("text", "like", "choices", "found"),
    [
        ("(C)", "(A)", (), "(C)"),
        ("B", "(A)", (), "(B)"),
        ("The answer is D", "(A)", (), "(D)"),
        ("A lesion of the nerve", "(A)", (), ""),  # an article is no letter of an option
        ("3 + 4 = 1,007.", "7", (), "1007"),
        ("It is hard to say.", "7", (), ""),
        ("The intent is Card arrival.", "x", ("card_arrival", "card"), "card_arrival"),
        ("card_arrival or lost_card", "x", ("lost_card", "card_arrival"), "card_arrival"),
        ("invalid", "valid", ("invalid", "valid"), "invalid"),
        ("] ]", "] ]", (), "] ]"),
        ("] ] >", "] ]", (), ""),
    ],
)
def test_reads_an_answer_in_the_form_that_it_has(text: str, like: str, choices: tuple[str, ...], found: str) -> None:
    assert read(text, like, choices) == found


def test_asks_nothing_that_it_may_show(tmp_path: Path) -> None:
    (tmp_path / "H_domain").mkdir()
    rows = [{"text": f"sentence {n % 45}", "intent": f"intent_{n % 15}"} for n in range(90)]  # each sentence twice
    file = tmp_path / "H_domain" / "banking77_train.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (sheet,) = sheets(tmp_path, 8)
    assert len(sheet.asked) == 8 and not {r.question for r in sheet.asked} & {r.question for r in sheet.known}
    assert sheets(tmp_path, 8) == [sheet] and len(sheet.choices("")) == 10
    assert all(name in sheet.instructions[""] for name in sheet.choices(""))
    assert sheets(tmp_path, 8, ["gsm8k"]) == []
