"""Questions that are spoken, against the stand-in API."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ui.chat import spoken
from ui.client import Api
from ui.doors.guard import HEADERS
from ui.errors import ApiRefused
from ui.fake_api import FakeApi
from ui.transport import NamedFile

from .test_pages import press

OpenPage = Callable[..., AppTest]
SAID = "How long does parental leave last?"


def recording(data: bytes = b"RIFF\x00\x00\x00\x00WAVE") -> NamedFile:
    return "recording.wav", io.BytesIO(data), "audio/wav"


def test_what_is_said_stands_behind_what_was_typed(api: Api, fake: FakeApi) -> None:
    fake.world.says = f" {SAID} "
    assert spoken.words(api, "", recording()) == SAID
    assert spoken.words(api, "Short:", recording()) == f"Short:\n{SAID}"
    assert spoken.words(api, "typed", None) == "typed"


def test_silence_is_told_and_is_no_question(api: Api, fake: FakeApi) -> None:
    fake.world.says = " "
    with pytest.raises(ApiRefused, match="no words in the recording"):
        spoken.words(api, "typed", recording())


@pytest.mark.parametrize(("says", "data", "code"), [(None, b"RIFF", "speech-off"), ("x", b"no", "recording-refused")])
def test_what_the_server_does_not_take_is_told(
    api: Api, fake: FakeApi, says: str | None, data: bytes, code: str
) -> None:
    fake.world.says = says
    with pytest.raises(ApiRefused) as refused:
        spoken.words(api, "", recording(data))
    assert refused.value.code == code


@pytest.mark.parametrize("says", [SAID, None])
def test_there_is_a_microphone_only_where_speech_is_on(open_page: OpenPage, fake: FakeApi, says: str | None) -> None:
    fake.world.says = says
    app = open_page()
    assert app.chat_input[0].proto.accept_audio is (says is not None)
    press(app, "Temporary chat")
    assert app.chat_input[0].proto.accept_audio is (says is not None)


def test_the_browser_may_let_the_page_use_the_microphone() -> None:
    assert "microphone=(self)" in HEADERS["Permissions-Policy"]
