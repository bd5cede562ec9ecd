"""What operators and programs read: health, status, figures, the description, errors and headers."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from assistant.app import ModelStatus
from assistant.errors import Overloaded
from ingest.errors import StorageFull
from knowledge import collections, documents
from knowledge.errors import IndexUnavailable
from knowledge.types import Scope

from .conftest import World


class Several:
    """Models in given states."""

    def __init__(self, status: list[ModelStatus]) -> None:
        self._status = status

    def status(self) -> list[ModelStatus]:
        return self._status


class Warming:
    """A service in a given state."""

    def __init__(self, name: str, state: Literal["ready", "starting", "failed"]) -> None:
        self.name = name
        self._state = state

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        return self._state, "A sentence."


@pytest.mark.parametrize(
    ("states", "status"),
    [(["ready", "ready"], 200), (["ready", "starting"], 503), (["failed", "ready"], 200), ([], 200)],
)
async def test_it_is_ready_when_nothing_is_starting_any_more(world: World, states: Any, status: int) -> None:
    world.app.services = [Warming(f"s{number}", state) for number, state in enumerate(states)]
    async with world.client() as client:
        reply = await client.get("/readyz")
        assert reply.status_code == status and reply.json()["ready"] is (status == 200)
        assert (await client.get("/livez")).json() == {"alive": True}


async def test_it_is_not_ready_without_its_database(world: World) -> None:
    world.app.engine.dispose()
    (world.app.settings.data_dir / "assistant.db").unlink()
    (world.app.settings.data_dir / "assistant.db").mkdir()
    async with world.client() as client:
        reply = await client.get("/readyz")
        assert reply.status_code == 503 and reply.json()["database"] is False
        assert (await client.get("/livez")).status_code == 200
        refused = await client.get("/api/setup")
        assert refused.status_code == 503 and refused.json()["code"] == "database-unavailable"
        assert refused.headers["retry-after"]


async def test_an_administrator_sees_how_everything_is(world: World) -> None:
    world.app.services = [Warming("engine", "ready")]
    async with world.client(world.admin) as client:
        status = (await client.get("/api/status")).json()
    assert status["tiers"][0]["name"] == "local" and status["tiers"][0]["healthy"]
    assert status["services"] == [{"name": "engine", "state": "ready", "detail": "A sentence."}]
    assert status["knowledge"]["index_lag"] == 0 and status["knowledge"]["last_reconcile"] == 1.0
    assert status["knowledge"]["embedding"]["live"]
    assert status["queue"] == {"queued": 0, "running": 0, "failed": 0} and status["disk"]["free"] > 0


async def test_figures_name_routes_by_pattern_and_nothing_secret(world: World) -> None:
    async with world.client(world.admin) as client:
        await client.get(f"/api/users/{'f' * 32}")
        await client.get("/api/documents/" + "e" * 32)
        await client.request("BREW", "/api/me")
        await client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "a secret"}]})
        figures = (await client.get("/metrics")).text
    assert 'assistant_requests_total{method="GET",route="/api/documents/{document_id}",status="404"} 1.0' in figures
    assert (
        'assistant_answers_total{outcome="answered"} 1.0' in figures
        and "assistant_first_text_seconds_count 1.0" in figures
    )
    assert "eeee" not in figures and "secret" not in figures and world.admin.id not in figures


async def test_a_status_that_no_document_has_any_more_counts_none(world: World) -> None:
    made = collections.create(world.app.engine, "HR", "", ["everyone"])
    added = documents.add(world.app.engine, made.id, "A", "a.md", "text/markdown", 1, "0" * 64, (), "Ann")
    async with world.client(world.admin) as client:
        assert 'assistant_documents{status="queued"} 1.0' in (await client.get("/metrics")).text
        assert documents.delete(world.app.engine, Scope(frozenset(), sees_all=True), added.id)
        figures = (await client.get("/metrics")).text
    for status in ("queued", "ready", "failed"):
        assert f'assistant_documents{{status="{status}"}} 0.0' in figures


async def test_the_figures_of_models_and_of_memory_are_there(world: World) -> None:
    vllm = ModelStatus(
        "big", "domain", "big", None, False, "Gone.", busy=3, answers=40, failures=2, first_token_s=0.25,
        tokens_per_s=90.0, breaker="open",
    )  # fmt: skip
    fresh = ModelStatus("small", "fallback", "small", None, True, "It answers.", enabled=False)
    several = ModelStatus("often", "ensemble", "vote", None, True, "Votes.")
    world.app.models = Several([vllm, fresh, several])
    async with world.client(world.admin) as client:
        figures = (await client.get("/metrics")).text
    big, small = 'model="big",tier="domain"', 'model="small",tier="fallback"'
    for line in (
        f"assistant_model_answers_total{{{big}}} 40.0",
        f"assistant_model_failures_total{{{big}}} 2.0",
        f"assistant_model_busy{{{big}}} 3.0",
        f"assistant_model_first_token_seconds{{{big}}} 0.25",
        f"assistant_model_tokens_per_second{{{big}}} 90.0",
        f"assistant_model_healthy{{{big}}} 0.0",
        f"assistant_model_enabled{{{small}}} 0.0",
        f"assistant_model_breaker{{{big.replace('tier', 'state=~open~,tier').replace('~', chr(34))}}} 1.0",
        'assistant_kept_answers_total{how="same"} 0.0',
        "assistant_kept_saved_tokens_total 0.0",
        'assistant_room_waiting{room="chats"} 0.0',
    ):
        assert line in figures.splitlines(), line
    assert f"assistant_model_tokens_per_second{{{small}}}" not in figures and "often" not in figures


async def test_the_description_tells_our_error_shapes(world: World) -> None:
    async with world.client() as client:
        described = (await client.get("/api/openapi.json")).json()
    login = described["paths"]["/api/login"]["post"]["responses"]
    assert list(login["4XX"]["content"]) == ["application/problem+json"] and "422" not in login
    chat = described["paths"]["/v1/chat/completions"]["post"]["responses"]
    assert chat["4XX"]["content"]["application/json"]["schema"]["$ref"].endswith("OpenAIError")
    assert "HTTPValidationError" not in json.dumps(described)


async def test_each_answer_has_safe_headers_and_an_id(world: World) -> None:
    async with world.client(world.ben) as client:
        replies = [
            await client.get("/livez"),
            await client.get("/api/users"),
            await client.get("/nowhere"),
            await client.get("/livez", headers={"Host": "evil.example"}),
            await client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "crash"}]}),
            await client.post(
                "/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}], "stream": True}
            ),
        ]
    for reply in replies:
        assert reply.headers["x-content-type-options"] == "nosniff" and reply.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert reply.headers["cache-control"] == "no-store" and reply.headers["referrer-policy"] == "no-referrer"
        assert len(reply.headers["x-request-id"]) == 32 and "server" not in reply.headers
    assert len({reply.headers["x-request-id"] for reply in replies}) == len(replies)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-DEF_123", True), ("x" * 65, False), ("short", False), ("a b c d e f", False), ('x"}forged{', False)],
)
async def test_a_request_id_is_taken_over_when_it_is_plain(world: World, given: str, kept: bool) -> None:
    async with world.client() as client:
        reply = await client.get("/livez", headers={"X-Request-Id": given})
    assert (reply.headers["x-request-id"] == given) is kept


async def test_a_problem_says_what_and_what_to_do(world: World) -> None:
    async with world.client(world.admin) as client:
        reply = await client.post("/api/users", json={"name": "", "password": "x", "extra": {"\N{GRINNING FACE}": 1}})
    problem = reply.json()
    assert reply.headers["content-type"] == "application/problem+json" and reply.status_code == problem["status"] == 422
    assert problem["type"] == "urn:inhouse:problem:invalid" and problem["code"] == "invalid"
    assert problem["title"] and "name: it is empty" in problem["detail"] and "more like this" in problem["detail"]


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (IndexUnavailable("The indexes do not answer; wait."), 503, "search-unavailable", True),
        (Overloaded("Too many.", 2.2), 429, "overloaded", True),
        (StorageFull("The disk is full; free some."), 507, "storage-full", False),
        (OperationalError("x", {}, Exception("connection refused")), 503, "database-unavailable", True),
        (OperationalError("x", {}, Exception("database or disk is full")), 507, "disk-full", False),
        (KeyError("secret prompt text"), 500, "internal", False),
    ],
)
async def test_each_failure_below_becomes_an_answer(
    world: World, error: Exception, status: int, code: str, retry: bool
) -> None:
    async def fail(*_: Any) -> Any:
        raise error

    world.searcher.search_detailed = fail  # type: ignore[method-assign]
    async with world.client(world.ben) as client:
        reply = await client.post("/api/search", json={"query": "leave"})
        assert reply.status_code == status and reply.json()["code"] == code and "secret" not in reply.text
        assert ("retry-after" in reply.headers) is retry
        assert (await client.get("/api/me")).status_code == 200


async def test_search_passes_the_callers_scope_and_shows_scores(world: World) -> None:
    async with world.client(world.ben) as client:
        found = (await client.post("/api/search", json={"query": "leave", "limit": 3})).json()
    assert world.searcher.asked[0][1].principals == {"everyone", "public", f"user:{world.ben.id}"}
    assert found["results"][0]["title"] == "Handbook" and set(found["results"][0]["scores"]) == {
        "dense",
        "keyword",
        "fused",
        "rerank",
    }
    assert found["searched"] == ["HR"] and found["n_candidates"] == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"query": ""}, {"query": "x" * 10_001}, {"query": "x", "limit": 0}, {"query": "x", "limit": 101},
    {"query": "x", "scope": "*"},
     {"query": "a\u0000b"}, {"query": 5}, {"query": ["x"]}, {"query": "x", "collections": "HR"}, [], None],
)  # fmt: skip
async def test_search_refuses_odd_bodies(world: World, body: Any) -> None:
    async with world.client(world.ben) as client:
        assert (await client.post("/api/search", json=body)).status_code == 422
        assert world.searcher.asked == []


async def test_conversations_over_http(world: World) -> None:
    async with world.client(world.ben) as client:
        made = (await client.post("/api/conversations", json={"title": "Leave"})).json()["id"]
        body = {"messages": [{"role": "user", "content": "hi"}], "assistant": {"conversation_id": made}}
        turn = (await client.post("/v1/chat/completions", json=body)).json()["assistant"]["turn_id"]
        assert (
            await client.put(f"/api/turns/{turn}/feedback", json={"rating": "down", "reason": "wrong"})
        ).status_code == 204
        shown = (await client.get(f"/api/conversations/{made}")).json()
        assert shown["turns"][0]["feedback"] == {"rating": "down", "reason": "wrong", "comment": None}
        assert shown["turns"][0]["answer"]["feedback"]["rating"] == "down"
        assert (await client.patch(f"/api/conversations/{made}", json={"title": "Holidays", "pinned": True})).json()[
            "pinned"
        ]
        found = (await client.get("/api/conversations?q=HOLI&limit=1")).json()["conversations"]
        assert [entry["title"] for entry in found] == ["Holidays"]
        assert (await client.get(f"/api/conversations?before={found[0]['updated_at']}")).json()["conversations"] == []
        for bad in ({"rating": "great"}, {}, {"rating": "up", "comment": "x" * 2_001}, {"rating": "up", "user": "x"}):
            assert (await client.put(f"/api/turns/{turn}/feedback", json=bad)).status_code == 422
        for query in ("before=NaN", "before=inf", "limit=0", "q=%00"):
            assert (await client.get(f"/api/conversations?{query}")).status_code == 422
        assert (await client.delete(f"/api/conversations/{made}")).status_code == 204
        assert (await client.get(f"/api/conversations/{made}")).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'"x"', b"\xff"])
async def test_a_body_that_does_not_fit_is_never_an_error_of_ours(world: World, body: bytes) -> None:
    paths = (
        "/users/x",
        "/conversations/x",
        "/turns/x/feedback",
        "/groups/x",
        "/me/password",
        "/keys/x",
        "/documents/x",
    )
    async with world.client(world.admin) as client:
        for path in paths:
            for method in ("DELETE", "PATCH", "PUT", "POST"):
                headers = {"Content-Type": "application/json"}
                reply = await client.request(method, "/api" + path, content=body, headers=headers)
                assert reply.status_code in (400, 404, 405, 422), (method, path, reply.text)


PAYLOADS = [
    "' OR 1=1 --",
    "'; DROP TABLE users; --",
    "1); SELECT pg_sleep(5)--",
    '" OR ""="',
    "%27",
    "\\",
    "{$gt: ''}",
    "%00",
    "../..",
    "${x}",
]


async def test_sql_in_any_parameter_is_text(world: World, engine: Engine) -> None:
    async with world.client(world.admin) as client:
        for payload in PAYLOADS:
            for path in ("/api/documents", "/api/conversations"):
                assert (await client.get(path, params={"q": payload})).status_code in (200, 422)
            for name in ("collection", "status", "limit", "offset"):
                assert (await client.get("/api/documents", params={name: payload})).status_code in (404, 422)
            assert (await client.post("/api/groups", json={"name": payload})).status_code in (201, 422)
            assert (await client.post("/api/login", json={"name": payload, "password": payload})).status_code == 401
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM users")).scalar() == 3
