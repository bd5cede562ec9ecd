"""Fakes: a skill that answers as told, an HTTP without a network, and an embedding of words without a model."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from skills.choose import Vectors
from skills.errors import SkillFailure
from skills.http import HttpReply, HttpRequest
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


class FakeHttp:
    """Answers requests from a table by "METHOD url", and notes them; everything else is unreachable."""

    def __init__(self, replies: Mapping[str, HttpReply]) -> None:
        self.requests: list[HttpRequest] = []
        self._replies = replies

    async def __call__(self, request: HttpRequest, *, max_bytes: int, timeout_s: float) -> HttpReply:
        """Return the reply from the table."""
        self.requests.append(request)
        reply = self._replies.get(f"{request.method} {request.url}")
        if reply is None:
            raise SkillFailure(f"{request.url} could not be reached.")
        if len(reply.body) > max_bytes:
            raise SkillFailure(f"{request.url} answers with more than {max_bytes} bytes.")
        return reply

    async def check(self, url: str) -> None:
        """Allow everything."""


def embed_words(texts: list[str]) -> Vectors:
    """Return unit vectors in which texts that share words are close; deterministic."""
    rows = np.zeros((len(texts), 256), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in re.findall(r"[a-z]{3,}", text.lower()):
            row[zlib.crc32(word.encode()) % 256] += 1.0
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.maximum(lengths, 1e-9)
    return rows
