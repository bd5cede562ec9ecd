"""CSV and its relatives: values separated by commas, semicolons, tabs or bars."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from ingest.errors import DocumentRefused
from ingest.loaders.plain import read_text
from ingest.loaders.rows import tables
from ingest.types import Loaded, Source

_SAMPLE_LINES = 20
_DELIMITERS = ",;\t|"


def load(source: Source) -> Loaded:
    """Return the tables of a CSV or TSV file; raises DocumentRefused (too_large)."""
    text = read_text(source).replace("\0", "")
    delimiter = "\t" if source.media_type == "text/tab-separated-values" else guess_delimiter(text)
    return Loaded(None, tuple(tables(_rows(text, delimiter))))


def guess_delimiter(text: str) -> str:
    """Return the character that splits the first lines into the most, and most even, columns."""
    lines = [line for line in text[:65536].split("\n") if line.strip()][:_SAMPLE_LINES]

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in lines]
        common = max(set(counts), key=counts.count, default=0)
        return (counts.count(common) if common else 0), common

    return max(_DELIMITERS, key=evenness)


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(max(len(text), csv.field_size_limit()))  # of the whole process, so it is only raised
    try:
        yield from csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as exc:
        raise DocumentRefused("damaged", f"The table cannot be read ({exc}); save it again as CSV.") from exc
