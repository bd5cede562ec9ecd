"""What a file is: by content and name together."""

from __future__ import annotations

import io

import pytest

from ingest import sniff
from ingest.errors import DocumentRefused
from ingest.sniff import ACCEPTED, DOCX, PDF, PPTX, XLSX, ZIP, media_type_of_name, suffix_for
from tests.ingest import builders

HTML = b"<!DOCTYPE html><html><body><p>hello</p></body></html>"
SCRIPT = b"<script>alert(1)</script>"
SVG = b'<?xml version="1.0"?>\n<!-- x -->\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
TEXT = b"just some words, nothing else\n"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
PNG = builders.picture("x")
PAGE = builders.pdf([("Hello there", 12, 700)])


def sniffed(data: bytes, name: str) -> str:
    return sniff.sniff(io.BytesIO(data), name, 5_000).media_type


@pytest.mark.parametrize(
    ("data", "name", "media_type"),
    [
        (PAGE, "a.pdf", PDF),
        (PAGE, "no-ending", PDF),
        (b"junk before it\n" + PAGE, "A.PDF", PDF),
        (builders.word("x"), "a.docx", DOCX),
        (builders.word("x"), "no-ending", DOCX),
        (builders.slides(("a", "b", "")), "folder/a.pptx", PPTX),
        (builders.workbook(a=[[1]]), "a.xlsx", XLSX),
        (builders.archive({"a.txt": "x"}), "a.zip", ZIP),
        (PNG, "a.png", "image/png"),
        (PNG, "no-ending", "image/png"),
        (builders.picture("x", "JPEG"), "a.jpeg", "image/jpeg"),
        (builders.picture("x", "BMP"), "a.bmp", "image/bmp"),
        (builders.picture("x", "TIFF"), "a.tif", "image/tiff"),
        (builders.picture("x", "WEBP"), "a.webp", "image/webp"),
        (b"{\\rtf1 x}", "a.rtf", "application/rtf"),
        (HTML, "a.html", "text/html"),
        (HTML, "no-ending", "text/html"),
        (HTML, "a.md", "text/markdown"),
        (TEXT, "a.md", "text/markdown"),
        (TEXT, "a.txt", "text/plain"),
        (TEXT, "no-ending", "text/plain"),
        (TEXT, "a.strange", "text/plain"),
        (b"BM is how this text begins", "a.txt", "text/plain"),
        (b"a,b\n1,2\n", "a.csv", "text/csv"),
        (b"<a><b>x</b></a>", "a.xml", "application/xml"),
        (b"From: a@b\nSubject: x\n\nhello", "a.eml", "message/rfc822"),
        ("größer".encode("utf-16"), "a.txt", "text/plain"),
    ],
)
def test_it_knows_what_it_is(data: bytes, name: str, media_type: str) -> None:
    assert sniffed(data, name) == media_type


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (HTML, "a.pdf"), (TEXT, "a.pdf"), (PNG, "a.pdf"), (PAGE, "a.png"), (PAGE, "a.docx"), (PAGE, "a.html"),
        (PAGE, "a.txt"), (PAGE, "a.md"), (HTML, "a.png"), (HTML, "a.docx"), (HTML, "a.csv"), (SCRIPT, "a.csv"),
        (HTML, "a.eml"), (TEXT, "a.zip"), (TEXT, "a.xlsx"), (TEXT, "a.rtf"), (TEXT, "a.doc"),
        (builders.word("x"), "a.pdf"), (builders.word("x"), "a.xlsx"), (builders.word("x"), "a.txt"),
        (builders.word("x"), "a.zip"), (builders.archive({"a.txt": "x"}), "a.docx"),
        (builders.archive({"a.txt": "x"}), "a.md"), (PNG, "a.jpg"), (PNG, "a.html"), (b"GIF89a<script>", "a.html"),
        (b"\xff\xd8\xff<html>", "a.html"), (b"{\\rtf1 x}", "a.docx"),
    ],
)  # fmt: skip
def test_it_takes_nothing_that_claims_to_be_something_else(data: bytes, name: str) -> None:
    with pytest.raises(DocumentRefused) as caught:
        sniffed(data, name)
    assert caught.value.code == "mismatch"


@pytest.mark.parametrize(
    ("data", "name", "code", "words"),
    [
        (b"", "a.txt", "empty", "empty"),
        (OLE, "a.doc", "legacy", "save it as .docx"),
        (OLE, "a.xls", "legacy", "save it as .xlsx"),
        (OLE, "a.msg", "legacy", "save it as .eml"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "a.docx", "encrypted", "remove the password"),
        (b"\x1f\x8b\x08" + bytes(99), "a.tar.gz", "unsupported", "gzip"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(99), "a.7z", "unsupported", "7z"),
        (b"MZ\x90\x00" + bytes(99), "a.exe", "unsupported", "program"),
        (bytes(range(256)), "a.bin", "unsupported", ACCEPTED[:20]),
        (SVG, "a.svg", "unsupported", "SVG"),
        (SVG, "a.xml", "unsupported", "SVG"),
        (b"PK\x03\x04" + bytes(99), "a.docx", "damaged", "cut off"),
        (builders.archive({"xl/workbook.bin": "", "[Content_Types].xml": ""}), "a.xlsb", "legacy", ".xlsx"),
    ],
)
def test_it_says_why_it_takes_a_file_not(data: bytes, name: str, code: str, words: str) -> None:
    with pytest.raises(DocumentRefused) as caught:
        sniffed(data, name)
    assert caught.value.code == code
    assert words in caught.value.reason
    assert caught.value.reason.endswith(".")


def test_it_knows_endings() -> None:
    assert media_type_of_name("a/b.Markdown") == "text/markdown"
    assert media_type_of_name("a/b.exe") is None
    assert suffix_for("text/html") == ".html"
    assert suffix_for("application/octet-stream") is None
