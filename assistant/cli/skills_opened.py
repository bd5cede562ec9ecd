"""What the commands about skills have in common: the skills of the data folder, opened and closed again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import typer

from assistant.cli.options import settings_of
from assistant.cli.output import Failed, out, show_json
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
    skillset = await Skillset.open(
        settings.skills,
        settings.data_dir,
        embed=embed_words,  # nothing is chosen here, so no model is loaded
        audit=audit,
        builtin=lambda parts: sources(Host(), parts),
    )
    try:
        await skillset.watch.settled()  # a command, unlike a server, is over before a slow one would answer
        return await work(skillset)
    finally:
        await skillset.close()


def say(value: dict[str, Any], as_json: bool, sentence: str) -> None:
    """Print `value` as JSON, or the sentence."""
    if as_json:
        show_json(value)
    else:
        out.print(sentence, markup=False, highlight=False)


def short(value: object) -> object:
    """Return the first 80 characters of a text, anything else as it is."""
    return value[:80] if isinstance(value, str) else value
