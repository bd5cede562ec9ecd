"""The learned policy over HTTP: trained from turn records, let act only when better, and taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from assistant import record
from assistant.models.policy import shelf
from assistant.models.policy.estimate import Estimate
from assistant.models.policy.learner import learn
from assistant.models.policy.situation import ACTIONS, Decision
from assistant.orchestration.notes import Notes, answer_of
from assistant.policy_training import experiences
from assistant.settings import Settings, load
from assistant.types import Caller, Turn, TurnOptions
from knowledge.types import Scope

from .conftest import World

CALLER = Caller("ben", "Ben", Scope(frozenset({"everyone"})))
POSSIBLE = tuple(range(2, len(ACTIONS)))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A learned policy may act."""
    return load(data_dir=tmp_path, models={"learned_policy": True})


def kept(engine: Engine, count: int) -> None:
    """Keep the records of so many routed turns."""
    for n in range(count):
        action = POSSIBLE[n % len(POSSIBLE)]
        notes = Notes(Turn(f"t{n}", "When?", (), CALLER, TurnOptions()))
        notes.decision = Decision((1.0, n % 2, 0, 0, 0, 0, 0.5, 1.0), POSSIBLE, action, 0.25, POSSIBLE[0])
        answer = replace(answer_of(notes, "", 0), text="At nine.", grounded=action == POSSIBLE[1], abstained=False)
        record.append(engine, notes.record(answer))


async def test_it_is_trained_from_the_records_and_does_not_act_yet(world: World, engine: Engine) -> None:
    async with world.client(world.admin) as client:
        refused = await client.post("/api/policy/train")
        assert refused.status_code == 409 and "20 are needed" in refused.json()["detail"]
        kept(engine, 40)
        found: Any = (await client.post("/api/policy/train")).json()
        assert found["active"] is None and found["allowed"] and found["policies"][0]["estimate"]["experiences"] == 40
        refused = await client.post("/api/policy/activate", json={"id": found["policies"][0]["id"]})
        assert refused.status_code == 409 and "too few" in refused.json()["detail"]
        assert (await client.post("/api/policy/activate", json={"id": "x"})).status_code == 404


async def test_a_better_one_acts_and_is_taken_back(world: World, engine: Engine) -> None:
    kept(engine, 40)
    estimate = Estimate(500, 200.0, 0.3, 0.5, 0.2, 0.1, 0.3)
    better = shelf.add(engine, learn(experiences(engine)), estimate, "ann")
    async with world.client(world.admin) as client:
        found = (await client.post("/api/policy/activate", json={"id": better.id})).json()
        assert found["active"] == better.id and world.app.registry.choices.actor == better.actor
        found = (await client.post("/api/policy/rollback")).json()
        assert found["active"] is None and world.app.registry.choices.actor is None
        assert (await client.post("/api/policy/rollback")).json()["code"] == "policy-refused"


async def test_the_setting_alone_switches_it_off(engine: Engine, tmp_path: Path, world: World) -> None:
    world.app.settings = load(data_dir=tmp_path)
    better = shelf.add(engine, _actor(engine), Estimate(500, 200.0, 0, 0, 0.2, 0.1, 0.3), "ann")
    shelf.activate(engine, better.id, "ann")
    async with world.client(world.admin) as client:
        assert (await client.get("/api/policy")).json()["active"] is None
        refused = await client.post("/api/policy/activate", json={"id": better.id})
        assert refused.status_code == 409 and refused.json()["code"] == "policy-off"


def _actor(engine: Engine) -> Any:
    kept(engine, 20)
    return learn(experiences(engine))
