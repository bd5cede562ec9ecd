"""The installation's secrets: made once, private, and never ones that everybody knows."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from assistant.errors import WeakSecret
from assistant.secret_file import load

GOOD = "9f2c4d7e1a0b8365" * 4

# What other products shipped as their default key, as it is and blown up to the right length.
DEFAULTS = [
    "secret",
    "changeme",
    "change-me",
    "CHANGE_ME",
    "your-secret-key",
    "default",
    "password",
    "t0p-s3cr3t",
    "",
    "0" * 64,
    "f" * 64,
    "deadbeef" * 8,
    "cafebabe" * 8,
    "0123456789abcdef" * 4,
    "1234567890" * 7,
    "change-me-change-me-change-me-change-me-change-me-change-me-change-me",
    "secretsecretsecretsecretsecretsecretsecretsecretsecretsecretsecretsecret",
    "supersecret" * 6,
    "0011" * 16,
    "abc123" * 11,
]


def test_it_makes_256_bits_on_first_run_and_keeps_them(tmp_path: Path) -> None:
    first, second = load(tmp_path), load(tmp_path)
    assert first == second and len(first.key) == 32 and first.local.startswith("loc_")


def test_it_writes_files_that_only_the_owner_can_read(tmp_path: Path) -> None:
    load(tmp_path)
    for name in ("secrets.json", "run/local.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_two_installations_have_different_secrets(tmp_path: Path) -> None:
    one, other = load(tmp_path / "a"), load(tmp_path / "b")
    assert one.key != other.key and one.local != other.local and one.digest("x") != other.digest("x")


@pytest.mark.parametrize("value", DEFAULTS)
def test_it_refuses_to_start_with_a_known_secret(tmp_path: Path, value: str) -> None:
    with pytest.raises(WeakSecret):
        load(tmp_path, value)
    (tmp_path / "secrets.json").write_text(json.dumps({"key": value}))
    (tmp_path / "secrets.json").chmod(0o600)
    with pytest.raises(WeakSecret):
        load(tmp_path)


def test_it_takes_a_good_secret_from_the_settings(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).key == bytes.fromhex(GOOD)
    assert not (tmp_path / "secrets.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"key": 5}', '{"other": 1}'])
def test_it_refuses_a_damaged_file_instead_of_making_a_new_key(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets.json").write_text(text)
    (tmp_path / "secrets.json").chmod(0o600)
    with pytest.raises(WeakSecret):
        load(tmp_path)
    assert (tmp_path / "secrets.json").read_text() == text


def test_it_refuses_files_that_others_can_read(tmp_path: Path) -> None:
    load(tmp_path)
    (tmp_path / "secrets.json").chmod(0o644)
    with pytest.raises(WeakSecret, match="chmod 600"):
        load(tmp_path)


def test_it_does_not_show_itself(tmp_path: Path) -> None:
    secrets = load(tmp_path)
    assert secrets.local not in repr(secrets) and secrets.key.hex() not in f"{secrets!r} {secrets!s}"
