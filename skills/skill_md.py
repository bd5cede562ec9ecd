"""SKILL.md folders: instructions for a task, read into the context only when the task is at hand.

The folder is a skill like any other: a model sees its name and description; calling it returns the body, or another
text file of the folder.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import anyio.to_thread
import yaml

from skills.declare import NAME
from skills.errors import BadSkill, DocumentTooLarge, yaml_said
from skills.types import Skill, SkillCall, SkillResult, content_version
from skills.yaml_text import read_yaml

MAX_BYTES = 100_000  # of one file of the folder
_MAX_FILES = 50
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*\r?\n?(.*)\Z", re.S)
_TEXT = frozenset({".md", ".txt", ".csv", ".json", ".yaml", ".yml"})


class SkillFolder:
    """A source of one skill: the folder `path` with a SKILL.md in it."""

    def __init__(self, path: Path, readers: frozenset[str]) -> None:
        self.name = f"skill.md:{path.name}"
        self._path = path
        self._readers = readers

    async def load(self) -> list[Skill]:
        """Return the folder's skill; raises BadSkill when SKILL.md has no name or description."""
        return [await anyio.to_thread.run_sync(self._read)]

    async def close(self) -> None:
        """Nothing is kept open."""

    def _read(self) -> Skill:
        front, body = split(_text(self._path / "SKILL.md"))
        name = re.sub(r"[^A-Za-z0-9_]+", "_", str(front.get("name", "")).strip())
        about = " ".join(str(front.get("description", "")).split())
        if not NAME.fullmatch(name) or not about:
            raise BadSkill(f"{self._path.name}/SKILL.md needs a name and a description between its --- lines.")
        files = {file: _text(self._path / file) for file in self._files()}

        async def run(call: SkillCall) -> SkillResult:
            text = files.get(str(call.arguments.get("file", "")), body)
            return SkillResult("ok", text, data=text)

        choice = {"type": "string", "enum": sorted(files), "description": "another file of the instructions"}
        return Skill(
            name=name,
            description=about[:1_000],
            parameters={
                "type": "object",
                "properties": {"file": choice} if files else {},
                "required": [],
                "additionalProperties": False,
            },
            effect="read",
            run=run,
            source=self.name,
            version=content_version(body, about, *(text for _, text in sorted(files.items()))),
            readers=self._readers,
            tags=frozenset({"instructions"}),
        )

    def _files(self) -> list[str]:
        """Return the folder's other text files, relative; links are not followed out of it."""
        root = self._path.resolve()
        found = [
            path.relative_to(self._path).as_posix()
            for path in sorted(self._path.rglob("*"))
            if path.suffix in _TEXT
            and path.name != "SKILL.md"
            and path.is_file()
            and path.resolve().is_relative_to(root)
        ]
        if len(found) > _MAX_FILES:
            raise BadSkill(f"{self._path.name} holds {len(found)} files, over the limit of {_MAX_FILES}.")
        return found


def split(text: str) -> tuple[dict[str, Any], str]:
    """Return the front matter between the first two --- lines, and the body after it; raises BadSkill without any."""
    found = _FRONT.match(text)
    if found is None:
        raise BadSkill("SKILL.md has to begin with a --- line, name and description, and another --- line.")
    try:
        front = read_yaml(found[1], "The head of SKILL.md")
    except yaml.YAMLError as exc:
        raise BadSkill(f"The head of SKILL.md is no YAML: {yaml_said(exc, 'SKILL.md')}") from exc
    if not isinstance(front, dict):
        raise BadSkill("The head of SKILL.md has to be `name: ...` and `description: ...`.")
    return front, found[2].strip()


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise DocumentTooLarge(f"{path.name} has {path.stat().st_size} bytes, over the limit of {MAX_BYTES}.")
    return path.read_text("utf-8", errors="replace")
