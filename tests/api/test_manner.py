"""What somebody sets about sampling: kept with a chat, outweighed by a request, brought into its range with a word."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.models.types import Sampling

from .conftest import World

HELLO = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
ALL = {"preset": "creative", "temperature": 0.3, "top_k": 5, "seed": 7, "max_tokens": 40, "stop": ["END"]}


async def asked(world: World, **body: Any) -> tuple[Sampling, str | None]:
    """Return how tokens were to be chosen, and the answer's notice."""
    async with world.client(world.ben) as client:
        reply = await client.post("/v1/chat/completions", json={"messages": HELLO, **body})
    assert reply.status_code == 200, reply.text
    return world.turns.asked[-1].options.sampling, reply.json()["assistant"]["notice"]


async def begun(world: World, manner: dict[str, Any]) -> str:
    async with world.client(world.ben) as client:
        return str((await client.post("/api/conversations", json={"manner": manner})).raise_for_status().json()["id"])


@pytest.mark.parametrize(
    ("name", "given", "used"),
    [
        ("temperature", 9, 2.0),
        ("temperature", -0.1, 0.0),
        ("top_p", 1.1, 1.0),
        ("top_p", 0, 0.001),
        ("top_k", -4, 0),
        ("top_k", 5_000, 1_000),
        ("min_p", 3, 0.99),
        ("seed", -3, 0),
        ("max_tokens", 2**31 - 1, 8_192),
    ],
)
async def test_a_number_outside_of_its_range_is_brought_into_it_and_the_answer_says_so(
    world: World, name: str, given: float, used: float
) -> None:
    sampling, _ = await asked(world, **{name: given})
    assert getattr(sampling, name) == used
    notice = world.turns.asked[-1].options.notice
    assert notice.startswith("Outside of what is possible") and f"{used:g} instead of {given:g}" in notice


async def test_numbers_inside_of_their_ranges_are_no_news(world: World) -> None:
    await asked(world, temperature=2, top_p=1, top_k=1_000, min_p=0, seed=0, max_tokens=8_192)
    assert world.turns.asked[-1].options.notice == ""


async def test_a_chat_keeps_what_its_owner_set(world: World) -> None:
    chat = {"conversation_id": await begun(world, ALL)}
    sampling, _ = await asked(world, assistant=chat)
    assert (sampling.temperature, sampling.top_k, sampling.seed, sampling.min_p) == (0.3, 5, 7, 0.05)
    assert (sampling.max_tokens, sampling.stop) == (40, ("END",))
    async with world.client(world.ben) as client:
        kept = (await client.get(f"/api/conversations/{chat['conversation_id']}")).json()["manner"]
        changed = await client.patch(f"/api/conversations/{chat['conversation_id']}", json={"manner": {}})
    assert kept == ALL and changed.status_code == 200
    assert (await asked(world, assistant=chat))[0] == Sampling()


async def test_what_a_request_sets_outweighs_what_its_chat_keeps(world: World) -> None:
    chat = {"conversation_id": await begun(world, ALL)}
    sampling, _ = await asked(world, assistant=chat, temperature=1, stop="NO")
    assert (sampling.temperature, sampling.top_k, sampling.stop) == (1.0, 5, ("NO",))
    sampling, _ = await asked(world, assistant={**chat, "preset": "balanced"})
    assert (sampling.temperature, sampling.top_k, sampling.seed) == (0.4, 0, 7)  # a preset is about the wording alone


async def test_a_schema_is_kept_for_a_chat(world: World) -> None:
    chat = {"conversation_id": await begun(world, {"json_schema": SCHEMA})}
    assert (await asked(world, assistant=chat))[0].json_schema == SCHEMA


@pytest.mark.parametrize("manner", [{"temperature": "hot"}, {"stop": ["x"] * 9}, {"stop": [""]}, {"heat": 1}])
async def test_what_is_no_value_is_refused_and_changes_nothing(world: World, manner: dict[str, Any]) -> None:
    made = await begun(world, ALL)
    async with world.client(world.ben) as client:
        refused = await client.patch(f"/api/conversations/{made}", json={"manner": manner})
        kept = (await client.get(f"/api/conversations/{made}")).json()["manner"]
    assert refused.status_code == 422 and kept == ALL


async def test_nobody_sets_it_in_a_chat_of_somebody_else(world: World) -> None:
    made = await begun(world, ALL)
    async with world.client(world.eve) as client:
        assert (await client.patch(f"/api/conversations/{made}", json={"manner": {}})).status_code == 404
    assert (await asked(world, assistant={"conversation_id": made}))[0].seed == 7
