"""What a file is, by its first bytes and its name together; a file that claims to be another is refused."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from ingest.encoding import looks_like_text
from ingest.errors import DocumentRefused
from ingest.inflate import check_directory

HEAD_BYTES = 8192
ZIP = "application/zip"
_OFFICE = "application/vnd.openxmlformats-officedocument."
DOCX = _OFFICE + "wordprocessingml.document"
PPTX = _OFFICE + "presentationml.presentation"
XLSX = _OFFICE + "spreadsheetml.sheet"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODP = "application/vnd.oasis.opendocument.presentation"
EPUB = "application/epub+zip"
PDF = "application/pdf"
RTF = "application/rtf"
MAIL = "message/rfc822"

ACCEPTED = (
    "PDF, Word (.docx), PowerPoint (.pptx), Excel (.xlsx), OpenDocument (.odt, .ods, .odp), EPUB, RTF, HTML, XML, "
    "Markdown, plain text, CSV, mail (.eml), pictures (.png, .jpg, .tif, .webp, .bmp, .gif) and ZIP archives of these"
)

_TEXT_TYPES = {
    "text/markdown": "md markdown mdx",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv tab",
    "text/html": "html htm xhtml",
    "application/xml": "xml",
    MAIL: "eml",
    "text/plain": (
        "txt text log rst adoc asciidoc org tex json jsonl ndjson yaml yml toml ini cfg conf properties sql srt vtt "
        "py js ts java c h cpp cs go rs rb php sh ps1 css"
    ),
}
_BINARY_TYPES = {
    PDF: "pdf",
    RTF: "rtf",
    DOCX: "docx docm dotx dotm",
    PPTX: "pptx pptm",
    XLSX: "xlsx xlsm xltx xltm",
    ODT: "odt",
    ODS: "ods",
    ODP: "odp",
    EPUB: "epub",
    ZIP: "zip",
    "image/png": "png",
    "image/jpeg": "jpg jpeg",
    "image/tiff": "tif tiff",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/gif": "gif",
}
_TYPES = {**_TEXT_TYPES, **_BINARY_TYPES}
_BY_SUFFIX = {suffix: media_type for media_type, suffixes in _TYPES.items() for suffix in suffixes.split()}
_MAGIC = (
    (b"{\\rtf", RTF),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
)
_OTHER_MAGIC = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a database"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file"),
)
_LEGACY = {"doc": ".docx", "dot": ".docx", "xls": ".xlsx", "ppt": ".pptx", "pps": ".pptx", "msg": ".eml"}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_MARKUP = re.compile(rb"\s*(?:<!doctype html|<html|<head|<body|<script|<svg|<iframe)", re.IGNORECASE)
_SVG = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*(?:<!doctype svg|<svg)", re.IGNORECASE | re.DOTALL)
_ZIP_MARKERS = {"word/": DOCX, "ppt/": PPTX, "xl/": XLSX}
_SHARED_WITH_ZIP = frozenset({DOCX, PPTX, XLSX, ODT, ODS, ODP, EPUB})


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file was found to be."""

    media_type: str
    is_archive: bool  # its members become documents of their own


