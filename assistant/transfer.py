"""Chats in and out of files: our own JSON, Markdown of one chat, and the chat export of Open WebUI.

An import is text that anybody may have written: it gets no citations that could be opened, no feedback and no record.
Its sources are listed as words under the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, insert, select

from assistant import conversations
from assistant.conversations import FOLDER_CHARACTERS, MAX_TURNS, TITLE_CHARACTERS, StoredTurn
from assistant.errors import ImportRefused
from assistant.revisited import as_readable
from assistant.tables import conversations as table
from assistant.tables import turns as turn_table
from assistant.types import Answer, Route
from assistant.wire import CitationJson, answer_json
from knowledge.database import now, reading
from knowledge.types import Scope

FORMAT, VERSION = "inhouse-chats", 1
MAX_CHATS = 1_000  # of one file, in and out
MAX_CHARACTERS = 200_000  # of one question or answer; the longest answer of a model has some 30,000
_HIDDEN = "A source that you may not read any more"
_NOTICE = "This chat was imported; its sources cannot be opened here."


@dataclass(frozen=True, slots=True)
class Said:
    """A question with its answer; "" when there is none."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat as a file tells it."""

    title: str
    turns: tuple[Said, ...]
    pinned: bool = False
    folder: str = ""
    updated_at: float | None = None  # seconds since the epoch; None: not told


def exported(
    engine: Engine, owner_id: str, scope: Scope, conversation_id: str | None = None
) -> dict[str, object] | None:
    """Return the owner's chats (the last used 1,000) in our format, or one; None if the owner has no such chat.

    Of sources that `scope` may not read now, only the numbers are told.
    """
    chosen = select(table.c.id).where(table.c.owner_id == owner_id).order_by(table.c.updated_at.desc())
    if conversation_id is not None:
        chosen = chosen.where(table.c.id == conversation_id)
    with reading(engine) as connection:
        ids = connection.execute(chosen.limit(MAX_CHATS)).scalars().all()
    found = [as_readable(engine, scope, one) for one in (conversations.read(engine, owner_id, i) for i in ids) if one]
    if conversation_id is not None and not found:
        return None
    chats = [
        {
            "title": one.title,
            "pinned": one.pinned,
            "folder": one.folder,
            "updated_at": one.updated_at,
            "turns": [_turn(turn) for turn in one.turns],
        }
        for one in found
    ]
    return {"format": FORMAT, "version": VERSION, "chats": chats}


def markdown(engine: Engine, owner_id: str, scope: Scope, conversation_id: str) -> str | None:
    """Return one chat as Markdown with the sources that `scope` may read now; None if the owner has no such chat."""
    found = conversations.read(engine, owner_id, conversation_id)
    if found is None:
        return None
    found = as_readable(engine, scope, found)
    lines = [f"# {found.title or 'Chat'}", ""]
    for turn in found.turns:
        moment = datetime.fromtimestamp(turn.created_at, UTC)
        answer = turn.answer["answer"] if turn.answer else "(no answer)"
        cited = _sources(turn.answer["citations"]) if turn.answer else ""
        quoted = turn.question.replace("\n", "\n> ")
        lines += [f"> {quoted}", "", answer + cited, "", f"*{moment:%Y-%m-%d %H:%M} UTC*", ""]
    return "\n".join(lines)


def parsed(raw: bytes) -> list[Chat]:
    """Return the chats of a file: ours, or Open WebUI's. Raises ImportRefused for anything else, and for too much."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise ImportRefused("The file is no JSON; export chats as JSON and take that file.") from exc
    try:
        chats = list(_ours(value) if isinstance(value, dict) else _open_webui(value))
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as exc:
        raise ImportRefused("The file is neither an export of ours nor a chat export of Open WebUI.") from exc
    if not chats:
        raise ImportRefused("There is no chat in the file.")
    return chats


def taken_in(engine: Engine, owner_id: str, chats: Sequence[Chat]) -> int:
    """Store chats as the owner's own, all or none, and return how many."""
    with engine.begin() as connection:
        for chat in chats:
            _store(connection, owner_id, chat)
    return len(chats)


def _turn(turn: StoredTurn) -> dict[str, object]:
    answer = turn.answer
    cited = answer["citations"] if answer else []
    kept = ("n", "title", "page", "heading", "path", "quote")
    return {
        "question": turn.question,
        "answer": answer["answer"] if answer else "",
        "created_at": turn.created_at,
        "citations": [{name: value for name, value in one.items() if name in kept} for one in cited],
    }


