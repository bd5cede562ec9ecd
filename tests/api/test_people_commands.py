"""`assistant users`, `groups`, `collections`, `documents` and `doctor`: each failure is one sentence and a status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assistant.cli.main import app
from assistant.cli.output import Failed
from knowledge import collections, documents, refused

from .conftest import World


def _run(folder: Path, *arguments: str, typed: str = "") -> Any:
    result = CliRunner().invoke(app, ["--data-dir", str(folder), *arguments], input=typed)
    if isinstance(result.exception, Failed):
        return str(result.exception)
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout) if "--json" in arguments else result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("users", "add", " ", "--password", "correct horse battery"), "The name is empty"),
        (("users", "add", "Fay"), "There is no password; give it with --password"),
        (("users", "add", "Fay", "--password", "short"), "10 to 256 characters"),
        (("users", "add", "Ben", "--password", "correct horse battery"), "There is a user named 'Ben' already"),
        (("users", "suspend", "nobody"), "There is no user 'nobody'; `assistant users list` shows them."),
        (("users", "suspend", "Ann"), "only administrator"),
        (("users", "restore", ""), "There is no user ''"),
        (("groups", "add", ""), "The name is empty"),
        (("collections", "add", ""), "The name is empty"),
        (("collections", "delete", "nope"), "There is no collection 'nope'"),
        (("keys", "add", "k", "--as", "nobody"), "no active user named 'nobody'"),
        (("keys", "delete", "../users/1"), "There is no key '../users/1'"),
        (("documents", "delete", ""), "There is no document ''; `assistant documents list` shows their ids."),
        (("documents", "delete", "../keys/1"), "There is no document '../keys/1'"),
        (("documents", "retry", "nope"), "no such document"),
        (("documents", "list", "--collection", "nope"), "There is no collection 'nope'"),
    ],
)
def test_a_failure_is_one_sentence(address: str, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in _run(tmp_path, *arguments)


def test_a_password_is_the_first_line_of_the_input(address: str, tmp_path: Path) -> None:
    assert _run(tmp_path, "users", "add", "Fay", "--json", typed="correct horse battery\n")["name"] == "Fay"
    assert _run(tmp_path, "users", "suspend", "Fay", "--json")["active"] is False
    assert _run(tmp_path, "users", "restore", "Fay", "--json")["active"] is True


def test_a_collection_is_not_deleted_unasked(address: str, tmp_path: Path) -> None:
    _run(tmp_path, "collections", "add", "HR")
    assert "add --yes" in _run(tmp_path, "collections", "delete", "HR")
    _run(tmp_path, "collections", "delete", "HR", "--yes")
    assert "none yet" in _run(tmp_path, "collections", "list")


def test_a_status_that_there_is_not_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "documents", "list", "--status", "nonsense"])
    assert result.exit_code == 2 and "queued" in result.stderr


def test_documents_are_listed_with_whole_ids_and_the_reasons_of_refused_files(
    address: str, tmp_path: Path, world: World
) -> None:
    hr = collections.create(world.app.engine, "HR", "", ["everyone"])
    taken = documents.add(world.app.engine, hr.id, "leave.md", "leave.md", "text/markdown", 1, "0" * 64, [], "Ann")
    refused.note(world.app.engine, hr.id, [("b.exe", "It is a [red]program[/].")], (), "Ann")
    listed = _run(tmp_path, "documents", "list")
    assert taken.id in listed and "It is a [red]program[/]." in listed
    (row,) = _run(tmp_path, "documents", "list", "--status", "failed", "--json")["documents"]
    assert row["id"] in listed and row["stage"] == "refused"
    assert "nothing of it is kept" in _run(tmp_path, "documents", "retry", row["id"])
    _run(tmp_path, "documents", "delete", row["id"])
    assert "b.exe" not in _run(tmp_path, "documents", "list")


@pytest.mark.parametrize("held", ["wrong", None])
def test_a_key_that_the_server_does_not_know_is_said_to_be_so(address: str, tmp_path: Path, held: str | None) -> None:
    key = tmp_path / "run" / "local.key"
    key.unlink()
    if held is not None:
        key.write_text(held)
    assert "restart the assistant, which writes it anew" in _run(tmp_path, "users", "list")
    result = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "doctor", "--json"])
    assert isinstance(result.exception, Failed)
    faults = [one["detail"] for one in json.loads(result.stdout)["findings"] if one["state"] == "fault"]
    assert any("restart the assistant, which writes it anew" in detail for detail in faults)


def test_the_doctor_looks_at_the_database_that_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_DATABASE_URL", "postgresql+psycopg://ann:secret@127.0.0.1:1/x")
    result = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "doctor", "--json"])
    assert isinstance(result.exception, Failed)
    found = {one["topic"]: one for one in json.loads(result.stdout)["findings"]}["database"]
    assert found["state"] == "fault" and "does not answer" in found["detail"] and "secret" not in found["detail"]
