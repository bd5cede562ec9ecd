"""OpenAPI documents that are given as text, SKILL.md folders that come as a ZIP, and the test of a source."""

from __future__ import annotations

import io
import json
import random
import socket
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from egress.policy import Policy
from skills import testing
from skills.adding import add_entry, add_path, add_zip, remove
from skills.entries import OpenApiEntry, read_entry
from skills.errors import BadSkill, DocumentTooLarge, NoServer, SkillError
from skills.fake import embed_words
from skills.http import GuardedHttp
from skills.packed import unpack
from skills.settings import SkillsSettings
from skills.skillset import Skillset
from skills.types import SkillCall
from skills.uploaded import PASTED, add_document
from tests.skills.conftest import ANNA, Api, operation

SHOP = "https://93.184.216.34"
YAML = "openapi: 3.1.0\ninfo: {title: Shop}\nservers: [{url: SERVER}]\npaths:\n  /x:\n    get: {operationId: find}\n"


@pytest.fixture
async def skillset(tmp_path: Path, local: GuardedHttp) -> AsyncIterator[Skillset]:
    """Skills of an empty data folder, which may call this machine."""
    opened = await open_in(tmp_path, local)
    yield opened
    await opened.close()


async def open_in(folder: Path, http: GuardedHttp | None = None) -> Skillset:
    settings = SkillsSettings(max_document_bytes=100_000, builtin=False)
    return await Skillset.open(
        settings, folder, embed=embed_words, audit=lambda line: None, builtin=lambda parts: [],
        http=http or GuardedHttp(Policy()),
    )  # fmt: skip


def document(url: str | None = SHOP, **more: Any) -> bytes:
    servers = {} if url is None else {"servers": [{"url": url}]}
    return json.dumps(operation(**more) | servers).encode()


def names(skillset: Skillset) -> list[str]:
    return [each.skill.name for each in skillset.registry.listed()]


def files(skillset: Skillset) -> list[str]:
    return sorted(path.name for path in skillset.folder.iterdir()) if skillset.folder.exists() else []


