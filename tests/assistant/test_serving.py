"""The API server's process."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.build import build
from assistant.errors import InvalidSetting
from assistant.listen import bind
from assistant.serving import listening
from assistant.settings import Settings, load


def test_it_tells_the_address_that_it_listens_on_not_the_one_in_the_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with bind("127.0.0.1", 0) as listener:
        told = listening(settings, listener)
        assert (told.host, told.port) == listener.getsockname()
    assert told.port not in (0, settings.port) and told.data_dir == tmp_path


def test_it_does_not_start_with_an_ensemble_that_takes_a_models_name(tmp_path: Path) -> None:
    file = tmp_path / "ensembles.yaml"
    file.write_text("ensembles:\n  - {name: big, about: x, kind: self_consistency}\n")
    models = {"vllm_url": "http://127.0.0.1:9/v1", "vllm_model": "big", "ensembles": file}
    with pytest.raises(InvalidSetting, match="the name 'big' is that of a model"):
        build(load(data_dir=tmp_path, models=models), None)
