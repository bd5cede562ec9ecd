"""What all shapes have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _epoch(value: object) -> object:
    """Return epoch seconds for an ISO 8601 text; leave anything else to the validator."""
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value


Epoch = Annotated[float, BeforeValidator(_epoch)]  # seconds since 1970


class Wire(BaseModel):
    """Base of all shapes: frozen, tolerant of new fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")
