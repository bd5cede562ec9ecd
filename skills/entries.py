"""Entries: what a file `<name>.skill.yaml` may say about where skills come from and how they may be used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from skills.auth import Auth, PerUser
from skills.calling import wrong_arguments
from skills.errors import BadSkill, yaml_said
from skills.yaml_text import read_yaml

Verb = Literal["get", "head", "options", "post", "put", "patch", "delete"]
Prefix = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,31}$|^$")]
_MAX_ENTRY_BYTES = 100_000


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]{0,64}$", description="Shown as the source; the file's name")
    prefix: Prefix = Field(default="", description="Put before each skill's name")
    readers: frozenset[str] = Field(default=frozenset({"everyone"}), description="Principals who may use the skills")


class PythonEntry(_Entry):
    """A Python module beside the entry."""

    kind: Literal["python"]
    module: str = Field(description="File or folder, relative to the entry")
    hosts: frozenset[str] = Field(default=frozenset(), description="Hosts that skills.outside.fetch may ask")


class OpenApiEntry(_Entry):
    """An OpenAPI document."""

    kind: Literal["openapi"]
    document: str = Field(description="File relative to the entry, or URL")
    origin: str = Field(default="", max_length=200, description="How a document that was given came, for people")
    server: str | None = Field(
        default=None, pattern=r"^https?://", description="Base address, where the document's is not the right one"
    )
    verbs: frozenset[Verb] = Field(default=frozenset({"get"}), description="Methods that may be used")
    only: frozenset[str] | None = Field(default=None, description="Names of the operations to offer; none: all")
    auth: Auth | None = None
    outbound: bool = Field(default=True, description="Arguments leave the company: asks once strangers' text is near")

    @property
    def came_from(self) -> str:
        """Return where the document came from, for people."""
        if self.document.startswith(("http://", "https://")):
            return _shown(self.document)
        return self.origin or f"the file {self.document}"


class McpEntry(_Entry):
    """An MCP server: an address, or (in a file on disk only) a program to start."""

    kind: Literal["mcp"]
    url: str | None = None
    command: Path | None = Field(default=None, description="Absolute path, one of the setting stdio_commands")
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default={}, description="Environment of the program; nothing else is handed on")
    auth: Auth | None = None
    reads: frozenset[str] = Field(default=frozenset(), description="Tools that change nothing, as you know them")
    long: frozenset[str] = Field(default=frozenset(), description="Tools whose calls may take minutes")
    trust_hints: bool = Field(default=False, description="Believe the server's own readOnlyHint")
    only: frozenset[str] | None = Field(default=None, description="Names of the tools to offer; none: all")

    @property
    def came_from(self) -> str:
        """Return where the tools come from, for people."""
        return f"the program {self.command}" if self.url is None else _shown(self.url)

    @model_validator(mode="after")
    def _one_way_in(self) -> McpEntry:
        if (self.url is None) == (self.command is None):
            raise ValueError("give either url or command")
        if isinstance(self.auth, PerUser):
            raise ValueError("an MCP connection is shared, so auth cannot be of kind user")
        return self


Entry = PythonEntry | OpenApiEntry | McpEntry
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])


def read_entry(path: Path) -> Entry:
    """Return the entry in the file `path`; raises BadSkill with what is wrong in it."""
    raw = path.read_bytes()
    if len(raw) > _MAX_ENTRY_BYTES:
        raise BadSkill(f"{path} has {len(raw)} bytes, over the limit of {_MAX_ENTRY_BYTES}.")
    try:
        entry = _ENTRY.validate_python(read_yaml(raw, path.name))
    except yaml.YAMLError as exc:
        raise BadSkill(f"{path.name} is no YAML: {yaml_said(exc, path.name)}") from exc
    except ValidationError as exc:
        said = wrong_arguments(exc).removeprefix("Wrong arguments: ")
        raise BadSkill(f"{path.name} is no valid entry. {said}") from exc
    return entry if entry.name else entry.model_copy(update={"name": path.name.removesuffix(".skill.yaml")})


def _shown(url: str) -> str:
    """Return an address without what may be secret in it: a password, and what stands behind the question mark."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is no URL"  # loading it says so too, in an error that is expected there
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
