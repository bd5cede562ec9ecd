"""A visitor's request for a person as a ticket: a skill that an administrator named for it, in the visitor's name."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from knowledge.types import PUBLIC
from skills.types import Person, Skill, SkillCall, SkillResult, call_digest

TAKEN = {"title", "description"}  # what the skill has to take; everything else must be optional
MAX_TITLE, MAX_DESCRIPTION = 200, 5_000  # characters, as the shipped `create_ticket` takes them


class SkillCalls(Protocol):
    """The skills of the server; assistant/calling/service.py."""

    async def for_person(self, person: Person) -> list[Skill]:
        """Return the skills that `person` may call now."""
        ...

    async def call(self, call: SkillCall) -> SkillResult:
        """Run a call through all guards; never raises for what a skill does."""
        ...


async def open_ticket(
    skills: SkillCalls, name: str, request_id: str, visitor_id: str, title: str, description: str
) -> str:
    """Call the skill `name` with the request; returns "" or what went wrong.

    The visitor pressed the button and an administrator named the skill, so the call is approved; but it is the
    visitor's call: a skill that is not open to visitors is not called.
    """
    person = Person(visitor_id, frozenset({PUBLIC}), only=frozenset({name}))
    skill = next((one for one in await skills.for_person(person) if one.name == name), None)
    if skill is None:
        return f"There is no skill {name!r} that visitors may call; open it to 'public' on the page Skills."
    if not takes_a_ticket(skill):
        return f"The skill {name!r} does not take just a 'title' and a 'description'; name another."
    given = {"title": title[:MAX_TITLE], "description": description[:MAX_DESCRIPTION]}
    call = SkillCall(name, given, person, call_id=request_id)
    result = await skills.call(replace(call, approval=call_digest(skill, call)))
    return "" if result.status == "ok" else f"The skill {name!r} answered: {result.text}"


def takes_a_ticket(skill: Skill) -> bool:
    """Return whether a title and a description are all that the skill needs."""
    offered, needed = set(skill.parameters.get("properties", {})), set(skill.parameters.get("required", ()))
    return needed <= TAKEN <= offered
