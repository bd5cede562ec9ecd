from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.adaptation.adapter import MANIFEST, WEIGHTS, read_safetensors, write_manifest
from assistant.models.errors import AdapterRefused
from assistant.models.vllm.catalogue import folder_of, offered
from assistant.models.vllm.deployment import Deployment, Lora
from assistant.models.vllm.preflight import check

from .conftest import DEPLOYMENT, GROUNDED, Copied, Tensors

PLACE = "base_model.model.model.layers.8.mlp.down_proj"
A, B = f"{PLACE}.lora_A.weight", f"{PLACE}.lora_B.weight"


def test_it_takes_the_adapter_that_ships() -> None:
    assert check(GROUNDED, DEPLOYMENT).r == 20


@pytest.mark.parametrize(
    ("config", "manifest", "reason"),
    [
        ({"r": 512}, {}, "its rank is 512, the server takes 32"),
        ({"rank_pattern": {"q_proj": 64}}, {}, "its rank is 64"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, {}, "modules embed_tokens"),
        ({"modules_to_save": ["lm_head"]}, {}, "whole modules"),
        ({"bias": "all"}, {}, "biases"),
        ({"auto_map": {"AutoModel": "evil.py"}}, {}, "names code to run"),
        ({"use_dora": True}, {}, "not a plain LoRA"),
        ({}, {"base_sha256": "f" * 64}, "base model ffffffffffff"),
    ],
)
def test_it_says_why_an_adapter_cannot_be_served(
    copied: Copied, config: dict[str, Any], manifest: dict[str, Any], reason: str
) -> None:
    with pytest.raises(AdapterRefused, match=reason):
        check(copied(config, manifest), DEPLOYMENT)


def _ghost(tensors: Tensors) -> Tensors:
    return tensors | {name.replace(".8.", ".99."): tensor for name, tensor in tensors.items() if ".8." in name}


def _wide(tensors: Tensors) -> Tensors:
    return {name: np.concatenate([tensor] * 4, 0 if "lora_A" in name else 1) for name, tensor in tensors.items()}


def _scaled(by: float) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {name: tensor * np.float32(by) for name, tensor in tensors.items()}


@pytest.mark.parametrize(
    ("config", "tensors", "reason"),
    [
        ({"r": 8}, None, "lora_A.weight' has the rank 20; expected 8"),
        ({"r": 16}, _wide, "has the rank 80; expected 16"),
        ({"rank_pattern": {"down_proj": 4}}, None, "down_proj.lora_A.weight' has the rank 20; expected 4"),
        ({}, lambda t: t | {A: t[A][:, :100]}, f"{A}' is 100 wide; expected 1536"),
        ({}, lambda t: t | {B: t[B][:100]}, f"{B}' is 100 wide; expected 576"),
        ({}, lambda t: t | {B: t[B].reshape(-1)}, f"{B}' has 1 dimensions; expected 2"),
        ({}, _ghost, "changes layer 99; expected 0 to 29"),
        ({}, lambda t: {k: v for k, v in t.items() if k != B}, f"{A}' stands alone; expected lora_B.weight"),
        ({}, lambda t: {k.replace("mlp.down", "self_attn.down"): v for k, v in t.items()}, "does not have"),
        ({}, lambda t: t | {"model.norm.weight": t[A]}, "'model.norm.weight' is no matrix of a LoRA"),
        ({"target_modules": ["q_proj"]}, None, "belongs to down_proj"),
        ({"target_modules": "all-linear"}, None, "target_modules is 'all-linear'; expected a list of modules"),
        ({"r": "many"}, None, "cannot be used"),
        ({}, _scaled(1e30), "hold values of .*e.28; expected at most 100"),
        ({}, _scaled(30), "change weights by .*; expected at most 1"),
        ({"lora_alpha": 1e6}, None, "change weights by"),
    ],
)
def test_it_holds_every_matrix_against_the_configuration_and_the_base_model(
    copied: Copied, config: dict[str, Any], tensors: Callable[[Tensors], Tensors] | None, reason: str
) -> None:
    with pytest.raises(AdapterRefused, match=reason) as refused:
        check(copied(config, tensors=tensors), DEPLOYMENT)
    said = str(refused.value)
    assert "\n" not in said and "http" not in said and said.endswith(".")


