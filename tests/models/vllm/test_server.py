"""The real server: started once for all of these tests, which run in this order; the last one breaks it."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from assistant.guardrails.grounding import RuleJudge
from assistant.models.breaker import Breaker, BreakerRules
from assistant.models.council import Council
from assistant.models.engines import LocalEngines
from assistant.models.ensembles import Average, Member
from assistant.models.lanes import lanes
from assistant.models.openai_http import Endpoint, OpenAIModel, Timeouts, fixed
from assistant.models.openai_wire import VLLM
from assistant.models.plan import plan
from assistant.models.preparing import fingerprint
from assistant.models.registry import Registry
from assistant.models.router import Deadlines, Lane, Routed, Router
from assistant.models.settings import ModelSettings
from assistant.models.speculation import measured
from assistant.models.types import ModelRequest, Sampling
from assistant.models.vllm.client import VllmClient
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.orchestration.notes import NOBODY
from assistant.orchestration.prompts import Message
from assistant.orchestration.settings import TurnSettings
from assistant.record import MemoryRecords
from assistant.turn import Turns
from assistant.types import Caller, Event, Turn, TurnOptions
from knowledge.embed import HashEmbedder
from knowledge.types import Scope

from .served import Served, served

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(1_800)]

BASE, ADAPTER = "smollm2-vllm", "grounded-answer"
QUESTION = "What is the capital of France?"
CAPITAL = {"messages": [{"role": "user", "content": QUESTION}], "temperature": 0}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("vllm")) as running:
        yield running


def said(server: Served, model: str, **changes: object) -> str:
    body = {"model": model, "max_tokens": 16, **CAPITAL, **changes}
    with server.client() as client:
        answer = client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["choices"][0]["message"]["content"])


def test_it_answers_plain_and_streamed_alike(server: Served) -> None:
    plain = said(server, BASE)
    assert len(plain.split()) > 1  # what the small base model takes for the capital depends on the processor's rounding
    body = {"model": BASE, "max_tokens": 16, "stream": True, **CAPITAL}
    text, blocks = "", 0
    with server.client() as client, client.stream("POST", "/v1/chat/completions", json=body) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                blocks += 1
                text += "".join(c["delta"].get("content") or "" for c in json.loads(line[6:])["choices"])
    assert blocks > 3 and text == plain


def test_it_refuses_an_adapter_that_is_not_loaded_and_loads_it_while_it_runs(server: Served) -> None:
    pid = server.vllm().pid
    with server.client() as client:
        refused = client.post("/v1/chat/completions", json={"model": ADAPTER, **CAPITAL})
        assert refused.status_code == 404 and "Served" in refused.json()["error"]["message"]
        assert client.put("/adapters/unknown").status_code == 409
        loaded = client.put(f"/adapters/{ADAPTER}")
        assert loaded.status_code == 200, loaded.text
        assert {entry["id"] for entry in client.get("/v1/models").json()["data"]} <= {ADAPTER, BASE}
    adapted, plain = said(server, ADAPTER), said(server, BASE)
    assert adapted != plain and "[1]" in adapted  # it has learned to cite
    with server.client() as client:
        assert client.delete(f"/adapters/{ADAPTER}").status_code == 200
        assert client.post("/v1/chat/completions", json={"model": ADAPTER, **CAPITAL}).status_code == 404
        assert client.put(f"/adapters/{ADAPTER}").status_code == 200
        assert client.put("/adapters/unknown").status_code == 409
    assert said(server, ADAPTER) == adapted and server.vllm().pid == pid  # a refusal costs the loaded one nothing


async def test_models_that_share_a_tokenizer_write_a_reply_together(server: Served) -> None:
    """Where one of them has nearly all the weight, the average is what it writes alone, token for token."""
    alone = {name: said(server, name) for name in (BASE, ADAPTER)}
    assert alone[BASE] != alone[ADAPTER]
    together = {name: await averaged(server, {BASE: 1.0, ADAPTER: 1.0} | {name: 100.0}) for name in alone}
    assert together == alone
    assert await averaged(server, {BASE: 1.0, ADAPTER: 1.0})


async def averaged(server: Served, weights: dict[str, float]) -> str:
    """Return what the average of models says."""
    members = tuple(Member(model=name, weight=weight) for name, weight in weights.items())
    models = [
        OpenAIModel(name, fixed(Endpoint(f"{server.url}/v1", server.key, name)), 2048, Timeouts(5, 180, 180), VLLM)
        for name in weights
    ]
    lanes_of = [
        Lane(each.name, each, lambda: NOBODY, Breaker(BreakerRules(), time.monotonic), Deadlines(180, 180))
        for each in models
    ]
    router = Router(lanes_of)
    blend = Average(kind="average", name="blend", about="Both.", members=members)
    council = Council(blend, lambda name: (Routed(router, [name]), NOBODY))
    asked = ModelRequest((Message("user", QUESTION),), Sampling(max_tokens=16))
    try:
        return "".join([piece.text async for piece in council.stream(asked)])
    finally:
        for each in models:
            await each.close()


def test_of_all_its_routes_none_is_reachable_but_ours(server: Served) -> None:
    """Every route that vLLM registers, as its log lists them, by every method, with the key and without."""
    log = (server.data_dir / "logs" / "vllm.log").read_text("utf-8", "replace")
    paths = {re.sub(r"\{\w+\}", "x", path) for path in re.findall(r"Route: (/\S*), ", log)}
    assert len(paths) > 30 and {"/v1/chat/completions", "/v1/load_lora_adapter", "/invocations"} <= paths
    body = {"lora_name": "x", "lora_path": "/etc", "name": "x", "src": "/etc", **CAPITAL, "model": "none"}
    reached = set()
    for key in (server.key, ""):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
            for method, path in itertools.product(("GET", "POST", "PUT", "DELETE"), sorted(paths)):
                answer = client.request(method, path, json=body)
                if answer.text not in ("Not Found", "Method Not Allowed"):  # the proxy's own words for no such route
                    reached.add((method, path, bool(key), answer.status_code))
    assert reached == {
        ("GET", "/health", True, 200), ("GET", "/health", False, 200),
        ("GET", "/v1/models", True, 200), ("GET", "/v1/models", False, 401),
        ("POST", "/tokenize", True, 404), ("POST", "/tokenize", False, 401),
        ("POST", "/v1/chat/completions", True, 404), ("POST", "/v1/chat/completions", False, 401),
        ("GET", "/adapters", True, 200), ("GET", "/adapters", False, 401),
        ("PUT", "/adapters/x", True, 409), ("PUT", "/adapters/x", False, 401),
        ("DELETE", "/adapters/x", True, 409), ("DELETE", "/adapters/x", False, 401),
    }  # fmt: skip


def test_its_own_ways_to_load_an_adapter_cannot_be_reached(server: Served, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    with server.client() as client:
        for path in ("/v1/load_lora_adapter", "/adapters", "/invocations", "/collective_rpc", "/v1/completions"):
            answer = client.post(path, json={"lora_name": "x", "lora_path": str(canary), "name": "x", "src": "/etc"})
            assert answer.status_code in (404, 405), path
        assert {entry["id"] for entry in client.get("/v1/models").json()["data"]} <= {ADAPTER, BASE}
    listening = [c for c in server.vllm().net_connections(kind="inet") if c.status == psutil.CONN_LISTEN]
    assert not [c for c in listening if c.laddr.ip not in ("127.0.0.1", "::1")]


def test_it_answers_in_the_form_that_is_asked_for(server: Served) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}},
        "required": ["city"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    found = json.loads(said(server, BASE, max_tokens=60, response_format=form))
    assert set(found) == {"city"}


async def test_what_somebody_sets_about_sampling_reaches_it(server: Served) -> None:
    model = OpenAIModel(BASE, fixed(Endpoint(f"{server.url}/v1", server.key, BASE)), 2048, Timeouts(5, 180, 180), VLLM)

    async def reply(**values: Any) -> str:
        request = ModelRequest(
            (Message("user", "Tell a story about a fox."),), Sampling(**{"max_tokens": 12, **values})
        )
        return "".join([piece.text + piece.unmet async for piece in model.stream(request)])

    try:
        hot = [await reply(temperature=1.5, seed=seed) for seed in (1, 1, 2)]
        assert hot[0] == hot[1] != hot[2]
        likeliest = await reply()
        # It guesses, and takes neither then; a min-p of a preset is no news, one that somebody set is.
        assert await reply(temperature=1.5, seed=1, min_p=0.05) == hot[0]
        told = await reply(temperature=1.5, seed=1, min_p=0.05, top_k=5, by_hand=frozenset({"min_p", "top_k"}))
        assert f"{BASE} takes no top-k and no min-p, so they change nothing." in told
        word = likeliest.split()[2]
        assert word not in await reply(stop=(word,)) and len(await reply(max_tokens=3)) < len(likeliest)
    finally:
        await model.close()


def test_it_guesses_from_the_prompt_and_is_right_for_an_answer_that_copies_it(server: Served) -> None:
    def guesses() -> tuple[int, int]:
        with server.client() as client:
            health = client.get("/health").json()
        return health["guessed"], health["accepted"]

    sentence = "The gym is open from six in the morning until ten at night on all days of the week."
    before = guesses()
    copied = said(server, BASE, messages=[{"role": "user", "content": f"Repeat: {sentence} {sentence}"}], max_tokens=40)
    guessed, accepted = (now - then for now, then in zip(guesses(), before, strict=True))
    assert "open from six in the morning" in copied
    assert guessed >= accepted > 4


async def test_what_guessing_brings_is_told_for_each_adapter_and_each_kind_of_request(server: Served) -> None:
    found = {}
    client = VllmClient(Endpoint(f"{server.url}/v1", server.key))
    for name in (BASE, ADAPTER):
        endpoint = Endpoint(f"{server.url}/v1", server.key, name)
        model = OpenAIModel(name, fixed(endpoint), 2048, Timeouts(5, 180, 180), VLLM)
        try:
            found[name] = await measured(model, client.counters, lambda: None, tokens=16)
        finally:
            await model.close()
    await client.close()
    runs = [run for kinds in found.values() for run in kinds.values()]
    assert len(runs) == 6 and all(run.answers == 3 and run.tokens and run.speed for run in runs)
    cited = found[BASE]["grounded_answer"]
    assert cited.guessed >= cited.accepted > 0 and cited.steps > 0  # it repeats its passages
    assert all(run.guessed >= run.accepted >= 0 for run in runs)
    assert found[BASE]["grounded_answer"] != found[ADAPTER]["grounded_answer"]


def test_a_prefix_is_read_once_for_one_scope_and_again_for_another(server: Served) -> None:
    long = {"messages": [{"role": "user", "content": "The gym is open from 6 to 22. " * 18 + "When does it open?"}]}

    def cached(salt: str) -> int:
        body = {"model": BASE, "max_tokens": 1, "temperature": 0, **long, "cache_salt": salt}
        with server.client() as client:
            usage = client.post("/v1/chat/completions", json=body).json()["usage"]
        return int((usage["prompt_tokens_details"] or {}).get("cached_tokens") or 0)

    cached("scope-a")
    assert cached("scope-a") > 100
    assert cached("scope-b") == 0


def test_bad_requests_leave_it_running(server: Served) -> None:
    pid = server.vllm().pid
    hostile = [
        {"n": 10**9},
        {"max_tokens": 10**12},
        {"prompt_logprobs": 10**6},
        {"top_k": -(10**9)},
        {"stop": [""] * 99},
    ]
    for change in hostile:
        assert said(server, BASE, **{"max_tokens": 2, **change}) or change
    assert server.vllm().pid == pid


async def test_when_it_is_killed_in_mid_answer_the_local_engine_finishes_with_a_notice(
    server: Served, tmp_path: Path
) -> None:
    settings = ModelSettings(
        vllm_url=f"{server.url}/v1", vllm_model=BASE, vllm_api_key=server.key, vllm_context_tokens=2048,  # type: ignore[arg-type]
        context_tokens=2048, domain_first_token_s=120, domain_inter_token_s=60,
    )  # fmt: skip
    data_dir = server.data_dir  # whose weights are kept between runs
    engines = LocalEngines(
        tmp_path / "run", tmp_path / "engine.log", lambda: plan(data_dir, settings), lambda: fingerprint(data_dir)
    )
    registry = Registry(lanes(settings, engines), engines)
    await engines.start()
    await registry.start()
    try:
        async with asyncio.timeout(600):
            while engines.state()[0] != "ready":
                await asyncio.sleep(0.2)
        judge = RuleJudge(HashEmbedder().embed)
        turns = Turns(ListSearch([]), registry, judge, OpenGate(), MemoryRecords(), TurnSettings())
        options = TurnOptions(grounded=False, sampling=Sampling(max_tokens=120))
        question = "Write a long story about a fox and a crow. Tell every detail."
        turn = Turn("t", question, (), Caller("u", "Ann", Scope(frozenset({"everyone"}))), options)
        events: list[Event] = []
        killed_at = 0.0
        async for event in turns.run(turn):
            events.append(event)
            if event.kind == "text" and not killed_at:
                killed_at = time.monotonic()
                server.kill_vllm()
        answer = events[-1].answer
        assert answer is not None and not answer.degraded
        assert answer.route.tier == "fallback"
        assert [event for event in events if event.kind == "notice"] and "took over" in (answer.notice or "")
        assert answer.text.strip() and answer.stopped_by in ("stop", "length")  # it was finished, not cut off
    finally:
        await registry.stop()
        await engines.stop()
