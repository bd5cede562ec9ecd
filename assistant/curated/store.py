"""Curated answers in SQL. Who may read one is written on it; writing is for administrators, which the door checks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from assistant.curated.errors import CuratedFull, CuratedUnusable
from assistant.tables import curated_answers as table
from assistant.types import Citation
from knowledge import chunks, documents
from knowledge.collections import valid_readers
from knowledge.database import now, reading
from knowledge.types import Scope

MOST = 2_000
MAX_QUESTIONS = 20  # wordings of one
MAX_SOURCES = 9
QUOTE_CHARACTERS = 600
_MARK = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Written:
    """What an administrator writes."""

    questions: tuple[str, ...]  # the first one is shown; the others are other ways to ask it
    answer: str  # with marks such as [1] for the sources
    sources: tuple[str, ...] = ()  # ids of chunks, in the order of their marks
    readers: frozenset[str] = frozenset({"everyone"})  # principals; empty: administrators only
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Curated:
    """A curated answer as it is stored."""

    id: str
    questions: tuple[str, ...]
    answer: str
    citations: tuple[Citation, ...]
    readers: frozenset[str]
    enabled: bool
    given: int  # how often it was the answer
    updated_by: str  # a user's id
    updated_at: float  # seconds since the epoch
    sources_gone: tuple[int, ...] = field(default=())  # marks whose source is not there any more; then it is not given


def version(engine: Engine) -> tuple[int, float]:
    """Return something that differs after every change."""
    with reading(engine) as connection:
        row = connection.execute(select(func.count(), func.max(table.c.updated_at))).one()
    return int(row[0]), float(row[1] or 0.0)


def everything(engine: Engine) -> list[Curated]:
    """Return all of them, the latest first. Who asks for them is an administrator, or decides by `readers`."""
    with reading(engine) as connection:
        rows = connection.execute(select(table).order_by(table.c.updated_at.desc(), table.c.id)).all()
    return [_curated(row) for row in rows]


def listed(engine: Engine, scope: Scope) -> list[Curated]:
    """Return all of them for administrators, each with the sources that are gone."""
    found = everything(engine)
    there = {chunk.id for chunk in chunks.read(engine, scope, [c.chunk for one in found for c in one.citations])}
    return [_with_gone(one, there) for one in found]


def add(engine: Engine, scope: Scope, written: Written, by: str) -> Curated:
    """Store one and return it. Raises CuratedUnusable, or CuratedFull at MOST."""
    values = _values(engine, scope, written, by)
    identifier = uuid4().hex
    with engine.begin() as connection:
        if connection.execute(select(func.count()).select_from(table)).scalar_one() >= MOST:
            raise CuratedFull(f"There are {MOST} curated answers, as many as there may be; delete some first.")
        connection.execute(insert(table).values(id=identifier, given=0, updated_at=_later(connection), **values))
        row = connection.execute(select(table).where(table.c.id == identifier)).one()
    return _curated(row)


def change(engine: Engine, scope: Scope, identifier: str, written: Written, by: str) -> Curated | None:
    """Write one anew and return it; None when there is none such. Raises CuratedUnusable."""
    values = _values(engine, scope, written, by)
    with engine.begin() as connection:
        connection.execute(
            update(table).where(table.c.id == identifier).values(**values, updated_at=_later(connection))
        )
        row = connection.execute(select(table).where(table.c.id == identifier)).first()
    return None if row is None else _curated(row)


def find(engine: Engine, identifier: str) -> Curated | None:
    """Return one, None when there is none such."""
    with reading(engine) as connection:
        row = connection.execute(select(table).where(table.c.id == identifier)).first()
    return None if row is None else _curated(row)


def remove(engine: Engine, identifier: str) -> bool:
    """Delete one; False when there is none such."""
    with engine.begin() as connection:
        return connection.execute(delete(table).where(table.c.id == identifier)).rowcount > 0


def count(engine: Engine, identifier: str) -> None:
    """Note that one was given."""
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.id == identifier).values(given=table.c.given + 1))


def readable(engine: Engine, scope: Scope, one: Curated) -> bool:
    """Return whether `scope` may read the answer and everything that it cites, all of which is still there."""
    if not (scope.sees_all or one.readers & scope.principals):
        return False
    cited = {citation.chunk for citation in one.citations}
    return not cited or len(chunks.read(engine, scope, cited)) == len(cited)


def _values(engine: Engine, scope: Scope, written: Written, by: str) -> dict[str, Any]:
    questions = tuple(dict.fromkeys(text for one in written.questions if (text := one.strip())))
    if not questions or not written.answer.strip():
        raise CuratedUnusable("A curated answer needs a question and an answer; write both.")
    if len(questions) > MAX_QUESTIONS or len(written.sources) > MAX_SOURCES:
        raise CuratedUnusable(f"Give at most {MAX_QUESTIONS} ways to ask and {MAX_SOURCES} sources.")
    citations = _citations(engine, scope, written.sources)
    wrong = sorted({n for n in map(int, _MARK.findall(written.answer)) if not 1 <= n <= len(citations)})
    if wrong:
        raise CuratedUnusable(f"The answer has the mark [{wrong[0]}], but no source of that number; add it.")
    return {
        "questions": json.dumps(questions, ensure_ascii=False),
        "answer": written.answer.strip(),
        "citations": json.dumps([asdict(citation) for citation in citations], ensure_ascii=False),
        "readers": json.dumps(sorted(valid_readers(written.readers))),
        "enabled": written.enabled,
        "updated_by": by,
    }


def _citations(engine: Engine, scope: Scope, sources: Sequence[str]) -> list[Citation]:
    found = {chunk.id: chunk for chunk in chunks.read(engine, scope, sources)}
    citations = []
    for n, source in enumerate(dict.fromkeys(sources), start=1):
        chunk = found.get(source)
        document = None if chunk is None else documents.get(engine, scope, chunk.document_id)
        if chunk is None or document is None:
            raise CuratedUnusable(f"There is no passage {source[:80]!r}; find it by a search and give its id.")
        quote = chunk.text[:QUOTE_CHARACTERS]
        citations.append(
            Citation(n, document.id, document.title, chunk.page, chunk.id, quote, chunk.heading, document.path,
                     document.collection_id, chunk.anchor)
        )  # fmt: skip
    return citations


def _later(connection: Connection) -> float:
    """Return the time, but never one that was given before: followers compare the latest one."""
    latest = connection.execute(select(func.max(table.c.updated_at))).scalar() or 0.0
    return max(now(connection), float(latest) + 0.001)


def _with_gone(one: Curated, there: Iterable[str]) -> Curated:
    known = frozenset(there)
    gone = tuple(citation.n for citation in one.citations if citation.chunk not in known)
    return Curated(one.id, one.questions, one.answer, one.citations, one.readers, one.enabled, one.given,
                   one.updated_by, one.updated_at, gone)  # fmt: skip


def _curated(row: Row[Any]) -> Curated:
    return Curated(
        id=row.id,
        questions=tuple(json.loads(row.questions)),
        answer=row.answer,
        citations=tuple(Citation(**citation) for citation in json.loads(row.citations)),
        readers=frozenset(json.loads(row.readers)),
        enabled=bool(row.enabled),
        given=row.given,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
    )
