"""Answers without a model: how fast a hit is, whether one ever crosses scopes, and which closeness can be trusted.

    python -m benchmarks.cache [--questions 1000] [--pairs ../shared/data/A_grounded_qa/squad2_dev_half.jsonl]

Hits go through whole turns; embedding is timed apart. Crossing: two readers ask near-identical questions about secrets
of their own. Closeness: SQuAD 2.0 asks several questions of one paragraph, so its near pairs tell how often the answer
to one question would have been wrong for the other; half of its questions have no answer and were written to look as
if they had one, which is harder than an office.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from assistant.guardrails.grounding import RuleJudge
from assistant.kept import KeptAnswers
from assistant.models.fake import ScriptedModel
from assistant.models.types import ModelRequest
from assistant.near import same_particulars
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.orchestration.ports import OneModel
from assistant.orchestration.settings import TurnSettings
from assistant.record import MemoryRecords
from assistant.turn import Turns
from assistant.types import Answer, Caller, Route, Turn, TurnOptions
from benchmarks.report import Figure, median, percentile, show
from knowledge.embed import HashEmbedder, OnnxEmbedder
from knowledge.types import Passage, Scope

ROUTE = Route("bench", None, "fallback", "")
READERS = ("red", "blue")
LEVELS = (0.85, 0.9, 0.95, 0.98)


def main() -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=1_000, help="questions of both readers together")
    parser.add_argument(
        "--pairs", type=Path, default=Path("../shared/data/A_grounded_qa/squad2_dev_half.jsonl"), help="labelled set"
    )
    parser.add_argument("--rows", type=int, default=2_000, help="questions of the labelled set")
    given = parser.parse_args()
    embedder = OnnxEmbedder()
    figures = asyncio.run(crossings(given.questions // 2))
    figures += asyncio.run(latencies(embedder))
    levels = trusted(embedder, given.pairs, given.rows) if given.pairs.exists() else []
    show("cache", figures + [row for rows in levels for row in rows], questions=given.questions, rows=given.rows)
    return 0


def turns(model: ScriptedModel, passages: Sequence[Passage], embed: OnnxEmbedder | HashEmbedder, near: float) -> Turns:
    """Return turns that keep answers; each reader's passages are in a collection of theirs."""
    settings = TurnSettings(cache_answers=True, cache_entries=10_000, cache_closeness=near)
    search = ListSearch(passages, {name: f"group:{name}" for name in READERS})
    judge, kept = RuleJudge(embed.embed), KeptAnswers(settings, embed.embed)
    return Turns(search, OneModel(model, ROUTE), judge, OpenGate(), MemoryRecords(), settings, kept=kept)


def caller(name: str) -> Caller:
    """Return a reader."""
    return Caller(name, name, Scope(frozenset({"everyone", f"group:{name}"})))


async def ask(made: Turns, question: str, who: str, passages: int = 1) -> tuple[Answer, float]:
    """Return the answer of one turn and its milliseconds."""
    started = perf_counter()
    async for event in made.run(Turn("t", question, (), caller(who), TurnOptions(max_passages=passages))):
        if event.answer is not None:
            return event.answer, (perf_counter() - started) * 1000
    raise RuntimeError("the turn ended without an answer")


def reveal(request: ModelRequest) -> str:
    """Answer with the code in the passage."""
    words = request.messages[-1].content.split("\n\n")[0].split()
    return f"{words[words.index('is') + 1].rstrip('.')} [1]."


