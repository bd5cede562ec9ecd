"""Real and crafted files of parser test suites, through the whole pipeline: each ends ready or with a clear reason."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine

from ingest import jobs, worker
from ingest.accept import Upload, accept_upload
from ingest.files import FileStore
from ingest.settings import MIB
from knowledge.types import Collection
from tests.ingest.conftest import HASH, QUICK, Shared, chunks_of, everything, wait_until

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "C_documents" / "robustness"
pytestmark = [
    pytest.mark.fault,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not FOLDER.exists(), reason=f"the corpus of difficult files is not at {FOLDER}"),
]
# Probe words were found automatically; these are not in what a reader of the file sees.
NOT_VISIBLE = {
    "tika__testOverlappingText.pdf": {"timetime"},  # two words printed one over the other
    "tika__testExternalRefs.docx": {"tracking", "invalid"},  # addresses in field codes
    "docling__md_nested.md": {"additional"},  # in an HTML comment
}
MEMORY_BYTES = 64 * MIB


@dataclass(frozen=True)
class Case:
    file: str
    kind: str
    probe_words: list[str]


@dataclass(frozen=True)
class Outcome:
    status: str  # "ready", "failed" or "refused"
    reason: str
    text: str


def cases() -> list[Case]:
    lines = (FOLDER / "index.jsonl").read_text("utf-8").splitlines()
    return [Case(row["file"], row["kind"], row["probe_words"]) for row in map(json.loads, lines)]


@pytest.fixture
def outcomes(engine: Engine, store: FileStore, handbook: Collection, shared: Shared) -> tuple[dict[str, Outcome], int]:
    """What became of each file, and by how many bytes the worker grew at most."""
    stop = threading.Event()
    peak = Peak(stop)
    thread = threading.Thread(target=worker.run, args=(engine, store, HASH, QUICK, stop, shared))
    refused: dict[str, Outcome] = {}
    for case in cases():
        body = (FOLDER / case.file).read_bytes()
        accepted = accept_upload(engine, store, QUICK, Upload(handbook.id, case.file, (), "me"), [body])
        if not accepted.documents:
            reasons = " ".join(refusal.reason for refusal in accepted.refused)
            refused[case.file] = Outcome("refused", reasons, "")
    peak.start()
    thread.start()
    try:
        wait_until(lambda: not {"queued", "running"} & jobs.counts(engine).keys(), 1500)
    finally:
        stop.set()
        thread.join()
        peak.join()
    return refused | read_back(engine), peak.grown


def read_back(engine: Engine) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    for path, document in everything(engine).items():
        text = "\n".join(f"{chunk.heading}\n{chunk.text}" for chunk in chunks_of(engine, document))
        outcome = Outcome(document.status, document.reason or "", f"{document.title}\n{text}")
        archive = path.split("/")[0]
        if archive not in found or outcome.status == "ready":
            found[archive] = outcome
    return found


class Peak(threading.Thread):
    """Watches how much memory this process has, its children apart."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop_watching = stop
        self._process = psutil.Process()
        self._start_bytes = self._process.memory_info().rss
        self.grown = 0

    def run(self) -> None:
        while not self._stop_watching.is_set():
            self.grown = max(self.grown, self._process.memory_info().rss - self._start_bytes)
            time.sleep(0.05)


def test_it_ends_every_file_well(outcomes: tuple[dict[str, Outcome], int]) -> None:
    found, grown = outcomes
    by_kind = Counter((case.kind, found[case.file].status) for case in cases())
    with_words = [case for case in cases() if case.kind == "normal" and case.probe_words]
    missing = {case.file: words for case in with_words if (words := unseen(case, found[case.file]))}
    print(f"\n{len(found)} files; the worker grew by {grown / MIB:.0f} MiB")
    for (kind, status), count in sorted(by_kind.items()):
        print(f"  {kind:24} {status:8} {count}")
    print(
        f"  probe words found in {len(with_words) - len(missing)} of {len(with_words)} normal files; missing: {missing}"
    )
    unclear = {file: one.reason for file, one in found.items() if one.status != "ready" and not is_clear(one.reason)}
    assert unclear == {}
    assert missing == {}
    assert grown <= MEMORY_BYTES
    assert all(found[case.file].status != "ready" for case in cases() if "bomb" in case.file or "laughs" in case.file)


def unseen(case: Case, outcome: Outcome) -> list[str]:
    allowed = NOT_VISIBLE.get(case.file, set())
    return [word for word in case.probe_words if word not in outcome.text and word not in allowed]


def is_clear(reason: str) -> bool:
    """Return whether a reason is a sentence for people: no class names, no paths, an end."""
    return bool(re.match(r"[A-Z].{15,}\.$", reason)) and "Error" not in reason and "/tmp" not in reason
