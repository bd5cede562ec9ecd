"""A draft model on the real server: it guesses, and what is said stays what the large model says.

In single precision, so that an answer does not depend on its company; the tests run in this order, and the last one
kills vLLM.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import yaml

from assistant.adaptation import publish

from .conftest import Tensors, changed_copy
from .served import CPU_TRIAL, START_S, Served, served

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(1_800)]

BASE, ADAPTER, OTHER = "smollm2-vllm", "grounded-answer", "half-as-strong"
QUESTION = "What is the capital of France?"
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The embedded model drafts for itself: nearly every guess must be right. In single precision rounding is rare."""
    folder = tmp_path_factory.mktemp("drafting")
    trial = yaml.safe_load(CPU_TRIAL.read_text("utf-8")) | {"dtype": "float32"}
    trial["speculation"] = {"method": "draft_model", "draft": "embedded", "tokens": 3}
    (folder / "drafting.yaml").write_text(yaml.safe_dump(trial), "utf-8")
    with served(folder, folder / "drafting.yaml") as running:
        yield running


def said(server: Served, model: str, question: str = QUESTION) -> str:
    body = {"model": model, "messages": [{"role": "user", "content": question}], "max_tokens": 40, "temperature": 0}
    with server.client() as client:
        answer = client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["choices"][0]["message"]["content"])


def guesses(server: Served) -> tuple[int, int]:
    """Return how many tokens were guessed so far, and how many of them were right."""
    with server.client() as client:
        health = client.get("/health").json()
    return health["guessed"], health["accepted"]


def test_a_draft_model_guesses_what_its_twin_says_next(server: Served) -> None:
    before = guesses(server)
    assert len(said(server, BASE, "Tell a short story about a fox.").split()) > 20
    guessed, accepted = (now - then for now, then in zip(guesses(server), before, strict=True))
    assert guessed > 20 and accepted / guessed > 0.8


def test_an_adapter_says_its_own_words_whatever_the_draft_model_guesses(server: Served) -> None:
    plain = said(server, BASE)
    with server.client() as client:
        assert client.put(f"/adapters/{ADAPTER}").status_code == 200
    before = guesses(server)
    adapted = said(server, ADAPTER)
    guessed, accepted = (now - then for now, then in zip(guesses(server), before, strict=True))
    assert "[1]" in adapted and adapted != plain  # it has learned to cite, and what drafts has not
    assert guessed and accepted < guessed


def test_two_adapters_and_their_base_each_say_their_own_at_once_as_alone(server: Served) -> None:
    def halved(tensors: Tensors) -> Tensors:
        return {name: tensor / 2 if "lora_B" in name else tensor for name, tensor in tensors.items()}

    changed_copy(server.data_dir / "adapters" / OTHER, tensors=halved)
    entry = publish.Published(name="half", folder=OTHER, manifest_sha256="0" * 64, at=time.time())
    (server.data_dir / "adapters.json").write_text(publish.Registry(history=(entry,)).model_dump_json())
    with server.client() as client:
        for name in (ADAPTER, OTHER):
            loaded = client.put(f"/adapters/{name}")
            assert loaded.status_code == 200, loaded.text

    def ask(model: str) -> str:
        return said(server, model, "Who wrote Hamlet?")

    alone = {name: ask(name) for name in (BASE, ADAPTER, OTHER)}
    assert len(set(alone.values())) == 3, alone
    asked = [*alone] * 4
    with ThreadPoolExecutor(len(asked)) as pool:
        together = list(pool.map(ask, asked))
    assert together == [alone[name] for name in asked]


def test_after_a_kill_it_comes_back_with_the_adapters_it_had(server: Served) -> None:
    before, pid = said(server, ADAPTER), server.vllm().pid
    server.kill_vllm()
    deadline = time.monotonic() + START_S
    with server.client() as client:
        assert client.post("/v1/chat/completions", json={"model": BASE, "messages": HELLO}).status_code == 502
        while time.monotonic() < deadline and not back(client):
            time.sleep(1.0)
    assert server.vllm().pid != pid and said(server, ADAPTER) == before
    assert "Address already in use" not in (server.data_dir / "logs" / "vllm.log").read_text("utf-8", "replace")


def back(client: httpx.Client) -> bool:
    """Return whether vLLM answers and has both adapters."""
    listed = client.get("/adapters")
    return listed.status_code == 200 and all(each["loaded"] for each in listed.json()["adapters"])
