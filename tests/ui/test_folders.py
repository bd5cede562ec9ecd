"""Folders in the history, run in process against the stand-in API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ui.client import Api
from ui.errors import ApiRefused

OpenPage = Callable[..., AppTest]


def _made(api: Api, title: str, folder: str) -> str:
    identifier = api.add_conversation()
    api.change_conversation(identifier, {"title": title, "folder": folder})
    return identifier


def test_the_history_shows_chats_in_their_folders(open_page: OpenPage, api: Api) -> None:
    _made(api, "Budget", "Work 2026")
    pinned = _made(api, "Always", "Home")
    api.change_conversation(pinned, {"pinned": True})
    _made(api, "Loose", "")
    app = open_page()
    assert [one.label for one in app.expander] == ["Work 2026 (1)"]
    assert [button.label for button in app.expander[0].button] == ["Budget"]
    captions = [caption.value for caption in app.sidebar.caption]
    assert "Pinned" in captions and "Today" in captions


def test_a_folder_is_renamed_and_deleted_without_its_chats(api: Api) -> None:
    made = _made(api, "Budget", "Work & more")
    api.rename_folder("Work & more", "Money")
    assert api.conversations("", 5)[0].folder == "Money"
    api.delete_folder("Money")
    (head,) = api.conversations("bud", 5)
    assert head.id == made and head.folder == ""
    with pytest.raises(ApiRefused):
        api.delete_folder("Money")
