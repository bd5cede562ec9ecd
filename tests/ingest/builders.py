"""Small files of every kind, made in memory."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

import docx
import openpyxl
import pptx
from PIL import Image, ImageDraw, ImageFont

from ingest.load import load
from ingest.settings import Limits
from ingest.sniff import sniff
from ingest.types import Block, Loaded, Picture, Source


def read(data: bytes, name: str, limits: Limits | None = None, picture_lines: Sequence[str] = ("seen",)) -> Loaded:
    """Return what the loaders find in a file, in this process."""
    limits = limits or Limits()

    def recognise(picture: Picture) -> list[str]:
        return list(picture_lines)

    file = io.BytesIO(data)
    media_type = sniff(file, name, limits.archive_entries).media_type
    file.seek(0)
    return load(Source(file, name, media_type, limits, lambda done, of: None, recognise))


def text_of(loaded: Loaded) -> str:
    """Return everything a document says, a block or row a line."""
    lines: list[str] = []
    for block in loaded.blocks:
        lines += [block.text] if block.text else []
        lines += [" | ".join(row) for row in block.rows]
    return "\n".join(lines)


def headings(loaded: Loaded) -> list[tuple[int, str]]:
    """Return level and text of the headings."""
    return [(block.level, block.text) for block in loaded.blocks if block.kind == "heading"]


def tables(loaded: Loaded) -> list[Block]:
    """Return the tables."""
    return [block for block in loaded.blocks if block.kind == "table"]


def archive(members: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def word(*paragraphs: tuple[str, str] | str, table: Sequence[Sequence[str]] = ()) -> bytes:
    """Return a .docx; a paragraph is its text, or (style, text)."""
    document = docx.Document()
    for paragraph in paragraphs:
        style, text = paragraph if isinstance(paragraph, tuple) else (None, paragraph)
        document.add_paragraph(text, style=style)
    if table:
        made = document.add_table(len(table), len(table[0]))
        for row, cells in zip(made.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def slides(*pages: tuple[str, str, str]) -> bytes:
    """Return a .pptx with a slide for each (title, text, notes)."""
    presentation = pptx.Presentation()
    for title, text, notes in pages:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
        slide.notes_slide.notes_text_frame.text = notes
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def workbook(**sheets: Sequence[Sequence[object]]) -> bytes:
    """Return an .xlsx with these sheets."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def pdf(*pages: Sequence[tuple[str, float, float]], title: str = "", flate: bytes | None = None) -> bytes:
    """Return a PDF; each page is a list of (text, font size, height of the base line in points)."""
    streams = [b"\n".join(_pdf_line(*line) for line in page) for page in pages]
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(streams)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(streams)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    objects.append(f"<< /Title ({title}) >>".encode())
    for n, stream in enumerate(streams):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {6 + 2 * n} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        if flate is not None:
            objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(flate), flate))
        else:
            objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    return _pdf_file(objects)


def _pdf_line(text: str, size: float, base: float) -> bytes:
    escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /F1 {size} Tf 72 {base} Td ({escaped}) Tj ET".encode("cp1252")


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return bytes(out)


def picture(text: str, kind: str = "PNG", angle: float = 0.0) -> bytes:
    """Return a picture of a page with these lines of text."""
    image = Image.new("RGB", (1000, 120 + 60 * text.count("\n")), "white")
    draw = ImageDraw.Draw(image)
    draw.multiline_text((40, 30), text, fill="black", font=ImageFont.load_default(32), spacing=24)
    if angle:
        image = image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that only claims to be of this size."""

    def part(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)

    header = width.to_bytes(4) + height.to_bytes(4) + bytes((8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(b"\0" * 1000)) + part(b"IEND", b"")
    )
