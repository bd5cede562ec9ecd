from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from assistant.models.errors import ModelOverloaded, ModelUnavailable
from assistant.models.openai_http import Endpoint
from assistant.models.openai_wire import NOT_TAKEN, status_error
from assistant.models.vllm.adapters import Adapters
from assistant.models.vllm.client import VllmClient
from assistant.models.vllm.deployment import Deployment, Speculation
from assistant.models.vllm.fake import FakeVllm
from assistant.models.vllm.progress import Progress
from assistant.models.vllm.proxy import MAX_BODY_BYTES, Proxy
from assistant.models.vllm.upstream import Upstream

from .conftest import DEPLOYMENT, GROUNDED, KEY, Door

CHAT = {"model": "base", "messages": [{"role": "user", "content": "Hi"}]}
# What vLLM 0.32 answers beside what we use; some of it without a key.
CLOSED = [
    ("POST", "/v1/load_lora_adapter"), ("POST", "/v1/unload_lora_adapter"), ("POST", "/invocations"),
    ("POST", "/pause"), ("POST", "/resume"), ("POST", "/update_weights"), ("POST", "/scale_elastic_ep"),
    ("POST", "/collective_rpc"), ("POST", "/reset_prefix_cache"), ("POST", "/sleep"), ("POST", "/wake_up"),
    ("POST", "/v1/completions"), ("POST", "/v1/responses"), ("POST", "/v1/embeddings"), ("POST", "/score"),
    ("POST", "/v1/messages"), ("POST", "/detokenize"), ("POST", "/rerank"), ("POST", "/pooling"),
    ("POST", "/classify"), ("GET", "/metrics"), ("GET", "/version"), ("GET", "/docs"), ("GET", "/openapi.json"),
    ("GET", "/server_info"), ("GET", "/load"), ("GET", "/ping"), ("POST", "/ping"), ("POST", "/adapters"),
    ("GET", "/v1/models/base"), ("POST", "/v1/audio/transcriptions"), ("POST", "/inference/v1/generate"),
    ("POST", "/start_profile"), ("POST", "/tokenizer_info"), ("POST", "/v1/chat/completions/render"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_no_other_route_of_vllm_is_reachable(door: Door, method: str, path: str) -> None:
    answer = await door.client.request(method, path, json={"lora_name": "x", "lora_path": "/etc"})
    assert answer.status_code in (404, 405)
    assert not door.vllm.bodies and not door.vllm.adapters


@pytest.mark.parametrize(
    "path", ["/v1//load_lora_adapter", "/tokenize/../v1/load_lora_adapter", "/v1/%6Coad_lora_adapter"]
)
async def test_no_spelling_of_a_path_leads_around_it(door: Door, path: str) -> None:
    answer = await door.client.post(path, json={"lora_name": "x", "lora_path": "/etc"})
    assert answer.status_code in (404, 405) and not door.vllm.bodies


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("POST", "/tokenize"), ("GET", "/adapters"),
        ("PUT", "/adapters/grounded-answer"), ("DELETE", "/adapters/grounded-answer"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "Basic YTpi"])
async def test_it_asks_for_the_key(door: Door, method: str, path: str, header: str) -> None:
    answer = await door.client.request(method, path, json=CHAT, headers={"Authorization": header})
    assert answer.status_code == 401 and not door.vllm.bodies


async def test_it_passes_plain_and_streamed_chats(door: Door) -> None:
    plain = await door.client.post("/v1/chat/completions", json=CHAT)
    assert plain.json()["choices"][0]["message"]["content"] == "It is so [1]."
    streamed = await door.client.post("/v1/chat/completions", json=CHAT | {"stream": True})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert streamed.text.endswith("data: [DONE]\n\n")
    assert door.progress.jobs == 0 and door.progress.tokens > 0


async def test_a_server_that_guesses_is_spared_what_it_cannot_take_and_whoever_asks_is_told(tmp_path: Path) -> None:
    vllm = FakeVllm()
    upstream = Upstream(Path("unused"), "inner", httpx.ASGITransport(vllm.application()))
    deployment = Deployment(served_name="base", device="cpu", speculation=Speculation(method="ngram", tokens=4))
    app = Proxy(upstream, Adapters(upstream, deployment, tmp_path), Progress(lambda: 0.0), KEY).application()
    headers, transport = {"Authorization": f"Bearer {KEY}"}, httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://proxy", headers=headers) as client:
        asked = CHAT | {"stream": True, "top_p": 0.5}
        with_it = await client.post("/v1/chat/completions", json=asked | {"min_p": 0.1, "top_k": 3})
        without = await client.post("/v1/chat/completions", json=asked)
    await upstream.close()
    assert with_it.headers[NOT_TAKEN] == "min_p,top_k" and NOT_TAKEN not in without.headers
    assert [{"min_p", "top_k"} & set(body) for _, body in vllm.bodies] == [set(), set()]


async def test_what_reaches_vllm_was_made_anew(door: Door) -> None:
    await door.client.post("/v1/chat/completions", json=CHAT | {"n": 10**9, "chat_template": "x", "max_tokens": 10**9})
    ((_, body),) = door.vllm.bodies
    assert body == CHAT | {"max_tokens": 4096, "n": 1, "stream": False}


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 50_000, b"null", b"[]", b'{"model": NaN}', b"\xff\xfe"])
async def test_it_refuses_a_body_that_is_no_request(door: Door, content: bytes) -> None:
    answer = await door.client.post("/v1/chat/completions", content=content)
    assert answer.status_code in (400, 404) and answer.json()["error"]["message"]
    assert not door.vllm.bodies


