"""How long a person waits: fresh folder to the page, second start to the first answer; memory of every process.

    python benchmarks/startup.py [--documents N] [--chunks N] [--rest SECONDS]

Starts the installed product with `assistant up` on an empty data folder, takes documents in, and starts it again.
Memory is the proportional set size of all processes, looked at after a rest: the worker comes up 15 seconds after the
page, and a process with skills ends two minutes after its last call. Chunks are of random words, 120 in each.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import psutil

from benchmarks.report import Figure, show

# One client for all looks: making one takes 40 ms of a core that the measured processes need.
_watching = httpx.Client(timeout=1.0, follow_redirects=True, trust_env=False)
_SECTIONS = 100  # of each text of random words
TEXT = "# Handbook {n}\n\nThe travel allowance of team {n} is {n} euro a day.\n\n## Leave\n\n{n} days a year.\n"


def main() -> int:
    """Print the figures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20, help="Small documents to take in before the second start")
    parser.add_argument("--chunks", type=int, default=10_000, help="To take in before memory is looked at again")
    parser.add_argument("--rest", type=float, default=150.0, help="Seconds before memory is looked at")
    given = parser.parse_args()
    figures = []

    def remember(process: subprocess.Popen[bytes], when: str, goal: str = "") -> None:
        time.sleep(given.rest)
        figures.append(Figure(f"memory {when}, all processes", memory(process) / 1e6, "MB"))
        own = memory(process, without="assistant.models.local") / 1e6
        figures.append(Figure(f"memory {when}, without the language model", own, "MB", goal=goal))

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        first, to_page, _ = start(data)
        figures.append(Figure("first start to page and ready model (installed)", to_page, "s"))
        remember(first, "idle", "<= 273 (a third of 818)")
        stop(first)
        _ingest(data, Path(folder) / "handbook", [TEXT.replace("{n}", str(n)) for n in range(given.documents)])
        second, to_page, ports = start(data)
        begin = time.perf_counter()
        _ask(data, ports[0])
        answer = time.perf_counter() - begin
        figures.append(Figure("second start to page and ready model", to_page, "s"))
        figures.append(Figure("second start to first answer", to_page + answer, "s", goal="< 10"))
        remember(second, "after one answer")
        _ingest(data, Path(folder) / "words", list(_of_random_words(given.chunks)))
        _ask(data, ports[0])
        remember(second, f"after {given.chunks:,} chunks")
        stop(second)
    show("startup", figures)
    return 0


def start(data: Path) -> tuple[subprocess.Popen[bytes], float, tuple[int, int]]:
    """Start the product on `data`; returns its process, the seconds to page and API, and the ports of API and page."""
    ports = (free_port(), free_port())
    command = [
        sys.executable,
        "-m",
        "assistant",
        "--data-dir",
        str(data),
        "up",
        "--port",
        str(ports[0]),
        "--ui-port",
        str(ports[1]),
    ]
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while not (answers(f"http://127.0.0.1:{ports[0]}/readyz") and answers(f"http://127.0.0.1:{ports[1]}/")):
        if time.perf_counter() - begin > 300 or process.poll() is not None:
            stop(process)
            sys.exit(f"The assistant did not come up; see {data}/logs.")
        time.sleep(0.05)
    return process, time.perf_counter() - begin, ports


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process as `kill` does, if it still runs."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(40)


def memory(process: subprocess.Popen[bytes], without: str | None = None) -> int:
    """Return the proportional set size of the process and all below it in bytes: shared pages count once.

    Processes that have `without` in their command line do not count.
    """
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    counted = [entry for entry in tree if without is None or without not in entry.cmdline()]
    return sum(entry.memory_full_info().pss for entry in counted)


def _of_random_words(chunks: int) -> Iterator[str]:
    """Yield texts that come to about so many chunks, a hundred in each."""
    chosen, words = random.Random(10), sorted(set(re.findall(r"[a-z]{3,}", Path(__file__).read_text("utf-8"))))
    for n in range(-(-chunks // _SECTIONS)):
        sections = (f"## Section {n}.{k}\n\n" + " ".join(chosen.choices(words, k=120)) for k in range(_SECTIONS))
        yield f"# Book {n}\n\n" + "\n\n".join(sections) + "\n"


def _ingest(data: Path, source: Path, texts: Sequence[str]) -> None:
    source.mkdir()
    for n, text in enumerate(texts):
        (source / f"{source.name}-{n}.md").write_text(text, "utf-8")
    command = [sys.executable, "-m", "assistant", "--data-dir", str(data), "ingest", str(source)]
    subprocess.run(
        [*command, "--collection", source.name, "--wait"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _ask(data: Path, port: int) -> None:
    key = (data / "run" / "local.key").read_text("utf-8").strip()
    body = {"model": "assistant", "messages": [{"role": "user", "content": "What is the travel allowance of team 7?"}]}
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    httpx.post(url, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=120).raise_for_status()


def answers(url: str) -> bool:
    """Return whether `url` answers 200 within a second."""
    try:
        return _watching.get(url).status_code == 200
    except httpx.TransportError:
        return False


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
