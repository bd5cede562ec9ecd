"""Calls that take minutes: shown while they run, cancelled without ending the turn, known after a restart."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from assistant import conversations
from assistant.calling import long_calls
from assistant.calling.long_calls import LongCall
from assistant.calling.tracker import CallTracker
from assistant.database import migrate
from assistant.threads import in_thread
from assistant.types import Turn, TurnOptions
from assistant.wire import AnswerJson
from knowledge.database import connect
from knowledge.embed import OnnxEmbedder
from skills.calling import Functions
from skills.declare import skill
from skills.fake import ScriptedSkill
from skills.outside import progress
from skills.types import Effect, Person, Skill, SkillCall, SkillResult
from tests.outage import STUCK, outage
from tests.turn.conftest import ANNA
from tests.turn.skilled import Skilled, ToolModel, skilled

PERSON = Person("anna", frozenset({"everyone", "user:anna"}))


class Mine:
    """A skill that says how far it is and ends when it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.begun = 0
        self.ended_early = False

    async def run(self, call: SkillCall) -> SkillResult:
        self.begun += 1
        assert call.report is not None
        call.report(0.4, "12 of 30 pages")
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.ended_early = True
            raise
        return SkillResult("ok", "30 pages", "30 pages")

    def skill(self, effect: Effect = "read") -> Skill:
        return replace(ScriptedSkill().skill("export", effect, tags=frozenset({"long"})), run=self.run)


@pytest.fixture
def mine() -> Mine:
    return Mine()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = connect(f"sqlite:///{tmp_path}/assistant.db")
    migrate(made, tmp_path)
    return made


@pytest.fixture
async def bench(tmp_path: Path, embedder: OnnxEmbedder, engine: Engine, mine: Mine) -> Any:
    made: list[tuple[Skilled, CallTracker]] = []

    async def opened(model: Any, skills: list[Skill] | None = None, silent_s: float = 60.0) -> Skilled:
        tracker = CallTracker(engine, every_s=0.02, silent_s=silent_s)
        found = await skilled(tmp_path, model, embedder.embed, skills or [mine.skill()], tracker=tracker)
        tracker.resume_with(found.service.call, lambda _: PERSON)
        made.append((found, tracker))
        if silent_s == 0:
            await tracker.start()
        return found

    yield opened
    for found, tracker in made:
        await tracker.stop()
        await found.service.stop()


Open = Callable[..., Any]


async def _until(engine: Engine, true: Callable[[list[LongCall]], bool]) -> list[LongCall]:
    async with asyncio.timeout(60):
        while not true(found := long_calls.page(engine, "anna")):
            await asyncio.sleep(0.01)
    return found


async def test_the_turn_shows_how_far_a_call_is_while_it_runs(bench: Open, engine: Engine, mine: Mine) -> None:
    turns = (await bench(ToolModel([("export", {})], "Exported."))).turns
    turn = Turn("t1", "Export everything", (), ANNA, TurnOptions(grounded=False))
    seen = []
    async with aclosing(turns.run(turn)) as events:
        async for event in events:
            if event.step is not None and event.step.name == "progress":
                seen.append(event.step.detail)
                assert [(c.state, c.done, c.note) for c in long_calls.page(engine, "anna")] == [
                    ("running", 0.4, "12 of 30 pages")
                ]
                mine.go_on.set()
            answer = event.answer
    assert seen == ["export: 40%, 12 of 30 pages"]
    assert answer is not None and answer.text == "Exported."
    assert [step.name for step in answer.steps].count("skill") == 1 and "progress" not in {s.name for s in answer.steps}
    (row,) = long_calls.page(engine, "anna")
    assert row.state == "done" and row.result == "30 pages" and row.turn_id == "t1"