async def test_it_refuses_a_body_that_is_too_large(door: Door) -> None:
    answer = await door.client.post("/v1/chat/completions", content=b" " * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 400 and not door.vllm.bodies


async def test_it_serves_an_adapter_once_it_is_loaded(door: Door) -> None:
    unknown = await door.client.post("/v1/chat/completions", json=CHAT | {"model": "grounded-answer"})
    assert unknown.status_code == 404
    loaded = await door.client.put("/adapters/grounded-answer")
    assert loaded.json()["adapters"] == [{"name": "grounded-answer", "loaded": True, "rank": 20, "problem": ""}]
    assert door.vllm.adapters == {"grounded-answer": str(GROUNDED)}
    answer = await door.client.post("/v1/chat/completions", json=CHAT | {"model": "grounded-answer"})
    assert answer.json()["model"] == "grounded-answer"
    listed = (await door.client.get("/v1/models")).json()["data"]
    assert [entry["id"] for entry in listed] == ["base", "grounded-answer"]
    assert (await door.client.delete("/adapters/grounded-answer")).status_code == 200
    gone = await door.client.post("/v1/chat/completions", json=CHAT | {"model": "grounded-answer"})
    assert gone.status_code == 404 and not door.vllm.adapters


@pytest.mark.parametrize("name", ["unknown", "..%2F..%2Fetc", "%2Fetc", "a" * 300])
async def test_it_never_opens_a_path(door: Door, name: str) -> None:
    answer = await door.client.put(f"/adapters/{name}", json={"lora_path": "/etc"})
    assert answer.status_code in (404, 409) and not door.vllm.bodies


async def test_vllm_s_own_refusal_is_told_and_changes_nothing(door: Door) -> None:
    door.vllm.refuses = "out of memory"
    answer = await door.client.put("/adapters/grounded-answer")
    assert answer.status_code == 409 and "out of memory" in answer.json()["error"]["message"]
    assert door.adapters.served.models == {"base"}


async def test_an_adapter_that_makes_no_token_is_unloaded_again(door: Door) -> None:
    door.vllm.mute = frozenset({"grounded-answer"})
    answer = await door.client.put("/adapters/grounded-answer")
    assert answer.status_code == 409 and not door.vllm.adapters and door.adapters.served.models == {"base"}


async def test_an_adapter_that_silences_the_base_model_has_vllm_started_again(door: Door) -> None:
    assert (await door.client.get("/health")).status_code == 200
    door.vllm.poisons = frozenset({"grounded-answer"})
    answer = await door.client.put("/adapters/grounded-answer")
    said = answer.json()["error"]["message"]
    assert answer.status_code == 409 and "no numbers; vLLM is started again" in said
    assert not door.vllm.adapters and door.adapters.loaded == frozenset()
    assert "grounded-answer" in door.adapters.broken
    assert (await door.client.get("/health")).status_code == 503


async def test_an_adapter_that_is_silent_alone_leaves_the_server_running(door: Door) -> None:
    door.vllm.silent = frozenset({"grounded-answer"})
    answer = await door.client.put("/adapters/grounded-answer")
    assert answer.status_code == 409 and "has no text." in answer.json()["error"]["message"]
    assert not door.adapters.broken and (await door.client.get("/health")).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_answers_without_text_in_a_row_are_not_health(door: Door, stream: bool) -> None:
    door.vllm.silent = frozenset({"base"})
    for _ in range(3):
        assert (await door.client.get("/health")).status_code == 200
        await door.client.post("/v1/chat/completions", json=CHAT | {"stream": stream})
    assert (await door.client.get("/health")).status_code == 503
    door.vllm.silent = frozenset()
    await door.client.post("/v1/chat/completions", json=CHAT | {"stream": stream})
    assert (await door.client.get("/health")).status_code == 200


async def test_a_short_answer_without_text_says_nothing_about_health(door: Door) -> None:
    door.vllm.silent = frozenset({"base"})
    for _ in range(9):  # half of a character has no text
        await door.client.post("/v1/chat/completions", json=CHAT | {"max_tokens": 1})
    assert (await door.client.get("/health")).status_code == 200


async def test_a_chat_that_is_not_streamed_counts_as_work(door: Door) -> None:
    door.vllm.answers.clear()
    chat = asyncio.create_task(door.client.post("/v1/chat/completions", json=CHAT))
    while not door.vllm.bodies:
        await asyncio.sleep(0)
    assert door.progress.jobs == 1
    door.vllm.answers.set()
    assert (await chat).status_code == 200
    assert door.progress.jobs == 0 and door.progress.tokens == 1


async def test_vllm_s_own_refusal_is_told_in_its_first_sentence(door: Door) -> None:
    door.vllm.refuses = "Rank 20 is too high. Call stack: File x.py, line 9"
    answer = await door.client.put("/adapters/grounded-answer")
    assert answer.json()["error"]["message"] == "vLLM refused the adapter 'grounded-answer': Rank 20 is too high."


async def test_a_vllm_that_is_dead_is_down_and_not_full(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "no-socket", "inner")
    adapters = Adapters(upstream, DEPLOYMENT, tmp_path)
    adapters.loaded = frozenset({"grounded-answer"})  # as before it died
    transport = httpx.ASGITransport(Proxy(upstream, adapters, Progress(lambda: 0.0), KEY).application())
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://proxy", headers=headers) as client:
        for stream in (False, True):
            answer = await client.post("/v1/chat/completions", json=CHAT | {"stream": stream})
            assert answer.status_code == 502 and answer.json()["error"]["code"] == "engine_down"
            error = status_error("base", answer.status_code, None, answer.json())
            assert isinstance(error, ModelUnavailable)  # which the breaker counts
        assert (await client.get("/health")).status_code == 503
    asked = VllmClient(Endpoint("http://proxy/v1", KEY), transport)
    for asking in (asked.adapters(), asked.load("grounded-answer")):
        with pytest.raises(ModelUnavailable, match="vLLM does not run") as told:
            await asking
        assert "vllm_api_key" not in str(told.value)
    with pytest.raises(ModelUnavailable, match="Check vllm_api_key"):
        await VllmClient(Endpoint("http://proxy/v1", "wrong"), transport).adapters()
    await upstream.close()


async def test_a_vllm_that_is_full_is_full(door: Door) -> None:
    door.vllm.full = True
    answer = await door.client.post("/v1/chat/completions", json=CHAT | {"stream": True})
    assert isinstance(status_error("base", answer.status_code, None, answer.json()), ModelOverloaded)


async def test_adapters_come_back_after_vllm_was_started_anew(door: Door) -> None:
    await door.client.put("/adapters/grounded-answer")
    door.vllm.adapters.clear()
    await door.adapters.restore()
    assert set(door.vllm.adapters) == {"grounded-answer"}


async def test_an_adapter_that_vllm_was_given_before_the_others_came_back_stays_loaded(door: Door) -> None:
    await door.client.put("/adapters/grounded-answer")
    await door.adapters.restore()
    assert door.adapters.loaded == {"grounded-answer"}
    answer = await door.client.post("/v1/chat/completions", json=CHAT | {"model": "grounded-answer"})
    assert answer.status_code == 200


async def test_loading_twice_at_once_loads_once(door: Door) -> None:
    await asyncio.gather(*(door.client.put("/adapters/grounded-answer") for _ in range(5)))
    assert [path for path, _ in door.vllm.bodies].count("/v1/load_lora_adapter") == 1


async def test_health_is_told_by_tokens(door: Door, tmp_path: Path) -> None:
    told = (await door.client.get("/health")).json()
    assert told["ready"] is True
    assert (told["guessed"], told["accepted"], told["guessing_steps"]) == (40, 30, 10)
    now = [0.0]
    door.progress._clock = lambda: now[0]  # time passes at our word
    door.progress.begins()
    now[0] = 31.0
    answer = await door.client.get("/health")
    assert answer.status_code == 503 and answer.json()["silent_s"] == 31.0
    door.progress.token()
    assert (await door.client.get("/health")).status_code == 200


async def test_tools_are_refused_by_name_where_the_deployment_names_no_parser(door: Door) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    answer = await door.client.post("/v1/chat/completions", json=CHAT | {"tools": [tool]})
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "no_tools"
    assert not door.vllm.bodies
