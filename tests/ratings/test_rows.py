"""Which ratings become rows, and which do not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from assistant import conversations
from assistant.adaptation import rows as format_
from assistant.curated import store
from assistant.curated.store import Written
from assistant.orchestration.notes import LEFT_OUT
from assistant.people import groups, users
from assistant.people.users import User
from assistant.ratings import reasons
from assistant.ratings.errors import RatingsClosed
from assistant.ratings.rows import Collected, collect
from assistant.tables import feedback
from assistant.widgets import registry
from assistant.widgets.tables import widget_visitors
from knowledge import chunks
from knowledge.tables import documents as documents_table

from .conftest import ABSTENTION, ADMIN, House

LEAVE = "Every employee has 28 days of paid leave a year."
HOTEL = "A hotel is paid up to 140 euros per night."
DAYS = "How many days of leave are there?"


def made(house: House, readers: Sequence[str] = ("everyone",), since: float = 0.0) -> Collected:
    return collect(house.engine, ADMIN, readers, since)


def rows_of(house: House, **more: Any) -> list[dict[str, Any]]:
    return list(made(house, **more).rows)


def test_an_answer_rated_up_brings_its_cited_passage_first_and_the_others_behind(house: House, tmp_path: Path) -> None:
    leave, hotel = house.document("Handbook", [LEAVE, HOTEL])
    turn = house.ask(house.ben, DAYS, "Every employee has **28 days** of paid leave a year. [1]", [leave], [hotel])
    house.rate(house.ben, turn, "up")
    found = made(house)
    assert (found.made, found.left_out) == ({"rated_up": 1}, {})
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in found.rows), "utf-8")
    (row,) = format_.read(file)
    assert (row.id, row.question, row.answers, row.gold, row.cited) == (turn, DAYS, ("28 days",), (0,), "")
    assert [passage.text for passage in row.contexts] == [LEAVE, HOTEL] and row.document == "Handbook"
    assert found.rows[0]["source"] == "own ratings"


def test_an_answer_from_the_cache_brings_its_cited_passages_alone(house: House) -> None:
    (leave,) = house.document("Handbook", [LEAVE])
    house.rate(house.ben, house.ask(house.ben, DAYS, "28 days [1].", [leave], cached=True), "up")
    (row,) = rows_of(house)
    assert row["gold"] == [leave.id] == [one["id"] for one in row["contexts"]]


def test_an_abstention_rated_up_is_a_question_that_its_nearest_passage_does_not_answer(house: House) -> None:
    leave, hotel = house.document("Handbook", [LEAVE, HOTEL])
    house.rate(house.ben, house.ask(house.ben, "Who pays for flights?", ABSTENTION, (), [hotel, leave]), "up")
    found = made(house)
    (row,) = found.rows
    assert found.made == {"unanswerable": 1} and row["answerable"] is False and row["answers"] == row["gold"] == []
    assert [one["id"] for one in row["contexts"]] == [hotel.id]


def test_a_curated_answer_puts_a_question_right_in_the_passages_that_hold_its_words(house: House) -> None:
    leave, hotel = house.document("Handbook", [LEAVE, HOTEL])
    turn = house.ask(house.ben, "And how many days?", "None [1].", [hotel], [leave], standalone=DAYS)
    house.rate(house.ben, turn, "down")
    assert made(house).left_out == {"rated_down": 1}
    store.add(house.engine, ADMIN, Written((DAYS,), "28 days."), house.ann.id)  # without a source of its own
    (row,) = rows_of(house)
    assert (row["question"], row["answers"], row["gold"], row["kind"]) == (DAYS, ["28 days."], [leave.id], "put_right")


def test_the_source_of_a_curated_answer_counts_though_the_search_had_not_found_it(house: House) -> None:
    leave, hotel = house.document("Handbook", [LEAVE, HOTEL])
    house.rate(house.ben, house.ask(house.ben, DAYS, ABSTENTION, (), [hotel]), "down")
    store.add(house.engine, ADMIN, Written((DAYS,), "There are **28 days** of it [1].", (leave.id,)), house.ann.id)
    (row,) = rows_of(house)
    assert row["gold"] == [leave.id] and [one["id"] for one in row["contexts"]] == [leave.id, hotel.id]


def test_a_curated_answer_may_be_that_the_documents_do_not_say(house: House) -> None:
    (hotel,) = house.document("Handbook", [HOTEL])
    house.rate(house.ben, house.ask(house.ben, DAYS, "140 euros [1].", [hotel]), "down")
    store.add(house.engine, ADMIN, Written((DAYS,), ABSTENTION), house.ann.id)
    (row,) = rows_of(house)
    assert row["answerable"] is False and row["contexts"][0]["id"] == hotel.id


def test_of_two_ratings_of_one_question_the_correction_is_kept(house: House) -> None:
    leave, hotel = house.document("Handbook", [LEAVE, HOTEL])
    house.rate(house.eve, house.ask(house.eve, DAYS.upper(), "28 days [1].", [leave]), "up")
    house.rate(house.ben, house.ask(house.ben, DAYS, ABSTENTION, (), [hotel]), "up")
    found = made(house)
    assert (found.made, found.left_out) == ({"rated_up": 1}, {"same_question": 1})
    store.add(house.engine, ADMIN, Written((DAYS,), "28 days of paid leave [1].", (leave.id,)), house.ann.id)
    assert (made(house).made, made(house).left_out) == ({"put_right": 1}, {"same_question": 1})


def test_taking_the_rating_back_or_deleting_the_chat_takes_the_row_away(house: House) -> None:
    leave, hotel = house.document("Handbook", [LEAVE, HOTEL])
    chat = conversations.create(house.engine, house.ben.id)
    first = house.ask(house.ben, DAYS, "28 days [1].", [leave], conversation=chat)
    second = house.ask(house.ben, "What is paid?", "140 euros [1].", [hotel])
    for turn in (first, second):
        house.rate(house.ben, turn, "up")
    assert {row["id"] for row in rows_of(house)} == {first, second}
    house.rate(house.ben, second, None)
    assert {row["id"] for row in rows_of(house)} == {first}
    conversations.remove(house.engine, house.ben.id, chat)
    assert rows_of(house) == []


def test_no_passage_of_a_visitors_turn_is_ever_in_a_row(house: House) -> None:
    (leave,) = house.document("Handbook", [LEAVE], ["everyone", "public"])
    profile = registry.checked({"origins": ["https://a.example"], "learn": True})  # not even where one may learn
    widget = registry.create(house.engine, "Help", profile)
    with house.engine.begin() as connection:
        about = {"id": "v" * 32, "widget_id": widget.id, "subject": None, "name": "", "created_at": 1.0}
        connection.execute(insert(widget_visitors), about)
    turn = house.ask(house.ben, DAYS, "28 days [1].", [leave])
    house.rate(house.ben, turn, "up")
    assert len(rows_of(house)) == 1
    with house.engine.begin() as connection:
        connection.execute(feedback.update().where(feedback.c.turn_id == turn).values(owner_id="v" * 32))
    assert (made(house).rows, made(house).left_out) == ((), {"widget_visitor": 1})


def test_a_passage_that_is_not_for_all_whom_the_adapter_answers_is_left_out(house: House) -> None:
    groups.add(house.engine, "hr")
    _joins(house, house.ben, "hr")
    (secret,) = house.document("Salaries", ["A manager earns 9,000 euros."], ["group:hr"])
    (leave,) = house.document("Handbook", [LEAVE])
    house.rate(house.ben, house.ask(house.ben, "What does a manager earn?", "9,000 euros [1].", [secret]), "up")
    house.rate(house.ben, house.ask(house.ben, DAYS, "28 days [1].", [leave], [secret]), "up")
    found = made(house)
    assert "9,000" not in json.dumps(found.rows) and found.left_out == {"passage_closed": 1}
    assert "9,000" in json.dumps(made(house, ["group:hr"]).rows)
    assert "9,000" not in json.dumps(made(house, ["group:hr", "everyone"]).rows)


def test_a_passage_that_the_asker_may_not_read_any_more_is_left_out(house: House) -> None:
    groups.add(house.engine, "hr")
    _joins(house, house.ben, "hr")
    (secret,) = house.document("Salaries", ["A manager earns 9,000 euros."], ["group:hr"])
    house.rate(house.ben, house.ask(house.ben, "What does a manager earn?", "9,000 euros [1].", [secret]), "up")
    _joins(house, house.ben)
    assert made(house, ["group:hr"]).left_out == {"passage_closed": 1}


def test_a_curated_answer_for_a_few_is_not_taught_to_all(house: House) -> None:
    (leave,) = house.document("Handbook", [LEAVE])
    house.rate(house.ben, house.ask(house.ben, DAYS, ABSTENTION, (), [leave]), "down")
    readers = frozenset({"group:hr"})
    store.add(house.engine, ADMIN, Written((DAYS,), "28 days [1].", (leave.id,), readers), house.ann.id)
    assert made(house).left_out == {"passage_closed": 1}
    assert len(rows_of(house, readers=["group:hr"])) == 1


@pytest.mark.parametrize("why", ["passage_gone", "passage_off", "private_file"])
def test_a_passage_that_is_gone_off_or_of_a_private_chat_is_left_out(house: House, why: str) -> None:
    mine = {"private_to": conversations.create(house.engine, house.ben.id)} if why == "private_file" else {}
    readers = [f"user:{house.ben.id}"] if mine else ["everyone"]
    (leave,) = house.document("Handbook", [LEAVE], readers, **mine)
    house.rate(house.ben, house.ask(house.ben, DAYS, "28 days [1].", [leave]), "up")
    if why == "passage_gone":
        with house.engine.begin() as connection:
            connection.execute(documents_table.delete().where(documents_table.c.id == leave.document_id))
    elif why == "passage_off":
        chunks.set_enabled(house.engine, ADMIN, leave.id, False)
    found = made(house, [f"user:{house.ben.id}"])
    assert (found.rows, found.left_out) == ((), {"passage_gone": 1})


def test_it_says_why_other_ratings_teach_nothing(house: House) -> None:
    (leave,) = house.document("Handbook", [LEAVE])
    said: dict[str, tuple[str, str, dict[str, Any]]] = {
        "words_not_in_passages": ("How long?", "Four weeks [1].", {"cited": [leave]}),
        "cites_nothing": ("How are you?", "Fine.", {}),
        "personal_notes": ("Remember my locker", "I will.", {"standalone": LEFT_OUT}),
    }
    for question, text, more in said.values():
        house.rate(house.ben, house.ask(house.ben, question, text, **more), "up")
    house.rate(house.eve, house.ask(house.eve, DAYS, "28 days [1].", [leave]), "up")
    users.change(house.engine, house.eve.id, active=False, min_password_chars=10)
    found = made(house)
    assert found.left_out == dict.fromkeys([*said, "person_gone"], 1) and not found.rows
    assert set(found.left_out) <= set(reasons.LEFT_OUT)


def test_rows_are_of_the_language_of_most_of_them(house: House) -> None:
    german = "Alle Angestellten haben Anspruch auf 28 Tage bezahlten Urlaub im Jahr, die bis zum 31. März verfallen."
    leave, hotel, urlaub = house.document("Handbook", [LEAVE, HOTEL, german])
    house.rate(house.ben, house.ask(house.ben, DAYS, "28 days [1].", [leave]), "up")
    house.rate(house.ben, house.ask(house.ben, "What is paid for a hotel?", "140 euros [1].", [hotel]), "up")
    house.rate(house.ben, house.ask(house.ben, "Wie viele Tage Urlaub habe ich?", "28 Tage [1].", [urlaub]), "up")
    found = made(house)
    assert (len(found.rows), found.left_out) == (2, {"other_language": 1})


def test_only_what_was_rated_since_a_day_is_read(house: House) -> None:
    leave, hotel = house.document("Handbook", [LEAVE, HOTEL])
    old = house.ask(house.ben, DAYS, "28 days [1].", [leave])
    new = house.ask(house.ben, "What is paid for a hotel?", "140 euros [1].", [hotel])
    for turn in (old, new):
        house.rate(house.ben, turn, "up")
    with house.engine.begin() as connection:
        connection.execute(feedback.update().where(feedback.c.turn_id == old).values(updated_at=1_000.0))
    assert [row["id"] for row in rows_of(house, since=2_000.0)] == [new]


def test_rows_are_closed_to_everybody_but_administrators(house: House) -> None:
    with pytest.raises(RatingsClosed):
        collect(house.engine, house.caller(house.ben).scope, ["everyone"])


def _joins(house: House, who: User, *names: str) -> None:
    users.change(house.engine, who.id, group_names=list(names), min_password_chars=10)
