"""What the product adds to an engine: overhead per chat, 200 concurrent streams, and polite refusal beyond that.

    python benchmarks/chat_api.py [--streams N] [--tokens N] [--rate N] [--offered N]

A fake engine (`assistant.models.fake_server`: fixed tokens at a fixed rate) stands behind the real server, reached over
TCP like any other, so that what is left is ours. The reference is the same client on the fake engine directly. The
streams begin evenly within four seconds and last five, so that all of them overlap; the overload comes all at once. How
fast it is refused, a process of its own sees that asks again and again meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks.report import Figure, median, percentile, show
from benchmarks.startup import answers, free_port

RAMP_S = 4.0
REFUSALS_S = 8.0
TEXT = re.compile(rb'"content": ?"[^"]')


@dataclass(frozen=True, slots=True)
class Stream:
    """One streamed chat as it came over the wire."""

    first_ms: float  # until the first text
    whole_s: float
    reply: bytes

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return int(self.reply.split(b" ", 2)[1])

    @property
    def words(self) -> int:
        """Return how many words of text came."""
        events = [json.loads(line[6:]) for line in self.reply.splitlines() if line.startswith(b"data: {")]
        texts = [
            choice.get("delta", {}).get("content") or "" for event in events for choice in event.get("choices", ())
        ]
        return sum(len(text.split()) for text in texts)


async def main() -> int:
    """Print the figures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=200, help="Chats at the same time")
    parser.add_argument("--tokens", type=int, default=500)
    parser.add_argument("--rate", type=float, default=100.0, help="Tokens a second of each stream")
    parser.add_argument("--offered", type=int, default=1000, help="Chats offered at once for the overload figure")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine, engine_url = _engine(given.tokens, given.rate)
        quick, quick_url = _engine(16, 0.0)
        server, url, key = _server(Path(folder) / "a", engine_url)
        other, other_url, other_key = _server(Path(folder) / "b", quick_url)
        try:
            figures = await _overhead(quick_url, other_url, other_key)
            figures += await _crowd(url, key, server.pid, given)
        finally:
            for process in (server, other, engine, quick):
                process.terminate()
                process.wait(30)
    show("chat_api", figures, arguments=vars(given))
    return 0


async def _overhead(direct: str, ours: str, key: str) -> list[Figure]:
    """Measure single chats without retrieval, alternating, so that both see the same machine."""
    mine, theirs = [], []
    for n in range(60):
        theirs.append((await _chat(direct, "none", n)).first_ms)
        mine.append((await _chat(f"{ours}/v1", key, n)).first_ms)
    own = [a - b for a, b in zip(mine[10:], theirs[10:], strict=True)]
    first = Figure("first token p50", median(mine[10:]), "ms", "fake engine directly", median(theirs[10:]))
    return [
        first,
        Figure("own time p50, no retrieval", median(own), "ms", goal="< 30"),
        Figure("own time p95, no retrieval", percentile(own, 0.95), "ms"),
    ]


async def _crowd(url: str, key: str, pid: int, given: argparse.Namespace) -> list[Figure]:
    pause = RAMP_S / given.streams
    streams = await asyncio.gather(*(_chat(f"{url}/v1", key, n, n * pause) for n in range(given.streams)))
    memory = psutil.Process(pid).memory_info().rss / 1e6
    with ProcessPoolExecutor(1) as another:
        begin = time.perf_counter()
        asking = asyncio.get_running_loop().run_in_executor(another, _refusals, f"{url}/v1/chat/completions", key)
        offered = await asyncio.gather(*(_chat(f"{url}/v1", key, n) for n in range(given.offered)))
        drained = time.perf_counter() - begin
        refused = await asking
    crowd = Counter(stream.status for stream in offered)
    ideal = given.tokens / given.rate
    finished = [stream for stream in streams if stream.status == 200 and stream.words >= given.tokens]
    return [
        Figure("streams that finished", len(finished), "", "offered", given.streams, "all"),
        Figure("wall p95", percentile([s.whole_s for s in streams], 0.95), "s", "ideal", ideal, "<= 1.5 times"),
        Figure("first text p50", median([s.first_ms for s in streams]), "ms", goal="<= 50"),
        Figure("first text p95", percentile([s.first_ms for s in streams], 0.95), "ms", goal="<= 300"),
        Figure("memory of the API", memory, "MB", goal="<= 1000"),
        Figure("overload: answered", crowd[200], "", "offered", given.offered),
        Figure("overload: refused with 429", crowd[429], "", "offered", given.offered),
        Figure("overload: 5xx", sum(n for status, n in crowd.items() if status >= 500), "", goal="0"),
        Figure("overload: refusal p95", percentile(refused, 0.95) if refused else 0.0, "ms", goal="<= 200"),
        Figure("overload: drained after", drained, "s"),
    ]


