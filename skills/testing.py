"""The test of a source on request: it is loaded anew, and the API of an OpenAPI document is asked if it is there."""

from __future__ import annotations

from skills.errors import SkillFailure
from skills.openapi import OpenApiSource
from skills.skillset import Skillset


async def tested(skillset: Skillset, source: str) -> str | None:
    """Return in a sentence what a source of the folders does now; None when there is none of that name.

    What is wrong with the source itself is in the registry's problems, and the sentence is the same.
    """
    place = next((path for path, name in skillset.watch.places().items() if name == source), None)
    if place is None:
        return None
    await skillset.watch.reload(place)
    problem = skillset.problems.get(source)
    if problem is not None:
        return problem
    held = skillset.registry.source(source)
    if not isinstance(held, OpenApiSource):
        return "It was loaded anew and works."
    try:
        return f"It was loaded anew; {await held.probe()}"
    except SkillFailure as exc:
        return f"It was loaded anew, but its server does not answer. {exc}"
