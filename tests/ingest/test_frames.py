"""Messages between the worker and the process that reads: whole, or not believed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from ingest.errors import ReaderCrashed
from ingest.frames import MAX_JSON, Frame, Reader, Writer


def frames(*writes: bytes) -> Iterator[Frame | None]:
    incoming, outgoing = os.pipe()
    for data in writes:
        os.write(outgoing, data)
    os.close(outgoing)
    reader = Reader(incoming)
    try:
        while frame := reader.next(time.monotonic() + 60):
            yield frame
    finally:
        os.close(incoming)


def test_it_carries_messages_and_bytes() -> None:
    incoming, outgoing = os.pipe()
    Writer(outgoing).send({"a": [1, None, "ü"]}, b"\x00\xff")
    os.close(outgoing)
    reader = Reader(incoming)
    assert reader.next(time.monotonic() + 60) == Frame({"a": [1, None, "ü"]}, b"\x00\xff")
    assert reader.next(time.monotonic() + 60) is None
    os.close(incoming)


@pytest.mark.parametrize(
    "data",
    [
        (MAX_JSON + 1).to_bytes(4) + bytes(4),
        b"\xff" * 8,
        (2).to_bytes(4) + bytes(4) + b"[]",
        (3).to_bytes(4) + bytes(4) + b"{x}",
        (5000).to_bytes(4) + bytes(4) + b"[" * 5000,
    ],
)
def test_it_believes_no_nonsense(data: bytes) -> None:
    with pytest.raises(ReaderCrashed):
        list(frames(data))


def test_it_takes_a_message_that_breaks_off_for_the_end() -> None:
    assert list(frames((100).to_bytes(4) + bytes(4) + b'{"a"')) == []


def test_it_does_not_wait_for_ever() -> None:
    incoming, outgoing = os.pipe()
    with pytest.raises(TimeoutError):
        Reader(incoming).next(time.monotonic() + 0.05)
    os.close(incoming)
    os.close(outgoing)
