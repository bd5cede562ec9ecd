"""Adding and removing skills while the assistant runs: a file is stored, loaded at once, and taken back if it fails."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from skills.calling import wrong_arguments
from skills.entries import McpEntry, OpenApiEntry, PythonEntry, read_entry
from skills.errors import BadSkill, SkillError
from skills.folders import Found, scan
from skills.packed import unpack
from skills.skillset import Skillset
from skills.types import Skill
from skills.uploaded import SUFFIXES, add_document, stored

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")
_MAX_FOLDER_BYTES = 20_000_000


async def add_path(
    skillset: Skillset, path: Path, name: str = "", options: Mapping[str, object] | None = None
) -> list[Skill]:
    """Copy a module, a document, an entry, a folder or a ZIP of one to the added skills and load it; return its skills.

    An OpenAPI document takes the place of an earlier one of its `name`, which is that of its file unless told;
    `options` are for it alone (see add_document). Raises SkillError, and leaves nothing behind, when it is none of
    these, clashes with another skill, or does not load.
    """
    if path.suffix.lower() == ".zip" and path.is_file():
        return await add_zip(skillset, name or path.stem, path.read_bytes())
    if path.suffix in SUFFIXES and not path.name.endswith(".skill.yaml") and path.is_file():
        return await add_document(skillset, name or path.stem, path.read_bytes(), f"uploaded as {path.name}", options)
    found = _offered(path)
    if not _NAME.fullmatch(path.name.split(".")[0]):
        raise BadSkill(f"{path.name!r} is no name for a skill's file: use letters, digits, '-' and '_'.")
    if found.kind == "entry":
        _refuse_outside(path)
    return await _place(skillset, path.name, lambda target: _copy(path, target))


async def add_entry(skillset: Skillset, name: str, kind: str, address: str, options: dict[str, object]) -> list[Skill]:
    """Store an entry for the OpenAPI document or MCP server at `address` and load it; returns its skills.

    This is the way in for people's input: it takes addresses only, never a program to start. Raises SkillError as
    add_path does.
    """
    if not _NAME.fullmatch(name):
        raise BadSkill(f"{name[:80]!r} is no name for a source: use letters, digits, '-' and '_'.")
    if not address.startswith(("http://", "https://")):
        raise BadSkill(f"{address[:200]!r} is no http or https address.")
    fields = {**options, "name": name, "kind": kind}
    try:
        entry: OpenApiEntry | McpEntry
        if kind == "openapi":
            entry = OpenApiEntry.model_validate({**fields, "document": address})
        elif kind == "mcp":
            entry = McpEntry.model_validate({**fields, "url": address})
        else:
            raise BadSkill(f"A source at an address is of kind openapi or mcp, not {kind[:40]!r}.")
    except ValidationError as exc:
        raise BadSkill(wrong_arguments(exc).removeprefix("Wrong arguments: ")) from exc
    text = yaml.safe_dump(entry.model_dump(mode="json", exclude_defaults=True) | {"kind": kind})
    return await _place(skillset, f"{name}.skill.yaml", lambda target: _write(target, text))


async def add_zip(skillset: Skillset, name: str, raw: bytes) -> list[Skill]:
    """Unpack the ZIP of a SKILL.md folder into the added skills and load it; raises SkillError as add_path does."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / (name if _NAME.fullmatch(name) else "folder")
        unpack(raw, place)
        if place.name != name:
            raise BadSkill(f"{name[:80]!r} is no name for a folder: use letters, digits, '-' and '_'.")
        return await add_path(skillset, place)


async def remove(skillset: Skillset, name: str) -> bool:
    """Remove an added file or folder by its name and forget its skills; returns whether there was one."""
    if not any(found.path.name == name for found in scan(skillset.folder)):
        return False
    target = skillset.folder / name
    if target.is_dir():
        shutil.rmtree(target)
    elif name.endswith(".skill.yaml"):
        for path in stored(skillset.folder, name.removesuffix(".skill.yaml")):
            path.unlink()
    else:
        target.unlink()
    await skillset.watch.refresh(force=True)
    return True


def _offered(path: Path) -> Found:
    for found in scan(path.parent):
        if found.path.name == path.name:
            return found
    raise BadSkill(
        f"{path} is no skill: give a Python module, an OpenAPI document, a .skill.yaml or a SKILL.md folder."
    )


def _refuse_outside(path: Path) -> None:
    """Refuse an entry that means a file beside it, which would not be copied, or a program to start."""
    entry = read_entry(path)
    if isinstance(entry, PythonEntry) or (isinstance(entry, OpenApiEntry) and not entry.document.startswith("http")):
        raise BadSkill(f"{path.name} refers to a file beside it. Put both into a folder of the setting skills_path.")
    if isinstance(entry, McpEntry) and entry.command is not None:
        raise BadSkill(f"{path.name} starts a program. Put it into a folder of the setting skills_path yourself.")


def _copy(path: Path, target: Path) -> None:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    if any(file.is_symlink() for file in files) or sum(file.stat().st_size for file in files) > _MAX_FOLDER_BYTES:
        raise BadSkill(f"{path.name} holds links, or over {_MAX_FOLDER_BYTES} bytes.")
    if path.is_dir():
        shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    else:
        shutil.copyfile(path, target)


def _write(target: Path, text: str) -> None:
    target.write_text(text, "utf-8")


async def _place(skillset: Skillset, name: str, store: Callable[[Path], None]) -> list[Skill]:
    target = skillset.folder / name
    stem = name.split(".")[0]  # an entry speaks for a module and a document of its stem, which would be lost
    taken = [found.path.name for found in scan(skillset.folder) if found.path.name.split(".")[0] == stem]
    if taken or target.exists():
        raise BadSkill(f"There is already a source {(taken or [name])[0]!r}. Remove it first, or choose another name.")
    skillset.folder.mkdir(parents=True, exist_ok=True)
    store(target)
    try:
        return await skillset.watch.load(_offered(target))
    except (SkillError, OSError):
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        skillset.watch.forget(target)
        raise
