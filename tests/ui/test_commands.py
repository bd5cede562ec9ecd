"""Questions that begin with "/" on the chat page, in process against the stand-in."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from ui.fake_api import World

from .test_pages import ask, drawn, press, shown

OpenPage = Callable[..., AppTest]


def _turns(world: World) -> list[tuple[str, str]]:
    return [(turn.prompt, turn.question) for one in world.conversations.values() for turn in one.turns.values()]


def test_asks_with_the_prompt_and_once_more_with_it(open_page: OpenPage, world: World) -> None:
    app = open_page("ben")
    assert "/ lists prompts" in app.chat_input[0].placeholder
    ask(app, "/self_ask_answer How long does parental leave last?")
    assert not app.exception and _turns(world) == [("self_ask_answer", "How long does parental leave last?")]
    (answer,) = drawn(app, "answer-")
    assert answer["steps"][0] == {"name": "Prompt", "detail": "/self_ask_answer", "time": "0 ms"}
    press(app, "Regenerate")
    ask(app, "And how long is a trip?")
    assert [name for name, _ in _turns(world)] == ["self_ask_answer", "self_ask_answer", ""]


def test_lists_the_prompts_and_asks_nothing(open_page: OpenPage, world: World) -> None:
    app = open_page("ben")
    app.chat_input[0].set_value("/").run()
    assert not app.exception and not world.conversations
    assert "/self_ask_answer" in shown(app).replace("\\", "") and "without documents" in shown(app)
    press(app, "Close")
    assert "self" not in shown(app)


def test_an_unknown_name_is_said_and_comes_back_to_be_corrected(open_page: OpenPage, world: World) -> None:
    app = open_page("ben")
    app.chat_input[0].set_value("/self_ask How long?").run()
    assert not app.exception and not world.conversations
    assert "Did you mean /self_ask_answer" in app.toast[0].value.replace("\\", "")
    assert app.chat_input[0].proto.value == "/self_ask How long?"


def test_a_path_is_a_question(open_page: OpenPage, world: World) -> None:
    ask(open_page("ben"), "/etc/passwd, what is it?")
    assert _turns(world) == [("", "/etc/passwd, what is it?")]
