"""The API server's process."""

from __future__ import annotations

from pathlib import Path

from assistant.serve import bind
from assistant.serving import listening
from assistant.settings import Settings


def test_it_tells_the_address_that_it_listens_on_not_the_one_in_the_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with bind("127.0.0.1", 0) as listener:
        told = listening(settings, listener)
        assert (told.host, told.port) == listener.getsockname()
    assert told.port not in (0, settings.port) and told.data_dir == tmp_path
