"""Our MCP server, asked by the official client over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from sqlalchemy import Engine

from assistant.people import credentials
from assistant.people.users import User
from assistant.settings import load

from .conftest import World, make_world


@asynccontextmanager
async def agent(world: World, address: str, user: User) -> AsyncIterator[ClientSession]:
    _, key = credentials.add_key(world.app.engine, world.app.secrets, user.id, "agent")
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx.AsyncClient(headers=headers) as http,
        streamable_http_client(f"{address}/api/mcp", http_client=http) as (reads, writes, _),
        ClientSession(reads, writes) as session,
    ):
        await session.initialize()
        yield session


async def test_offers_search_ask_and_the_skills_of_the_caller(world: World, address: str) -> None:
    async with agent(world, address, world.ben) as session:
        await world.app.skills.ready()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(tools) == {"search", "ask", "approval_result", "read_notes", "write_note"}
        assert tools["write_note"].annotations and tools["write_note"].annotations.readOnlyHint is False
        await session.send_ping()
        found: Any = await session.call_tool("search", {"query": "leave"})
        assert not found.isError and found.structuredContent["results"][0]["title"] == "Handbook"
        assert world.searcher.asked[-1][1].principals >= {f"user:{world.ben.id}"}
        answer: Any = await session.call_tool("ask", {"question": "How much leave?"})
        assert "[1] Handbook" in answer.content[0].text and world.turns.asked[-1].caller.user_id == world.ben.id


async def test_a_write_waits_for_the_person_whatever_its_rule(world: World, address: str) -> None:
    skillset = await world.app.skills.ready()
    skillset.state.change(lambda now: now.model_copy(update={"rules": {"write_note": "allow"}}))
    async with agent(world, address, world.ben) as session:
        asked: Any = await session.call_tool("write_note", {"text": "x"})
        identifier = asked.structuredContent["approval"]["id"]
        assert "approve" in asked.content[0].text and not world.notebook.write.calls
        async with world.client(world.eve) as eve, world.client(world.ben) as ben:
            assert (await eve.post(f"/api/approvals/{identifier}/approve")).status_code == 404
            await ben.post(f"/api/approvals/{identifier}/approve")
        told: Any = await session.call_tool("approval_result", {"id": identifier})
        assert told.content[0].text == "done: Kept." and len(world.notebook.write.calls) == 1


async def test_what_is_not_the_callers_is_not_there(world: World, address: str) -> None:
    await world.app.skills.ready()
    async with agent(world, address, world.ben) as session:
        for name in ("read_secrets", "nothing"):
            reply: Any = await session.call_tool(name, {})
            assert reply.isError and "no skill named" in reply.content[0].text
        reply = await session.call_tool("search", {"query": "x", "collections": ["Board"]})
        assert reply.isError and "no collection" in reply.content[0].text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"jsonrpc": "2.0", "method": "notifications/initialized"}, 202),
        ({"jsonrpc": "2.0", "id": 1, "method": "resources/list"}, 200),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}}, 200),
        (
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "search", "arguments": {"query": 1}},
            },
            200,
        ),
        ({}, 202),
    ],
)
async def test_answers_whatever_comes(world: World, body: dict[str, Any], status: int) -> None:
    async with world.client(world.ben) as client:
        assert (await client.post("/api/mcp", json=body)).status_code == status
        assert (await client.get("/api/mcp")).status_code == 405
        assert (await client.post("/api/mcp", json=[body])).status_code == 422


@pytest.mark.parametrize(
    "call",
    [
        '{"id": 1, "params": {"name": "search", "arguments": {"query": "x", "collections": ["\\ud800"]}}}',
        '{"id": 1, "params": {"name": "search", "arguments": {"query": "x", "\\ud800": 1}}}',
        '{"id": 1, "params": {"name": "read_secrets", "arguments": {"place": "\\u0000"}}}',
        '{"id": 1, "params": {"name": "read_secrets", "arguments": {"place": %s}}}' % ("[" * 90 + "]" * 90),
        '{"id": 1, "params": {"name": "\\ud800", "arguments": {}}}',
        '{"id": "\\ud800", "params": {"name": "search", "arguments": {"query": "x"}}}',
    ],
)
async def test_refuses_what_cannot_be_kept_with_a_sentence(world: World, call: str) -> None:
    body = '{"jsonrpc": "2.0", "method": "tools/call", ' + call[1:]
    async with world.client(world.ben) as client:
        reply = await client.post("/api/mcp", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert found["error"]["message"] if "error" in found else found["result"]["isError"]


async def test_an_answer_that_takes_too_long_ends_with_a_sentence(engine: Engine, tmp_path: Path) -> None:
    world = make_world(engine, tmp_path, load(data_dir=tmp_path, api={"chat_timeout_s": 0.5}))
    params = {"name": "ask", "arguments": {"question": "hang"}}
    async with world.client(world.ben) as client:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        result = (await client.post("/api/mcp", json=body)).json()["result"]
    assert result["isError"] and "too long" in result["content"][0]["text"] and world.turns.running == 0


async def test_needs_a_credential(world: World, address: str) -> None:
    async with httpx.AsyncClient() as client:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        assert (await client.post(f"{address}/api/mcp", json=body)).status_code == 401
