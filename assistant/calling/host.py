"""What the built-in skills get from the product: search, documents, tables, a model; each with the person's rights.

Files attached to the conversation that a call is made in come first; those of other conversations are never found.
"""

from __future__ import annotations

import asyncio
import re
from typing import Protocol
from uuid import uuid4

from sqlalchemy import Engine

from assistant import attachments, drawn
from assistant.calling import named_table
from assistant.drafter import converses
from assistant.models.errors import ModelError
from assistant.models.types import ModelRequest, Sampling
from assistant.orchestration.context import interleaved
from assistant.orchestration.ports import Choice, Search
from assistant.orchestration.prompts import Message
from assistant.threads import in_thread, in_writer_thread
from assistant.types import Picture
from ingest.files import FileStore
from knowledge import chunks, collections, documents
from knowledge.types import Collection, Document, Scope
from skills.builtin import Host
from skills.builtin.documents import FoundText, WholeText
from skills.builtin.tables import MAX_TABLE_BYTES, TableFile
from skills.errors import ModelTooSmall, SkillFailure
from skills.types import Person, Schema

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TABLES = ("text/csv", _XLSX)
_MOST_ATTACHED = 100  # files of one conversation that are looked at
_SIGNS = re.compile(r"[\W_]+")
_CHUNKS = 400  # of a document that is read whole; more is refused by the skill's own limit


class NamedModels(Protocol):
    """The language models, by name."""

    def named(self, wanted: str) -> Choice:
        """Return a model; "assistant" is the best one. Raises ModelError when there is none."""
        ...


