"""Where lines of text are, from a map that says for each pixel how likely it belongs to one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_PIXEL = 0.3  # chance from which a pixel counts
_BOX = 0.5  # mean chance from which a region counts
_GROWTH = 1.6  # the model marks the core of a line; this much of its area over its edge is added around it
_MIN_SIDE = 3  # pixels
_LONG = 6.0  # width over height from which a line shows how the page is tilted

Map = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; pixels from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Return the height."""
        return self.bottom - self.top

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """Return left, top, right, bottom as whole pixels, none below 0."""
        return max(0, round(self.left)), max(0, round(self.top)), round(self.right), round(self.bottom)

    def stretched(self, across: float, down: float) -> Box:
        """Return the box in a picture that is so much larger."""
        return Box(self.left * across, self.top * down, self.right * across, self.bottom * down)


@dataclass(frozen=True, slots=True)
class _Region:
    """Runs of pixels that touch one another."""

    rows: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]  # exclusive


def boxes(chance: Map) -> list[Box]:
    """Return the boxes around lines of text in a map of chances (height, width)."""
    found: list[Box] = []
    height, width = chance.shape
    for region in _regions(chance > _PIXEL):
        left, right = int(region.starts.min()), int(region.ends.max())
        top, bottom = int(region.rows.min()), int(region.rows.max()) + 1
        if min(right - left, bottom - top) < _MIN_SIDE or _mean(chance, region) < _BOX:
            continue
        area, edge = (right - left) * (bottom - top), 2 * (right - left + bottom - top)
        grow = area * _GROWTH / edge
        found.append(Box(max(0, left - grow), max(0, top - grow), min(width, right + grow), min(height, bottom + grow)))
    return found


def tilt(chance: Map) -> float:
    """Return by how many degrees the lines fall to the right (negative: rise), 0 when no line is long enough."""
    angles: list[float] = []
    for region in _regions(chance > _PIXEL):
        left, right = int(region.starts.min()), int(region.ends.max())
        rows = int(region.rows.max()) - int(region.rows.min()) + 1
        if right - left < 100 or (right - left) / rows < _LONG / 2:
            continue
        weights = (region.ends - region.starts).astype(np.float64)
        centres = (region.starts + region.ends) / 2
        x, y = centres - np.average(centres, weights=weights), region.rows - np.average(region.rows, weights=weights)
        spread = float((weights * (x**2 + (weights**2) / 12)).sum())
        angles.append(float(np.degrees(np.arctan2((weights * x * y).sum(), spread))))
    return float(np.median(angles)) if len(angles) >= 3 else 0.0


def _mean(chance: Map, region: _Region) -> float:
    total = sum(float(chance[r, s:e].sum()) for r, s, e in zip(region.rows, region.starts, region.ends, strict=True))
    return total / float((region.ends - region.starts).sum())


def _regions(mask: npt.NDArray[np.bool_]) -> Iterator[_Region]:
    """Yield the connected regions of a mask, found by joining the runs of each row with those above that they touch."""
    padded = np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)
    rows, columns = np.nonzero(np.diff(padded, axis=1))
    rows, starts, ends = rows[0::2], columns[0::2], columns[1::2]
    parents = list(range(len(rows)))
    first_of_row = np.searchsorted(rows, np.arange(mask.shape[0] + 1))
    for row in range(1, mask.shape[0]):
        _join(parents, starts, ends, range(*first_of_row[row - 1 : row + 1]), range(*first_of_row[row : row + 2]))
    members: dict[int, list[int]] = defaultdict(list)
    for run in range(len(rows)):
        members[_root(parents, run)].append(run)
    for runs in members.values():
        yield _Region(rows[runs], starts[runs], ends[runs])


def _join(
    parents: list[int],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    above: range,
    below: range,
) -> None:
    upper, lower = above.start, below.start
    while upper < above.stop and lower < below.stop:
        if starts[upper] <= ends[lower] and starts[lower] <= ends[upper]:
            parents[_root(parents, lower)] = _root(parents, upper)
        if ends[upper] < ends[lower]:
            upper += 1
        else:
            lower += 1


def _root(parents: list[int], run: int) -> int:
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return run