async def test_cancelling_one_call_does_not_end_the_turn_or_another_call(
    bench: Open, engine: Engine, mine: Mine
) -> None:
    other = Mine()
    both = [mine.skill(), replace(other.skill(), name="import")]
    model = ToolModel([("export", {}), ("import", {})], "The export was cancelled.")  # type: ignore[arg-type]
    product = await bench(model, both)
    asked = asyncio.create_task(product.ask("Export and import everything", ANNA, grounded=False))
    running = await _until(engine, lambda found: [call.done for call in found] == [0.4, 0.4])
    wanted = next(call for call in running if call.skill == "export")
    assert not long_calls.cancel(engine, "ben", wanted.id)  # nobody else can
    assert long_calls.cancel(engine, "anna", wanted.id) and not long_calls.cancel(engine, "anna", wanted.id)
    await _until(engine, lambda found: any(call.state == "cancelled" for call in found))
    assert mine.ended_early and not other.ended_early
    other.go_on.set()
    answer = await asyncio.wait_for(asked, 60)
    assert answer.text == "The export was cancelled." and answer.stopped_by == "stop"
    assert "cancelled by the person" in next(s.detail for s in answer.steps if "export" in s.detail)


async def test_a_call_goes_on_when_its_turn_ends_and_adds_its_result_to_the_answer(
    bench: Open, engine: Engine, mine: Mine
) -> None:
    product = await bench(ToolModel([("export", {})]))
    talk = conversations.create(engine, "anna")
    turn_id = conversations.ask(engine, "anna", talk, "Export").turn_id  # type: ignore[union-attr]
    stored: AnswerJson = {"answer": "Stopped."}  # type: ignore[typeddict-item]
    conversations.finish(engine, turn_id, "stopped", stored)
    turn = Turn(turn_id, "Export", (), ANNA, TurnOptions(grounded=False))

    async def read() -> None:
        async with aclosing(product.turns.run(turn)) as events:
            async for _ in events:
                pass

    reading = asyncio.create_task(read())
    await _until(engine, lambda found: len(found) == 1)
    reading.cancel()
    await asyncio.wait([reading])
    mine.go_on.set()
    await _until(engine, lambda found: found[0].state == "done")

    def text() -> str:
        found = conversations.read(engine, "anna", talk)
        assert found is not None
        (only,) = found.turns
        assert only.answer is not None
        return only.answer["answer"]

    async with asyncio.timeout(60):
        while "30 pages" not in text():
            await asyncio.sleep(0.01)
    assert text() == "Stopped.\n\n**export** has ended since: 30 pages"


async def test_a_call_goes_on_when_its_turn_ends_while_its_row_is_written(engine: Engine, mine: Mine) -> None:
    tracker, loop, stopped = CallTracker(engine, every_s=0.02), asyncio.get_running_loop(), threading.Event()
    mine.go_on.set()
    waiting = asyncio.create_task(tracker.run(mine.skill(), SkillCall("export", {}, PERSON, "t1:1")))

    def stop() -> None:
        waiting.cancel()
        loop.call_soon(stopped.set)

    @event.listens_for(engine, "after_cursor_execute")
    def while_written(*of: Any) -> None:
        if of[2].startswith("INSERT INTO long_calls"):
            loop.call_soon_threadsafe(stop)
            assert stopped.wait(60)

    with pytest.raises(asyncio.CancelledError):
        await waiting
    await _until(engine, lambda found: [call.state for call in found] == ["done"])
    await tracker.stop()


async def _left(engine: Engine, mine: Mine, effect: Effect = "read") -> LongCall:
    """A call that ran when its server ended."""
    dead = CallTracker(engine, every_s=0.02)
    waiting = asyncio.create_task(dead.run(mine.skill(effect), SkillCall("export", {}, PERSON, "t9:call1")))
    (row,) = await _until(engine, lambda found: len(found) == 1 and found[0].done == 0.4)
    await dead.stop()
    await asyncio.wait([waiting])
    return row


async def test_a_call_that_reads_begins_again_after_a_restart(bench: Open, engine: Engine, mine: Mine) -> None:
    row = await _left(engine, mine)
    assert (await _until(engine, lambda found: found[0].state == "running"))[0].id == row.id
    await bench(ToolModel(), silent_s=0.0)
    mine.go_on.set()
    (again,) = await _until(engine, lambda found: found[0].state == "done")
    assert again.id == row.id and again.attempts == 2 and again.result == "30 pages" and mine.begun == 2


