"""Pictures in a question: shown to a model that sees, read as text for one that does not. Nothing is ever fetched."""

from __future__ import annotations

import binascii
import re
import tempfile
import threading
from base64 import b64decode
from collections.abc import Callable, Sequence
from pathlib import Path

from assistant.errors import PictureRefused
from assistant.types import Picture
from ingest.errors import IngestError
from ingest.sandbox import Sandbox, Watcher
from ingest.settings import IngestSettings
from knowledge.types import Passage

MOST = 4  # pictures of one question
_WALL_S = 30.0  # of one picture; its asker waits
_DATA = re.compile(r"data:(image/[a-z]+);base64,([A-Za-z0-9+/=\s]*)", re.ASCII)
# What a file of each type begins with; WebP has its own name four bytes behind RIFF.
_BEGINNINGS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}


Reader = Callable[[Sequence[Picture]], list[str]]
"""Returns the text on each picture, "" where there is none."""


def picture_of(url: str) -> Picture:
    """Return the picture in a data URL. Raises PictureRefused, also for every other kind of address."""
    if not url.startswith("data:"):
        raise PictureRefused("Pictures are taken as data URLs only; no address is fetched. Send the picture itself.")
    found = _DATA.fullmatch(url)
    if found is None or found[1] not in _BEGINNINGS:
        raise PictureRefused(f"A picture is a data URL of {', '.join(_BEGINNINGS)} in base64; send it like that.")
    try:
        data = b64decode(found[2], validate=False)
    except binascii.Error as exc:
        raise PictureRefused("The picture is not base64; send it again.") from exc
    if not data.startswith(_BEGINNINGS[found[1]]):
        raise PictureRefused(f"The picture is not the {found[1]} that it says it is; send it with its own type.")
    return Picture(found[1], data)


class PictureReader:
    """Reads the text on pictures in the confined process that documents are read in; one picture after the other."""

    def __init__(self, settings: IngestSettings) -> None:
        """Read within the limits of documents, and give up on a picture sooner."""
        limits = settings.limits.model_copy(update={"wall_s": _WALL_S, "ocr_wall_s": _WALL_S})
        self._sandbox = Sandbox(settings.model_copy(update={"limits": limits}))
        self._lock = threading.Lock()

    def read(self, pictures: Sequence[Picture]) -> list[str]:
        """Return the text on each picture, "" where none can be read; takes seconds."""
        return [self._one(picture) for picture in pictures]

    def close(self) -> None:
        """End the reading process."""
        with self._lock:
            self._sandbox.close()

    def _one(self, picture: Picture) -> str:
        nobody = Watcher(lambda stage, share: None, lambda: False, lambda name, pieces: None)
        with tempfile.NamedTemporaryFile() as file, self._lock:
            file.write(picture.data)
            file.flush()
            try:
                found = self._sandbox.read(Path(file.name), "picture", picture.media_type, nobody)
            except IngestError:  # no text, damaged, or too large: it cannot be read
                return ""
        return "\n".join(one.chunk.text for one in found.chunks)


def passages(texts: Sequence[str]) -> tuple[Passage, ...]:
    """Return the texts that were read as passages, to be cited like any other."""
    return tuple(
        Passage(f"picture-{n}", "", "", f"Picture {n}", "", text, "", None, "", 1.0)
        for n, text in enumerate(texts, start=1)
        if text
    )
