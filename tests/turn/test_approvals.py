"""Calls that wait for their person: approved once, refused, expired, or changed meanwhile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from assistant.calling import approvals
from assistant.tables import approvals as table
from assistant.types import Caller
from knowledge.types import Scope
from tests.turn.conftest import ANNA
from tests.turn.desk import TICKET, Desk, Make
from tests.turn.skilled import Skilled, SmallModel, ToolModel

BEN = Caller("ben", "Ben", Scope(frozenset({"everyone", "user:ben"})))


async def _asked(bench: Skilled) -> tuple[str, Any]:
    answer = await bench.ask(TICKET, ANNA)
    assert answer.stopped_by == "tool_calls" and len(answer.approvals) == 1
    call = answer.approvals[0]
    assert call.skill == "create_ticket" and call.state == "waiting" and call.arguments == {"title": "Printer"}
    assert "Printer" in answer.text and "approval" in answer.text
    return call.id, answer


@pytest.mark.parametrize("tools", [True, False])
async def test_a_write_waits_and_runs_once_after_approval_and_restart(make: Make, desk: Desk, tools: bool) -> None:
    def model() -> Any:
        return ToolModel([("create_ticket", {"title": "Printer"})]) if tools else SmallModel({"title": "Printer"})

    identifier, _ = await _asked(await make(model(), tools=tools))
    assert not desk.ticket.calls
    again = await make(ToolModel("Ticket 7 is open.") if tools else model(), tools=tools)  # another process, as it were
    done = await again.decide(identifier, True, ANNA)
    assert [dict(call.arguments) for call in desk.ticket.calls] == [{"title": "Printer"}]
    assert ("Ticket 7 is open." if tools else "ticket: 7") in done.text
    assert done.stopped_by == "stop" and done.approvals[0].state == "done"
    assert desk.ticket.calls[0].person.user_id == "anna"
    twice = await again.decide(identifier, True, ANNA)
    assert len(desk.ticket.calls) == 1 and twice.approvals[0].state == "done"
    assert approvals.get(again.engine, "anna", identifier).context == {}  # type: ignore[union-attr]


async def test_approving_at_the_same_moment_runs_once(make: Make, desk: Desk) -> None:
    bench = await make(SmallModel({"title": "Printer"}), tools=False)
    identifier, _ = await _asked(bench)
    await asyncio.gather(*(bench.decide(identifier, True, ANNA) for _ in range(8)))
    assert len(desk.ticket.calls) == 1


async def test_nobody_else_can_decide(make: Make, desk: Desk) -> None:
    bench = await make(SmallModel({"title": "Printer"}), tools=False)
    identifier, _ = await _asked(bench)
    admin = Caller("ann", "Ann", Scope(frozenset({"everyone"}), sees_all=True), is_admin=True)
    for caller in (BEN, admin):
        answer = await bench.decide(identifier, True, caller)
        assert "no such call" in answer.text and answer.approvals == ()
    assert not desk.ticket.calls and approvals.get(bench.engine, "anna", identifier).state == "waiting"  # type: ignore[union-attr]


async def test_a_refused_call_never_runs(make: Make, desk: Desk) -> None:
    bench = await make(SmallModel({"title": "Printer"}), tools=False)
    identifier, _ = await _asked(bench)
    assert "you refused it" in (await bench.decide(identifier, False, ANNA)).text
    assert "you refused it" in (await bench.decide(identifier, True, ANNA)).text
    assert not desk.ticket.calls


async def test_a_call_expires(make: Make, desk: Desk) -> None:
    bench = await make(SmallModel({"title": "Printer"}), tools=False)
    identifier, _ = await _asked(bench)
    with bench.engine.begin() as connection:
        connection.execute(update(table).values(expires_at=1.0))
    answer = await bench.decide(identifier, True, ANNA)
    assert "nobody approved it in time" in answer.text and not desk.ticket.calls


async def test_a_call_is_forgotten_long_after_it_could_be_approved(make: Make, desk: Desk) -> None:
    bench = await make(SmallModel({"title": "Printer"}), tools=False)
    identifiers = [(await _asked(bench))[0] for _ in range(4)]
    for identifier, state, days in zip(
        identifiers, ("done", "waiting", "running", "refused"), (31, 31, 31, 29), strict=True
    ):
        changed = {"state": state, "expires_at": time.time() - days * 86_400}
        with bench.engine.begin() as connection:
            connection.execute(update(table).where(table.c.id == identifier).values(changed))
    newest, _ = await _asked(bench)
    assert {approval.id for approval in approvals.page(bench.engine, "anna")} == {*identifiers[2:], newest}


async def test_the_stored_arguments_are_bound_by_the_digest(make: Make, desk: Desk) -> None:
    bench = await make(SmallModel({"title": "Printer"}), tools=False)
    identifier, _ = await _asked(bench)
    with bench.engine.begin() as connection:
        connection.execute(update(table).values(arguments='{"title": "Delete everything"}'))
    answer = await bench.decide(identifier, True, ANNA)
    assert not desk.ticket.calls and "has changed" in answer.text


async def test_a_skill_that_changed_since_does_not_run(make: Make, desk: Desk) -> None:
    identifier, _ = await _asked(await make(SmallModel({"title": "Printer"}), tools=False))
    changed = [replace(skill, version="f" * 12) for skill in desk.skills()]
    bench = await make(SmallModel(), skills=changed, tools=False)
    assert "has changed" in (await bench.decide(identifier, True, ANNA)).text
    assert not desk.ticket.calls


async def test_the_originators_rights_of_the_moment_count(make: Make, desk: Desk) -> None:
    mine = [replace(skill, readers=frozenset({"group:support"})) for skill in desk.skills()]
    member = replace(ANNA, scope=Scope(frozenset({"everyone", "user:anna", "group:support"})))
    bench = await make(SmallModel({"title": "Printer"}), skills=mine, tools=False)
    call = (await bench.ask(TICKET, member)).approvals[0]
    left = await bench.decide(call.id, True, ANNA)  # the group was left since
    assert not desk.ticket.calls and left.approvals[0].state == "failed"


async def test_an_interrupted_call_is_not_run_again(make: Make, desk: Desk) -> None:
    bench = await make(SmallModel({"title": "Printer"}), tools=False)
    identifier, _ = await _asked(bench)
    assert approvals.begin(bench.engine, "anna", identifier)  # and then the power went
    assert approvals.interrupt_running(bench.engine) == 1
    answer = await bench.decide(identifier, True, ANNA)
    assert not desk.ticket.calls and "check by hand" in answer.text


async def test_several_calls_of_one_reply_are_decided_one_by_one(make: Make, desk: Desk) -> None:
    calls = [("create_ticket", {"title": "One"}), ("create_ticket", {"title": "Two"})]
    bench = await make(ToolModel(calls, "One was opened, two was not."))  # type: ignore[arg-type]
    asked = await bench.ask(TICKET, ANNA)
    one, two = asked.approvals
    first = await bench.decide(one.id, True, ANNA)
    assert first.stopped_by == "tool_calls" and [call.state for call in first.approvals] == ["done", "waiting"]
    last = await bench.decide(two.id, False, ANNA)
    assert last.text == "One was opened, two was not." and [c.state for c in last.approvals] == ["done", "refused"]
    assert [dict(call.arguments) for call in desk.ticket.calls] == [{"title": "One"}]
