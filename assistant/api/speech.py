"""POST /v1/audio/transcriptions in OpenAI's shape, and the recordings of a spoken question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from assistant.api import errors, limits, multipart
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.deps import Parts
from assistant.api.doors import Doors, Shared
from assistant.api.schemas import Json
from assistant.api.sounds import Sound
from assistant.app import App
from assistant.errors import SpeechOff
from assistant.models.types import Policy
from assistant.people.credentials import Credential
from assistant.speech import MODEL, OFF
from assistant.threads import in_own_thread
from assistant.types import Step

router = APIRouter(route_class=Guarded)

Signed = Annotated[Credential, Depends(SIGNED_IN)]

FIELDS = ("model", "language", "prompt", "response_format")
MAX_PROMPT_CHARS = 2_000
_MAX_PARTS = 8
_FIELDS_BYTES = 64_000  # of a body, beside the recording
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?", re.ASCII)

# FastAPI does not see the form, since nothing may read it into memory without a limit; hence its description by hand.
_TEXTS: Json = {name: {"type": "string"} for name in ("model", "language", "prompt")}
_SCHEMA: Json = {
    "type": "object",
    "required": ["file", "model"],
    "properties": {
        **_TEXTS,
        "file": {"type": "string", "format": "binary"},
        "response_format": {"type": "string", "enum": ["json", "text"]},
    },
}
_DESCRIBED: Json = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _SCHEMA}}}}

_SAID: dict[int | str, Json] = {
    200: {"content": {"application/json": {}, "text/plain": {}}},
    501: {"description": "Speech is off"},
}


@dataclass(slots=True)
class Form:
    """What was sent to be transcribed."""

    data: bytes | None = field(default=None, repr=False)
    texts: dict[str, str] = field(default_factory=dict)


@router.get("/api/speech", tags=["openai"])
async def offered(app: Parts, _credential: Signed) -> Json:
    """Tell whether recordings are taken, and how large and long they may be."""
    return {"on": app.speech.on, "max_bytes": app.speech.max_bytes, "max_seconds": app.speech.max_s}


@router.post(
    "/v1/audio/transcriptions", tags=["openai"], response_model=None, responses=_SAID, openapi_extra=_DESCRIBED
)
async def transcribe(request: Request, app: Parts, doors: Shared, credential: Signed) -> Response:
    """Return the words of a recording (wav, mp3, mp4 and m4a, ogg, webm, flac), as JSON or as plain text."""
    if not app.speech.on:
        raise SpeechOff(OFF)
    boundary = multipart.boundary(request.headers.get("content-type"), "file")
    limits.allow(request.scope, app.speech.max_bytes + _FIELDS_BYTES, app.settings.api.body_timeout_s)
    async with doors.speech.place(credential.caller.user_id):  # while all are taken, the body waits unread
        pieces = multipart.pieces_in_thread(request.stream())
        form = await in_own_thread(doors.listeners, partial(_read, pieces, boundary))
        data, texts = _checked(form, app)
        language, prompt = texts.get("language", ""), texts.get("prompt", "")
        said = await app.speech.words(data, language=language, prompt=prompt)
    return PlainTextResponse(said) if texts.get("response_format") == "text" else JSONResponse({"text": said})


async def heard(
    app: App, doors: Doors, user_id: str, sounds: tuple[Sound, ...], policy: Policy
) -> tuple[tuple[str, Step], ...]:
    """Return what is said in the recordings of a question, each with the step that shows it.

    Raises the refusal of a question that is spoken where speech is off, or that would leave the site and must not.
    """
    if sounds and not app.speech.on:
        raise errors.Refusal(400, "speech-off", OFF, parameter="messages")
    if sounds and policy.privacy == "inside" and not app.speech.inside:
        detail = "The server for speech is outside of this site, and the question must stay inside; type it."
        raise errors.Refusal(400, "speech-outside", detail, parameter="assistant.privacy")
    found = []
    for sound in sounds:
        started = perf_counter()
        async with doors.speech.place(user_id):
            said = await app.speech.question(sound.data, sound.form)
        found.append((said, Step("hear", f"Understood the recording as: {said}", (perf_counter() - started) * 1000)))
    return tuple(found)


def _read(pieces: Iterator[bytes], boundary: bytes) -> Form:
    form = Form()
    for part in multipart.parts(pieces, boundary, _MAX_PARTS):
        if part.name == "file" and part.filename is not None and form.data is None:
            form.data = b"".join(part.data)  # the whole body is bounded
        elif part.name in FIELDS and part.filename is None and part.name not in form.texts:
            form.texts[part.name] = part.text()
        else:
            names = ", ".join(FIELDS)
            raise errors.invalid(f"There is no field {part.name[:80]!r} here, or it came twice; send file, {names}.")
    return form


def _checked(form: Form, app: App) -> tuple[bytes, dict[str, str]]:
    """Return the recording and the fields; raises the refusal of what is missing or cannot be honoured."""
    texts = form.texts
    if not form.data:
        raise errors.invalid("There is no recording; send one in the field 'file'.", "file")
    if (model := texts.get("model", MODEL)) not in app.speech.models:
        detail = f"There is no model {model[:80]!r} for speech; use {MODEL!r}."
        raise errors.Refusal(404, "model-not-found", detail, parameter="model")
    if texts.get("response_format", "json") not in ("json", "text"):
        raise errors.invalid("Words are returned as 'json' or 'text'; choose one of them.", "response_format")
    if (language := texts.get("language", "")) and not _LANGUAGE.fullmatch(language):
        raise errors.invalid("A language is a code such as 'en' or 'de'; send it like that.", "language")
    prompt = texts.get("prompt", "")
    if len(prompt) > MAX_PROMPT_CHARS or "\x00" in prompt:
        raise errors.invalid(f"A prompt has at most {MAX_PROMPT_CHARS:,} characters, none of them NUL.", "prompt")
    return form.data, texts
