"""Conversations and streamed answers of the stand-in."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ui.fake_api import commands, gallery, sharing, skills
from ui.fake_api.answering import made_up, question_of
from ui.fake_api.doorkeeper import body_of, done, missing, problem, signed_in, text_of, texts_of
from ui.fake_api.library import take
from ui.fake_api.records import FakeApproval, FakeConversation, FakeTurn, FakeUser
from ui.fake_api.streams import STREAMS, FakeStream, follow, frames, stop
from ui.fake_api.world import World

CUT_AFTER = 6  # events, when a stream is to break off
_WORDS = re.compile(r"\S+\s*")


_TASKS: set[asyncio.Task[None]] = set()


def routes() -> list[Route]:
    """Return the routes about conversations."""
    return [
        Route("/api/conversations", signed_in(list_conversations), methods=["GET"]),
        Route("/api/conversations", signed_in(add_conversation), methods=["POST"]),
        Route("/api/conversations/{id}", signed_in(read_conversation), methods=["GET"]),
        Route("/api/conversations/{id}", signed_in(change_conversation), methods=["PATCH"]),
        Route("/api/conversations/{id}", signed_in(delete_conversation), methods=["DELETE"]),
        Route("/api/conversations/{id}/attachments", signed_in(attach), methods=["POST"]),
        Route("/api/conversations/{id}/attachments", signed_in(attachments), methods=["GET"]),
        *sharing.routes(),
        Route("/api/turns/{id}/feedback", signed_in(rate), methods=["PUT"]),
        Route("/v1/chat/completions", signed_in(chat), methods=["POST"]),
        Route("/api/streams/{id}", signed_in(follow), methods=["GET"]),
        Route("/api/streams/{id}/stop", signed_in(stop), methods=["POST"]),
    ]


def _owned(world: World, user: FakeUser, conversation_id: str) -> FakeConversation | None:
    found = world.conversations.get(conversation_id)
    return found if found is not None and found.owner == user.id else None


async def list_conversations(world: World, user: FakeUser, request: Request) -> Response:
    """Return the caller's pinned conversations, those in folders, and the last used of the rest."""
    text, before = request.query_params.get("q", "").lower(), request.query_params.get("before")
    limit = int(request.query_params.get("limit", "50"))
    if limit > 200:
        return problem(422, "Unprocessable", "limit: give 200 or less.", "invalid")
    mine = [
        one
        for one in world.conversations.values()
        if one.owner == user.id
        and text in " ".join([one.title, *(t.question for t in one.turns.values())]).lower()
        and (before is None or one.updated_at < float(before) and not one.pinned and not one.folder)
    ]
    mine.sort(key=lambda one: (not one.pinned, -one.updated_at))
    loose = [one for one in mine if not (one.pinned or one.folder)]
    mine = [*(one for one in mine if one.pinned or one.folder), *loose[:limit]]
    shared = {one["conversation"] for one in world.shared.values()}
    rows = [
        {
            "id": c.id,
            "title": c.title,
            "updated_at": c.updated_at,
            "pinned": c.pinned,
            "shared": c.id in shared,
            "folder": c.folder,
        }
        for c in mine
    ]
    return JSONResponse({"conversations": rows})


async def add_conversation(world: World, user: FakeUser, request: Request) -> Response:
    """Begin a conversation."""
    body = await body_of(request)
    chosen = text_of(body, "assistant_id")
    if chosen and gallery.seen(world, user, chosen) is None:
        return missing("assistant")
    made = FakeConversation(owner=user.id, memory=body.get("memory") is not False, assistant=chosen)
    made.manner = _manner(body)
    world.conversations[made.id] = made
    return JSONResponse({"id": made.id}, 201)


def _turn_json(conversation: FakeConversation, turn: FakeTurn) -> dict[str, object]:
    versions = conversation.siblings(turn)
    rated = {"rating": turn.rating, "reason": turn.reason, "comment": turn.comment} if turn.rating else None
    answer = (
        {**turn.answer, "turn_id": turn.id, "created_at": turn.created_at, "feedback": rated} if turn.answer else None
    )
    return {
        "id": turn.id,
        "question": turn.question,
        "status": turn.status,
        "answer": answer,
        "created_at": turn.created_at,
        "feedback": rated,
        "versions": len(versions),
        "version": versions.index(turn.id) + 1,
        "version_ids": versions,
    }


