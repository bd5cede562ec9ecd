"""Texts to unit vectors: in this process (OnnxEmbedder), by a server (RemoteEmbedder), or made up (HashEmbedder)."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
from tokenizers import Tokenizer

from knowledge.errors import EmbedderUnavailable
from knowledge.modelfiles import check_sums, encodable
from knowledge.settings import KnowledgeSettings
from knowledge.types import Embedder, Vectors

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]  # it ships no types

MODEL_FILE = Path(__file__).parent / "models" / "all-minilm-l6-v2.int8.onnx"
MAX_TOKENS = 256  # all-MiniLM-L6-v2 was trained on no more; the rest of a longer text does not count
# Padding included. Larger batches are slower, not faster: at 127 tokens a text takes 13 ms of one core in batches of
# 256 tokens or of one text, 16 ms in batches of 1,024, where a tenth of the tokens are padding (AVX2, 2026-11).
_BATCH_TOKENS = 256


def passage_text(title: str, heading: str, text: str) -> str:
    """Return what is embedded for a chunk: its text under its title and headings, so that it stands alone."""
    return "\n".join(part for part in (title, heading, text) if part)


def open_embedder(settings: KnowledgeSettings) -> Embedder:
    """Return the embedder that `settings` name. Raises ModelFileDamaged if its file is not whole."""
    if settings.embedder == "remote":
        key = settings.embedder_key.get_secret_value() or None
        model, dimension = settings.embedder_model, settings.embedder_dimension
        return RemoteEmbedder(settings.embedder_url, model, dimension, key, settings.embedder_timeout_s)
    return OnnxEmbedder(settings.embedder_path or MODEL_FILE, settings.embedder_threads)


class OnnxEmbedder:
    """all-MiniLM-L6-v2 in this process, without torch: 0.2 s and 35 MB to load.

    A text's vector does not depend on the texts that it is embedded with. Safe to share between threads.
    """

    def __init__(self, model_path: Path = MODEL_FILE, threads: int | None = None) -> None:
        """Open the model; `tokenizer.json` and `SHA256SUMS` lie beside it. `threads` None: as many as cores.

        It is loaded when it is first needed: a worker without documents holds none of it.

        Raises ModelFileDamaged if a file is missing or its SHA-256 differs, here and when it is loaded.
        """
        self._model_path = model_path
        self._tokenizer_path = model_path.with_name("tokenizer.json")
        self._check()
        self.name = model_path.name.removesuffix(".onnx")
        self._threads = threads or len(os.sched_getaffinity(0))
        self._loading = threading.Lock()
        self._parts: _Parts | None = None

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return int(self._loaded().session.get_outputs()[0].shape[1])

    def embed(self, texts: list[str]) -> Vectors:
        """Return one row of unit length per text, in order; an empty list gives shape (0, dimension)."""
        parts = self._loaded()
        encoded = [_cut(one.ids) for one in parts.tokenizer.encode_batch_fast([encodable(text) for text in texts])]
        batches = list(_batches([len(ids) for ids in encoded]))
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        inputs = [[encoded[index] for index in some] for some in batches]
        # A lone batch, such as a question, does not wait behind the batches of other callers.
        results = map(self._run, inputs) if len(batches) == 1 else parts.pool.map(self._run, inputs)
        for some, unit in zip(batches, results, strict=True):
            vectors[some] = unit
        return vectors

    def count_tokens(self, text: str) -> int:
        """Return how many tokens `text` has, special ones included; `embed` sees the first MAX_TOKENS of them."""
        return len(self._loaded().tokenizer.encode(encodable(text)).ids)

    def _run(self, encoded: Sequence[list[int]]) -> Vectors:
        ids = np.zeros((len(encoded), max(map(len, encoded))), np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(encoded):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        unit: Vectors = self._loaded().session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]
        return unit

    def _check(self) -> None:
        check_sums(self._model_path.with_name("SHA256SUMS"), [self._model_path, self._tokenizer_path])

    def _loaded(self) -> _Parts:
        with self._loading:
            if self._parts is None:
                import onnxruntime  # noqa: PLC0415 - 20 MB, which a worker without documents does without

                self._check()
                tokenizer = Tokenizer.from_file(str(self._tokenizer_path))
                tokenizer.no_padding()
                tokenizer.no_truncation()  # a second one that truncates would take 7 MB
                options = onnxruntime.SessionOptions()
                # One core per batch and several batches at once does a third more than several cores per batch.
                options.intra_op_num_threads = 1
                session = onnxruntime.InferenceSession(
                    str(self._model_path), options, providers=["CPUExecutionProvider"]
                )
                pool = ThreadPoolExecutor(self._threads, thread_name_prefix="embed")
                self._parts = _Parts(tokenizer, session, pool)
            return self._parts


@dataclass(frozen=True, slots=True)
class _Parts:
    tokenizer: Tokenizer
    session: onnxruntime.InferenceSession
    pool: ThreadPoolExecutor


def _cut(ids: list[int]) -> list[int]:
    """Return the first MAX_TOKENS tokens, of which the last is [SEP] as in any text."""
    return ids if len(ids) <= MAX_TOKENS else [*ids[: MAX_TOKENS - 1], ids[-1]]


class RemoteEmbedder:
    """An embedding model behind OpenAI's /v1/embeddings, such as a vLLM server."""

    def __init__(
        self,
        base_url: str,
        model: str,
        dimension: int,
        api_key: str | None,
        timeout_s: float,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Talk to `base_url` (which ends in /v1). `dimension` is what the model's vectors have."""
        self.name = re.sub(r"[^A-Za-z0-9._-]+", "-", model)
        self.dimension = dimension
        self._model = model
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        # Servers on uvicorn close what was idle for 5 s, which is httpx's default, too.
        limits = httpx.Limits(keepalive_expiry=4)
        self._client = httpx.Client(
            base_url=base_url, headers=headers, timeout=timeout_s, limits=limits, transport=transport
        )

    def embed(self, texts: list[str]) -> Vectors:
        """Return one row of unit length per text, in order; an empty list gives shape (0, dimension).

        Raises EmbedderUnavailable if the server does not answer, or not with such vectors.
        """
        rows = [self._ask(texts[start : start + 64]) for start in range(0, len(texts), 64)]
        return np.concatenate([np.zeros((0, self.dimension), np.float32), *rows])

    def _ask(self, texts: list[str]) -> Vectors:
        body = {"model": self._model, "input": [encodable(text) or " " for text in texts], "encoding_format": "float"}
        try:
            response = self._client.post("embeddings", json=body)
            response.raise_for_status()
            entries = sorted(response.json()["data"], key=lambda entry: entry["index"])
            table = np.asarray([entry["embedding"] for entry in entries], np.float32)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as exc:
            raise EmbedderUnavailable(f"The embedding server gave no vectors ({exc}); check that it runs.") from exc
        if table.shape != (len(texts), self.dimension) or not np.isfinite(table).all():
            raise EmbedderUnavailable(
                f"The embedding server sent vectors of shape {table.shape} for {len(texts)} texts of "
                f"{self.dimension} dimensions; set the dimension of model {self._model!r}."
            )
        return _unit(table)


class HashEmbedder:
    """A fake: texts that share words are close. Deterministic, instant, needs no file."""

    def __init__(self, dimension: int = 64, name: str = "hash") -> None:
        """Make vectors of `dimension` numbers; another `name` stands for another model, with other vectors."""
        self.name = name
        self.dimension = dimension

    def embed(self, texts: list[str]) -> Vectors:
        """Return one row of unit length per text, in order; an empty list gives shape (0, dimension)."""
        table = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()) or [""]:
                table[row] += self._direction(word)
        return _unit(table)

    def _direction(self, word: str) -> Vectors:
        seed = hashlib.sha256(f"{self.name}\0{word}".encode("utf-8", "replace")).digest()[:8]
        return np.random.default_rng(int.from_bytes(seed)).standard_normal(self.dimension, np.float32)


def _unit(table: Vectors) -> Vectors:
    lengths = np.linalg.norm(table, axis=1, keepdims=True).astype(np.float32)
    unit: Vectors = table / np.maximum(lengths, np.float32(1e-12))
    return unit


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the positions of texts to be embedded together, similar lengths together, longest first."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    start = 0
    while start < len(order):
        size = max(1, _BATCH_TOKENS // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size
