"""Rerankers: a second, closer look at the few best passages. Optional; the search keeps its order without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from knowledge.modelfiles import check_sums, encodable
from knowledge.words import is_stop_word, plain_words, prepared

_MAX_TOKENS = 320  # of question and passage together
_AT_ONCE = 4  # pairs per run: larger batches are slower on few cores (see embed.py)


class OnnxReranker:
    """A cross-encoder as an ONNX file with inputs input_ids, attention_mask and token_type_ids, one logit per pair."""

    def __init__(self, model_path: Path) -> None:
        """Load the model; `tokenizer.json` and `SHA256SUMS` lie beside it. Raises ModelFileDamaged."""
        import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415 - 20 MB, and few sites rerank

        tokenizer_path = model_path.with_name("tokenizer.json")
        check_sums(model_path.with_name("SHA256SUMS"), [model_path, tokenizer_path])
        self.name = model_path.stem
        self._tokenizer = Tokenizer.from_file(str(tokenizer_path))
        self._tokenizer.enable_truncation(_MAX_TOKENS, strategy="only_second")
        self._tokenizer.enable_padding()
        self._session = onnxruntime.InferenceSession(str(model_path), providers=["CPUExecutionProvider"])
        self._inputs = [entry.name for entry in self._session.get_inputs()]

    def score(self, query: str, texts: list[str]) -> list[float]:
        """Return one score per text, in order, 0..1, higher is better."""
        scores: list[float] = []
        for start in range(0, len(texts), _AT_ONCE):
            pairs = [(encodable(query)[:1000], encodable(text)) for text in texts[start : start + _AT_ONCE]]
            encoded = self._tokenizer.encode_batch(pairs)
            arrays = {
                "input_ids": np.array([entry.ids for entry in encoded], np.int64),
                "attention_mask": np.array([entry.attention_mask for entry in encoded], np.int64),
                "token_type_ids": np.array([entry.type_ids for entry in encoded], np.int64),
            }
            logits = self._session.run(None, {name: arrays[name] for name in self._inputs})[0]
            scores.extend(float(1 / (1 + np.exp(-logit))) for logit in np.asarray(logits, np.float64).reshape(-1))
        return scores


class OverlapReranker:
    """A fake: the share of the question's words that a text contains. Deterministic, needs no file."""

    name = "overlap"

    def score(self, query: str, texts: list[str]) -> list[float]:
        """Return one score per text, in order, 0..1, higher is better."""
        wanted = {word for word in plain_words(prepared(query)) if not is_stop_word(word)}
        return [len(wanted & set(plain_words(prepared(text)))) / max(1, len(wanted)) for text in texts]
