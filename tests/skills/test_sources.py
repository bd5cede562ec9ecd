"""Folders of skills, loaded and watched: the door through which teams come in."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from skills.entries import McpEntry, OpenApiEntry, read_entry
from skills.errors import BadSkill
from skills.folders import scan
from skills.registry import Registry
from skills.skill_md import SkillFolder, split
from skills.sources import EVERYONE, Parts, Watch
from skills.types import SkillCall
from tests.skills.conftest import ANNA, Api, operation

MODULE = """
from skills import skill
from skills.outside import fetch

@skill
def {name}() -> str:
    '''Answer.'''
    return {value}
"""


def write(path: Path, text: str) -> None:
    """Write a file with a new time stamp, however coarse the clock of the file system is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    write.now += 1  # type: ignore[attr-defined]
    os.utime(path, (write.now, write.now))  # type: ignore[attr-defined]


write.now = time.time()  # type: ignore[attr-defined]


def names(registry: Registry) -> list[str]:
    return [skill.name for skill in registry.skills(principals=EVERYONE)]


def test_tells_sources_by_their_form(tmp_path: Path) -> None:
    write(tmp_path / "orders.py", "")
    write(tmp_path / "pack" / "__init__.py", "")
    write(tmp_path / "shop.json", json.dumps(operation()))
    write(tmp_path / "guide" / "SKILL.md", "")
    write(tmp_path / "crm.skill.yaml", "kind: openapi")
    write(tmp_path / "crm.yaml", "openapi: 3.0.0")
    for name in ("notes.txt", "data.json", "_private.py", ".hidden.py", "folder/file.txt"):
        write(tmp_path / name, "{}")
    assert {(found.path.name, found.kind) for found in scan(tmp_path)} == {
        ("orders.py", "python"),
        ("pack", "python"),
        ("shop.json", "openapi"),
        ("guide", "skill.md"),
        ("crm.skill.yaml", "entry"),
    }
    assert scan(tmp_path / "nowhere") == []


async def test_follows_new_changed_and_removed_files(registry: Registry, parts: Parts, tmp_path: Path) -> None:
    watch = Watch(registry, (tmp_path / "team",), parts, every_s=0)
    await watch.refresh()
    assert names(registry) == []
    path = tmp_path / "team" / "orders.py"
    write(path, MODULE.format(name="one", value="'1'"))
    await watch.refresh()
    assert names(registry) == ["one"]
    version = registry.get("one", principals=EVERYONE).version
    write(path, MODULE.format(name="one", value="'2'"))
    await watch.refresh()
    assert (await registry.call(SkillCall("one", {}, ANNA))).text == "2"
    assert registry.get("one", principals=EVERYONE).version != version
    write(path, "def broken(:")
    await watch.refresh()
    assert names(registry) == ["one"] and "SyntaxError" in registry.problems["python:orders.py"]
    path.unlink()
    await watch.refresh()
    assert names(registry) == [] and registry.problems == {}
    await registry.close()


async def test_lets_one_bad_source_take_no_other_down(registry: Registry, parts: Parts, tmp_path: Path) -> None:
    write(tmp_path / "a" / "SKILL.md", "---\nname: good\ndescription: Good.\n---\nbody")
    write(tmp_path / "b" / "SKILL.md", "no head")
    write(tmp_path / "c.skill.yaml", "kind: nonsense")
    write(tmp_path / "d.skill.yaml", "kind: mcp\ncommand: /bin/sh\nargs: [-c, id]")
    write(tmp_path / "e.skill.yaml", "kind: openapi\ndocument: nowhere.json")
    write(tmp_path / "f.json", json.dumps(operation() | {"servers": [{"url": "http://10.0.0.1/"}]}))
    write(tmp_path / "g" / "SKILL.md", "---\nname: good\ndescription: Twin.\n---\nbody")
    await Watch(registry, (tmp_path,), parts, every_s=0).refresh()
    assert names(registry) == ["good"] and len(registry.problems) == 6
    assert "skill.md:a" in registry.problems["skill.md:g"] and "'good'" in registry.problems["skill.md:g"]


