"""What a widget costs a page, and many visitors at the same time on one server.

    python benchmarks/widget.py [--visitors N] [--tokens N] [--rate N]

The script's bytes as a browser receives them, compressed; then N visitors who begin a visit and ask at once, with the
real server, one public document, and a fake engine of a fixed rate behind it. Every stream has to finish.
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

ORIGIN = "https://www.example.com"
DOCUMENT = (
    "# Opening hours\n\nThe shop opens at nine in the morning and closes at six in the evening, Monday to Friday.\n"
)


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
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        engine, engine_url = _engine(given.tokens, given.rate)
        server, url, key = _server(data, engine_url)
        worker = subprocess.Popen(
            [sys.executable, "-m", "assistant.work", "--data-dir", str(data)], stderr=subprocess.DEVNULL
        )
        try:
            widget = _widget(url, key)
            crowd, wall_s = await _crowd(url, widget, given.visitors)
            memory = psutil.Process(server.pid).memory_info().rss / 1e6
        finally:
            for process in (worker, server, engine):
                process.terminate()
                process.wait(30)
    statuses = Counter(status for one in crowd for status in one.statuses)
    finished = sum(one.finished for one in crowd)
    first = [one.first_s for one in crowd if one.first_s] or [0.0]
    figures += [
        Figure("streams that finished", finished, "", "visitors", given.visitors, "all"),
        Figure("answers of 5xx", sum(n for status, n in statuses.items() if status >= 500), "", goal="0"),
        Figure("answers of 429", statuses[429], "", goal="0"),
        Figure("first text p50", median(first), "s"),
        Figure("first text p95", percentile(first, 0.95), "s"),
        Figure("all done after", wall_s, "s"),
        Figure("memory of the API", memory, "MB"),
    ]
    show("widget", figures, arguments=vars(given))
    return 0 if finished == given.visitors else 1


def _widget(url: str, key: str) -> str:
    """Return the id of a widget over one public document that is ready to be found."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        shop = client.post("/api/collections", json={"name": "Shop", "readers": ["public"]}).raise_for_status().json()
        files = {"files": ("hours.md", DOCUMENT.encode())}
        client.post(f"/api/collections/{shop['id']}/documents", files=files).raise_for_status()
        deadline = time.monotonic() + 120
        while client.get("/api/documents").json()["documents"][0]["status"] != "ready":
            if time.monotonic() > deadline:
                sys.exit("The document was not read within two minutes.")
            time.sleep(0.2)
        limits = {"sessions_per_hour": 100_000, "challenge_above": 100_000}
        profile = {"origins": [ORIGIN], "limits": limits}
        made = client.post("/api/widgets", json={"name": "Shop", "profile": profile}).raise_for_status().json()
        client.patch(f"/api/widgets/{made['id']}", json={"enabled": True}).raise_for_status()
        return str(made["id"])


async def _crowd(url: str, widget: str, visitors: int) -> tuple[list[Visited], float]:
    address = f"{url}/api/widget/{widget}"
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=300, limits=limits, headers={"Origin": ORIGIN}) as client:
        begin = time.perf_counter()
        crowd = await asyncio.gather(*(_visit(client, address, n) for n in range(visitors)))
        return list(crowd), time.perf_counter() - begin


async def _visit(client: httpx.AsyncClient, address: str, n: int) -> Visited:
    began = await client.post(f"{address}/session", json={})
    if began.status_code != 201:
        return Visited((began.status_code,), 0.0, 0.0, False)
    headers = {"Authorization": f"Bearer {began.json()['token']}"}
    asked, first, finished = time.perf_counter(), 0.0, False
    body = {"question": f"When does the shop open, asks visitor {n}?"}
    async with client.stream("POST", f"{address}/ask", json=body, headers=headers) as reply:
        async for line in reply.aiter_lines():
            if line == "data: [DONE]":
                finished = True
            elif line.startswith("data: {") and not first and json.loads(line[6:]).get("text"):
                first = time.perf_counter() - asked
    return Visited((began.status_code, reply.status_code), first, time.perf_counter() - asked, finished)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
