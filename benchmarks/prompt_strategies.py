"""Do examples and thinking aloud help the small model? Each way to ask, beside asking plainly, on the same questions.

    python -m benchmarks.prompt_strategies [--data ../shared/data] [--questions 40] [--route base] [--rows FILE]

Each question is a turn without documents, with a prompt as our prompt library has them, which holds the task, examples
and the mark after which the model answers. Routes: the model as it comes, and with the shipped adapter, both in the
local engine. The reference is the plain question (`zero_shot`), greedy as all others, in the same run. `copied` asks no
model: it is the answer of the closest row that may be shown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from assistant.adaptation.metrics import bootstrap, difference
from assistant.evaluation.product import Product, product
from assistant.models import weights
from assistant.models.settings import ModelSettings
from assistant.models.types import Sampling
from assistant.orchestration.compose import load_prompts
from assistant.orchestration.fake import ListSearch
from assistant.orchestration.prompts import ChatPrompt, Example
from assistant.record import MemoryRecords
from assistant.settings import Settings
from assistant.types import Caller, Turn, TurnOptions
from benchmarks.report import Figure, show
from benchmarks.strategy_tasks import MAKERS, Row, Sheet, sheets
from knowledge.embed import OnnxEmbedder
from knowledge.types import Scope

ROUTES = ("base", "adapter")
EXAMPLES = 4
MAX_TOKENS = 48  # of a reply that is the answer alone
ALOUD_TOKENS = 96  # of one with thoughts
MARK = "Answer:"
CALLER = Caller("bench", "Bench", Scope(frozenset({"everyone"})))
AT_ONCE = 8
ATTEMPTS, PAUSE_S = 60, 5.0  # of a question, where other work keeps the engine from answering at all
REFERENCE = "zero_shot"
PLAINLY = "Reply with the answer alone."
ALOUD = f'First write your thoughts, in at most three sentences. Then write "{MARK}" and the answer alone.'


@dataclass(frozen=True, slots=True)
class Way:
    """A way to ask."""

    nearest: bool = False  # examples are those closest to the question, not the same for all
    examples: bool = True
    aloud: bool = False


WAYS: Mapping[str, Way] = {
    REFERENCE: Way(examples=False),
    "few_shot": Way(),
    "nearest": Way(nearest=True),
    "thoughts": Way(examples=False, aloud=True),
    "nearest_thoughts": Way(nearest=True, aloud=True),
}


class Shown:
    """Rows that may be shown, and which of them are for a question."""

    def __init__(self, sheet: Sheet, embedder: OnnxEmbedder) -> None:
        """Embed what may be shown, and what is asked."""
        self._known = sheet.known
        self._vectors = embedder.embed([row.question for row in sheet.known])
        self._asked = dict(zip(sheet.asked, embedder.embed([row.question for row in sheet.asked]), strict=True))

    def rows(self, row: Row, way: Way, limit: int = EXAMPLES) -> list[Row]:
        """Return the examples for `row`, the closest last, where a model minds it most."""
        fitting = [n for n, one in enumerate(self._known) if one.group == row.group and (one.thoughts or not way.aloud)]
        if way.nearest:
            close = self._vectors[fitting] @ self._asked[row]
            fitting = [fitting[n] for n in np.argsort(-close, kind="stable")]
        return [self._known[n] for n in fitting[:limit]][::-1]


def prompt(sheet: Sheet, row: Row, way: Way, examples: Sequence[Row]) -> ChatPrompt:
    """Return the prompt that asks `row` in a way."""
    task = f"{sheet.instructions[row.group]} {ALOUD if way.aloud else PLAINLY}"
    answers = [f"{one.thoughts}\n{MARK} {one.answer}" if way.aloud else one.answer for one in examples]
    shown = tuple(Example(question=one.question, answer=said) for one, said in zip(examples, answers, strict=True))
    after = MARK if way.aloud else ""
    # A small model minds what comes last: the task stands behind each question, not in the system's text alone.
    return ChatPrompt(name="strategy", system=task, user=f"{{question}}\n\n{task}", examples=shown, answer_after=after)


async def reply(made: Product, asked: ChatPrompt, row: Row) -> str:
    """Return what a turn answers to a row; ends the program when no model answers, however often it is asked."""
    turns = made.turns.over(ListSearch([]), MemoryRecords(), replace(load_prompts(), plain=asked))
    sampling = Sampling(max_tokens=ALOUD_TOKENS if asked.answer_after else MAX_TOKENS)
    turn = Turn("bench", row.question, (), CALLER, TurnOptions(grounded=False, sampling=sampling, fresh=True))
    for _ in range(ATTEMPTS):
        async with aclosing(turns.run(turn)) as events:
            (answer,) = [event.answer async for event in events if event.answer is not None]
        if not answer.degraded:
            return answer.text
        await asyncio.sleep(PAUSE_S)
    sys.exit(f"The model did not answer: {answer.text}")


async def cell(made: Product, sheet: Sheet, way: Way, shown: Shown) -> list[str]:
    """Return the replies to a sheet's questions, in order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> str:
        examples = shown.rows(row, way) if way.examples else []
        async with places:
            return await reply(made, prompt(sheet, row, way, examples), row)

    return list(await asyncio.gather(*(one(row) for row in sheet.asked)))


