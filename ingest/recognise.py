"""Text on pictures: one model finds the lines, another reads them. Both ship inside the package rapidocr-onnxruntime.

Only its model files are used. The package's own program needs OpenCV and more (200 MB) for tilted boxes, which scanned
pages do not have: a page that is tilted as a whole is turned first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]  # it ships no types
from PIL import Image

from ingest.errors import IngestError
from ingest.regions import Box, boxes, tilt
from ingest.types import Picture

_PACKAGE = "rapidocr_onnxruntime"
_FIND = "ch_PP-OCRv4_det_infer.onnx"
_READ = "ch_PP-OCRv4_rec_infer.onnx"
_FIND_SIDE = 1_280  # pixels of the longer side in which lines are looked for
_STEP = 32  # the finding model takes multiples of this
_LINE_HEIGHT = 48  # pixels that the reading model takes
_MAX_LINE_WIDTH = 3_200
_BATCH_WIDTH = 6_400  # pixels of line in one run of the reading model
_SURE = 0.5  # mean probability of a line's characters; below, it is no text
_SPACE_CHANCE = 0.08  # of a blank between two letters: the model, trained on Chinese, is shy of blanks
_TILTED = 0.6  # degrees from which a page is turned
_THREADS = 2

Values = npt.NDArray[np.float32]


class ModelsMissing(IngestError):
    """The package with the models is not installed."""


@dataclass(frozen=True, slots=True)
class _Read:
    text: str
    sure: float  # 0..1


class Recogniser:
    """Reads Latin and Chinese print; half a second to start, some seconds for a full page."""

    def __init__(self) -> None:
        """Load both models; raises ModelsMissing."""
        folder = _models()
        self._find = _session(folder / _FIND)
        self._read = _session(folder / _READ)
        listed = self._read.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters = ["", *listed, " "]

    def lines(self, picture: Picture) -> list[str]:
        """Return the lines on a picture from top to bottom; those side by side are joined by blanks."""
        image = Image.fromarray(np.ascontiguousarray(picture[:, :, ::-1]))
        found, angle = self._found(image)
        if abs(angle) >= _TILTED:
            image = image.rotate(angle, Image.Resampling.BILINEAR, expand=True, fillcolor="white")
            found, _ = self._found(image)
        read = self._texts([image.crop(box.edges) for box in found])
        kept = [(box, one.text) for box, one in zip(found, read, strict=True) if one.sure >= _SURE and one.text.strip()]
        return list(_rows(kept))

    def _found(self, image: Image.Image) -> tuple[list[Box], float]:
        """Return where lines are, and by how many degrees they rise to the right... or fall, when negative."""
        scale = min(1.0, _FIND_SIDE / max(image.size))
        width, height = (max(_STEP, round(side * scale / _STEP) * _STEP) for side in image.size)
        values = _normal(image.resize((width, height), Image.Resampling.BILINEAR))[None]
        chance: Values = self._find.run(None, {self._find.get_inputs()[0].name: values})[0][0, 0]
        stretch = image.width / width, image.height / height
        return [box.stretched(*stretch) for box in boxes(chance)], tilt(chance)

    def _texts(self, crops: Sequence[Image.Image]) -> list[_Read]:
        widths = [
            min(_MAX_LINE_WIDTH, max(16, round(_LINE_HEIGHT * crop.width / max(1, crop.height)))) for crop in crops
        ]
        read: dict[int, _Read] = {}
        for some in _batches(widths):
            batch = np.zeros((len(some), 3, _LINE_HEIGHT, widths[some[-1]]), np.float32)
            for row, place in enumerate(some):
                line = crops[place].resize((widths[place], _LINE_HEIGHT), Image.Resampling.BILINEAR)
                batch[row, :, :, : widths[place]] = _normal(line)
            chances: Values = self._read.run(None, {self._read.get_inputs()[0].name: batch})[0]
            read |= {place: self._decoded(chances[row]) for row, place in enumerate(some)}
        return [read[place] for place in range(len(crops))]

    def _decoded(self, chances: Values) -> _Read:
        """Return the text that a table of chances (steps, characters) stands for; step by step, repetitions once."""
        best = chances.argmax(axis=1)
        space = chances[:, -1]
        text, sure, last_step = "", [], -1
        for step, character in enumerate(best):
            if character == 0 or (step and character == best[step - 1]):
                continue
            letter = self._characters[character]
            hidden = text and last_step + 1 < step and float(space[last_step + 1 : step].max()) > _SPACE_CHANCE
            if hidden and letter != " " and not text.endswith(" "):
                text += " "
            text += letter
            sure.append(float(chances[step, character]))
            last_step = step
        return _Read(text.strip(), sum(sure) / len(sure) if sure else 0.0)


def _models() -> Path:
    spec = find_spec(_PACKAGE)  # not imported: that would load OpenCV
    if spec is None or spec.origin is None:
        raise ModelsMissing(f"The package {_PACKAGE} is not installed, so text on pictures cannot be read.")
    return Path(spec.origin).parent / "models"


def _session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    options.enable_cpu_mem_arena = False  # it keeps several times what the largest picture needs
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _normal(image: Image.Image) -> Values:
    """Return the picture as the models take it: (3, height, width), blue first, -1..1."""
    values = np.asarray(image, np.float32)[:, :, ::-1]
    return np.ascontiguousarray((values / 127.5 - 1.0).transpose(2, 0, 1))


def _batches(widths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the places of lines to be read together, similar widths together, each batch narrowest first."""
    batch: list[int] = []
    for place in sorted(range(len(widths)), key=lambda place: widths[place]):
        if batch and widths[place] * (len(batch) + 1) > _BATCH_WIDTH:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _rows(found: Sequence[tuple[Box, str]]) -> Iterator[str]:
    """Yield the texts in reading order: what stands on one height is one row."""
    row: list[tuple[Box, str]] = []
    for box, text in sorted(found, key=lambda one: (one[0].top + one[0].bottom) / 2):
        if row and (box.top + box.bottom) / 2 > row[0][0].bottom - 0.25 * row[0][0].height:
            yield _row(row)
            row = []
        row.append((box, text))
    if row:
        yield _row(row)


def _row(parts: Sequence[tuple[Box, str]]) -> str:
    return " ".join(text for _, text in sorted(parts, key=lambda one: one[0].left))
