"""What groups remember: written by a member on purpose, recalled for members alone, gone for all when it is deleted.

As with people's notes there is no index and no cache: rows are read with their vectors at every recall.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from sqlalchemy import Engine

from assistant.memory import group_store, said, same, store
from assistant.memory.anew import of_this_model
from assistant.memory.group_store import Embedded, GroupNote
from assistant.memory.settings import MemorySettings
from assistant.orchestration.ports import Recalled
from knowledge.types import Embedder, Scope, Vectors

Near = Callable[[Vectors, Sequence[str]], Vectors]  # rows of vectors, and their texts -> closeness to the question


class GroupNotes:
    """The memory of all groups, each behind the scope of its members."""

    def __init__(self, engine: Engine, embedder: Embedder, settings: MemorySettings) -> None:
        """Keep notes in `engine` with vectors by `embedder`."""
        self._engine = engine
        self._embedder = embedder
        self._settings = settings

    def notes(self, scope: Scope) -> dict[str, list[GroupNote]]:
        """Return the notes of every group of the scope's person, those without notes included, the newest first."""
        found: dict[str, list[GroupNote]] = {group: [] for group in group_store.groups_of(scope)}
        for note in group_store.notes(self._engine, scope):
            found[note.group].append(note)
        return found

    def add(self, scope: Scope, group: str, text: str) -> tuple[GroupNote, bool]:
        """Store a note of a group, and return it with whether it replaced one. Raises what makes it unusable.

        That is NotAMember, MemoryFull, or NoteUnusable.
        """
        new = self._embedded(said.checked(text))
        return group_store.add(self._engine, scope, group, new, self._settings.max_notes)

    def change(self, scope: Scope, group: str, identifier: str, text: str) -> GroupNote | None:
        """Change the text of a note; None when the person's groups have none such. Raises NoteUnusable."""
        return group_store.change(self._engine, scope, group, identifier, self._embedded(said.checked(text)))

    def remove(self, scope: Scope, group: str, identifier: str) -> bool:
        """Delete a note at once for all members; False when the person's groups have none such."""
        return group_store.remove(self._engine, scope, group, identifier)

    def recall(self, scope: Scope, near: Near) -> list[Recalled]:
        """Return the notes of the person's groups that are close enough by `near`, each with its group's name."""
        notes, models, blobs = group_store.with_vectors(self._engine, scope)
        if not notes:
            return []
        keep = partial(group_store.embed_again, self._engine, scope, self._embedder.name)
        blobs = of_this_model(self._embedder, notes, models, blobs, keep)
        closeness = near(store.unpacked(blobs, self._embedder.dimension), [note.text for note in notes])
        return [
            Recalled(f"{notes[i].text} (note of the group {notes[i].group})", "fact", float(closeness[i]))
            for i in np.argsort(-closeness)
            if closeness[i] >= self._settings.min_similarity
        ]

    def _embedded(self, text: str) -> Embedded:
        vector = store.packed(self._embedder.embed([text]))[0]
        return Embedded(text, same.topic(text), self._embedder.name, vector)
