"""What is trained on and what measures stay apart, copies and near copies included."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.adaptation import recipe, splits
from assistant.adaptation.errors import DatasetError
from assistant.adaptation.recipe import Recipe
from assistant.adaptation.rows import normal
from tests.adaptation.conftest import raw_row

LONG = (
    "The old tower of {place} was finished in the year 1621 by a builder from Ulm whose name nobody wrote down. "
    "It carries a bell of four tonnes that rings on the first Sunday of each month, and a clock that stopped in the "
    "great frost of 1709. Visitors may climb its 212 steps for three euros between April and October."
)
GERMAN = (
    "Der alte Turm wurde im Jahr 1621 von einem Baumeister aus Ulm gebaut, dessen Name nicht überliefert ist. Er trägt "
    "eine Glocke, die am ersten Sonntag des Monats läutet, und eine Uhr, die seit dem großen Frost nicht mehr geht."
)


@pytest.fixture
def small(tmp_path: Path, recipe_text: str) -> Recipe:
    (tmp_path / "recipe.yaml").write_text(recipe_text, "utf-8")
    return recipe.load(tmp_path / "recipe.yaml")


def parts_of(small: Recipe, folder: Path, rows: list[dict[str, object]]) -> splits.Parts:
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return splits.split(small, folder)


def told(number: int, document: str, text: str, question: str = "") -> dict[str, object]:
    asked = question or f"Which place number {number} has a tower?"
    contexts = [{"id": "p1", "title": document, "text": text}]
    return raw_row(number, document, "tower", contexts=contexts, question=asked)


def plain(first: int = 10) -> list[dict[str, object]]:
    return [raw_row(n, f"Town {n % 4}", f"tower {n}") for n in range(first, first + 20)]


@pytest.mark.parametrize(
    ("change", "apart"),
    [
        (lambda text: text, True),
        (lambda text: text.replace("1621", "1622").replace("three euros", "four euros"), True),
        (lambda text: text.upper(), True),
        (lambda text: f"{text} The tower is closed in winter.", True),
        (lambda text: "The market of the town has forty stalls and opens at six on weekdays, rain or shine.", False),
    ],
)
def test_it_never_puts_near_duplicates_on_both_sides(small: Recipe, tmp_path: Path, change, apart: bool) -> None:  # type: ignore[no-untyped-def]
    text = LONG.format(place="Ulm")
    rows = [*plain(), told(0, "Town 1", text), told(1, "Town 0", change(text)), told(2, "Town 2", change(text))]
    parts = parts_of(small, tmp_path, rows)
    assert [row.id for row in parts["test"]["towns"]].count("Town 1-0") == 1
    left_out = {row.id for rows in parts[splits.LEFT_OUT].values() for row in rows}
    assert left_out == ({"Town 0-1", "Town 2-2"} if apart else {"Town 2-2"})  # the last one copies Town 0 in any case


def test_it_keeps_all_parts_free_of_each_others_passages(small: Recipe, tmp_path: Path) -> None:
    copies = [told(n, f"Town {n % 4}", LONG.format(place=f"Place{n // 8}"), f"Who built it, {n}?") for n in range(32)]
    parts = parts_of(small, tmp_path, [*copies, *plain(40)])
    shown = {
        part: {normal(p.text)[:60] for rows in pools.values() for row in rows for p in row.contexts}
        for part, pools in parts.items()
        if part != splits.LEFT_OUT
    }
    assert shown["test"] and shown["train"] and shown["development"]
    assert not shown["test"] & shown["train"] and not shown["test"] & shown["development"]
    assert not shown["development"] & shown["train"]


def test_it_leaves_out_a_question_that_is_asked_twice(small: Recipe, tmp_path: Path) -> None:
    text = LONG.format(place="Ulm")
    first = told(0, "Town 2", text, "When was the tower of Ulm finished?")
    again = told(1, "Town 2", text.replace("nobody wrote", "no one wrote"), "when was the tower finished of Ulm")
    other = told(2, "Town 2", text, "How many steps has the tower of Ulm?")
    parts = parts_of(small, tmp_path, [first, again, other, *plain()])
    trained = [row.id for row in parts["train"]["towns"]]
    assert "Town 2-0" in trained and "Town 2-2" in trained and "Town 2-1" not in trained


def test_it_refuses_a_pool_of_mixed_languages(small: Recipe, tmp_path: Path) -> None:
    german = [told(n, f"Stadt {n}", f"{GERMAN} Nummer {n}.", f"Wer hat den Turm Nummer {n} gebaut?") for n in range(6)]
    with pytest.raises(DatasetError, match=r"mixes languages: 20 rows are english, 6 german.*\[rows_mixed_languages\]"):
        parts_of(small, tmp_path, [*plain(), *german])


def test_it_takes_names_and_single_quotations_of_another_language(small: Recipe, tmp_path: Path) -> None:
    german = told(1, "Stadt", GERMAN, "Wer hat den Turm gebaut, und wann war das?")
    assert parts_of(small, tmp_path, [*plain(), german])["train"]


def beside(row: dict[str, object], *others: str) -> dict[str, object]:
    """The row with other passages behind its own."""
    more = [{"id": f"o{n}", "title": "Elsewhere", "text": text} for n, text in enumerate(others)]
    return row | {"contexts": [*row["contexts"], *more]}  # type: ignore[misc]


def test_a_passage_beside_the_answer_goes_where_another_part_has_it_and_the_row_stays(
    small: Recipe, tmp_path: Path
) -> None:
    tested, free = LONG.format(place="Ulm"), "The bridge of Graz was built of larch in 1712 and has a roof of slate."
    market = "The market has forty stalls and opens at six on weekdays, rain or shine, but never on a Sunday."
    rows = [
        *plain(),
        beside(told(0, "Town 1", tested), market, free),
        beside(told(1, "Town 2", market, "When does the market open?"), tested, "A passage that nobody else shows."),
    ]
    parts = parts_of(small, tmp_path, rows)
    (test,) = [row for row in parts["test"]["towns"] if row.id == "Town 1-0"]
    (train,) = [row for row in parts["train"]["towns"] if row.id == "Town 2-1"]
    assert [p.text for p in test.contexts] == [tested, free] and test.gold == (0,)
    assert [p.text for p in train.contexts] == [market, "A passage that nobody else shows."] and train.gold == (0,)


def test_the_documents_beyond_the_share_for_training_can_choose_and_measure(tmp_path: Path, recipe_text: str) -> None:
    source = "development: [Town 0], test: [Town 1]"
    assert source in recipe_text
    (tmp_path / "recipe.yaml").write_text(recipe_text.replace(source, "train_share: 0.5, rest: both"), "utf-8")
    rows = [raw_row(n, f"Place {n}", f"tower {n}") for n in range(80)]
    parts = parts_of(recipe.load(tmp_path / "recipe.yaml"), tmp_path, rows)
    sizes = {part: len(parts[part]["towns"]) for part in splits.PARTS}
    assert sum(sizes.values()) == 80
    assert 28 <= sizes["train"] <= 52 and 10 <= sizes["development"] <= 30 and 10 <= sizes["test"] <= 30