def _conversation_json(found: FakeConversation) -> dict[str, object]:
    turns = [_turn_json(found, turn) for turn in found.line()]
    about = {"id": found.id, "title": found.title, "pinned": found.pinned, "memory": found.memory}
    return {**about, "manner": found.manner, "turns": turns}


def _manner(body: Mapping[str, object]) -> dict[str, object]:
    given = body.get("manner")
    return {str(name): value for name, value in given.items()} if isinstance(given, dict) else {}


async def read_conversation(world: World, user: FakeUser, request: Request) -> Response:
    """Return a conversation along the versions that are shown."""
    found = _owned(world, user, request.path_params["id"])
    if found is None:
        return missing("conversation")
    return JSONResponse(_conversation_json(found) | {"assistant": gallery.of_chat(world, user, found.assistant)})


async def change_conversation(world: World, user: FakeUser, request: Request) -> Response:
    """Rename, pin, or show another version."""
    found, body = _owned(world, user, request.path_params["id"]), await body_of(request)
    shown = text_of(body, "show_turn")
    if found is None or (shown and shown not in found.turns):
        return missing("conversation or turn")
    found.title = text_of(body, "title") or found.title
    found.pinned = bool(body.get("pinned", found.pinned))
    found.memory = bool(body.get("memory", found.memory))
    if "manner" in body:
        found.manner = _manner(body)
    if "folder" in body:
        found.folder = text_of(body, "folder")
    if shown:
        found.head = found.end_of(shown)
    return JSONResponse(_conversation_json(found))


async def delete_conversation(world: World, user: FakeUser, request: Request) -> Response:
    """Delete a conversation."""
    found = _owned(world, user, request.path_params["id"])
    if found is None:
        return missing("conversation")
    del world.conversations[found.id]
    return done()


async def attach(world: World, user: FakeUser, request: Request) -> Response:
    """Take files into a conversation."""
    found = _owned(world, user, request.path_params["id"])
    if found is None:
        return missing("conversation")
    private = [one for one in world.collections.values() if one.private_to == found.id]
    collection = private[0] if private else world.add_collection("Attached files")
    collection.private_to = found.id
    return await take(world, user, collection, request)


async def attachments(world: World, user: FakeUser, request: Request) -> Response:
    """Return the files of a conversation."""
    found = _owned(world, user, request.path_params["id"])
    if found is None:
        return missing("conversation")
    private = {one.id for one in world.collections.values() if one.private_to == found.id}
    return JSONResponse({"documents": [row.json() for row in world.documents.values() if row.collection_id in private]})


async def rate(world: World, user: FakeUser, request: Request) -> Response:
    """Keep a rating."""
    body = await body_of(request)
    for conversation in world.conversations.values():
        turn = conversation.turns.get(request.path_params["id"])
        if turn is not None and conversation.owner == user.id:
            turn.rating, turn.rated_at = text_of(body, "rating") or None, time.time()
            turn.reason, turn.comment = text_of(body, "reason") or None, text_of(body, "comment") or None
            return done()
    return missing("turn")


