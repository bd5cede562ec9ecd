"""What administrators chose about models while the server runs; kept in the database, so that a restart keeps it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import cast, get_args

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Engine, delete, insert, select

from assistant.models.policy import shelf
from assistant.models.policy.learner import Actor
from assistant.models.presets import Preset
from assistant.tables import model_choices
from knowledge.database import reading

_FROZEN = ConfigDict(extra="ignore", frozen=True)
_PRESET = "preset"


class AdapterChoice(BaseModel):
    """One adapter: whether the vLLM server is to have it loaded, and which questions are its own."""

    model_config = _FROZEN

    loaded: bool = False
    description: str = Field(default="", max_length=1_000)
    examples: tuple[str, ...] = Field(default=(), max_length=50)


class Choices(BaseModel):
    """All choices."""

    model_config = _FROZEN

    adapters: Mapping[str, AdapterChoice] = {}
    off: frozenset[str] = frozenset()  # models that are not to be asked
    preset: Preset = "precise"
    actor: Actor | None = None  # the learned policy that acts


def read(engine: Engine) -> Choices:
    """Return what was chosen; nothing chosen is an empty table."""
    with reading(engine) as connection:
        rows = connection.execute(select(model_choices.c.kind, model_choices.c.name, model_choices.c.value)).all()
    adapters = {name: AdapterChoice.model_validate_json(value) for kind, name, value in rows if kind == "adapter"}
    off = frozenset(name for kind, name, value in rows if kind == "model" and not json.loads(value))
    presets = [json.loads(value) for kind, _, value in rows if kind == _PRESET]
    known = presets and presets[0] in get_args(Preset)
    acting = shelf.active(engine)
    preset = cast("Preset", presets[0]) if known else "precise"
    return Choices(adapters=adapters, off=off, preset=preset, actor=acting.actor if acting else None)


def set_adapter(engine: Engine, name: str, choice: AdapterChoice, by: str) -> None:
    """Keep what was chosen about an adapter; `by` is a user's id."""
    _put(engine, "adapter", name, choice.model_dump_json(), by)


def set_model(engine: Engine, name: str, enabled: bool, by: str) -> None:
    """Switch a model on or off."""
    _put(engine, "model", name, json.dumps(enabled), by)


def set_preset(engine: Engine, preset: Preset, by: str) -> None:
    """Set how tokens are chosen where a request does not say."""
    _put(engine, _PRESET, _PRESET, json.dumps(preset), by)


def _put(engine: Engine, kind: str, name: str, value: str, by: str) -> None:
    row = {"kind": kind, "name": name, "value": value, "updated_by": by, "updated_at": time.time()}
    with engine.begin() as connection:
        _forget(connection, kind, name)
        connection.execute(insert(model_choices).values(**row))


def _forget(connection: Connection, kind: str, name: str) -> None:
    same = (model_choices.c.kind == kind) & (model_choices.c.name == name)
    connection.execute(delete(model_choices).where(same))
