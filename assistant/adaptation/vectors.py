"""The product's own embedder for near misses, with a memory on disk: a recipe is built more often than texts change."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.embed import OnnxEmbedder


class RememberingEmbedder:
    """Embeds each text once; call `save` to keep what is new."""

    def __init__(self, memory: Path) -> None:
        """Read `memory`, an .npz file, when it exists."""
        self._memory = memory
        self._known: dict[str, NDArray[np.float32]] = {}
        self._embedder = OnnxEmbedder()
        if memory.exists():
            with np.load(memory) as stored:
                self._known = dict(zip(stored["keys"].tolist(), stored["vectors"].astype(np.float32), strict=True))

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector for each text, (texts, dimensions)."""
        keys = [hashlib.sha256(text.encode()).hexdigest()[:24] for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if new:
            self._known |= dict(zip(new, self._embedder.embed(list(new.values())), strict=True))
        return np.stack([self._known[key] for key in keys])

    def save(self) -> None:
        """Write everything known to the memory file, in half precision, atomically."""
        partial = self._memory.with_suffix(".partial.npz")
        np.savez(
            partial, keys=np.array(list(self._known)), vectors=np.stack(list(self._known.values())).astype(np.float16)
        )
        partial.replace(self._memory)
