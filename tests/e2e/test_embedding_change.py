"""An administrator points the settings at another embedding model while documents are stored and searches go on."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assistant.build import build
from assistant.settings import load
from assistant.storage import database
from knowledge import collections, facts
from knowledge.embed import HashEmbedder, open_embedder
from knowledge.types import Scope
from tests.knowledge.building import hold, replaced_by, store_row

pytestmark = [pytest.mark.slow, pytest.mark.fault]
EVERYTHING = Scope(frozenset({"everyone"}), sees_all=True)
NEXT = HashEmbedder(32, "next")


class Embeddings(BaseHTTPRequestHandler):
    """A server's /v1/embeddings."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        data = [{"index": n, "embedding": v.tolist()} for n, v in enumerate(NEXT.embed(asked["input"]))]
        body = json.dumps({"object": "list", "model": asked["model"], "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def embeddings() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Embeddings)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_searches_never_pause_and_end_with_the_new_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load(data_dir=tmp_path)
    engine, built_in = database(before), open_embedder(before.knowledge)
    assert facts.live_embedder(engine, built_in.name) == built_in.name
    rules = collections.create(engine, "Rules", "", ["everyone"])
    for n in range(5):
        document = store_row(engine, rules, f"{n}.md")
        hold(engine, document.id, "w")
        replaced_by(engine, document, [f"parking place {n} is free on day {n}"], built_in)
    with embeddings() as url:
        for name, value in (("", "remote"), ("_URL", url), ("_MODEL", "next"), ("_DIMENSION", "32")):
            monkeypatch.setenv(f"ASSISTANT_KNOWLEDGE__EMBEDDER{name}", value)
        app = build(load(data_dir=tmp_path), None)
        service = app.services[0]
        await service.start()
        worker = subprocess.Popen([sys.executable, "-m", "assistant.work", "--data-dir", str(tmp_path)])
        try:
            assert built_in.name in service.state()[1]
            deadline = time.monotonic() + 60
            while built_in.name in service.state()[1]:
                found = await app.searcher.search_detailed("parking place 3", EVERYTHING)
                assert {p.path for p in found.passages} >= {"3.md"}
                assert time.monotonic() < deadline
            found = await app.searcher.search_detailed("parking place 3", EVERYTHING)
            assert found.passages[0].scores.dense is not None and len(found.passages) == 5
        finally:
            worker.terminate()
            worker.wait(30)
            await service.stop()
    assert facts.live_embedder(engine, "") == app.embedder.name
