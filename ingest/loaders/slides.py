"""PowerPoint presentations (.pptx): a page per slide, with tables, charts, groups and the speaker's notes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator

from lxml import etree
from pptx import Presentation
from pptx.exc import PythonPptxError
from pptx.shapes.base import BaseShape
from pptx.slide import Slide

from ingest.errors import DocumentRefused
from ingest.inflate import check_office
from ingest.loaders.rows import tables
from ingest.types import Block, Loaded, Source

_MAX_DEPTH = 20  # groups in groups
_DAMAGE = (PythonPptxError, KeyError, ValueError, AttributeError, IndexError, TypeError, etree.XMLSyntaxError)


def load(source: Source) -> Loaded:
    """Return the slides of a presentation; raises DocumentRefused (damaged, bomb, unsafe, encrypted, too_large)."""
    check_office(source.file, source.limits)
    try:
        presentation = Presentation(source.file)
        slides = list(presentation.slides)
        stated = (presentation.core_properties.title or "").strip()
    except (*_DAMAGE, zipfile.BadZipFile) as exc:
        raise DocumentRefused("damaged", f"The presentation is damaged ({exc}); open and save it again.") from exc
    if len(slides) > source.limits.pages:
        raise DocumentRefused("too_large", f"It has {len(slides)} slides; at most {source.limits.pages} are taken.")
    blocks: list[Block] = []
    for number, slide in enumerate(slides, 1):
        blocks.extend(_slide(slide, number))
        source.report(number, len(slides))
    generic = stated.lower() in ("", "powerpoint presentation", "presentation", "slide 1")
    return Loaded(None if generic else stated, tuple(blocks))


def _slide(slide: Slide, number: int) -> Iterator[Block]:
    title = slide.shapes.title
    heading = " ".join(title.text_frame.text.split()) if title is not None and title.has_text_frame else ""
    yield Block("heading", heading or f"Slide {number}", 1, page=number)
    title_id = title.shape_id if title is not None else None
    yield from _shapes((shape for shape in slide.shapes if shape.shape_id != title_id), number, 0)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = _lines(slide.notes_slide.notes_text_frame)
        if notes:
            yield Block("text", f"Notes: {notes}", page=number)


def _shapes(shapes: Iterable[BaseShape], page: int, depth: int) -> Iterator[Block]:
    """Yield what the shapes hold; a shape that is damaged is passed over, the others of the slide still count."""
    if depth > _MAX_DEPTH:
        raise DocumentRefused("bomb", f"The presentation nests more than {_MAX_DEPTH} groups in one another.")
    for shape in shapes:
        try:
            found = list(_shape(shape, page, depth))
        except _DAMAGE:
            continue
        yield from found


def _shape(shape: BaseShape, page: int, depth: int) -> Iterator[Block]:
    inner = getattr(shape, "shapes", None)
    if inner is not None:
        yield from _shapes(inner, page, depth + 1)
    elif shape.has_text_frame:
        text = _lines(shape.text_frame)  # type: ignore[attr-defined]  # of the kind of shape that was asked for
        if text:
            yield Block("text", text, page=page)
    elif getattr(shape, "has_table", False):
        rows = [[_lines(cell.text_frame) for cell in row.cells] for row in shape.table.rows]  # type: ignore[attr-defined]  # of the kind of shape that was asked for
        yield from tables(rows, page=page)
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart, page)  # type: ignore[attr-defined]  # of the kind of shape that was asked for


def _chart(chart: object, page: int) -> Iterator[Block]:
    title = chart.chart_title.text_frame.text if chart.has_title and chart.chart_title.has_text_frame else ""  # type: ignore[attr-defined]  # of the kind of shape that was asked for
    for plot in chart.plots:  # type: ignore[attr-defined]  # of the kind of shape that was asked for
        series = list(plot.series)
        header = ["", *(str(one.name) for one in series)]
        values = [[str(one) if one is not None else "" for one in (s.values or ())] for s in series]
        rows = [
            [str(label), *(column[n] if n < len(column) else "" for column in values)]
            for n, label in enumerate(plot.categories)
        ]
        yield from tables([header, *rows], page=page, caption=title)


def _lines(frame: object) -> str:
    """Return the paragraphs of a text frame, one a line, deeper ones indented like a list."""
    lines = []
    for paragraph in frame.paragraphs:  # type: ignore[attr-defined]  # of the kind of shape that was asked for
        text = "".join(run.text for run in paragraph.runs).replace("\v", " ").strip()
        if text:
            lines.append(f"{'  ' * (paragraph.level - 1)}- {text}" if paragraph.level else text)
    return "\n".join(lines)
