"""The temporary chat, run in process against the stand-in API."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from ui.client import Api, Question
from ui.fake_api import FakeApi
from ui.live import LIVE

from .test_pages import ask, labels, press, shown

OpenPage = Callable[..., AppTest]
QUESTION = "How long does parental leave last?"


def test_it_answers_with_sources_and_leaves_nothing_behind(open_page: OpenPage, fake: FakeApi) -> None:
    app = open_page()
    press(app, "Temporary chat")
    assert "Nothing of it is stored" in shown(app)
    ask(app, QUESTION)
    assert "26 weeks" in shown(app) and QUESTION in shown(app)
    assert fake.world.conversations == {} and "Regenerate" not in labels(app)
    press(app, "End temporary chat")
    assert "26 weeks" not in shown(app) and "Temporary chat" in labels(app)


def test_leaving_it_stops_the_answer(open_page: OpenPage, fake: FakeApi) -> None:
    fake.world.word_s = 0.2
    app = open_page()
    press(app, "Temporary chat")
    app.chat_input[0].set_value(QUESTION).run()
    press(app, "New chat")
    assert not LIVE._turns and "Nothing of it is stored" not in shown(app)


def test_what_was_said_goes_along(api: Api, fake: FakeApi) -> None:
    events = list(api.ask(Question("And for fathers?", "", said=((QUESTION, "26 weeks."),))))
    assert events and fake.world.conversations == {}
