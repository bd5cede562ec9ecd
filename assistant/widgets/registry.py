"""Widgets as rows: make, read, change, remove. A change holds for the next request."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from pydantic import ValidationError
from sqlalchemy import Engine, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from assistant.people.names import clean_name
from assistant.widgets import transcripts
from assistant.widgets.errors import ProfileRefused, WidgetNameTaken
from assistant.widgets.profile import Profile
from assistant.widgets.tables import widgets
from assistant.widgets.types import Widget
from knowledge.database import now, reading


def create(engine: Engine, name: str, profile: Profile) -> Widget:
    """Store and return a new widget, switched off. Raises WidgetNameTaken or NameUnusable."""
    identifier, cleaned = uuid4().hex, clean_name(name, "widget")
    try:
        with engine.begin() as connection:
            moment = now(connection)
            row = {"id": identifier, "name": cleaned, "enabled": False, "profile": profile.model_dump_json()}
            connection.execute(insert(widgets), {**row, "created_at": moment, "updated_at": moment})
    except IntegrityError as exc:
        raise WidgetNameTaken(f"A widget named {cleaned!r} exists already; choose another name.") from exc
    return Widget(identifier, cleaned, False, profile, moment, moment)


def get(engine: Engine, identifier: str) -> Widget | None:
    """Return the widget with that id, None when there is none."""
    with reading(engine) as connection:
        row = connection.execute(select(widgets).where(widgets.c.id == identifier)).first()
    return None if row is None else _widget(row)


def all_of(engine: Engine) -> list[Widget]:
    """Return all widgets by name."""
    with reading(engine) as connection:
        return [_widget(row) for row in connection.execute(select(widgets).order_by(widgets.c.name))]


def change(
    engine: Engine,
    identifier: str,
    name: str | None = None,
    enabled: bool | None = None,
    changes: dict[str, Any] | None = None,
) -> Widget | None:
    """Change what is not None and return the widget, None when there is none.

    `changes` are the parts of the profile that are replaced, by name. Raises ProfileRefused, WidgetNameTaken or
    NameUnusable, and then nothing has changed.
    """
    values: dict[str, object] = {}
    if name is not None:
        values["name"] = clean_name(name, "widget")
    if enabled is not None:
        values["enabled"] = enabled
    try:
        with engine.begin() as connection:
            row = connection.execute(select(widgets).where(widgets.c.id == identifier).with_for_update()).first()
            if row is None:
                return None
            if changes is not None:
                values["profile"] = checked({**json.loads(row.profile), **changes}).model_dump_json()
            values["updated_at"] = now(connection)
            connection.execute(update(widgets).where(widgets.c.id == identifier).values(**values))
    except IntegrityError as exc:
        raise WidgetNameTaken(f"A widget named {values['name']!r} exists already; choose another name.") from exc
    return get(engine, identifier)


def remove(engine: Engine, identifier: str) -> bool:
    """Delete a widget with its keys, visitors and all they said; False when there is none."""
    transcripts.remove_all(engine, identifier)
    with engine.begin() as connection:
        return connection.execute(delete(widgets).where(widgets.c.id == identifier)).rowcount > 0


def checked(values: dict[str, Any]) -> Profile:
    """Return a profile; raises ProfileRefused with the place and what is wrong there."""
    try:
        return Profile.model_validate(values)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part)[:40] for part in first["loc"]) or "profile"
        raise ProfileRefused(f"{place}: {first['msg'].removeprefix('Value error, ')}.") from exc


def _widget(row: Row[Any]) -> Widget:
    profile = Profile.model_validate_json(row.profile)
    return Widget(row.id, row.name, row.enabled, profile, row.created_at, row.updated_at)
