"""What somebody may build an assistant from, and whether what they wrote is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.gallery.applied import USUAL, Offer, job_of
from assistant.gallery.errors import AssistantUnusable
from assistant.gallery.setup import Entry, Setup


@dataclass(frozen=True, slots=True)
class Choices:
    """What one person may choose from: what is there, as far as they may read or call it."""

    offer: Offer
    collections: Mapping[str, str]  # names by id
    skills: frozenset[str]


def checked(setup: Setup, choices: Choices) -> Setup:
    """Return the setup with ids in place of names of collections. Raises AssistantUnusable with the first problem."""
    made, problems = fitted(setup, choices)
    if problems:
        raise AssistantUnusable(problems[0])
    return made


def fitted(setup: Setup, choices: Choices) -> tuple[Setup, list[str]]:
    """Return the setup without what is not there for this person, and a sentence for each thing left out."""
    problems: list[str] = []
    changes: dict[str, Any] = {}
    if setup.model != USUAL and setup.model not in choices.offer.models:
        problems.append(f"There is no model {setup.model!r} that may be asked; choose another, or 'assistant'.")
        changes["model"] = USUAL
    job = choices.offer.prompts.get(setup.prompt)
    if setup.prompt and job is None:
        problems.append(f"There is no prompt {setup.prompt!r} in use; choose another, or none.")
        changes["prompt"] = ""
    elif setup.prompt and job != job_of(setup):
        kind = "with documents" if job == "answer" else "without documents"
        problems.append(f"The prompt {setup.prompt!r} is for answers {kind}; choose another, or none.")
        changes["prompt"] = ""
    if setup.collections is not None:
        changes["collections"] = _collections(setup.collections, choices, problems)
    if setup.skills is not None:
        changes["skills"] = tuple(name for name in setup.skills if name in choices.skills)
        gone = [name for name in setup.skills if name not in choices.skills]
        problems += [f"There is no skill {name[:80]!r} that you may use; leave it out." for name in gone]
    return setup.model_copy(update=changes), problems


def entry_of(name: str, setup: Setup, choices: Choices) -> Entry:
    """Return an assistant as it stands in a file: collections by name, and only those that this person may read."""
    values = setup.model_dump()
    if setup.collections is not None:
        named = [choices.collections[one] for one in setup.collections if one in choices.collections]
        values["collections"] = named or None
    return Entry.model_validate({**values, "name": name})


def _collections(wanted: tuple[str, ...], choices: Choices, problems: list[str]) -> tuple[str, ...] | None:
    """Return the ids of those that are there; None, which is all, when none is."""
    by_name = {name: identifier for identifier, name in choices.collections.items()}
    found = []
    for one in wanted:
        identifier = one if one in choices.collections else by_name.get(one)
        if identifier is None:
            problems.append(f"There is no collection {one[:80]!r} that you may read; leave it out.")
        elif identifier not in found:
            found.append(identifier)
    return tuple(found) or None