def packed(files: dict[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


HEAD = "---\nname: triage\ndescription: How to sort incidents.\n---\nAsk for the time."


@pytest.mark.parametrize("raw", [document(), YAML.replace("SERVER", SHOP).encode()], ids=["json", "yaml"])
async def test_a_document_works_at_once_and_after_a_restart(raw: bytes, skillset: Skillset, tmp_path: Path) -> None:
    added = await add_document(skillset, "shop", raw, "uploaded as my shop.yaml", {"prefix": "shop_"})
    assert len(added) == 1 and names(skillset) == [added[0].name] and added[0].name.startswith("shop_find")
    again = await open_in(tmp_path)
    assert names(again) == names(skillset)
    (source,) = again.registry.sources()
    assert source.name == "openapi:shop" and getattr(source, "origin", "") == "uploaded as my shop.yaml"
    await again.close()


async def test_a_second_document_takes_the_place_of_the_first_and_keeps_its_options(skillset: Skillset) -> None:
    await add_document(skillset, "shop", document(), "uploaded as a.json", {"prefix": "shop_", "verbs": ["get"]})
    second = YAML.replace("SERVER", SHOP).encode()
    assert [skill.name for skill in await add_document(skillset, "shop", second, PASTED, None)] == ["shop_find"]
    assert names(skillset) == ["shop_find"] and files(skillset) == ["shop.skill.yaml", "shop.yaml"]
    await add_document(skillset, "shop", second, PASTED, {})
    assert names(skillset) == ["find"]
    entry = read_entry(skillset.folder / "shop.skill.yaml")
    assert isinstance(entry, OpenApiEntry) and entry.came_from == PASTED


@pytest.mark.parametrize(
    ("raw", "error", "said"),
    [
        (b"openapi: [", BadSkill, "neither JSON nor YAML"),
        (b"name: x", BadSkill, "no OpenAPI"),
        (document(None), NoServer, "names no server: give the base address"),
        (document("/v1"), NoServer, "names no server: give the base address"),
        (document("http://10.0.0.1/"), BadSkill, "10.0.0.1"),
        (b" " * 20_000_000, DocumentTooLarge, "20,000,000 bytes, over the limit of 100,000"),
        (document(requestBody={"$ref": "#/components/a"}), BadSkill, "find_things: The reference '#/components/a'"),
    ],
)
async def test_what_cannot_be_used_is_one_sentence_and_leaves_the_old_one(
    raw: bytes, error: type[BadSkill], said: str, skillset: Skillset
) -> None:
    with pytest.raises(error, match=said.replace("(", r"\(")):
        await add_document(skillset, "new", raw, PASTED, None)
    assert files(skillset) == [] and skillset.problems == {}
    await add_document(skillset, "shop", document(), PASTED, {"prefix": "shop_"})
    before = {path: path.read_bytes() for path in skillset.folder.iterdir()}
    with pytest.raises(error):
        await add_document(skillset, "shop", raw, PASTED, None)
    assert {path: path.read_bytes() for path in skillset.folder.iterdir()} == before
    await skillset.watch.refresh(force=True)
    assert names(skillset) == ["shop_find_things"] and skillset.problems == {}


async def test_a_schema_that_contains_itself_is_offered_with_an_end(skillset: Skillset) -> None:
    loop = {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Node"}}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}}
    described = json.loads(document(method="post", requestBody=body))
    described["components"] = {"schemas": {"Node": loop}}
    raw = json.dumps(described).encode()
    (skill,) = await add_document(skillset, "tree", raw, PASTED, {"verbs": ["post"]})
    assert skill.parameters["properties"] == {"child": {}}  # where it comes back to itself, anything goes


async def test_the_base_address_is_held_to_the_same_guard_as_any(skillset: Skillset) -> None:
    for server in ("http://10.0.0.1", "http://169.254.169.254/latest", "ftp://93.184.216.34", "10.0.0.1"):
        with pytest.raises(BadSkill):
            await add_document(skillset, "shop", document(None), PASTED, {"server": server})
    await add_document(skillset, "shop", document(None), PASTED, {"server": SHOP})
    assert names(skillset) == ["find_things"]


async def test_calls_and_tests_the_api_at_the_base_address(skillset: Skillset, api: Api) -> None:
    await add_document(skillset, "shop", document(None), PASTED, {"server": f"{api.url}/v1"})
    result = await skillset.call(SkillCall("find_things", {}, ANNA))
    assert json.loads(result.text)["path"] == "/v1/things"
    assert "answers (status" in str(await testing.tested(skillset, "openapi:shop"))
    (skillset.folder / "shop.json").write_text("{}")
    assert "no OpenAPI" in str(await testing.tested(skillset, "openapi:shop"))
    assert "no OpenAPI" in skillset.problems["openapi:shop"] and await testing.tested(skillset, "openapi:other") is None


async def test_says_that_a_server_does_not_answer(skillset: Skillset) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]  # free again, so nobody answers there
    await add_document(skillset, "shop", document(None), PASTED, {"server": f"http://127.0.0.1:{port}"})
    assert "its server does not answer" in str(await testing.tested(skillset, "openapi:shop"))


async def test_no_source_silences_another_one_of_its_name(skillset: Skillset, tmp_path: Path) -> None:
    module = tmp_path / "orders.py"
    module.write_text("from skills import skill\n\n@skill\ndef one() -> str:\n    '''One.'''\n    return '1'\n")
    await add_path(skillset, module)
    with pytest.raises(BadSkill, match=r"orders\.py"):
        await add_document(skillset, "orders", document(), PASTED, None)
    with pytest.raises(BadSkill, match=r"orders\.py"):
        await add_entry(skillset, "orders", "openapi", f"{SHOP}/openapi.json", {})
    await skillset.watch.refresh(force=True)
    assert names(skillset) == ["one"]


async def test_removing_a_document_takes_its_file_along(skillset: Skillset) -> None:
    await add_document(skillset, "shop", document(), PASTED, None)
    assert await remove(skillset, "shop.skill.yaml")
    assert files(skillset) == [] and names(skillset) == []


async def test_a_file_of_the_command_line_is_a_document_like_any(skillset: Skillset, tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_bytes(document(None))
    await add_path(skillset, tmp_path / "shop.json", "store", {"server": SHOP})
    assert files(skillset) == ["store.json", "store.skill.yaml"]


async def test_no_entry_can_be_told_to_read_another_file_or_to_call_itself_something_else(skillset: Skillset) -> None:
    options = {"document": "/etc/passwd", "name": "other", "kind": "mcp", "origin": "the board"}
    await add_document(skillset, "shop", document(), "uploaded as a\x00\n.json", options)
    entry = read_entry(skillset.folder / "shop.skill.yaml")
    assert isinstance(entry, OpenApiEntry) and entry.document == "shop.json" and entry.name == "shop"
    assert entry.origin == "uploaded as a.json"
    for name in ("../x", "a/b", "", ".x", "a" * 62):
        with pytest.raises(BadSkill, match="name"):
            await add_document(skillset, name, document(), PASTED, None)


@pytest.mark.parametrize("around", ["", "triage/"])
async def test_a_packed_folder_is_unpacked_with_its_files(around: str, skillset: Skillset) -> None:
    noise: dict[str, str | bytes] = {"__MACOSX/._SKILL.md": b"\x00\xff", f"{around}.DS_Store": b"\xff"}
    raw = packed({f"{around}SKILL.md": HEAD, f"{around}parts/tone.md": "Be kind.", **noise})
    await add_zip(skillset, "triage", raw)
    result = await skillset.call(SkillCall("triage", {"file": "parts/tone.md"}, ANNA))
    assert "Be kind." in result.text and files(skillset) == ["triage"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"no zip", "no ZIP"),
        (packed({"README.md": "x"}), "no SKILL.md"),
        (packed({"SKILL.md": HEAD, "../evil.md": "x"}), "no path"),
        (packed({"SKILL.md": HEAD, "/etc/evil.md": "x"}), "no path"),
        (packed({"SKILL.md": HEAD, "photo.md": b"\xff\xfe"}), "UTF-8"),
        (packed({"SKILL.md": HEAD, "bomb.md": b"0" * 30_000_000}), "limit of one file"),
        (packed({"SKILL.md": HEAD, **{f"{n}.md": "x" for n in range(60)}}), "61 files"),
        (b"PK" + b"0" * 6_000_000, "over the limit of 5,000,000"),
        (packed({"SKILL.md": "no head"}), "begin with a ---"),
    ],
)
async def test_refuses_what_is_no_packed_folder_of_instructions(raw: bytes, said: str, skillset: Skillset) -> None:
    with pytest.raises(BadSkill, match=said):
        await add_zip(skillset, "triage", raw)
    assert files(skillset) == [] and names(skillset) == []


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_bytes_of_a_zip_are_refused_whichever_part_meets_them(method: int, tmp_path: Path) -> None:
    held, dice = io.BytesIO(), random.Random(1)
    with zipfile.ZipFile(held, "w", method) as archive:
        archive.writestr("guide/SKILL.md", f"{HEAD} {' '.join(map(str, range(300)))}")
    refused = 0
    for number in range(150):
        raw = bytearray(held.getvalue())
        raw[dice.randrange(len(raw))] = dice.randrange(256)
        try:
            unpack(bytes(raw), tmp_path / str(number))
        except SkillError:
            refused += 1
            assert not (tmp_path / str(number)).exists()
    assert refused > 75
