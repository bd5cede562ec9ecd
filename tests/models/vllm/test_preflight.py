from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.adaptation.adapter import MANIFEST, WEIGHTS, read_safetensors, write_manifest
from assistant.models.errors import AdapterRefused
from assistant.models.vllm.catalogue import folder_of, offered
from assistant.models.vllm.deployment import Deployment, Lora
from assistant.models.vllm.preflight import check

from .conftest import DEPLOYMENT, GROUNDED, Copied


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
