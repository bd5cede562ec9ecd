"""Rows, adapters and base models small enough for unit tests, all made here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.adaptation.adapter import CONFIG, WEIGHTS, sha256, write_manifest
from assistant.adaptation.assemble import safetensors

HEADS, KEY_HEADS, WIDTH, INNER, LAYERS = 4, 2, 64, 128, 2


def hashed(texts: Sequence[str]) -> NDArray[np.float32]:
    """A fake embedder: the words of a text, hashed into 64 places."""
    vectors = np.full((len(texts), 64), 1e-3, np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            vectors[row, int(hashlib.sha256(word.encode()).hexdigest(), 16) % 64] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def raw_row(number: int, document: str, answer: str = "", **more: object) -> dict[str, object]:
    """A line of a rows file; without an answer it is unanswerable."""
    text = f"In {document} the {answer or 'unknown thing'} number {number} stands beside the river and the old mill."
    row: dict[str, object] = {
        "id": f"{document}-{number}",
        "question": f"What stands beside the river as number {number} in {document}?",
        "contexts": [{"id": "p1", "title": document, "text": text}],
        "answers": [answer] if answer else [],
        "answerable": bool(answer),
        "gold": ["p1"] if answer else [],
    }
    return row | more


@pytest.fixture
def rows_file(tmp_path: Path) -> Path:
    """Thirty answerable and ten unanswerable questions over four documents."""
    rows = [raw_row(n, f"Town {n % 4}", f"tower {n}") for n in range(30)]
    rows += [raw_row(n, f"Town {n % 4}") for n in range(30, 40)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return path


@pytest.fixture
def recipe_text() -> str:
    """A recipe over `rows_file` that keeps one town for development and one for the test."""
    return """
name: small
base_model: tiny
base_sha256: "%s"
sources:
  - {file: rows.jsonl, pool: towns, licence: CC0, attribution: made here, development: [Town 0], test: [Town 1]}
mixture: {epochs: 2, passages: [2, 3]}
training: {rank: 2, alpha: 4, max_steps: 4, groups_per_step: 1, warmup_steps: 1, validate_every_steps: 2}
""" % ("0" * 64)


@pytest.fixture
def base_gguf(tmp_path: Path) -> Path:
    """A Llama of two narrow layers with random weights, quantised the way the packaged model is."""
    path = tmp_path / "tiny.gguf"
    writer = gguf.GGUFWriter(path, arch="llama")
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    dice = np.random.default_rng(3)
    for layer in range(LAYERS):
        for name, (rows, columns) in shapes().items():
            weight = dice.normal(0, 0.1, (rows, columns)).astype(np.float32)
            kind = gguf.GGMLQuantizationType.Q4_1
            writer.add_tensor(f"blk.{layer}.{name}.weight", gguf.quants.quantize(weight, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def shapes() -> dict[str, tuple[int, int]]:
    """Rows and columns of each matrix of a layer."""
    keys = WIDTH // HEADS * KEY_HEADS
    return {
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (keys, WIDTH),
        "attn_v": (keys, WIDTH),
        "attn_output": (WIDTH, WIDTH),
        "ffn_gate": (INNER, WIDTH),
        "ffn_up": (INNER, WIDTH),
        "ffn_down": (WIDTH, INNER),
    }


@pytest.fixture
def adapter(tmp_path: Path, base_gguf: Path) -> Path:
    """A complete adapter of rank 2 for `base_gguf` that changes q_proj and down_proj of the last layer."""
    return make_adapter(tmp_path / "adapter", sha256(base_gguf))


def make_adapter(folder: Path, base_sha256: str, seed: int = 5) -> Path:
    folder.mkdir()
    dice = np.random.default_rng(seed)
    weights = {}
    for module, (rows, columns) in {"self_attn.q_proj": (WIDTH, WIDTH), "mlp.down_proj": (WIDTH, INNER)}.items():
        name = f"base_model.model.model.layers.{LAYERS - 1}.{module}.lora_"
        weights[f"{name}A.weight"] = dice.normal(0, 0.1, (2, columns)).astype(np.float16)
        weights[f"{name}B.weight"] = dice.normal(0, 0.1, (rows, 2)).astype(np.float16)
    (folder / WEIGHTS).write_bytes(safetensors(weights))
    (folder / CONFIG).write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 4}), "utf-8")
    facts = {"name": "small", "base_model": "tiny", "base_sha256": base_sha256, "data_sha256": "0" * 64}
    facts |= {"recipe_version": "r", "prompt": "grounded_answer", "prompt_version": "p", "quantisation": "Q8_0"}
    write_manifest(folder, {**facts, "scores": {}})
    return folder