class ProductHost:
    """The product's side of the built-in skills."""

    def __init__(self, engine: Engine, search: Search, files: FileStore, models: NamedModels) -> None:
        """Serve from these; nothing is done before a skill asks."""
        self._engine = engine
        self._search = search
        self._files = files
        self._models = models

    def host(self) -> Host:
        """Return what the skills are handed."""
        return Host(
            search=self.search,
            read=self.read,
            complete=self.complete,
            find_table=self.find_table,
            keep_picture=self.keep_picture,
        )

    async def search(self, query: str, person: Person, limit: int) -> list[FoundText]:
        """Return the passages that fit best and that the person may read."""
        scope = Scope(person.principals)
        own = await in_thread(self._attached, scope, person.conversation)
        places = [None] if own is None else [(own.name,), None]
        searches = (self._search.search_detailed(query, scope, place, limit) for place in places)
        found = interleaved([result.passages for result in await asyncio.gather(*searches)])[:limit]
        return [FoundText(p.document_id, p.title, p.text, p.page) for p in found]

    async def read(self, document: str, person: Person) -> WholeText | None:
        """Return a document that the person may read, by its id or title; None without one."""
        return await in_thread(self._read, document, Scope(person.principals), person.conversation)

    async def find_table(self, name: str, person: Person) -> TableFile | None:
        """Return an uploaded table that the person may read, by its title or file name; None without one."""
        return await in_thread(self._find_table, name, Scope(person.principals), person.conversation)

    async def table_named(self, question: str, person: Person, places: tuple[str, ...] | None) -> str | None:
        """Return the name of the table that a question is about: one that it names, or the only one of its chat.

        Tables of no conversation count where they lie in the collections `places`; None: in any.
        """
        return await in_thread(self._table_named, question, Scope(person.principals), person.conversation, places)

    async def keep_picture(self, media_type: str, data: bytes, person: Person) -> str:
        """Store a picture for the person, in the conversation of the call, and return its id."""
        picture = Picture(media_type, data)
        return await in_writer_thread(drawn.keep, self._engine, person.user_id, person.conversation, picture)

    async def complete(self, system: str, user: str, max_tokens: int, schema: Schema | None) -> str:
        """Return a model's reply; raises SkillFailure when none answers, ModelTooSmall where none can write."""
        text = ""
        try:
            choice = self._models.named("assistant")
            if not converses(choice):
                raise ModelTooSmall
            model = choice.model
            messages = (Message("system", system), Message("user", user))
            sampling = Sampling(max_tokens=min(max_tokens, 2_000), json_schema=schema)
            request = ModelRequest(messages, sampling, request_id=uuid4().hex, task="skill")
            async for piece in model.stream(request):
                text += piece.text
        except ModelError as exc:
            raise SkillFailure("No language model answers just now.") from exc
        return text

    def _read(self, name: str, scope: Scope, conversation: str | None) -> WholeText | None:
        document = self._by_id(name, scope, conversation) or self._named(name, scope, conversation)
        if document is None:
            return None
        found, _ = chunks.page(self._engine, scope, document.id, 0, _CHUNKS)
        return WholeText(document.title, "\n\n".join(chunk.text for chunk in found))

    def _find_table(self, name: str, scope: Scope, conversation: str | None) -> TableFile | None:
        document = self._named(name, scope, conversation, _TABLES)
        if document is None or document.size > MAX_TABLE_BYTES:
            return None
        with self._files.open(document.sha256) as file:
            return TableFile(_file_name(document), document.media_type, file.read())

    def _table_named(
        self, question: str, scope: Scope, conversation: str | None, places: tuple[str, ...] | None
    ) -> str | None:
        own, pages = self._attached(scope, conversation), []
        if own is not None:
            pages.append(documents.page(self._engine, scope, own.id, status="ready", limit=_MOST_ATTACHED)[0])
        attached = [each for each in (pages[0] if pages else []) if each.media_type in _TABLES]
        pages += [
            documents.page(self._engine, scope, None, status="ready", text=word, limit=20)[0]
            for word in named_table.wanted(question)
        ]
        open_ = None if places is None else collections.names(self._engine, scope, places)
        for each in (each for page in pages for each in page if each.media_type in _TABLES):
            name = next((name for name in (_file_name(each), each.title) if named_table.says(question, name)), None)
            if name and (open_ is None or each in attached or each.collection_id in open_):
                return name
        return _file_name(attached[0]) if len(attached) == 1 else None

    def _by_id(self, identifier: str, scope: Scope, conversation: str | None) -> Document | None:
        document = documents.get(self._engine, scope, identifier)
        if document is None:
            return None
        # All collections but those that are private to a conversation of somebody else's.
        held = collections.get(self._engine, Scope(scope.principals, sees_all=True), document.collection_id)
        return document if held is not None and held.private_to in (None, conversation) else None

    def _named(
        self, name: str, scope: Scope, conversation: str | None, media_types: tuple[str, ...] = ()
    ) -> Document | None:
        """Return the newest readable document of that title or file name; the nearest one where none is the same."""
        own = self._attached(scope, conversation)
        wanted, text = name.strip().lower(), name.strip()[:200]
        fitting: list[Document] = []
        for place in [None] if own is None else [own.id, None]:
            found, _ = documents.page(self._engine, scope, place, status="ready", text=text, limit=20)
            fitting += [each for each in found if not media_types or each.media_type in media_types]
        if not fitting:
            fitting = self._spelled_so(name, scope, own, media_types)
        same = [each for each in fitting if wanted in (each.title.lower(), _file_name(each).lower())]
        return next(iter(same or fitting), None)

    def _spelled_so(
        self, name: str, scope: Scope, own: Collection | None, media_types: tuple[str, ...]
    ) -> list[Document]:
        """Return documents whose title or file name says `name` in other signs: "staff rules", "Staff_Rules.pdf"."""
        wanted = _spelled(name)
        text = max(wanted.split(), key=len, default="")[:200]
        if not text:
            return []
        pages = [
            documents.page(self._engine, scope, place, status="ready", text=text, limit=100)[0]
            for place in ([None] if own is None else [own.id, None])
        ]
        return [
            each
            for each in (each for page in pages for each in page)
            if (not media_types or each.media_type in media_types)
            and any(f" {wanted} " in f" {_spelled(said)} " for said in (each.title, _file_name(each)))
        ]

    def _attached(self, scope: Scope, conversation: str | None) -> Collection | None:
        return None if conversation is None else attachments.attached(self._engine, scope, conversation)


def _spelled(text: str) -> str:
    return _SIGNS.sub(" ", text.lower()).strip()


def _file_name(document: Document) -> str:
    return document.path.rsplit("/", 1)[-1]
