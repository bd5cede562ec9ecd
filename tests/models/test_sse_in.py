from __future__ import annotations

import json

import pytest

from assistant.models.sse_in import MAX_LINE_BYTES, EventReader

STREAM = b'data: {"a": 1}\r\n\r\n: ping\n\ndata:{"b": "\xc3\xbc\\u2028"}\n\ndata: [DONE]\n\ndata: {"after": 1}\n\n'


def test_it_reads_the_same_events_wherever_the_stream_is_cut() -> None:
    for cut in range(1, len(STREAM)):
        reader = EventReader()
        events = reader.push(STREAM[:cut]) + reader.push(STREAM[cut:])
        assert events == [{"a": 1}, {"b": "ü\u2028"}], cut
        assert reader.done and reader.malformed == 0


@pytest.mark.parametrize(
    "line", [b"data: {", b"data: null", b"data: 7", b"data: []", b"data: \xff\xfe", b"data: NaN}", b"data: " + b"[" * 5]
)
def test_it_skips_and_counts_lines_that_are_no_events(line: bytes) -> None:
    reader = EventReader()
    assert reader.push(line + b'\n\ndata: {"ok": 1}\n\n') == [{"ok": 1}]
    assert reader.malformed == 1


def test_it_does_not_keep_an_endless_line() -> None:
    reader = EventReader()
    for _ in range(3):
        reader.push(b"x" * MAX_LINE_BYTES)
    assert reader.malformed == 1 and len(reader._tail) <= MAX_LINE_BYTES
    assert reader.push(b"\n\ndata: " + json.dumps({"a": 1}).encode() + b"\n\n") == [{"a": 1}]
