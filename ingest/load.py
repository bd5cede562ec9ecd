"""From a file to its blocks: which loader reads which media type. Loaders are imported when first used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ingest import sniff
from ingest.errors import DocumentRefused
from ingest.types import Loaded, Source

_LOADERS = {
    sniff.PDF: "pdf",
    sniff.DOCX: "word",
    sniff.PPTX: "slides",
    sniff.XLSX: "sheets",
    sniff.ODT: "opendocument",
    sniff.ODS: "opendocument",
    sniff.ODP: "opendocument",
    sniff.EPUB: "book",
    sniff.RTF: "richtext",
    sniff.MAIL: "mail",
    "text/html": "web",
    "application/xml": "markup",
    "text/markdown": "markdown",
    "text/csv": "delimited",
    "text/tab-separated-values": "delimited",
    "text/plain": "plain",
    "image/png": "picture",
    "image/jpeg": "picture",
    "image/tiff": "picture",
    "image/webp": "picture",
    "image/bmp": "picture",
    "image/gif": "picture",
}


def load(source: Source) -> Loaded:
    """Return what the file holds, in reading order.

    Raises DocumentRefused with a reason for people. May take long, crash or exhaust memory on hostile files, hence it
    is called in the reading process only.
    """
    loaded = loader(source.media_type)(source)
    if not loaded.blocks and not loaded.attachments:
        raise DocumentRefused("empty", "No text was found in it.")
    return loaded


def loader(media_type: str) -> Callable[[Source], Loaded]:
    """Return the function that reads `media_type`, its libraries imported; raises DocumentRefused (unsupported)."""
    name = _LOADERS.get(media_type)
    if name is None:
        raise DocumentRefused(
            "unsupported", f"Files of type {media_type} are not taken; accepted are {sniff.ACCEPTED}."
        )
    function: Callable[[Source], Loaded] = import_module(f"ingest.loaders.{name}").load
    return function
