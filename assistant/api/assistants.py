"""The gallery: assistants that people set up, share by readers, pass on as files, and that administrators withdraw."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from assistant.api import errors
from assistant.api.auth import ADMIN, SIGNED_IN, Guarded
from assistant.api.companions import choices, found
from assistant.api.deps import Id, Line, Parts
from assistant.api.schemas import Json, Readers, Strict
from assistant.app import App
from assistant.gallery import store
from assistant.gallery.choices import Choices, checked, entry_of, fitted
from assistant.gallery.setup import COLOURS, FORMAT, ICONS, File, Setup
from assistant.gallery.store import PREFIX, Assistant, Draft
from assistant.logs import log
from assistant.models.presets import PRESETS
from assistant.people.credentials import Credential
from assistant.threads import in_thread
from assistant.types import Caller

router = APIRouter(route_class=Guarded, prefix="/api/assistants", tags=["assistants"])
_log = log("gallery")

Signed = Annotated[Credential, Depends(SIGNED_IN)]
Admin = Annotated[Credential, Depends(ADMIN)]
Ids = Annotated[list[Line], Query(max_length=100, description="Which ones; none: all that are the caller's own")]


class AssistantBody(Setup):
    """An assistant, whole."""

    name: Annotated[Line, Field(min_length=1, max_length=200)]
    readers: Readers = Field(default=[], description="Who may use it besides its owner: everyone, group:x, user:id")

    def draft(self, choices: Choices) -> Draft:
        """Return what is to be stored. Raises AssistantUnusable."""
        setup = Setup.model_validate(self.model_dump(exclude={"name", "readers"}))
        return Draft(self.name, checked(setup, choices), frozenset(self.readers))


class WithdrawnBody(Strict):
    """Whether it is taken out of the gallery."""

    withdrawn: bool


@router.get("")
async def list_assistants(
    app: Parts, credential: Signed, q: Annotated[Line, Query(description="Words of the name or description")] = ""
) -> Json:
    """List the assistants that the caller may use, by name."""
    caller = credential.caller
    listed = await in_thread(store.listed, app.engine, caller, q)
    return {"assistants": await cards(app, caller, listed)}


@router.get("/choices")
async def list_choices(app: Parts, credential: Signed) -> Json:
    """List what the caller may build an assistant from."""
    mine = await choices(app, credential.caller)
    return {
        "icons": list(ICONS),
        "colours": list(COLOURS),
        "models": sorted(mine.offer.models),
        "prompts": [{"name": name, "job": job} for name, job in mine.offer.prompts.items()],
        "presets": [{"name": name, "about": manner.about} for name, manner in PRESETS.items()],
        "collections": [{"id": key, "name": name} for key, name in mine.collections.items()],
        "skills": sorted(mine.skills),
    }


@router.get("/export")
async def export_assistants(app: Parts, credential: Signed, id: Ids = []) -> Json:  # noqa: A002, B006 - its name in the address; FastAPI copies it
    """Return assistants as a file that can be imported elsewhere: without owners, readers and ids."""
    caller = credential.caller
    mine = await choices(app, caller)
    if id:
        chosen = [await found(app, caller, one) for one in id]
    else:
        chosen = [one for one in await in_thread(store.listed, app.engine, caller) if one.owner_id == caller.user_id]
    entries = [entry_of(one.name, one.setup, mine).model_dump(mode="json") for one in chosen]
    return {"format": FORMAT, "version": 1, "assistants": entries}


@router.post("/import", status_code=201)
async def import_assistants(body: File, app: Parts, credential: Signed) -> Json:
    """Make assistants of a file the caller's own, shared with nobody; what is not there is left out and told."""
    caller, made, left_out = credential.caller, [], []
    mine = await choices(app, caller)
    for entry in body.assistants:
        setup, problems = fitted(Setup.model_validate(entry.model_dump(exclude={"name"})), mine)
        name = await in_thread(store.free_name, app.engine, caller, entry.name)
        made.append(await in_thread(store.add, app.engine, caller, Draft(name, setup)))
        left_out += [f"{name}: {problem}" for problem in problems]
    return {"assistants": await cards(app, caller, made), "left_out": left_out}


