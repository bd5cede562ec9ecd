"""`assistant widgets` against a server that is running on the data folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from assistant.cli.main import app
from assistant.cli.output import Failed

from .conftest import World
from .widget_world import ORIGIN, make_widget


@pytest.fixture
def folder(tmp_path: Path, address: str) -> Path:
    return tmp_path


def run(folder: Path, *arguments: str) -> Any:
    """What a command printed, as JSON where it was asked for."""
    done = CliRunner().invoke(app, ["--data-dir", str(folder), "widgets", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


def test_a_widget_lives_through_all_commands(folder: Path) -> None:
    made = run(folder, "add", "Help", "--origin", "https://www.example.com", "--json")
    assert not made["enabled"] and made["profile"]["origins"] == ["https://www.example.com"]
    assert run(folder, "on", "Help", "--json")["enabled"]
    profile = folder / "profile.json"
    profile.write_text('{"words": {"greeting": "Hello"}, "hand_over": {"mail": "help@example.com"}}')
    changed = run(folder, "set", "Help", "--profile", str(profile), "--json")
    assert changed["profile"]["words"]["greeting"] == "Hello" and changed["profile"]["origins"]
    first, second = run(folder, "rotate", "Help", "--json"), run(folder, "rotate", "Help").strip()
    assert first["secret"].startswith("wsk_") and second.startswith("wsk_") and first["secret"] != second
    run(folder, "retire", "Help", first["id"])
    assert len(run(folder, "show", made["id"], "--json")["keys"]) == 1
    assert run(folder, "transcripts", "Help", "--json") == {"transcripts": []}
    assert run(folder, "hand-overs", "Help", "--json") == {"hand_overs": []}
    assert "data-widget" in run(folder, "off", "Help")
    run(folder, "delete", "Help", "--yes")
    assert run(folder, "list", "--json") == {"widgets": []}


def test_a_wrong_name_or_value_is_one_sentence(folder: Path) -> None:
    with pytest.raises(Failed, match="no widget 'Nobody'"):
        run(folder, "on", "Nobody")
    with pytest.raises(Failed, match="is no origin"):
        run(folder, "add", "Help", "--origin", "https://www.example.com/path")


def test_a_transcript_is_deleted_by_its_id(folder: Path, world: World, address: str) -> None:
    widget, _ = make_widget(world)
    with httpx.Client(base_url=f"{address}/api/widget/{widget.id}", headers={"Origin": ORIGIN}) as client:
        token = client.post("/session", json={}).json()["token"]
        client.post("/ask", json={"question": "words 1 0"}, headers={"Authorization": f"Bearer {token}"})
    found = run(folder, "transcripts", "Help", "--json")["transcripts"][0]["conversation_id"]
    run(folder, "forget", "Help", found)
    assert run(folder, "transcripts", "Help", "--json") == {"transcripts": []}
    with pytest.raises(Failed, match="no such conversation|There is no"):
        run(folder, "forget", "Help", found)
