"""Memory and prompts of the stand-in."""

from __future__ import annotations

import difflib

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import body_of, done, missing, problem, signed_in, text_of
from ui.fake_api.records import FakeNote, FakePrompt, FakeUser
from ui.fake_api.world import World

_SCORES = {
    "token_f1": (0.55, 0.51, 0.59),
    "citation_recall": (0.81, 0.77, 0.85),
    "abstention_recall": (0.57, 0.5, 0.64),
}


def routes() -> list[Route]:
    """Return the routes about memory and prompts."""
    return [
        Route("/api/memory", signed_in(my_memory), methods=["GET"]),
        Route("/api/memory", signed_in(add_note), methods=["POST"]),
        Route("/api/memory", signed_in(forget_me), methods=["DELETE"]),
        Route("/api/memory/switch", signed_in(switch), methods=["PUT"]),
        Route("/api/memory/{id}", signed_in(change_note), methods=["PATCH"]),
        Route("/api/memory/{id}", signed_in(delete_note), methods=["DELETE"]),
        Route("/api/prompts", signed_in(list_prompts, admin=True)),
        Route("/api/prompts/{name}", signed_in(read_prompt, admin=True)),
        Route("/api/prompts/{name}/versions", signed_in(add_version, admin=True), methods=["POST"]),
        Route("/api/prompts/{name}/versions/{n:int}", signed_in(read_version, admin=True)),
        Route("/api/prompts/{name}/versions/{n:int}/try", signed_in(try_version, admin=True), methods=["POST"]),
        Route("/api/prompts/{name}/versions/{n:int}/evaluate", signed_in(evaluate, admin=True), methods=["POST"]),
        Route("/api/prompts/{name}/diff", signed_in(diff, admin=True)),
        Route("/api/prompts/{name}/publish", signed_in(publish, admin=True), methods=["POST"]),
        Route("/api/prompts/{name}/rollback", signed_in(roll_back, admin=True), methods=["POST"]),
        Route("/api/prompt-evaluations/{id}", signed_in(trial, admin=True)),
    ]


async def my_memory(world: World, user: FakeUser, _request: Request) -> Response:
    """Return the caller's notes and suggestions."""
    mine = [note for note in world.notes.values() if note.owner == user.id]
    parts = {"notes": "kept", "suggestions": "suggested"}
    found = {part: [note.json() for note in mine if note.status == status] for part, status in parts.items()}
    chats = [
        {"conversation": each.id, "title": each.title, "summary": each.summary}
        for each in world.conversations.values()
        if each.owner == user.id and each.summary
    ]
    return JSONResponse({"on": user.id not in world.memory_off, "available": True, **found, "chats": chats})


async def add_note(world: World, user: FakeUser, request: Request) -> Response:
    """Remember something."""
    text = text_of(await body_of(request), "text")
    if "password" in text:
        detail = "This looks like a password or a key, which has no place in a note; nothing was remembered."
        return problem(422, "Refused", detail, "note-unusable")
    made = FakeNote(owner=user.id, text=text)
    world.notes[made.id] = made
    return JSONResponse({**made.json(), "replaced": False, "replaces": []}, 201)


async def change_note(world: World, user: FakeUser, request: Request) -> Response:
    """Change a note or keep a suggestion."""
    note, body = world.notes.get(request.path_params["id"]), await body_of(request)
    if note is None or note.owner != user.id:
        return missing("note")
    note.text = text_of(body, "text") or note.text
    note.kind = text_of(body, "kind") or note.kind
    note.status = "kept" if body.get("keep") else note.status
    return JSONResponse(note.json())


async def delete_note(world: World, user: FakeUser, request: Request) -> Response:
    """Delete a note."""
    note = world.notes.get(request.path_params["id"])
    if note is None or note.owner != user.id:
        return missing("note")
    del world.notes[note.id]
    return done()


async def forget_me(world: World, user: FakeUser, _request: Request) -> Response:
    """Delete all notes of the caller."""
    mine = [note.id for note in world.notes.values() if note.owner == user.id]
    for identifier in mine:
        del world.notes[identifier]
    return JSONResponse({"deleted": len(mine)})


async def switch(world: World, user: FakeUser, request: Request) -> Response:
    """Switch memory on or off."""
    on = (await body_of(request)).get("on") is True
    (world.memory_off.discard if on else world.memory_off.add)(user.id)
    return done()


