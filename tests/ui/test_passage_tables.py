"""Tables in the text of passages: shown as tables, and never as more than text."""

from __future__ import annotations

from ui.chat import near
from ui.components import PartData
from ui.passage_tables import named, parts
from ui.wire import Hit

TEXT = "Leave by region.\n\n| Region | Days |\n| --- | ---: |\n| North | 28 |\n| South | 25 |\n\nSee HR."


def rows(part: PartData) -> list[list[str]]:
    return [row["cells"] for row in part["rows"]]


def test_a_table_is_rows_of_cells_between_the_text_around_it() -> None:
    before, table, after = parts(TEXT)
    assert (before["text"], after["text"]) == ("Leave by region.", "See HR.")
    assert rows(table) == [["Region", "Days"], ["North", "28"], ["South", "25"]]


def test_what_an_answer_rests_on_stands_out_in_text_and_in_tables() -> None:
    assert [part["text"] for part in parts(TEXT, "region") if part["strong"]] == ["region"]
    table = parts(TEXT, "| South | 25 |\n\nSee")[1]
    assert [row["strong"] for row in table["rows"]] == [False, False, True]
    assert not any(part["strong"] or any(row["strong"] for row in part["rows"]) for part in parts(TEXT, TEXT))
    assert not any(part["strong"] for part in parts(TEXT, "nowhere"))


def test_cells_are_text_whatever_they_hold() -> None:
    (table,) = parts("| a | b |\n|---|---|\n| <img src=x onerror=alert(1)> | 1 \\| 2 |\n| short |\n| cut in the mid")
    assert rows(table)[1:] == [["<img src=x onerror=alert(1)>", "1 | 2"], ["short"], ["cut in the mid"]]


def test_bars_that_are_no_table_stay_as_they_are() -> None:
    for text in ("a | b", "| one line |", "| a |\nno rule\n| b |", "", "|", "|---|\n"):
        assert "".join(part["text"] for part in parts(text)) == text == named(text)
        assert not any(part["rows"] for part in parts(text))


def test_a_row_is_a_line_with_the_names_of_its_columns() -> None:
    assert named(TEXT) == "Leave by region.\n\nRegion: North · Days: 28\nRegion: South · Days: 25\n\nSee HR."
    assert named("| a | |\n|---|---|\n") == "a\n"
    assert named("| | Days |\n|---|---|\n| North | 28 | more |") == "North · Days: 28 · more\n"


def test_the_nearest_passage_names_the_columns_of_the_row_that_is_closest() -> None:
    (found,) = near.nearest([Hit(chunk="c", quote=TEXT)], "How many days in the South?")
    assert found["best"].strip() == "Region: South · Days: 25" and "|" not in found["before"] + found["after"]
