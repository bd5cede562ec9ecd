"""The memory of the stand-in, and who may see what of it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from ui.fake_api.adapters import FakeAdapter, sample_adapters
from ui.fake_api.group_note import FakeGroupNote
from ui.fake_api.long_call import FakeLongCall
from ui.fake_api.records import (
    FakeApproval,
    FakeChunk,
    FakeCollection,
    FakeConversation,
    FakeDocument,
    FakeNote,
    FakePrompt,
    FakeSkill,
    FakeUser,
    new_id,
)
from ui.wire.widgets import WidgetProfile

_WORD = re.compile(r"[\w']+")
_COMMON = frozenset(
    _WORD.findall(
        "a an and are as at be by can do does for from how i in is it may of on or our the there this to was we what "
        "when where which who why will with you your"
    )
)


@dataclass
class Script:
    """An answer that a test prescribes for questions that contain `asked`."""

    asked: str
    text: str
    cite: int = 0  # how many of the best passages are cited as [1]..[n]
    abstained: bool = False
    degraded: bool = False
    notice: str | None = None
    draws: str = ""  # what the picture shows that comes with it; "": none does
    calls: tuple[str, dict[str, object]] | None = None  # the skill, and its arguments, that wait for approval


@dataclass
class Faults:
    """What is to go wrong, and how often."""

    refuse_chat: int = 0  # so many next questions get 429
    cut_chat: int = 0  # so many next streams break off after some words
    down: bool = False  # everything gets 503
    half_searched: str = ""  # the notice of a search of which a stage could not look


def shipped_prompts() -> dict[str, FakePrompt]:
    """Return two prompts as they ship: one in use, one a template."""
    rules = "Answer from the numbered passages only. Otherwise reply: The documents do not say."
    text = 'name: {name}\nsystem: >-\n  {rules}\nuser: "{{passages}}\\n\\nQuestion: {{question}}"\n'
    made = [("grounded_answer", 0, ()), ("reasoned_answer", None, ("domain",))]
    return {
        name: FakePrompt(name, [text.format(name=name, rules=rules)], live, tiers=tiers) for name, live, tiers in made
    }


@dataclass
class World:
    """Everything that the stand-in knows."""

    users: dict[str, FakeUser] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)  # token: user id
    keys: dict[str, dict[str, object]] = field(default_factory=dict)
    collections: dict[str, FakeCollection] = field(default_factory=dict)
    documents: dict[str, FakeDocument] = field(default_factory=dict)
    conversations: dict[str, FakeConversation] = field(default_factory=dict)
    skills: dict[str, FakeSkill] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)  # added sources of skills: their skills by file
    origins: dict[str, str] = field(default_factory=dict)  # where documents of skills came from, by source
    options: dict[str, dict[str, object]] = field(default_factory=dict)  # what was said of a source, by its name
    secrets: dict[str, str] = field(default_factory=dict)
    calls: list[dict[str, object]] = field(default_factory=list)
    approvals: dict[str, FakeApproval] = field(default_factory=dict)
    long_calls: list[FakeLongCall] = field(default_factory=list)
    group_notes: list[FakeGroupNote] = field(default_factory=list)
    notes: dict[str, FakeNote] = field(default_factory=dict)
    memory_off: set[str] = field(default_factory=set)  # user ids
    prompts: dict[str, FakePrompt] = field(default_factory=shipped_prompts)
    widgets: dict[str, dict[str, object]] = field(default_factory=dict)
    forgotten_talks: set[str] = field(default_factory=set)  # transcripts that were deleted
    sent_on: set[str] = field(default_factory=set)  # requests for a person that were passed on
    shared: dict[str, dict[str, object]] = field(default_factory=dict)  # links: conversation, title, by, turns
    scripts: list[Script] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    adapters: dict[str, FakeAdapter] = field(default_factory=sample_adapters)
    curated: dict[str, dict[str, object]] = field(default_factory=dict)
    assistants: dict[str, dict[str, object]] = field(default_factory=dict)
    policies: list[dict[str, object]] = field(default_factory=list)
    policy: str | None = None  # the learned one that acts
    models_off: set[str] = field(default_factory=set)
    models_problems: list[str] = field(default_factory=list)  # with the files of rules and ensembles
    preset: str = "precise"
    guessing_measured: bool = False
    worth: dict[str, object] | None = None  # of the ensemble, once it was measured
    chat_bodies: list[dict[str, object]] = field(default_factory=list)  # as they were sent, newest last
    sees: bool = False  # whether a model takes pictures
    says: str | None = None  # what every recording says; None: speech is off
    setup_token: str | None = None
    reading_s: float = 0.0  # how long an uploaded document takes to be read
    word_s: float = 0.0  # pause between two words of an answer

    def write_curated(
        self,
        identifier: str,
        questions: list[str],
        answer: str,
        sources: list[str],
        readers: list[str],
        enabled: bool = True,
        given: int = 0,
    ) -> dict[str, object]:
        """Keep a curated answer and return it; `sources` are ids of chunks."""
        passages = {chunk.id: (one, chunk) for one in self.documents.values() for chunk in one.chunks}
        cited = [(n, *passages[source]) for n, source in enumerate(sources, start=1) if source in passages]
        self.curated[identifier] = {
            "id": identifier, "questions": questions, "answer": answer, "sources": sources,
            "citations": [
                {"n": n, "document": document.id, "title": document.title, "page": None, "chunk": chunk.id,
                 "quote": chunk.text}
                for n, document, chunk in cited
            ],
            "sources_gone": [], "readers": readers, "enabled": enabled, "given": given, "updated_at": time.time(),
        }  # fmt: skip
        return self.curated[identifier]

    def add_widget(self, name: str, profile: dict[str, object], enabled: bool = False) -> dict[str, object]:
        """Create a widget and return it."""
        made = new_id()
        self.widgets[made] = {
            "id": made,
            "name": name,
            "enabled": enabled,
            "profile": WidgetProfile.model_validate(profile).model_dump(mode="json"),
            "keys": [],
            "today": {"sessions": 3, "messages": 7, "tokens": 5_400},
            "snippet": f'<script src="http://127.0.0.1:8000/widget.js" data-widget="{made}" async></script>',
        }
        return self.widgets[made]

    def add_user(self, name: str, password: str, is_admin: bool = False, groups: tuple[str, ...] = ()) -> FakeUser:
        """Create an account."""
        user = FakeUser(name=name, password=password, is_admin=is_admin, groups=list(groups))
        self.users[user.id] = user
        self.groups += [group for group in groups if group not in self.groups]
        return user

    def sign_in(self, user: FakeUser) -> str:
        """Return a fresh session token."""
        token = new_id()
        self.tokens[token] = user.id
        return token

    def add_collection(self, name: str, readers: tuple[str, ...] = (), description: str = "") -> FakeCollection:
        """Create a collection; without readers only administrators see it."""
        collection = FakeCollection(name=name, description=description, readers=list(readers))
        self.collections[collection.id] = collection
        return collection

    def add_document(self, collection: FakeCollection, path: str, text: str, uploaded_by: str = "") -> FakeDocument:
        """Take a document in; its chunks are its paragraphs, headed by the Markdown headings above them."""
        title = path.rsplit("/", 1)[-1]
        document = FakeDocument(
            collection_id=collection.id,
            title=title,
            path=path,
            content=text.encode("utf-8", "replace"),
            chunks=paragraphs(text),
            uploaded_by=uploaded_by,
            reading_s=self.reading_s,
        )
        self.documents[document.id] = document
        return document

    def refuse_document(
        self, collection: FakeCollection, path: str, reason: str, uploaded_by: str
    ) -> dict[str, object]:
        """Keep the row of a file that was not taken, but for a conversation's; return what the upload's answer says."""
        title = path.rsplit("/", 1)[-1]
        row = FakeDocument(collection.id, title, path, b"", [], uploaded_by, media_type="", reason=reason)
        if collection.private_to is None:
            self.documents[row.id] = row
        return {"path": path, "reason": reason, "code": "unsupported"}

    def may_read(self, user: FakeUser, collection: FakeCollection) -> bool:
        """Return whether a person may read a collection."""
        if collection.private_to is not None:
            owner = self.conversations.get(collection.private_to)
            return owner is not None and owner.owner == user.id
        return user.is_admin or bool(user.principals() & set(collection.readers))

    def readable(self, user: FakeUser, names: list[str] | None = None) -> list[FakeCollection]:
        """Return the collections that a person may read, without attachments."""
        return [
            collection
            for collection in self.collections.values()
            if collection.private_to is None
            and self.may_read(user, collection)
            and (names is None or collection.name in names)
        ]

    def document_for(self, user: FakeUser, document_id: str) -> FakeDocument | None:
        """Return a document if a person may read it."""
        document = self.documents.get(document_id)
        if document is None or not self.may_read(user, self.collections[document.collection_id]):
            return None
        return document

    def search(
        self, collections: list[FakeCollection], query: str, limit: int
    ) -> list[tuple[float, FakeDocument, FakeChunk]]:
        """Return (share of the query's words that are there, document, chunk), best first."""
        wanted = words(query)
        allowed = {collection.id for collection in collections}
        found = []
        for document in self.documents.values():
            if document.collection_id not in allowed or document.status != "ready":
                continue
            for chunk in document.chunks:
                share = len(wanted & words(f"{chunk.heading} {chunk.text}")) / max(1, len(wanted))
                if chunk.enabled and share > 0:
                    found.append((share, document, chunk))
        return sorted(found, key=lambda hit: -hit[0])[:limit]


def words(text: str) -> set[str]:
    """Return the words of a text that mean something, roughly stemmed."""
    return {word.rstrip("s") for word in _WORD.findall(text.lower()) if word not in _COMMON}


def paragraphs(text: str) -> list[FakeChunk]:
    """Return the paragraphs of a Markdown text; a form feed begins a new page."""
    chunks: list[FakeChunk] = []
    pages = text.split("\f")
    heading = ""
    for number, page in enumerate(pages, start=1):
        for block in re.split(r"\n\s*\n", page):
            block = block.strip()
            if block.startswith("#"):
                heading, _, block = block.partition("\n")
                heading = heading.lstrip("# ")
            if block.strip():
                chunks.append(FakeChunk(" ".join(block.split()), heading, number if len(pages) > 1 else None))
    return chunks
