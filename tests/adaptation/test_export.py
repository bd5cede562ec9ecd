from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
import pytest

from assistant.adaptation.adapter import CONFIG, MANIFEST, WEIGHTS, open_adapter, read_safetensors, sha256
from assistant.adaptation.errors import AdapterError, AdapterMismatch
from assistant.adaptation.export import materialise, permuted
from tests.adaptation.conftest import HEADS, LAYERS, make_adapter


def tensors(path: Path) -> dict[str, gguf.ReaderTensor]:
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


def dense(tensor: gguf.ReaderTensor) -> np.ndarray:  # type: ignore[type-arg]
    return gguf.quants.dequantize(tensor.data, tensor.tensor_type)


@pytest.mark.parametrize(("quantisation", "error"), [("F16", 2e-4), ("Q8_0", 4e-3), ("Q4_1", 5e-2), ("Q4_0", 8e-2)])
def test_it_adds_the_low_rank_product_to_the_base(
    tmp_path: Path, base_gguf: Path, adapter: Path, quantisation: str, error: float
) -> None:
    made = tensors(materialise(base_gguf, adapter, tmp_path / "cache", quantisation))
    weights = read_safetensors(adapter / WEIGHTS)
    prefix = f"base_model.model.model.layers.{LAYERS - 1}"
    for module, name in {"mlp.down_proj": "ffn_down", "self_attn.q_proj": "attn_q"}.items():
        up, down = (weights[f"{prefix}.{module}.lora_{side}.weight"] for side in "BA")
        delta = up @ down * 2
        if name == "attn_q":
            delta = permuted(delta, HEADS)
        wanted = dense(tensors(base_gguf)[f"blk.{LAYERS - 1}.{name}.weight"]) + delta
        assert np.abs(dense(made[f"blk.{LAYERS - 1}.{name}.weight"]) - wanted).max() < error


def test_it_keeps_what_the_adapter_does_not_touch(tmp_path: Path, base_gguf: Path, adapter: Path) -> None:
    target = materialise(base_gguf, adapter, tmp_path / "cache", "Q8_0")
    before, after = tensors(base_gguf), tensors(target)
    assert list(before) == list(after)
    for name in set(before) - {f"blk.{LAYERS - 1}.attn_q.weight", f"blk.{LAYERS - 1}.ffn_down.weight"}:
        assert np.abs(dense(before[name]) - dense(after[name])).max() < 2e-3
    reader = gguf.GGUFReader(target)
    assert reader.fields["tokenizer.ggml.tokens"].contents() == ["a", "b"]


def test_it_orders_query_rows_as_the_format_wants() -> None:
    rows = np.arange(8, dtype=np.float32).reshape(8, 1)  # two heads of four rows: halves 0,1 | 2,3 become 0,2,1,3
    assert permuted(rows, 2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_it_makes_the_same_weights_only_once(tmp_path: Path, base_gguf: Path, adapter: Path) -> None:
    first = materialise(base_gguf, adapter, tmp_path / "cache", "Q8_0")
    stamp = first.stat().st_mtime_ns
    assert materialise(base_gguf, adapter, tmp_path / "cache", "Q8_0") == first
    assert first.stat().st_mtime_ns == stamp
    other = make_adapter(tmp_path / "other", sha256(base_gguf), seed=6)
    assert materialise(base_gguf, other, tmp_path / "cache", "Q8_0") != first


def test_it_refuses_an_adapter_of_another_base_model(tmp_path: Path, base_gguf: Path) -> None:
    foreign = make_adapter(tmp_path / "foreign", "f" * 64)
    with pytest.raises(AdapterMismatch, match="ffffffffffff"):
        materialise(base_gguf, foreign, tmp_path / "cache", "Q8_0")
    assert not (tmp_path / "cache").exists()


def test_it_refuses_unknown_quantisations(tmp_path: Path, base_gguf: Path, adapter: Path) -> None:
    with pytest.raises(AdapterError, match="Q2_K"):
        materialise(base_gguf, adapter, tmp_path / "cache", "Q2_K")


def test_it_notices_a_changed_byte_and_a_missing_file(adapter: Path) -> None:
    content = bytearray((adapter / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (adapter / WEIGHTS).write_bytes(content)
    with pytest.raises(AdapterError, match="damaged"):
        open_adapter(adapter)
    (adapter / WEIGHTS).unlink()
    with pytest.raises(AdapterError, match="no complete adapter"):
        open_adapter(adapter)


def test_it_refuses_adapters_that_cannot_be_merged(adapter: Path) -> None:
    (adapter / CONFIG).write_text(json.dumps({"peft_type": "IA3", "r": 2, "lora_alpha": 4}), "utf-8")
    manifest = json.loads((adapter / MANIFEST).read_text("utf-8"))
    manifest["files"][CONFIG] = sha256(adapter / CONFIG)
    (adapter / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(AdapterError, match="not a plain LoRA"):
        open_adapter(adapter)


@pytest.mark.parametrize("length", [0, 4, 40, -10])
def test_it_refuses_torn_weights(adapter: Path, length: int) -> None:
    path = adapter / WEIGHTS
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(AdapterError, match="Cannot read the weights"):
        read_safetensors(path)


def test_it_leaves_nothing_behind_when_the_disk_is_full(tmp_path: Path, base_gguf: Path, adapter: Path) -> None:
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(AdapterError, match="Free some space") as refused:
            materialise(base_gguf, adapter, tmp_path / "cache", "F16")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "None" not in str(refused.value)  # numpy says what went wrong without the system's words for it
    assert list((tmp_path / "cache").iterdir()) == []
