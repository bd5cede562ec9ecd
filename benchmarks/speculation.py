"""Is guessing tokens worth it? Each engine with and without prompt lookup, on cited answers and on free text.

    python -m benchmarks.speculation [--engine local vllm] [--questions 4] [--python .venv-vllm/bin/python]

Cited answers repeat their passages, so the prompt holds what comes next; free text does not. The same greedy requests
go one after the other to the same weights with the shipped adapter (vLLM: loaded; local engine: in its weights). A
speed-up below 1 for a task says that guessing should be off there. vLLM tells how many guesses were accepted; the
local engine does not. Runs on idle cores: on a busy machine the two passes see different loads, so look at the load.
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
from assistant.models.types import ModelRequest, Sampling
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
    """One pass over one task."""

    tokens: int
    seconds: float

    @property
    def speed(self) -> float:
        """Return tokens in a second, prompts included."""
        return self.tokens / self.seconds if self.seconds else 0.0


def tasks(questions: int) -> dict[str, list[ModelRequest]]:
    """Return the requests of each task; different ones begin differently, so that no prefix cache helps."""
    context = "\n".join(f"[{n}] {text}" for n, (_, text) in enumerate(FACTS, start=1))
    cited, free = [], []
    for n in range(questions):
        about, story = FACTS[n % len(FACTS)][0], STORIES[n % len(STORIES)]
        ask = f"Question {n}.\n{context}\n\nRepeat word for word what is said about {about}, with its number."
        cited.append(_request(ask, 48))
        free.append(_request(f"Story {n}: tell a story about {story}.", 48))
    return {"cited answers": cited, "free text": free}


def _request(text: str, tokens: int) -> ModelRequest:
    system = Message("system", "You answer from numbered passages and cite them.")
    return ModelRequest((system, Message("user", text)), Sampling(max_tokens=tokens))


async def measure(model: OpenAIModel, requests: Sequence[ModelRequest]) -> Measured:
    """Return what a model made of some requests, after one that warms it up."""
    async for _ in model.stream(_request("Hi", 4)):
        pass
    tokens, started = 0, time.perf_counter()
    for request in requests:
        async for piece in model.stream(request):
            tokens += piece.usage.output_tokens if piece.usage else 0
    return Measured(tokens, time.perf_counter() - started)


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


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", nargs="+", choices=["local", "vllm"], default=["local", "vllm"])
    parser.add_argument("--questions", type=int, default=4)
    parser.add_argument("--python", type=Path, default=Path(".venv-vllm/bin/python"))
    given = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for engine in given.engine:
            passes: dict[int, dict[str, Measured]] = {}
            for guessed in (0, GUESSED):
                async with opened(engine, Path(folder), guessed, given.python) as model:
                    passes[guessed] = {
                        name: await measure(model, asked) for name, asked in tasks(given.questions).items()
                    }
            for name, plain in passes[0].items():
                figures.append(
                    Figure(
                        f"{engine}, {name}, {GUESSED} guessed",
                        passes[GUESSED][name].speed,
                        "tokens/s",
                        "the same without guessing",
                        plain.speed,
                        "1.5 times on cited answers, never below 1",
                    )
                )
    show("speculation", figures, accepted=ACCEPTED)


if __name__ == "__main__":
    asyncio.run(main())
