"""Chats in and out of files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from assistant import conversations, history, transfer
from assistant.errors import ImportRefused
from assistant.types import Answer, Citation, Route
from assistant.wire import answer_json
from knowledge import collections, documents
from knowledge.database import connect
from knowledge.tables import metadata
from knowledge.types import Scope

EVERYTHING = Scope(frozenset(), sees_all=True)

CITED = Citation(1, "doc", "Handbook", 2, "chunk", "30 days", "Leave", "handbook.pdf", "HR", "leave")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'a.db'}")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def _chat(engine: Engine) -> str:
    made = conversations.create(engine, "ann", "Leave")
    asked = conversations.ask(engine, "ann", made, "How many\ndays?")
    assert asked is not None
    library = collections.create(engine, f"Library of {made}", "", ["everyone"])
    handbook = documents.add(engine, library.id, "Handbook", "handbook.pdf", "application/pdf", 1, "0" * 64, [], "Ann")
    answer = Answer(
        "30 days [1].", (replace(CITED, document=handbook.id),), False, True, False, Route("m", None, "fallback", "x")
    )
    conversations.finish(engine, asked.turn_id, "done", answer_json(answer))
    conversations.change(engine, "ann", made, pinned=True, folder="Home")
    return made


def test_what_is_exported_comes_back_without_sources_to_open(engine: Engine) -> None:
    _chat(engine)
    raw = json.dumps(transfer.exported(engine, "ann", EVERYTHING)).encode()
    assert transfer.taken_in(engine, "bob", transfer.parsed(raw)) == 1
    (entry,) = history.page(engine, "bob")
    assert (entry.title, entry.pinned, entry.folder) == ("Leave", True, "Home")
    found = conversations.read(engine, "bob", entry.id)
    assert found is not None and not found.memory
    (turn,) = found.turns
    assert turn.question == "How many\ndays?" and turn.status == "done" and turn.answer is not None
    assert turn.answer["answer"] == "30 days [1].\n\nSources:\n\n1. Handbook, page 2"
    assert (
        turn.answer["citations"] == [] and not turn.answer["grounded"] and "imported" in (turn.answer["notice"] or "")
    )
    asked = conversations.ask(engine, "bob", entry.id, "And then?")
    assert asked is not None and len(asked.history) == 2


def test_only_the_owners_chats_are_exported(engine: Engine) -> None:
    made = _chat(engine)
    assert transfer.exported(engine, "eve", EVERYTHING) == {"format": "inhouse-chats", "version": 1, "chats": []}
    assert (
        transfer.exported(engine, "eve", EVERYTHING, made) is None
        and transfer.markdown(engine, "eve", EVERYTHING, made) is None
    )


def test_markdown_is_for_reading(engine: Engine) -> None:
    text = transfer.markdown(engine, "ann", EVERYTHING, _chat(engine)) or ""
    assert text.startswith("# Leave\n\n> How many\n> days?\n\n30 days [1].\n\nSources:\n\n1. Handbook, page 2\n")


def _message(number: int, role: str, content: object, parent: int | None) -> dict[str, Any]:
    return {"id": str(number), "role": role, "content": content, "parentId": None if parent is None else str(parent)}


def test_a_chat_of_open_webui_comes_in_along_the_version_that_is_shown() -> None:
    messages = [
        _message(1, "user", "Hi\x00", None),
        _message(2, "assistant", "Hello", 1),
        _message(3, "assistant", "Hello there", 1),
        _message(4, "user", [{"type": "text", "text": "Why?"}, {"type": "image_url", "image_url": {}}], 3),
    ]
    history_of = {"messages": {one["id"]: one for one in messages}, "currentId": "4"}
    file = [
        {"id": "x", "title": "Greeting", "updated_at": 1_700_000_000, "chat": {"title": "y", "history": history_of}},
        {"chat": {"title": "Flat", "messages": [_message(1, "user", "Q", None), _message(2, "assistant", "A", None)]}},
    ]
    first, second = transfer.parsed(json.dumps(file).encode())
    said = [(one.question, one.answer) for one in first.turns]
    assert said == [("Hi", "Hello there"), ("Why?\n", "")]
    assert (first.title, first.updated_at) == ("Greeting", 1_700_000_000.0)
    assert second.title == "Flat" and second.turns == (transfer.Said("Q", "A"),)


def test_messages_that_are_each_others_parents_end() -> None:
    messages = {"1": _message(1, "user", "a", 2), "2": _message(2, "assistant", "b", 1)}
    assert transfer.parsed(json.dumps([{"chat": {"history": {"messages": messages, "currentId": "1"}}}]).encode())


BAD = [
    b"", b"no json", b"\xff\xfe", b"[" * 100_000, b"1" * 5_000, b"null", b"7", b'"x"', b"[]", b"{}", b"[1]",
    b"[[]]", b"[{}]",
    b'{"format": "inhouse-chats", "version": 2, "chats": []}',
    b'{"format": "inhouse-chats", "version": 1, "chats": []}',
    b'{"format": "inhouse-chats", "version": 1, "chats": {"a": 1}}',
    b'{"format": "inhouse-chats", "version": 1, "chats": [{"title": 1, "turns": []}]}',
    b'{"format": "inhouse-chats", "version": 1, "chats": [{"title": "x", "turns": [{"question": "q"}]}]}',
    b'{"format": "inhouse-chats", "version": 1, "chats": [{"title": "x", "turns": [{"question": "q", "answer": "a",'
    b' "citations": {"n": 1}}]}]}',
    b'[{"chat": []}]', b'[{"chat": {"history": "x"}}]', b'[{"chat": {"history": {"messages": [1], "currentId": "1"}}}]',
    b'[{"chat": {"messages": ["x"]}}]', b'[{"chat": {"messages": [{"role": "user", "content": {"a": 1}}]}}]',
    json.dumps([{"chat": {"messages": [{"role": "user", "content": "x" * 200_001}]}}]).encode(),
    json.dumps([{"chat": {"messages": []}}] * 1_001).encode(),
]  # fmt: skip


@pytest.mark.parametrize("raw", BAD, ids=range(len(BAD)))
def test_anything_else_is_refused_in_one_sentence(raw: bytes) -> None:
    with pytest.raises(ImportRefused) as caught:
        transfer.parsed(raw)
    assert str(caught.value).endswith(".") and len(str(caught.value)) < 120


def test_odd_values_of_a_good_file_do_no_harm(engine: Engine) -> None:
    cited = {"n": 1, "title": "\ud800", "page": None}
    turns = [{"question": "q", "answer": "a [1]", "citations": [cited]}]
    chat = {"title": "\ud800" + "t" * 500, "updated_at": 1e300, "folder": "f" * 99, "pinned": "yes", "turns": turns}
    raw = json.dumps({"format": "inhouse-chats", "version": 1, "chats": [chat]}).encode()
    assert transfer.taken_in(engine, "ann", transfer.parsed(raw)) == 1
    (entry,) = history.page(engine, "ann")
    assert entry.title.startswith("?t") and len(entry.folder) == 60 and not entry.pinned
    (again,) = transfer.parsed(json.dumps(transfer.exported(engine, "ann", EVERYTHING)).encode())
    assert "1. ?" in again.turns[0].answer  # a sign that is none can be neither stored everywhere nor sent
