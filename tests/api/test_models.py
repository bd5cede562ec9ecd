from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from assistant.api.app import create
from assistant.models.adapters import Adapters
from assistant.models.decisions import SHIPPED
from assistant.models.declared import Declared
from assistant.models.lanes import lanes
from assistant.models.registry import Registry
from assistant.models.settings import ModelSettings
from assistant.models.types import Guesses
from ui.fake_api.models import GUESSES, OVER_ALL
from ui.wire import Guesses as WireGuesses
from ui.wire.models import Side

from .conftest import World


@pytest.fixture
def two_models(world: World, tmp_path: Path, engine: Engine) -> World:
    """The world with two models that do not answer; nobody asks them here."""
    settings = ModelSettings(
        vllm_url="http://127.0.0.1:9/v1", vllm_model="big", model="http://127.0.0.1:9/v1", model_name="small"
    )
    world.app.registry = Registry(lanes(settings, None))
    world.app.models = world.app.registry
    world.app.adapters = Adapters(engine, ModelSettings(), world.app.registry, tmp_path)
    return world


async def test_it_shows_models_rules_and_presets(two_models: World) -> None:
    async with two_models.client(two_models.admin) as client:
        found = (await client.get("/api/models")).raise_for_status().json()
    assert [(model["name"], model["tier"], model["enabled"]) for model in found["models"]] == [
        ("big", "domain", True), ("small", "fallback", True),
    ]  # fmt: skip
    assert found["rules"][-1]["when"] == {} and found["preset"] == "precise" and len(found["presets"]) == 3
    assert found["chats"] == {"answered": 0, "waiting": 0}
    assert found["adapters"] == [] and "No vLLM server" in found["adapters_problem"]


async def test_a_broken_table_is_told_wherever_one_would_look(two_models: World, tmp_path: Path) -> None:
    table = tmp_path / "table.yaml"
    table.write_text(SHIPPED.read_text())
    two_models.app.registry = Registry([], declared=Declared(table, None, {}))
    table.write_text(SHIPPED.read_text().replace("busy_share: 0.9", "busy_share: 9"))
    async with two_models.client(two_models.admin) as client:
        found = (await client.get("/api/models")).raise_for_status().json()
        status = (await client.get("/api/status")).raise_for_status().json()
    assert "signals.busy_share cannot be used" in found["problems"][0] and ", line " in found["problems"][0]
    assert status["models_problems"] == found["problems"] and found["rules"][0]["judged"] is False


async def test_it_shows_what_guessing_brings_for_each_kind_of_request(two_models: World) -> None:
    two_models.app.registry.guesses = (Guesses("", True, 0, 40, 30, 4.0),)
    async with two_models.client(two_models.admin) as client:
        big, small = (await client.get("/api/models")).raise_for_status().json()["models"]
    assert small["guesses"] == [] and [each["accepted"] for each in big["guesses"]] == [30]
    assert set(big["guesses"][0]) == set(WireGuesses.model_fields) == set(GUESSES[0]) == set(OVER_ALL)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/models", None),
        ("PUT", "/api/models/adapters/x", {"loaded": True}),
        ("PATCH", "/api/models/big", {"enabled": False}),
        ("PUT", "/api/models/preset", {"preset": "creative"}),
        ("POST", "/api/models/decide", {"question": "Why?"}),
        ("POST", "/api/models/try", {"question": "Why?", "models": ["big"]}),
    ],
)
async def test_only_administrators_see_and_change_them(two_models: World, method: str, path: str, body: object) -> None:
    async with two_models.client(two_models.ben) as client:
        assert (await client.request(method, path, json=body)).status_code == 403
    async with two_models.client() as client:
        assert (await client.request(method, path, json=body)).status_code == 401


async def test_a_model_is_switched_off_and_on_without_a_restart(two_models: World) -> None:
    async with two_models.client(two_models.admin) as client:
        assert (await client.patch("/api/models/big", json={"enabled": False})).status_code == 200
        listed = [entry["id"] for entry in (await client.get("/v1/models")).json()["data"]]
        assert listed == ["assistant", "small"]
        refused = await client.post(
            "/v1/chat/completions", json={"model": "big", "messages": [{"role": "user", "content": "Hi"}]}
        )
        assert refused.status_code == 404
        decided = (await client.post("/api/models/decide", json={"question": "Why is that so?"})).json()
        assert decided["ask"] == ["small"]
        await client.patch("/api/models/big", json={"enabled": True})
        decided = (await client.post("/api/models/decide", json={"question": "Why is that so?"})).json()
        assert decided["ask"] == ["big", "small"] and "otherwise" in decided["reason"]


