"""Recordings of speech: told by their first bytes, never by their name, and what turns them into words."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Protocol

from assistant.models.errors import ModelError

MEDIA_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "mp4": "audio/mp4",
    "ogg": "audio/ogg",
    "webm": "audio/webm",
    "flac": "audio/flac",
}
# What clients call the same forms.
ALIASES = {"m4a": "mp4", "mpeg": "mp3", "mpga": "mp3", "opus": "ogg", "wave": "wav"}
_SOUND_BRANDS = (b"M4A", b"M4B", b"mp4", b"iso", b"dash", b"qt")  # other brands of the same container are pictures


@dataclass(frozen=True, slots=True)
class Recording:
    """Speech as it was recorded."""

    form: str  # a key of MEDIA_TYPES
    data: bytes = field(repr=False)


class Transcriber(Protocol):
    """Turns recordings into words."""

    name: str

    async def transcribe(self, recording: Recording, language: str = "", prompt: str = "") -> str:
        """Return the words, "" where there are none; `language` as in "de", `prompt` says which words to expect.

        Raises ModelUnavailable (no answer, none in time, or none that makes sense), ModelOverloaded or ModelRefused.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class FakeTranscriber:
    """Hears the words of a script in order, starting over at its end; an error in it is raised."""

    def __init__(self, script: Sequence[str | ModelError], name: str = "fake-speech") -> None:
        self.name = name
        self.heard: list[tuple[Recording, str, str]] = []  # recordings so far, with language and prompt
        self._script = cycle(script)

    async def transcribe(self, recording: Recording, language: str = "", prompt: str = "") -> str:
        """Return the next words of the script."""
        self.heard.append((recording, language, prompt))
        line = next(self._script)
        if isinstance(line, ModelError):
            raise line
        return line

    async def close(self) -> None:
        """Do nothing."""


def form_of(data: bytes) -> str | None:
    """Return what `data` is, a key of MEDIA_TYPES; None for everything else."""
    return next((form for form, fits in _FORMS if fits(data[:16])), None)


def seconds_of(recording: Recording) -> float | None:
    """Return how long a WAV lasts by its head, seconds; None for other forms, which only a decoder could tell."""
    at = recording.data.find(b"fmt ", 12, 4_096)
    if recording.form != "wav" or at < 0 or len(recording.data) < at + 24:
        return None
    per_second: int = struct.unpack_from("<I", recording.data, at + 16)[0]
    return len(recording.data) / per_second if per_second else None


_FORMS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("wav", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WAVE"),
    ("flac", lambda head: head[:4] == b"fLaC"),
    ("ogg", lambda head: head[:4] == b"OggS"),
    ("webm", lambda head: head[:4] == b"\x1aE\xdf\xa3"),
    ("mp4", lambda head: head[4:8] == b"ftyp" and head[8:].startswith(_SOUND_BRANDS)),
    ("mp3", lambda head: head[:3] == b"ID3" or _is_mp3_frame(head)),
)


def _is_mp3_frame(head: bytes) -> bool:
    """Return whether a frame of MPEG audio, layer III, begins here."""
    return len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] & 0xF0 not in (0x00, 0xF0)