async def chat(world: World, user: FakeUser, request: Request) -> Response:
    """Answer a question of a conversation as a stream."""
    body = await body_of(request)
    world.chat_bodies.append(body)
    if world.faults.refuse_chat > 0:
        world.faults.refuse_chat -= 1
        detail = "Too many questions are waiting."
        return problem(429, "Busy", detail, "overloaded", retry_after_s=2, openai=True)
    extra, messages = body.get("assistant"), body.get("messages")
    chosen = extra if isinstance(extra, dict) else {}
    last = messages[-1] if isinstance(messages, list) and messages else {}
    if chosen.get("temporary") is True:  # a conversation that nobody finds again
        conversation: FakeConversation | None = FakeConversation(owner=user.id)
    else:
        conversation = _owned(world, user, text_of(chosen, "conversation_id"))
    asked, shown = question_of(last)
    if shown and chosen.get("pictures") == "seen" and not world.sees:
        return problem(422, "Refused", "'assistant' does not see pictures.", "no-vision", openai=True)
    replaced = text_of(chosen, "replace_turn")
    if conversation is None or (replaced and replaced not in conversation.turns):
        return problem(404, "Not found", "There is no such conversation.", "not-found", openai=True)
    parent = conversation.turns[replaced].parent if replaced else conversation.head
    named, asked = commands.parted(asked)
    turn = FakeTurn(question=asked, parent=parent, prompt=named)
    decided = None if replaced else skills.typed(world, user, conversation.head, asked)
    if decided is None:  # else no new turn: the one that waited goes on
        conversation.turns[turn.id] = turn
        conversation.head, conversation.updated_at = turn.id, time.time()
        conversation.title = conversation.title or turn.question[:60]
    stream = STREAMS[turn.id] = FakeStream(turn.id, user.id)
    task = asyncio.create_task(
        _answer(world, user, conversation, turn, texts_of(chosen, "collections"), stream, decided)
    )
    _TASKS.add(task)
    task.add_done_callback(_TASKS.discard)
    cut = world.faults.cut_chat > 0
    world.faults.cut_chat -= cut
    return StreamingResponse(frames(stream, 0, CUT_AFTER if cut else None), media_type="text/event-stream")


async def _answer(
    world: World,
    user: FakeUser,
    conversation: FakeConversation,
    turn: FakeTurn,
    names: list[str],
    stream: FakeStream,
    decided: FakeApproval | None,
) -> None:
    """Fill the stream word by word, then store the answer."""
    private = [one for one in world.collections.values() if one.private_to == conversation.id]
    answer = made_up(world, world.readable(user, names or None) + private, turn.question)
    answer = _asking(world, user, conversation, turn, answer)
    if decided is not None:
        answer |= {"answer": decided.result, "citations": [], "nearest": [], "approvals": [decided.in_answer()]}
    stream.add({"assistant": {"turn_id": turn.id, "conversation_id": conversation.id}})
    steps = answer["steps"]
    if turn.prompt and isinstance(steps, list):
        steps = [{"name": "prompt", "detail": f"/{turn.prompt}", "ms": 0}, *steps]
        answer = {**answer, "steps": steps}
    for step in steps if isinstance(steps, list) else []:
        await asyncio.sleep(world.word_s)
        stream.add({"assistant": {"step": step}})
    said = ""
    for word in _WORDS.findall(str(answer["answer"])):
        if stream.stopping:
            break
        await asyncio.sleep(world.word_s)
        said += word
        stream.add({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
    if stream.stopping:
        answer = {**answer, "answer": said, "citations": [], "nearest": [], "stopped_by": "cancelled", "notice": None}
    turn.answer, turn.status = answer, "stopped" if stream.stopping else "done"
    about = {name: value for name, value in answer.items() if name != "answer"}
    stream.add({"assistant": {"conversation_id": conversation.id, "turn_id": turn.id, **about}})
    stream.closed = True
    stream.add("[DONE]")


def _asking(
    world: World, user: FakeUser, conversation: FakeConversation, turn: FakeTurn, answer: dict[str, object]
) -> dict[str, object]:
    """Return the answer with the call that waits, where the script prescribes one."""
    script = next((one for one in world.scripts if one.asked.lower() in turn.question.lower()), None)
    if script is None or script.calls is None:
        return answer
    waits = FakeApproval(user.id, script.calls[0], script.calls[1], conversation.id, turn.id)
    waits.question = turn.question
    world.approvals[waits.id] = waits
    fields = "\n".join(f"- {name}: {value}" for name, value in waits.arguments.items())
    text = f"This needs your approval, and nothing has been done yet:\n\n**{waits.skill}**\n\n{fields}"
    step = {"name": "skill", "detail": f"Waits for your approval: {waits.skill}(…)", "ms": 12}
    return {
        **answer,
        "answer": text,
        "steps": [step],
        "citations": [],
        "approvals": [waits.in_answer()],
        "stopped_by": "tool_calls",
    }