def sniff(file: BinaryIO, name: str, max_entries: int) -> Sniffed:
    """Return what `file` is; `name` may carry folders. The file must be seekable and is left at an unknown place.

    Raises DocumentRefused (empty, unsupported, legacy, encrypted, mismatch, damaged, or bomb for an archive of more
    than `max_entries`) with what to do.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    suffix = PurePosixPath(name.lower()).suffix.removeprefix(".")
    if not head:
        raise DocumentRefused("empty", "The file is empty.")
    named = _BY_SUFFIX.get(suffix)
    found = _by_content(file, head, suffix, max_entries)
    if found is None:
        return _as_text(head, named, suffix)
    if named and named != found:
        raise DocumentRefused(
            "mismatch", f"The name ends in .{suffix} but the content is {found}; give the file its right name."
        )
    return Sniffed(found, found == ZIP)


def media_type_of_name(name: str) -> str | None:
    """Return the media type that the ending of `name` stands for, None when it stands for none that we take."""
    return _BY_SUFFIX.get(PurePosixPath(name.lower()).suffix.removeprefix("."))


def suffix_for(media_type: str) -> str | None:
    """Return the usual ending, with its dot, of a media type that we take; None for others."""
    suffixes = _TYPES.get(media_type)
    return f".{suffixes.split()[0]}" if suffixes else None


def _by_content(file: BinaryIO, head: bytes, suffix: str, max_entries: int) -> str | None:
    """Return the binary type that the first bytes give away; None for what may be text."""
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(_OLE):
        raise _legacy(file, suffix)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _kind_of_zip(file, suffix, max_entries)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    for magic, media_type in _MAGIC:
        if head.startswith(magic) and (magic != b"BM" or suffix == "bmp"):
            return media_type
    for magic, what in _OTHER_MAGIC:
        if head.startswith(magic) and not (magic.isalnum() and looks_like_text(head)):
            raise DocumentRefused("unsupported", f"The file is {what}; accepted are {ACCEPTED}.")
    return None


def _as_text(head: bytes, named: str | None, suffix: str) -> Sniffed:
    if named in _BINARY_TYPES:
        raise DocumentRefused(
            "mismatch", f"The name ends in .{suffix} but the content is something else; the file may be damaged."
        )
    if not looks_like_text(head):
        raise DocumentRefused("unsupported", f"The file is of no kind that we can read; accepted are {ACCEPTED}.")
    if suffix == "svg" or _SVG.match(head):
        raise DocumentRefused("unsupported", f"SVG drawings are not taken; accepted are {ACCEPTED}.")
    if named in ("text/csv", "text/tab-separated-values", MAIL) and _MARKUP.match(head):
        raise DocumentRefused("mismatch", f"The name ends in .{suffix} but the content is a web page.")
    if named is None and suffix in _LEGACY:
        raise DocumentRefused("mismatch", f"The name ends in .{suffix} but the content is text; rename it to .txt.")
    if named is None and _MARKUP.match(head):
        return Sniffed("text/html", False)
    return Sniffed(named or "text/plain", False)


def _legacy(file: BinaryIO, suffix: str) -> DocumentRefused:
    file.seek(0)
    if _ENCRYPTED_STREAM in file.read(1 << 20):
        return DocumentRefused("encrypted", "The file is protected by a password; remove the password first.")
    better = _LEGACY.get(suffix)
    advice = f"save it as {better} and upload that" if better else "save it in its present-day format"
    return DocumentRefused(
        "legacy", f"The file is in an old binary Office format (.{suffix}) that is not taken; {advice}."
    )


def _kind_of_zip(file: BinaryIO, suffix: str, max_entries: int) -> str:
    """Tell office files from plain archives by what is inside; the caller checks the archive before it is unpacked."""
    if media_type := _stored_mimetype(file):
        return media_type
    try:
        names = _member_names(file, max_entries)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        if suffix == "zip" or _BY_SUFFIX.get(suffix) in _SHARED_WITH_ZIP:
            raise DocumentRefused("damaged", f"The file is cut off or damaged ({exc}); upload it again.") from exc
        raise DocumentRefused("unsupported", f"The file is a damaged archive; accepted are {ACCEPTED}.") from exc
    if "[Content_Types].xml" in names:
        return _kind_of_office(names, suffix)
    if suffix == "epub" and "META-INF/container.xml" in names:
        return EPUB
    return ZIP


def _kind_of_office(names: set[str], suffix: str) -> str:
    if "xl/workbook.bin" in names:
        raise DocumentRefused("legacy", "Binary workbooks (.xlsb) are not taken; save the file as .xlsx.")
    named = _BY_SUFFIX.get(suffix)
    kinds = [kind for folder, kind in _ZIP_MARKERS.items() if any(name.startswith(folder) for name in names)]
    if named in kinds:
        return str(named)
    if kinds:
        return kinds[0]
    return named if named in (DOCX, PPTX, XLSX) else ZIP


def _stored_mimetype(file: BinaryIO) -> str | None:
    """Return the type that OpenDocument and EPUB store, unpacked, as their first member."""
    file.seek(0)
    head = file.read(200)
    if head[30:38] != b"mimetype":
        return None
    for media_type in (ODT, ODS, ODP, EPUB):
        if head[38:].startswith(media_type.encode()):
            return media_type
    return None


def _member_names(file: BinaryIO, max_entries: int) -> set[str]:
    check_directory(file, max_entries)
    with zipfile.ZipFile(file) as archive:
        return set(archive.namelist())
