"""Mails (.eml): who wrote what to whom, the text, and the attachments as documents of their own."""

from __future__ import annotations

import email
from collections.abc import Iterator
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default

from ingest.encoding import decode
from ingest.errors import DocumentRefused
from ingest.loaders import web
from ingest.loaders.plain import paragraphs
from ingest.settings import MIB
from ingest.types import Attachment, Block, Loaded, Source

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_ENCRYPTED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_MAX_PARTS = 1_000
_MAX_BYTES = 64 * MIB  # mail servers stop earlier


def load(source: Source) -> Loaded:
    """Return headers, text and attachments of a mail; raises DocumentRefused (encrypted, bomb, too_large)."""
    data = source.read(_MAX_BYTES)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = decode(data).encode("utf-8")
    message = email.message_from_bytes(data, policy=default)
    assert isinstance(message, EmailMessage)
    if not message.keys():
        raise DocumentRefused("damaged", "The file has no mail headers; if it is a text, rename it to .txt.")
    return _Reader(source).read(message)


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._attachments: list[Attachment] = []
        self._parts = 0

    def read(self, message: EmailMessage) -> Loaded:
        blocks = [*self._message(message, 1)]
        if self._attachments:
            names = ", ".join(attachment.name for attachment in self._attachments)
            blocks.append(Block("text", f"Attachments: {names}"))
        return Loaded(_header(message, "Subject") or None, tuple(blocks), tuple(self._attachments))

    def _message(self, message: EmailMessage, depth: int) -> Iterator[Block]:
        if depth > self._source.limits.archive_depth + 1:
            raise DocumentRefused("bomb", "The mail nests too many mails in one another.")
        lines = [f"{name}: {value}" for name in _HEADERS if (value := _header(message, name))]
        if depth > 1:
            yield Block("heading", _header(message, "Subject") or "Forwarded mail", min(depth, 6))
        yield Block("text", "\n".join(lines))
        if message.get_content_type() in _ENCRYPTED and "signed-data" not in str(message.get("Content-Type")):
            raise DocumentRefused("encrypted", "The mail is encrypted; save it decrypted, or as PDF.")
        for part in self._leaves(message):
            yield from self._part(part, depth)

    def _leaves(self, message: EmailMessage) -> Iterator[EmailMessage]:
        """Yield the parts to be read: of alternatives the plain one, of what is mixed each."""
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise DocumentRefused("bomb", f"The mail has more than {_MAX_PARTS} parts.")
        if not message.is_multipart() or message.get_content_type() == "message/rfc822":
            yield message
            return
        parts = [part for part in message.iter_parts() if isinstance(part, EmailMessage)]
        if message.get_content_type() == "multipart/alternative":
            parts = sorted(parts, key=lambda part: part.get_content_type() != "text/plain")[:1]
        for part in parts:
            yield from self._leaves(part)

    def _part(self, part: EmailMessage, depth: int) -> Iterator[Block]:
        kind = part.get_content_type()
        if kind == "message/rfc822":
            for inner in part.iter_parts():
                if isinstance(inner, EmailMessage):
                    yield from self._message(inner, depth + 1)
            return
        name = _file_name(part)
        payload = part.get_payload(decode=True)
        body = payload if isinstance(payload, bytes) else b""
        if name or part.get_content_disposition() == "attachment":
            self._attachments.append(Attachment(name or f"attachment-{len(self._attachments) + 1}", body))
        elif kind == "text/html":
            yield from _page(body, self._source.limits.text_bytes)
        elif kind.startswith("text/"):
            yield from paragraphs(decode(body, part.get_content_charset()))


def _page(body: bytes, max_bytes: int) -> tuple[Block, ...]:
    try:
        return web.parse(body, max_bytes).blocks
    except DocumentRefused as refused:
        if refused.code == "empty":
            return ()
        raise


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except (MessageError, ValueError, IndexError, AttributeError, TypeError):  # what the parser meets in broken headers
        return ""


def _file_name(part: EmailMessage) -> str:
    try:
        return (part.get_filename() or "").replace("\0", "")
    except (MessageError, ValueError, IndexError, AttributeError, TypeError):
        return "attachment"
