"""A visitor asks for a person: stored first, then sent with the transcript to webhook, mailbox and ticket skill."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Row, insert, select, update

from assistant import conversations
from assistant.conversations import Conversation
from assistant.threads import in_thread
from assistant.widgets.outbox import Outbox
from assistant.widgets.profile import HandOver, Hours
from assistant.widgets.tables import widget_conversations, widget_hand_overs, widget_visitors
from assistant.widgets.tickets import SkillCalls, open_ticket
from assistant.widgets.types import HandedOver, Session, Widget
from knowledge.database import now, reading

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def people_there(hours: Hours, moment: float) -> bool:
    """Return whether people are there at `moment`, seconds since the epoch; always when no days are named."""
    local = datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(hours.zone))
    if not hours.days:
        return True
    span = next((span for day, span in hours.days.items() if day == _DAYS[local.weekday()]), None)
    return span is not None and span[0] <= local.strftime("%H:%M") < span[1]


def store(engine: Engine, session: Session, conversation_id: str, contact: str, note: str) -> HandedOver:
    """Store and return a request, waiting to be sent."""
    identifier = uuid4().hex
    row = {"id": identifier, "widget_id": session.widget_id, "conversation_id": conversation_id, "contact": contact}
    with engine.begin() as connection:
        moment = now(connection)
        more = {"note": note, "status": "waiting", "detail": "", "created_at": moment}
        connection.execute(insert(widget_hand_overs), {**row, **more})
    return HandedOver(identifier, conversation_id, contact, note, "waiting", "", moment)


def of(engine: Engine, widget_id: str, limit: int) -> list[HandedOver]:
    """Return the requests of a widget, newest first."""
    chosen = select(widget_hand_overs).where(widget_hand_overs.c.widget_id == widget_id)
    with reading(engine) as connection:
        rows = connection.execute(
            chosen.order_by(widget_hand_overs.c.created_at.desc(), widget_hand_overs.c.id).limit(limit)
        ).all()
    return [_handed_over(row) for row in rows]


def get(engine: Engine, widget_id: str, identifier: str) -> HandedOver | None:
    """Return one request of a widget, None when it has none such."""
    mine = widget_hand_overs.c.id == identifier, widget_hand_overs.c.widget_id == widget_id
    with reading(engine) as connection:
        row = connection.execute(select(widget_hand_overs).where(*mine)).first()
    return None if row is None else _handed_over(row)


async def send(engine: Engine, outbox: Outbox, skills: SkillCalls, widget: Widget, request: HandedOver) -> HandedOver:
    """Send a stored request to the widget's targets and return it with how that went; sending again is possible."""
    target: HandOver = widget.profile.hand_over
    owner, visitor, said = await in_thread(_said, engine, request.conversation_id)
    subject = f"{widget.name}: {visitor['name'] or 'a visitor'} asks for a person"
    failures = []
    if target.webhook:
        failures.append(await outbox.post(widget.id, target.webhook, _payload(widget, request, visitor, said)))
    if target.mail:
        reply_to = request.contact if "@" in request.contact else ""
        failures.append(await outbox.mail(target.mail, subject, _letter(request, said), reply_to))
    if target.skill:
        letter = _letter(request, said)
        failures.append(await open_ticket(skills, target.skill, request.id, owner, subject, letter))
    wrong = " ".join(sentence for sentence in failures if sentence)
    if not failures:
        wrong = "The widget has no webhook, mailbox or skill for hand-overs; set one."
    status = "failed" if wrong else "sent"
    await in_thread(_mark, engine, request.id, status, wrong[:300])
    return HandedOver(
        request.id, request.conversation_id, request.contact, request.note, status, wrong[:300], request.created_at
    )


def _payload(widget: Widget, request: HandedOver, visitor: dict[str, str], said: Conversation | None) -> dict[str, Any]:
    turns = said.turns if said else []
    return {
        "type": "hand_over",
        "id": request.id,
        "widget": {"id": widget.id, "name": widget.name},
        "visitor": visitor,
        "contact": request.contact,
        "note": request.note,
        "created_at": request.created_at,
        "conversation": {
            "id": request.conversation_id,
            "turns": [
                {
                    "question": turn.question,
                    "answer": turn.answer["answer"] if turn.answer else None,
                    "created_at": turn.created_at,
                }
                for turn in turns
            ],
        },
    }


def _letter(request: HandedOver, said: Conversation | None) -> str:
    lines = [f"Reach the visitor at: {request.contact or '(not given)'}", "", request.note, "", "The conversation:", ""]
    for turn in said.turns if said else []:
        lines += [
            f"Visitor: {turn.question}",
            f"Assistant: {turn.answer['answer'] if turn.answer else '(no answer)'}",
            "",
        ]
    return "\n".join(lines)


def _said(engine: Engine, conversation_id: str) -> tuple[str, dict[str, str], Conversation | None]:
    """Return the visitor's own id, who the host site says they are, and what was said."""
    chosen = (
        select(widget_visitors)
        .join(widget_conversations, widget_conversations.c.visitor_id == widget_visitors.c.id)
        .where(widget_conversations.c.conversation_id == conversation_id)
    )
    with reading(engine) as connection:
        row = connection.execute(chosen).first()
    if row is None:
        return "", {"id": "", "name": ""}, None
    return row.id, {"id": row.subject or "", "name": row.name}, conversations.read(engine, row.id, conversation_id)


def _mark(engine: Engine, identifier: str, status: str, detail: str) -> None:
    with engine.begin() as connection:
        mine = widget_hand_overs.c.id == identifier
        connection.execute(update(widget_hand_overs).where(mine).values(status=status, detail=detail))


def _handed_over(row: Row[Any]) -> HandedOver:
    return HandedOver(row.id, row.conversation_id, row.contact, row.note, row.status, row.detail, row.created_at)
