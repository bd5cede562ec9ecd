"""Visitors and their sessions. What a visitor says is a conversation of their own id, in no account's list."""

from __future__ import annotations

import json
import secrets as random
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, Row, delete, exists, insert, select, update

from assistant.secret_file import Secrets
from assistant.tables import conversations
from assistant.widgets import quota
from assistant.widgets.profile import Limits
from assistant.widgets.tables import widget_conversations, widget_sessions, widget_visitors, widgets
from assistant.widgets.types import Session, Widget
from knowledge.database import now, reading

if TYPE_CHECKING:  # the worker sweeps visitors, and needs neither tokens nor the cryptography behind them
    from assistant.widgets.tokens import Identity

RESUME_PREFIX = "wrh_"


def begin_anonymous(engine: Engine, secrets: Secrets, widget: Widget, origin: str) -> tuple[Session, str]:
    """Return a new visitor's session, and the handle by which the same page finds it again after a reload.

    Raises LimitReached.
    """
    handle = RESUME_PREFIX + random.token_urlsafe(32)
    with engine.begin() as connection:
        quota.count_session(connection, widget.id, widget.profile.limits)
        visitor = _add_visitor(connection, widget.id, None, "")
        session = _add_session(connection, widget, visitor, None, origin, secrets.digest(handle))
    return session, handle


def begin_known(engine: Engine, widget: Widget, identity: Identity, origin: str) -> Session:
    """Return a session of a visitor whom the host site knows; with the conversation they last had here.

    Raises LimitReached.
    """
    known = widget_visitors.c.widget_id == widget.id, widget_visitors.c.subject == identity.subject
    with engine.begin() as connection:
        quota.count_session(connection, widget.id, widget.profile.limits)
        visitor = connection.execute(select(widget_visitors.c.id).where(*known)).scalar()
        if visitor is None:
            visitor = _add_visitor(connection, widget.id, identity.subject, identity.name)
        else:
            renamed = update(widget_visitors).where(widget_visitors.c.id == visitor)
            connection.execute(renamed.values(name=identity.name))
        return _add_session(connection, widget, visitor, identity, origin, None)


def resume(engine: Engine, secrets: Secrets, widget: Widget, handle: str, origin: str) -> Session | None:
    """Return the anonymous session of a handle, at the origin where it began; None when it ended or is another's."""
    if not handle.startswith(RESUME_PREFIX) or len(handle) > 100:
        return None
    mine = (
        widget_sessions.c.resume_hash == secrets.digest(handle),
        widget_sessions.c.widget_id == widget.id,
        widget_sessions.c.origin == origin,
    )
    return _found(engine, *mine)


def find(engine: Engine, widget_id: str, session_id: str) -> Session | None:
    """Return a session of a widget that is switched on; None when either ended."""
    return _found(engine, widget_sessions.c.id == session_id, widget_sessions.c.widget_id == widget_id)


def latest(engine: Engine, widget_id: str, subject: str) -> Session | None:
    """Return the last session that a help desk's server had for a visitor; None when there is none."""
    mine = (
        widget_visitors.c.subject == subject,
        widget_sessions.c.widget_id == widget_id,
        widget_sessions.c.origin == "",
    )
    return _found(engine, *mine)


def end_all(engine: Engine, widget_id: str) -> int:
    """End every session of a widget at once; returns how many there were."""
    with engine.begin() as connection:
        return connection.execute(delete(widget_sessions).where(widget_sessions.c.widget_id == widget_id)).rowcount


def still_good(engine: Engine, session_ids: Iterable[str]) -> set[str]:
    """Return those sessions of `session_ids` that would still be let in now."""
    wanted = select(widget_sessions.c.id).join(widgets).where(widget_sessions.c.id.in_(sorted(set(session_ids))))
    with reading(engine) as connection:
        live = wanted.where(widgets.c.enabled, widget_sessions.c.expires_at > now(connection))
        return set(connection.execute(live).scalars())


def conversation_for(engine: Engine, session: Session) -> str:
    """Return the session's conversation, begun now when there is none yet."""
    with engine.begin() as connection:
        return _conversation(connection, session)


