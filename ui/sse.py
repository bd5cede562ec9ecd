"""Server-sent events: from lines to events, and from events to what happens in a chat."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from ui.errors import ApiRefused
from ui.scrub import scrub
from ui.wire import Outcome, Step, Wire


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event as it came over the line."""

    data: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class ChatEvent:
    """One thing that happened while an answer was made; exactly one of the fields below `id` is set."""

    id: str = ""  # "<turn id>:<sequence number>", where a broken stream resumes
    text: str = ""
    step: Step | None = None
    notice: str | None = None
    queue: int | None = None  # place in the queue, from 1
    outcome: Outcome | None = None

    @property
    def turn_id(self) -> str:
        """Return the id of the turn, or "" when the event carried none."""
        return self.id.rpartition(":")[0]


class _Queue(Wire):
    position: int = 1


def server_events(lines: Iterable[str]) -> Iterator[ServerEvent]:
    """Yield one event per block of lines; comments (heartbeats) and blocks without data are skipped."""
    data: list[str] = []
    last_id = ""
    for line in lines:
        if not line:
            if data:
                yield ServerEvent(data="\n".join(data), id=last_id)
            data = []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "id":
            last_id = value
    if data:
        yield ServerEvent(data="\n".join(data), id=last_id)


def chat_events(lines: Iterable[str]) -> Iterator[ChatEvent]:
    """Yield what the chunks of a chat completion mean, up to `[DONE]`; a line that is not JSON is skipped.

    Raises ApiRefused when the stream itself reports an error.
    """
    for event in server_events(lines):
        if event.data.strip() == "[DONE]":
            return
        try:
            chunk = scrub(json.loads(event.data))
        except ValueError:
            continue
        if isinstance(chunk, dict):
            yield from _meanings(chunk, event.id)


def _meanings(chunk: dict[str, object], event_id: str) -> Iterator[ChatEvent]:
    error = chunk.get("error")
    if isinstance(error, dict):
        raise ApiRefused(
            status=int(error.get("status") or 503),
            title="The answer broke off",
            detail=str(error.get("message") or "The answer broke off. Try again."),
            code=str(error.get("code") or ""),
        )
    text = _delta(chunk)
    if text:
        yield ChatEvent(id=event_id, text=text)
    extra = chunk.get("assistant")
    if isinstance(extra, dict):
        yield from _extra(extra, event_id)


def _extra(extra: dict[str, object], event_id: str) -> Iterator[ChatEvent]:
    try:
        if "citations" in extra or "stopped_by" in extra:
            yield ChatEvent(id=event_id, outcome=Outcome.model_validate(extra))
        elif "step" in extra:
            yield ChatEvent(id=event_id, step=Step.model_validate(extra["step"]))
        elif isinstance(extra.get("queue"), dict):
            yield ChatEvent(id=event_id, queue=_Queue.model_validate(extra["queue"]).position)
        elif extra.get("notice"):
            yield ChatEvent(id=event_id, notice=str(extra["notice"]))
        elif extra.get("turn_id"):
            yield ChatEvent(id=event_id or f"{extra['turn_id']}:0")
    except ValidationError as exc:
        raise ApiRefused(
            status=502,
            title="The answer could not be read",
            detail=f"The answer ended in a shape that these pages do not know ({exc.error_count()} differences). "
            "Reload the page; if it stays so, update the pages and the API to the same version.",
            code="unreadable",
        ) from exc


def _delta(chunk: dict[str, object]) -> str:
    choices = chunk.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return ""
    delta = choices[0].get("delta")
    content = delta.get("content") if isinstance(delta, dict) else None
    return content if isinstance(content, str) else ""
