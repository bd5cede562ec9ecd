"""Our own time in a chat turn: everything but search and model, which are instant stand-ins here.

    python benchmarks/turn_overhead.py [--turns N]

The reference is the same model asked directly in the same run. "Plain" turns go without documents; "cited" turns over
four passages include the grounding check with the embedding model that ships.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import aclosing
from time import perf_counter

from assistant.guardrails.grounding import RuleJudge
from assistant.models.fake import ScriptedModel
from assistant.models.types import ModelRequest
from assistant.orchestration.fake import ListSearch
from assistant.orchestration.gate import KernelGate
from assistant.orchestration.ports import OneModel
from assistant.orchestration.prompts import Message
from assistant.orchestration.settings import TurnSettings
from assistant.record import MemoryRecords
from assistant.turn import Turns
from assistant.types import Caller, Route, Turn, TurnOptions
from benchmarks.report import Figure, median, percentile, show
from knowledge.embed import OnnxEmbedder
from knowledge.types import Passage, Scope

CALLER = Caller("bench", "Bench", Scope(frozenset({"everyone"})))
QUESTION = "How many days of paid leave do employees get per year?"
FILLER = "Requests go to the team lead, who answers within a week. Part-time employees get a share of it. " * 6
PLAIN = "Of course, here is a short story about a lighthouse keeper and her very patient cat. " * 3
CONCURRENT = 64


def main() -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=100)
    given = parser.parse_args()
    show("turn_overhead", asyncio.run(_measure(given.turns)), turns=given.turns)
    return 0


async def _measure(turns: int) -> list[Figure]:
    gate, judge = KernelGate(), RuleJudge(OnnxEmbedder().embed)
    await gate.ready()
    answer = "Employees get 25 days of paid leave per year."
    passages = [_passage(n, FILLER + (answer if n == 1 else "")) for n in range(4)]

    def made(reply: str) -> Turns:
        model = OneModel(ScriptedModel([reply]), Route("fake", None, "fallback", ""))
        return Turns(ListSearch(passages), model, judge, gate, MemoryRecords(), TurnSettings())

    plain, cited = made(PLAIN), made("25 days [1].")
    await _first_text(plain, False)
    await _first_text(cited, True)  # the first check loads nothing any more, but fills caches
    direct = [await _direct() for _ in range(turns)]
    firsts = [(await _first_text(plain, False))[0] for _ in range(turns)]
    totals = [(await _first_text(cited, True))[1] for _ in range(turns)]
    started = perf_counter()
    await asyncio.gather(*(_first_text(plain, False) for _ in range(CONCURRENT)))
    per_piece = (perf_counter() - started) * 1e6 / (CONCURRENT * len(PLAIN.split(" ")))
    return [
        Figure("plain turn to first text, p50", median(firsts), "ms", "model alone", median(direct), "under 30 ms"),
        Figure("plain turn to first text, p95", percentile(firsts, 0.95), "ms"),
        Figure("cited turn in all, p50", median(totals), "ms", goal="under 150 ms with the check"),
        Figure("cited turn in all, p95", percentile(totals, 0.95), "ms"),
        Figure(f"time per piece at {CONCURRENT} plain turns at once", per_piece, "us"),
    ]


async def _first_text(turns: Turns, grounded: bool) -> tuple[float, float]:
    """Return the milliseconds to the first text and to the end of one turn."""
    started, first = perf_counter(), 0.0
    turn = Turn("t", QUESTION, (), CALLER, TurnOptions(grounded=grounded))
    async with aclosing(turns.run(turn)) as events:
        async for event in events:
            if event.kind == "text" and not first:
                first = (perf_counter() - started) * 1000
    return first, (perf_counter() - started) * 1000


async def _direct() -> float:
    started = perf_counter()
    model = ScriptedModel([PLAIN])
    async with aclosing(model.stream(ModelRequest((Message("user", QUESTION),)))) as pieces:
        await anext(pieces)
        return (perf_counter() - started) * 1000


def _passage(n: int, text: str) -> Passage:
    return Passage(f"c{n}", f"d{n}", "handbook", "Handbook", f"{n}.md", text, "Leave", None, "", 1.0)


if __name__ == "__main__":
    sys.exit(main())
