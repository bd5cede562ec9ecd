"""Pictures: the text on them, recognised by models that ship inside a package."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from ingest.errors import DocumentRefused
from ingest.types import Block, Loaded, Picture, Source

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
_MAX_SIDE = 4_000  # pixels; larger pictures are made smaller before they are read
_MIN_SIDE = 16


def load(source: Source) -> Loaded:
    """Return the text on a picture, or on each page of a TIFF; raises DocumentRefused (damaged, bomb, empty)."""
    Image.MAX_IMAGE_PIXELS = source.limits.pixels
    try:
        with warnings.catch_warnings(), Image.open(source.file, formats=_FORMATS) as image:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            _check_size(image, source.limits.pixels)
            return Loaded(None, tuple(_blocks(image, source)))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as exc:
        raise _too_many_pixels(source.limits.pixels) from exc
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as exc:
        raise DocumentRefused("damaged", f"The picture is damaged ({exc}); save it again.") from exc


def _blocks(image: Image.Image, source: Source) -> Iterator[Block]:
    paged = image.format == "TIFF"
    count = min(getattr(image, "n_frames", 1), source.limits.pages) if paged else 1
    for number, frame in enumerate(ImageSequence.Iterator(image), 1):
        if number > count:
            return
        _check_size(frame, source.limits.pixels)
        if min(frame.size) >= _MIN_SIDE:
            page = number if count > 1 else None
            yield from (Block("text", text, page=page) for text in source.recognise(_array(frame)))
        source.report(number, count)


def _array(image: Image.Image) -> Picture:
    """Return the picture as people see it: upright, on white, at most _MAX_SIDE pixels wide and high; BGR."""
    image.draft("RGB", (_MAX_SIDE, _MAX_SIDE))
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((_MAX_SIDE, _MAX_SIDE))
    shown = upright.convert("RGBA")
    white = Image.new("RGBA", shown.size, "white")
    return np.asarray(Image.alpha_composite(white, shown).convert("RGB"))[:, :, ::-1]


def _check_size(image: Image.Image, pixels: int) -> None:
    if image.width * image.height > pixels:
        raise _too_many_pixels(pixels)


def _too_many_pixels(pixels: int) -> DocumentRefused:
    return DocumentRefused("bomb", f"The picture has more than {pixels // 1_000_000} million pixels; make it smaller.")
