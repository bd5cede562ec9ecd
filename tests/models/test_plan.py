from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import gguf
import pytest

from assistant.adaptation import publish
from assistant.models.errors import WeightsInvalid
from assistant.models.plan import plan
from assistant.models.preparing import KEPT, fingerprint, prepare
from assistant.models.settings import ModelSettings
from assistant.models.supervise import EngineSpec

Planned = Callable[[Path, ModelSettings], EngineSpec]
both = pytest.mark.parametrize("made", [plan, prepare], ids=["here", "in a process of its own"])


@both
def test_it_refuses_a_model_file_that_is_not_there(tmp_path: Path, made: Planned) -> None:
    with pytest.raises(WeightsInvalid, match="not a file"):
        made(tmp_path, ModelSettings(model=str(tmp_path / "none.gguf")))


@both
def test_it_refuses_a_model_file_that_is_no_model(tmp_path: Path, made: Planned) -> None:
    (tmp_path / "x.gguf").write_text("hello")
    with pytest.raises(WeightsInvalid, match=r"x\.gguf"):
        made(tmp_path, ModelSettings(model=str(tmp_path / "x.gguf")))


@both
def test_a_damaged_adapter_registry_is_a_reason_not_a_crash(tmp_path: Path, made: Planned) -> None:
    (tmp_path / publish.REGISTRY).write_text("{")
    with pytest.raises(WeightsInvalid, match="damaged"):
        made(tmp_path, ModelSettings())


def test_its_fingerprint_changes_with_the_active_adapter(tmp_path: Path) -> None:
    before = fingerprint(tmp_path)
    (tmp_path / publish.REGISTRY).write_text("{}")
    between = fingerprint(tmp_path)
    (tmp_path / publish.REGISTRY).write_text('{"history": []}')
    assert len({before, between, fingerprint(tmp_path)}) == 3


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A whole GGUF file without tensors."""
    file = tmp_path / "own.gguf"
    writer = gguf.GGUFWriter(file, arch="llama")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def test_a_second_start_takes_the_plan_of_the_first(tmp_path: Path, model: Path) -> None:
    first = prepare(tmp_path, ModelSettings(model=str(model)))
    kept = (tmp_path / KEPT).stat().st_mtime_ns
    assert prepare(tmp_path, ModelSettings(model=str(model))) == first
    assert (tmp_path / KEPT).stat().st_mtime_ns == kept  # nothing was planned


def _touch_the_model(data_dir: Path, model: Path) -> None:
    os.utime(model)


def _lose_the_weights(data_dir: Path, model: Path) -> None:
    next(data_dir.glob("models/*/weights.gguf")).unlink()


def _change_the_registry(data_dir: Path, model: Path) -> None:
    (data_dir / publish.REGISTRY).write_text('{"history": []}')


def _tear_the_plan(data_dir: Path, model: Path) -> None:
    (data_dir / KEPT).write_text("{")


@pytest.mark.parametrize("change", [_touch_the_model, _lose_the_weights, _change_the_registry, _tear_the_plan])
def test_it_plans_again_after_a_change(tmp_path: Path, model: Path, change: Callable[[Path, Path], None]) -> None:
    prepare(tmp_path, ModelSettings(model=str(model)))
    kept = (tmp_path / KEPT).stat().st_mtime_ns
    change(tmp_path, model)
    assert prepare(tmp_path, ModelSettings(model=str(model))).weights.is_file()
    assert (tmp_path / KEPT).stat().st_mtime_ns != kept


def test_it_plans_again_for_other_settings(tmp_path: Path, model: Path) -> None:
    prepare(tmp_path, ModelSettings(model=str(model)))
    assert prepare(tmp_path, ModelSettings(model=str(model), context_tokens=4096)).context_tokens == 4096


def test_a_plan_that_cannot_be_kept_is_a_plan_all_the_same(tmp_path: Path, model: Path) -> None:
    (tmp_path / KEPT.parent).write_text("no folder")
    assert prepare(tmp_path, ModelSettings(model=str(model))).weights.is_file()