async def test_it_begins_again_after_the_database_was_away(
    bench: Open, engine: Engine, mine: Mine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.calling.tracker._LOOK_EVERY_S", 0.01)
    await _left(engine, mine)
    mine.go_on.set()
    with ExitStack() as held:
        held.enter_context(outage(engine, STUCK))
        await bench(ToolModel(), silent_s=0.0)
        await in_thread(held.close)
    await _until(engine, lambda found: found[0].state == "done")


async def test_a_call_that_changes_something_is_never_begun_again(bench: Open, engine: Engine, mine: Mine) -> None:
    await _left(engine, mine, "write")
    await bench(ToolModel(), [mine.skill("write")], silent_s=0.0)
    (row,) = await _until(engine, lambda found: found[0].state != "running")
    assert row.state == "interrupted" and "check by hand" in row.result and mine.begun == 1


async def test_rights_that_were_lost_meanwhile_hold(bench: Open, engine: Engine, mine: Mine) -> None:
    await _left(engine, mine)
    hidden = replace(mine.skill(), readers=frozenset({"group:other"}))
    await bench(ToolModel(), [hidden], silent_s=0.0)
    (row,) = await _until(engine, lambda found: found[0].state != "running")
    assert row.state == "failed" and mine.begun == 1


def test_a_server_leaves_what_it_works_on_itself(engine: Engine) -> None:
    made = ScriptedSkill().skill("export", tags=frozenset({"long"}))
    own = long_calls.begin(engine, made, SkillCall("export", {}, PERSON, "t:1"))
    assert long_calls.take_over(engine, 0.0, {own}) == [] and long_calls.page(engine, "anna")[0].attempts == 1


def test_one_server_alone_takes_a_call_over_and_not_for_ever(engine: Engine) -> None:
    made = ScriptedSkill().skill("export", tags=frozenset({"long"}))
    long_calls.begin(engine, made, SkillCall("export", {}, PERSON, "t:1"))
    assert long_calls.take_over(engine, 60.0) == []  # its server has just beaten
    taken = [len(long_calls.take_over(engine, 0.0)) for _ in range(4)]
    assert taken == [1, 1, 0, 0] and long_calls.page(engine, "anna")[0].state == "failed"


_SERVER = """
import asyncio, sys
from pathlib import Path
from assistant.calling.tracker import CallTracker
from knowledge.database import connect
from skills.fake import ScriptedSkill
from skills.types import Person, SkillCall
from dataclasses import replace

async def hang(call):
    call.report(0.5, "half")
    print("running", flush=True)
    await asyncio.sleep(3600)

skill = replace(ScriptedSkill().skill("export", tags=frozenset({"long"})), run=hang)
person = Person("anna", frozenset({"everyone", "user:anna"}))
tracker = CallTracker(connect(sys.argv[1]), every_s=0.02)
asyncio.run(tracker.run(skill, SkillCall("export", {"year": 2025}, person, "t1:call1")))
"""


@pytest.mark.fault
async def test_a_call_outlives_the_kill_of_its_server(bench: Open, engine: Engine, mine: Mine, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/assistant.db"
    with subprocess.Popen([sys.executable, "-c", _SERVER, url], stdout=subprocess.PIPE, env={**os.environ}) as server:
        assert server.stdout is not None and server.stdout.readline() == b"running\n"
        await _until(engine, lambda found: len(found) == 1 and found[0].done == 0.5)
        server.send_signal(signal.SIGKILL)
    await bench(ToolModel(), silent_s=0.0)
    mine.go_on.set()
    (row,) = await _until(engine, lambda found: found[0].state == "done")
    assert row.attempts == 2 and row.arguments == {"year": 2025} and row.result == "30 pages"


async def test_a_function_of_ours_says_how_far_it_is() -> None:
    @skill(long=True)
    def count(to: int) -> str:
        """Count to a number."""
        for n in range(to):
            progress((n + 1) / to, f"{n + 1} of {to}")
        progress(7.0)
        return "counted"

    (made,) = await Functions("test", [count]).load()
    assert made.tags == {"long"}
    said: list[tuple[float | None, str]] = []
    result = await made.run(SkillCall("count", {"to": 2}, PERSON, report=lambda done, note: said.append((done, note))))
    assert result.text == "counted" and said == [(0.5, "1 of 2"), (1.0, "2 of 2"), (1.0, "")]
    assert (await made.run(SkillCall("count", {"to": 2}, PERSON))).text == "counted"  # nobody listens
