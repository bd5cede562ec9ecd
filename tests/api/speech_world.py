"""Recordings, and speech switched on with something that hears them."""

from __future__ import annotations

import base64
import struct
from typing import Any

from assistant.models.errors import ModelError
from assistant.models.recordings import FakeTranscriber, Transcriber
from assistant.speech import Speech

from .conftest import World

SAID = "How much leave do I have?"


def wav(seconds: float = 0.01, rate: int = 16_000) -> bytes:
    data = b"\x00\x00" * int(seconds * rate)
    head = (
        b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16) + b"data" + struct.pack("<I", len(data))
    )
    return b"RIFF" + struct.pack("<I", len(head) + len(data)) + head + data


def hear(world: World, *script: str | ModelError, max_bytes: int = 100_000, inside: bool = True) -> FakeTranscriber:
    """Switch speech on, with a fake that hears `script`."""
    made = FakeTranscriber(script or [SAID])
    switch_on(world, made, max_bytes, inside)
    return made


def switch_on(world: World, transcriber: Transcriber, max_bytes: int = 100_000, inside: bool = True) -> None:
    world.app.speech = Speech(transcriber, max_bytes, 2.0, inside)


def spoken(*parts: Any, **options: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}], **options}


def part(data: bytes, form: str = "wav") -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": form}}
