"""Readers: where in a passage the answer to a question stands, and how likely it stands there at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]  # it ships no types
from tokenizers import Encoding, Tokenizer

from knowledge.embed import MODEL_FILE
from knowledge.modelfiles import check_sums, encodable
from knowledge.types import Passage
from knowledge.words import is_stop_word, plain_words, prepared

READER_FILE = MODEL_FILE.with_name("reader.int8.onnx")
_PARTS = ("reader.tokenizer.json", "reader.words.bin", "reader.matrices.bin")  # beside it
MAX_TOKENS = 288  # of question and passage together: what it was trained on
MAX_ANSWER_TOKENS = 30  # of one answer; as in SQuAD's baselines

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """The likeliest answer in one passage."""

    score: float  # log-odds of this answer against "the passage does not say"
    start: int  # of the answer, in characters of the passage's text
    end: int


class Reader(Protocol):
    """Reads passages for a question."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """Return one reading per passage, in order."""
        ...


class OnnxReader:
    """A span reader in this process: MPNet with two scores per token, the answer's first and last one.

    The first token stands for "no answer" (Devlin et al. 2019, section 4.3). A reading does not depend on the passages
    that are read together with it. Safe to share between threads.
    """

    def __init__(self, model_path: Path = READER_FILE) -> None:
        """Load the model; its words, its tokenizer and `SHA256SUMS` lie beside it.

        It reads on all cores. Raises ModelFileDamaged if a file is missing or its SHA-256 differs.
        """
        parts = [model_path.with_name(name) for name in _PARTS]
        check_sums(model_path.with_name("SHA256SUMS"), [model_path, *parts])
        self._tokenizer = Tokenizer.from_file(str(parts[0]))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS, strategy="only_second")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # one passage per core: see embed.py
        # Weights stay in their file, of which the system keeps what is used: a tenth slower than a copy of 85 MB in the
        # order that products like best.
        options.add_session_config_entry("session.disable_prepacking", "1")
        self._session = onnxruntime.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"])
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="read")

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """Return one reading per passage, in order; some 180 ms of one core for 200 tokens each."""
        asked = encodable(question)[:1000]
        return list(self._pool.map(lambda passage: self._read(asked, passage), passages))

    def _read(self, question: str, passage: Passage) -> Reading:
        before = f"{encodable(passage.title)}\n" if passage.title else ""
        encoding = self._tokenizer.encode(question, before + encodable(passage.text))
        ids = np.array([encoding.ids], np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        logits: Logits = self._session.run(["spans"], inputs)[0][0]
        return best_span(encoding, logits, len(before))


def best_span(encoding: Encoding, logits: Logits, before: int) -> Reading:
    """Return the likeliest answer by `logits` (tokens, 2), in a text that follows `before` characters of title."""
    inside = np.array([
        which == 1 and last > first and first >= before
        for which, (first, last) in zip(encoding.sequence_ids, encoding.offsets, strict=True)
    ])  # fmt: skip
    positions = np.flatnonzero(inside)
    if not len(positions):
        return Reading(-np.inf, 0, 0)
    starts, ends = logits[positions, 0], logits[positions, 1]
    apart = np.arange(len(positions))[None, :] - np.arange(len(positions))[:, None]
    sums = np.where((apart >= 0) & (apart < MAX_ANSWER_TOKENS), starts[:, None] + ends[None, :], -np.inf)
    first, last = np.unravel_index(int(sums.argmax()), sums.shape)
    score = float(sums[first, last]) - float(logits[0].sum())
    start, end = encoding.offsets[positions[first]][0], encoding.offsets[positions[last]][1]
    return Reading(score, start - before, end - before)


class OverlapReader:
    """A fake: the longest word of a passage that is not in the question, as likely as the passage has its words."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """Return one reading per passage, in order."""
        return [self._read(question, passage) for passage in passages]

    def _read(self, question: str, passage: Passage) -> Reading:
        asked = {word for word in plain_words(prepared(question)) if not is_stop_word(word)}
        known = set(plain_words(prepared(f"{passage.title} {passage.text}")))
        new = [word for word in passage.text.split() if word.lower().strip(".,?!") not in asked]
        if not asked or not new:
            return Reading(-np.inf, 0, 0)
        word = max(new, key=len)
        start = passage.text.index(word)
        return Reading(16 * len(asked & known) / len(asked) - 8, start, start + len(word))
