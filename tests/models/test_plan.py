from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.adaptation import publish
from assistant.models.errors import WeightsInvalid
from assistant.models.plan import plan
from assistant.models.preparing import fingerprint, prepare
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