def enter(engine: Engine, session: Session, limits: Limits) -> str:
    """Count a message and return the conversation that it belongs to, in one transaction; raises LimitReached."""
    with engine.begin() as connection:
        quota.count_one(connection, session, limits)
        return _conversation(connection, session)


def sweep(engine: Engine) -> None:
    """Remove sessions that ended, and anonymous visitors who left nothing behind; neither is let in any more."""
    at_work = exists().where(widget_sessions.c.visitor_id == widget_visitors.c.id)
    spoke = exists().where(widget_conversations.c.visitor_id == widget_visitors.c.id)
    with engine.begin() as connection:
        connection.execute(delete(widget_sessions).where(widget_sessions.c.expires_at <= now(connection)))
        silent = widget_visitors.c.subject.is_(None), ~at_work, ~spoke
        connection.execute(delete(widget_visitors).where(*silent))


def _conversation(connection: Connection, session: Session) -> str:
    shown = select(widget_sessions.c.conversation_id).where(widget_sessions.c.id == session.id)
    identifier = uuid4().hex
    begun = connection.execute(shown.with_for_update()).scalar()  # another question may just have begun it
    if begun is not None:
        return str(begun)
    moment = now(connection)
    row = {"id": identifier, "owner_id": session.visitor_id, "title": "", "pinned": False, "head": None}
    connection.execute(insert(conversations), {**row, "created_at": moment, "updated_at": moment})
    link = {"conversation_id": identifier, "widget_id": session.widget_id, "visitor_id": session.visitor_id}
    connection.execute(insert(widget_conversations), {**link, "created_at": moment})
    _show(connection, session, identifier)
    return identifier


def forget_conversation(engine: Engine, session: Session) -> None:
    """Let the session's next question begin a new conversation."""
    with engine.begin() as connection:
        _show(connection, session, None)


def _show(connection: Connection, session: Session, conversation_id: str | None) -> None:
    mine = widget_sessions.c.id == session.id
    connection.execute(update(widget_sessions).where(mine).values(conversation_id=conversation_id))


def _add_visitor(connection: Connection, widget_id: str, subject: str | None, name: str) -> str:
    identifier = uuid4().hex
    row = {"id": identifier, "widget_id": widget_id, "subject": subject, "name": name}
    connection.execute(insert(widget_visitors), {**row, "created_at": now(connection)})
    return identifier


def _add_session(
    connection: Connection, widget: Widget, visitor: str, known: Identity | None, origin: str, resume_hash: str | None
) -> Session:
    moment = now(connection)
    groups = known.groups if known else ()
    last = select(widget_conversations.c.conversation_id).where(widget_conversations.c.visitor_id == visitor)
    shown = connection.execute(last.order_by(widget_conversations.c.created_at.desc()).limit(1)).scalar()
    ends = moment + widget.profile.limits.session_hours * 3_600
    subject, name = (known.subject, known.name) if known else (None, "")
    session = Session(uuid4().hex, widget.id, visitor, subject, name, origin, groups, shown, ends)
    row = {"id": session.id, "widget_id": widget.id, "visitor_id": visitor, "origin": origin, "messages": 0}
    more = {"groups": json.dumps(groups), "resume_hash": resume_hash, "conversation_id": shown}
    connection.execute(insert(widget_sessions), {**row, **more, "created_at": moment, "expires_at": ends})
    return session


def _found(engine: Engine, *conditions: Any) -> Session | None:
    chosen = (
        select(widget_sessions, widget_visitors.c.subject, widget_visitors.c.name)
        .join(widget_visitors, widget_visitors.c.id == widget_sessions.c.visitor_id)
        .join(widgets, widgets.c.id == widget_sessions.c.widget_id)
        .where(*conditions, widgets.c.enabled)
        .order_by(widget_sessions.c.created_at.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(chosen.where(widget_sessions.c.expires_at > now(connection))).first()
    return None if row is None else _session(row)


def _session(row: Row[Any]) -> Session:
    groups = tuple(json.loads(row.groups))
    who = (row.id, row.widget_id, row.visitor_id, row.subject, row.name)
    return Session(*who, row.origin, groups, row.conversation_id, row.expires_at)
