"""Small documents of three kinds, each with one fact that the others do not have."""

from __future__ import annotations

from pathlib import Path

import docx

PDF_LINES = (
    "Parental leave",
    "Every employee who becomes a parent may take 26 weeks of parental leave at full pay.",
    "The leave must be taken within 18 months of the birth.",
    "Tell the people team at least eight weeks before the leave begins.",
)
DOCX_LINES = (
    "Hotels are paid up to 140 euros per night.",
    "Trains are booked for journeys under five hours.",
    "Receipts are handed in to the travel desk.",
)
MARKDOWN = """# Security desk

Report a lost laptop at once to the security desk on extension 4040.

Passwords for machines have at least 14 characters.
"""


def write(folder: Path) -> list[Path]:
    """Write a PDF, a DOCX and a Markdown file and return them."""
    pdf, word, markdown = folder / "Parental leave.pdf", folder / "Travel rules.docx", folder / "security.md"
    pdf.write_bytes(one_page_pdf(PDF_LINES))
    document = docx.Document()
    document.add_heading("Travel", 1)
    for line in DOCX_LINES:
        document.add_paragraph(line)
    document.save(str(word))
    markdown.write_text(MARKDOWN, "utf-8")
    return [pdf, word, markdown]


def one_page_pdf(lines: tuple[str, ...]) -> bytes:
    """Return a PDF with the lines in Helvetica, one below the other."""
    shown = "".join(f"({line}) Tj 0 -24 Td " for line in lines)
    content = f"BT /F1 12 Tf 60 760 Td {shown}ET".encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, entry in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, entry)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    index = b"xref\n0 %d\n0000000000 65535 f \n%b" % (count, table)
    return body + index + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(body))
