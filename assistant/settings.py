"""All settings of the product in one frozen object; the only place where the environment is read.

A setting is an environment variable: the prefix ASSISTANT_, the name in capitals, two underscores before a field of a
nested group, e.g. ASSISTANT_PORT=9000 or ASSISTANT_SKILLS__TIMEOUT_S=30. Lists are JSON. A name that does not exist is
refused: a misspelt limit would otherwise silently not hold.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from assistant.errors import InvalidSetting, UnknownSetting
from assistant.memory.settings import MemorySettings
from assistant.models.settings import ModelSettings
from assistant.orchestration.settings import PromptSettings, TurnSettings
from assistant.widgets.settings import WidgetSettings
from ingest.settings import IngestSettings
from knowledge.settings import KnowledgeSettings
from skills.settings import SkillsSettings

PREFIX = "ASSISTANT_"
GiB = 1024**3


class ApiSettings(BaseModel):
    """Limits of the HTTP API; each holds for every route unless its description names one."""

    model_config = {"extra": "forbid", "frozen": True}

    max_json_bytes: int = Field(default=1_000_000, ge=1_000, le=100_000_000, description="Largest JSON body")
    max_upload_bytes: int = Field(
        default=GiB, ge=1_000, description="Largest body of an upload, all its files together"
    )
    max_attachment_bytes: int = Field(
        default=100_000_000, ge=1_000, description="Largest body of an upload to a conversation"
    )
    max_attachments: int = Field(default=50, ge=1, le=10_000, description="Most files attached to one conversation")
    max_upload_files: int = Field(default=2_000, ge=1, le=100_000, description="Most files in one upload")
    header_timeout_s: float = Field(default=10.0, gt=0, le=120, description="Longest time for a request's headers")
    max_header_bytes: int = Field(
        default=65_536, ge=8_192, le=1_048_576, description="Largest request line and headers"
    )
    body_idle_timeout_s: float = Field(
        default=15.0, gt=0, le=120, description="Every so often a body must have brought body_min_bytes more"
    )
    body_min_bytes: int = Field(default=1_024, ge=1, description="See body_idle_timeout_s")
    body_timeout_s: float = Field(default=120.0, gt=0, le=3_600, description="Longest time for a whole JSON body")
    send_timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="A reader who takes nothing for so long is cut off"
    )
    max_connections: int = Field(default=2_000, ge=10, description="Open connections; further ones are closed at once")
    max_chats: int = Field(default=256, ge=1, description="Chats answered at the same time")
    max_queued_chats: int = Field(default=256, ge=0, description="Chats that wait for a place; further ones get 429")
    max_chats_per_user: int = Field(default=32, ge=1, description="Chats of one person, running and waiting")
    chats_per_minute_per_user: int = Field(default=240, ge=1, description="Chats that one person may begin in a minute")
    max_searches: int = Field(default=8, ge=1, description="Searches and embeddings at the same time")
    max_queued_searches: int = Field(
        default=256, ge=0, description="Searches that wait for a place; further ones get 429"
    )
    chat_timeout_s: float = Field(default=300.0, gt=0, le=3_600, description="Longest duration of one answer")
    resume_grace_s: float = Field(
        default=10.0, ge=0, le=300, description="How long an answer goes on when nobody reads it any more"
    )
    stream_kept_s: float = Field(
        default=60.0, ge=0, le=3_600, description="A finished answer can be read again so long"
    )
    stream_buffer_bytes: int = Field(
        default=1_000_000, ge=10_000, description="Kept of one answer's stream for resuming"
    )
    recheck_credentials_s: float = Field(
        default=2.0, gt=0, le=60, description="How often open streams are held against suspensions"
    )


class PeopleSettings(BaseModel):
    """Sign-in: how long it lasts and how often it may fail."""

    model_config = {"extra": "forbid", "frozen": True}

    session_days: float = Field(default=14.0, gt=0, le=365, description="A session ends so long after sign-in")
    setup_link_hours: float = Field(
        default=24.0, gt=0, le=720, description="The first administrator's link is good so long"
    )
    min_password_chars: int = Field(default=10, ge=8, le=128, description="Shortest password")
    failed_logins: int = Field(
        default=10, ge=1, le=100, description="Wrong passwords for one account in failed_login_window_s"
    )
    failed_login_window_s: float = Field(default=900.0, ge=1, le=86_400, description="See failed_logins")


class Settings(BaseSettings):
    """Every setting of the product; `load` builds it from the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Field(default=Path("var"), description="Folder with everything that this installation stores")
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL of a PostgreSQL database; unset: assistant.db in the data folder"
    )
    host: str = Field(default="127.0.0.1", description="Address that the API listens on")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port of the API; 0: any free one")
    ui_port: int = Field(default=8501, ge=0, le=65_535, description="Port of the page; 0: any free one")
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="More host names of the API, besides loopback, `host` and the machine's own"
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=("127.0.0.1/32", "::1/128"), description="Networks whose X-Forwarded-For is believed"
    )
    secret: SecretStr | None = Field(
        None,
        description="64 hex digits that key the stored hashes of tokens; unset: made on first run, in secrets.json",
    )
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="Least severe log line written"
    )
    api: ApiSettings = ApiSettings()
    people: PeopleSettings = PeopleSettings()
    models: ModelSettings = ModelSettings()
    turn: TurnSettings = TurnSettings()
    memory: MemorySettings = MemorySettings()
    prompts: PromptSettings = PromptSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    ingest: IngestSettings = IngestSettings()
    skills: SkillsSettings = SkillsSettings()
    widgets: WidgetSettings = WidgetSettings()

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ipaddress.ip_network(network)
        return networks

    @property
    def sql_url(self) -> str:
        """Return the URL of the database that is used."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'assistant.db'}"

    @property
    def hosts(self) -> frozenset[str]:
        """Return the host names, in lower case and without port, under which the API answers."""
        own = {"localhost", "127.0.0.1", "::1", socket.gethostname(), self.host, *self.allowed_hosts}
        return frozenset(name.lower() for name in own) - {"0.0.0.0", "::"}  # noqa: S104 - left out, not listened on


def load(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Return the settings of `environment` (the process's own by default); `given` ones that are not None win over it.

    Raises UnknownSetting for a variable with our prefix that is no setting, InvalidSetting for a value out of range.
    """
    names = os.environ if environment is None else environment
    known = set(_variables(Settings, PREFIX))
    for name in sorted(names):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "Remove it; docs/generated/settings.md lists what there is."
            raise UnknownSetting(f"The environment sets {name}, which is no setting. {hint}")
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        name = PREFIX + "__".join(str(part) for part in first["loc"]).upper()
        raise InvalidSetting(f"{name} cannot be used: {first['msg']}. Correct or remove it.") from exc


def _variables(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name}".upper()
        yield variable
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _variables(field.annotation, f"{variable}__")
