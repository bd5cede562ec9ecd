"""`assistant skills` where a server runs on the data folder: it is asked, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from assistant.cli.output import Failed
from assistant.cli.skills import app

from .conftest import World


def _run(world: World, *words: str, status: int = 0) -> Any:
    root = typer.Typer()
    root.add_typer(app, name="skills")

    @root.callback()
    def begin(context: typer.Context) -> None:
        context.obj = world.app.settings

    result = CliRunner().invoke(root, ["skills", *words, "--json"])
    if isinstance(result.exception, Failed):
        raise result.exception
    assert result.exit_code == status, (result.output, result.exception)
    return json.loads(result.stdout)


@pytest.mark.usefixtures("address")
def test_a_command_lists_and_calls_the_skills_of_the_running_server(world: World) -> None:
    names = [each["name"] for each in _run(world, "list")["skills"]]
    assert names == ["read_notes", "read_secrets", "write_note"]  # which only this server has
    assert _run(world, "call", "read_notes", '{"text": "x"}')["text"] == "Nothing."
    asked = _run(world, "call", "write_note", '{"text": "x"}', status=1)
    assert asked["status"] == "ask" and not world.notebook.write.calls
    assert _run(world, "call", "write_note", '{"text": "x"}', "--approve")["text"] == "Kept."
    assert len(world.notebook.write.calls) == 1
    with pytest.raises(Failed, match="no skill named 'translate', or it is not for you"):
        _run(world, "call", "translate")
