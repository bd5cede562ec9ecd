"""The HTTP API as typed calls: one method per thing that the pages do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from ui import wire
from ui.accounts import Accounts
from ui.gallery import Gallery
from ui.operating import Operating
from ui.sse import ChatEvent
from ui.transport import NamedFile, Params


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and how."""

    text: str
    conversation_id: str
    collections: tuple[str, ...] | None = None  # names; None: all readable ones
    replace_turn: str | None = None  # the turn that this one is a new version of
    pictures: tuple[str, ...] = field(default=(), repr=False)  # as data URLs
    manner: wire.Manner = field(default_factory=wire.Manner)  # of a temporary chat; a conversation keeps its own
    said: tuple[tuple[str, str], ...] | None = None  # of a temporary chat: earlier questions and answers; else None


_AT_ONCE = 200  # conversations that the API lists at most


class Api(Accounts, Gallery, Operating):
    """Calls in the name of one person. Every method raises ApiUnreachable, SignedOut or ApiRefused."""

    # --- collections and documents --------------------------------------------------------------------------------

    def collections(self) -> list[wire.Collection]:
        """Return the collections that the caller may read."""
        return self.read_list(wire.Collection, "/api/collections", "collections")

    def add_collection(self, name: str, description: str, readers: Sequence[str]) -> wire.Collection:
        """Create a collection."""
        body = {"name": name, "description": description, "readers": list(readers)}
        return self.parse(wire.Collection, self.send("POST", "/api/collections", json=body))

    def change_collection(self, collection_id: str, changes: Mapping[str, object]) -> None:
        """Change some of: name, description, readers."""
        self.send("PATCH", f"/api/collections/{collection_id}", json=dict(changes))

    def delete_collection(self, collection_id: str) -> None:
        """Delete a collection with all its documents."""
        self.send("DELETE", f"/api/collections/{collection_id}")

    def picture(self, picture_id: str) -> bytes:
        """Return a picture that a skill had made for the caller."""
        return self.send("GET", f"/api/pictures/{quote(picture_id, safe='')}").content

    def upload(self, collection_id: str, files: Iterable[NamedFile]) -> wire.Upload:
        """Hand files in; returns once they are safe, before they are read."""
        return self.send_files(f"/api/collections/{collection_id}/documents", files)

    def upload_limits(self) -> wire.UploadLimits:
        """Return how large documents and files of chats may be."""
        return self.read(wire.UploadLimits, "/api/uploads")

    def add_url(self, collection_id: str, url: str) -> wire.Upload:
        """Have the server fetch one web address into a collection; returns once it is fetched or refused."""
        return self.parse(wire.Upload, self.send("POST", f"/api/collections/{collection_id}/urls", json={"url": url}))

    def documents(
        self, collection_id: str | None, status: str, text: str, limit: int, offset: int
    ) -> wire.DocumentPage:
        """Return one page of documents; "" for `status` or `text` means any."""
        params = {"collection": collection_id, "status": status or None, "q": text or None}
        return self.read(wire.DocumentPage, "/api/documents", {**params, "limit": limit, "offset": offset})

    def document(self, document_id: str) -> wire.Document:
        """Return one document's row."""
        return self.read(wire.Document, f"/api/documents/{document_id}")

    def document_text(self, document_id: str) -> str:
        """Return the text that was extracted from a document; "" while there is none."""
        text = self.read_object(f"/api/documents/{document_id}/text").get("text")
        return text if isinstance(text, str) else ""

    def chunks(self, document_id: str, offset: int, limit: int) -> wire.ChunkPage:
        """Return some of a document's chunks in reading order."""
        return self.read(wire.ChunkPage, f"/api/documents/{document_id}/chunks", {"offset": offset, "limit": limit})

    def enable_chunk(self, chunk_id: str, enabled: bool) -> None:
        """Let a chunk be found, or hide it from search."""
        self.send("PATCH", f"/api/chunks/{chunk_id}", json={"enabled": enabled})

    def change_document(self, document_id: str, changes: Mapping[str, object]) -> None:
        """Change some of: title, readers."""
        self.send("PATCH", f"/api/documents/{document_id}", json=dict(changes))

    def act_on_documents(self, action: str, ids: Sequence[str]) -> None:
        """Retry, cancel or delete documents: `action` is "retry", "cancel" or "delete"."""
        self.send("POST", "/api/documents/bulk", json={"action": action, "ids": list(ids)})

    def search(self, query: str, collections: Sequence[str], limit: int) -> wire.SearchResult:
        """Return the passages closest to `query`, best first; no collections means all readable ones."""
        body: dict[str, object] = {"query": query, "limit": limit}
        if collections:
            body["collections"] = list(collections)
        return self.parse(wire.SearchResult, self.send("POST", "/api/search", json=body))

    def passage(self, chunk_id: str, around: int) -> wire.Neighbourhood:
        """Return a passage with `around` chunks before and after it."""
        return self.read(wire.Neighbourhood, f"/api/passages/{chunk_id}", {"around": around})

    # --- conversations --------------------------------------------------------------------------------------------

    def conversations(self, text: str, limit: int) -> list[wire.ConversationHead]:
        """Return pinned conversations, those in folders, and the `limit` newest of the rest; `text` filters them."""
        heads: list[wire.ConversationHead] = []
        before: float | None = None
        for left in range(limit, 0, -_AT_ONCE):
            params: Params = {"q": text or None, "limit": min(left, _AT_ONCE), "before": before}
            more = self.read_list(wire.ConversationHead, "/api/conversations", "conversations", params)
            heads += more
            rest = [one for one in more if not (one.pinned or one.folder)]
            if len(rest) < min(left, _AT_ONCE):
                break
            before = rest[-1].updated_at
        return heads

    def add_conversation(
        self, memory: bool = True, assistant_id: str | None = None, manner: wire.Manner | None = None
    ) -> str:
        """Create an empty conversation, with an assistant where one is named, and return its id.

        Without `memory` nothing is recalled or remembered in it.
        """
        body: dict[str, object] = {} if memory else {"memory": False}
        if assistant_id is not None:
            body["assistant_id"] = assistant_id
        if manner is not None and manner != wire.Manner():
            body["manner"] = manner.model_dump(exclude_none=True)
        return self.parse(wire.ConversationHead, self.send("POST", "/api/conversations", json=body)).id

    def conversation(self, conversation_id: str) -> wire.Conversation:
        """Return a conversation with its turns, oldest first."""
        return self.read(wire.Conversation, f"/api/conversations/{conversation_id}")

    def change_conversation(self, conversation_id: str, changes: Mapping[str, object]) -> None:
        """Change some of: title, pinned, memory, folder, manner, show_turn."""
        self.send("PATCH", f"/api/conversations/{conversation_id}", json=dict(changes))

    def delete_conversation(self, conversation_id: str) -> None:
        """Delete a conversation with its attachments."""
        self.send("DELETE", f"/api/conversations/{conversation_id}")

    def rename_folder(self, name: str, to: str) -> None:
        """Give a folder of conversations another name."""
        self.send("PATCH", f"/api/folders/{quote(name, safe='')}", json={"name": to})

    def delete_folder(self, name: str) -> None:
        """Delete a folder; its conversations stay."""
        self.send("DELETE", f"/api/folders/{quote(name, safe='')}")

    def export_chats(self, conversation_id: str | None = None, form: str = "json") -> bytes:
        """Return all own chats as a file, or one; `form` is "json" or, for one chat, "markdown"."""
        return self.send("GET", "/api/chats/export", {"conversation": conversation_id, "format": form}).content

    def import_chats(self, content: bytes) -> int:
        """Take the chats of an exported file in, and return how many."""
        taken = self.send_content("/api/chats/import", content).json().get("taken")
        return taken if isinstance(taken, int) else 0

    def share(self, conversation_id: str) -> wire.Link:
        """Share a conversation as it stands now; an earlier link to it ends."""
        return self.parse(wire.Link, self.send("PUT", f"/api/conversations/{conversation_id}/share"))

    def link(self, conversation_id: str) -> wire.Link:
        """Return the link of a conversation; without one an ApiRefused with status 404."""
        return self.read(wire.Link, f"/api/conversations/{conversation_id}/share")

    def revoke(self, conversation_id: str) -> None:
        """End the link of a conversation at once."""
        self.send("DELETE", f"/api/conversations/{conversation_id}/share")

    def shared(self, link_id: str) -> wire.SharedChat:
        """Return a chat that somebody shared, with the sources that the caller may read."""
        return self.read(wire.SharedChat, f"/api/shared/{link_id}")

    def attach(self, conversation_id: str, files: Iterable[NamedFile]) -> wire.Upload:
        """Add files to one conversation only."""
        return self.send_files(f"/api/conversations/{conversation_id}/attachments", files)

    def attachments(self, conversation_id: str) -> list[wire.Document]:
        """Return the files of one conversation."""
        return self.read_list(wire.Document, f"/api/conversations/{conversation_id}/attachments", "documents")

    def rate(self, turn_id: str, rating: str | None, reason: str | None = None, comment: str | None = None) -> None:
        """Set, change or (None) take back the rating of an answer."""
        body = {"rating": rating, "reason": reason, "comment": comment}
        self.send("PUT", f"/api/turns/{turn_id}/feedback", json=body)

    def ask(self, question: Question) -> Iterator[ChatEvent]:
        """Ask, and yield what happens until the answer is complete.

        Pictures in a conversation that no model may see are an ApiRefused with the code "no-vision", and nothing
        was asked; in a temporary chat the text on them is read.
        """
        temporary = question.said is not None
        extra: dict[str, object] = {"temporary": True} if temporary else {"conversation_id": question.conversation_id}
        if question.collections is not None:
            extra["collections"] = list(question.collections)
        if question.replace_turn:
            extra["replace_turn"] = question.replace_turn
        if question.pictures and not temporary:  # a conversation can keep them as files where no model sees them
            extra["pictures"] = "seen"
        if question.manner.preset:
            extra["preset"] = question.manner.preset
        body = {
            **_sampling(question.manner),
            "model": "assistant",
            "stream": True,
            "messages": [*_messages(question.said or ()), {"role": "user", "content": _content(question)}],
            "assistant": extra,
        }
        return self.send_stream("POST", "/v1/chat/completions", json=body)

    def speech(self) -> bool:
        """Return whether recordings are taken."""
        return self.read_object("/api/speech").get("on") is True

    def transcribe(self, recording: NamedFile) -> str:
        """Return what is said in a recording, "" where nothing is."""
        response = self.send_file("/v1/audio/transcriptions", recording, {"model": "assistant-speech"})
        return self.parse(wire.Said, response).text.strip()

    def resume(self, turn_id: str, last_event_id: str) -> Iterator[ChatEvent]:
        """Yield the events of a running answer that came after `last_event_id`; "" for all of them."""
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        return self.send_stream("GET", f"/api/streams/{turn_id}", headers=headers)

    def stop(self, turn_id: str) -> None:
        """Stop a running answer; what was said so far is kept."""
        self.send("POST", f"/api/streams/{turn_id}/stop")


def _content(question: Question) -> str | list[dict[str, object]]:
    """Return the words, with the pictures behind them where there are some."""
    if not question.pictures:
        return question.text
    seen: list[dict[str, object]] = [{"type": "image_url", "image_url": {"url": url}} for url in question.pictures]
    return [{"type": "text", "text": question.text}, *seen]


def _sampling(manner: wire.Manner) -> dict[str, object]:
    """Return what is set, as OpenAI's fields."""
    body: dict[str, object] = manner.model_dump(exclude_none=True, exclude={"preset", "json_schema"})
    if manner.json_schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": manner.json_schema}}
    return body


def _messages(said: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Return earlier questions and answers as messages."""
    return [
        {"role": role, "content": text} for pair in said for role, text in zip(("user", "assistant"), pair, strict=True)
    ]
