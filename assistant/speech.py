"""Speech in place of typing: recordings become words before anything else happens, and are stored nowhere."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Literal, Protocol

from assistant.errors import (
    AssistantError,
    NothingHeard,
    Overloaded,
    RecordingRefused,
    RecordingTooLong,
    SpeechOff,
    SpeechRefused,
    SpeechUnavailable,
)
from assistant.logs import log
from assistant.models.errors import ModelError, ModelOverloaded, ModelRefused
from assistant.models.recordings import ALIASES, MEDIA_TYPES, Recording, Transcriber, form_of, seconds_of
from assistant.types import Event, Turn

MODEL = "assistant-speech"  # the name under which clients ask for it
OFF = (
    "Speech is off here, because no endpoint for it is set up; type the text. "
    "Administrators: ASSISTANT_MODELS__SPEECH_URL switches it on."
)

_log = log("speech")


class Speech:
    """The way from recordings to words, as a service of the server; off without a transcriber."""

    name = "speech"

    def __init__(self, transcriber: Transcriber | None, max_bytes: int, max_s: float, inside: bool) -> None:
        """Take recordings up to `max_bytes`, and WAV up to `max_s` seconds; `inside` tells where the endpoint is."""
        self.max_bytes = max_bytes
        self.max_s = max_s
        self.inside = inside  # recordings do not leave the site's own network
        self._transcriber = transcriber

    @property
    def on(self) -> bool:
        """Return whether recordings are taken."""
        return self._transcriber is not None

    @property
    def models(self) -> frozenset[str]:
        """Return the names under which clients may ask for it."""
        return frozenset({MODEL, self._transcriber.name} if self._transcriber else {MODEL})

    async def words(self, data: bytes, form: str = "", language: str = "", prompt: str = "") -> str:
        """Return what is said, "" where nothing is; `form` is what the sender calls it ("": nothing).

        Raises SpeechOff, RecordingRefused, RecordingTooLong, SpeechRefused, SpeechUnavailable or Overloaded.
        """
        if self._transcriber is None:
            raise SpeechOff(OFF)
        recording = self._taken(data, form.lower())
        try:
            said = await self._transcriber.transcribe(recording, language, prompt)
        except ModelError as exc:
            _log.warning("speech was not understood", reason=str(exc)[:300])
            raise _told(exc) from exc
        return said.strip()

    async def question(self, data: bytes, form: str) -> str:
        """Return what is said in a question; raises what `words` raises, and NothingHeard."""
        said = await self.words(data, form)
        if not said:
            raise NothingHeard("There are no words in the recording; speak again, or type the question.")
        return said

    def _taken(self, data: bytes, called: str) -> Recording:
        if len(data) > self.max_bytes:
            raise RecordingTooLong(f"The recording has more than {self.max_bytes:,} bytes; send it in parts.")
        found = form_of(data)
        if found is None:
            raise RecordingRefused(f"This is no recording in {', '.join(MEDIA_TYPES)} (m4a is mp4); send one of these.")
        if called and ALIASES.get(called, called) != found:
            raise RecordingRefused(f"The recording is {found}, not {called[:20]!r} as it says; send its own format.")
        recording = Recording(found, data)
        if (seconds_of(recording) or 0.0) > self.max_s:
            raise RecordingTooLong(f"The recording is longer than {self.max_s:g} seconds; send it in parts.")
        return recording

    async def start(self) -> None:
        """Do nothing: the first recording opens a connection."""

    async def stop(self) -> None:
        """Close the connections."""
        if self._transcriber is not None:
            await self._transcriber.close()

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        """Return ready, and whether speech is on."""
        return "ready", f"Speech is understood by {self._transcriber.name}." if self._transcriber else OFF


def _told(error: ModelError) -> AssistantError:
    """Return what people hear of a failure; its own sentence names an address, and is for the log."""
    if isinstance(error, ModelOverloaded):
        return Overloaded("The server for speech is busy; try again shortly, or type the text.", error.retry_after_s)
    if isinstance(error, ModelRefused):
        return SpeechRefused("The server for speech refused this recording; it may be damaged. Record it again.")
    return SpeechUnavailable("The server for speech does not answer as it should; try again, or type the text.")


class Runner(Protocol):
    """Answers questions that have become text."""

    def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """Yield what happens and at last the answer."""
        ...


class Spoken:
    """Answers questions; where one was spoken, its first step says what was understood."""

    def __init__(self, turns: Runner) -> None:
        """Hand questions on to `turns`."""
        self._turns = turns

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """Yield what happens, and at last the answer."""
        heard = turn.options.heard
        for step in heard:
            yield Event("step", step=step)
        async with aclosing(self._turns.run(turn)) as events:
            async for event in events:
                if heard and event.answer is not None:
                    event = replace(event, answer=replace(event.answer, steps=(*heard, *event.answer.steps)))
                yield event
