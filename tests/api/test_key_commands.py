"""`assistant keys`, against a real server on the data folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner

from assistant.cli.main import app
from assistant.cli.output import Failed


def _run(tmp_path: Path, *arguments: str) -> Any:
    result = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "keys", *arguments])
    if isinstance(result.exception, Failed):
        return str(result.exception)
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout) if "--json" in arguments else result.stdout


def test_a_key_is_made_listed_with_its_owner_and_deleted(address: str, tmp_path: Path) -> None:
    made = _run(tmp_path, "add", "script", "--as", "Ben", "--json")
    _run(tmp_path, "add", "other", "--as", "Eve", "--json")
    listed = _run(tmp_path, "list", "--json")["keys"]
    assert [(key["name"], key["user"]) for key in listed] == [("script", "Ben"), ("other", "Eve")]
    assert made["secret"] not in json.dumps(listed)
    headers = {"Authorization": f"Bearer {made['secret']}"}
    assert httpx.get(f"{address}/api/me", headers=headers).status_code == 200
    # Whoever holds a key sees and deletes their own alone.
    assert [key["name"] for key in httpx.get(f"{address}/api/keys", headers=headers).json()["keys"]] == ["script"]
    assert httpx.delete(f"{address}/api/keys/{listed[1]['id']}", headers=headers).status_code == 404
    _run(tmp_path, "delete", made["id"])
    assert httpx.get(f"{address}/api/me", headers=headers).status_code == 401
    assert [key["name"] for key in _run(tmp_path, "list", "--json")["keys"]] == ["other"]


def test_deleting_a_key_that_is_not_there_says_so(address: str, tmp_path: Path) -> None:
    assert "no such API key" in _run(tmp_path, "delete", "nothing")
