"""Ensembles over HTTP: switched on and off while the server runs, and measured beside their members."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event
from typer.testing import CliRunner

from assistant import measurements
from assistant.cli.main import app as commands
from assistant.measuring import Underway
from assistant.models.adapters import Adapters
from assistant.models.ensembles import Member, SelfConsistency, Vote
from assistant.models.fake_script import Script
from assistant.models.fake_server import FakeServer
from assistant.models.lanes import lanes
from assistant.models.registry import Registry
from assistant.models.settings import ModelSettings
from assistant.models.speculation import ANSWERS, PROMPTS, Kept, Run
from assistant.threads import in_thread
from ui.wire import EnsembleInfo, ModelInfo
from ui.wire.models import UnderwayInfo

from .conftest import World

PATIENCE_S = 20.0
CASES = [{"question": f"words {n} 0.0", "answer": "word0 word1"} for n in (2, 1)]


@pytest.fixture
def voting(world: World, tmp_path: Path, engine: Engine) -> World:
    """The world with a vote of two models, and one model that answers five times."""
    settings = ModelSettings(
        vllm_url="http://127.0.0.1:9/v1", vllm_model="big", model="http://127.0.0.1:9/v1", model_name="small"
    )
    vote = Vote(kind="vote", name="both", about="Two vote.", members=(Member(model="big"), Member(model="small")))
    five = SelfConsistency(kind="self_consistency", name="five", about="Five times.")
    world.app.registry = Registry(lanes(settings, None), ensembles=[vote, five])
    world.app.models = world.app.registry
    world.app.adapters = Adapters(engine, ModelSettings(), world.app.registry, tmp_path)
    return world


async def measured(client: httpx.AsyncClient) -> dict[str, Any]:
    while (found := (await client.get("/api/models")).json())["measuring"]["running"]:
        await asyncio.sleep(0.01)
    return dict(found)


async def test_an_ensemble_is_shown_with_members_and_rule_and_switched_off_while_it_runs(voting: World) -> None:
    async with voting.client(voting.admin) as client:
        both, five = (await client.get("/api/models")).raise_for_status().json()["ensembles"]
        off = (await client.patch("/api/models/both", json={"enabled": False})).raise_for_status().json()
        chat = {"model": "both", "messages": [{"role": "user", "content": "hi"}]}
        refused = await client.post("/v1/chat/completions", json=chat)
        unmeasured = await client.post("/api/models/ensembles/both/measure", json={"questions": CASES})
        listed = [each["id"] for each in (await client.get("/v1/models")).json()["data"]]
        await client.patch("/api/models/both", json={"enabled": True})
        again = await client.post("/v1/chat/completions", json=chat)
    assert both["members"] == ["big", "small"] and both["rule"] == "the answer that most members give"
    assert five["members"] == ["assistant"] * 5 and both["enabled"] and both["worth"] is None
    assert [each["enabled"] for each in off["ensembles"]] == [False, True]
    assert refused.status_code == 404 and unmeasured.status_code == 409 and "switched off" in unmeasured.text
    assert "both" not in listed and "five" in listed and again.status_code == 200


async def test_it_is_measured_beside_each_of_its_members(voting: World) -> None:
    async with voting.client(voting.admin) as client:
        begun = await client.post("/api/models/ensembles/both/measure", json={"questions": CASES})
        found = await measured(client)
    assert begun.status_code == 202 and begun.json()["measuring"]["total"] == 6
    assert found["measuring"] == {"name": "both", "done": 6, "total": 6, "running": False, "problem": ""}
    worth = found["ensembles"][0]["worth"]
    assert (worth["right"], worth["best_right"], worth["verdict"], worth["questions"]) == (0.5, 0.5, "not shown", 2)
    assert [each["name"] for each in worth["members"]] == ["big", "small"] and worth["current"]
    assert [turn.options.model for turn in voting.turns.asked] == ["both"] * 2 + ["big"] * 2 + ["small"] * 2
    assert all(turn.options.temporary for turn in voting.turns.asked)
    assert set(found["measuring"]) == set(UnderwayInfo.model_fields)
    assert set(found["ensembles"][0]) == set(EnsembleInfo.model_fields)


async def test_only_one_measurement_runs_at_a_time(voting: World) -> None:
    voting.app.measuring.underway = Underway("five", 1, 4)
    async with voting.client(voting.admin) as client:
        second = await client.post("/api/models/ensembles/both/measure", json={"questions": CASES})
    assert second.status_code == 409 and "Something else is being measured" in second.text
    assert voting.turns.asked == []


async def test_what_is_told_to_be_over_shows_its_figures(voting: World, engine: Engine) -> None:
    loop, go_on = asyncio.get_running_loop(), asyncio.Event()
    measuring = voting.app.measuring

    async def work(step: Callable[[], None]) -> None:
        await go_on.wait()
        kept = Kept().renewed({"condense": Run(answers=3, guessed=0, accepted=0, steps=0, tokens=9, seconds=1.0)})
        await in_thread(measurements.keep, engine, "speculation", "big", kept.model_dump(), voting.admin.id)

    def running() -> bool:
        return measuring.underway is not None and measuring.underway.running

    @event.listens_for(engine, "after_cursor_execute")
    def looked(*executed: Any) -> None:
        """Let the measurement end after its figures were looked up, while the rest of the answer is put together."""
        if "FROM model_choices" in executed[2] and "'speculation'" in str(executed[3]):
            loop.call_soon_threadsafe(go_on.set)
        if "FROM model_choices" in executed[2] and "'worth'" in str(executed[3]):
            until = time.monotonic() + PATIENCE_S
            while running() and time.monotonic() < until:
                time.sleep(0.01)

    assert measuring.begin("speculation", 1, work)
    async with voting.client(voting.admin) as client:
        first = (await client.get("/api/models")).json()
        assert not running()
        second = (await client.get("/api/models")).json()
    for told in (first, second):
        guesses = next(model["guesses"] for model in told["models"] if model["name"] == "big")
        assert told["measuring"]["running"] is not bool(guesses)
    assert second["measuring"]["running"] is False


async def test_what_guessing_brings_is_measured_for_each_model_of_vllm(
    voting: World, engine: Engine, tmp_path: Path
) -> None:
    async with FakeServer(Script(name="big")).running() as server:
        settings = ModelSettings(vllm_url=server.url, vllm_model="big")
        voting.app.registry = Registry(lanes(settings, None))
        voting.app.models = voting.app.registry
        voting.app.adapters = Adapters(engine, settings, voting.app.registry, tmp_path)
        async with voting.client(voting.admin) as client:
            begun = await client.post("/api/models/speculation")
            found = await measured(client)
        await voting.app.registry.stop()
        await voting.app.adapters.stop()
    assert begun.status_code == 202 and found["measuring"]["problem"] == ""
    assert found["measuring"]["done"] == found["measuring"]["total"] == ANSWERS
    (big,) = found["models"]
    assert [each["task"] for each in big["guesses"]] == list(PROMPTS)
    assert all(each["answers"] == 3 and each["on"] is False and each["speed_without"] for each in big["guesses"])
    assert "other setting of `speculation`" in big["guessing_advice"]
    assert set(big) == set(ModelInfo.model_fields)


async def test_without_vllm_there_is_nothing_to_guess(world: World) -> None:
    async with world.client(world.admin) as client:
        refused = await client.post("/api/models/speculation")
    assert refused.status_code == 409 and "No vLLM server is set up" in refused.text


async def test_a_measurement_that_fails_says_why_and_keeps_nothing(voting: World) -> None:
    async with voting.client(voting.admin) as client:
        cases = [{"question": "crash", "answer": "x"}]
        (await client.post("/api/models/ensembles/both/measure", json={"questions": cases})).raise_for_status()
        found = await measured(client)
        unknown = await client.post("/api/models/ensembles/nobody/measure", json={"questions": cases})
    assert found["measuring"]["problem"] and found["ensembles"][0]["worth"] is None and unknown.status_code == 404


def test_it_is_measured_and_switched_from_the_command_line(voting: World, address: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(json.dumps(case) for case in CASES))

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(commands, ["--data-dir", str(tmp_path), "models", *arguments])
        return result.stdout if result.exit_code == 0 else str(result.exception)

    assert "Not shown to be better than big alone: right 50%" in " ".join(run("measure", "both", str(file)).split())
    assert json.loads(run("list", "--json"))["ensembles"][0]["worth"]["questions"] == 2
    assert not json.loads(run("off", "five", "--json"))[-1]["enabled"]
    assert "five" in run("list") and "no file of JSON lines" in run("measure", "both", __file__)
