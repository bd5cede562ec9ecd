"""The engine's HTTP server, over a backend that counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

from assistant.models.local.fake_backend import CountingBackend
from assistant.models.local.server import MAX_BODY_BYTES

Serve = Callable[..., AbstractAsyncContextManager[Any]]


def chat(**more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "count"}], **more}


def client(running: Any) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {running.key}"}
    return httpx.AsyncClient(base_url=running.url.removesuffix("/v1"), headers=headers, timeout=10)


async def jobs_end(http: httpx.AsyncClient, backend: CountingBackend) -> None:
    """Return once the engine and, one turn of its thread later, the backend have no jobs left."""
    async with asyncio.timeout(30):
        while (await http.get("/health")).json()["jobs"] or backend.jobs:
            await asyncio.sleep(0.02)


async def at_once(backend: CountingBackend, count: int) -> None:
    """Return once the backend works on `count` jobs."""
    async with asyncio.timeout(30):
        while len(backend.jobs) < count:
            await asyncio.sleep(0.01)


async def test_it_answers_in_one_piece_and_streamed(serve: Serve) -> None:
    async with serve(CountingBackend(length=5)) as running, client(running) as http:
        whole = (await http.post("/v1/chat/completions", json=chat())).json()
        assert whole["choices"][0]["message"] == {"role": "assistant", "content": "1 2 3 4 5 "}
        assert whole["choices"][0]["finish_reason"] == "stop"
        assert whole["usage"]["prompt_tokens"] > 0
        body = chat(stream=True, stream_options={"include_usage": True})
        lines = (await http.post("/v1/chat/completions", json=body)).text.strip().split("\n\n")
        events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
        assert lines[-1] == "data: [DONE]"
        assert "".join(event["choices"][0]["delta"]["content"] for event in events[:-1]) == "1 2 3 4 5 "
        assert events[0]["choices"][0]["delta"]["role"] == "assistant"
        assert events[-2]["choices"][0]["finish_reason"] == "stop"
        assert events[-1]["choices"] == [] and events[-1]["usage"]["completion_tokens"] > 0


async def test_it_cuts_at_max_tokens_and_at_stop_strings(serve: Serve) -> None:
    async with serve(CountingBackend(length=50)) as running, client(running) as http:
        cut = (await http.post("/v1/chat/completions", json=chat(max_tokens=3))).json()["choices"][0]
        assert (cut["message"]["content"], cut["finish_reason"]) == ("1 2 3 ", "length")
        stopped = (await http.post("/v1/chat/completions", json=chat(stop=["7 8", "x"]))).json()["choices"][0]
        assert (stopped["message"]["content"], stopped["finish_reason"]) == ("1 2 3 4 5 6 ", "stop")
        await jobs_end(http, running.backend)


async def test_it_works_on_several_requests_at_once(serve: Serve) -> None:
    async with serve(CountingBackend(length=100, step_s=0.2)) as running, client(running) as http:
        calls = [asyncio.create_task(http.post("/v1/chat/completions", json=chat())) for _ in range(6)]
        await at_once(running.backend, 6)
        running.backend._step_s = 0.0  # noqa: SLF001
        replies = await asyncio.gather(*calls)
        assert all(reply.json()["choices"][0]["message"]["content"].endswith("100 ") for reply in replies)


@pytest.mark.parametrize("stream", [True, False])
async def test_it_frees_the_place_when_the_client_leaves(serve: Serve, stream: bool) -> None:
    async with serve(CountingBackend(length=10_000, step_s=0.01)) as running, client(running) as http:
        call = http.build_request("POST", "/v1/chat/completions", json=chat(stream=stream, max_tokens=8000))
        reading = asyncio.create_task(http.send(call, stream=stream))
        await at_once(running.backend, 1)
        if stream:
            await (await reading).aclose()
        else:
            reading.cancel()
        await jobs_end(http, running.backend)


async def test_it_refuses_more_than_it_has_places_for_and_says_when_to_come_back(serve: Serve) -> None:
    async with serve(CountingBackend(length=200, step_s=0.2), places=3) as running, client(running) as http:
        calls = [asyncio.create_task(http.post("/v1/chat/completions", json=chat(max_tokens=100))) for _ in range(3)]
        await at_once(running.backend, 3)
        refused = await http.post("/v1/chat/completions", json=chat())
        running.backend._step_s = 0.0  # noqa: SLF001
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "overloaded")
        assert int(refused.headers["Retry-After"]) >= 1
        assert {reply.status_code for reply in await asyncio.gather(*calls)} == {200}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (chat(n=16_384), "n"),
        (chat(cache_salt="x"), "cache_salt"),
        (chat(max_tokens=10**9), "max_tokens"),
        (chat(max_tokens=0), "max_tokens"),
        (chat(temperature=-1), "temperature"),
        (chat(temperature=1e999), "temperature"),
        (chat(temperature=1.5), "too hot"),
        (chat(top_p=0), "top_p"),
        (chat(seed=-1), "seed"),
        (chat(stop=["x"] * 100), "stop"),
        (chat(tools=[{"type": "function"}]), "tools"),
        (chat(logit_bias={"1": 100}), "logit_bias"),
        (chat(response_format={"type": "json_schema"}), "lacks its schema"),
        (chat(response_format={"type": "json_schema", "json_schema": {"schema": {"type": "what"}}}), "what"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "root", "content": "x"}]}, "role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "content"),
        ({"messages": [{"role": "user", "content": "x" * 5000}]}, "tokens"),
        ({"messages": [{"role": "user", "content": "x" * 100_000}]}, "characters"),
        ([], "body"),
        (None, "body"),
    ],
    ids=str,
)
async def test_it_refuses_what_it_cannot_do_and_names_it(serve: Serve, body: Any, reason: str) -> None:
    async with serve(CountingBackend(length=3)) as running, client(running) as http:
        content = json.dumps(body).replace("Infinity", "1e999")
        refused = await http.post("/v1/chat/completions", content=content)
        assert refused.status_code == 400, refused.text
        assert reason in refused.json()["error"]["message"]
        assert (await http.post("/v1/chat/completions", json=chat())).status_code == 200
        assert not running.broken


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b'{"messages": "x"}', b"[" * 5000])
async def test_it_refuses_what_is_not_json(serve: Serve, content: bytes) -> None:
    async with serve(CountingBackend()) as running, client(running) as http:
        assert (await http.post("/v1/chat/completions", content=content)).status_code == 400


async def test_it_does_not_read_an_endless_body(serve: Serve) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * (MAX_BODY_BYTES // 10)

    async with serve(CountingBackend()) as running, client(running) as http:
        try:
            refused = await http.post("/v1/chat/completions", content=endless())
            assert refused.status_code == 400
        except httpx.WriteError:
            pass  # the connection was closed while we were still sending, as it should be


async def test_it_opens_no_route_without_the_key(serve: Serve) -> None:
    keys = ["", "Bearer x", "Bearer wrong", "Basic " + "k" * 32, "bearer " + "k" * 32, "Bearer " + "k" * 31]
    async with serve(CountingBackend()) as running, httpx.AsyncClient() as http:
        for path in ["/health", "/v1/models", "/v1/chat/completions", "/tokenize", "/nothing"]:
            for key in keys:
                headers = {"Authorization": key} if key else {}
                url = running.url.removesuffix("/v1") + path
                assert (await http.get(url, headers=headers)).status_code == 401
                assert (await http.post(url, headers=headers, json=chat())).status_code == 401


async def test_it_fails_what_is_running_and_says_so_when_the_backend_breaks(serve: Serve) -> None:
    async with serve(CountingBackend(length=100, breaks_at=5)) as running, client(running) as http:
        text = (await http.post("/v1/chat/completions", json=chat(stream=True))).text
        assert "[DONE]" not in text and "broke in the middle" in text
        assert (await http.post("/v1/chat/completions", json=chat())).status_code == 503
        assert len(running.broken) == 1


async def test_it_counts_a_chat_as_it_would_be_prompted(serve: Serve) -> None:
    async with serve(CountingBackend()) as running, client(running) as http:
        body = {"messages": [{"role": "user", "content": "<|im_end|>"}]}
        count = (await http.post("/tokenize", json=body)).json()["count"]
        usage = (await http.post("/v1/chat/completions", json=body)).json()["usage"]
        assert count == usage["prompt_tokens"]


async def test_it_answers_health_while_the_backend_computes(serve: Serve) -> None:
    async with serve(CountingBackend(length=100, step_s=0.05)) as running, client(running) as http:
        reading = asyncio.create_task(http.post("/v1/chat/completions", json=chat()))
        await at_once(running.backend, 1)
        before = (await http.get("/health")).json()
        assert before["jobs"] == 1
        async with asyncio.timeout(30):
            while (await http.get("/health")).json()["tokens"] <= before["tokens"]:
                await asyncio.sleep(0.05)
        reading.cancel()


class Counting:
    """Asks a server that counts, one request after the other, whose backend's own clock tells the time."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def usage(self, **more: Any) -> dict[str, Any]:
        return dict((await self._http.post("/v1/chat/completions", json=chat(**more))).json()["usage"])

    async def told(self) -> dict[str, Any]:
        """Return what /health says of guessing, by task."""
        return {task["task"]: task for task in (await self._http.get("/health")).json()["guesses"]}


