"""Whether the choice that learns keeps its word: trained on turns of the whole product, then tried on new questions.

    python -m benchmarks.learned_policy --data FOLDER [--tried 300] [--held-out 100] [--python .venv-vllm/bin/python]

The product answers XQuAD questions from the paragraphs of their articles. Two models may be asked: the plain base model
on vLLM, and the same one on the local engine with the adapter that ships. People's ratings are played by the right
answers: a thumb up from token F1 .5 on, else one down. Half of the first questions try another choice than the decision
table's; the policy is trained from the turn records and judged off-policy, through the API as an administrator does.
Then the table and the policy answer the same new questions, which tells what the estimate was worth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import httpx

from assistant.adaptation.metrics import difference, token_f1, without_citations
from assistant.models.openai_http import Endpoint
from assistant.models.policy.reward import reward
from benchmarks import engines
from benchmarks.report import Figure, show

GOOD = 0.5  # token F1 from which a person would be content
AT_ONCE = 3
EXPLORE = 0.5
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer as its turn record has it."""

    worth: float  # -1..1, as the policy learns it
    f1: float
    model: str


async def main() -> int:
    """Print the figures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="Folder with A_grounded_qa/xquad_en.jsonl")
    parser.add_argument("--tried", type=int, default=300, help="Questions to learn from")
    parser.add_argument("--held-out", type=int, default=100, help="Questions to try the policy on")
    parser.add_argument("--python", type=Path, default=Path(".venv-vllm/bin/python"))
    given = parser.parse_args()
    lines = (given.data / "A_grounded_qa" / "xquad_en.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    chosen = random.Random(4).sample(rows, given.tried + given.held_out)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _take_in(folder, rows)
        async with engines.local(folder) as small, engines.vllm(folder, given.python, running=8, lora=None) as big:

            @asynccontextmanager
            async def opened(**more: str) -> AsyncIterator[httpx.AsyncClient]:
                async with _product(folder / "data", small, big.endpoint, **more) as client:
                    yield client

            async with opened(ASSISTANT_MODELS__EXPLORE=str(EXPLORE)) as client:
                tried = await asked(client, chosen[: given.tried])
                overview = (await client.post("/api/policy/train")).raise_for_status().json()
            estimate, identifier = overview["policies"][0]["estimate"], overview["policies"][0]["id"]
            print(estimate["sentence"], Counter(one.model for one in tried), file=sys.stderr)
            async with opened() as client:
                table = await asked(client, chosen[given.tried :])
            learned: list[Answered] = []
            if estimate["good"]:
                async with opened(ASSISTANT_MODELS__LEARNED_POLICY="true") as client:
                    (await client.post("/api/policy/activate", json={"id": identifier})).raise_for_status()
                    learned = await asked(client, chosen[given.tried :])
                    (await client.post("/api/policy/rollback")).raise_for_status()
    show("learned_policy", _figures(estimate, table, learned), tried=given.tried, held_out=given.held_out)
    return 0


def _take_in(folder: Path, rows: Sequence[Row]) -> None:
    """Ingest every paragraph as a document of its own."""
    source = folder / "articles"
    source.mkdir()
    for passage in {one["id"]: one for row in rows for one in row["contexts"]}.values():
        (source / f"{passage['id']}.txt").write_text(passage["text"], "utf-8")
    command = [sys.executable, "-m", "assistant", "--data-dir", str(folder / "data"), "ingest", str(source)]
    subprocess.run([*command, "--collection", "articles", "--wait"], check=True, stdout=subprocess.DEVNULL)


@asynccontextmanager
async def _product(data: Path, small: Endpoint, big: Endpoint, **more: str) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the product with both models; yields a client of the person at this machine."""
    environment = {
        "ASSISTANT_MODELS__VLLM_URL": big.base_url,
        "ASSISTANT_MODELS__VLLM_API_KEY": big.api_key,
        "ASSISTANT_MODELS__VLLM_CONTEXT_TOKENS": str(engines.CONTEXT),
        # A busy machine shall teach nothing of models that are late.
        "ASSISTANT_MODELS__DOMAIN_FIRST_TOKEN_S": "60",
        "ASSISTANT_MODELS__DOMAIN_INTER_TOKEN_S": "60",
    }
    async with engines.product(data, small, **environment, **more) as ours:
        headers = {"Authorization": f"Bearer {ours.api_key}"}
        async with httpx.AsyncClient(
            base_url=ours.base_url.removesuffix("/v1"), headers=headers, timeout=300
        ) as client:
            yield client


async def asked(client: httpx.AsyncClient, rows: Sequence[Row]) -> list[Answered]:
    """Return the answers to the questions of `rows`, each in a conversation of its own, after rating them."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> Answered:
        async with places:
            return await _asked(client, row)

    return list(await asyncio.gather(*(one(row) for row in rows)))


async def _asked(client: httpx.AsyncClient, row: Row) -> Answered:
    made = (await client.post("/api/conversations", json={})).raise_for_status().json()
    body = {
        "model": "assistant",
        "messages": [{"role": "user", "content": row["question"]}],
        "assistant": {"conversation_id": made["id"]},
    }
    reply = (await client.post("/v1/chat/completions", json=body)).raise_for_status().json()
    answer = reply["assistant"]
    text = "" if answer["abstained"] else without_citations(reply["choices"][0]["message"]["content"])
    f1 = max((token_f1(text, right) for right in row["answers"]), default=0.0)
    rating = "up" if f1 >= GOOD else "down"
    (turn,) = (await client.get(f"/api/conversations/{made['id']}")).raise_for_status().json()["turns"]
    (await client.put(f"/api/turns/{turn['id']}/feedback", json={"rating": rating})).raise_for_status()
    kept = answer | {"usage": reply["usage"] | {"output_tokens": reply["usage"]["completion_tokens"]}}
    return Answered(reward(kept, rating), f1, answer["route"]["model"])


def _figures(estimate: Mapping[str, Any], table: Sequence[Answered], learned: Sequence[Answered]) -> list[Figure]:
    figures = [
        Figure("off-policy: reward per answer of the policy", estimate["learned"], "", "the table", estimate["table"]),
        Figure("off-policy: gain, lower bound of 95 %", estimate["low"], "", goal="> 0, or it may not act"),
        Figure("off-policy: gain, upper bound of 95 %", estimate["high"], ""),
        Figure("new questions: reward per answer of the table", fmean(one.worth for one in table), ""),
    ]
    if not learned:
        return figures
    gain = difference([one.worth for one in table], [one.worth for one in learned])
    worth, f1 = fmean(one.worth for one in learned), fmean(one.f1 for one in learned)
    goal = "within the estimate's interval"
    return [
        *figures,
        Figure("new questions: reward per answer of the policy", worth, "", "the table", worth - gain.mean),
        Figure("new questions: gain", gain.mean, "", "the estimate", estimate["gain"], goal),
        Figure("new questions: gain, lower bound of 95 %", gain.low, "", goal="> 0"),
        Figure("new questions: token F1 of the policy", f1, "", "the table", fmean(one.f1 for one in table)),
    ]


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
