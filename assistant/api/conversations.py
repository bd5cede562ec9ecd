"""Conversations: the list, their turns with stored citations, ratings. Everything is the caller's own, or not there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from assistant import conversations, feedback, history, manner
from assistant.api import companions, errors
from assistant.api.assistants import cards
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.deps import Id, Line, Parts
from assistant.api.own_values import OwnValues, own_values, text_of
from assistant.api.schemas import ConversationBody, ConversationChange, FolderChange, Json, RatingBody
from assistant.app import App
from assistant.attachments import forget
from assistant.conversations import Conversation, StoredTurn
from assistant.earlier import store as summaries
from assistant.gallery import companion
from assistant.people.credentials import Credential
from assistant.revisited import as_readable
from assistant.threads import in_thread
from assistant.types import Caller

router = APIRouter(route_class=Guarded, prefix="/api", tags=["conversations"])

Signed = Annotated[Credential, Depends(SIGNED_IN)]


@router.get("/conversations")
async def list_conversations(
    app: Parts,
    credential: Signed,
    q: Annotated[Line | None, Query(description="Text in the title or a question")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[float | None, Query(allow_inf_nan=False, description="Go on behind this updated_at")] = None,
) -> Json:
    """List the caller's conversations: pinned ones first, those in folders, then the last used."""
    owner = credential.caller.user_id
    found = await in_thread(history.page, app.engine, owner, q, limit, before)
    return {"conversations": [asdict(summary) for summary in found]}


@router.post("/conversations", status_code=201)
async def add_conversation(body: ConversationBody, app: Parts, credential: Signed) -> Json:
    """Begin a conversation."""
    caller = credential.caller
    chosen = None if body.assistant_id is None else await companions.found(app, caller, body.assistant_id)
    made = await in_thread(conversations.create, app.engine, caller.user_id, body.title, body.memory)
    if chosen is not None:
        await in_thread(companion.keep, app.engine, made, chosen)
    if body.manner != OwnValues():
        await in_thread(manner.keep, app.engine, caller.user_id, made, text_of(body.manner))
    return {"id": made}


@router.get("/conversations/{conversation_id}")
async def read_conversation(conversation_id: Id, app: Parts, credential: Signed) -> Json:
    """Return a conversation with the turns that are shown now, its assistant as it may be used now, and its summary."""
    caller = credential.caller
    shown = _json(await _read(app, caller, conversation_id))
    kept = await in_thread(summaries.summary, app.engine, caller.user_id, conversation_id)
    own = await _assistant(app, caller, conversation_id)
    worded = own_values(await in_thread(manner.kept, app.engine, caller.user_id, conversation_id))
    set_there = worded.model_dump(exclude_none=True)
    return shown | {"assistant": own, "summary": list(kept.sentences), "manner": set_there}


@router.patch("/conversations/{conversation_id}")
async def change_conversation(conversation_id: Id, body: ConversationChange, app: Parts, credential: Signed) -> Json:
    """Rename, pin or move a conversation, switch memory or the manner in it, or show another version of a turn."""
    owner = credential.caller.user_id
    if body.manner is not None:
        await in_thread(manner.keep, app.engine, owner, conversation_id, text_of(body.manner))
    change = (body.title, body.pinned, body.show_turn, body.memory, body.folder)
    if not await in_thread(conversations.change, app.engine, owner, conversation_id, *change):
        raise errors.unknown("conversation" if body.show_turn is None else "conversation or turn")
    return _json(await _read(app, credential.caller, conversation_id))


@router.delete("/conversations/{conversation_id}", status_code=204)
async def remove_conversation(conversation_id: Id, app: Parts, credential: Signed) -> None:
    """Delete a conversation with its turns, ratings and attachments."""
    owner = credential.caller.user_id
    if not await in_thread(conversations.remove, app.engine, owner, conversation_id):
        raise errors.unknown("conversation")
    await in_thread(forget, app.engine, owner, [conversation_id])


@router.get("/folders")
async def list_folders(app: Parts, credential: Signed) -> Json:
    """List the caller's folders with how many conversations each holds."""
    found = await in_thread(history.folders, app.engine, credential.caller.user_id)
    return {"folders": [asdict(folder) for folder in found]}


@router.patch("/folders/{name}")
async def rename_folder(name: Line, body: FolderChange, app: Parts, credential: Signed) -> Json:
    """Rename a folder of the caller; a folder that has the new name takes its conversations in."""
    moved = await in_thread(history.rename_folder, app.engine, credential.caller.user_id, name, body.name)
    if not moved:
        raise errors.unknown("folder")
    return {"name": body.name, "n_conversations": moved}


@router.delete("/folders/{name}", status_code=204)
async def remove_folder(name: Line, app: Parts, credential: Signed) -> None:
    """Delete a folder of the caller; its conversations stay, in none."""
    if not await in_thread(history.rename_folder, app.engine, credential.caller.user_id, name, ""):
        raise errors.unknown("folder")


@router.put("/turns/{turn_id}/feedback", status_code=204)
async def rate(turn_id: Id, body: RatingBody, app: Parts, credential: Signed) -> None:
    """Rate an answer, or take the rating back."""
    owner = credential.caller.user_id
    if not await in_thread(feedback.rate, app.engine, owner, turn_id, body.rating, body.reason, body.comment):
        raise errors.unknown("turn")


async def _read(app: Parts, caller: Caller, conversation_id: str) -> Conversation:
    found = await in_thread(conversations.read, app.engine, caller.user_id, conversation_id)
    if found is None:
        raise errors.unknown("conversation")
    return await in_thread(as_readable, app.engine, caller.scope, found)


async def _assistant(app: App, caller: Caller, conversation_id: str) -> Json | None:
    kept = await in_thread(companion.of, app.engine, caller, conversation_id)
    if kept is None:
        return None
    card = (await cards(app, caller, [kept.assistant]))[0] if kept.assistant else None
    return {"id": kept.id, "name": kept.name, "state": kept.state, "notice": kept.notice, "card": card}


def _json(conversation: Conversation) -> Json:
    return {
        "id": conversation.id,
        "title": conversation.title,
        "pinned": conversation.pinned,
        "updated_at": conversation.updated_at,
        "memory": conversation.memory,
        "folder": conversation.folder,
        "turns": [_turn_json(turn) for turn in conversation.turns],
    }


def _turn_json(turn: StoredTurn) -> Json:
    rated = None if turn.rating is None else {"rating": turn.rating, "reason": turn.reason, "comment": turn.comment}
    answer: Json = dict(turn.answer or {})
    if answer:
        answer |= {"turn_id": turn.id, "created_at": turn.created_at, "feedback": rated}
    return {
        "id": turn.id,
        "question": turn.question,
        "status": turn.status,
        "answer": answer or None,
        "created_at": turn.created_at,
        "feedback": rated,
        "versions": len(turn.versions),
        "version": turn.versions.index(turn.id) + 1,
        "version_ids": list(turn.versions),
    }
