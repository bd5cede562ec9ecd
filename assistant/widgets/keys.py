"""Signing keys of widgets: two are good at a time, so that the host site can change over without an outage.

A secret is derived from the installation's own key and the id of its row, and stored nowhere: a copy of the database
alone signs nothing.
"""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Engine, delete, insert, select

from assistant.secret_file import Secrets
from assistant.widgets.tables import widget_keys, widgets
from assistant.widgets.types import WidgetKey
from knowledge.database import now, reading

PREFIX = "wsk_"
KEPT = 2


def add(engine: Engine, secrets: Secrets, widget_id: str) -> tuple[WidgetKey, str] | None:
    """Return a new key and its secret, to be shown once; the older of two others stops being good now.

    None when there is no such widget.
    """
    with engine.begin() as connection:
        if connection.execute(select(widgets.c.id).where(widgets.c.id == widget_id).with_for_update()).first() is None:
            return None
        key = WidgetKey(uuid4().hex, now(connection))
        values = {"id": key.id, "widget_id": widget_id, "created_at": key.created_at}
        connection.execute(insert(widget_keys), values)
        newest = select(widget_keys.c.id).where(widget_keys.c.widget_id == widget_id)
        found = connection.execute(newest.order_by(widget_keys.c.created_at.desc(), widget_keys.c.id)).scalars().all()
        kept = [key.id, *(other for other in found if other != key.id)][:KEPT]
        old = widget_keys.c.widget_id == widget_id, widget_keys.c.id.not_in(kept)
        connection.execute(delete(widget_keys).where(*old))
    return key, secret_of(secrets, key.id)


def of(engine: Engine, widget_id: str) -> list[WidgetKey]:
    """Return the keys of a widget that are good now, newest first."""
    chosen = select(widget_keys).where(widget_keys.c.widget_id == widget_id)
    with reading(engine) as connection:
        rows = connection.execute(chosen.order_by(widget_keys.c.created_at.desc(), widget_keys.c.id)).all()
    return [WidgetKey(row.id, row.created_at) for row in rows]


def retire(engine: Engine, widget_id: str, key_id: str) -> bool:
    """Make a key useless at once; False when the widget has no such key."""
    mine = widget_keys.c.widget_id == widget_id, widget_keys.c.id == key_id
    with engine.begin() as connection:
        return connection.execute(delete(widget_keys).where(*mine)).rowcount > 0


def secret_for(engine: Engine, secrets: Secrets, widget_id: str, key_id: str) -> str | None:
    """Return the secret of a key that is good for that widget now, None for any other."""
    mine = widget_keys.c.widget_id == widget_id, widget_keys.c.id == key_id
    with reading(engine) as connection:
        found = connection.execute(select(widget_keys.c.id).where(*mine)).first()
    return None if found is None else secret_of(secrets, key_id)


def secret_of(secrets: Secrets, key_id: str) -> str:
    """Return the secret that belongs to a key's id: `wsk_<id>.<64 hex digits>`, all of it the key of HMAC-SHA256."""
    return f"{PREFIX}{key_id}.{secrets.digest(f'widget-key:{key_id}')}"
