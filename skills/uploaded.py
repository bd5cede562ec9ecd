"""OpenAPI documents that are given as text, uploaded or pasted: stored with an entry, replaced by a second one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from skills.calling import wrong_arguments
from skills.entries import OpenApiEntry, read_entry
from skills.errors import BadSkill, DocumentTooLarge, SkillError
from skills.folders import Found, scan
from skills.skillset import Skillset
from skills.state import write_whole
from skills.types import Skill

SUFFIXES = (".json", ".yaml", ".yml")
PASTED = "pasted"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")


async def add_document(
    skillset: Skillset, name: str, raw: bytes, origin: str, options: Mapping[str, object] | None
) -> list[Skill]:
    """Store an OpenAPI document as the source `name` and load it; returns its skills.

    `origin` says for people how it came. `options` are those of an entry, `server` being the base address where the
    document names none; with None, those of the document that this one replaces stay. Raises SkillError when the
    document cannot be used, or another kind of source has the name; then what was there before stays.
    """
    if not _NAME.fullmatch(name):
        raise BadSkill(f"{name[:80]!r} is no name for a source: use letters, digits, '-' and '_'.")
    limit = skillset.parts.settings.max_document_bytes
    if len(raw) > limit:
        raise DocumentTooLarge(f"The document has {len(raw):,} bytes, over the limit of {limit:,}: give its address.")
    folder = skillset.folder
    before = _before(folder, name)
    document = f"{name}.json" if raw.lstrip()[:1] == b"{" else f"{name}.yaml"
    entry = _entry(name, document, origin, _options(before) if options is None else options)
    text = yaml.safe_dump(entry.model_dump(mode="json", exclude_defaults=True) | {"kind": "openapi"})
    kept = {path: path.read_bytes() for path in stored(folder, name)}
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.skill.yaml"
    try:
        _store(folder, name, {folder / document: raw, target: text.encode()})
        return await skillset.watch.load(next(each for each in scan(folder) if each.path == target))
    except (SkillError, OSError):
        _store(folder, name, kept)
        skillset.watch.forget(target)
        raise


def stored(folder: Path, name: str) -> list[Path]:
    """Return the files that the document `name` has in the folder of added skills: itself, and its entry."""
    places = [folder / f"{name}{suffix}" for suffix in (*SUFFIXES, ".skill.yaml")]
    return [path for path in places if path.is_file()]


def _before(folder: Path, name: str) -> Found | None:
    """Return the document that is to be replaced; raises BadSkill when another kind of source has its name."""
    same = [found for found in scan(folder) if found.path.name.split(".")[0] == name]
    other = next((found for found in same if not _is_document(found)), None)
    if other is not None:
        raise BadSkill(f"The name {name!r} is that of the source {other.path.name!r}. Remove it, or choose another.")
    return same[0] if same else None


def _is_document(found: Found) -> bool:
    return found.kind == "openapi" or (found.kind == "entry" and isinstance(_read(found), OpenApiEntry | None))


def _read(found: Found) -> object:
    try:
        return read_entry(found.path)
    except BadSkill:
        return None  # an entry that says nothing is no loss


def _options(before: Found | None) -> dict[str, object]:
    entry = _read(before) if before is not None and before.kind == "entry" else None
    if not isinstance(entry, OpenApiEntry):
        return {}
    return entry.model_dump(mode="json", exclude_defaults=True, exclude={"name", "kind", "document", "origin"})


def _entry(name: str, document: str, origin: str, options: Mapping[str, object]) -> OpenApiEntry:
    told = "".join(letter for letter in origin if letter.isprintable())[:200]
    own = {"name": name, "kind": "openapi", "document": document, "origin": told or PASTED}
    try:
        return OpenApiEntry.model_validate({**options, **own})
    except ValidationError as exc:
        raise BadSkill(wrong_arguments(exc).removeprefix("Wrong arguments: ")) from exc


def _store(folder: Path, name: str, files: Mapping[Path, bytes]) -> None:
    """Make `files` all that there is of a document; each is whole at any moment, the entry comes last."""
    for path, content in files.items():
        write_whole(path, content, 0o644)
    for path in set(stored(folder, name)) - set(files):
        path.unlink()
