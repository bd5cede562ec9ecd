"""Everything about skills of one running assistant, built once: `await Skillset.open(...)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from egress.policy import Policy
from skills.choose import Chooser, Embed
from skills.guards import CallLimits, Compose, standard
from skills.http import GuardedHttp, Http
from skills.registry import Registry
from skills.secrets import Secrets
from skills.settings import SkillsSettings
from skills.sources import Parts, Watch
from skills.state import StateFile
from skills.types import Person, Skill, SkillCall, SkillResult, Source, Tracker
from skills.wrap import AuditLine


@dataclass(frozen=True, slots=True)
class Skillset:
    """The registry with what keeps it up to date, and what administrators write to."""

    registry: Registry
    watch: Watch
    chooser: Chooser
    secrets: Secrets
    state: StateFile
    parts: Parts
    folder: Path  # where added skills are stored

    @classmethod
    async def open(
        cls,
        settings: SkillsSettings,
        data_dir: Path,
        *,
        embed: Embed,
        audit: Callable[[AuditLine], None],
        builtin: Callable[[Parts], Iterable[Source]],
        http: Http | None = None,
        tracker: Tracker | None = None,
        guards: Compose = standard,
    ) -> Skillset:
        """Return the skills of `settings`, those added under `data_dir`, and the built-in ones, loaded;
        MCP servers are connected to in the background (`watch.settled`).

        `builtin` makes the built-in sources from the parts (skills.builtin.sources); `tracker` runs the calls of skills
        that are declared as long. Raises NameClash when two of them
        clash. Sources in folders that cannot be loaded are noted in `registry.problems`.
        """
        policy = Policy.of(settings.allow_hosts)
        state, secrets = StateFile(data_dir / "skills.json"), Secrets(data_dir / "skill_secrets.json")
        parts = Parts(settings, http or GuardedHttp(policy), policy, secrets, state)
        limits = CallLimits(
            settings.timeout_s,
            settings.max_text_chars,
            settings.max_output_bytes,
            settings.calls_per_minute,
            settings.long_timeout_s,
        )
        registry = Registry(state, limits, audit, secrets.values, tracker, guards)
        for source in builtin(parts) if settings.builtin else ():
            await registry.add(source)
        folder = data_dir / "skills"
        watch = Watch(registry, (folder, *settings.skills_path), parts)
        await watch.refresh(force=True)
        return cls(registry, watch, Chooser(embed, settings.irrelevant_below), secrets, state, parts, folder)

    async def for_person(self, person: Person) -> list[Skill]:
        """Return the skills that `person` may call now, by name."""
        await self.watch.refresh()
        return [skill for skill in self.registry.skills(principals=person.principals) if person.finds(skill.name)]

    async def call(self, call: SkillCall) -> SkillResult:
        """Run a call through all guards; never raises for what a skill does."""
        return await self.registry.call(call)

    async def close(self) -> None:
        """End all processes and connections."""
        await self.watch.close()
        await self.registry.close()

    @property
    def problems(self) -> dict[str, str]:
        """Return why sources offer nothing, by source."""
        return dict(self.registry.problems)
