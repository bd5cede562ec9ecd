from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from assistant.cli.output import Failed
from assistant.cli.skills import app
from assistant.settings import Settings
from skills.settings import SkillsSettings


class Command:
    """Runs `assistant skills ...` on a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        root = typer.Typer()
        root.add_typer(app, name="skills")

        @root.callback()
        def begin(context: typer.Context) -> None:
            context.obj = Settings(data_dir=folder / "data", skills=SkillsSettings())

        self._root = root

    def __call__(self, *words: str, status: int = 0) -> Any:
        result = CliRunner().invoke(self._root, ["skills", *words, "--json"])
        if isinstance(result.exception, Failed):
            raise result.exception
        assert result.exit_code == status, (result.output, result.exception)
        return json.loads(result.stdout) if result.stdout.startswith(("{", "[")) else None


@pytest.fixture
def skills(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_lists_calls_and_switches_skills(skills: Command) -> None:
    listed = {row["name"]: row for row in skills("list")["skills"]}
    assert listed["calculate"]["effect"] == "read" and listed["post_json"]["effect"] == "write"
    assert skills("call", "calculate", '{"expression": "15% of 80"}')["text"] == "15% of 80 = 12"
    assert skills("call", "calculate", '{"expression": "x"}', status=1)["status"] == "retry"
    skills("disable", "calculate")
    assert skills("call", "calculate", '{"expression": "1"}', status=1)["status"] == "retry"
    skills("enable", "calculate")
    skills("rule", "calculate", "ask")
    assert skills("call", "calculate", '{"expression": "1"}', status=1)["status"] == "ask"
    assert skills("call", "calculate", '{"expression": "1"}', "--approve")["text"] == "1 = 1"
    skills("rule", "calculate", "default")
    assert skills("call", "calculate", '{"expression": "1"}')["text"] == "1 = 1"


def test_adds_tests_and_removes_a_source(skills: Command) -> None:
    path = skills.folder / "guide"
    path.mkdir()
    (path / "SKILL.md").write_text("---\nname: guide\ndescription: How to.\n---\nbody")
    assert skills("add", str(path))["added"][0]["name"] == "guide"
    assert skills("test", "skill.md:guide")["sources"][0] == {
        "source": "skill.md:guide",
        "ok": True,
        "skills": 1,
        "left_out": [],
        "problem": "",
        "connecting": False,
        "origin": "",
        "tested": "It was loaded anew and works.",
    }
    assert skills("remove", "guide") == {"removed": "guide"}
    (skills.folder / "data" / "skills" / "bad.skill.yaml").write_text("kind: nonsense")
    report = skills("test", status=1)["sources"]
    assert [each["source"] for each in report if not each["ok"]] == ["bad.skill.yaml"]


def test_stores_a_secret_and_never_shows_it(skills: Command) -> None:
    assert skills("secret", "crm", "--value", "sk-123456") == {"secret": "crm", "stored": True}
    assert "sk-123456" not in json.dumps(skills("list"))
    assert oct((skills.folder / "data" / "skill_secrets.json").stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "nowhere.py"), "no skill"),
        (("add", "http://169.254.169.254/x", "--name", "a"), "not a public address"),
        (("add", "http://127.0.0.1:1/mcp", "--name", "a", "--kind", "mcp"), "mcp:a"),
        (
            ("add", "http://127.0.0.1:1/", "--name", "a", "--kind", "mcp", "--option", "command=/bin/sh"),
            "url or command",
        ),
        (("remove", "nothing"), "Nothing named"),
        (("disable", "nothing"), "no skill named"),
        (("approve", "mcp:nothing"), "no MCP server"),
        (("test", "nothing"), "no source"),
    ],
)
def test_says_in_one_sentence_what_is_wrong(skills: Command, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(Failed, match=said):
        skills(*words)


@pytest.mark.parametrize(
    "words", [("call", "calculate", "no json"), ("call", "calculate", "[]"), ("rule", "calculate", "x")]
)
def test_refuses_wrong_usage_with_status_2(skills: Command, words: tuple[str, ...]) -> None:
    skills(*words, status=2)


def test_lists_the_latest_calls(skills: Command) -> None:
    assert skills("calls") == {"calls": []}
    skills("call", "calculate", '{"expression": "6 * 7"}')
    (made,) = skills("calls")["calls"]
    assert made["skill"] == "calculate" and made["user_id"] == "operator" and made["status"] == "ok"


def test_refuses_to_approve_and_refuse_at_once(skills: Command) -> None:
    assert skills("approvals", "--approve", "a", "--refuse", "b", status=2) is None


def test_says_in_one_short_line_what_is_not_loaded(skills: Command, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        path = skills.folder / "data" / "skills" / f"{name}.skill.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kind: [")
    assert "one.skill.yaml" in skills("list")["problems"]["one.skill.yaml"]  # not "<byte string>"
    said = capfd.readouterr().err
    assert said.count("\n") <= 2 and "are not loaded" not in said