def _refusals(url: str, key: str) -> list[float]:
    """Return how many milliseconds each refusal took, of the chats that are asked one after the other for a while."""
    took, until = list[float](), time.monotonic() + REFUSALS_S
    body = {"model": "assistant", "max_tokens": 1, "messages": [{"role": "user", "content": "Hello?"}], "stream": True}
    with httpx.Client(timeout=180, headers={"Authorization": f"Bearer {key}"}) as client:
        while time.monotonic() < until:
            begin = time.perf_counter()
            with client.stream("POST", url, json=body) as reply:
                if reply.status_code == 429:
                    reply.read()
                    took.append((time.perf_counter() - begin) * 1000)
            time.sleep(0.05)
    return took


async def _chat(url: str, key: str, n: int, after_s: float = 0.0) -> Stream:
    """Stream one chat over a bare socket; what came is read when all is over, for a reader must not need the cores."""
    await asyncio.sleep(after_s)
    host, body = httpx.URL(url), json.dumps(_body(key, n)).encode()
    head = f"POST {host.path}/chat/completions HTTP/1.1\r\nHost: {host.host}\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    begin, first, held = time.perf_counter(), 0.0, bytearray()
    reader, writer = await asyncio.open_connection(host.host, host.port, limit=2**20)
    writer.write(head.encode() + body)
    while part := await reader.read(2**16):
        held += part
        if not first and TEXT.search(held):
            first = time.perf_counter()
    writer.close()
    whole_s = time.perf_counter() - begin
    return Stream(((first or time.perf_counter()) - begin) * 1000, whole_s, bytes(held))


def _body(key: str, n: int) -> dict[str, object]:
    mine = {"model": "assistant", "assistant": {"grounded": False}} if key != "none" else {"model": "fake"}
    message = {"role": "user", "content": f"Tell me about number {n}."}
    return {**mine, "stream": True, "max_tokens": 4000, "messages": [message]}


def _engine(tokens: int, rate: float) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    command = [sys.executable, "-m", "assistant.models.fake_server", "--port", str(port), "--tokens", str(tokens)]
    process = subprocess.Popen([*command, "--rate", str(rate)], stdout=subprocess.DEVNULL)
    while not answers(f"http://127.0.0.1:{port}/health"):
        time.sleep(0.05)
    return process, f"http://127.0.0.1:{port}/v1"


def _server(data: Path, model: str) -> tuple[subprocess.Popen[bytes], str, str]:
    port = free_port()
    environment = {**os.environ, "ASSISTANT_MODELS__MODEL": model, "ASSISTANT_API__MAX_CHATS_PER_USER": "4000"}
    environment |= {"ASSISTANT_API__CHATS_PER_MINUTE_PER_USER": "100000"}
    command = [sys.executable, "-m", "assistant.serve", "--data-dir", str(data), "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while not answers(f"http://127.0.0.1:{port}/readyz"):
        if process.poll() is not None:
            sys.exit("The server did not start.")
        time.sleep(0.1)
    return process, f"http://127.0.0.1:{port}", (data / "run" / "local.key").read_text("utf-8").strip()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
