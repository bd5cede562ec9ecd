"""A draft model on the real server: it guesses, and what is said stays what the large model says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from .served import CPU_TRIAL, Served, served

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(1_800)]

BASE, ADAPTER = "smollm2-vllm", "grounded-answer"
QUESTION = "What is the capital of France?"


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
