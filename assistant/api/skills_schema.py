"""Bodies of the routes about skills."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator

from assistant.api.deps import Line, Text, storable
from assistant.api.own_values import depth
from assistant.api.schemas import Readers, Strict

MAX_DEPTH = 32
SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$")]
FileName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_. -]{0,80}(?:/[A-Za-z0-9_][A-Za-z0-9_. -]{0,80}){0,5}$")
]


class SkillChange(Strict):
    """What administrators decide about a skill; what is left out stays."""

    enabled: bool | None = None
    rule: Literal["allow", "ask", "deny", "default"] | None = None
    readers: Readers | None = None


class CallBody(Strict):
    """A call by hand, through the same guards as in a chat."""

    arguments: dict[Line, Any] = Field(default_factory=dict, max_length=100)

    @field_validator("arguments")
    @classmethod
    def _bounded(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        if depth(arguments, MAX_DEPTH + 1) > MAX_DEPTH:
            raise ValueError(f"arguments have at most {MAX_DEPTH} levels")
        _storable(arguments)
        return arguments


class SourceBody(Strict):
    """An OpenAPI document or an MCP server at an address. A program to start cannot be given here."""

    name: SourceName
    kind: Literal["openapi", "mcp"]
    address: Annotated[Text, Field(min_length=1, max_length=2_000)]
    options: dict[Line, Any] = Field(default_factory=dict, max_length=20)


class FilesBody(Strict):
    """A Python module, an OpenAPI document, an entry, or the files of a folder with a SKILL.md, as texts."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}(?:\.[A-Za-z0-9.]{1,20})?$")]
    files: dict[FileName, Annotated[Text, Field(max_length=500_000)]] = Field(min_length=1, max_length=50)


class SecretBody(Strict):
    """A secret of skills; nothing ever shows it again."""

    value: Annotated[SecretStr, Field(min_length=1, max_length=10_000)]


def _storable(value: object) -> None:
    """Refuse texts that no database can store, however deep; raises ValueError."""
    if isinstance(value, str):
        storable(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            storable(str(key))
            _storable(inner)
    elif isinstance(value, list):
        for inner in value:
            _storable(inner)
