"""Parameters of skills as the tests of calls write them."""

from __future__ import annotations

from typing import Any

from skills.types import Schema


def schema(required: list[str], **properties: dict[str, Any]) -> Schema:
    """An object with these properties and no others."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


WHOLE = {"type": "integer"}
NUMBER = {"type": "number"}
TEXT = {"type": "string"}
AREA = schema(["base", "height"], base=WHOLE, height=WHOLE)
FORECAST = schema(["city", "days"], city=TEXT, days=WHOLE)
ROUTE = schema(["start", "end"], start=TEXT, end=TEXT)
