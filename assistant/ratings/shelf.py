"""The passages that rows may hold: what the asker, the administrator and all whom the adapter answers may read now."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Engine

from assistant.adaptation.rows import Passage as Shown
from assistant.orchestration.compose import label
from assistant.people import users
from assistant.people.credentials import LOCAL_ID, caller_of, local_caller
from knowledge import chunks, documents
from knowledge.types import EVERYONE, PUBLIC, Chunk, Passage, Scope


class Shelf:
    """Looks passages up by the rights that hold now; a text that was changed has another id, and is not there."""

    def __init__(self, engine: Engine, scope: Scope, readers: Iterable[str]) -> None:
        """Read for the administrator of `scope` what each of the principals `readers` may read on their own."""
        self._engine = engine
        self._scope = scope
        self._readers = [Scope(frozenset({PUBLIC} if one == PUBLIC else {EVERYONE, PUBLIC, one})) for one in readers]
        self._titles: dict[str, str] = {}
        self._askers: dict[str, Scope | None] = {}
        self._there: set[str] = set()  # ids of passages that the administrator may read
        self._looked_up: dict[Scope, dict[str, Shown | None]] = {}  # by asker; None: not for a row

    @property
    def readers(self) -> list[Scope]:
        """Return what each of those whom the adapter answers may read."""
        return self._readers

    def asker(self, owner_id: str) -> Scope | None:
        """Return what somebody who asked may read now; None when the account is gone or suspended."""
        if owner_id not in self._askers:
            user = None if owner_id == LOCAL_ID else users.get(self._engine, owner_id)
            mine = caller_of(user, "session").scope if user is not None and user.active else None
            self._askers[owner_id] = local_caller().scope if owner_id == LOCAL_ID else mine
        return self._askers[owner_id]

    def passages(self, asker: Scope, ids: Collection[str]) -> tuple[dict[str, Shown], set[str]]:
        """Return those of the passages that may stand in rows, and the ids of those that somebody may not read.

        An id in neither is gone, was changed, switched off, or belongs to a file of somebody's chat.
        """
        self.fetch(asker, ids)
        looked_up = self._looked_up[asker]
        found = {one: shown for one in ids if (shown := looked_up.get(one))}
        return found, {one for one in ids if one in self._there and one not in found}

    def fetch(self, asker: Scope, ids: Collection[str]) -> None:
        """Look passages up at once that will be asked for one by one."""
        looked_up = self._looked_up.setdefault(asker, {})
        new = {one for one in ids if one not in looked_up}
        if not new:
            return
        there = {one.id: one for one in chunks.read(self._engine, self._scope, new) if one.enabled}
        open_ids = set(there)
        for scope in (asker, *self._readers):
            open_ids &= {one.id for one in chunks.read(self._engine, scope, open_ids)}
        self._there |= there.keys()
        looked_up |= {one: self._shown(there[one]) if one in open_ids else None for one in new}

    def _shown(self, chunk: Chunk) -> Shown:
        """Return a passage under the title that stands above it when a model is asked."""
        if chunk.document_id not in self._titles:
            document = documents.get(self._engine, self._scope, chunk.document_id)
            self._titles[chunk.document_id] = document.title if document else ""
        title = self._titles[chunk.document_id]
        passage = Passage(chunk.id, chunk.document_id, "", title, "", chunk.text, chunk.heading, chunk.page, "", 0.0)
        return Shown(label(passage), chunk.text)
