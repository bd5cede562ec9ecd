"""From thumbs to an adapter and back, with everything real: the product's HTTP API, its commands, the base model."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.adaptation import base, measured
from assistant.adaptation.errors import BaseModelMissing
from assistant.adaptation.recipe import FOLDER
from assistant.adaptation.rows import read
from tests.adaptation.test_command_line import serving
from tests.e2e.installation import Product, printed, start, stop

pytestmark = [
    pytest.mark.train,
    pytest.mark.model,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="the extra 'train' is not installed"),
]
TOWNS = ("Ulm", "Graz", "Bern", "Riga", "Turin", "Ghent", "Porto", "Lund", "Basel", "Cork", "Linz", "Nice")
COLOURS = ("red", "green", "blue", "white", "yellow", "black", "brown", "grey", "pink", "purple", "orange", "golden")
RATED_DOWN, UNANSWERED = "Who looks after the tower of Ulm?", "What is the melting point of tungsten?"
# The fewest steps that change something: the shape is that of the adapter that ships, or it could not be gone on from.
QUICK = {"max_steps": 2, "groups_per_step": 1, "warmup_steps": 0, "validate_every_steps": 1, "max_tokens": 600}
QUICK |= {"epochs": 1, "development_groups": 2}
PASSWORD = "a long pass phrase"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An installation with a document for each town, Ben, who asks, and Eve, who looks on."""
    folder = tmp_path_factory.mktemp("ratings")
    try:
        base.packaged(folder / "models")
    except BaseModelMissing as exc:
        pytest.skip(str(exc))
    documents = folder / "documents"
    documents.mkdir()
    for n, (town, colour) in enumerate(zip(TOWNS, COLOURS, strict=True)):
        (documents / f"{town.lower()}.md").write_text(_guide(n, town, colour), "utf-8")
    running = start(folder / "data")
    try:
        with running.client() as client:
            for name in ("Ben", "Eve"):
                body = {"name": name, "password": PASSWORD, "is_admin": False, "groups": []}
                client.post("/api/users", json=body).raise_for_status()
        printed(running.command("ingest", str(documents), "--collection", "towns", "--wait", "--json"))
        yield running
    finally:
        stop(running)


def _guide(n: int, town: str, colour: str) -> str:
    return (
        f"# The tower of {town}\n\nThe tower of {town} is {colour}. It was built in the year {1611 + 7 * n} and has "
        f"{200 + n} steps. A ticket for the tower of {town} costs {3 + n} euros.\n\nThe keeper of the tower of "
        f"{town} is called {town[::-1].title()} Meyer."
    )


def test_what_people_rated_becomes_an_adapter_that_answers_and_goes_again(product: Product, tmp_path: Path) -> None:
    with product.client() as admin, product.client() as ben:
        ben.headers["X-Assistant-As"] = "Ben"
        down = _rate_all(ben)
        with product.client() as eve:
            eve.headers["X-Assistant-As"] = "Eve"
            assert eve.get("/api/feedback").status_code == eve.get("/api/feedback/rows").status_code == 403
        (wrong,) = printed(product.command("feedback", "list", "--rating", "down", "--json"))["ratings"]
        assert wrong["turn_id"] == down and wrong["asked_by_name"] == "Ben" and wrong["put_right"] is None
        _put_right(admin, wrong["question"])
        answer = _asked(ben, RATED_DOWN)
        assert "Mlu Meyer" in answer["text"] and answer["route"]["strategy"] == "curated"

    rows = tmp_path / "ratings.jsonl"
    made = printed(product.command("adapt", "rows", "--out", str(rows), "--json"))
    assert made["made"]["put_right"] == 1 and made["made"]["unanswerable"] == 1, made
    assert made["made"]["rated_up"] >= 12, made
    by_question = {row.question: row for row in read(rows)}
    right = by_question[RATED_DOWN]
    assert right.answers == ("Mlu Meyer",) and "Mlu Meyer" in right.contexts[right.gold[0]].text
    assert not by_question[UNANSWERED].answers and len(by_question[UNANSWERED].contexts) == 1

    adapter = _trained(product, tmp_path)
    recipe = ["--recipe", str(tmp_path / "recipe.yaml")]
    found = _slowly(product, "evaluate", str(rows), "--adapter", str(adapter), "--limit", "3", *recipe)
    beside = found["beside_live"]
    assert beside["live_adapter"] == "grounded-answer" and beside["held_back"] and beside["questions"] >= 2
    assert set(beside["sets"]["ratings"]) == set(found["sets"]["ratings"])
    assert measured.beside(product.data_dir, adapter) is not None

    before = serving(product)
    entry = printed(product.command("adapt", "publish", str(adapter), "--anyway", "--json"))
    _wait_for(product, entry["folder"])
    with product.client() as ben:
        ben.headers["X-Assistant-As"] = "Ben"
        answer = _asked(ben, "What colour is the tower of Turin, please?")
        assert answer["route"]["adapter"] == entry["folder"] and answer["route"]["model"] != "reader"
    assert printed(product.command("adapt", "rollback", "--json")) == {"active": None}
    _wait_for(product, before)


