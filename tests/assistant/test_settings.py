"""The settings: one door for the environment, and no misspelt limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import InvalidSetting, UnknownSetting
from assistant.settings import load


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("ASSISTANT_"):
            monkeypatch.delenv(name)


def test_it_has_defaults_for_everything() -> None:
    settings = load()
    assert settings.data_dir == Path("var") and settings.port == 8000 and settings.api.max_json_bytes == 1_000_000


def test_it_reads_nested_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_API__MAX_CHATS", "7")
    monkeypatch.setenv("ASSISTANT_ALLOWED_HOSTS", '["chat.example.com"]')
    settings = load()
    assert settings.api.max_chats == 7 and settings.api.max_queued_chats == 256
    assert "chat.example.com" in settings.hosts


def test_it_lets_given_values_win_and_skips_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASSISTANT_PORT", "9000")
    settings = load(data_dir=tmp_path, port=None)
    assert settings.data_dir == tmp_path and settings.port == 9000


@pytest.mark.parametrize("name", ["ASSISTANT_PROT", "ASSISTANT_API__MAX_CHAT", "assistant_api_max_chats"])
def test_it_refuses_names_that_are_no_setting_and_suggests_one(name: str) -> None:
    with pytest.raises(UnknownSetting, match="Did you mean ASSISTANT_"):
        load({name: "1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "a"),
        ("API__MAX_CHATS", "0"),
        ("TRUSTED_PROXIES", '["10.0.0.0/99"]'),
        ("LOG_LEVEL", "x"),
    ],
)
def test_it_refuses_values_out_of_range_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ASSISTANT_{name}", value)
    with pytest.raises(InvalidSetting, match=f"ASSISTANT_{name}"):
        load()


def test_it_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1  # type: ignore[misc]


def test_it_never_shows_the_secret() -> None:
    assert "abcdef" not in repr(load(secret="abcdef" * 11))


def test_it_answers_under_loopback_names_and_not_under_the_wildcard_address() -> None:
    hosts = load(host="0.0.0.0").hosts
    assert {"localhost", "127.0.0.1", "::1"} <= hosts and "0.0.0.0" not in hosts