async def list_prompts(world: World, _user: FakeUser, _request: Request) -> Response:
    """Return all prompts."""
    return JSONResponse({"prompts": [prompt.json() for prompt in world.prompts.values()]})


def _found(world: World, request: Request) -> FakePrompt | None:
    return world.prompts.get(request.path_params["name"])


async def read_prompt(world: World, _user: FakeUser, request: Request) -> Response:
    """Return a prompt with its history."""
    prompt = _found(world, request)
    if prompt is None:
        return missing("prompt")
    text = prompt.texts[prompt.live or 0]
    versions = [{"n": n, "note": "", "created_at": 1.7e9} for n in range(1, len(prompt.texts))]
    return JSONResponse({**prompt.json(), "text": text, "versions": versions})


async def add_version(world: World, _user: FakeUser, request: Request) -> Response:
    """Store a version; one without a question in it is refused."""
    name, text = request.path_params["name"], text_of(await body_of(request), "text")
    if "{question}" not in text:
        detail = "The text 'user' lacks the variable {question}; put it where it belongs."
        return problem(422, "Refused", detail, "prompt-broken")
    prompt = world.prompts.setdefault(name, FakePrompt(name, [""], None, ships=False))
    prompt.texts.append(text)
    return JSONResponse({"n": len(prompt.texts) - 1, "note": ""}, 201)


async def read_version(world: World, _user: FakeUser, request: Request) -> Response:
    """Return the text of a version."""
    prompt, n = _found(world, request), request.path_params["n"]
    if prompt is None or n >= len(prompt.texts):
        return missing("version")
    return JSONResponse({"name": prompt.name, "n": n, "text": prompt.texts[n]})


async def diff(world: World, _user: FakeUser, request: Request) -> Response:
    """Return what changed."""
    prompt = _found(world, request)
    if prompt is None:
        return missing("prompt")
    old, new = (prompt.texts[int(request.query_params[side])].splitlines(True) for side in ("old", "new"))
    return JSONResponse({"diff": "".join(difflib.unified_diff(old, new, "old", "new"))})


async def publish(world: World, _user: FakeUser, request: Request) -> Response:
    """Make a version live."""
    prompt, n = _found(world, request), (await body_of(request)).get("n")
    if prompt is None or not isinstance(n, int) or n >= len(prompt.texts):
        return missing("version")
    prompt.before, prompt.live = prompt.live, n
    return JSONResponse(prompt.json())


async def roll_back(world: World, _user: FakeUser, request: Request) -> Response:
    """Make the version before live."""
    prompt = _found(world, request)
    if prompt is None:
        return missing("prompt")
    prompt.live, prompt.before = prompt.before, None
    return JSONResponse(prompt.json())


async def try_version(world: World, _user: FakeUser, request: Request) -> Response:
    """Answer twice."""
    asked = text_of(await body_of(request), "question")
    sides = {"live": f"As always: {asked}", "candidate": f"As tried: {asked}"}
    return JSONResponse({side: {"answer": text, "abstained": False} for side, text in sides.items()})


async def evaluate(world: World, _user: FakeUser, request: Request) -> Response:
    """Measure at once, by decree."""
    body = await body_of(request)
    asked = body.get("questions")
    count = len(asked) if isinstance(asked, list) else 0
    return JSONResponse(_trial(request.path_params["name"], request.path_params["n"], count), 202)


async def trial(_world: World, _user: FakeUser, request: Request) -> Response:
    """Return the measurement that its id describes."""
    name, n, count = request.path_params["id"].rsplit(".", 2)
    return JSONResponse(_trial(name, int(n), int(count)))


def _trial(name: str, n: int, count: int) -> dict[str, object]:
    metrics = {key: dict(zip(("mean", "low", "high"), value, strict=True)) for key, value in _SCORES.items()}
    better = {key: {part: round(v + 0.02, 3) for part, v in value.items()} for key, value in metrics.items()}
    scores = {"live": {"n": count, "metrics": metrics}, "candidate": {"n": count, "metrics": better}}
    counts = {"of": 2 * count, "done": 2 * count}
    return {
        "id": f"{name}.{n}.{count}",
        "name": name,
        "n": n,
        "state": "done",
        "reason": None,
        **counts,
        "scores": scores,
    }
