"""Rerankers: a second, closer look at the few best passages. Optional; the search keeps its order without one."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from knowledge.modelfiles import check_sums, encodable
from knowledge.types import Passage, Reranker
from knowledge.words import is_stop_word, plain_words, prepared

RERANKED = 20  # passages that are looked at: about 20 ms each on one core, for a model of six layers
MAX_TOKENS = 256  # of question and passage together


def reordered(reranker: Reranker, share: float, question: str, found: Sequence[Passage]) -> list[Passage]:
    """Return passages by both scores, of which the reranker's counts `share`; those it does not see stay behind.

    Both are scaled from the least to the most of what the reranker sees, its own as log-odds: taken alone, its order is
    worse than the search's on texts of other kinds than it learned from (docs/experiments/2026-11-reranking.md).
    """
    head, tail = found[:RERANKED], found[RERANKED:]
    scores = reranker.score(question, [f"{passage.title}\n{passage.text}" for passage in head])
    own = [passage.score for passage in head]
    first, second = _scaled(own), _scaled([_log_odds(score) for score in scores])
    lowest, span = min(own), max(own) - min(own)
    judged = [
        replace(
            passage,
            score=lowest + span * ((1 - share) * search + share * rerank),
            scores=replace(passage.scores, rerank=score),
        )
        for passage, score, search, rerank in zip(head, scores, first, second, strict=True)
    ]
    return sorted(judged, key=lambda passage: -passage.score) + list(tail)


def _scaled(values: Sequence[float]) -> list[float]:
    """Return the values from 0 for the least to 1 for the most."""
    low, span = min(values), max(values) - min(values)
    return [(value - low) / span if span else 0.0 for value in values]


def _log_odds(probability: float) -> float:
    held = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(held / (1 - held))


class OnnxReranker:
    """A cross-encoder as an ONNX file with inputs input_ids, attention_mask and token_type_ids, one logit per pair.

    Safe to share between threads.
    """

    def __init__(self, model_path: Path) -> None:
        """Load the model; `tokenizer.json` and `SHA256SUMS` lie beside it; it uses all cores.

        Raises ModelFileDamaged if a file is missing or its SHA-256 differs.
        """
        import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415 - 20 MB, and few sites rerank

        tokenizer_path = model_path.with_name("tokenizer.json")
        check_sums(model_path.with_name("SHA256SUMS"), [model_path, tokenizer_path])
        self.name = model_path.stem
        self._tokenizer = Tokenizer.from_file(str(tokenizer_path))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS, strategy="only_second")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # one passage per core: see embed.py
        self._session = onnxruntime.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"])
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="rerank")

    def score(self, query: str, texts: list[str]) -> list[float]:
        """Return one score per text, in order, 0..1, higher is better; one passage per core at a time."""
        asked = encodable(query)[:1000]
        return list(self._pool.map(lambda text: self._score(asked, encodable(text)), texts))

    def _score(self, query: str, text: str) -> float:
        encoding = self._tokenizer.encode(query, text)
        arrays = {
            "input_ids": np.array([encoding.ids], np.int64),
            "attention_mask": np.array([encoding.attention_mask], np.int64),
            "token_type_ids": np.array([encoding.type_ids], np.int64),
        }
        logit = self._session.run(None, {name: arrays[name] for name in self._inputs})[0]
        return float(1 / (1 + np.exp(-np.float64(np.asarray(logit).reshape(-1)[0]))))


class OverlapReranker:
    """A fake: the share of the question's words that a text contains. Deterministic, needs no file."""

    name = "overlap"

    def score(self, query: str, texts: list[str]) -> list[float]:
        """Return one score per text, in order, 0..1, higher is better."""
        wanted = {word for word in plain_words(prepared(query)) if not is_stop_word(word)}
        return [len(wanted & set(plain_words(prepared(text)))) / max(1, len(wanted)) for text in texts]
