"""What a widget costs a page, and many visitors at the same time on one server.

    python benchmarks/widget.py [--visitors N] [--tokens N] [--rate N]

The script's bytes as a browser receives them, compressed; what it costs a page on a slow device (benchmarks/
widget_page.py); then N visitors who begin a visit and ask at once, with the real server, one public document, and a
fake engine of a fixed rate behind it. A visitor who is told to come back later (429) waits as long as told and asks
again, as the widget does; every visitor has to end with an answer. The reference is as many streams of the same
questions through /v1/chat/completions by one API key, on the same server, before.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from assistant.api.widget import SCRIPT
from benchmarks.chat_api import _engine, _server
from benchmarks.report import Figure, median, percentile, show
from benchmarks.widget_page import measure, shop

ORIGIN = "https://www.example.com"
# What the fake engine says, so that its answers are found in the passages and released sentence by sentence; anything
# else is drafted twice and ends as an abstention, and the "first text" would be the end of that.
DOCUMENT = "# Values\n\n" + " ".join(f"Sentence number {n} says that the value is {n * 7}." for n in range(1, 9)) + "\n"
_PATIENCE = 20  # times that a visitor comes back


@dataclass(frozen=True, slots=True)
class Visited:
    """One visit as its visitor saw it."""

    statuses: tuple[int, ...]  # of beginning and asking
    first_s: float  # from asking to the first text; 0 without any
    whole_s: float
    finished: bool


async def main() -> int:
    """Print the figures; returns the exit status, 1 when a stream did not finish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=500, help="Visitors who ask at the same time")
    parser.add_argument("--tokens", type=int, default=60)
    parser.add_argument("--rate", type=float, default=30.0, help="Tokens a second of each stream")
    given = parser.parse_args()
    script = SCRIPT.read_bytes()
    packed = len(gzip.compress(script, 9)) / 1024
    figures = [Figure("script, gzipped", packed, "KB", "a peer's widget, as published", 100.0, "<= 30")]
    with tempfile.TemporaryDirectory() as folder, shop() as (site, pages):
        data = Path(folder) / "data"
        engine, engine_url = _engine(given.tokens, given.rate)
        server, url, key = _server(data, engine_url)
        worker = subprocess.Popen(
            [sys.executable, "-m", "assistant.work", "--data-dir", str(data)], stderr=subprocess.DEVNULL
        )
        try:
            widget = _widget(url, key, site)
            figures += await asyncio.to_thread(measure, site, pages, url, widget)
            people, people_s = await _crowd(url, "", key, given.visitors)
            crowd, wall_s = await _crowd(url, widget, "", given.visitors)
            memory = psutil.Process(server.pid).memory_info().rss / 1e6
        finally:
            for process in (worker, server, engine):
                process.terminate()
                process.wait(30)
    show("widget", [*figures, *_figures(people, people_s, crowd, wall_s, memory)], arguments=vars(given))
    return 0 if all(one.finished for one in crowd) else 1


def _figures(
    people: list[Visited], people_s: float, crowd: list[Visited], wall_s: float, memory: float
) -> list[Figure]:
    statuses = Counter(status for one in crowd for status in one.statuses)
    first, theirs = _firsts(crowd), _firsts(people)
    by_key = "by API key"
    return [
        Figure("visitors with a whole answer", sum(one.finished for one in crowd), "", "visitors", len(crowd), "all"),
        Figure("streams by API key that finished", sum(one.finished for one in people), "", "streams", len(people)),
        Figure("answers of 5xx", sum(n for status, n in statuses.items() if status >= 500), "", goal="0"),
        Figure("answers of 429, asked again later", statuses[429], ""),
        Figure("first text p50", median(first), "s", by_key, median(theirs)),
        Figure("first text p95", percentile(first, 0.95), "s", by_key, percentile(theirs, 0.95)),
        Figure("all done after", wall_s, "s", by_key, people_s),
        Figure("memory of the API", memory, "MB"),
    ]


