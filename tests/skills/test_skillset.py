"""The whole: opened from settings, filled by administrators while it runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from skills.adding import add_entry, add_path, remove
from skills.audit import AuditFile
from skills.builtin import Host, sources
from skills.errors import BadSkill, NameClash, SkillError
from skills.fake import embed_words
from skills.settings import SkillsSettings
from skills.skillset import Skillset
from skills.types import SkillCall
from skills.wrap import AuditLine
from tests.skills.conftest import ANNA, Api, operation


@pytest.fixture
async def skillset(tmp_path: Path) -> AsyncIterator[Skillset]:
    settings = SkillsSettings(allow_hosts=frozenset({"127.0.0.1"}), skills_path=(tmp_path / "team",))
    opened = await Skillset.open(
        settings,
        tmp_path / "data",
        embed=embed_words,
        audit=AuditFile(tmp_path / "logs" / "skills.jsonl"),
        builtin=lambda parts: sources(Host(), parts),
    )
    yield opened
    await opened.close()


def guide(folder: Path, name: str = "guide") -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / "SKILL.md").write_text(f"---\nname: {name}\ndescription: How to do {name}.\n---\nDo it well.")
    return path


async def test_offers_added_skills_at_once_and_forgets_removed_ones(skillset: Skillset, tmp_path: Path) -> None:
    before = {skill.name for skill in await skillset.for_person(ANNA)}
    added = await add_path(skillset, guide(tmp_path / "x"))
    assert [skill.name for skill in added] == ["guide"]
    assert {skill.name for skill in await skillset.for_person(ANNA)} == before | {"guide"}
    assert (await skillset.call(SkillCall("guide", {}, ANNA))).text == "Do it well."
    with pytest.raises(BadSkill, match="already"):
        await add_path(skillset, tmp_path / "x" / "guide")
    assert await remove(skillset, "guide") and not await remove(skillset, "guide")
    assert not await remove(skillset, "../logs")
    assert {skill.name for skill in await skillset.for_person(ANNA)} == before


@pytest.mark.parametrize("kind", ["openapi", "mcp"])
async def test_leaves_nothing_behind_of_an_address_that_is_no_url(skillset: Skillset, kind: str) -> None:
    with pytest.raises(SkillError):
        await add_entry(skillset, "broken", kind, "http://[", {})
    await skillset.watch.refresh(force=True)
    assert not list(skillset.folder.glob("broken*"))


async def test_leaves_nothing_behind_of_what_does_not_load(skillset: Skillset, tmp_path: Path) -> None:
    for name, text in (("broken.py", "def (:"), ("odd.json", '{"openapi": "3.0.0"}'), ("x.skill.yaml", "kind: no")):
        (tmp_path / name).write_text(text)
        with pytest.raises(SkillError):
            await add_path(skillset, tmp_path / name)
    with pytest.raises(NameClash, match=r"builtin:calculator.*skill\.md:calculate"):
        await add_path(skillset, guide(tmp_path / "y", "calculate"))
    with pytest.raises(BadSkill):
        await add_path(skillset, tmp_path / "nowhere.py")
    assert list(skillset.folder.iterdir()) == [] and skillset.problems == {}


async def test_takes_addresses_from_people_and_never_a_program(skillset: Skillset, tmp_path: Path, api: Api) -> None:
    api.answer = lambda asked: (200, "application/json", json.dumps(operation()).encode())
    added = await add_entry(skillset, "things", "openapi", f"{api.url}/openapi.json", {"prefix": "t_"})
    assert [skill.name for skill in added] == ["t_find_things"]
    refused: list[tuple[str, str, str, dict[str, object]]] = [
        ("a", "mcp", "http://127.0.0.1:1/mcp", {"command": "/bin/sh"}),
        ("b", "mcp", "/bin/sh", {}),
        ("c", "mcp", "stdio:///bin/sh", {}),
        ("d", "python", "http://127.0.0.1/", {}),
        ("e", "openapi", "file:///etc/passwd", {}),
        ("../f", "openapi", f"{api.url}/x", {}),
        ("g", "openapi", f"{api.url}/x", {"verbs": ["trace"]}),
        ("h", "openapi", f"{api.url}/x", {"document": "/etc/passwd", "nonsense": 1}),
        ("i", "openapi", "http://169.254.169.254/x", {}),
        ("things", "openapi", f"{api.url}/x", {}),
    ]
    for name, kind, address, options in refused:
        with pytest.raises(SkillError):
            await add_entry(skillset, name, kind, address, options)
    marker = tmp_path / "marker"
    (tmp_path / "run.skill.yaml").write_text(f"kind: mcp\ncommand: /bin/sh\nargs: [-c, 'touch {marker}']")
    (tmp_path / "doc.skill.yaml").write_text("kind: openapi\ndocument: ../../etc/passwd")
    for entry in ("run.skill.yaml", "doc.skill.yaml"):
        with pytest.raises(BadSkill, match="skills_path"):
            await add_path(skillset, tmp_path / entry)
    assert [path.name for path in skillset.folder.iterdir()] == ["things.skill.yaml"] and not marker.exists()


async def test_finds_what_a_team_puts_into_its_folder(skillset: Skillset, tmp_path: Path) -> None:
    guide(tmp_path / "team", "onboarding")
    await skillset.watch.refresh(force=True)
    assert "onboarding" in {skill.name for skill in await skillset.for_person(ANNA)}


async def test_keeps_an_account_of_calls(skillset: Skillset, tmp_path: Path) -> None:
    await skillset.call(SkillCall("calculate", {"expression": "6*7"}, ANNA, call_id="c9"))
    await skillset.call(SkillCall("calculate", {"expression": "\ud800"}, ANNA))
    log = AuditFile(tmp_path / "logs" / "skills.jsonl")
    assert [(line["user_id"], line["status"]) for line in log.latest(10)] == [("anna", "retry"), ("anna", "ok")]
    assert log.latest(10)[1]["arguments"] == {"expression": "6*7"} and len(log.latest(1)) == 1


def test_sets_the_account_aside_when_it_grows_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skills.audit.MAX_BYTES", 2_000)
    log = AuditFile(tmp_path / "a.jsonl")
    line = AuditLine(1.0, "s", "x", "v", "u", "c", {}, False, False, "ok", "t", 1.0)
    for number in range(30):
        log(replace(line, at=float(number)))
    assert (tmp_path / "a.jsonl.1").exists() and (tmp_path / "a.jsonl").stat().st_size <= 2_000
    assert log.latest(1)[0]["at"] == 29.0
    (tmp_path / "a.jsonl").open("ab").write(b'{"half')
    assert log.latest(1)[0]["at"] == 29.0 or log.latest(2)[0]["at"] == 29.0


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """The address of a server that takes connections and never says a word."""
    held: list[asyncio.StreamWriter] = []

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    for writer in held:
        writer.close()
    server.close()


async def test_a_silent_mcp_server_keeps_nobody_waiting(tmp_path: Path, silent: str) -> None:
    team = tmp_path / "team"
    guide(team)
    (team / "far.skill.yaml").write_text(f"kind: mcp\nurl: {silent}\n")
    opened = await asyncio.wait_for(
        Skillset.open(
            # Long enough that waiting for it would fail this test, whose own limit is far below.
            SkillsSettings(allow_hosts=frozenset({"127.0.0.1"}), skills_path=(team,), connect_timeout_s=120),
            tmp_path / "data",
            embed=embed_words,
            audit=AuditFile(tmp_path / "skills.jsonl"),
            builtin=lambda _: [],
        ),
        60,
    )
    assert opened.watch.connecting == {"mcp:far"} and not opened.problems
    assert [skill.name for skill in await asyncio.wait_for(opened.for_person(ANNA), 60)] == ["guide"]
    (team / "far.skill.yaml").unlink()
    await opened.watch.refresh(force=True)
    assert not opened.watch.connecting
    await opened.close()


async def test_a_dead_mcp_server_becomes_a_problem_in_its_time(tmp_path: Path, silent: str) -> None:
    team = tmp_path / "team"
    team.mkdir()
    (team / "far.skill.yaml").write_text(f"kind: mcp\nurl: {silent}\n")
    opened = await Skillset.open(
        SkillsSettings(allow_hosts=frozenset({"127.0.0.1"}), skills_path=(team,), connect_timeout_s=0.2),
        tmp_path / "data",
        embed=embed_words,
        audit=AuditFile(tmp_path / "skills.jsonl"),
        builtin=lambda _: [],
    )
    await opened.watch.settled()
    assert "mcp:far" in opened.problems and not opened.watch.connecting
    await opened.close()


async def test_keeps_of_long_arguments_what_the_audit_log_has_room_for(skillset: Skillset, tmp_path: Path) -> None:
    await add_path(skillset, guide(tmp_path / "x"))
    kept = AuditFile(tmp_path / "logs" / "skills.jsonl")
    many = {f"{n:0100}": "x" for n in range(10_000)}
    for arguments in ({"file": "x" * 1_000_000, "n": 7}, {"file": ["x" * 1_000_000]}, many):
        await skillset.call(SkillCall("guide", arguments, ANNA))
    last, listed, first = (call["arguments"] for call in kept.latest(3))
    assert first == {"file": "x" * 2_000 + "[cut: 998000 more characters]", "n": 7}
    assert listed["file"].startswith('["xxx') and listed["file"].endswith("more characters]")
    assert len(last) < 101 and last["..."] == f"[cut: {10_001 - len(last)} more arguments]"
    assert (tmp_path / "logs" / "skills.jsonl").stat().st_size < 50_000