def test_it_takes_a_rank_and_a_strength_of_one_module_s_own(copied: Copied) -> None:
    def halved(tensors: Tensors) -> Tensors:
        return {
            n: t[:10] if "q_proj.lora_A" in n else t[:, :10] if "q_proj.lora_B" in n else t for n, t in tensors.items()
        }

    patterns = {"rank_pattern": {"self_attn.q_proj": 10}, "alpha_pattern": {"q_proj": 20}}
    assert check(copied(patterns, tensors=halved), DEPLOYMENT).r == 20


def test_it_reads_the_sizes_of_a_model_s_folder(copied: Copied, tmp_path: Path) -> None:
    (folder := tmp_path / "model").mkdir()
    known = {"model_type": "llama", "hidden_size": 512, "intermediate_size": 1536, "num_attention_heads": 9}
    other = Deployment(model=str(folder), served_name="x", lora=Lora(base_sha256=DEPLOYMENT.base_sha256))
    check(copied(), other)  # no config.json: what fits is vLLM's to say
    (folder / "config.json").write_text(json.dumps(known | {"num_hidden_layers": 30, "model_type": "mamba"}))
    check(tmp_path / "changed", other)
    (folder / "config.json").write_text(json.dumps(known | {"num_hidden_layers": 30}))
    with pytest.raises(AdapterRefused, match=r"is \d+ wide; expected 512"):
        check(tmp_path / "changed", other)


@pytest.mark.parametrize("name", ["adapter_model.bin", "model.pt", "code.py", "notes.pkl"])
def test_it_refuses_a_folder_with_files_that_could_run(copied: Copied, name: str) -> None:
    folder = copied()
    (folder / name).write_bytes(b"x")
    with pytest.raises(AdapterRefused, match="only safetensors"):
        check(folder, DEPLOYMENT)


def test_it_refuses_links(copied: Copied, tmp_path: Path) -> None:
    folder = copied()
    (folder / "more.json").symlink_to("/etc/hostname")
    with pytest.raises(AdapterRefused, match="no plain file"):
        check(folder, DEPLOYMENT)
    (tmp_path / "link").symlink_to(GROUNDED)
    with pytest.raises(AdapterRefused, match="not a folder of its own"):
        check(tmp_path / "link", DEPLOYMENT)


def test_it_refuses_damaged_and_empty_weights(copied: Copied) -> None:
    folder = copied()
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-7])
    with pytest.raises(AdapterRefused, match="damaged"):
        check(folder, DEPLOYMENT)
    (folder / WEIGHTS).write_bytes(b"")
    with pytest.raises(AdapterRefused, match="damaged"):
        check(folder, DEPLOYMENT)


def test_it_refuses_weights_that_are_not_numbers(copied: Copied) -> None:
    folder = copied()
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-2:] = np.array([np.nan], "<f2").tobytes()
    (folder / WEIGHTS).write_bytes(content)
    assert any(np.isnan(tensor).any() for tensor in read_safetensors(folder / WEIGHTS).values())
    known = {key: value for key, value in _manifest(folder).items() if key != "files"}
    write_manifest(folder, known)
    with pytest.raises(AdapterRefused, match="not all numbers"):
        check(folder, DEPLOYMENT)


def test_it_refuses_every_adapter_where_the_server_knows_no_base(tmp_path: Path) -> None:
    elsewhere = Deployment(model="/models/big", served_name="big")
    with pytest.raises(AdapterRefused, match="set lora.base_sha256"):
        check(GROUNDED, elsewhere)
    with pytest.raises(AdapterRefused, match="started without adapters"):
        check(GROUNDED, Deployment(served_name="big", lora=None))
    with pytest.raises(AdapterRefused, match="takes 16"):
        check(GROUNDED, Deployment(served_name="big", lora=Lora(max_rank=16)))


@pytest.mark.parametrize("name", ["../../etc", "/etc", "", "grounded-answer/../x", "Grounded-Answer", "a" * 500])
def test_it_knows_adapters_by_their_registered_names_only(tmp_path: Path, name: str) -> None:
    assert folder_of(tmp_path, "grounded-answer") == GROUNDED
    with pytest.raises(AdapterRefused, match="There is no adapter"):
        folder_of(tmp_path, name)


def test_it_says_when_the_registry_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "adapters.json").write_text("{")
    with pytest.raises(AdapterRefused, match="damaged"):
        offered(tmp_path)


def test_a_folder_that_was_not_published_is_not_on_offer(tmp_path: Path) -> None:
    shutil.copytree(GROUNDED, tmp_path / "adapters" / "mine")
    assert set(offered(tmp_path)) == {"grounded-answer"}


def _manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    return found