def _firsts(crowd: list[Visited]) -> list[float]:
    return [one.first_s for one in crowd if one.first_s] or [0.0]


def _widget(url: str, key: str, site: str) -> str:
    """Return the id of a widget over one public document that is ready to be found."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        made = client.post("/api/collections", json={"name": "Shop", "readers": ["public"]}).raise_for_status().json()
        files = {"files": ("values.md", DOCUMENT.encode())}
        client.post(f"/api/collections/{made['id']}/documents", files=files).raise_for_status()
        deadline = time.monotonic() + 120
        while client.get("/api/documents").json()["documents"][0]["status"] != "ready":
            if time.monotonic() > deadline:
                sys.exit("The document was not read within two minutes.")
            time.sleep(0.2)
        limits = {"sessions_per_hour": 100_000, "challenge_above": 100_000}
        profile = {"origins": [ORIGIN, site], "limits": limits}
        made = client.post("/api/widgets", json={"name": "Shop", "profile": profile}).raise_for_status().json()
        client.patch(f"/api/widgets/{made['id']}", json={"enabled": True}).raise_for_status()
        return str(made["id"])


async def _crowd(url: str, widget: str, key: str, visitors: int) -> tuple[list[Visited], float]:
    """Let all come at once: as visitors of a widget, or, without one, by API key."""
    address = f"{url}/api/widget/{widget}"
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=300, limits=limits, headers={"Origin": ORIGIN} if widget else {}) as client:
        begin = time.perf_counter()
        each = (_visit(client, address, n) if widget else _by_key(client, url, key, n) for n in range(visitors))
        crowd = await asyncio.gather(*each)
        return list(crowd), time.perf_counter() - begin


async def _visit(client: httpx.AsyncClient, address: str, n: int) -> Visited:
    statuses = []
    for _ in range(_PATIENCE):
        began = await client.post(f"{address}/session", json={})
        statuses.append(began.status_code)
        if began.status_code != 429:
            break
        await asyncio.sleep(float(began.headers["retry-after"]))
    if statuses[-1] != 201:
        return Visited(tuple(statuses), 0.0, 0.0, False)
    headers = {"Authorization": f"Bearer {began.json()['token']}"}
    asked = await _stream(client, f"{address}/ask", {"question": _question(n)}, headers)
    return Visited((*statuses, *asked.statuses), asked.first_s, asked.whole_s, asked.finished)


async def _by_key(client: httpx.AsyncClient, url: str, key: str, n: int) -> Visited:
    body = {"model": "assistant", "stream": True, "messages": [{"role": "user", "content": _question(n)}]}
    return await _stream(client, f"{url}/v1/chat/completions", body, {"Authorization": f"Bearer {key}"})


async def _stream(client: httpx.AsyncClient, address: str, body: dict[str, object], headers: dict[str, str]) -> Visited:
    asked, first, statuses = time.perf_counter(), 0.0, list[int]()
    for _ in range(_PATIENCE):
        async with client.stream("POST", address, json=body, headers=headers) as reply:
            statuses.append(reply.status_code)
            async for line in reply.aiter_lines():
                if line == "data: [DONE]":
                    return Visited(tuple(statuses), first, time.perf_counter() - asked, True)
                if line.startswith("data: {") and not first and _text(json.loads(line[6:])):
                    first = time.perf_counter() - asked
        if reply.status_code != 429:
            break
        await asyncio.sleep(float(reply.headers["retry-after"]))
    return Visited(tuple(statuses), first, time.perf_counter() - asked, False)


def _question(n: int) -> str:
    return f"What is the value of sentence number {n % 8 + 1}, asks visitor {n}?"


def _text(frame: dict[str, object]) -> bool:
    """Return whether a frame of either door holds text."""
    choices = frame.get("choices")
    if isinstance(choices, list):
        return bool(choices and choices[0].get("delta", {}).get("content"))
    return bool(frame.get("text"))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
