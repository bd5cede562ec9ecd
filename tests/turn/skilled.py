"""Turns with skills: a real kernel, a real registry, real approvals in SQLite, scripted models and skills."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from assistant.calling.deciding import SkillTurns
from assistant.calling.service import SkillService
from assistant.calling.tracker import CallTracker
from assistant.database import migrate
from assistant.guardrails.grounding import RuleJudge
from assistant.models.types import ModelRequest, Piece, Usage
from assistant.orchestration.fake import ListSearch
from assistant.orchestration.gate import KernelGate
from assistant.orchestration.ports import OneModel
from assistant.orchestration.prompts import Message
from assistant.orchestration.settings import TurnSettings
from assistant.record import MemoryRecords
from assistant.turn import Turns
from assistant.types import Answer, Caller, Event, Route, Turn, TurnOptions
from knowledge.database import connect
from knowledge.types import Passage
from skills.audit import AuditFile
from skills.fake import FixedSource
from skills.guards import Compose, standard
from skills.http import Http
from skills.settings import SkillsSettings
from skills.skillset import Skillset
from skills.sources import Parts
from skills.types import Skill, Source

ABSTAINS = "The documents do not say."
Call = tuple[str, dict[str, Any]]
Line = str | list[Call]


class ToolModel:
    """Abstains from documents; with functions, it plays a script of calls and texts, one line per request."""

    name, context_tokens = "tools", 8192

    def __init__(self, *script: Line, document: str = ABSTAINS) -> None:
        self.requests: list[ModelRequest] = []
        self._script = list(script)
        self._document = document
        self._ids = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        self.requests.append(request)
        acts = bool(request.tools) or request.messages[-1].role == "tool"
        line: Line = (self._script.pop(0) if self._script else "That is all.") if acts else self._document
        if isinstance(line, str):
            yield Piece(line)
            yield Piece(stopped_by="stop", usage=Usage(5, 3))
            return
        calls = []
        for name, arguments in line:
            self._ids += 1
            function = {"name": f"skills-{name}", "arguments": json.dumps(arguments)}
            calls.append({"id": f"call{self._ids}", "type": "function", "function": function})
        yield Piece(tool_calls=tuple(calls), stopped_by="tool_calls", usage=Usage(5, 3))

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        return sum(len(message.content.split()) for message in messages)


class SmallModel:
    """Abstains from documents, and fills in arguments with the given ones."""

    name, context_tokens = "small", 8192

    def __init__(self, arguments: dict[str, Any] | None = None, document: str = ABSTAINS) -> None:
        self.requests: list[ModelRequest] = []
        self._arguments = arguments or {}
        self._document = document

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        self.requests.append(request)
        yield Piece(json.dumps(self._arguments) if request.sampling.json_schema else self._document)
        yield Piece(stopped_by="stop", usage=Usage(5, 3))

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        return sum(len(message.content.split()) for message in messages)


@dataclass
class Skilled:
    """Turns with skills over one data folder; opened again, it is the same product after a restart."""

    turns: Turns
    engine: Engine
    service: SkillService
    records: MemoryRecords
    search: ListSearch
    count: int = 0

    async def ask(self, question: str, caller: Caller, history: Sequence[Message] = (), **options: Any) -> Answer:
        return (await self.events(question, caller, history, **options))[-1].answer  # type: ignore[return-value]

    async def events(
        self, question: str, caller: Caller, history: Sequence[Message] = (), **options: Any
    ) -> list[Event]:
        self.count += 1
        turn = Turn(f"turn{id(self):x}{self.count}"[-32:], question, tuple(history), caller, TurnOptions(**options))
        async with aclosing(self.turns.run(turn)) as events:
            found = [event async for event in events]
        assert [event.kind for event in found].count("answer") == 1
        streamed = "".join(event.text for event in found if event.kind == "text")
        assert found[-1].answer is not None and found[-1].answer.text == streamed
        return found

    async def decide(self, identifier: str, approved: bool, caller: Caller) -> Answer:
        return await self.ask("", caller, decisions=((identifier, approved),))

    @property
    def audit(self) -> list[dict[str, Any]]:
        return self.service.audit.latest(50)


async def skilled(
    folder: Path,
    model: Any,
    embed: Callable[[list[str]], Any],
    skills: Sequence[Skill],
    passages: Sequence[Passage] = (),
    tools: bool = True,
    tracker: CallTracker | None = None,
    guards: Compose = standard,
    secrets: Sequence[str] = (),
    http: Http | None = None,
    builtin: Callable[[Parts], Iterable[Source]] | None = None,
    skills_settings: SkillsSettings | None = None,
    **settings: Any,
) -> Skilled:
    """Return turns with `skills` over the data folder `folder`."""
    engine = connect(f"sqlite:///{folder}/assistant.db")
    migrate(engine, folder)
    chosen = skills_settings or SkillsSettings()
    audit = AuditFile(folder / "skills.jsonl")

    async def opened() -> Skillset:
        return await Skillset.open(
            chosen,
            folder,
            embed=embed,
            audit=audit,
            builtin=lambda parts: [FixedSource("test", *skills), *(builtin(parts) if builtin else ())],
            http=http,
            tracker=tracker,
            guards=guards,
        )

    service = SkillService(opened, chosen, audit)
    await service.start()
    await service.ready()
    search, records, limits = ListSearch(passages), MemoryRecords(), TurnSettings(**settings)
    models = OneModel(model, Route(model.name, None, "domain" if tools else "fallback", ""), tools)
    gate = KernelGate()
    turns = Turns(
        search, models, RuleJudge(embed), gate, records, limits, secrets=secrets,
        skills=SkillTurns(engine, service, models, gate, limits, secrets),
    )  # fmt: skip
    return Skilled(turns, engine, service, records, search)
