"""Skills and approvals of the stand-in."""

from __future__ import annotations

import json
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import body_of, done, missing, problem, signed_in, text_of, texts_of
from ui.fake_api.records import FakeApproval, FakeSkill, FakeUser
from ui.fake_api.world import World


def routes() -> list[Route]:
    """Return the routes about skills."""
    return [
        Route("/api/skills", signed_in(list_skills)),
        Route("/api/skills/{name}", signed_in(change_skill, admin=True), methods=["PATCH"]),
        Route("/api/skills/{name}/call", signed_in(call_skill), methods=["POST"]),
        Route("/api/skill-sources", signed_in(list_sources, admin=True), methods=["GET"]),
        Route("/api/skill-sources", signed_in(add_source, admin=True), methods=["POST"]),
        Route("/api/skill-sources/files", signed_in(add_files, admin=True), methods=["POST"]),
        Route("/api/skill-sources/documents", signed_in(add_document, admin=True), methods=["POST"]),
        Route("/api/skill-sources/folders", signed_in(add_folder, admin=True), methods=["POST"]),
        Route("/api/skill-sources/{source}/test", signed_in(test_source, admin=True), methods=["POST"]),
        Route("/api/skill-sources/{file}", signed_in(remove_source, admin=True), methods=["DELETE"]),
        Route("/api/skill-secrets", signed_in(list_secrets, admin=True)),
        Route("/api/skill-secrets/{name}", signed_in(put_secret, admin=True), methods=["PUT"]),
        Route("/api/skill-secrets/{name}", signed_in(remove_secret, admin=True), methods=["DELETE"]),
        Route("/api/skill-calls", signed_in(list_calls, admin=True)),
        Route("/api/long-calls", signed_in(list_long_calls)),
        Route("/api/long-calls/{id}/cancel", signed_in(cancel_long_call), methods=["POST"]),
        Route("/api/approvals", signed_in(list_approvals)),
        Route("/api/approvals/{id}/approve", signed_in(approve), methods=["POST"]),
        Route("/api/approvals/{id}/refuse", signed_in(refuse), methods=["POST"]),
    ]


async def list_skills(world: World, user: FakeUser, _request: Request) -> Response:
    """Return what the person may use; for administrators everything."""
    shown = [skill.json(user) for _, skill in sorted(world.skills.items())]
    return JSONResponse({"skills": [skill for skill in shown if user.is_admin or skill["usable"]]})


async def change_skill(world: World, user: FakeUser, request: Request) -> Response:
    """Decide about a skill."""
    skill, body = world.skills.get(request.path_params["name"]), await body_of(request)
    if skill is None:
        return missing("skill")
    skill.enabled = bool(body.get("enabled", skill.enabled))
    if "rule" in body:
        skill.rule = None if body["rule"] == "default" else text_of(body, "rule")
    if "readers" in body:
        skill.readers = texts_of(body, "readers")
    return JSONResponse(skill.json(user))


async def call_skill(world: World, user: FakeUser, request: Request) -> Response:
    """Call a skill by hand."""
    skill, body = world.skills.get(request.path_params["name"]), await body_of(request)
    if skill is None or not skill.json(user)["usable"]:
        return missing("skill")
    given = body.get("arguments")
    arguments = dict(given) if isinstance(given, dict) else {}
    if skill.asks:
        waits = FakeApproval(user.id, skill.name, arguments, question=f"{skill.name}, called by hand")
        world.approvals[waits.id] = waits
        _note(world, user, skill, arguments, "ask", "")
        return JSONResponse(
            {"status": "ask", "text": "It waits.", "truncated": False, "ms": 1, "approval": waits.in_answer()}
        )
    _note(world, user, skill, arguments, "ok", skill.result)
    return JSONResponse({"status": "ok", "text": skill.result, "truncated": False, "ms": 12.0, "approval": None})


async def list_sources(world: World, _user: FakeUser, _request: Request) -> Response:
    """Return where skills come from."""
    files = {world.skills[names[0]].source: file for file, names in world.files.items()}
    found = dict.fromkeys(skill.source for skill in world.skills.values())
    return JSONResponse({"sources": [_source(world, source, files.get(source)) for source in found]})


async def add_source(world: World, _user: FakeUser, request: Request) -> Response:
    """Add an address; those that do not begin with https are refused."""
    body = await body_of(request)
    name, kind = text_of(body, "name"), text_of(body, "kind")
    if not text_of(body, "address").startswith("https://"):
        return problem(422, "Unusable", "That address is inside the network.", "skill-unusable")
    given = body.get("options")
    world.options[name] = dict(given) if isinstance(given, dict) else {}
    return _added(world, f"{name}.skill.yaml", f"{kind}:{name}", f"{name}_lookup")


async def add_files(world: World, _user: FakeUser, request: Request) -> Response:
    """Add a file."""
    name = text_of(await body_of(request), "name")
    if name in world.files:
        return problem(422, "Unusable", f"There is already a source {name!r}.", "skill-unusable")
    return _added(world, name, f"python:{name}", name.partition(".")[0])


async def add_document(world: World, _user: FakeUser, request: Request) -> Response:
    """Add a document, or replace that of the name; one that names no server needs the option `server`."""
    name, text = request.query_params["name"], (await request.body()).decode()
    if "servers" not in text and "server" not in request.query_params.get("options", ""):
        said = "The document names no server: give the base address as `server`."
        return problem(422, "Unusable", said, "skill-without-server")
    file = request.query_params.get("file", "")
    world.options[name] = json.loads(request.query_params.get("options", "{}"))
    world.origins[f"openapi:{name}"] = f"uploaded as {file}" if file else "pasted"
    return _added(world, f"{name}.skill.yaml", f"openapi:{name}", f"{name}_lookup")