async def test_it_guesses_where_that_wins_and_stops_where_it_loses(serve: Serve) -> None:
    backend = CountingBackend(length=41, guesses=4, right=3, guess_cost=2.0)
    async with serve(backend) as running, client(running) as http:
        asking = Counting(http)
        for _ in range(7):
            usage = await asking.usage(task="cited")
        # 40 tokens in 10 steps after the first, each with 4 guesses of which 3 were right.
        details = {"accepted_prediction_tokens": 30, "rejected_prediction_tokens": 10}
        assert usage["completion_tokens"] == 41 and usage["completion_tokens_details"] == details
        cited = (await asking.told())["cited"]
        assert (cited["on"], cited["answers"], cited["tokens_per_step"]) == (True, 7, 4.0)
        assert (cited["speed_with"], cited["speed_without"]) == (2.0, 1.0)
        backend.right = 0
        for _ in range(3):
            await asking.usage(task="chat")
        assert "completion_tokens_details" not in await asking.usage(task="chat")
        chatted = (await asking.told())["chat"]
        assert (chatted["on"], chatted["accepted"], chatted["guessed"]) == (False, 0, 160)


async def test_its_answers_are_the_same_with_guessing_and_without(serve: Serve) -> None:
    async with serve(CountingBackend(length=30, guesses=4, right=2)) as running, client(running) as http:
        asked = [(await http.post("/v1/chat/completions", json=chat(max_tokens=20))).json() for _ in range(2)]
        plain, guessed = asked
        assert "completion_tokens_details" not in plain["usage"] and guessed["usage"]["completion_tokens_details"]
        assert guessed["choices"] == plain["choices"] and guessed["choices"][0]["finish_reason"] == "length"


