"""Speech as the settings say, in the application as it is built."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from assistant.build import build
from assistant.errors import InvalidSetting, SpeechOff
from assistant.models.fake_speech_server import FakeSpeechServer
from assistant.settings import load

MP3 = b"ID3\x04\x00" + b"\x00" * 20


async def test_the_settings_name_the_endpoint_and_where_it_is(tmp_path: Path) -> None:
    async with FakeSpeechServer().running() as server:
        chosen = {"speech_url": f"{server.url}/", "speech_model": "whisper", "speech_api_key": "key-1"}
        app = await asyncio.to_thread(build, load({}, data_dir=tmp_path, models=chosen), None)
        assert app.speech.on and app.speech.inside and app.speech.models == {"assistant-speech", "whisper"}
        assert await app.speech.words(MP3) == "How much leave do I have?"
        assert server.requests[0].authorization == "Bearer key-1" and app.speech in app.services
        await app.speech.stop()


async def test_without_a_setting_it_is_off_and_says_how_to_switch_it_on(tmp_path: Path) -> None:
    app = await asyncio.to_thread(build, load({}, data_dir=tmp_path), None)
    assert not app.speech.on and "ASSISTANT_MODELS__SPEECH_URL" in app.speech.state()[1]
    with pytest.raises(SpeechOff, match="Speech is off here"):
        await app.speech.words(MP3)


def test_an_endpoint_is_a_url(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="SPEECH_URL"):
        load({}, data_dir=tmp_path, models={"speech_url": "whisper.bin"})
