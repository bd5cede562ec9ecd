"""The reading process: `python -m ingest.reader`, started by `ingest.sandbox`, which is its only caller.

It loads what every document needs once, then forks for each document. The copy confines itself, reads that one file
and ends, so no document meets another's remains, every limit starts afresh, and a crash costs that document alone.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import NoReturn

from ingest.chunk import Chunker
from ingest.confine import confine, renew_processor_time, widen_for_pictures
from ingest.errors import DocumentRefused
from ingest.frames import KILL, MAX_BYTES, Json, Writer
from ingest.load import loader
from ingest.prepare import prepare
from ingest.settings import IngestSettings, Limits
from ingest.tokens import TokenCounter
from ingest.types import Picture, Prepared, PreparedChunk, Source

_CHUNKS_PER_MESSAGE = 64
_TRACE_CHARACTERS = 4_000
_NAME_CHARACTERS = 500


def main(control_descriptor: int, settings: IngestSettings) -> None:
    """Serve one document after another until the control socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then closes the socket
    control = socket.socket(fileno=control_descriptor)
    chunker = Chunker(settings, TokenCounter())
    gc.collect()
    gc.freeze()  # what is shared with the copies must not be touched by their collections
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 65_536, 2)
        if not request:
            return
        if request == KILL:  # it was for a document that had just ended
            continue
        file, pipe = descriptors
        asked = json.loads(request)
        _import_loader(asked["media_type"])
        child = os.fork()
        if child == 0:
            control.close()
            _read_and_exit(file, pipe, asked["name"], asked["media_type"], settings, chunker)
        os.close(file)
        os.close(pipe)
        control.send(json.dumps(_watch(child, control)).encode())


def _watch(child: int, control: socket.socket) -> dict[str, int]:
    """Wait for the copy to end, killing it when told to or when the worker is gone; return how it ended."""
    process = os.pidfd_open(child)
    try:
        while True:
            ready, _, _ = select.select([process, control.fileno()], [], [])
            if process in ready:
                break
            if control.recv(64) in (KILL, b""):
                os.kill(child, signal.SIGKILL)
    finally:
        os.close(process)
    _, status, usage = os.wait4(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), "memory_kib": usage.ru_maxrss}


def _import_loader(media_type: str) -> None:
    """Import the libraries for `media_type` before the fork, so that it is done once; the copy reports failures."""
    try:
        loader(media_type)
    except (DocumentRefused, ImportError):
        return


def _read_and_exit(
    file: int, pipe: int, name: str, media_type: str, settings: IngestSettings, chunker: Chunker
) -> NoReturn:
    """Read one document and end the process, whatever happens."""
    writer = Writer(pipe)
    try:
        confine(settings.limits)
        with os.fdopen(file, "rb") as opened:
            eyes = _Eyes(settings.limits, writer)
            source = Source(opened, name, media_type, settings.limits, eyes.report, eyes.recognise)
            _send(writer, prepare(source, chunker, lambda stage: writer.send({"stage": stage})))
    except DocumentRefused as refused:
        writer.send({"refused": [refused.code, refused.reason]})
    except MemoryError:
        writer.send({"memory": True})
    except Exception as exc:  # noqa: BLE001  the outermost loop of this process; the worker records it
        trace = "".join(traceback.format_exception(exc))[-_TRACE_CHARACTERS:]
        writer.send({"failed": type(exc).__name__, "trace": trace})
    finally:
        os._exit(0)


class _Eyes:
    """Reads text from pictures; its models are loaded for the first picture only."""

    def __init__(self, limits: Limits, writer: Writer) -> None:
        self._limits = limits
        self._writer = writer
        self._recognise: Callable[[Picture], list[str]] | None = None

    def report(self, done: int, of: int) -> None:
        self._writer.send({"done": done, "of": of, "picture": self._recognise is not None})

    def recognise(self, picture: Picture) -> list[str]:
        if self._recognise is None:
            widen_for_pictures(self._limits)
            self._recognise = import_module("ingest.recognise").Recogniser().lines
        renew_processor_time(self._limits)
        return self._recognise(picture)


def _send(writer: Writer, prepared: Prepared) -> None:
    for attachment in prepared.attachments:
        writer.send({"attachment": attachment.name[:_NAME_CHARACTERS], "size": len(attachment.body)})
        for start in range(0, len(attachment.body), MAX_BYTES):
            writer.send({}, attachment.body[start : start + MAX_BYTES])
    for start in range(0, len(prepared.chunks), _CHUNKS_PER_MESSAGE):
        writer.send({"chunks": [_row(one) for one in prepared.chunks[start : start + _CHUNKS_PER_MESSAGE]]})
    writer.send({"title": prepared.title})  # the last word: without it nothing counts


def _row(one: PreparedChunk) -> list[Json]:
    chunk = one.chunk
    return [chunk.text, chunk.heading, chunk.page, chunk.anchor, [list(each) for each in chunk.page_breaks], one.tokens]


if __name__ == "__main__":
    main(int(sys.argv[1]), IngestSettings.model_validate_json(sys.argv[2]))
