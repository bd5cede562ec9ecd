"""Turns over a list of passages, a scripted model and the grounding check that ships."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from assistant.guardrails.grounding import RuleJudge
from assistant.models.fake import ScriptedModel
from assistant.models.types import ChatModel
from assistant.orchestration.examples import ExampleBank
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.orchestration.ports import Models, OneModel
from assistant.orchestration.prompts import Message
from assistant.orchestration.settings import TurnSettings
from assistant.record import MemoryRecords
from assistant.turn import Turns
from assistant.types import Answer, Caller, Event, Route, Turn, TurnOptions
from knowledge.embed import OnnxEmbedder
from knowledge.reader import Reader
from knowledge.types import Passage, Scope
from skills.types import Skill
from tests.turn.desk import Desk
from tests.turn.skilled import Skilled, skilled

ROUTE = Route("small", None, "fallback", "")
ABSTENTION = "The documents do not say."
ANNA = Caller("anna", "Anna", Scope(frozenset({"everyone", "user:anna"})))


def passage(n: int, text: str, title: str = "Handbook", heading: str = "", collection: str = "handbook") -> Passage:
    return Passage(f"c{n}", f"d{n}", collection, title, f"{n}.md", text, heading, n, f"a{n}", 1 / (1 + n))


LEAVE = "How many days of paid leave do employees get per year?"
PASSAGES = [
    passage(1, "Normandy is a region in France. Its capital is Rouen.", "Regions"),
    passage(
        2, "Employees get 25 days of paid leave per year. Unused leave expires on 31 March.", "Leave", "HR > Leave"
    ),
    passage(3, "The gym is open from 6 to 22. Guests pay 5 EUR.", "Gym", "Opening hours"),
]


@dataclass
class Ran:
    """What came out of a turn."""

    events: list[Event] = field(default_factory=list)

    @property
    def answer(self) -> Answer:
        assert self.events[-1].answer is not None
        return self.events[-1].answer

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if event.kind == "text")

    @property
    def steps(self) -> list[str]:
        return [event.step.name for event in self.events if event.step]


@dataclass
class Bench:
    """A product in small; `ask` runs a turn to its end."""

    turns: Turns
    search: ListSearch
    records: MemoryRecords

    async def ask(self, question: str, caller: Caller = ANNA, history: Sequence[Message] = (), **options: Any) -> Ran:
        ran = Ran()
        async for event in self.run(question, caller, history, **options):
            ran.events.append(event)
        assert [event.kind for event in ran.events].count("answer") == 1
        return ran

    async def run(
        self, question: str, caller: Caller = ANNA, history: Sequence[Message] = (), **options: Any
    ) -> AsyncGenerator[Event, None]:
        turn = Turn(f"t{len(self.records.records)}", question, tuple(history), caller, TurnOptions(**options))
        async with aclosing(self.turns.run(turn)) as events:
            async for event in events:
                yield event


@pytest.fixture(scope="session")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(threads=1)


@pytest.fixture
def bench(embedder: OnnxEmbedder) -> Any:
    def make(
        model: ChatModel | str,
        passages: Sequence[Passage] = PASSAGES,
        readers: dict[str, str] | None = None,
        route: Route = ROUTE,
        models: Models | None = None,
        secrets: Sequence[str] = (),
        reader: Reader | None = None,
        **settings: Any,
    ) -> Bench:
        chat = ScriptedModel([model]) if isinstance(model, str) else model
        search, records = ListSearch(passages, readers), MemoryRecords()
        turns = Turns(
            search,
            models or OneModel(chat, route),
            RuleJudge(embedder.embed),
            OpenGate(),
            records,
            TurnSettings(**{"whole_sentences": False, **settings}),
            secrets=secrets,
            reader=reader,
            examples=ExampleBank(embedder.embed),
        )
        return Bench(turns, search, records)

    return make


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def make(tmp_path: Path, embedder: OnnxEmbedder, desk: Desk) -> Any:
    """A function that opens a product over a model, with the skills of the desk unless it is given others."""
    made: list[Skilled] = []

    async def opened(model: Any, skills: Sequence[Skill] | None = None, **options: Any) -> Skilled:
        found = await skilled(tmp_path, model, embedder.embed, skills or desk.skills(), **options)
        made.append(found)
        return found

    yield opened
    for each in made:
        await each.service.stop()
