"""An installation with two people, documents with different readers, and turns as a chat leaves them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from assistant import conversations, feedback, record
from assistant.feedback import Rating
from assistant.people import users
from assistant.people.credentials import caller_of, local_caller
from assistant.people.users import User
from assistant.record import TurnRecord
from assistant.types import Answer, Caller, Citation, Route, Turn, TurnOptions
from assistant.wire import answer_json
from knowledge import chunks, collections, documents
from knowledge.embed import HashEmbedder
from knowledge.tables import documents as documents_table
from knowledge.types import Chunk, NewChunk, Passage, Scope

ADMIN = local_caller().scope
ROUTE = Route("smol", "grounded-answer", "fallback", "grounded_answer")
ABSTENTION = "The documents do not say."


@dataclass
class House:
    """People, documents and the turns that they leave."""

    engine: Engine
    ann: User  # an administrator
    ben: User
    eve: User

    def document(
        self, title: str, texts: Sequence[str], readers: Sequence[str] = ("everyone",), **of: str
    ) -> list[Chunk]:
        """The chunks of a new document in a collection of its own."""
        engine, made = self.engine, collections.create(self.engine, f"{title} {uuid4().hex}", "", list(readers), **of)
        added = documents.add(engine, made.id, title, f"{title}.md", "text/markdown", 9, "0" * 64, [], "Ann")
        with engine.begin() as connection:
            held = documents_table.update().where(documents_table.c.id == added.id)
            connection.execute(held.values(status="running", lease_owner="w", lease_until=2e9))
        new = [NewChunk(text) for text in texts]
        chunks.replace(engine, added.id, "w", new, HashEmbedder().embed(list(texts)), "hash", title)
        mine = Scope(frozenset(readers))
        return chunks.page(engine, mine, added.id, 0, len(texts))[0]

    def ask(
        self,
        who: User,
        question: str,
        text: str,
        cited: Sequence[Chunk] = (),
        beside: Sequence[Chunk] = (),
        conversation: str | None = None,
        standalone: str = "",
        strategy: str = "grounded_answer",
        cached: bool = False,
    ) -> str:
        """The id of an answered turn whose passages were `cited` and those `beside` them."""
        inside = conversation or conversations.create(self.engine, who.id)
        asked = conversations.ask(self.engine, who.id, inside, question)
        assert asked is not None
        quotes = tuple(
            Citation(n, one.document_id, "Handbook", None, one.id, one.text) for n, one in enumerate(cited, start=1)
        )
        shown = [] if cached else [self._passage(one) for one in (*beside, *cited)]
        abstained = text == ABSTENTION
        answer = Answer(text, quotes, abstained, bool(quotes), False, replace(ROUTE, strategy=strategy))
        answer = replace(answer, nearest=tuple(self._passage(one) for one in beside) if abstained else ())
        conversations.finish(self.engine, asked.turn_id, "done", answer_json(answer))
        turn = Turn(asked.turn_id, question, (), self.caller(who), TurnOptions(conversation_id=inside))
        kept = TurnRecord(
            turn, standalone or question, tuple(shown), "grounded_answer@1", 1, cached, answer, time.time()
        )
        record.append(self.engine, kept)
        return asked.turn_id

    def rate(self, who: User, turn_id: str, rating: Rating | None, reason: str = "", comment: str = "") -> None:
        """Rate one's answer."""
        assert feedback.rate(self.engine, who.id, turn_id, rating, reason or None, comment or None)

    def caller(self, who: User) -> Caller:
        """What somebody may do now."""
        found = users.get(self.engine, who.id)
        assert found is not None
        return caller_of(found, "session")

    def _passage(self, one: Chunk) -> Passage:
        return Passage(one.id, one.document_id, "", "Handbook", "", one.text, one.heading, one.page, one.anchor, 0.9)


@pytest.fixture
def house(engine: Engine) -> House:
    """A fresh one."""
    with engine.begin() as connection:
        people = [users.insert_user(connection, name, "x", name == "Ann") for name in ("Ann", "Ben", "Eve")]
    return House(engine, *people)
