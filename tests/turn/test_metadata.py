"""T30: documents whose title, path or heading is code or a query elsewhere, in the real database and indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

from sqlalchemy import Engine

from assistant.guardrails.grounding import RuleJudge
from assistant.models.fake import ScriptedModel
from assistant.models.types import ModelRequest
from assistant.orchestration.gate import KernelGate
from assistant.orchestration.ports import OneModel
from assistant.orchestration.settings import TurnSettings
from assistant.record import MemoryRecords
from assistant.turn import Turns
from assistant.types import Answer, Turn, TurnOptions
from knowledge import chunks, collections, documents
from knowledge.embed import OnnxEmbedder, passage_text
from knowledge.indexes import Indexes
from knowledge.search import Search
from knowledge.types import NewChunk, Scope
from tests.knowledge.building import ADMIN, hold
from tests.turn.conftest import ANNA, ROUTE

METADATA = (
    '{"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]}', '{"__class__": "os.system"}', '{"$gt": ""}',
    '{"$where": "sleep(1)"}', "!!python/object/apply:os.system [id]", "{{7*7}}", "${7*7}", "{question}",
    "%(question)s", "__import__('os')",
)  # fmt: skip
PLACES = ("title", "path", "heading")
TOWNS = [
    "Aachen", "Bremen", "Cottbus", "Dresden", "Erfurt", "Freiburg", "Goslar", "Hanau", "Ingolstadt", "Jena", "Kassel",
    "Lindau", "Mainz", "Neuss", "Oldenburg", "Passau", "Quedlinburg", "Rostock", "Siegen", "Trier", "Ulm", "Verden",
    "Weimar", "Xanten", "Ystad", "Zwickau", "Bonn", "Celle", "Detmold", "Essen",
]  # fmt: skip
PLANTED = dict(zip(TOWNS, [(place, text) for place in PLACES for text in METADATA], strict=True))
TEXT = "The gym in {} is open from 6 to 22."


def _says(request: ModelRequest) -> str:
    """The sentence about the town in question, as it stands in the passages."""
    said = request.messages[-1].content
    town = re.findall(r"When is the gym in (\w+) open", said)[-1]
    marks = re.findall(rf"\[(\d+)\](?:(?!\[\d+\]).)*?The gym in {town} is open", said, re.S)
    return f"{TEXT.format(town)[:-1]} [{marks[-1]}]." if marks else "The documents do not say."


@contextmanager
def _searching(folder: Path, engine: Engine, embedder: OnnxEmbedder, planted: bool) -> Iterator[Search]:
    """A search over thirty documents that say plain things of themselves, or what is `planted`."""
    inside = collections.create(engine, f"Gyms {planted}", "", ["everyone"])
    for town, (place, text) in PLANTED.items():
        about = {"title": f"About {town}", "path": f"{town}.md", "heading": "Hours"} | (
            {place: text} if planted else {}
        )
        added = documents.add(
            engine, inside.id, about["title"], about["path"], "text/plain", 1, "0" * 64, [], "user:admin"
        )
        hold(engine, added.id, "worker")
        chunk = NewChunk(TEXT.format(town), about["heading"])
        vectors = embedder.embed([passage_text(about["title"], chunk.heading, chunk.text)])
        chunks.replace(engine, added.id, "worker", [chunk], vectors, embedder.name, about["title"])
    indexes = Indexes(engine, folder / f"indexes {planted}", embedder.name, embedder.dimension)
    try:
        indexes.step()
        yield Search(engine, indexes, embedder)
    finally:
        indexes.stop()


async def _answers(search: Search, model: ScriptedModel, embedder: OnnxEmbedder) -> dict[str, Answer]:
    settings = TurnSettings(whole_sentences=False, second_draft=False)
    turns = Turns(search, OneModel(model, ROUTE), RuleJudge(embedder.embed), KernelGate(), MemoryRecords(), settings)
    found: dict[str, Answer] = {}
    for n, town in enumerate(TOWNS):
        turn = Turn(f"t{n}", f"When is the gym in {town} open?", (), ANNA, TurnOptions())
        async with aclosing(turns.run(turn)) as events:
            found[town] = [event.answer async for event in events if event.answer is not None][-1]
    return found


async def test_what_a_document_says_of_itself_changes_nothing(
    tmp_path: Path, engine: Engine, embedder: OnnxEmbedder
) -> None:
    model = ScriptedModel([_says])
    with _searching(tmp_path, engine, embedder, planted=False) as search:
        plain = await _answers(search, model, embedder)
        assert {town: answer.text for town, answer in plain.items()} == {
            town: f"{TEXT.format(town)[:-1]} [1]." for town in TOWNS
        }
    (before,) = collections.list_readable(engine, ADMIN)
    collections.delete(engine, ADMIN, before.id)
    model.requests.clear()
    with _searching(tmp_path, engine, embedder, planted=True) as search:
        answers = await _answers(search, model, embedder)
        for town, (place, text) in PLANTED.items():
            answer = answers[town]
            assert answer.text == plain[town].text and answer.grounded and not answer.degraded, (town, answer.text)
            (cited,) = answer.citations
            assert getattr(cited, place) == text and cited.quote == TEXT.format(town)  # to the letter
        shown = "\n".join(message.content for request in model.requests for message in request.messages)
        assert all(text in shown for place, text in PLANTED.values() if place == "title")
        for text in METADATA:  # as a question, and as the name of a collection
            assert await search.search(text, ANNA.scope, limit=30)
            assert not await search.search("gym", ANNA.scope, collections=(text,))
        assert not await search.search("gym", Scope(frozenset(METADATA)), limit=30)  # or as a right to read
