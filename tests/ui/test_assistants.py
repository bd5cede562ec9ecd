"""The page Assistants and chats with an assistant, against the stand-in API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ui.assistants.page import about
from ui.client import Api
from ui.errors import ApiRefused
from ui.fake_api import World
from ui.wire.assistants import Assistant

from .conftest import user

OpenPage = Callable[..., AppTest]


def shared(world: World, name: str = "Legal", owner: str = "ada", readers: tuple[str, ...] = ("everyone",)) -> str:
    """Put an assistant into the stand-in and return its id."""
    world.assistants[name] = {
        "id": name, "name": name, "description": "Contracts *and* more", "icon": "gavel", "colour": "green",
        "greeting": "Ask me about contracts.", "questions": ["What is a contract?"], "instructions": "Be formal.",
        "model_name": f"assistant:{name}", "collections": None, "skills": None, "owner_id": user(world, owner).id,
        "readers": list(readers), "withdrawn": False, "updated_at": 1.0,
    }  # fmt: skip
    return name


def shown(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.text, app.caption, app.warning, app.info, app.code)
    return "\n".join(str(one.value) for kind in kinds for one in kind).replace("\\", "")


def test_an_empty_gallery_says_what_to_do(open_page: OpenPage) -> None:
    app = open_page("ben", script="assistants")
    assert not app.exception and "Make one with New assistant" in shown(app)
    app.button(key="new-assistant").click().run()
    assert not app.exception and app.text_input(key="name-new").value == ""


def test_it_shows_what_this_person_may_use_and_do(open_page: OpenPage, world: World) -> None:
    shared(world)
    shared(world, "Secret", readers=("group:managers",))
    app = open_page("ben", script="assistants")
    text, keys = shown(app), {button.key for button in app.button}
    assert not app.exception and "Legal" in text and "Secret" not in text and "assistant:Legal" in text
    assert "Be formal." in text and "by ada" in text and "Contracts *and* more" in text
    assert {"begin-Legal", "copy-assistant-Legal"} <= keys
    assert not {"edit-assistant-Legal", "delete-assistant-Legal", "withdraw-Legal"} & keys
    app = open_page("ada", script="assistants")
    app.button(key="edit-assistant-Legal").click().run()
    assert not app.exception and app.text_area(key="instructions-Legal").value == "Be formal."
    assert list(app.multiselect(key="assistant-readers-Legal").value) == ["everyone"]  # a dialog: the browser saves it


def test_a_chat_begins_with_it_and_says_when_it_is_gone(open_page: OpenPage, world: World, api: Api) -> None:
    shared(world)
    app = open_page("ben", query={"a": "Legal"})
    assert not app.exception and "Ask me about contracts." in shown(app)
    app.button(key="opener-0").click().run()
    (talk,) = world.conversations.values()
    assert talk.assistant == "Legal" and [turn.question for turn in talk.turns.values()] == ["What is a contract?"]
    app = open_page("ben", query={"c": talk.id})
    assert "**Legal**" in shown(app) and "deleted" not in shown(app)
    world.assistants["Legal"]["readers"] = []
    app = open_page("ben", query={"c": talk.id})
    assert not app.exception and "was deleted or is no longer shared with you" in shown(app)
    app = open_page("ben", query={"a": "Legal"})
    assert not app.exception and "What would you like to know" in shown(app)


def test_it_is_written_duplicated_withdrawn_passed_on_and_deleted(api: Api, world: World) -> None:
    api.write_assistant(None, {"name": "Legal", "collections": None, "readers": ["everyone"]})
    (one,) = api.assistants("legal")
    assert one.own and one.shared and one.model_name == "assistant:Legal"
    api.write_assistant(one.id, {"name": "Law", "readers": []})
    assert api.assistant(one.id).name == "Law" and api.assistants("nothing") == []
    api.withdraw_assistant(one.id, True)
    assert api.assistant(one.id).withdrawn
    copy = api.duplicate_assistant(one.id)
    file = api.export_assistants([one.id])
    assert api.import_assistants(file).assistants[0].name == "Law" and copy.id != one.id
    assert {choice.job for choice in api.assistant_choices().prompts} == {"answer", "chat"}
    api.delete_assistant(one.id)
    with pytest.raises(ApiRefused, match="no such assistant"):
        api.assistant(one.id)


def test_the_line_about_one_names_only_what_this_person_may_read() -> None:
    one = Assistant(id="x", name="Legal", owner="", collections=(), skills=(), model="law-7b", updated_at=1.0)
    assert "its owner has left · only you can see it · reads nothing that you may read · asks law-7b" in about(one)
    assert "skills: none" in about(one) and "without documents" in about(one.model_copy(update={"grounded": False}))
