"""The stream of an answer, from lines to meanings."""

from __future__ import annotations

import json

import pytest

from ui.errors import ApiRefused
from ui.sse import chat_events, server_events


def lines(*chunks: object) -> list[str]:
    found: list[str] = []
    for number, chunk in enumerate(chunks, start=1):
        data = chunk if isinstance(chunk, str) else json.dumps(chunk)
        found += [f"id: t1:{number}", f"data: {data}", ""]
    return found


def test_reads_events_and_skips_heartbeats() -> None:
    events = list(server_events([": ping", "", "id: a:1", "data: x", "data: y", "", ": ping", "", "data:z"]))
    assert [(event.id, event.data) for event in events] == [("a:1", "x\ny"), ("a:1", "z")]


def test_tells_text_steps_notices_places_in_line_and_the_outcome() -> None:
    events = list(
        chat_events(
            lines(
                {"assistant": {"turn_id": "t1", "conversation_id": "c"}, "choices": [{"delta": {"content": ""}}]},
                {"assistant": {"queue": {"position": 3}}, "choices": [{"delta": {}}]},
                {"assistant": {"step": {"name": "search", "detail": "8 passages", "ms": 12}}, "choices": []},
                {"choices": [{"delta": {"content": "Hello"}}]},
                {"assistant": {"notice": "Another model goes on."}, "choices": [{"delta": {}}]},
                {"assistant": {"turn_id": "t1", "citations": [], "stopped_by": "stop", "later_field": 1}},
                {"choices": [], "usage": {}},
                "[DONE]",
                {"choices": [{"delta": {"content": "never read"}}]},
            )
        )
    )
    assert events[0].turn_id == "t1"
    assert events[1].queue == 3
    assert events[2].step is not None and events[2].step.detail == "8 passages"
    assert events[3].text == "Hello"
    assert events[4].notice == "Another model goes on."
    assert events[5].outcome is not None and events[5].outcome.turn_id == "t1"
    assert len(events) == 6


def test_skips_lines_that_are_no_json() -> None:
    assert list(chat_events(["data: {broken", "", "data: 3", "", "data: [DONE]", ""])) == []


def test_raises_the_error_that_a_stream_reports() -> None:
    with pytest.raises(ApiRefused, match="failed on our side") as caught:
        list(chat_events(lines({"error": {"message": "The answer failed on our side.", "code": "internal"}})))
    assert caught.value.temporary


def test_says_so_when_the_outcome_has_an_unknown_shape() -> None:
    with pytest.raises(ApiRefused, match="same version"):
        list(chat_events(lines({"assistant": {"citations": "none", "stopped_by": "stop"}})))


def test_cleans_what_cannot_be_shown() -> None:
    (event,) = chat_events(['data: {"choices":[{"delta":{"content":"a\\ud800b"}}]}', ""])
    assert event.text == "a\ufffdb"