@router.post("", status_code=201)
async def add_assistant(body: AssistantBody, app: Parts, credential: Signed) -> Json:
    """Make an assistant of the caller's own."""
    caller = credential.caller
    draft = body.draft(await choices(app, caller))
    return await _card(app, caller, await in_thread(store.add, app.engine, caller, draft))


@router.get("/{assistant_id}")
async def read_assistant(assistant_id: Id, app: Parts, credential: Signed) -> Json:
    """Return an assistant; of its collections and skills those that are there for the caller."""
    return await _card(app, credential.caller, await found(app, credential.caller, assistant_id))


@router.put("/{assistant_id}")
async def change_assistant(assistant_id: Id, body: AssistantBody, app: Parts, credential: Signed) -> Json:
    """Write an assistant of the caller's own anew; chats that use it say so and go on with the new form."""
    caller = credential.caller
    before = await found(app, caller, assistant_id)
    if not store.may_change(caller, before):
        raise errors.not_allowed(f"Only the owner may change {before.name!r}; duplicate it and change the copy.")
    draft = body.draft(await choices(app, caller))
    made = await in_thread(store.change, app.engine, caller, assistant_id, draft)
    if made is None:
        raise errors.unknown("assistant")
    return await _card(app, caller, made)


@router.delete("/{assistant_id}", status_code=204)
async def delete_assistant(assistant_id: Id, app: Parts, credential: Signed) -> None:
    """Delete an assistant of the caller's own, or as an administrator a shared one; its chats go on without it."""
    if not await in_thread(store.remove, app.engine, credential.caller, assistant_id):
        raise errors.unknown("assistant")
    _log.info("assistant deleted", assistant_id=assistant_id, by=credential.caller.user_id)


@router.post("/{assistant_id}/duplicate", status_code=201)
async def duplicate_assistant(assistant_id: Id, app: Parts, credential: Signed) -> Json:
    """Make a copy of the caller's own, shared with nobody, of what of the assistant is there for them."""
    caller = credential.caller
    one = await found(app, caller, assistant_id)
    setup, _ = fitted(one.setup, await choices(app, caller))
    name = await in_thread(store.free_name, app.engine, caller, one.name)
    return await _card(app, caller, await in_thread(store.add, app.engine, caller, Draft(name, setup)))


@router.put("/{assistant_id}/withdrawn")
async def withdraw_assistant(assistant_id: Id, body: WithdrawnBody, app: Parts, admin: Admin) -> Json:
    """Take a shared assistant out of the gallery, so that only its owner may use it, or put it back."""
    changed = await in_thread(store.withdraw, app.engine, admin.caller, assistant_id, body.withdrawn)
    if changed is None:
        raise errors.unknown("assistant")
    _log.info("assistant withdrawn", assistant_id=assistant_id, withdrawn=body.withdrawn, by=admin.caller.user_id)
    return await _card(app, admin.caller, changed)


async def cards(app: App, caller: Caller, listed: list[Assistant]) -> list[Json]:
    """Return assistants as the caller may see them."""
    mine = await choices(app, caller)
    models = {one.id: name for name, one in (await in_thread(store.models, app.engine, caller)).items()}
    return [_json(one, caller, mine, models.get(one.id, PREFIX + one.id)) for one in listed]


async def _card(app: App, caller: Caller, one: Assistant) -> Json:
    return (await cards(app, caller, [one]))[0]


def _json(one: Assistant, caller: Caller, mine: Choices, model_name: str) -> Json:
    named, skills = one.setup.collections, one.setup.skills
    readable = named and [{"id": key, "name": mine.collections[key]} for key in named if key in mine.collections]
    own = store.may_change(caller, one)
    return one.setup.model_dump(mode="json") | {
        "id": one.id,
        "name": one.name,
        "model_name": model_name,
        "collections": readable,
        "skills": None if skills is None else [name for name in skills if name in mine.skills],
        "owner": one.owner,
        "own": own,
        "shared": bool(one.readers),
        "readers": sorted(one.readers) if own or caller.is_admin else None,  # who else uses it is their affair
        "withdrawn": one.withdrawn,
        "revision": one.revision,
        "updated_at": one.updated_at,
    }