async def add_folder(world: World, _user: FakeUser, request: Request) -> Response:
    """Add a packed folder."""
    name = request.query_params["name"]
    if not (await request.body()).startswith(b"PK"):
        return problem(422, "Unusable", "This is no ZIP that can be read.", "skill-unusable")
    return _added(world, name, f"skill.md:{name}", name)


async def test_source(world: World, _user: FakeUser, request: Request) -> Response:
    """Say that a source works."""
    source = request.path_params["source"]
    if all(skill.source != source for skill in world.skills.values()):
        return missing("source in a folder of skills")
    return JSONResponse({**_source(world, source, None), "tested": "It was loaded anew; shop.example answers."})


async def remove_source(world: World, _user: FakeUser, request: Request) -> Response:
    """Remove what was added."""
    names = world.files.pop(request.path_params["file"], None)
    if names is None:
        return missing("source")
    for name in names:
        world.skills.pop(name, None)
    return done()


async def list_secrets(world: World, _user: FakeUser, _request: Request) -> Response:
    """Return names only."""
    return JSONResponse({"secrets": sorted(world.secrets)})


async def put_secret(world: World, _user: FakeUser, request: Request) -> Response:
    """Keep a secret."""
    world.secrets[request.path_params["name"]] = text_of(await body_of(request), "value")
    return done()


async def remove_secret(world: World, _user: FakeUser, request: Request) -> Response:
    """Forget a secret."""
    return missing("secret") if world.secrets.pop(request.path_params["name"], None) is None else done()


async def list_calls(world: World, _user: FakeUser, _request: Request) -> Response:
    """Return the calls, newest first."""
    return JSONResponse({"calls": world.calls[::-1]})


async def list_long_calls(world: World, user: FakeUser, _request: Request) -> Response:
    """Return the person's own calls that take minutes."""
    return JSONResponse({"calls": [call.json() for call in world.long_calls if call.owner == user.id]})


async def cancel_long_call(world: World, user: FakeUser, request: Request) -> Response:
    """End a call that runs."""
    mine = (call for call in world.long_calls if call.owner == user.id and call.id == request.path_params["id"])
    found = next(mine, None)
    if found is None:
        return missing("long call of yours")
    if found.state == "running":
        found.state, found.result = "cancelled", "The call was cancelled."
    return JSONResponse(found.json())


async def list_approvals(world: World, user: FakeUser, _request: Request) -> Response:
    """Return the person's own calls that wait, first, and those decided."""
    mine = [each for each in world.approvals.values() if each.owner == user.id]
    mine.sort(key=lambda each: (each.state != "waiting", -each.created_at))
    return JSONResponse({"approvals": [each.json() for each in mine]})


async def approve(world: World, user: FakeUser, request: Request) -> Response:
    """Run a call that waits, once."""
    return _decide(world, user, request.path_params["id"], "done")


async def refuse(world: World, user: FakeUser, request: Request) -> Response:
    """Refuse a call that waits."""
    return _decide(world, user, request.path_params["id"], "refused")


def typed(world: World, user: FakeUser, turn_id: str | None, said: str) -> FakeApproval | None:
    """Decide the one call that waits in the turn shown last, where the whole message is yes or no; None otherwise."""
    state = {"yes": "done", "no": "refused"}.get(said.strip().lower())
    waits = [one for one in world.approvals.values() if one.turn == turn_id and one.state == "waiting"]
    if state is None or len(waits) != 1 or waits[0].owner != user.id:
        return None
    _carry_out(world, user, waits[0], state)
    return waits[0]


def _decide(world: World, user: FakeUser, identifier: str, state: str) -> Response:
    found = world.approvals.get(identifier)
    if found is None or found.owner != user.id:
        return missing("call that waits for you")
    if found.state == "waiting":
        _carry_out(world, user, found, state)
    return JSONResponse({**found.json(), "answer": None})


def _carry_out(world: World, user: FakeUser, found: FakeApproval, state: str) -> None:
    skill = world.skills[found.skill]
    found.state, found.result = state, skill.result if state == "done" else "The person refused this call."
    if state == "done":
        _note(world, user, skill, found.arguments, "ok", skill.result, approved=True)
    _amend(world, found)


def _amend(world: World, decided: FakeApproval) -> None:
    """Let the turn that stopped here go on."""
    conversation = world.conversations.get(decided.conversation or "")
    turn = conversation.turns.get(decided.turn or "") if conversation else None
    if turn is not None and turn.answer is not None:
        said = decided.result if decided.state == "done" else f"{decided.skill} was not run: you refused it."
        turn.answer = {**turn.answer, "answer": said, "approvals": [decided.in_answer()], "stopped_by": "stop"}


def _note(
    world: World, user: FakeUser, skill: FakeSkill, arguments: dict[str, object], status: str, text: str,
    approved: bool = False,
) -> None:  # fmt: skip
    line = {"at": time.time(), "skill": skill.name, "source": skill.source, "user_id": user.id, "ms": 12.0}
    world.calls.append({**line, "arguments": arguments, "status": status, "text": text, "approved": approved})


def _source(world: World, source: str, file: str | None) -> dict[str, object]:
    count = sum(skill.source == source for skill in world.skills.values())
    own: dict[str, object] = {"source": source, "ok": True, "skills": count, "left_out": [], "problem": ""}
    return {**own, "file": file, "to_approve": False, "origin": world.origins.get(source, "")}


def _added(world: World, file: str, source: str, skill: str) -> Response:
    world.skills[skill] = FakeSkill(skill, "Look something up.", source)
    world.files[file] = [skill]
    return JSONResponse({"skills": []}, 201)
