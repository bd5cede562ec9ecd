"""The page Ratings, and what people are told when they rate, against the stand-in API."""

from __future__ import annotations

import time
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from ui.chat.turn import READ_BY
from ui.client import Api
from ui.fake_api import World
from ui.fake_api.records import FakeConversation, FakeTurn
from ui.ratings.page import AT_ONCE

from .conftest import user

OpenPage = Callable[..., AppTest]


def rated(world: World, question: str, rating: str, **more: str) -> str:
    """The id of Ben's turn that he rated."""
    chat = FakeConversation(owner=user(world, "ben").id)
    answer: dict[str, object] = {"answer": f"The answer to: {question}", "route": {"model": "smol", "adapter": "own-1"}}
    answer["citations"] = [{"n": 1, "title": "handbook.md", "chunk": "c1", "quote": "Leave lasts 26 weeks."}]
    turn = FakeTurn(question, None, answer, "done", rating, more.get("reason"), more.get("comment"))
    turn.rated_at = time.time() + len(world.conversations)
    chat.turns[turn.id], world.conversations[chat.id] = turn, chat
    return turn.id


def shown(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.text, app.caption, app.info)
    return "\n".join(str(one.value) for kind in kinds for one in kind).replace("\\", "")


def test_it_shows_what_was_rated_down_first_and_all_on_request(open_page: OpenPage, world: World) -> None:
    rated(world, "How long is leave?", "down", reason="Incomplete", comment="And for fathers?")
    rated(world, "What is paid?", "up")
    app = open_page("ada", script="ratings")
    text = shown(app)
    assert not app.exception and "The answer to: How long is leave?" in text and "Incomplete: And for fathers?" in text
    assert "asked by ben" in text and "smol with own-1" in text and "Leave lasts 26 weeks." in text
    assert "What is paid?" not in text
    app.segmented_control(key="ratings-of").set_value("All").run()
    assert "The answer to: What is paid?" in shown(app) and "How long is leave?" in shown(app)


def test_it_goes_on_behind_the_first_page(open_page: OpenPage, world: World) -> None:
    for n in range(AT_ONCE + 3):
        rated(world, f"Number {n:02}?", "down")
    app = open_page("ada", script="ratings")
    assert "Number 03?" in shown(app) and "Number 02?" not in shown(app)
    app.button(key="more-ratings").click().run()
    assert not app.exception and "Number 00?" in shown(app)
    assert not [one for one in app.button if one.key == "more-ratings"]


def test_the_right_answer_is_written_to_the_question_that_was_asked(open_page: OpenPage, world: World) -> None:
    turn = rated(world, "How long is leave?", "down")
    app = open_page("ada", script="ratings")
    app.button(key=f"right-{turn}").click().run()
    assert not app.exception
    assert next(one for one in app.text_input if one.label == "Question").value == "How long is leave?"
    sources = next(one for one in app.multiselect if one.label.startswith("Sources"))
    assert sources.options == ["handbook.md: Leave lasts 26 weeks."] and sources.value == []


def test_it_says_which_question_was_put_right_and_opens_that_answer(open_page: OpenPage, world: World) -> None:
    turn = rated(world, "How long is leave?", "down")
    world.write_curated("c1", ["How long is leave?"], "26 weeks.", [], ["everyone"])
    app = open_page("ada", script="ratings")
    assert "Put right" in shown(app)
    app.button(key=f"right-{turn}").click().run()
    assert app.text_area(key="answer-c1").value == "26 weeks."


def test_a_question_is_shown_as_text_whatever_it_holds(open_page: OpenPage, world: World) -> None:
    rated(world, "**bold** <img src=x onerror=alert(1)>", "down", comment="[link](http://evil.example)")
    app = open_page("ada", script="ratings")
    assert not app.exception and "[link](http://evil.example)" in [one.value for one in app.text]


def test_somebody_else_has_no_way_there(open_page: OpenPage, api: Api, world: World) -> None:
    rated(world, "How long is leave?", "down")
    app = open_page("ben")
    assert "ratings" not in str([one.proto for one in app.get("page_link")])
    assert "ratings" in str([one.proto for one in open_page("ada").get("page_link")])


def test_who_rates_is_told_who_reads_it(open_page: OpenPage, world: World) -> None:
    turn = rated(world, "How long is leave?", "")
    chat = next(iter(world.conversations.values()))
    chat.turns[turn].rating, chat.head = None, turn
    app = open_page("ben", query={"c": chat.id})
    app.feedback[0].set_value(0).run()
    assert READ_BY in shown(app)
    app.feedback[0].set_value(1).run()
    assert any(READ_BY in str(one.value) for one in app.toast)
