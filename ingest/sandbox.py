"""The worker's side of the reading process: hands it one file at a time and believes nothing that it says."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog

import ingest
from ingest.errors import DocumentRefused, ReaderCrashed
from ingest.frames import KILL, Frame, Json, Reader
from ingest.settings import MIB, IngestSettings
from ingest.types import PreparedChunk
from knowledge.types import NewChunk, PageBreak

_GRACE_S = 10.0  # for the reading process to say how its copy ended
_LOOK_S = 0.25  # how often a running document is checked for having been cancelled
_REPLY_BYTES = 4096
_CRASH_MEMORY_SHARE = 0.6  # of the limit: a crash above it is most likely a failed allocation
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """A document as it was read."""

    title: str
    chunks: tuple[PreparedChunk, ...]


class ReadingCancelled(Exception):
    """The caller lost interest."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """How the caller follows a reading."""

    progress: Callable[[str, float], None]  # stage, share of it that is done
    cancelled: Callable[[], bool]
    attachment: Callable[[str, Iterator[bytes]], None]  # name, content; has to take all of the content


class Sandbox:
    """One reading process, started when first needed. For one thread at a time."""

    def __init__(self, settings: IngestSettings) -> None:
        """Use the limits in `settings`."""
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def read(self, path: Path, name: str, media_type: str, watcher: Watcher) -> Reading:
        """Return what is in the file at `path`.

        Raises DocumentRefused with a reason for people, ReaderCrashed when another try may help, ReadingCancelled,
        FileNotFoundError, and whatever the watcher raises.
        """
        with path.open("rb") as file:
            try:
                control = self._running()
                incoming = _hand_over(control, file.fileno(), name, media_type)
            except OSError as exc:
                self.close()
                raise ReaderCrashed(f"The reading process went away ({exc}).") from exc
        try:
            return self._follow(control, incoming, watcher)
        finally:
            os.close(incoming)

    def close(self) -> None:
        """End the reading process, and what it is reading."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._control = self._process = None

    def _running(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "ingest.reader", str(theirs.fileno()), self._settings.model_dump_json()]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own program, no shell
                command, pass_fds=[theirs.fileno()], env=_environment(), cwd="/", stdin=subprocess.DEVNULL
            )
        self._control = ours
        return ours

    def _follow(self, control: socket.socket, incoming: int, watcher: Watcher) -> Reading:
        course = _Course(self._settings, Reader(incoming), watcher)
        try:
            course.run()
        except BaseException:
            self._kill(control)
            raise
        code, memory = self._ending(control)
        return course.outcome(code, memory)

    def _kill(self, control: socket.socket) -> None:
        """End the reading of the current document, and if that fails, the reading process."""
        try:
            control.send(KILL)
            self._ending(control)
        except (OSError, ReaderCrashed) as exc:
            _log.warning("reading_process_lost", error=str(exc))
            self.close()

    def _ending(self, control: socket.socket) -> tuple[int, int]:
        """Return the exit code of the copy and its memory in bytes."""
        control.settimeout(_GRACE_S)
        try:
            reply = json.loads(control.recv(_REPLY_BYTES) or b"{}")
            return int(reply["code"]), int(reply["memory_kib"]) * 1024
        except (OSError, ValueError, KeyError) as exc:
            self.close()
            raise ReaderCrashed("The reading process ended unexpectedly.") from exc


def _hand_over(control: socket.socket, file: int, name: str, media_type: str) -> int:
    """Send a file to the reading process; return where its messages will come from."""
    incoming, outgoing = os.pipe()
    try:
        request = json.dumps({"name": name, "media_type": media_type}).encode()
        socket.send_fds(control, [request], [file, outgoing])
    except OSError:
        os.close(incoming)
        raise
    finally:
        os.close(outgoing)
    return incoming


