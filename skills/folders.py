"""What lies in a folder of skills: each file or folder that can be a source, with a stamp that changes when it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["python", "entry", "openapi", "skill.md"]
_MAX_ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """A place that may hold skills."""

    path: Path
    kind: Kind
    stamp: tuple[tuple[str, int, int], ...]  # (file, mtime in ns, size) of everything that belongs to it


def scan(folder: Path) -> list[Found]:
    """Return what `folder` holds, by name; a folder that does not exist holds nothing.

    Modules and documents that a `<name>.skill.yaml` of the same stem speaks for are left to that entry.
    """
    if not folder.is_dir():
        return []
    paths = [path for path in sorted(folder.iterdir())[:_MAX_ENTRIES] if not path.name.startswith((".", "_"))]
    spoken_for = {path.name.removesuffix(".skill.yaml") for path in paths if path.name.endswith(".skill.yaml")}
    found = []
    for path in paths:
        kind = _kind(path)
        if kind is None or (kind in ("python", "openapi") and path.stem in spoken_for):
            continue
        beside = [each for each in paths if kind == "entry" and each.stem == path.name.removesuffix(".skill.yaml")]
        found.append(Found(path, kind, _stamp([path, *beside])))
    return found


def _kind(path: Path) -> Kind | None:
    if path.is_dir():
        if (path / "SKILL.md").is_file():
            return "skill.md"
        return "python" if (path / "__init__.py").is_file() else None
    if path.name.endswith(".skill.yaml"):
        return "entry"
    if path.suffix == ".py":
        return "python"
    if path.suffix in (".json", ".yaml", ".yml"):
        head = path.open("rb").read(4_000)
        return "openapi" if b"openapi" in head or b"swagger" in head else None
    return None


def _stamp(paths: list[Path]) -> tuple[tuple[str, int, int], ...]:
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    stats = [(file.as_posix(), file.stat()) for file in files[:_MAX_ENTRIES] if file.is_file()]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
