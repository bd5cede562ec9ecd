"""Turn records: one row per finished turn, appended once and never changed; they go with their chat or their person.

Telemetry, feedback reports and data sets are derived from them. A record names passages and does not copy them: when a
document is deleted, its text is gone from here too, but for the quotes that an answer showed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, insert, or_, select
from sqlalchemy.exc import SQLAlchemyError

from assistant.logs import log
from assistant.models.policy.situation import Decision
from assistant.orchestration.session import Called
from assistant.tables import conversations, turn_records
from assistant.threads import in_writer_thread
from assistant.types import Answer, Turn
from assistant.widgets import registry
from assistant.widgets.tables import widget_visitors
from assistant.wire import AnswerJson, answer_json
from knowledge.database import reading
from knowledge.types import Passage

_log = log("record")


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """What happened in a turn."""

    turn: Turn
    standalone: str  # the question as it was understood
    passages: tuple[Passage, ...]  # as they were given to the model, in order
    prompt: str  # name and version, "grounded_answer@1a2b3c..."; "" when no model was asked
    knowledge: int  # version of the documents
    cached: bool
    answer: Answer
    created_at: float  # seconds since the epoch
    calls: tuple[Called, ...] = ()  # of skills
    decision: Decision | None = None  # how the model was chosen, for learning


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as it is read again."""

    seq: int
    turn_id: str
    owner_id: str
    conversation_id: str | None
    created_at: float
    data: dict[str, Any]


class Records(Protocol):
    """Where records go."""

    async def append(self, record: TurnRecord) -> None:
        """Store one record, durably."""
        ...


class SqlRecords:
    """Records in the database."""

    def __init__(self, engine: Engine) -> None:
        """Append through `engine`."""
        self._engine = engine

    async def append(self, record: TurnRecord) -> None:
        """Store one record; a turn that has one already keeps it.

        A database that refuses is logged and not raised: the answer is there, and its reader waits for it.
        """
        try:
            await in_writer_thread(append, self._engine, record)
        except SQLAlchemyError as error:
            _log.error("a turn could not be recorded", turn_id=record.turn.id, error=type(error).__name__)


class MemoryRecords:
    """Records in a list, for tests and measurements."""

    def __init__(self) -> None:
        """Begin with none."""
        self.records: list[TurnRecord] = []

    async def append(self, record: TurnRecord) -> None:
        """Keep one record."""
        self.records.append(record)


def append(engine: Engine, record: TurnRecord) -> bool:
    """Store a record; False when the turn has one already, and for a turn that leaves none.

    That is a temporary one, and one whose conversation was deleted while it was answered.
    """
    turn = record.turn
    if turn.options.temporary:
        return False
    with engine.begin() as connection:
        if _is_gone(connection, turn.options.conversation_id):
            return False
        if connection.execute(select(turn_records.c.seq).where(turn_records.c.turn_id == turn.id)).first() is not None:
            return False
        values = {
            "turn_id": turn.id,
            "owner_id": turn.caller.user_id,
            "conversation_id": turn.options.conversation_id,
            "created_at": record.created_at,
            "data": json.dumps(_data(record), ensure_ascii=True),
            "visitor": turn.caller.credential == "widget",
        }
        connection.execute(insert(turn_records), values)
    return True


def read(engine: Engine, after: int = 0, limit: int = 1_000) -> list[StoredRecord]:
    """Return at most `limit` records behind number `after`, oldest first: what data sets may be made from.

    What visitors of a widget said is left out, unless the widget's profile says that one may learn from it.
    """
    visitors = select(widget_visitors.c.id).where(widget_visitors.c.widget_id.in_(_teaching(engine)))
    free = or_(turn_records.c.visitor.is_(False), turn_records.c.owner_id.in_(visitors))
    query = select(turn_records).where(turn_records.c.seq > after, free).order_by(turn_records.c.seq).limit(limit)
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    return [
        StoredRecord(row.seq, row.turn_id, row.owner_id, row.conversation_id, row.created_at, json.loads(row.data))
        for row in rows
    ]


def _is_gone(connection: Connection, conversation_id: str | None) -> bool:
    if conversation_id is None:
        return False
    return connection.execute(select(conversations.c.id).where(conversations.c.id == conversation_id)).first() is None


def _teaching(engine: Engine) -> list[str]:
    """Return the widgets whose visitors one may learn from."""
    return [widget.id for widget in registry.all_of(engine) if widget.profile.learn]


def _data(record: TurnRecord) -> dict[str, Any]:
    answer: AnswerJson = answer_json(record.answer)
    return {
        "question": record.turn.question,
        "standalone": record.standalone,
        "history": len(record.turn.history),
        "passages": [
            {"chunk": passage.chunk_id, "document": passage.document_id, "score": round(passage.score, 4)}
            for passage in record.passages
        ],
        "prompt": record.prompt,
        "knowledge": record.knowledge,
        "cached": record.cached,
        "decision": None if record.decision is None else asdict(record.decision),
        "calls": [
            {"skill": call.skill, "arguments": call.arguments, "status": call.result.status, "ms": call.result.ms}
            for call in record.calls
        ],
        "options": {
            "model": record.turn.options.model,
            "assistant": (record.turn.options.persona.id or None) if record.turn.options.persona else None,
            "collections": record.turn.options.collections,
            "grounded": record.turn.options.grounded,
            "max_passages": record.turn.options.max_passages,
        },
        "answer": {key: value for key, value in answer.items() if key != "nearest"},
    }
