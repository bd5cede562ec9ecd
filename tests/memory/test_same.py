"""Which of two statements holds."""

from __future__ import annotations

import pytest

from assistant.memory.same import takes_place_of, topic


def test_it_knows_what_a_note_is_about_when_only_one_can_hold() -> None:
    assert topic("My manager is Anna") == topic("my manager was Bert") == "manager"
    assert topic("I work in Graz") == topic("I work in Linz now") == "work in"
    assert topic("I like tea") == topic("Lunch is at noon") == ""


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("I am not allergic to nuts any more", "I am allergic to nuts"),
        ("I'm no longer allergic to nuts", "I am allergic to nuts"),
        ("I am not allergic any more", "I am allergic to nuts"),
        ("I am allergic to nuts again", "I am not allergic to nuts"),
        ("I moved; my office is now in Linz", "My office is in Graz"),
        ("I work in the Vienna office", "My office is in Graz"),
        ("I have moved to the Vienna office", "I work in the Graz office"),
        ("I moved to Linz", "I live in Graz"),
        ("I don't work in the Vienna office anymore", "I work in the Vienna office"),
        ("The project code is now BX-12", "The project code is AX-77"),
        ("The deadline has moved to Friday", "The deadline is Monday"),
        ("my deputy is carla.", "My deputy is Carla"),
    ],
)
def test_a_denial_or_an_update_takes_the_place_of_what_was_said(new: str, old: str) -> None:
    assert takes_place_of(new, old)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("I am not allergic to milk", "I am allergic to nuts"),
        ("I am not allergic to nuts", "I am not allergic to milk"),
        ("I work in sales", "My office is in Graz"),
        ("The budget code is AX-78", "The project code is AX-77"),
        ("The new canteen is open", "The project code is AX-77"),
        ("I am allergic to nuts", "I am allergic to milk"),
        ("It is not so", "I am allergic to nuts"),
    ],
)
def test_other_things_stand_side_by_side(new: str, old: str) -> None:
    assert not takes_place_of(new, old)


def test_how_somebody_is_does_not_take_the_place_of_who_they_are() -> None:
    assert not takes_place_of("My wife is not well", "My wife is Anna")
    assert not takes_place_of("My team is hiring", "My team is Platform")
    assert takes_place_of("My team is now Search", "My team is Platform")
