"""Notes of groups: written on purpose by a member, recalled for members alone, gone for all at once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine

from assistant.memory import group_store
from assistant.memory.errors import MemoryFull, NotAMember, NoteUnusable
from assistant.memory.memories import Memories
from assistant.memory.settings import MemorySettings
from assistant.people import groups, users
from knowledge.embed import HashEmbedder
from knowledge.types import Scope

ANNA = Scope(frozenset({"everyone", "user:anna", "group:hr"}))
BERT = Scope(frozenset({"everyone", "user:bert", "group:hr", "group:it"}))
EVE = Scope(frozenset({"everyone", "user:eve", "group:it"}))
ADMIN = Scope(frozenset({"everyone", "user:root"}), sees_all=True)
CODE = "The door code of the archive is 1749"
QUESTION = "What is the door code of the archive?"


@pytest.fixture
def memories(engine: Engine) -> Memories:
    for name in ("hr", "it"):
        groups.add(engine, name)
    return Memories(engine, HashEmbedder(), MemorySettings(min_similarity=0.3, max_notes=3))


async def recalled(memories: Memories, scope: Scope) -> list[str]:
    return [one.text for one in await memories.recall(QUESTION, scope)]


async def test_every_member_recalls_it_and_nobody_else(memories: Memories) -> None:
    memories.groups.add(ANNA, "hr", CODE)
    for member in (ANNA, BERT):
        assert await recalled(memories, member) == [f"{CODE} (note of the group hr)"]
        assert [note.text for note in memories.groups.notes(member)["hr"]] == [CODE]
    for other in (EVE, ADMIN, Scope(frozenset({"everyone"})), Scope(frozenset())):
        assert await recalled(memories, other) == [] and "hr" not in memories.groups.notes(other)


async def test_nobody_from_outside_writes_changes_or_deletes(memories: Memories) -> None:
    note, _ = memories.groups.add(ANNA, "hr", CODE)
    for other in (EVE, ADMIN, Scope(frozenset({"group:hr"}))):  # the last: a program without a person
        with pytest.raises(NotAMember):
            memories.groups.add(other, "hr", "The code is 0000")
    for other in (EVE, ADMIN):
        assert memories.groups.change(other, "hr", note.id, "The code is 0000") is None
        assert not memories.groups.remove(other, "hr", note.id)
    assert not memories.groups.remove(BERT, "it", note.id)  # a member, but of another group's address
    assert await recalled(memories, ANNA) == [f"{CODE} (note of the group hr)"]


async def test_it_is_gone_for_all_members_at_once_and_from_the_file(memories: Memories, engine: Engine) -> None:
    note, _ = memories.groups.add(ANNA, "hr", "The zebra code is 9182736455")
    assert memories.groups.remove(BERT, "hr", note.id)  # any member may
    for member in (ANNA, BERT):
        assert await recalled(memories, member) == [] and memories.groups.notes(member)["hr"] == []
    path = engine.url.database
    engine.dispose()
    if engine.dialect.name == "sqlite" and path:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        assert b"9182736455" not in Path(path).read_bytes()


async def test_a_newer_note_of_one_topic_replaces_and_the_number_is_bounded(memories: Memories) -> None:
    memories.groups.add(ANNA, "hr", "Our office is in Graz")
    _, replaced = memories.groups.add(BERT, "hr", "Our office is in Linz")
    assert replaced and [note.text for note in memories.groups.notes(ANNA)["hr"]] == ["Our office is in Linz"]
    memories.groups.add(ANNA, "hr", "Lunch is at noon")
    memories.groups.add(ANNA, "hr", "The printer is called Otto")
    with pytest.raises(MemoryFull):
        memories.groups.add(ANNA, "hr", "One more thing")
    assert memories.groups.add(BERT, "it", "The router is called Emil")[0].mine  # another group has its own limit
    with pytest.raises(NoteUnusable):
        memories.groups.add(BERT, "it", "The password is hunter2hunter2")


async def test_a_deleted_group_takes_its_notes_with_it(memories: Memories, engine: Engine) -> None:
    memories.groups.add(ANNA, "hr", CODE)
    assert groups.remove(engine, "hr")
    groups.add(engine, "hr")  # another group of the same name
    assert await recalled(memories, ANNA) == [] and group_store.notes(engine, ANNA) == []


async def test_the_notes_of_somebody_who_leaves_stay_without_their_name(memories: Memories, engine: Engine) -> None:
    with engine.begin() as connection:
        users.insert_user(connection, "Root", "x", True)
        leaves = users.insert_user(connection, "Zoe", "x", False)
    scope = Scope(frozenset({"everyone", f"user:{leaves.id}", "group:hr"}))
    assert memories.groups.add(scope, "hr", CODE)[0].mine
    users.remove(engine, leaves.id)
    assert not memories.groups.notes(scope)["hr"][0].mine and await recalled(memories, ANNA)


async def test_what_a_person_wrote_comes_before_the_group_and_switched_off_nothing_comes(memories: Memories) -> None:
    memories.add(ANNA, CODE, None, "page")
    memories.groups.add(BERT, "hr", CODE)
    assert await recalled(memories, ANNA) == [CODE, f"{CODE} (note of the group hr)"]
    memories.switch(ANNA, False)
    assert await recalled(memories, ANNA) == []