async def test_a_seed_draws_without_guesses_and_an_engine_that_cannot_guess_says_nothing(serve: Serve) -> None:
    async with serve(CountingBackend(guesses=4, right=4)) as running, client(running) as http:
        for _ in range(4):
            assert "completion_tokens_details" not in await Counting(http).usage(temperature=0.7, seed=1)
        assert await Counting(http).told() == {}
    async with serve(CountingBackend()) as running, client(running) as http:
        await Counting(http).usage(task="cited")
        assert await Counting(http).told() == {}


async def test_it_guesses_for_nobody_while_several_are_answered(serve: Serve) -> None:
    backend = CountingBackend(length=10_000, step_s=0.01, guesses=4)
    async with serve(backend) as running, client(running) as http:
        await Counting(http).usage(max_tokens=20)  # without guessing; the next one alone would be guessed
        calls = [asyncio.create_task(Counting(http).usage(max_tokens=4_000)) for _ in range(3)]
        await at_once(backend, 3)
        assert sum(job.guess for job, _ in backend.jobs.values()) == 1  # the first one came alone
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await jobs_end(http, backend)


@pytest.mark.parametrize("task", ["x" * 65, 7, None])
async def test_it_refuses_a_task_that_is_no_name(serve: Serve, task: object) -> None:
    async with serve(CountingBackend()) as running, client(running) as http:
        assert (await http.post("/v1/chat/completions", json=chat(task=task))).status_code == 400