async def crossings(doors: int) -> list[Figure]:
    """Return how many answers of one reader another one saw; every question is asked twice by each."""
    secrets = {name: [f"{name}{n}x{n * 7919}" for n in range(doors)] for name in READERS}
    passages = [
        Passage(f"{name}{n}", f"{name}{n}", name, f"Door {n}", "doors.md", f"The code of door {n} is {secret}.", "",
                None, "", 1.0)
        for name in READERS for n, secret in enumerate(secrets[name])
    ]  # fmt: skip
    made, crossed, wrong = turns(ScriptedModel([reveal]), passages, HashEmbedder(), 0.85), 0, 0
    for n in range(doors):
        for name, other in (READERS, READERS[::-1]) * 2:
            answer, _ = await ask(made, f"What is the code of door {n}?", name)
            shown = repr((answer.text, answer.citations, answer.nearest, answer.suggestions))
            crossed += any(secret in shown for secret in secrets[other])
            wrong += secrets[name][n] not in answer.text
    asked, hits = 2 * doors, made.kept.figures()
    return [
        Figure(f"answers of another reader in {asked} repeated questions", crossed, "", goal="0"),
        Figure("answers to another question", wrong, "", goal="0"),
        Figure("hit rate of the repeated questions", (hits.same + hits.near) / asked, "", goal="1"),
    ]


async def latencies(embedder: OnnxEmbedder, rounds: int = 100) -> list[Figure]:
    """Return the milliseconds of hits in the same words and in other words, and of an embedding."""
    text = "Employees get 25 days of paid leave per year. The gym is open from 6 to 22."
    passages = [Passage("c", "d", "handbook", "Handbook", "h.md", text, "", None, "", 1.0)]
    made = turns(ScriptedModel(["25 days [1]."]), passages, embedder, 0.85)
    await ask(made, "How many days of paid leave do employees get per year?", "red")
    same = [
        (await ask(made, "How many days of paid leave do employees get per year?", "red"))[1] for _ in range(rounds)
    ]
    near = [
        (await ask(made, "How many days of paid leave do employees get each year?", "red"))[1] for _ in range(rounds)
    ]
    embeds = []
    for n in range(rounds):
        started = perf_counter()
        embedder.embed([f"How many days of paid leave do employees get in year {n}?"])
        embeds.append((perf_counter() - started) * 1000)
    if made.kept.figures().near != rounds:
        raise RuntimeError("a question in other words was not answered from memory")
    return [
        Figure("whole turn, the same words, p50", median(same), "ms", goal="under 10 ms"),
        Figure("whole turn, the same words, p95", percentile(same, 0.95), "ms"),
        Figure("whole turn, other words, p50", median(near), "ms", "its embedding", median(embeds), "10 ms more"),
        Figure("whole turn, other words, p95", percentile(near, 0.95), "ms"),
    ]


def trusted(embedder: OnnxEmbedder, path: Path, rows: int) -> list[list[Figure]]:
    """Return for each closeness the share of near pairs of one paragraph that have the same answer."""
    by_paragraph: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
    with path.open(encoding="utf-8") as lines:
        for line, _ in zip(lines, range(rows), strict=False):
            row = json.loads(line)
            answers = frozenset(answer.casefold() for answer in row["answers"]) if row["answerable"] else frozenset()
            by_paragraph[row["contexts"][0]["text"]].append((row["question"], answers))
    pairs = []
    for asked in by_paragraph.values():
        vectors = embedder.embed([question for question, _ in asked])
        closeness = vectors @ vectors.T
        for one, other in zip(*np.triu_indices(len(asked), 1), strict=True):
            right = bool(asked[one][1] & asked[other][1]) or not (asked[one][1] or asked[other][1])
            alike = same_particulars(asked[one][0], asked[other][0])
            pairs.append((float(closeness[one, other]), right, alike))
    return [_level(level, pairs) for level in LEVELS]


def _level(level: float, pairs: Sequence[tuple[float, bool, bool]]) -> list[Figure]:
    near = [(right, alike) for closeness, right, alike in pairs if closeness >= level]
    kept = [right for right, alike in near if alike]
    bare = sum(right for right, _ in near) / len(near) if near else None
    share = sum(kept) / len(kept) if kept else float("nan")
    told = f"right answers, closeness from {level}, {len(kept)} pairs"
    return [Figure(told, share, "", f"closeness alone, {len(near)} pairs", bare, "at least 0.99 to be on by default")]


if __name__ == "__main__":
    sys.exit(main())