async def test_it_tells_why_an_adapter_cannot_be_loaded(two_models: World) -> None:
    async with two_models.client(two_models.admin) as client:
        refused = await client.put("/api/models/adapters/finance", json={"loaded": True})
        assert refused.status_code == 409 and "vllm_url" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "/api/models/ghost", {"enabled": False}, 404),
        ("PATCH", "/api/models/big", {"enabled": "maybe"}, 422),
        ("PATCH", "/api/models/big", {"enabled": True, "more": 1}, 422),
        ("PUT", "/api/models/preset", {"preset": "wild"}, 422),
        ("PUT", "/api/models/adapters/a%00b", {"loaded": True}, 422),
        ("PUT", "/api/models/adapters/..%2Fx", {"loaded": True}, 404),
        ("POST", "/api/models/decide", {"question": ""}, 422),
        ("POST", "/api/models/try", {"question": "Why?", "models": ["ghost"]}, 404),
        ("POST", "/api/models/try", {"question": "Why?", "models": []}, 422),
        ("POST", "/api/models/try", {"question": "Why?", "models": ["big"] * 5}, 422),
    ],
)
async def test_it_refuses_what_makes_no_sense(
    two_models: World, method: str, path: str, body: object, status: int
) -> None:
    async with two_models.client(two_models.admin) as client:
        assert (await client.request(method, path, json=body)).status_code == status


async def test_a_request_names_a_preset_and_a_policy(world: World) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "assistant": {"preset": "creative", "privacy": "inside"}}
    async with world.client(world.ben) as client:
        (await client.post("/v1/chat/completions", json=body)).raise_for_status()
        (await client.post("/v1/chat/completions", json=body | {"temperature": 0.1})).raise_for_status()
        wrong = await client.post("/v1/chat/completions", json=body | {"assistant": {"preset": "wild"}})
    first, second = (turn.options for turn in world.turns.asked)
    assert first.sampling.temperature == 0.9 and first.policy.privacy == "inside"
    assert second.sampling.temperature == 0.1 and second.sampling.min_p == 0.05
    assert wrong.status_code in (400, 422)


async def test_several_models_answer_the_same_question_and_nothing_is_kept(two_models: World) -> None:
    body = {"question": "words 5 0.01", "models": ["big", "small"]}
    async with two_models.client(two_models.admin) as client:
        found = (await client.post("/api/models/try", json=body)).raise_for_status().json()["answers"]
    assert [one["asked"] for one in found] == ["big", "small"]
    assert all(one["answer"].startswith("word0 word1") and 0 < one["first_token_s"] < one["total_s"] for one in found)
    assert [turn.options.model for turn in two_models.turns.asked] == ["big", "small"]
    assert all(turn.options.temporary and turn.options.fresh for turn in two_models.turns.asked)
    assert set(found[0]) == set(Side.model_fields)


async def test_no_model_goes_on_writing_where_one_of_them_may_not_be_asked(two_models: World) -> None:
    limits = two_models.app.settings.api.model_copy(update={"max_chats_per_user": 1})
    settings = two_models.app.settings.model_copy(update={"api": limits})
    narrow = replace(two_models, api=create(replace(two_models.app, settings=settings)))
    body = {"question": "words 2000 0.01", "models": ["big", "small"]}
    async with narrow.client(narrow.admin) as client:
        refused = await client.post("/api/models/try", json=body)
    assert refused.status_code == 429 and "1 requests running" in refused.json()["detail"]
    assert narrow.turns.running == 0


async def test_it_shows_when_a_model_that_is_left_alone_is_tried_again(two_models: World) -> None:
    breaker = two_models.app.registry._router.lanes["big"].breaker
    for call in range(3):
        breaker.end(call, failed=True)
    async with two_models.client(two_models.admin) as client:
        big, small = (await client.get("/api/models")).json()["models"]
        assert big["breaker"] == "open" and 0 < big["tried_again_in_s"] <= 10
        assert (small["breaker"], small["tried_again_in_s"]) == ("closed", None)
        breaker.canary_begins()
        assert (await client.get("/api/models")).json()["models"][0]["breaker"] == "half-open"
