"""Vectors of notes that another embedding model made, made anew when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from assistant.memory.store import packed
from knowledge.types import Embedder


class Noted(Protocol):
    """A note of a person or of a group."""

    @property
    def id(self) -> str:
        """Return its id."""
        ...

    @property
    def text(self) -> str:
        """Return what it says."""
        ...


def of_this_model(
    embedder: Embedder,
    notes: Sequence[Noted],
    models: Sequence[str],
    blobs: Sequence[bytes],
    keep: Callable[[dict[str, bytes]], None],
) -> list[bytes]:
    """Return the vectors of `notes` by `embedder`; those that others of `models` made go to `keep`, by note id."""
    made = list(blobs)
    old = [i for i, model in enumerate(models) if model != embedder.name]
    if old:
        for i, blob in zip(old, packed(embedder.embed([notes[i].text for i in old])), strict=True):
            made[i] = blob
        keep({notes[i].id: made[i] for i in old})
    return made
