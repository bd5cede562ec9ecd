"""What may be shown once: remembered, as keyed hashes, until it would be too old anyway."""

from __future__ import annotations

from sqlalchemy import Engine, delete, insert
from sqlalchemy.exc import IntegrityError

from assistant.secret_file import Secrets
from assistant.widgets.tables import widget_spent
from knowledge.database import now


def spend(engine: Engine, secrets: Secrets, what: str, good_until: float) -> bool:
    """Return True the first time that `what` is shown, False ever after; it is forgotten after `good_until`."""
    digest = secrets.digest(f"widget-spent:{what}")
    try:
        with engine.begin() as connection:
            connection.execute(delete(widget_spent).where(widget_spent.c.expires_at < now(connection)))
            connection.execute(insert(widget_spent), {"digest": digest, "expires_at": good_until})
    except IntegrityError:
        return False
    return True
