"""What administrators do with widgets."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from assistant.api import errors
from assistant.api.auth import ADMIN, Guarded
from assistant.api.deps import Id, Line, Parts
from assistant.api.doors import Shared
from assistant.api.schemas import Json, Name, Strict
from assistant.api.widget_wire import turn_json
from assistant.app import App
from assistant.gallery import store as gallery
from assistant.people.credentials import Credential
from assistant.threads import in_thread
from assistant.widgets import hand_over, keys, quota, registry, transcripts, visitors
from assistant.widgets.types import Widget

router = APIRouter(route_class=Guarded, prefix="/api/widgets", tags=["widgets"])

Admin = Annotated[Credential, Depends(ADMIN)]
Limit = Annotated[int, Query(ge=1, le=200)]


class WidgetBody(Strict):
    """A new widget; parts of the profile that are left out keep their defaults."""

    name: Name
    profile: dict[Line, Any] = Field(default_factory=dict)


class WidgetChange(Strict):
    """What may change about a widget; what is left out stays. Parts of the profile are replaced whole."""

    name: Name | None = None
    enabled: bool | None = None
    profile: dict[Line, Any] | None = None


@router.get("")
async def list_widgets(app: Parts, admin: Admin) -> Json:
    """List all widgets with what they used today."""
    found = await in_thread(registry.all_of, app.engine)
    return {"widgets": [await _json(app, widget) for widget in found]}


@router.post("", status_code=201)
async def add_widget(body: WidgetBody, app: Parts, admin: Admin) -> Json:
    """Make a widget; it is switched off and has no key yet."""
    profile = registry.checked(body.profile)
    await _check_assistant(app, profile.assistant)
    return await _json(app, await in_thread(registry.create, app.engine, body.name, profile))


@router.get("/{widget_id}")
async def read_widget(widget_id: Id, app: Parts, admin: Admin) -> Json:
    """Return a widget with its profile."""
    return await _json(app, await _widget(app, widget_id))


@router.patch("/{widget_id}")
async def change_widget(widget_id: Id, body: WidgetChange, app: Parts, admin: Admin) -> Json:
    """Change a widget. Switching it off ends every visit at once; switching it on does not bring them back."""
    await _check_assistant(app, (body.profile or {}).get("assistant"))
    changed = await in_thread(registry.change, app.engine, widget_id, body.name, body.enabled, body.profile)
    if changed is None:
        raise errors.unknown("widget")
    if body.enabled is False:
        await in_thread(visitors.end_all, app.engine, widget_id)
    return await _json(app, changed)


@router.delete("/{widget_id}", status_code=204)
async def remove_widget(widget_id: Id, app: Parts, admin: Admin) -> None:
    """Delete a widget with its keys and all that its visitors said."""
    if not await in_thread(registry.remove, app.engine, widget_id):
        raise errors.unknown("widget")


@router.post("/{widget_id}/keys", status_code=201)
async def add_key(widget_id: Id, app: Parts, admin: Admin) -> Json:
    """Make a signing key and return its secret, this once; of the others, only the newest stays good."""
    made = await in_thread(keys.add, app.engine, app.secrets, widget_id)
    if made is None:
        raise errors.unknown("widget")
    return asdict(made[0]) | {"secret": made[1]}


@router.delete("/{widget_id}/keys/{signing_key_id}", status_code=204)
async def retire_key(widget_id: Id, signing_key_id: Id, app: Parts, admin: Admin) -> None:
    """Make a signing key useless at once."""
    if not await in_thread(keys.retire, app.engine, widget_id, signing_key_id):
        raise errors.unknown("key")


@router.get("/{widget_id}/transcripts")
async def list_transcripts(
    widget_id: Id,
    app: Parts,
    admin: Admin,
    limit: Limit = 50,
    before: Annotated[float | None, Query(allow_inf_nan=False, description="Go on behind this updated_at")] = None,
) -> Json:
    """List what visitors said, the last used conversation first."""
    await _widget(app, widget_id)
    found = await in_thread(transcripts.page, app.engine, widget_id, limit, before)
    return {"transcripts": [asdict(one) for one in found]}


@router.get("/{widget_id}/transcripts/{transcript_id}")
async def read_transcript(widget_id: Id, transcript_id: Id, app: Parts, admin: Admin) -> Json:
    """Return one conversation of a visitor."""
    found = await in_thread(transcripts.read, app.engine, widget_id, transcript_id)
    if found is None:
        raise errors.unknown("conversation")
    return {"id": found.id, "title": found.title, "turns": [turn_json(turn) for turn in found.turns]}


@router.delete("/{widget_id}/transcripts/{transcript_id}", status_code=204)
async def remove_transcript(widget_id: Id, transcript_id: Id, app: Parts, admin: Admin) -> None:
    """Delete one conversation of a visitor for good, with its attachments and all that was recorded of it."""
    if not await in_thread(transcripts.remove, app.engine, widget_id, transcript_id):
        raise errors.unknown("conversation")


@router.get("/{widget_id}/hand-overs")
async def list_hand_overs(widget_id: Id, app: Parts, admin: Admin, limit: Limit = 50) -> Json:
    """List visitors' requests for a person, newest first, and whether they could be sent."""
    await _widget(app, widget_id)
    found = await in_thread(hand_over.of, app.engine, widget_id, limit)
    return {"hand_overs": [asdict(one) for one in found]}


@router.post("/{widget_id}/hand-overs/{hand_over_id}/send")
async def send_hand_over(widget_id: Id, hand_over_id: Id, app: Parts, doors: Shared, admin: Admin) -> Json:
    """Send a request for a person again, and tell how that went."""
    widget = await _widget(app, widget_id)
    request = await in_thread(hand_over.get, app.engine, widget_id, hand_over_id)
    if request is None:
        raise errors.unknown("request for a person")
    return asdict(await hand_over.send(app.engine, doors.widgets.outbox, app.skills, widget, request))


async def _check_assistant(app: App, named: object) -> None:
    """Raise the refusal of an assistant that no administrator owns: others must not decide what the public is told."""
    if isinstance(named, str) and named and await in_thread(gallery.of_administrator, app.engine, named) is None:
        detail = "A widget takes an administrator's own assistant; duplicate that one, and name the copy by its id."
        raise errors.invalid(detail, "assistant")


async def _widget(app: App, widget_id: str) -> Widget:
    found = await in_thread(registry.get, app.engine, widget_id)
    if found is None:
        raise errors.unknown("widget")
    return found


async def _json(app: App, widget: Widget) -> Json:
    used = await in_thread(quota.used_today, app.engine, widget.id)
    good = await in_thread(keys.of, app.engine, widget.id)
    return {
        "id": widget.id,
        "name": widget.name,
        "enabled": widget.enabled,
        "profile": widget.profile.model_dump(mode="json"),
        "keys": [asdict(key) for key in good],
        "today": asdict(used),
        "snippet": snippet(
            app.settings.widgets.public_url or f"http://{app.settings.host}:{app.settings.port}", widget.id
        ),
        "created_at": widget.created_at,
        "updated_at": widget.updated_at,
    }


def snippet(address: str, widget_id: str) -> str:
    """Return the tag that a page needs; `address` is that of the API as the page's visitors reach it."""
    return f'<script src="{address.rstrip("/")}/widget.js" data-widget="{widget_id}" async></script>'
