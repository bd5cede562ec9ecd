"""Shared chats, run in process against the stand-in API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ui.client import Api, Question
from ui.errors import ApiRefused
from ui.fake_api import FakeApi

from .conftest import user
from .test_pages import drawn, labels, shown

OpenPage = Callable[..., AppTest]


@pytest.fixture
def conversation(api: Api) -> str:
    """A chat of the administrator's about a document that only they may read."""
    made = api.add_conversation()
    list(api.ask(Question("When does the merger with Globex close?", made)))
    return made


def test_a_colleague_reads_it_without_the_sources_they_may_not_open(
    open_page: OpenPage, api: Api, conversation: str
) -> None:
    link = api.share(conversation)
    app = open_page("ben", query={"shared": link.id})
    assert "When does the merger" in shown(app) and "Shared by ada" in shown(app)
    assert not app.chat_input and "Regenerate" not in labels(app)
    (answer,) = drawn(app, "answer-shared-0")
    assert {one["title"] for one in answer["citations"]} == {"A source you may not open"}
    assert "merger.md" not in str(answer) and not any(one["chunk"] or one["quote"] for one in answer["citations"])
    (own,) = drawn(open_page("ada", query={"shared": link.id}), "answer-shared-0")
    assert own["citations"][0]["title"] == "merger.md"


def test_it_says_so_when_the_link_has_ended(open_page: OpenPage, api: Api, conversation: str) -> None:
    link = api.share(conversation)
    assert api.conversations("", 5)[0].shared and api.link(conversation).id == link.id
    api.revoke(conversation)
    assert "not shared any more" in shown(open_page("ben", query={"shared": link.id}))
    with pytest.raises(ApiRefused):
        api.link(conversation)


def test_only_the_owner_shares(api: Api, fake: FakeApi, conversation: str) -> None:
    with pytest.raises(ApiRefused):
        Api(api.http, fake.world.sign_in(user(fake.world, "ben"))).share(conversation)
