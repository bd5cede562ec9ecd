"""Skills: what the caller may use, what administrators add, decide and look up, and a call by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Query
from fastapi import Path as InPath

from assistant.api import errors
from assistant.api.auth import ADMIN, SIGNED_IN, Guarded
from assistant.api.deps import Id, Parts
from assistant.api.schemas import Json
from assistant.api.skills_schema import CallBody, FilesBody, SecretBody, SkillChange, SourceBody
from assistant.app import App
from assistant.calling import approvals
from assistant.calling.report import blocked, report, shown
from assistant.logs import log
from assistant.orchestration.session import Pending
from assistant.orchestration.skill_stage import person_of
from assistant.people.credentials import Credential
from assistant.threads import in_thread
from assistant.types import Caller, Turn, TurnOptions
from assistant.wire import approval_json
from skills.adding import add_entry, add_path, remove
from skills.errors import BadSkill, SkillError
from skills.guard import Rule, permission
from skills.mcp import McpSource
from skills.registry import Listed
from skills.skillset import Skillset
from skills.state import Decisions
from skills.types import SkillCall, SkillResult

router = APIRouter(route_class=Guarded, prefix="/api", tags=["skills"])
_log = log("skills")

Signed = Annotated[Credential, Depends(SIGNED_IN)]
Admin = Annotated[Credential, Depends(ADMIN)]
SkillName = Annotated[str, InPath(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
FilePlace = Annotated[str, InPath(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,80}$")]
SecretName = Annotated[str, InPath(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


@router.get("/skills")
async def list_skills(app: Parts, credential: Signed) -> Json:
    """List the skills that the caller may use; for administrators all of them, with what was decided about each."""
    skillset, caller = await app.skills.ready(), credential.caller
    usable = {skill.name: skill for skill in await skillset.for_person(person_of(caller))}
    listed = [each for each in skillset.registry.listed() if caller.is_admin or each.skill.name in usable]
    return {"skills": [_skill_json(each, each.skill.name in usable, caller) for each in listed]}


@router.patch("/skills/{name}")
async def change_skill(name: SkillName, body: SkillChange, app: Parts, admin: Admin) -> Json:
    """Switch a skill on or off, set its rule, or who may use it; it holds from the next call on."""
    skillset = await app.skills.ready()
    _listed(skillset, name)
    await in_thread(skillset.state.change, lambda now: _decided(now, name, body))
    _log.info("a skill was changed", skill=name, by=admin.caller.user_id, change=body.model_dump(exclude_none=True))
    usable = {skill.name for skill in await skillset.for_person(person_of(admin.caller))}
    return _skill_json(_listed(skillset, name), name in usable, admin.caller)


@router.post("/skills/{name}/call")
async def call_skill(name: SkillName, body: CallBody, app: Parts, credential: Signed) -> Json:
    """Call a skill with the caller's rights; a call that needs approval waits, under the id in `approval`."""
    skillset, person = await app.skills.ready(), person_of(credential.caller)
    await skillset.watch.refresh()
    skillset.registry.get(name, principals=person.principals)
    call = SkillCall(name, body.arguments, person, uuid4().hex)
    return await _result(app, credential.caller, call, await skillset.call(call))


@router.get("/skill-sources")
async def list_sources(app: Parts, _admin: Admin) -> Json:
    """List where skills come from, whether each place works, and what of it can be removed here."""
    skillset = await app.skills.ready()
    await skillset.watch.refresh()
    added = await in_thread(_added, skillset)
    connecting = skillset.watch.connecting
    names = sorted({source.name for source in skillset.registry.sources()} | set(skillset.problems) | connecting)
    reports = [report(skillset.registry, name, name in connecting) for name in names]
    waiting = blocked(skillset.registry)
    return {
        "sources": [
            {**each, "file": added.get(each["source"]), "to_approve": each["source"] in waiting} for each in reports
        ]
    }


@router.post("/skill-sources", status_code=201)
async def add_source(body: SourceBody, app: Parts, admin: Admin) -> Json:
    """Add the OpenAPI document or MCP server at an address; it is loaded at once, or not kept."""
    skillset = await app.skills.ready()
    try:
        added = await add_entry(skillset, body.name, body.kind, body.address, dict(body.options))
    except (OSError, ValueError) as exc:
        raise BadSkill(f"{body.address[:200]} cannot be read ({type(exc).__name__}). Check the address.") from exc
    _log.info("a source of skills was added", source=body.name, kind=body.kind, by=admin.caller.user_id)
    return {"skills": [shown(skill) for skill in added]}


@router.post("/skill-sources/files", status_code=201)
async def add_files(body: FilesBody, app: Parts, admin: Admin) -> Json:
    """Add a module, a document, an entry or a SKILL.md folder; it is loaded at once, or not kept."""
    skillset = await app.skills.ready()
    with tempfile.TemporaryDirectory() as folder:
        place = await in_thread(_written, Path(folder), body.name, body.files)
        try:
            added = await add_path(skillset, place)
        except (OSError, ValueError) as exc:
            raise BadSkill(f"{body.name} cannot be loaded ({type(exc).__name__}).") from exc
    _log.info("a source of skills was added", source=body.name, kind="files", by=admin.caller.user_id)
    return {"skills": [shown(skill) for skill in added]}


