"""What adapters cost: tokens a second of vLLM on a CPU with 1, 2 and 4 adapters against the base model alone.

    python -m benchmarks.adapters [--streams 1 4 16] [--adapters 1 2 4] [--python .venv-vllm/bin/python] [--cache F]

One server holds base and adapters. The adapters are copies of the one that ships under names of their own: vLLM reads
each as an adapter for itself, and what it computes costs what theirs would. Streams take the adapters in turn, so with
four of each kind one batch holds all of them. Every pass asks the base alone right before, with the same prompts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from assistant.adaptation import publish
from assistant.adaptation.adapter import MANIFEST, write_manifest
from assistant.models.openai_http import Endpoint, OpenAIModel, Timeouts, fixed
from assistant.models.openai_wire import VLLM
from assistant.models.types import ModelRequest, Sampling
from assistant.orchestration.prompts import Message
from benchmarks import engines
from benchmarks.report import Figure, show

WAITS = Timeouts(10, 600, 600)


async def main() -> int:
    """Print the table; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--adapters", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--tokens", type=int, default=48, help="Of each answer")
    parser.add_argument("--python", type=Path, default=Path(".venv-vllm/bin/python"))
    parser.add_argument("--cache", type=Path, help="Folder that keeps the unpacked model for the next run")
    given = parser.parse_args()
    most = max(given.adapters)
    with tempfile.TemporaryDirectory() as temporary:
        data = given.cache or Path(temporary)
        names = published(data, most)
        lora = {"max_rank": 32, "at_once": most, "loaded": most}
        async with engines.vllm(data, given.python, running=max(given.streams), queued=64, lora=lora) as server:
            with server.client() as client:
                for name in names:
                    client.put(f"/adapters/{name}").raise_for_status()
            figures = [
                figure
                for streams in given.streams
                for figure in await compared(server.endpoint, names, streams, given.adapters, given.tokens)
            ]
    show("adapters", figures, tokens=given.tokens)
    return 0


def published(data: Path, count: int) -> list[str]:
    """Publish copies of the adapter that ships, and return the names under which they can be loaded."""
    names = []
    for n in range(count):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "copy"
            shutil.copytree(publish.DEFAULT, folder)
            known = json.loads((folder / MANIFEST).read_text("utf-8")) | {"recipe_version": f"copy-{n}"}
            del known["files"]
            write_manifest(folder, known)
            names.append(publish.publish(data, folder, known["base_sha256"]).folder)
    return names


async def compared(
    endpoint: Endpoint, names: Sequence[str], streams: int, counts: Sequence[int], tokens: int
) -> list[Figure]:
    """Return the speed with each number of adapters beside that of the base model."""
    figures = []
    await speed(endpoint, [engines.SERVED, *names], streams, tokens)  # the first batch of a size is not counted
    for count in counts:
        base = await speed(endpoint, [engines.SERVED], streams, tokens)
        adapted = await speed(endpoint, names[:count], streams, tokens)
        told = f"{streams} streams, {count} adapters" if count > 1 else f"{streams} streams, 1 adapter"
        figures.append(Figure(told, adapted, "tokens/s", "base alone", base, "at least 0.9 of it"))
    return figures


async def speed(endpoint: Endpoint, names: Sequence[str], streams: int, tokens: int) -> float:
    """Return tokens a second of all streams together; stream n asks the model n of `names`, over and over."""
    models = [
        OpenAIModel(name, fixed(Endpoint(endpoint.base_url, endpoint.api_key, name)), engines.CONTEXT, WAITS, VLLM)
        for name in names
    ]
    try:
        started = time.perf_counter()
        read = await asyncio.gather(*(_read(models[n % len(models)], n, tokens) for n in range(streams)))
        return sum(read) / (time.perf_counter() - started)
    finally:
        for model in models:
            await model.close()


async def _read(model: OpenAIModel, n: int, tokens: int) -> int:
    """Return how many tokens an answer had; each asks something else, so that no prefix is known."""
    asked = f"{n} {time.time_ns()}: count slowly from {n * 100} upwards and write one number in words on each line."
    request = ModelRequest((Message("user", asked),), Sampling(max_tokens=tokens))
    used = 0
    async for piece in model.stream(request):
        used += piece.usage.output_tokens if piece.usage else 0
    return used


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
