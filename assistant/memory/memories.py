"""Memory as the rest of the product uses it: told, recalled, suggested, edited and erased, for one person at a time.

There is no index and no cache: a person has some hundred notes, whose vectors are read with their rows and compared one
by one (0.5 ms for 500). What is deleted is therefore gone from the next question on, everywhere at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from assistant.guardrails.words import content
from assistant.logs import log
from assistant.memory import said, same, store
from assistant.memory.anew import of_this_model
from assistant.memory.errors import MemoryFull, MemoryRefused
from assistant.memory.group_notes import GroupNotes, Near
from assistant.memory.said import Kind
from assistant.memory.settings import MemorySettings
from assistant.memory.store import NewNote, Note
from assistant.orchestration.ports import Recalled
from assistant.record import Records, TurnRecord
from assistant.threads import in_thread
from assistant.types import Turn
from knowledge.errors import KnowledgeError
from knowledge.types import Embedder, Scope, Vectors

# Short notes and questions say little to an embedding; a shared name or number says a lot.
_WORDS = 0.25
_TOGETHER = 1_200  # characters of all recalled notes of one turn, about 300 tokens
_OFF = "Memory is switched off here, so nothing was remembered. You can switch it on under Memory."
_FORGET = "Nothing was deleted yet. The page Memory shows all that is remembered about you; delete it there."
_NONE = 'I remember nothing about you yet. Say "Remember that ...", or write a note on the page Memory.'
_KEEP = "The page Memory suggests it as a note; once you keep it there, it counts in other chats too."
_LISTED = 30  # notes in one answer
_log = log("memory")


@dataclass(frozen=True, slots=True)
class Kept:
    """A note that was stored, and the texts of older ones whose place it took."""

    note: Note
    replaced: tuple[str, ...]


class Memories:
    """The memory of everybody, each behind their own scope."""

    def __init__(self, engine: Engine, embedder: Embedder, settings: MemorySettings) -> None:
        """Keep notes in `engine` with vectors by `embedder`."""
        self._engine = engine
        self._embedder = embedder
        self._settings = settings
        self.groups = GroupNotes(engine, embedder, settings)

    # --- in a turn ----------------------------------------------------------------------------------------------------

    async def told(self, turn: Turn) -> str | None:
        """Return the answer to a question that asks to remember or forget something, done; None to any other."""
        what = said.to_remember(turn.question)
        if what is None and said.asks_for_notes(turn.question):
            return await in_thread(self._listed, turn.caller.scope) if await self._takes(turn) else self._off(turn)
        if what is None:
            return _FORGET if said.to_forget(turn.question) and turn.options.memory else None
        if not await self._takes(turn):
            return self._off(turn)
        try:
            kept = await in_thread(self.add, turn.caller.scope, what, None, "chat", turn.id)
        except MemoryRefused as refused:
            return str(refused)
        instead = f", in place of {in_quotes(kept.replaced)}" if kept.replaced else ""
        return f"I will remember that{instead}. You can change or delete it under Memory."

    async def acknowledged(self, turn: Turn) -> str | None:
        """Return the reply to a message that does nothing but tell something; None to any other.

        A message after a question of the assistant's is an answer to that.
        """
        last = turn.history[-1] if turn.history else None
        if not said.only_states(turn.question) or last is not None and last.content.rstrip().endswith("?"):
            return None
        noted = "Thank you, noted for this chat." if turn.options.conversation_id else "Thank you."
        suggests = self.may_suggest(turn) and said.statements(turn.question) and await self._takes(turn)
        return f"{noted} {_KEEP}" if suggests else noted

    async def recall(self, question: str, scope: Scope) -> tuple[Recalled, ...]:
        """Return the person's notes for a question: how to answer first, then the facts that fit it, closest first.

        Empty when memory is off, nothing fits, or the database or the embedder does not answer just now.
        """
        try:
            return await in_thread(self._recall, question, scope)
        except (SQLAlchemyError, KnowledgeError) as error:
            _log.warning("notes could not be recalled", error=type(error).__name__)
            return ()

    def suggest(self, turn: Turn) -> int:
        """Suggest what the person said about themselves in a turn, and return how many suggestions are new."""
        wanted = self.may_suggest(turn) and said.to_remember(turn.question) is None
        texts = said.statements(turn.question) if wanted else []
        if not texts or not self.is_on(turn.caller.scope):
            return 0
        new = [self._new(text, said.kind(text), "suggested", "chat", turn.id) for text in texts]
        return sum(store.suggest(self._engine, turn.caller.scope, one) for one in new)

    def may_suggest(self, turn: Turn) -> bool:
        """Return whether a turn is looked at for suggestions at all; reads nothing."""
        return self._settings.suggest and turn.options.memory

    # --- for the person -----------------------------------------------------------------------------------------------

    def is_on(self, scope: Scope) -> bool:
        """Return whether notes of this scope's person are recalled and taken."""
        return self._settings.enabled and store.is_on(self._engine, scope)

    def switch(self, scope: Scope, on: bool) -> None:
        """Switch memory on or off for the scope's person."""
        store.switch(self._engine, scope, on)

    def notes(self, scope: Scope) -> list[Note]:
        """Return the person's notes and suggestions, newest first."""
        return store.notes(self._engine, scope)

    def add(self, scope: Scope, text: str, kind: Kind | None, origin: str, turn_id: str | None = None) -> Kept:
        """Store a note, in place of an older one of the same topic. Raises NoteUnusable, MemoryFull or NoPerson."""
        clean = said.checked(text)
        new = self._new(clean, kind or said.kind(clean), "kept", origin, turn_id)
        return Kept(*store.add(self._engine, scope, new, self._settings.max_notes))

    def change(self, scope: Scope, identifier: str, text: str | None, kind: Kind | None, keep: bool) -> Note | None:
        """Change a note's text or kind, or keep a suggestion; None when there is none such. Raises NoteUnusable."""
        values: dict[str, str | bytes] = {}
        if text is not None:
            clean = said.checked(text)
            values |= {"text": clean, "topic": same.topic(clean), "model": self._embedder.name}
            values["vector"] = store.packed(self._embedder.embed([clean]))[0]
        if kind is not None:
            values["kind"] = kind
        if keep:
            return self._keep(scope, identifier, values)
        return store.change(self._engine, scope, identifier, values)

    def remove(self, scope: Scope, identifier: str) -> bool:
        """Delete a note or dismiss a suggestion at once; False when the person has none such."""
        return store.remove(self._engine, scope, identifier)

    def remove_all(self, scope: Scope) -> int:
        """Delete everything that is remembered of the person; returns how many notes that were."""
        return store.remove_all(self._engine, scope)

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _takes(self, turn: Turn) -> bool:
        return turn.options.memory and await in_thread(self.is_on, turn.caller.scope)

    def _off(self, turn: Turn) -> str | None:
        return _OFF if turn.caller.credential in ("session", "local") else None

    def _listed(self, scope: Scope) -> str:
        """Return the person's kept notes as an answer, the newest first."""
        kept = [note.text for note in self.notes(scope) if note.status == "kept"]
        more = f"\n\nThe page Memory shows {len(kept) - _LISTED} more." if len(kept) > _LISTED else ""
        told = "\n".join(f"- {text}" for text in kept[:_LISTED])
        return f"You asked me to remember:\n\n{told}{more}" if kept else _NONE

    def _recall(self, question: str, scope: Scope) -> tuple[Recalled, ...]:
        if not self.is_on(scope):
            return ()

        @cache
        def asked() -> Vectors:
            vector: Vectors = self._embedder.embed([question])[0]
            return vector

        def near(rows: Vectors, texts: Sequence[str]) -> Vectors:
            # Only where there are notes: most people have none, and an embedding is most of what a question costs here.
            closeness: Vectors = rows @ asked() + _WORDS * _shared(question, texts)
            return closeness

        preferences, own = self._own(scope, near)
        # A person's own note comes before their groups' where both are equally close.
        facts = sorted([*own, *self.groups.recall(scope, near)], key=lambda one: -one.closeness)
        half = max(1, self._settings.recalled // 2) if facts else self._settings.recalled
        preferences = preferences[:half]
        return _bounded([*preferences, *facts[: self._settings.recalled - len(preferences)]])

    def _own(self, scope: Scope, near: Near) -> tuple[list[Recalled], list[Recalled]]:
        """Return the person's wishes how to be answered, and the facts that are close enough."""
        notes, models, blobs = store.with_vectors(self._engine, scope)
        if not notes:
            return [], []
        keep = partial(store.embed_again, self._engine, scope, self._embedder.name)
        blobs = of_this_model(self._embedder, notes, models, blobs, keep)
        closeness = near(store.unpacked(blobs, self._embedder.dimension), [note.text for note in notes])
        wishes = [Recalled(note.text, note.kind, 1.0) for note in notes if note.kind == "preference"]
        facts = [
            Recalled(notes[i].text, notes[i].kind, float(closeness[i]))
            for i in np.argsort(-closeness)
            if notes[i].kind == "fact" and closeness[i] >= self._settings.min_similarity
        ]
        return wishes, facts

    def _keep(self, scope: Scope, identifier: str, values: dict[str, str | bytes]) -> Note | None:
        """Turn a suggestion into a note, with all that keeping a note means: its limit, and older ones replaced."""
        found = next((note for note in self.notes(scope) if note.id == identifier), None)
        if found is None or found.status == "kept":
            return store.change(self._engine, scope, identifier, values)
        text, kind = str(values.get("text", found.text)), values.get("kind", found.kind)
        kept = self.add(scope, text, "preference" if kind == "preference" else "fact", found.origin, found.turn_id)
        store.remove(self._engine, scope, identifier)
        return kept.note

    def _new(self, text: str, kind: Kind, status: str, origin: str, turn_id: str | None) -> NewNote:
        vector = store.packed(self._embedder.embed([text]))[0]
        return NewNote(text, kind, status, same.topic(text), origin, turn_id, self._embedder.name, vector)


class Suggesting:
    """Records that also look for suggestions in what was said, once the turn is over."""

    def __init__(self, records: Records, memories: Memories) -> None:
        """Append to `records`, suggest to `memories`."""
        self._records = records
        self._memories = memories

    async def append(self, record: TurnRecord) -> None:
        """Store the record; suggestions that cannot be stored are logged and lost, the answer is not held up."""
        await self._records.append(record)
        if not self._memories.may_suggest(record.turn):
            return
        try:
            await in_thread(self._memories.suggest, record.turn)
        except (SQLAlchemyError, KnowledgeError, MemoryFull) as error:
            _log.warning("a suggestion could not be stored", error=type(error).__name__)


def in_quotes(texts: Sequence[str]) -> str:
    """Return texts in quotation marks, joined by "and"."""
    return " and ".join(f'"{text}"' for text in texts)


def _shared(question: str, texts: Sequence[str]) -> Vectors:
    """Return for each text the share of the question's topic words that it has, 0..1, shape (n,)."""
    asked = frozenset(content(question))
    shares = [len(asked & frozenset(content(text))) / max(1, len(asked)) for text in texts]
    return np.asarray(shares, np.float32)


def _bounded(found: Sequence[Recalled]) -> tuple[Recalled, ...]:
    kept: list[Recalled] = []
    for one in found:
        if sum(len(other.text) for other in kept) + len(one.text) <= _TOGETHER:
            kept.append(one)
    return tuple(kept)