@router.delete("/skill-sources/{file}", status_code=204)
async def remove_source(file: FilePlace, app: Parts, admin: Admin) -> None:
    """Remove something that was added here, with its skills."""
    skillset = await app.skills.ready()
    if not await remove(skillset, file):
        raise errors.unknown("source that was added here")
    _log.info("a source of skills was removed", file=file, by=admin.caller.user_id)


@router.post("/skill-sources/{source}/approve")
async def approve_source(source: Id, app: Parts, admin: Admin) -> Json:
    """Approve the tools of an MCP server as it describes them now."""
    skillset = await app.skills.ready()
    held = skillset.registry.source(source)
    if not isinstance(held, McpSource):
        raise errors.unknown("MCP server that answers")
    await held.approve()
    await skillset.watch.refresh(force=True)
    await skillset.watch.settled()
    _log.info("the tools of an MCP server were approved", source=source, by=admin.caller.user_id)
    return report(skillset.registry, source)


@router.get("/skill-secrets")
async def list_secrets(app: Parts, _admin: Admin) -> Json:
    """List the names of stored secrets; nothing shows their values."""
    skillset = await app.skills.ready()
    return {"secrets": await in_thread(skillset.secrets.names)}


@router.put("/skill-secrets/{name}", status_code=204)
async def put_secret(name: SecretName, body: SecretBody, app: Parts, admin: Admin) -> None:
    """Store a secret that entries refer to by its name."""
    skillset = await app.skills.ready()
    await in_thread(skillset.secrets.put, name, body.value.get_secret_value())
    _log.info("a secret of skills was stored", secret=name, by=admin.caller.user_id)


@router.delete("/skill-secrets/{name}", status_code=204)
async def remove_secret(name: SecretName, app: Parts, _admin: Admin) -> None:
    """Remove a secret."""
    skillset = await app.skills.ready()
    if name not in await in_thread(skillset.secrets.names):
        raise errors.unknown("secret")
    await in_thread(skillset.secrets.put, name, None)


@router.get("/skill-calls")
async def list_calls(app: Parts, _admin: Admin, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> Json:
    """List the latest calls of everybody, newest first, from the audit log."""
    return {"calls": await in_thread(app.skills.audit.latest, limit)}


async def parked(app: App, caller: Caller, call: SkillCall, result: SkillResult) -> approvals.Approval:
    """Store a call made outside of a chat that waits for approval."""
    pending = Pending(call.call_id, call.skill, result.data["arguments"], result.data["digest"], call.tainted)
    turn = Turn(uuid4().hex, f"{call.skill}, called by hand", (), caller, TurnOptions())
    hours = app.settings.turn.approval_hours
    return (await in_thread(approvals.park, app.engine, turn, None, [pending], {"said": ""}, hours))[0]


async def _result(app: App, caller: Caller, call: SkillCall, result: SkillResult) -> Json:
    waits = await parked(app, caller, call, result) if result.status == "ask" else None
    return {
        "status": result.status,
        "text": result.text,
        "truncated": result.truncated,
        "ms": round(result.ms, 1),
        "approval": approval_json(waits.call) if waits else None,
    }


def _skill_json(listed: Listed, usable: bool, caller: Caller) -> Json:
    call = SkillCall(listed.skill.name, {}, person_of(caller))
    asks = usable and permission(listed.skill, call, listed.rule) == "ask"
    found = {**shown(listed.skill), "enabled": listed.enabled, "rule": listed.rule, "usable": usable, "asks": asks}
    return found if caller.is_admin else {key: value for key, value in found.items() if key != "readers"}


def _listed(skillset: Skillset, name: str) -> Listed:
    for each in skillset.registry.listed():
        if each.skill.name == name:
            return each
    raise errors.unknown("skill")


def _decided(now: Decisions, name: str, change: SkillChange) -> Decisions:
    update: dict[str, Any] = {}
    if change.enabled is not None:
        update["disabled"] = now.disabled - {name} if change.enabled else now.disabled | {name}
    if change.rule is not None:
        rules: dict[str, Rule] = {key: value for key, value in now.rules.items() if key != name}
        update["rules"] = rules if change.rule == "default" else {**rules, name: change.rule}
    if change.readers is not None:
        update["readers"] = {**now.readers, name: frozenset(change.readers)}
    return now.model_copy(update=update)


def _added(skillset: Skillset) -> dict[str, str]:
    """Return the added file or folder of each source that came through the API or the command line."""
    return {name: path.name for path, name in skillset.watch.places().items() if path.parent == skillset.folder}


def _written(folder: Path, name: str, files: Mapping[str, str]) -> Path:
    """Write an upload to `folder` and return its place: one file alone is a file, more are a folder."""
    alone = len(files) == 1 and "SKILL.md" not in files
    place = folder / name
    if alone:
        place.write_text(next(iter(files.values())), "utf-8")
        return place
    for relative, text in files.items():
        target = place / relative
        if not target.resolve().is_relative_to(place.resolve()):
            raise SkillError(f"{relative!r} lies outside of the folder.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return place
