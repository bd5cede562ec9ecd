"""The skills as a service of the server: loaded in the background; what is far away is not even waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from assistant.logs import log
from assistant.orchestration.arguments import Filler
from assistant.orchestration.small_calls import SmallCaller
from skills.audit import AuditFile
from skills.errors import SkillError
from skills.settings import SkillsSettings
from skills.skillset import Skillset
from skills.types import Person, Skill, SkillCall, SkillResult

_log = log("skills")


class SkillService:
    """Offers the skills once they are loaded; before that, and where that fails, there are none."""

    name = "skills"

    def __init__(
        self, open_skills: Callable[[], Awaitable[Skillset]], settings: SkillsSettings, audit: AuditFile
    ) -> None:
        """Nothing is loaded yet."""
        self._open_skills = open_skills
        self._settings = settings
        self._opening: asyncio.Task[Skillset] | None = None
        self._caller: SmallCaller | None = None
        self.audit = audit

    async def start(self) -> None:
        """Begin to load."""
        self._begin()

    async def stop(self) -> None:
        """Close all sources."""
        if self._opening is None:
            return
        self._opening.cancel()
        await asyncio.wait([self._opening])
        if not self._opening.cancelled() and self._opening.exception() is None:
            await self._opening.result().close()

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        """Return how many skills there are, and which sources offer none."""
        task = self._opening
        if task is None or not task.done():
            return "starting", "Skills are being loaded."
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            return "failed", f"There are no skills: {error or 'loading them was ended'}"
        skillset = task.result()
        problems = "".join(f" {source}: {problem}" for source, problem in skillset.problems.items())
        # A source that offers nothing concerns its owner; the server itself is well.
        waited = f" Connecting to {', '.join(sorted(skillset.watch.connecting))}." if skillset.watch.connecting else ""
        return "ready", f"{len(skillset.registry.listed())} skills.{waited}{problems}"

    async def ready(self) -> Skillset:
        """Return the skills once they are loaded. Raises SkillError when they cannot be."""
        return await asyncio.shield(self._begin())

    @property
    def caller(self) -> SmallCaller | None:
        """Return what plans calls for small models; None while skills are being loaded."""
        skillset = self._now()
        if skillset is not None and self._caller is None:
            settings = self._settings
            self._caller = SmallCaller(skillset.chooser, Filler(), settings.irrelevant_below, settings.choose_limit)
        return self._caller

    async def for_person(self, person: Person) -> list[Skill]:
        """Return the skills that `person` may call now, by name; empty while they are being loaded."""
        skillset = self._now()
        return await skillset.for_person(person) if skillset is not None else []

    async def call(self, call: SkillCall) -> SkillResult:
        """Run a call through all guards, once skills are loaded; never raises for what a skill does."""
        try:
            skillset = await self.ready()
        except SkillError as exc:
            return SkillResult("failed", str(exc))
        await skillset.watch.refresh()
        return await skillset.call(call)

    def _now(self) -> Skillset | None:
        task = self._opening
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return task.result()

    def _begin(self) -> asyncio.Task[Skillset]:
        if self._opening is None:
            self._opening = asyncio.create_task(self._load(), name="load-skills")
        return self._opening

    async def _load(self) -> Skillset:
        try:
            return await self._open_skills()
        except SkillError as exc:
            _log.error("skills could not be loaded", reason=str(exc))
            raise
