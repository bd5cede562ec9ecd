"""What somebody sets about sampling themselves: in one request, or for all questions of a conversation.

Numbers outside of their ranges are brought into them, and the answer says so; what is no number is refused.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from assistant.api.deps import Line
from assistant.models.presets import PRESETS, Preset
from assistant.models.ranges import told, within
from assistant.models.types import Sampling

MAX_STOPS = 8
SCHEMA_DEPTH = 16
SCHEMA_CHARACTERS = 20_000
_NUMBERS = ("max_tokens", "temperature", "top_p", "top_k", "min_p", "seed")
_WORDING = ("temperature", "top_p", "top_k", "min_p")  # what a preset is about

# Any number that a JSON reader of ours can hold; models/ranges.py has what is possible.
_Real = Annotated[float, Field(allow_inf_nan=False, strict=True)]
_Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class Numbers(BaseModel):
    """The numbers that may be set."""

    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: _Real | None = None
    top_p: _Real | None = None
    top_k: _Whole | None = None
    min_p: _Real | None = None
    seed: _Whole | None = None


class OwnValues(Numbers):
    """All that may be set; what is left out is as the preset has it."""

    model_config = ConfigDict(extra="forbid")

    preset: Preset | None = None
    stop: list[Annotated[Line, Field(min_length=1)]] | None = Field(default=None, max_length=MAX_STOPS)
    json_schema: dict[str, Any] | None = Field(default=None, description="The answer is JSON that fits this schema")

    @field_validator("json_schema")
    @classmethod
    def _bounded(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        return schema if schema is None else bounded(schema)

    def over(self, kept: OwnValues) -> OwnValues:
        """Return these values, and those of `kept` where nothing is said here; a preset outweighs its numbers."""
        own = self.model_dump(exclude_none=True)
        outweighed = _WORDING if self.preset is not None else ()
        usual = {name: value for name, value in kept.model_dump(exclude_none=True).items() if name not in outweighed}
        return OwnValues.model_validate(usual | own)

    def sampling(self, usual: Preset) -> Sampling:
        """Return how to choose tokens, as `usual` where nothing is said; every number within its range."""
        manner = PRESETS[self.preset or usual]
        tokens = Sampling().max_tokens if self.max_tokens is None else self.max_tokens
        return Sampling(
            max_tokens=within("max_tokens", tokens),
            temperature=manner.temperature if self.temperature is None else within("temperature", self.temperature),
            top_p=manner.top_p if self.top_p is None else within("top_p", self.top_p),
            top_k=within("top_k", self.top_k or 0),
            min_p=manner.min_p if self.min_p is None else within("min_p", self.min_p),
            seed=None if self.seed is None else within("seed", self.seed),
            stop=tuple(self.stop or ()),
            json_schema=self.json_schema,
            by_hand=frozenset(name for name in _NUMBERS if getattr(self, name) is not None),
        )

    def told(self) -> str:
        """Return the sentence about numbers that were outside of their ranges, "" where there are none."""
        return told({name: getattr(self, name) for name in _NUMBERS})


def own_values(text: str) -> OwnValues:
    """Return what a conversation keeps; "" keeps nothing."""
    return OwnValues.model_validate_json(text) if text else OwnValues()


def text_of(values: OwnValues) -> str:
    """Return what a conversation is to keep of `values`, for `own_values`."""
    return values.model_dump_json(exclude_none=True) if values != OwnValues() else ""


def bounded(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON schema. Raises ValueError where it is larger than may be compiled."""
    if depth(schema, SCHEMA_DEPTH + 1) > SCHEMA_DEPTH or len(json.dumps(schema)) > SCHEMA_CHARACTERS:
        raise ValueError(f"a schema has at most {SCHEMA_CHARACTERS} characters and {SCHEMA_DEPTH} levels")
    return schema


def depth(value: object, enough: int) -> int:
    """Return how deeply lists and objects are nested, looking no further than `enough` levels."""
    if enough == 0 or not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max((depth(item, enough - 1) for item in inner), default=0)