def _sources(cited: Sequence[CitationJson] | Sequence[dict[str, Any]]) -> str:
    """Return sources as a list below an answer; "" when there are none."""
    rows = [
        f"{one['n']}. {one['title'] or _HIDDEN}" + (f", page {one['page']}" if one["page"] else "") for one in cited
    ]
    return "\n\nSources:\n\n" + "\n".join(rows) if rows else ""


def _ours(value: dict[str, Any]) -> Iterator[Chat]:
    if value.get("format") != FORMAT or value.get("version") != VERSION:
        raise ImportRefused(f"The file is not of the format {FORMAT!r}, version {VERSION}; export it again.")
    for chat in _bounded(value["chats"], MAX_CHATS, "chats"):
        turns = tuple(
            Said(_text(turn["question"]), _text(turn["answer"] + _sources(turn.get("citations") or [])))
            for turn in _bounded(chat["turns"], MAX_TURNS, "turns in a chat")
        )
        yield Chat(
            _text(chat["title"]), turns, chat.get("pinned") is True, _text(chat.get("folder") or ""),
            _moment(chat.get("updated_at")),
        )  # fmt: skip


def _open_webui(value: object) -> Iterator[Chat]:
    for entry in _bounded(value, MAX_CHATS, "chats"):
        chat = entry["chat"]
        history = chat.get("history") or {}
        messages = _line(history) if history.get("messages") else list(chat.get("messages") or [])
        title = _text(entry.get("title") or chat.get("title") or "")
        turns = tuple(_pairs(_bounded(messages, 2 * MAX_TURNS, "messages in a chat")))
        yield Chat(title, turns, entry.get("pinned") is True, "", _moment(entry.get("updated_at")))


def _line(history: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages that Open WebUI shows, first to last: the ancestors of the current one."""
    messages, current = history["messages"], history.get("currentId")
    line: list[dict[str, Any]] = []
    while isinstance(current, str) and current in messages and len(line) <= len(messages):
        line.append(messages[current])
        current = messages[current].get("parentId")
    return line[::-1] if line else list(messages.values())


def _pairs(messages: Sequence[dict[str, Any]]) -> Iterator[Said]:
    question: str | None = None
    answers: list[str] = []
    for message in messages:
        text = _content(message.get("content") or "")
        if message.get("role") == "user":
            if question is not None:
                yield Said(question, "\n\n".join(answers))
            question, answers = text, []
        elif message.get("role") == "assistant" and question is not None and text:
            answers.append(text)
    if question is not None:
        yield Said(question, "\n\n".join(answers))


def _content(content: object) -> str:
    if isinstance(content, list):
        return _text("\n".join(str(part.get("text") or "") for part in content))
    return _text(content)


def _bounded(values: object, limit: int, what: str) -> list[dict[str, Any]]:
    if not isinstance(values, list):
        raise TypeError(what)
    if len(values) > limit:
        raise ImportRefused(f"The file holds {len(values):,} {what}; {limit:,} can be taken in at once.")
    return values


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    if len(value) > MAX_CHARACTERS:
        raise ImportRefused(f"A text in the file has {len(value):,} characters; {MAX_CHARACTERS:,} are the limit.")
    return value.replace("\x00", "").encode("utf-8", "replace").decode()


def _moment(value: object) -> float | None:
    """Return a time of the past that a file tells; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e11 else None


def _store(connection: Connection, owner_id: str, chat: Chat) -> None:
    identifier, moment = uuid4().hex, now(connection)
    used = min(chat.updated_at or moment, moment)
    ids = [uuid4().hex for _ in chat.turns]
    title = chat.title or (conversations.auto_title(chat.turns[0].question) if chat.turns else "")
    about = {"title": title[:TITLE_CHARACTERS], "pinned": chat.pinned, "folder": chat.folder[:FOLDER_CHARACTERS]}
    row = {"id": identifier, "owner_id": owner_id, "head": ids[-1] if ids else None, "memory": False}
    connection.execute(insert(table), {**row, **about, "created_at": used, "updated_at": used})
    rows = [
        {
            "id": turn_id, "conversation_id": identifier, "parent_id": ids[n - 1] if n else None, "n": n + 1,
            "question": said.question, "status": "done" if said.answer else "failed",
            "answer": _stored(said.answer), "created_at": used, "finished_at": used,
        }
        for n, (turn_id, said) in enumerate(zip(ids, chat.turns, strict=True))
    ]  # fmt: skip
    if rows:
        connection.execute(insert(turn_table), rows)


def _stored(text: str) -> str | None:
    if not text:
        return None
    route = Route("", None, "none", "imported")
    answer = Answer(text, (), abstained=False, grounded=False, degraded=False, route=route, notice=_NOTICE)
    return json.dumps(answer_json(answer), ensure_ascii=True)
