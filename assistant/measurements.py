"""What administrators had measured about models, kept until it is measured anew."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Engine, delete, insert, select

from assistant.tables import model_choices
from knowledge.database import reading

Kind = Literal["worth", "speculation"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement."""

    figures: Any  # JSON, as whoever measured knows it
    at: float  # seconds since the epoch


def keep(engine: Engine, kind: Kind, name: str, figures: Any, by: str) -> None:
    """Keep a measurement in place of the one before it; `by` is a user's id."""
    row = {"kind": kind, "name": name, "value": json.dumps(figures), "updated_by": by, "updated_at": time.time()}
    same = (model_choices.c.kind == kind) & (model_choices.c.name == name)
    with engine.begin() as connection:
        connection.execute(delete(model_choices).where(same))
        connection.execute(insert(model_choices).values(**row))


def kept(engine: Engine, kind: Kind) -> dict[str, Measured]:
    """Return the measurements of a kind by the names of what was measured."""
    query = select(model_choices).where(model_choices.c.kind == kind).order_by(model_choices.c.name)
    with reading(engine) as connection:
        return {row.name: Measured(json.loads(row.value), row.updated_at) for row in connection.execute(query)}
