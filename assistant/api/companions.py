"""Which assistant of the gallery a request is for, and the request with the assistant put to use."""

from __future__ import annotations

from dataclasses import replace

from assistant.api import errors
from assistant.app import App
from assistant.calling.service import SkillService
from assistant.gallery import companion, store
from assistant.gallery.applied import Offer, applied
from assistant.gallery.choices import Choices
from assistant.gallery.companion import Companion
from assistant.gallery.store import PREFIX, Assistant
from assistant.orchestration.skill_stage import person_of
from assistant.threads import in_thread
from assistant.types import Caller, TurnOptions
from knowledge import collections
from skills.errors import SkillError


async def asked(app: App, caller: Caller, model: str, assistant_id: str | None, inside: str | None) -> Companion | None:
    """Return the assistant that a request names by id or as its model, or that its conversation `inside` has.

    Raises the refusal of one that is not there for the caller, or is not the conversation's.
    """
    kept = None if inside is None else await in_thread(companion.of, app.engine, caller, inside)
    wanted = await _wanted(app, caller, model, assistant_id)
    if wanted is None:
        return kept
    if inside is None:
        return Companion(wanted.id, wanted.name, "ready", wanted)
    if kept is None or kept.id != wanted.id:
        detail = "This conversation was not begun with that assistant; begin a new one with it, or leave it out."
        raise errors.invalid(detail, "assistant.assistant_id")
    return kept


async def joined(app: App, caller: Caller, options: TurnOptions, kept: Companion | None) -> tuple[Caller, TurnOptions]:
    """Return who asks and how, with the assistant put to use, and a word about what became of it."""
    if kept is None:
        return caller, options
    options = replace(options, notice=(kept.notice or "") if not kept.told else "")
    if kept.assistant is None:
        return caller, options
    return await in_thread(applied, app.engine, await offer(app), kept.assistant, caller, options)


async def settle(app: App, conversation_id: str | None, kept: Companion | None) -> None:
    """Note that the answer to come tells what became of the conversation's assistant."""
    if conversation_id is not None and kept is not None and kept.state != "ready" and not kept.told:
        await in_thread(companion.settle, app.engine, conversation_id, kept)


async def found(app: App, caller: Caller, assistant_id: str) -> Assistant:
    """Return an assistant that the caller may use; raises the refusal of any other."""
    one = await in_thread(store.find, app.engine, caller, assistant_id)
    if one is None:
        raise errors.unknown("assistant")
    return one


async def offer(app: App) -> Offer:
    """Return the models and prompts that assistants may name."""
    models = {model.name for model in app.models.status() if model.enabled}
    return Offer(models, await in_thread(app.prompts.nameable))


async def choices(app: App, caller: Caller) -> Choices:
    """Return what the caller may build an assistant from."""
    readable = await in_thread(collections.names, app.engine, caller.scope, None)
    return Choices(await offer(app), readable, await _skills(app.skills, caller))


async def _skills(service: SkillService, caller: Caller) -> frozenset[str]:
    try:
        skillset = await service.ready()
    except SkillError:  # which the log and the page Status tell; there is nothing to choose from then
        return frozenset()
    return frozenset(skill.name for skill in await skillset.for_person(person_of(caller)))


async def _wanted(app: App, caller: Caller, model: str, assistant_id: str | None) -> Assistant | None:
    if assistant_id is not None:
        return await found(app, caller, assistant_id)
    if not model.startswith(PREFIX):
        return None
    one = await in_thread(store.by_model, app.engine, caller, model)
    if one is None:
        detail = f"There is no model {model[:80]!r}; GET /v1/models lists what there is."
        raise errors.Refusal(404, "model-not-found", detail, parameter="model")
    return one
