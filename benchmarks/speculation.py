"""Is guessing tokens worth it? Each engine with and without prompt lookup, on cited answers and on free text.

    python -m benchmarks.speculation [--engine local vllm] [--questions 24] [--python .venv-vllm/bin/python]

Cited answers repeat their passages, so the prompt holds what comes next; free text does not. The same greedy requests
go one after the other to the same weights with the shipped adapter (vLLM: loaded; local engine: in its weights).

The local engine decides for each task: "auto" is all of its answers, trials included, "settled" those of the second
half, "on" those that it guessed in, each beside the same requests without guessing. Two processes get each request in
turns, so that both see the same load. vLLM guesses always or never ("on"), in one pass after the other: run on idle
cores. A speed-up below 1 says that guessing should be off there.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.models.openai_http import OpenAIModel, Timeouts, fixed
from assistant.models.openai_wire import LOCAL, VLLM
from assistant.models.types import ModelRequest, Sampling, Usage
from assistant.orchestration.prompts import Message
from benchmarks import engines
from benchmarks.report import Figure, show

GUESSED = 4
ADAPTER = "grounded-answer"
ACCEPTED: dict[str, float] = {}  # share of guesses that were right, over both tasks
FACTS = (
    ("the gym", "The gym is open from 6 to 22 on weekdays and from 8 to 20 at weekends. Guests pay 5 EUR a day."),
    ("unused leave", "Unused leave of up to 10 days may be carried over and expires on 31 March of the next year."),
    ("a lost laptop", "A lost laptop is reported to the security desk on extension 4040 within 24 hours."),
    ("travel costs", "Travel costs are paid back within 14 days when the receipts are handed in with form T7."),
)
STORIES = ("a fox and a crow", "a lighthouse", "two old friends", "a train in the snow")


@dataclass(frozen=True)
class Measured:
    """One answer."""

    tokens: int
    seconds: float  # prompt included
    guessed: bool


def speed(answers: Sequence[Measured]) -> float:
    """Return tokens in a second over all answers."""
    seconds = sum(answer.seconds for answer in answers)
    return sum(answer.tokens for answer in answers) / seconds if seconds else 0.0


def tasks(questions: int) -> dict[str, list[ModelRequest]]:
    """Return the requests of each task; different ones begin differently, so that no prefix cache helps."""
    context = "\n".join(f"[{n}] {text}" for n, (_, text) in enumerate(FACTS, start=1))
    cited, free = [], []
    for n in range(questions):
        about, story = FACTS[n % len(FACTS)][0], STORIES[n % len(STORIES)]
        ask = f"Question {n}.\n{context}\n\nRepeat word for word what is said about {about}, with its number."
        cited.append(_request(ask, 48, "cited"))
        free.append(_request(f"Story {n}: tell a story about {story}.", 48, "free"))
    return {"cited answers": cited, "free text": free}


def _request(text: str, tokens: int, task: str) -> ModelRequest:
    system = Message("system", "You answer from numbered passages and cite them.")
    return ModelRequest((system, Message("user", text)), Sampling(max_tokens=tokens), task=task)


async def answered(model: OpenAIModel, request: ModelRequest) -> Measured:
    """Return what a model made of a request."""
    started, usage = time.perf_counter(), Usage()
    async for piece in model.stream(request):
        usage = piece.usage or usage
    guessed = usage.accepted_tokens + usage.rejected_tokens > 0
    return Measured(usage.output_tokens, time.perf_counter() - started, guessed)


async def in_turns(models: Sequence[OpenAIModel], requests: Sequence[ModelRequest]) -> list[list[Measured]]:
    """Return the answers of each model; each request goes to all of them before the next one."""
    found: list[list[Measured]] = [[] for _ in models]
    for model in models:
        await answered(model, _request("Hi", 4, "warm up"))
    for request in requests:
        for model, answers in zip(models, found, strict=True):
            answers.append(await answered(model, request))
    return found


@asynccontextmanager
async def opened(engine: str, folder: Path, guessed: int, python: Path) -> AsyncIterator[OpenAIModel]:
    """Yield the engine of a name: the local one, or vLLM on a CPU with the shipped adapter loaded."""
    async with AsyncExitStack() as stack:
        if engine == "local":
            endpoint, dialect = await stack.enter_async_context(engines.local(folder, guessed)), LOCAL
        else:
            speculation = {"method": "ngram", "tokens": guessed} if guessed else None
            served = await stack.enter_async_context(
                engines.vllm(folder, python, speculation=speculation, lora={"at_once": 4})
            )
            client = stack.enter_context(served.client())
            client.put(f"/adapters/{ADAPTER}").raise_for_status()
            endpoint, dialect = replace(served.endpoint, served_name=ADAPTER), VLLM
        model = OpenAIModel(engine, fixed(endpoint), engines.CONTEXT, Timeouts(10, 300, 300), dialect)
        stack.push_async_callback(model.close)
        yield model
        if engine == "vllm" and (told := client.get("/health").json())["guessed"]:
            ACCEPTED["vllm"] = told["accepted"] / told["guessed"]


async def local(folder: Path, asked: dict[str, list[ModelRequest]], python: Path) -> list[Figure]:
    """Return the figures of the local engine, which decides by itself when to guess."""
    figures = []
    async with opened("local", folder, 0, python) as plain, opened("local", folder, GUESSED, python) as auto:
        for name, requests in asked.items():
            without, with_auto = await in_turns([plain, auto], requests)
            every = list(range(len(requests)))
            guessed = [n for n in every if with_auto[n].guessed]
            for mode, chosen in (("auto", every), ("settled", every[len(every) // 2 :]), ("on", guessed)):
                pair = [speed([answers[n] for n in chosen]) for answers in (with_auto, without)]
                tokens = sum(with_auto[n].tokens for n in chosen)
                figures.append(_figure(f"local, {name}, {mode} ({len(chosen)} answers, {tokens} tokens)", *pair))
    return figures


async def vllm(folder: Path, asked: dict[str, list[ModelRequest]], python: Path) -> list[Figure]:
    """Return the figures of vLLM, which guesses for all requests or for none."""
    passes: list[dict[str, float]] = []
    for guessed in (0, GUESSED):
        async with opened("vllm", folder, guessed, python) as model:
            passes.append({name: speed((await in_turns([model], each))[0]) for name, each in asked.items()})
    return [_figure(f"vllm, {name}, on", passes[1][name], passes[0][name]) for name in asked]


def _figure(name: str, with_guessing: float, without: float) -> Figure:
    goal = "1.5 times on cited answers of one engine, auto never below 1"
    return Figure(name, with_guessing, "tokens/s", "the same without guessing", without, goal)


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", nargs="+", choices=["local", "vllm"], default=["local", "vllm"])
    parser.add_argument("--questions", type=int, default=24)
    parser.add_argument("--python", type=Path, default=Path(".venv-vllm/bin/python"))
    given = parser.parse_args()
    asked, figures = tasks(given.questions), list[Figure]()
    with tempfile.TemporaryDirectory() as folder:
        for engine in given.engine:
            measure = local if engine == "local" else vllm
            figures += await measure(Path(folder), asked, given.python)
    show("speculation", figures, accepted=ACCEPTED)


if __name__ == "__main__":
    asyncio.run(main())
