"""Fakes: a skill that answers as told, a source of such skills, and an embedding of words without a model."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace

import numpy as np

from skills.choose import Vectors
from skills.types import Effect, Schema, Skill, SkillCall, SkillResult

ANYTHING: Schema = {"type": "object", "properties": {}, "additionalProperties": True}


class ScriptedSkill:
    """Makes a Skill that notes its calls and answers `results` one after the other, the last one for ever."""

    def __init__(self, *results: SkillResult | Exception) -> None:
        self.calls: list[SkillCall] = []
        self._results = list(results) or [SkillResult("ok", "done")]

    def skill(
        self,
        name: str = "scripted",
        effect: Effect = "read",
        description: str = "Does what a test tells it to.",
        parameters: Schema = ANYTHING,
        readers: frozenset[str] = frozenset({"everyone"}),
        tags: frozenset[str] = frozenset(),
    ) -> Skill:
        """Return the skill."""

        async def run(call: SkillCall) -> SkillResult:
            self.calls.append(call)
            result = self._results.pop(0) if len(self._results) > 1 else self._results[0]
            if isinstance(result, Exception):
                raise result
            return result

        return Skill(name, description, parameters, effect, run, f"fake:{name}", "0" * 12, readers, tags)


class FixedSource:
    """A source with the given skills."""

    def __init__(self, name: str, *skills: Skill) -> None:
        self.name = name
        self.closed = False
        self._skills = [replace(skill, source=name) for skill in skills]

    async def load(self) -> list[Skill]:
        """Return the given skills."""
        return self._skills

    async def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


def embed_words(texts: list[str]) -> Vectors:
    """Return unit vectors in which texts that share words are close; deterministic."""
    rows = np.zeros((len(texts), 256), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in re.findall(r"[a-z]{3,}", text.lower()):
            row[zlib.crc32(word.encode()) % 256] += 1.0
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.maximum(lengths, 1e-9)
    return rows
