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
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from assistant.models.openai_http import Endpoint, OpenAIModel, Timeouts, fixed
from assistant.models.openai_wire import LOCAL, VLLM
from assistant.models.plan import plan
from assistant.models.settings import ModelSettings
from assistant.models.supervise import EngineProcess
from assistant.models.types import ModelRequest, Sampling
from assistant.models.vllm.launch import key_of
from assistant.orchestration.prompts import Message
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
async def local(folder: Path, guessed: int) -> AsyncIterator[OpenAIModel]:
    """Yield the local engine."""
    settings = ModelSettings(context_tokens=2048, engine_speculate=guessed)
    key = folder / "engine.key"
    key.write_text(secrets.token_urlsafe(16))
    engine = EngineProcess(plan(folder, settings), key, folder / "engine.log")
    model = OpenAIModel("local", fixed(engine.endpoint), 2048, Timeouts(10, 300, 300), LOCAL)
    try:
        while engine.pulse() is None:
            await asyncio.sleep(0.5)
        yield model
    finally:
        await model.close()
        engine.stop()


@asynccontextmanager
async def vllm(folder: Path, guessed: int, python: Path) -> AsyncIterator[OpenAIModel]:
    """Yield vLLM on a CPU behind our proxy, with the shipped adapter."""
    config = folder / "vllm.yaml"
    speculation = {"method": "ngram", "tokens": guessed} if guessed else None
    wanted = {"served_name": "base", "device": "cpu", "context_tokens": 2048, "dtype": "bfloat16", "eager": True}
    config.write_text(
        yaml.safe_dump({**wanted, "cpu_cache_gib": 1, "speculation": speculation, "lora": {"at_once": 4}})
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    options = ["--data-dir", folder, "--config", config, "--python", python, "--port", url.rpartition(":")[2]]
    process = subprocess.Popen([sys.executable, "-m", "assistant.models.vllm", *map(str, options)], stdout=sys.stderr)
    key = key_of(folder)
    model = OpenAIModel(ADAPTER, fixed(Endpoint(f"{url}/v1", key, ADAPTER)), 2048, Timeouts(10, 300, 300), VLLM)
    try:
        while not _ready(url):
            await asyncio.sleep(1.0)
        loaded = httpx.put(f"{url}/adapters/{ADAPTER}", headers={"Authorization": f"Bearer {key}"}, timeout=180)
        loaded.raise_for_status()
        yield model
        told = httpx.get(f"{url}/health", timeout=30).json()
        if told["guessed"]:
            ACCEPTED["vllm"] = told["accepted"] / told["guessed"]
    finally:
        await model.close()
        process.terminate()
        process.wait(60)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def opened(engine: str, folder: Path, guessed: int, python: Path) -> AbstractAsyncContextManager[OpenAIModel]:
    """Return the engine of a name."""
    return local(folder, guessed) if engine == "local" else vllm(folder, guessed, python)


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
