"""Requests for pictures: what the answer shows of those that were made, and what is said where none can be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.orchestration.session import Called
from assistant.types import Drawn, TurnOptions
from skills.builtin.pictures import NAME, picture_in
from skills.types import Skill

NO_PICTURES = "This installation makes no pictures; an administrator can connect an image endpoint (skills.images_url)."
TEMPORARY = "No picture is made in a temporary chat, which keeps nothing; ask for it in a usual one."
_SHOWS_CHARACTERS = 300
_PICTURES = re.compile(r"(?:^|\W|_)(?:picture|image|drawing|logo|illustration)s?(?:\W|_|$)", re.IGNORECASE)


def without_endpoint(question: str, options: TurnOptions, offered: Sequence[Skill]) -> str:
    """Return the sentence for who asks for a picture that nothing here can make; "" for everything else.

    Another skill that is about pictures, such as one of a team, gets the question as it is.
    """
    if picture_in(question) is None:
        return ""
    if any(skill.name == NAME for skill in offered):
        return TEMPORARY if options.temporary else ""
    return "" if any(_PICTURES.search(f"{skill.name} {skill.description}") for skill in offered) else NO_PICTURES


def drawn(called: Sequence[Called]) -> tuple[Drawn, ...]:
    """Return the pictures that the calls of a turn have made."""
    found = (picture_of(each) for each in called)
    return tuple(picture for picture in found if picture is not None)


def picture_of(called: Called) -> Drawn | None:
    """Return the picture that a call has made, None where it made none."""
    data = called.result.data
    if called.skill != NAME or called.result.status != "ok" or not isinstance(data, dict):
        return None
    return Drawn(str(data.get("picture", "")), str(data.get("shows", ""))[:_SHOWS_CHARACTERS])