@dataclass
class _Course:
    """One reading as it goes on."""

    settings: IngestSettings
    reader: Reader
    watcher: Watcher
    _chunks: list[PreparedChunk] = field(default_factory=list)
    _title: str | None = None
    _problem: DocumentRefused | None = None
    _text_bytes: int = 0
    _started: float = field(default_factory=time.monotonic)
    _until: float = 0.0

    def run(self) -> None:
        """Take everything the reading process has to say; raises DocumentRefused, ReaderCrashed, ReadingCancelled."""
        self._until = self._started + self.settings.limits.wall_s
        while frame := self._next():
            self._take(frame)

    def outcome(self, code: int, memory: int) -> Reading:
        """Return the reading, or raise what stands in its place."""
        if self._problem is not None:
            raise self._problem
        if self._title is not None and code == 0:
            return Reading(self._title, tuple(self._chunks))
        limits = self.settings.limits
        if code == -signal.SIGXCPU:
            raise DocumentRefused("limits", f"Reading it takes more than {limits.cpu_s} s of processor time.")
        if code < 0 and memory > limits.memory_bytes * _CRASH_MEMORY_SHARE:
            raise _too_much_memory(limits.memory_bytes)
        raise ReaderCrashed(f"The program that reads such files crashed on it (exit code {code}).")

    def _next(self) -> Frame | None:
        while True:
            try:
                return self.reader.next(min(self._until, time.monotonic() + _LOOK_S))
            except TimeoutError:
                if self.watcher.cancelled():
                    raise ReadingCancelled from None
                if time.monotonic() >= self._until:
                    seconds = round(time.monotonic() - self._started)
                    raise ReaderCrashed(f"Reading it did not come to an end within {seconds} s.") from None

    def _take(self, frame: Frame) -> None:
        message = frame.message
        if "chunks" in message:
            self._take_chunks(message["chunks"])
        elif "stage" in message:
            self.watcher.progress(str(message["stage"]), 0.0)
        elif "done" in message:
            self._take_progress(message["done"], message.get("of"), bool(message.get("picture")))
        elif "attachment" in message:
            self._take_attachment(str(message["attachment"]), message.get("size"))
        elif "title" in message:
            self._title = str(message["title"])
        else:
            self._problem = self._refusal(message)

    def _take_progress(self, done: Json, of: Json, picture: bool) -> None:
        if not isinstance(done, int) or not isinstance(of, int) or of < 1:
            raise ReaderCrashed("The reading process sent something other than progress.")
        self.watcher.progress("loading", min(1.0, done / of))
        if picture:  # each has its own time, but not all of them together for ever
            limits = self.settings.limits
            self._until = min(time.monotonic() + limits.wall_s, self._started + limits.ocr_wall_s)

    def _take_chunks(self, rows: Json) -> None:
        for row in rows if isinstance(rows, list) else [None]:
            chunk = _chunk(row)
            self._text_bytes += len(chunk.chunk.text) + len(chunk.chunk.heading)
            if self._text_bytes > 3 * self.settings.limits.text_bytes:  # headings and overlaps come on top
                raise DocumentRefused("too_large", "It holds more text than is taken; upload it in parts.")
            self._chunks.append(chunk)

    def _take_attachment(self, name: str, size: Json) -> None:
        if not isinstance(size, int) or not 0 <= size <= self.settings.limits.inflated_bytes:
            raise ReaderCrashed("The reading process sent something other than an attachment.")
        self.watcher.attachment(name, self._pieces(size))

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size > 0:
            frame = self._next()
            if frame is None or not frame.body:
                raise ReaderCrashed("The reading process ended in the middle of an attachment.")
            size -= len(frame.body)
            yield frame.body

    def _refusal(self, message: dict[str, Json]) -> DocumentRefused:
        match message:
            case {"refused": [str(code), str(reason)]}:
                return DocumentRefused(code, reason)
            case {"memory": True}:
                return _too_much_memory(self.settings.limits.memory_bytes)
            case {"failed": str(name), "trace": str(trace)}:
                _log.warning("reading_failed", error=name, trace=trace)
                return DocumentRefused("damaged", f"The file is damaged or of an unusual kind ({name}); save it again.")
        raise ReaderCrashed("The reading process sent an unknown message.")


def _chunk(row: Json) -> PreparedChunk:
    match row:
        case [str(text), str(heading), None | int() as page, str(anchor), list(breaks), int(tokens)]:
            return PreparedChunk(NewChunk(text, heading, page, anchor, tuple(map(_page_break, breaks))), tokens)
    raise ReaderCrashed("The reading process sent something other than chunks.")


def _page_break(pair: Json) -> PageBreak:
    match pair:
        case [int(at), int(page)]:
            return PageBreak(at, page)
    raise ReaderCrashed("The reading process sent something other than page breaks.")


def _too_much_memory(limit: int) -> DocumentRefused:
    return DocumentRefused("limits", f"Reading it takes more than {limit // MIB} MiB of memory; upload it in parts.")


def _environment() -> dict[str, str]:
    """Return what the reading process may know: no secrets, and where our packages are."""
    return {
        "PYTHONPATH": str(Path(next(iter(ingest.__path__))).parent),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "2",
        "TOKENIZERS_PARALLELISM": "false",
    }
