"""Recordings as parts of a chat message."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.api import errors

MAX_RECORDINGS = 4  # of one question


class AudioData(BaseModel):
    """A recording."""

    model_config = ConfigDict(extra="ignore")

    data: str = Field(repr=False, description="The recording in base64")
    format: Annotated[str, Field(min_length=1, max_length=20)]


class AudioPart(BaseModel):
    """Speech as a part of a message."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["input_audio"]
    input_audio: AudioData


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording as it came with a question."""

    form: str  # what the sender calls it
    data: bytes = field(repr=False)


def sounds_of(given: list[AudioData]) -> tuple[Sound, ...]:
    """Return the recordings of a message; raises the refusal of too many, or of one that is not base64."""
    if len(given) > MAX_RECORDINGS:
        raise errors.invalid(f"A question has at most {MAX_RECORDINGS} recordings; send fewer.", "messages")
    try:
        return tuple(Sound(one.format, b64decode(one.data, validate=True)) for one in given)
    except (binascii.Error, ValueError):
        raise errors.invalid("The recording is not base64; send it again.", "messages") from None
