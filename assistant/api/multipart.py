"""Multipart bodies as a stream of parts: nothing but the piece at hand is in memory.

Synchronous on purpose: it runs in the thread that writes the files, and asks the event loop for one piece at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from anyio import from_thread
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from assistant.api import errors

MAX_FIELD_BYTES = 20_000
_MAX_HEADERS = 16
_MAX_HEADER_BYTES = 16_384  # longer file names than any file system has


@dataclass(slots=True)
class Part:
    """One field or file. Its data must be taken before the next part is asked for; what is not taken is skipped."""

    name: str
    filename: str | None  # as the client sent it: a text to show, never a path to open
    data: Iterator[bytes]

    def text(self) -> str:
        """Return the data of a small field; raises the refusal of a large one, or one that is not UTF-8."""
        held = b""
        for piece in self.data:
            held += piece
            if len(held) > MAX_FIELD_BYTES:
                raise errors.invalid(f"The field {self.name[:80]!r} has more than {MAX_FIELD_BYTES:,} bytes.")
        try:
            return held.decode("utf-8")
        except UnicodeDecodeError:
            raise errors.invalid(f"The field {self.name[:80]!r} is not UTF-8.") from None


def boundary(content_type: str | None, field: str = "files") -> bytes:
    """Return the boundary that the Content-Type names; raises the refusal of a body that is not multipart."""
    kind, options = parse_options_header(content_type or "")
    found = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 1 <= len(found) <= 256:
        raise errors.Refusal(415, "not-multipart", f"Send this as multipart/form-data, with the field {field!r}.")
    return found


def pieces_in_thread(stream: AsyncIterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a body in a thread, each fetched by the event loop when it is wanted: no piece piles up."""

    async def fetch() -> bytes | None:
        return await anext(stream, None)

    while (piece := from_thread.run(fetch)) is not None:
        yield piece


def parts(pieces: Iterator[bytes], limit: bytes, max_parts: int) -> Iterator[Part]:
    """Yield the parts of a body that comes in `pieces`; raises the refusal of one that is damaged or has too many."""
    found = _Found(pieces, limit)
    count = 0
    while (event := found.next()) is not None:
        assert isinstance(event, dict)  # the parser begins every part with its headers
        count += 1
        if count > max_parts:
            raise errors.invalid(f"An upload has at most {max_parts:,} parts; send the rest in another.")
        part = _part(event, found.data())
        yield part
        for _ in part.data:
            pass


class _Found:
    """What the parser found in the pieces so far and nobody has taken yet: headers, data, None for a part's end."""

    def __init__(self, pieces: Iterator[bytes], limit: bytes) -> None:
        self._pieces = pieces
        self._events: deque[dict[bytes, bytes] | bytes | None] = deque()
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = b""
        self._complete = False
        self._parser = MultipartParser(
            limit,
            {
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_headers,
                "on_part_data": lambda data, start, end: self._events.append(data[start:end]),
                "on_part_end": lambda: self._events.append(None),
                "on_end": self._on_end,
            },
            max_header_count=_MAX_HEADERS,
            max_header_size=_MAX_HEADER_BYTES,
        )

    def next(self) -> dict[bytes, bytes] | bytes | None:
        """Return the next event, None also at the end of the body; raises the refusal of a damaged one."""
        while not self._events:
            piece = next(self._pieces, None)
            if piece is None:
                if self._complete:
                    return None
                raise errors.invalid("The upload ends in the middle of a file; send it again.")
            try:
                self._parser.write(piece)
            except MultipartParseError as exc:
                raise errors.invalid("The upload is not valid multipart/form-data; send it again.") from exc
        return self._events.popleft()

    def data(self) -> Iterator[bytes]:
        """Yield the data of the part that has begun."""
        while isinstance(event := self.next(), bytes):
            yield event

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _on_headers(self) -> None:
        self._events.append(self._headers)
        self._headers = {}

    def _on_end(self) -> None:
        self._complete = True


def _part(headers: dict[bytes, bytes], data: Iterator[bytes]) -> Part:
    _, options = parse_options_header(headers.get(b"content-disposition", b""))
    name, filename = options.get(b"name", b""), options.get(b"filename")
    # What is not UTF-8 is kept readable instead of refused: names are only shown.
    # A quotation mark is all that browsers escape in a name (HTML, "multipart/form-data encoding algorithm").
    return Part(_shown(name), None if filename is None else _shown(filename).replace("%22", '"'), data)


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
