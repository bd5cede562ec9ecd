"""Notes of people: kept, recalled, replaced, erased, and never anybody else's."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text, update

from assistant import conversations
from assistant.memory import store
from assistant.memory.errors import MemoryFull, NoPerson, NoteUnusable
from assistant.memory.memories import Memories, Suggesting
from assistant.memory.settings import MemorySettings
from assistant.orchestration.prompts import Message
from assistant.record import MemoryRecords, TurnRecord
from assistant.tables import memories as memory_notes
from assistant.types import Answer, Caller, Route, Turn, TurnOptions
from knowledge.embed import HashEmbedder
from knowledge.types import Scope, Vectors

ANNA = Scope(frozenset({"everyone", "user:anna"}))
BERT = Scope(frozenset({"everyone", "user:bert"}))
ADMIN = Scope(frozenset({"everyone", "user:root"}), sees_all=True)
VISITOR = Scope(frozenset({"public"}))


@pytest.fixture
def memories(engine: Engine) -> Memories:
    return Memories(engine, HashEmbedder(), MemorySettings(min_similarity=0.3, max_notes=5))


def turn(question: str, scope: Scope = ANNA, memory: bool = True) -> Turn:
    caller = Caller(store.person_of(scope) or "visitor", "x", scope)
    return Turn("t1", question, (), caller, TurnOptions(memory=memory))


async def recalled(memories: Memories, question: str, scope: Scope) -> list[str]:
    return [one.text for one in await memories.recall(question, scope)]


async def test_it_recalls_what_fits_for_the_person_who_said_it_alone(memories: Memories) -> None:
    memories.add(ANNA, "My locker number is 17", None, "page")
    memories.add(BERT, "My locker number is 99", None, "page")
    assert await recalled(memories, "What is my locker number?", ANNA) == ["My locker number is 17"]
    assert await recalled(memories, "What is my locker number?", BERT) == ["My locker number is 99"]
    for scope in (ADMIN, VISITOR, Scope(frozenset()), Scope(frozenset({"user:anna", "user:bert"}))):
        assert await recalled(memories, "What is my locker number?", scope) == [] == memories.notes(scope)


class Counting(HashEmbedder):
    """Counts what it embeds."""

    embedded = 0

    def embed(self, texts: list[str]) -> Vectors:
        self.embedded += len(texts)
        return super().embed(texts)


async def test_a_question_is_embedded_only_for_people_who_have_notes(engine: Engine) -> None:
    embedder = Counting()
    memories = Memories(engine, embedder, MemorySettings(min_similarity=0.3))
    assert await recalled(memories, "What is my locker number?", ANNA) == [] and embedder.embedded == 0
    memories.add(ANNA, "My locker number is 17", None, "page")
    assert await recalled(memories, "What is my locker number?", ANNA) == ["My locker number is 17"]
    assert embedder.embedded == 2


async def test_nothing_but_whose_it_is_keeps_a_note_from_others(memories: Memories, engine: Engine) -> None:
    memories.add(ANNA, "My locker number is 17", None, "page")
    assert await recalled(memories, "What is my locker number?", BERT) == []
    with engine.begin() as connection:
        connection.execute(update(memory_notes).values(owner_id="bert"))
    assert await recalled(memories, "What is my locker number?", BERT) == ["My locker number is 17"]


def test_nobody_changes_or_deletes_what_is_not_theirs(memories: Memories) -> None:
    note = memories.add(ANNA, "My locker number is 17", None, "page").note
    for scope in (BERT, ADMIN, VISITOR):
        assert memories.change(scope, note.id, "Mine now", None, False) is None
        assert not memories.remove(scope, note.id) and memories.remove_all(scope) == 0
    assert [one.text for one in memories.notes(ANNA)] == ["My locker number is 17"]


async def test_it_always_recalls_how_to_answer_and_bounds_the_rest(memories: Memories) -> None:
    memories.add(ANNA, "Answer in German", None, "page")
    memories.add(ANNA, "The harbour crane is painted yellow", None, "page")
    assert await recalled(memories, "harbour crane colour", ANNA) == [
        "Answer in German",
        "The harbour crane is painted yellow",
    ]
    assert await recalled(memories, "something else entirely", ANNA) == ["Answer in German"]


def test_a_newer_note_takes_the_place_of_one_that_it_contradicts(memories: Memories) -> None:
    memories.add(ANNA, "My manager is Carla", None, "page")
    assert memories.add(ANNA, "My manager is Dora", None, "page").replaced
    assert not memories.add(ANNA, "My deputy is Carla", None, "page").replaced
    assert memories.add(ANNA, "my deputy is carla", None, "page").replaced
    assert [note.text for note in memories.notes(ANNA)] == ["my deputy is carla", "My manager is Dora"]


@pytest.mark.parametrize("bad", ["", "  \n ", "x" * 501, "my password is hunter2"])
def test_it_refuses_what_is_no_note(memories: Memories, bad: str) -> None:
    with pytest.raises(NoteUnusable):
        memories.add(ANNA, bad, None, "page")
    assert memories.notes(ANNA) == []


def test_it_keeps_only_so_many_and_nothing_for_visitors(memories: Memories) -> None:
    for number in range(5):
        memories.add(ANNA, f"Fact {number}", None, "page")
    with pytest.raises(MemoryFull, match="5 notes"):
        memories.add(ANNA, "One more", None, "page")
    with pytest.raises(NoPerson):
        memories.add(VISITOR, "Something", None, "page")


async def test_it_tells_and_is_told_only_where_it_is_switched_on(memories: Memories) -> None:
    reply = await memories.told(turn("Remember that my locker number is 17."))
    assert reply is not None and reply.startswith("I will remember that")
    memories.switch(ANNA, False)
    assert await recalled(memories, "What is my locker number?", ANNA) == []
    reply = await memories.told(turn("Remember that my bike is red."))
    assert reply is not None and "switched off" in reply and len(memories.notes(ANNA)) == 1
    memories.switch(ANNA, True)
    reply = await memories.told(turn("Remember that my bike is red.", memory=False))
    assert reply is not None and "switched off" in reply and len(memories.notes(ANNA)) == 1
    assert await memories.told(turn("What is remembered?")) is None
    assert "page Memory" in (await memories.told(turn("Forget everything about me.")) or "")


async def test_it_suggests_after_a_turn_and_recalls_only_what_was_confirmed(memories: Memories) -> None:
    answer = Answer("x", (), False, False, False, Route("", None, "none", ""))
    records = MemoryRecords()
    suggesting = Suggesting(records, memories)
    for _ in range(2):
        said = turn("I work in the harbour office. What is for lunch?")
        await suggesting.append(TurnRecord(said, "", (), "", 0, False, answer, 0.0))
    (suggestion,) = memories.notes(ANNA)
    assert suggestion.status == "suggested" and len(records.records) == 2
    assert await recalled(memories, "Where is the harbour office I work in?", ANNA) == []
    kept = memories.change(ANNA, suggestion.id, None, None, True)
    assert kept is not None and kept.status == "kept" and len(memories.notes(ANNA)) == 1
    assert await recalled(memories, "Where is the harbour office I work in?", ANNA) == [suggestion.text]


def test_it_suggests_nothing_in_a_temporary_chat_or_to_visitors(memories: Memories) -> None:
    assert memories.suggest(turn("I work in the harbour office.", memory=False)) == 0
    assert memories.suggest(turn("I work in the harbour office.", VISITOR)) == 0
    memories.switch(ANNA, False)
    assert memories.suggest(turn("I work in the harbour office.")) == 0 and memories.notes(ANNA) == []


def test_it_keeps_only_the_newest_suggestions(memories: Memories) -> None:
    for number in range(store.SUGGESTIONS_KEPT + 3):
        memories.suggest(turn(f"I work in office number {number}."))
    assert len(memories.notes(ANNA)) == store.SUGGESTIONS_KEPT


async def test_it_embeds_again_when_the_model_changes(engine: Engine, memories: Memories) -> None:
    memories.add(ANNA, "My locker number is 17", None, "page")
    other = Memories(engine, HashEmbedder(32, "other"), MemorySettings(min_similarity=0.3))
    for _ in range(2):
        assert await recalled(other, "What is my locker number?", ANNA) == ["My locker number is 17"]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT model, length(vector) FROM memories")).one() == ("other", 64)


async def test_what_is_deleted_is_gone_from_the_file_too(engine: Engine, tmp_path: Path, memories: Memories) -> None:
    note = memories.add(ANNA, "The vault phrase is marmaladezebra", None, "page").note
    memories.change(ANNA, note.id, "The vault phrase is quincewalrus", None, False)
    assert memories.remove_all(ANNA) == 1
    assert await recalled(memories, "What is the vault phrase?", ANNA) == []
    engine.dispose()
    with sqlite3.connect(tmp_path / "assistant.db") as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    bytes_left = b"".join(path.read_bytes() for path in tmp_path.glob("assistant.db*"))
    assert b"marmaladezebra" not in bytes_left and b"quincewalrus" not in bytes_left


async def test_a_broken_database_costs_the_notes_and_not_the_answer(engine: Engine, memories: Memories) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE memories"))
    assert await memories.recall("What is my locker number?", ANNA) == ()


async def test_it_says_what_it_replaced_and_lists_what_it_knows(memories: Memories) -> None:
    assert "nothing about you" in (await memories.told(turn("What do you know about me?")) or "")
    await memories.told(turn("Remember that I am allergic to nuts."))
    memories.add(BERT, "I am allergic to cats", None, "page")
    told = await memories.told(turn("Remember that I am not allergic to nuts any more."))
    assert told is not None and 'in place of "I am allergic to nuts"' in told
    listed = await memories.told(turn("What do you know about me?"))
    assert listed == "You asked me to remember:\n\n- I am not allergic to nuts any more"
    assert "switched off" in (await memories.told(turn("What do you know about me?", memory=False)) or "")


async def test_it_acknowledges_what_is_merely_told(memories: Memories) -> None:
    told = await memories.acknowledged(turn("My manager is Carla Meier."))
    assert told is not None and told.startswith("Thank you") and "page Memory" in told
    assert await memories.acknowledged(turn("My manager is Carla Meier.", memory=False)) == "Thank you."
    assert await memories.acknowledged(turn("Who is my manager?")) is None
    asked = replace(turn("I work in the Graz office."), history=(Message("assistant", "Where do you work?"),))
    assert await memories.acknowledged(asked) is None


def test_a_note_tells_where_it_comes_from_and_how_sure_it_is(memories: Memories, engine: Engine) -> None:
    chat = conversations.create(engine, "anna")
    asked = conversations.ask(engine, "anna", chat, "My manager is Carla.")
    strange = conversations.ask(engine, "bert", conversations.create(engine, "bert"), "x")
    assert asked is not None and strange is not None
    memories.suggest(replace(turn("My manager is Carla."), id=asked.turn_id))
    (note,) = memories.notes(ANNA)
    assert (note.turn_id, note.conversation_id) == (asked.turn_id, chat)
    assert (note.certainty, note.confidence) == ("suggested", 0.6)
    kept = memories.change(ANNA, note.id, None, None, True)
    assert kept is not None and (kept.conversation_id, kept.certainty, kept.confidence) == (chat, "stated", 1.0)
    conversations.remove(engine, "anna", chat)
    assert memories.notes(ANNA)[0].conversation_id is None
    memories.add(ANNA, "My desk is red", None, "chat", strange.turn_id)
    assert memories.notes(ANNA)[0].conversation_id is None  # somebody else's chat is no source
