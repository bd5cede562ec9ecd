"""The pages Memory and Prompts, run in process against the stand-in API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ui.fake_api import FakeApi, World
from ui.fake_api.group_note import FakeGroupNote
from ui.fake_api.records import FakeConversation, FakeNote

from .conftest import user

OpenPage = Callable[..., AppTest]


def shown(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.text, app.caption, app.error, app.info, app.header, app.code)
    return "\n".join(str(one.value) for kind in kinds for one in kind)


def press(app: AppTest, label: str) -> None:
    next(one for one in app.button if one.label == label).click().run()


def test_shows_ones_own_notes_alone_and_takes_new_ones(open_page: OpenPage, world: World) -> None:
    world.notes["x"] = FakeNote(user(world, "ada").id, "Ada's locker is 17", id="x")
    app = open_page("ben", script="memory")
    assert not app.exception and "locker" not in shown(app) and "Nothing is remembered" in shown(app)
    next(one for one in app.text_input if one.label == "What to remember").set_value("My office is in Graz")
    press(app, "Remember")
    assert [note.text for note in world.notes.values()] == ["Ada's locker is 17", "My office is in Graz"]
    assert "My office is in Graz" in shown(app) and "Ada" not in shown(app)


def test_keeps_dismisses_edits_and_deletes(open_page: OpenPage, world: World) -> None:
    ben = user(world, "ben").id
    for key, status in (("a", "suggested"), ("b", "suggested"), ("c", "kept")):
        world.notes[key] = FakeNote(ben, f"Note {key}", status=status, id=key)
    app = open_page("ben", script="memory")
    app.button(key="keep-a").click().run()
    app.button(key="dismiss-b").click().run()
    app.button(key="delete-note-c").click().run()
    assert {key: note.status for key, note in world.notes.items()} == {"a": "kept"}
    app.button(key="forget-me").click().run()
    assert "All 1 notes" in shown(app) and not app.exception  # a dialog: the rest is the browser test's


def test_shows_where_a_note_comes_from_and_what_is_kept_of_long_chats(open_page: OpenPage, world: World) -> None:
    ben = user(world, "ben").id
    chat = FakeConversation(owner=ben, title="Project", summary=["The project code is AX-77."])
    world.conversations[chat.id] = chat
    world.notes["a"] = FakeNote(ben, "My manager is Carla", status="suggested", id="a", conversation_id=chat.id)
    world.notes["b"] = FakeNote(ben, "My office is in Graz", id="b")
    app = open_page("ben", script="memory")
    said = shown(app).replace("\\", "")  # captions are escaped
    assert not app.exception and "suggested, 60 % sure" in said and "stated, 100 % sure" in said
    assert [one.key for one in app.button if (one.key or "").startswith("source-")] == ["source-a"]
    assert "The project code is AX-77." in shown(app)


def test_shows_what_the_persons_groups_remember_and_nobody_elses(open_page: OpenPage, world: World) -> None:
    user(world, "ben").groups = ["hr"]
    world.group_notes += [FakeGroupNote("hr", "The archive code is 1749"), FakeGroupNote("it", "The router is Emil")]
    app = open_page("ben", script="memory")
    assert not app.exception and "1749" in shown(app) and "Emil" not in shown(app)
    app.text_input[1].set_value("Stand-up is at 9:30")
    press(app, "Remember for the group")
    assert [note.text for note in world.group_notes if note.group == "hr"][-1] == "Stand-up is at 9:30"
    app.button(key=f"delete-group-note-{world.group_notes[0].id}").click().run()
    assert "1749" not in shown(app) and len(world.group_notes) == 2


def test_switches_memory_off_for_the_person_and_for_one_chat(open_page: OpenPage, world: World) -> None:
    app = open_page("ben", script="memory")
    app.toggle(key="memory-switch").set_value(False).run()
    assert world.memory_off == {user(world, "ben").id}
    chat = open_page("ben")
    chat.toggle(key="memory-new").set_value(False).run()
    chat.chat_input[0].set_value("How long does parental leave last?").run()
    (conversation,) = world.conversations.values()
    assert conversation.memory is False
    chat.toggle(key=f"memory-{conversation.id}").set_value(True).run()
    assert conversation.memory is True


def test_tells_why_a_note_is_refused(open_page: OpenPage) -> None:
    app = open_page("ben", script="memory")
    next(one for one in app.text_input if one.label == "What to remember").set_value("my password is x")
    press(app, "Remember")
    assert "no place in a note" in shown(app)


def test_writes_compares_publishes_and_rolls_back_a_prompt(open_page: OpenPage, world: World) -> None:
    app = open_page(script="prompts", query={"prompt": "grounded_answer"})
    prompt = world.prompts["grounded_answer"]
    assert not app.exception and "version that ships is live" in shown(app)
    area = next(one for one in app.text_area if one.label == "Prompt (YAML)")
    area.set_value("no variable")
    press(app, "Save as a new version")
    assert "lacks the variable" in shown(app) and len(prompt.texts) == 1
    area = next(one for one in app.text_area if one.label == "Prompt (YAML)")
    area.set_value(prompt.texts[0].replace("numbered", "given"))
    press(app, "Save as a new version")
    assert len(prompt.texts) == 2 and "given" in shown(app) and "found word for word" in shown(app)
    app.button(key="publish-1").click().run()
    assert prompt.live == 1 and "Version 1 is live" in shown(app)
    app.button(key="roll-back").click().run()
    assert prompt.live == 0


def test_warns_of_nothing_where_the_small_model_is_not_asked(open_page: OpenPage) -> None:
    app = open_page(script="prompts", query={"prompt": "reasoned_answer"})
    assert not app.exception and "found word for word" not in shown(app)


def test_tries_a_version_beside_the_live_one(open_page: OpenPage) -> None:
    app = open_page(script="prompts", query={"prompt": "grounded_answer"})
    next(one for one in app.text_input if one.label == "A question").set_value("What now?")
    press(app, "Compare")
    assert "As always: What now?" in shown(app) and "As tried: What now?" in shown(app)


def test_measures_a_version_on_a_test_set(open_page: OpenPage) -> None:
    app = open_page(script="prompts", query={"prompt": "grounded_answer"})
    app.file_uploader(key="test-set").upload("set.jsonl", b"no json").run()
    app.button(key="measure").click().run()
    assert "one JSON object a line" in shown(app)
    app.file_uploader(key="test-set").upload("set.jsonl", b'{"question": "x"}\n').run()
    app.button(key="measure").click().run()
    assert not app.exception and "0.570" in str(app.table[0].value)


def test_adds_a_prompt_and_lists_it(open_page: OpenPage, world: World) -> None:
    app = open_page(script="prompts")
    assert "reasoned" in shown(app) and "Not in use" in shown(app)
    next(one for one in app.text_input if one.label.startswith("Name, as")).set_value("legal_answer")
    press(app, "Save")
    assert world.prompts["legal_answer"].live is None and not app.exception


def test_keeps_ordinary_people_from_the_prompts(open_page: OpenPage, fake: FakeApi) -> None:
    app = open_page("ben")
    assert not [link for link in app.page_link if link.label == "Prompts"]
    assert [link for link in app.page_link if link.label == "Memory"]
    with pytest.raises(ValueError, match="prompts"):
        open_page("ben", script="prompts")
