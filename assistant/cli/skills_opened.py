"""What the commands about skills have in common: the skills of the data folder, opened and closed again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import typer

from assistant.cli.options import settings_of
from assistant.cli.output import Failed, note, out, show_json
from assistant.settings import Settings
from skills.audit import AuditFile
from skills.builtin import Host, sources
from skills.errors import SkillError
from skills.fake import embed_words
from skills.skillset import Skillset

T = TypeVar("T")


def run(context: typer.Context, work: Callable[[Skillset], Awaitable[T]]) -> T:
    """Open the skills of the data folder, do something with them, and close them; errors are one sentence."""
    settings = settings_of(context)
    try:
        return asyncio.run(_opened(settings, work))
    except SkillError as exc:
        raise Failed(str(exc)) from exc


async def _opened(settings: Settings, work: Callable[[Skillset], Awaitable[T]]) -> T:
    audit = AuditFile(settings.data_dir / "logs" / "skills.jsonl")
    warnings = logging.getLogger("skills.sources")  # one a source; `tell_problems` says in one line what they say
    before, warnings.disabled = warnings.disabled, True
    try:
        skillset = await Skillset.open(
            settings.skills,
            settings.data_dir,
            embed=embed_words,  # nothing is chosen here, so no model is loaded
            audit=audit,
            builtin=lambda parts: sources(Host(), parts),
        )
        try:
            await skillset.watch.settled()  # a command, unlike a server, is over before a slow one would answer
            tell_problems(skillset.problems)
            return await work(skillset)
        finally:
            await skillset.close()
    finally:
        warnings.disabled = before


def tell_problems(problems: Mapping[str, str]) -> None:
    """Say on stderr, in one line, which sources do not work, by source; nothing where all do."""
    if problems:
        note(f"Not loaded: {', '.join(sorted(problems))}; `assistant skills test` says why.")


def say(value: dict[str, Any], as_json: bool, sentence: str) -> None:
    """Print `value` as JSON, or the sentence."""
    if as_json:
        show_json(value)
    else:
        out.print(sentence, markup=False, highlight=False)


def short(value: object) -> object:
    """Return the first 80 characters of a text, anything else as it is."""
    return value[:80] if isinstance(value, str) else value
