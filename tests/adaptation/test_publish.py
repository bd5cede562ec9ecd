from __future__ import annotations

from pathlib import Path

import pytest

from assistant.adaptation import publish as registry
from assistant.adaptation.adapter import WEIGHTS, open_adapter, sha256
from assistant.adaptation.errors import AdapterError, AdapterMismatch
from tests.adaptation.conftest import make_adapter


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "var"
    folder.mkdir()
    return folder


def test_it_serves_what_ships_until_something_is_published(data_dir: Path) -> None:
    assert registry.active(data_dir) in (registry.DEFAULT, None)


def test_it_publishes_a_copy_that_outlives_its_source(data_dir: Path, base_gguf: Path, adapter: Path) -> None:
    registry.publish(data_dir, adapter, sha256(base_gguf))
    for file in adapter.iterdir():
        file.unlink()
    active = registry.active(data_dir)
    assert active is not None
    assert open_adapter(active).manifest.name == "small"


def test_it_goes_back_step_by_step(tmp_path: Path, data_dir: Path, base_gguf: Path, adapter: Path) -> None:
    base = sha256(base_gguf)
    first = registry.publish(data_dir, adapter, base)
    second = registry.publish(data_dir, make_adapter(tmp_path / "second", base, seed=9), base)
    assert first.folder != second.folder
    assert registry.rollback(data_dir) == first
    assert registry.active(data_dir) == data_dir / "adapters" / first.folder
    assert registry.rollback(data_dir) is None
    assert registry.active(data_dir) in (registry.DEFAULT, None)
    with pytest.raises(AdapterError, match="Publish one first"):
        registry.rollback(data_dir)


def test_it_leaves_the_live_adapter_when_the_new_one_is_damaged_or_foreign(
    tmp_path: Path, data_dir: Path, base_gguf: Path, adapter: Path
) -> None:
    base = sha256(base_gguf)
    registry.publish(data_dir, adapter, base)
    live = registry.active(data_dir)
    damaged = make_adapter(tmp_path / "damaged", base, seed=9)
    (damaged / WEIGHTS).write_bytes(b"torn")
    with pytest.raises(AdapterError):
        registry.publish(data_dir, damaged, base)
    with pytest.raises(AdapterMismatch):
        registry.publish(data_dir, make_adapter(tmp_path / "foreign", "f" * 64), base)
    with pytest.raises(AdapterError):
        registry.publish(data_dir, tmp_path / "absent", base)
    assert registry.active(data_dir) == live


def test_it_says_that_the_registry_is_damaged(data_dir: Path) -> None:
    (data_dir / registry.REGISTRY).write_text("{", "utf-8")
    with pytest.raises(AdapterError, match="Restore it from a backup"):
        registry.active(data_dir)
