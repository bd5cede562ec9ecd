"""Records: one row per turn, appended once, naming passages without copying them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from assistant.models.fake import ScriptedModel
from assistant.models.policy.situation import Decision
from assistant.orchestration.ports import Choice
from assistant.record import SqlRecords, TurnRecord, append, read
from assistant.tables import conversations, turn_records
from assistant.types import Answer, Caller, Route, Turn, TurnOptions
from knowledge.database import connect
from knowledge.tables import metadata
from knowledge.types import Scope
from tests.turn.conftest import LEAVE, PASSAGES, Ran

TURN = Turn("t1", "How many days?", (), Caller("anna", "Anna", Scope(frozenset())), TurnOptions(conversation_id="conv"))
ANSWER = Answer(
    "25 days [1].", (), False, True, False, Route("m", "a", "fallback", "grounded_answer"), nearest=(PASSAGES[0],)
)
RECORD = TurnRecord(TURN, "How many days of leave?", (PASSAGES[1],), "grounded_answer@1", 7, False, ANSWER, 12.5)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'a.db'}")
    metadata.create_all(engine)
    row = {"id": "conv", "owner_id": "anna", "title": "", "pinned": False, "created_at": 0.0, "updated_at": 0.0}
    with engine.begin() as connection:
        connection.execute(insert(conversations), row)
    yield engine
    engine.dispose()


def test_it_stores_a_turn_once(engine: Engine) -> None:
    assert append(engine, RECORD)
    assert not append(engine, RECORD)
    assert append(engine, dataclasses.replace(RECORD, turn=dataclasses.replace(TURN, id="t2")))
    found = read(engine)
    assert [row.turn_id for row in found] == ["t1", "t2"]
    assert (found[0].owner_id, found[0].conversation_id, found[0].created_at) == ("anna", "conv", 12.5)
    assert found[0].data["standalone"] == "How many days of leave?"
    assert found[0].data["passages"] == [{"chunk": "c2", "document": "d2", "score": 0.3333}]
    assert found[0].data["answer"]["answer"] == "25 days [1]."
    assert read(engine, after=found[0].seq)[0].turn_id == "t2"


def test_it_copies_no_text_of_passages(engine: Engine) -> None:
    append(engine, RECORD)
    assert "region in France" not in repr(read(engine))
    assert "paid leave per year" not in repr(read(engine))


async def test_it_keeps_how_a_turn_was_routed_and_the_prompt_that_the_choice_asked_for(
    engine: Engine, bench: Any
) -> None:
    decision = Decision((1.0,) * 8, (2, 3), 3, 0.25, 2)

    class Chosen:
        async def choose(self, turn: Turn) -> Choice:
            return Choice(ScriptedModel(["25 days [1]."]), ANSWER.route, strategy="strict", decision=decision)

    made = bench("unused", models=Chosen())
    await made.ask(LEAVE)
    append(engine, made.records.records[0])
    (found,) = read(engine)
    assert found.data["decision"] == {**dataclasses.asdict(decision), "features": [1.0] * 8, "possible": [2, 3]}
    assert found.data["prompt"].startswith("strict_answer@")


async def test_it_does_not_fail_a_turn_when_the_database_does(engine: Engine) -> None:
    turn_records.drop(engine)
    await SqlRecords(engine).append(RECORD)


def test_a_temporary_turn_leaves_none(engine: Engine) -> None:
    options = TurnOptions(temporary=True)
    assert not append(engine, dataclasses.replace(RECORD, turn=dataclasses.replace(TURN, options=options)))
    assert read(engine) == []


async def test_it_records_each_turn_once_at_its_end(bench: Any) -> None:
    made = bench("25 days [1].")
    ran: Ran = await made.ask(LEAVE)
    assert len(made.records.records) == 1
    record = made.records.records[0]
    assert record.answer == ran.answer
    assert [p.chunk_id for p in record.passages][0] == "c2"
    assert record.prompt.startswith("grounded_answer@")
    assert not record.cached


async def test_it_records_what_was_said_when_it_is_stopped(bench: Any) -> None:
    model = ScriptedModel(
        ["Employees get 25 days [1]. " + "Unused leave expires on 31 March [1]. " * 99], pause_s=0.001
    )
    made = bench(model)
    async with aclosing(made.run(LEAVE)) as events:
        async for event in events:
            if event.kind == "text":
                break
    answer = made.records.records[0].answer
    assert answer.text == "Employees get 25 days [1]."
    assert answer.stopped_by == "cancelled"
    assert answer.citations
    assert not answer.abstained
    assert model.open_streams == 0


async def test_it_ends_the_model_when_its_task_is_cancelled(bench: Any) -> None:
    model = ScriptedModel(["word " * 1000], pause_s=0.01)
    made = bench(model)
    task = asyncio.create_task(made.ask(LEAVE, grounded=False))
    while not model.open_streams:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.open_streams == 0
    assert made.records.records[0].answer.stopped_by == "cancelled"
