"""A question that begins with the name of a prompt: "/self_ask_answer How long is leave?". Pure functions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from assistant.orchestration.prompts import Job
from assistant.promptbook.errors import CommandUnknown

_NEAREST = 3
# "/etc/passwd", "//" and "/*" are no names: they are asked as they stand.
_COMMAND = re.compile(r"/(?:([a-z][\w-]*)(?=\s|$))?", re.IGNORECASE)
_WHAT: Mapping[Job, str] = {"answer": "from the documents", "chat": "without documents"}


@dataclass(frozen=True, slots=True)
class Command:
    """A prompt and the question for it; the name "" asks which prompts there are."""

    name: str
    question: str


def read(text: str, names: Collection[str]) -> Command | None:
    """Return the command that a text begins with, by one of `names`; None where it is a question as it stands.

    Raises CommandUnknown for a name that none of `names` is, and for one without a question behind it.
    """
    said = text.strip()
    found = _COMMAND.match(said)
    if found is None or (found[1] is None and said != "/"):
        return None
    if found[1] is None or found[1].lower() == "help":
        return Command("", "")
    name, question = found[1].lower().replace("-", "_"), said[found.end() :].strip()
    if name not in names and found[1] != found[1].lower():
        return None  # no name of a prompt, and not written like one
    if name not in names:
        raise CommandUnknown(_unknown(found[1], names))
    if not question:
        raise CommandUnknown(f"Write the question behind /{name}; it is asked with that prompt.")
    return Command(name, question)


def listed(prompts: Mapping[str, Job]) -> str:
    """Return which prompts there are in one sentence."""
    names = ", ".join(f"/{name} ({_WHAT.get(job, job)})" for name, job in prompts.items())
    return (
        f"A question may begin with the name of a prompt, which it is then asked with: {names or 'there is none yet'}."
    )


def _unknown(name: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(name.replace("-", "_"), names, _NEAREST, cutoff=0.4)
    meant = f" Did you mean {' or '.join(f'/{one}' for one in near)}?" if near else ""
    return f"There is no prompt /{name[:60]}.{meant} / alone lists them; nothing was asked."
