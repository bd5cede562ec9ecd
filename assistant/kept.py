"""Answers that need no model: written by an administrator, or given before to the same reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from assistant.cache import AnswerCache, Key, key_of
from assistant.near import NearCache
from assistant.orchestration.settings import TurnSettings
from assistant.threads import in_thread
from assistant.types import Answer, Route, Turn
from knowledge.types import Scope, Vectors

PINNED = "An administrator has written the answer to this question"
SAME = "Answered from memory: nothing has changed since"
NEAR = "Answered from memory: the same was asked in other words, and nothing has changed since"


class Pinned(Protocol):
    """Where curated answers are; see curated/desk.py."""

    def find(self, question: str, scope: Scope) -> Answer | None:
        """Return the curated answer that `scope` may read, None without one."""
        ...


@dataclass(frozen=True, slots=True)
class Hit:
    """An answer that was found, and the sentence that tells so."""

    answer: Answer
    told: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What was answered without a model since the start."""

    on: bool  # whether answers are kept at all
    closeness: float  # from which questions in other words count; 0: never
    entries: int  # kept now
    same: int  # asked again in the same words
    near: int  # asked again in other words
    pinned: int  # answered by an administrator's words
    missed: int  # looked for and not found
    saved_tokens: int  # read and written, that the answers took when a model gave them


class KeptAnswers:
    """All of them behind one door; used from one event loop."""

    def __init__(
        self,
        settings: TurnSettings,
        embed: Callable[[list[str]], Vectors] | None = None,
        pinned: Pinned | None = None,
    ) -> None:
        """Without `embed`, questions in other words never count."""
        on = settings.cache_answers
        self._on = on
        self._embed = embed
        self._pinned = pinned
        self._same = AnswerCache(settings.cache_entries if on else 0, settings.cache_ttl_s)
        closeness = settings.cache_closeness if on and embed else 0.0
        self._near = NearCache(closeness, settings.cache_entries, settings.cache_ttl_s)
        self._near_hits = self._pinned_hits = self._saved = 0

    def key(self, turn: Turn, knowledge: int, route: Route, prompt: str, attached: bool, recalled: bool) -> Key | None:
        """Return what the answer depends on, None when it must not come from memory.

        `recalled`: with somebody's notes; such an answer is theirs alone, and gone when the notes are. Nothing of a
        temporary chat is kept, nor an answer in JSON, which was made for one program.
        """
        options = turn.options
        own = recalled or options.temporary or options.fresh
        own = own or options.sampling.temperature > 0 or options.sampling.json_schema is not None
        if not self._on or own:
            return None
        return key_of(turn, knowledge, route, prompt, attached)

    async def pinned(self, turn: Turn) -> Hit | None:
        """Return the curated answer to a question that the caller may read; None too when they want another answer."""
        if self._pinned is None or turn.options.fresh:
            return None
        found = await in_thread(self._pinned.find, turn.question, turn.caller.scope)
        if found is None:
            return None
        self._pinned_hits += 1
        return Hit(found, PINNED)

    async def given(self, key: Key | None) -> Hit | None:
        """Return the answer that was given to this question before, or to one that counts as the same."""
        if key is None:
            return None
        found, told = self._same.get(key), SAME
        if found is None and self._near.closeness and self._embed is not None and len(self._near):
            found, told = self._near.get(key, (await in_thread(self._embed, [key.question]))[0]), NEAR
            self._near_hits += found is not None
        if found is None:
            return None
        self._saved += found.usage.input_tokens + found.usage.output_tokens
        return Hit(found, told)

    async def keep(self, key: Key | None, answer: Answer) -> None:
        """Keep an answer that would be given again."""
        if key is None or not self._same.put(key, answer):
            return
        if self._near.closeness and self._embed is not None:
            self._near.put(key, (await in_thread(self._embed, [key.question]))[0], answer)

    def figures(self) -> Figures:
        """Return what was answered without a model since the start."""
        return Figures(
            on=self._on,
            closeness=self._near.closeness,
            entries=len(self._same),
            same=self._same.hits,
            near=self._near_hits,
            pinned=self._pinned_hits,
            missed=self._same.misses - self._near_hits,
            saved_tokens=self._saved,
        )