def _rate_all(ben: httpx.Client) -> str:
    """Ask of each town and thumb up what is right, and the abstention; return the turn that is thumbed down."""
    for town, colour in zip(TOWNS, COLOURS, strict=True):
        for question, right in (
            (f"What colour is the tower of {town}?", colour),
            (f"How much is a ticket for the tower of {town}?", "euros"),
        ):
            answer = _asked(ben, question)
            if right in answer["text"]:
                _rate(ben, answer, "up")
    unknown = _asked(ben, UNANSWERED)
    assert unknown["abstained"]
    _rate(ben, unknown, "up")
    wrong = _asked(ben, RATED_DOWN)
    _rate(ben, wrong, "down", "Wrong answer", "I wanted the name.")
    return str(wrong["turn_id"])


def _asked(client: httpx.Client, question: str) -> dict[str, Any]:
    """Return the answer to a question in a chat of its own."""
    made = client.post("/api/conversations", json={}).raise_for_status().json()["id"]
    body = {"messages": [{"role": "user", "content": question}], "assistant": {"conversation_id": made}}
    reply = client.post("/v1/chat/completions", json=body).raise_for_status().json()
    return {**reply["assistant"], "text": reply["choices"][0]["message"]["content"]}


def _rate(client: httpx.Client, answer: dict[str, Any], rating: str, reason: str = "", comment: str = "") -> None:
    body = {"rating": rating, "reason": reason or None, "comment": comment or None}
    client.put(f"/api/turns/{answer['turn_id']}/feedback", json=body).raise_for_status()


def _put_right(admin: httpx.Client, question: str) -> None:
    """Write the right answer, with the passage that holds it."""
    hits = admin.post("/api/search", json={"query": "keeper of the tower of Ulm"}).raise_for_status().json()["results"]
    source = next(hit["chunk"] for hit in hits if "Mlu Meyer" in hit["text"])
    body = {"questions": [question], "answer": "It is **Mlu Meyer** who does [1].", "sources": [source]}
    admin.post("/api/curated", json=body).raise_for_status()
    (rated,) = admin.get("/api/feedback?rating=down").json()["ratings"]
    assert rated["put_right"]


def _trained(product: Product, folder: Path) -> Path:
    """Return an adapter of a few steps by the recipe that ships for own ratings."""
    recipe = (FOLDER / "own_ratings.yaml").read_text("utf-8")
    for key, value in QUICK.items():
        assert f"  {key}:" in recipe
        recipe = "\n".join(f"  {key}: {value}" if line.startswith(f"  {key}:") else line for line in recipe.split("\n"))
    (folder / "recipe.yaml").write_text(recipe, "utf-8")
    given = ["adapt", "dataset", str(folder / "recipe.yaml"), "--data", str(folder), "--out", str(folder / "set")]
    card = printed(product.command(*given, "--json"))
    assert all(card["rows"][part]["own"]["rows"] for part in ("train", "development", "test")), card
    assert json.loads((folder / "set" / "card.json").read_text("utf-8"))["sources"][0]["attribution"] == "own ratings"
    given = [str(folder / "recipe.yaml"), "--dataset", str(folder / "set"), "--run", str(folder / "run")]
    return Path(_slowly(product, "train", *given)["adapter"])


def _slowly(product: Product, *arguments: str) -> Any:
    """Return what a command printed that takes minutes on a busy machine."""
    command = [sys.executable, "-m", "assistant", "--data-dir", str(product.data_dir), "adapt", *arguments, "--json"]
    return printed(subprocess.run(command, capture_output=True, text=True, timeout=800))


def _wait_for(product: Product, adapter: str | None) -> None:
    deadline = time.monotonic() + 300
    while serving(product) != adapter:
        assert time.monotonic() < deadline, f"{adapter} is not served"
        time.sleep(0.2)
