"""How fast things went lately, to say how long they will take."""

from __future__ import annotations

import threading

_WEIGHT = 0.2  # of the newest measurement
_SECONDS_PER_MIB = 2.0  # until there are measurements, as are the two below
_SECONDS_PER_CHUNK = 0.05
_BYTES_PER_CHUNK = 700.0
_MIB = 1024 * 1024


class Rates:
    """Moving averages of what the worker measured; safe to share between threads."""

    def __init__(self) -> None:
        """Start with guesses for a small machine."""
        self._lock = threading.Lock()
        self._reading: dict[str, float] = {}  # media type -> seconds per MiB
        self._chunks: dict[str, float] = {}  # media type -> chunks per MiB
        self._embedding = _SECONDS_PER_CHUNK

    def read(self, media_type: str, size: int, seconds: float, n_chunks: int) -> None:
        """Note that a file of `size` bytes was read in `seconds` and gave `n_chunks`."""
        mib = max(size, 1024) / _MIB
        with self._lock:
            self._reading[media_type] = _mixed(self._reading.get(media_type), seconds / mib)
            self._chunks[media_type] = _mixed(self._chunks.get(media_type), n_chunks / mib)

    def embedded(self, n_chunks: int, seconds: float) -> None:
        """Note that the machine embedded `n_chunks` in `seconds`."""
        with self._lock:
            self._embedding = _mixed(self._embedding, seconds / max(1, n_chunks))

    def seconds_to_embed(self, n_chunks: int) -> float:
        """Return how long `n_chunks` will take."""
        return self._embedding * n_chunks

    def seconds_for(self, media_type: str, size: int) -> float:
        """Return how long a file of `size` bytes will take from reading to its vectors."""
        mib = max(size, 1024) / _MIB
        chunks = self._chunks.get(media_type, _MIB / _BYTES_PER_CHUNK) * mib
        return max(self._reading.get(media_type, _SECONDS_PER_MIB) * mib, self.seconds_to_embed(round(chunks)))


def _mixed(old: float | None, new: float) -> float:
    return new if old is None else old + _WEIGHT * (new - old)