Replies = dict[tuple[str, str, str], list[str]]  # by route, sheet and way


async def measured(
    given: Sequence[Sheet], routes: Sequence[str], ways: Sequence[str], data: Path, rows: Path | None
) -> Replies:
    """Return every reply; weights are kept in `data`, and `rows` takes the replies of each cell when it is done."""
    embedder, found = OnnxEmbedder(), Replies()
    shown = {sheet.name: Shown(sheet, embedder) for sheet in given}
    for sheet in given:
        copied = [shown[sheet.name].rows(row, Way(nearest=True), 1) for row in sheet.asked]
        found["none", sheet.name, "copied"] = [rows[0].answer if rows else "" for rows in copied]
    # No reply may be given up because other work runs on the processor: times are no part of what is measured.
    patient = ModelSettings(first_token_s=600, inter_token_s=120)
    plain = patient.model_copy(update={"model": str(weights.packaged(data))})
    for route in routes:
        settings = Settings(data_dir=data, models=plain if route == "base" else patient)
        async with product(settings, lambda said: print(said, file=sys.stderr)) as made:
            for sheet in given:
                for name in (name for name in ways if _possible(sheet, WAYS[name])):
                    found[route, sheet.name, name] = await cell(made, sheet, WAYS[name], shown[sheet.name])
                    print(f"{route}, {sheet.name}, {name}", file=sys.stderr, flush=True)
                    if rows is not None:
                        keep(rows, route, sheet, name, found[route, sheet.name, name])
    return found


def keep(rows: Path, route: str, sheet: Sheet, way: str, texts: Sequence[str]) -> None:
    """Append a cell's replies to a file, one line of JSON each."""
    with rows.open("a", encoding="utf-8") as out:
        for row, text in zip(sheet.asked, texts, strict=True):
            line = {"route": route, "file": sheet.name, "way": way, **asdict(row), "reply": text}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _possible(sheet: Sheet, way: Way) -> bool:
    return not (way.examples and way.aloud) or any(row.thoughts for row in sheet.known)


def scored(given: Sequence[Sheet], found: Replies) -> tuple[list[Figure], list[dict[str, object]]]:
    """Return each cell's share of right answers beside that of the plain question, and the cells with intervals."""
    by_name = {sheet.name: sheet for sheet in given}
    right = {
        key: [float(by_name[key[1]].right(row, text)) for row, text in zip(by_name[key[1]].asked, texts, strict=True)]
        for key, texts in found.items()
    }
    figures: list[Figure] = []
    cells: list[dict[str, object]] = []
    for (route, name, way), values in right.items():
        base = right.get((route, name, REFERENCE)) if way != REFERENCE else None
        mean = bootstrap(values)
        gain = asdict(difference(base, values)) if base else None
        cells.append({"route": route, "file": name, "way": way, "right": asdict(mean), "gain": gain})
        title = f"{name}, {way}" if route == "none" else f"{route}, {name}, {way}"
        reference = (sum(base) / len(base), REFERENCE) if base else (None, "")
        figures.append(Figure(title, mean.mean, "right", reference[1], reference[0]))
    return figures, cells


def main() -> int:
    """Print the table; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--questions", type=int, default=40, help="of each file")
    parser.add_argument("--route", action="append", choices=ROUTES, help="measure this one alone; may be repeated")
    parser.add_argument(
        "--file", action="append", choices=tuple(MAKERS), help="measure this one alone; may be repeated"
    )
    parser.add_argument("--way", action="append", choices=tuple(WAYS), help="measure this one alone; may be repeated")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "inhouse-benchmarks")
    parser.add_argument("--rows", type=Path, help="a file that takes each reply as a line of JSON")
    options = parser.parse_args()
    given = sheets(options.data, options.questions, options.file or ())
    if not given:
        print(f"There are no questions in {options.data}; --data names their folder.", file=sys.stderr)
        return 1
    found = asyncio.run(
        measured(given, options.route or ROUTES, options.way or tuple(WAYS), options.cache, options.rows)
    )
    figures, cells = scored(given, found)
    show("prompt_strategies", figures, cells=cells, questions=options.questions, examples=EXAMPLES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
