"""The files of one chat, on its page."""

from __future__ import annotations

import io

from ui.client import Api
from ui.fake_api import FakeApi

from .conftest import OpenPage


def test_names_the_files_of_a_chat_and_takes_one_away(open_page: OpenPage, api: Api, fake: FakeApi) -> None:
    conversation = api.add_conversation()
    api.attach(conversation, [("bees.md", io.BytesIO(b"A hive holds bees."), "text/markdown")])
    app = open_page(query={"c": conversation})
    (document,) = api.attachments(conversation)
    assert any("bees" in one.value for one in app.markdown)
    app.button(key=f"detach-{document.id}").click().run()
    assert not app.exception and api.attachments(conversation) == []
    assert not any("bees" in one.value for one in app.markdown)


def test_shows_nothing_of_files_where_there_are_none(open_page: OpenPage, api: Api) -> None:
    app = open_page(query={"c": api.add_conversation()})
    assert not app.exception and not any("Nobody else can search" in one.value for one in app.caption)
