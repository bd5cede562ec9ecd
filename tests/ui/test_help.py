"""The help: topics that fit a question, and the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ui.fake_api import World
from ui.help.topics import fitting, topics

from .test_pages import shown

OpenPage = Callable[..., AppTest]


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How do I share a chat with a colleague?", "Share a chat"),
        ("can I upload a file to a chat", "Attaching a file"),
        ("delete what you remember about me", "What is remembered"),
        ("approving skills", "Skills"),
        ("there is no answer to my question", "When there is no answer"),
        ("importing chats from Open WebUI", "Export and import"),
    ],
)
def test_a_question_finds_its_topic(question: str, title: str) -> None:
    assert fitting(topics(for_admin=False), question)[0].title == title


def test_nonsense_finds_nothing_and_administrators_topics_are_theirs() -> None:
    assert fitting(topics(for_admin=True), "zzz qqq") == []
    assert {topic.page for topic in topics(True)} - {topic.page for topic in topics(False)} == {
        "Adding documents",
        "People, models and health",
        "Ratings",
    }


def test_the_page_answers_and_lists(open_page: OpenPage) -> None:
    app = open_page("ben", script="help")
    assert "Your chats" in shown(app) and "Adding documents" not in shown(app)
    app.text_input(key="help-question").set_value("temporary chat").run()
    assert "nothing is stored" in shown(app) and "Skills" not in [one.value for one in app.header]


def test_a_new_installation_says_what_to_do(open_page: OpenPage, world: World) -> None:
    world.documents.clear()
    assert "Add documents" in shown(open_page()) and "Attach a file" in shown(open_page("ben"))
