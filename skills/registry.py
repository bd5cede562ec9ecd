"""All skills under one roof: one name space, who may see what, what is switched off, and the guards of each call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from skills.errors import NameClash, SkillError, UnknownSkill
from skills.guard import Rule
from skills.guards import CallLimits, Compose, Terms, standard
from skills.state import Decisions, StateFile
from skills.types import Skill, SkillCall, SkillResult, Source, Tracker
from skills.wrap import AuditLine

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """A skill as administrators see it."""

    skill: Skill
    enabled: bool
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class _Held:
    source: Source
    skills: tuple[Skill, ...]


class Registry:
    """Holds sources and answers calls. Not thread-safe: for one event loop."""

    def __init__(
        self,
        state: StateFile,
        limits: CallLimits,
        audit: Callable[[AuditLine], None],
        hidden: Callable[[], list[str]],
        tracker: Tracker | None = None,
        guards: Compose = standard,
    ) -> None:
        self.problems: dict[str, str] = {}  # by source: why it offers nothing
        self._state = state
        terms = Terms(limits, self._rule, self._readers, hidden, audit, tracker)
        self._guards = tuple(guards(terms).values())
        self._held: dict[str, _Held] = {}
        self._adding = asyncio.Lock()  # sources load side by side; their names are compared one source at a time
        self._by_name: dict[str, Skill] = {}

    async def add(self, source: Source) -> list[Skill]:
        """Load `source`, replacing an older one of the same name, and return its skills.

        Raises NameClash, naming both owners, when another source has a skill of one of the names, and whatever the
        source raises; what was held before stays then, and the reason is noted in `problems`.
        """
        try:
            loaded = await source.load()
            async with self._adding:
                self._refuse_clash(source, loaded)
                await self._replace(source, loaded)
        except SkillError as exc:
            self.problems[source.name] = str(exc)
            await source.close()
            raise
        return loaded

    async def _replace(self, source: Source, loaded: list[Skill]) -> None:
        await self.remove(source.name)
        guarded = tuple(self._guarded(skill) for skill in loaded)
        self._held[source.name] = _Held(source, guarded)
        self._by_name |= {skill.name: skill for skill in guarded}
        self.problems.pop(source.name, None)

    async def remove(self, name: str) -> None:
        """Forget the source `name` and close it; a name that is not held is no error."""
        self.problems.pop(name, None)
        held = self._held.pop(name, None)
        if held is None:
            return
        for skill in held.skills:
            self._by_name.pop(skill.name, None)
        await held.source.close()

    async def close(self) -> None:
        """Close all sources."""
        for name in list(self._held):
            await self.remove(name)

    def source(self, name: str) -> Source | None:
        """Return the source of that name, None when there is none."""
        held = self._held.get(name)
        return held.source if held else None

    def sources(self) -> list[Source]:
        """Return all sources, by name."""
        return [self._held[name].source for name in sorted(self._held)]

    def skills(self, *, principals: frozenset[str]) -> list[Skill]:
        """Return the enabled skills that one of `principals` may call, by name; calls go through all guards."""
        decisions = self._state.now()
        hidden = decisions.disabled | {name for name, rule in decisions.rules.items() if rule == "deny"}
        offered = [_as_decided(skill, decisions) for name, skill in sorted(self._by_name.items()) if name not in hidden]
        return [skill for skill in offered if not principals.isdisjoint(skill.readers)]

    def get(self, name: str, *, principals: frozenset[str]) -> Skill:
        """Return one skill; raises UnknownSkill when it does not exist, is disabled, or is not for `principals`."""
        decisions = self._state.now()
        held = self._by_name.get(name)
        if held is None or name in decisions.disabled:
            raise UnknownSkill(name)
        skill = _as_decided(held, decisions)
        if principals.isdisjoint(skill.readers):
            raise UnknownSkill(name)
        return skill

    def listed(self) -> list[Listed]:
        """Return all skills, by name, for administrators."""
        decisions = self._state.now()
        return [
            Listed(_as_decided(held, decisions), name not in decisions.disabled, decisions.rules.get(name))
            for name, held in sorted(self._by_name.items())
        ]

    async def call(self, call: SkillCall) -> SkillResult:
        """Run a call through all guards and return what it came to; never raises for what a skill does."""
        try:
            skill = self.get(call.skill, principals=call.person.principals)
        except UnknownSkill as exc:
            return SkillResult("retry", str(exc))
        return await skill.run(call)

    def _refuse_clash(self, source: Source, loaded: list[Skill]) -> None:
        owners = {skill.name: skill.source for skill in self._by_name.values() if skill.source != source.name}
        for skill in loaded:
            if skill.name in owners:
                raise NameClash(skill.name, owners[skill.name], source.name)
            owners[skill.name] = source.name

    def _guarded(self, skill: Skill) -> Skill:
        """Put the guards around a skill, the innermost first."""
        for guard in self._guards:
            skill = guard(skill)
        return skill

    def _rule(self, name: str) -> Rule | None:
        decisions = self._state.now()
        return "deny" if name in decisions.disabled else decisions.rules.get(name)

    def _readers(self, name: str) -> frozenset[str] | None:
        return self._state.now().readers.get(name)


def _as_decided(skill: Skill, decisions: Decisions) -> Skill:
    readers = decisions.readers.get(skill.name)
    return skill if readers is None else replace(skill, readers=readers)