async def test_lets_a_module_fetch_from_the_hosts_of_its_entry_only(
    registry: Registry, parts: Parts, tmp_path: Path, api: Api
) -> None:
    code = "fetch({url!r}, method='POST', body={{'a': 1}}).text"
    write(tmp_path / "net.py", MODULE.format(name="near", value=code.format(url=f"{api.url}/x")))
    entry = "kind: python\nmodule: net.py\nprefix: team_\nhosts: [{host}]\nreaders: ['group:sales']\n"
    write(tmp_path / "net.skill.yaml", entry.format(host="127.0.0.1"))
    watch = Watch(registry, (tmp_path,), parts, every_s=0)
    await watch.refresh()
    assert names(registry) == [] and registry.skills(principals=ANNA.principals)[0].name == "team_near"
    result = await registry.call(SkillCall("team_near", {}, ANNA))
    assert json.loads(result.text)["body"] == '{"a": 1}'
    write(tmp_path / "net.skill.yaml", entry.format(host="other.example"))
    await watch.refresh()
    result = await registry.call(SkillCall("team_near", {}, ANNA))
    assert result.status == "failed" and "127.0.0.1" in result.text and len(api.asked) == 1
    await registry.close()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("kind: openapi", "document"),
        ("kind: openapi\ndocument: a.json\nverbs: [trace]", "verbs"),
        ("kind: openapi\ndocument: a.json\nsecret: x", "secret"),
        ("kind: mcp", "url or command"),
        ("kind: mcp\nurl: http://x\ncommand: /x", "url or command"),
        ("kind: mcp\nurl: http://x\nauth: {kind: user, audience: x}", "shared"),
        ("kind: python", "module"),
        ("kind: openapi\ndocument: a.json\nprefix: 'a b'", "prefix"),
        ("[]", "valid entry"),
        ("a: [", "YAML"),
        ("!!python/object/apply:os.system [id]", "YAML"),
        ("- " * 3_000, "x.skill.yaml"),
        ("x" * 200_000, "limit"),
    ],
)
def test_says_what_is_wrong_in_an_entry(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "x.skill.yaml"
    path.write_text(text)
    with pytest.raises(BadSkill, match=word):
        read_entry(path)


def test_reads_entries_and_names_them_after_their_file(tmp_path: Path) -> None:
    path = tmp_path / "crm.skill.yaml"
    path.write_text("kind: openapi\ndocument: crm.json\nauth: {kind: bearer, secret: crm}\nverbs: [get, post]")
    entry = read_entry(path)
    assert isinstance(entry, OpenApiEntry) and entry.name == "crm" and entry.verbs == {"get", "post"}
    path.write_text("kind: mcp\nname: wiki\nurl: https://wiki.example/mcp")
    assert isinstance(read_entry(path), McpEntry) and read_entry(path).name == "wiki"


async def test_offers_a_skill_md_folder_and_its_files(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hidden")
    write(
        tmp_path / "g" / "SKILL.md",
        "\ufeff---\r\nname: write-report\ndescription: How to\n  write.\n---\n# Steps\n1. Look",
    )
    write(tmp_path / "g" / "parts" / "tone.md", "Be kind.")
    (tmp_path / "g" / "link.md").symlink_to(tmp_path / "secret.txt")
    skill = (await SkillFolder(tmp_path / "g", EVERYONE).load())[0]
    assert (skill.name, skill.description, skill.tags) == ("write_report", "How to write.", {"instructions"})
    assert (await skill.run(SkillCall("write_report", {}, ANNA))).text == "# Steps\n1. Look"
    assert (await skill.run(SkillCall("write_report", {"file": "parts/tone.md"}, ANNA))).text == "Be kind."
    assert skill.parameters["properties"]["file"]["enum"] == ["parts/tone.md"]
    outside = await skill.run(SkillCall("write_report", {"file": "../secret.txt"}, ANNA))
    assert "hidden" not in outside.text


@pytest.mark.parametrize("text", ["", "body", "---\nname: x\n", "---\n- a\n---\n", "---\n{[\n---\n", "--- \n---\n"])
def test_refuses_a_skill_md_without_a_head(text: str) -> None:
    with pytest.raises(BadSkill):
        split(text)


@pytest.mark.parametrize(
    "head", ["name: x", "description: x", "name: ''\ndescription: x", "name: [1]\ndescription: ''"]
)
async def test_refuses_a_skill_md_without_name_or_description(tmp_path: Path, head: str) -> None:
    write(tmp_path / "g" / "SKILL.md", f"---\n{head}\n---\nbody")
    with pytest.raises(BadSkill, match="name and a description"):
        await SkillFolder(tmp_path / "g", EVERYONE).load()


async def test_refuses_a_skill_md_that_is_too_large(tmp_path: Path) -> None:
    write(tmp_path / "g" / "SKILL.md", "---\nname: x\ndescription: y\n---\n" + "z" * 200_000)
    with pytest.raises(BadSkill, match="limit"):
        await SkillFolder(tmp_path / "g", EVERYONE).load()
