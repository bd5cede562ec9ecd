"""What administrators read of rated answers."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from assistant import conversations, sharing
from assistant.curated import store
from assistant.curated.store import Written
from assistant.orchestration.notes import LEFT_OUT
from assistant.people import users
from assistant.ratings import review
from assistant.ratings.errors import RatingsClosed
from assistant.tables import feedback, turns
from assistant.widgets import registry
from assistant.widgets.tables import widget_conversations, widget_visitors
from knowledge.database import reading
from knowledge.tables import documents as documents_table
from knowledge.types import Scope

from .conftest import ADMIN, House

LEAVE = "Every employee has 28 days of paid leave a year."


def test_it_shows_the_answer_what_was_thought_of_it_and_who_asked(house: House) -> None:
    (leave,) = house.document("Handbook", [LEAVE])
    turn = house.ask(house.ben, "How many days?", "28 days [1].", [leave])
    house.rate(house.ben, turn, "down", "Incomplete", "Of which year?")
    (one,) = review.page(house.engine, ADMIN, None, 10).ratings
    assert (one.turn_id, one.question, one.answer) == (turn, "How many days?", "28 days [1].")
    assert (one.rating, one.reason, one.comment) == ("down", "Incomplete", "Of which year?")
    assert (one.asked_by, one.asked_by_name) == (house.ben.id, "Ben")
    assert one.citations[0]["quote"] == LEAVE and one.route["adapter"] == "grounded-answer"


def test_it_is_closed_to_everybody_but_administrators(house: House) -> None:
    for scope in (Scope(frozenset()), house.caller(house.ben).scope, Scope(frozenset({"group:administrators"}))):
        with pytest.raises(RatingsClosed, match="administrators alone"):
            review.page(house.engine, scope, None, 10)


def test_it_goes_through_all_ratings_newest_first_also_those_of_one_moment(house: House) -> None:
    asked = [house.ask(house.ben, f"Question {n}?", "So it is.") for n in range(7)]
    for n, turn in enumerate(asked):
        house.rate(house.ben, turn, "up" if n % 2 else "down")
    with house.engine.begin() as connection:
        connection.execute(feedback.update().where(feedback.c.turn_id.in_(asked[:4])).values(updated_at=1.25))
    seen: list[str] = []
    before = None
    while True:
        page = review.page(house.engine, ADMIN, None, 2, before)
        seen += [one.turn_id for one in page.ratings]
        if page.after is None:
            break
        before = page.after
    assert seen[:3] == asked[:3:-1] and sorted(seen) == sorted(asked)
    downs = review.page(house.engine, ADMIN, "down", 10).ratings
    assert {one.turn_id for one in downs} == set(asked[::2])


def test_a_rating_that_was_taken_back_or_whose_chat_was_deleted_is_gone(house: House) -> None:
    chat = conversations.create(house.engine, house.ben.id)
    inside, outside = (house.ask(house.ben, "Why?", "So.", conversation=where) for where in (chat, None))
    for turn in (inside, outside):
        house.rate(house.ben, turn, "down")
    house.rate(house.ben, outside, None)
    assert [one.turn_id for one in review.page(house.engine, ADMIN, None, 10).ratings] == [inside]
    conversations.remove(house.engine, house.ben.id, chat)
    assert review.page(house.engine, ADMIN, None, 10).ratings == ()


def test_an_answer_from_a_file_of_a_private_chat_is_withheld_from_administrators(house: House) -> None:
    chat = conversations.create(house.engine, house.ben.id)
    (mine,) = house.document("Payslip", ["Ben earns 4,200 euros."], [f"user:{house.ben.id}"], private_to=chat)
    house.rate(house.ben, house.ask(house.ben, "What do I earn?", "4,200 euros [1].", [mine]), "up")
    (one,) = review.page(house.engine, ADMIN, None, 10).ratings
    assert one.answer == sharing.WITHHELD and one.citations == ()


def test_sources_of_a_deleted_document_are_not_shown(house: House) -> None:
    (leave,) = house.document("Handbook", [LEAVE])
    house.rate(house.ben, house.ask(house.ben, "How many days?", "28 days [1].", [leave]), "up")
    with house.engine.begin() as connection:
        connection.execute(documents_table.delete().where(documents_table.c.id == leave.document_id))
    (one,) = review.page(house.engine, ADMIN, None, 10).ratings
    assert one.citations == () and LEAVE not in str(one)


def test_what_may_hold_a_persons_notes_is_left_out(house: House) -> None:
    turn = house.ask(house.ben, "Remember that my locker is 17", "I will.", standalone=LEFT_OUT)
    house.rate(house.ben, turn, "up")
    (one,) = review.page(house.engine, ADMIN, None, 10).ratings
    assert "locker" not in str(one) and "I will" not in str(one) and one.question == LEFT_OUT


def test_ratings_of_a_widgets_visitor_are_not_among_them(house: House) -> None:
    widget = registry.create(house.engine, "Help", registry.checked({"origins": ["https://a.example"], "learn": True}))
    visitor = users.User("v" * 32, "Visitor", False, True, (), 0.0)
    with house.engine.begin() as connection:
        made = {"id": visitor.id, "widget_id": widget.id, "subject": None, "name": "", "created_at": 1.0}
        connection.execute(insert(widget_visitors), made)
    by_visitor = _rated_by(house, visitor)
    by_ben_in_a_visit = house.ask(house.ben, "Why?", "So.")
    house.rate(house.ben, by_ben_in_a_visit, "up")
    inside = _conversation_of(house, by_ben_in_a_visit)
    with house.engine.begin() as connection:
        link = {"conversation_id": inside, "widget_id": widget.id, "visitor_id": visitor.id, "created_at": 1.0}
        connection.execute(insert(widget_conversations), link)
    assert by_visitor and review.page(house.engine, ADMIN, None, 10).ratings == ()


def test_it_is_put_right_while_a_curated_answer_is_given_to_its_question(house: House) -> None:
    turn = house.ask(house.ben, "And how many days?", "None.", standalone="How many days of leave?")
    house.rate(house.ben, turn, "down")
    assert review.page(house.engine, ADMIN, None, 10).ratings[0].put_right is None
    written = Written(("how many days of LEAVE",), "28 days.")
    made = store.add(house.engine, ADMIN, written, house.ann.id)
    assert review.page(house.engine, ADMIN, None, 10).ratings[0].put_right == made.id
    store.change(house.engine, ADMIN, made.id, Written(written.questions, "28 days.", enabled=False), house.ann.id)
    assert review.page(house.engine, ADMIN, None, 10).ratings[0].put_right is None


def _conversation_of(house: House, turn_id: str) -> str:
    with reading(house.engine) as connection:
        return str(connection.execute(select(turns.c.conversation_id).where(turns.c.id == turn_id)).scalar_one())


def _rated_by(house: House, visitor: users.User) -> str:
    chat = conversations.create(house.engine, visitor.id)
    asked = conversations.ask(house.engine, visitor.id, chat, "When do you open?")
    assert asked is not None
    house.rate(visitor, asked.turn_id, "up")
    return asked.turn_id
