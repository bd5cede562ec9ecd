"""Tickets, an example of a write with approval: over a configurable HTTP API (docs/skills.md names its four calls)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from pydantic import StringConstraints

from skills.auth import Signer
from skills.declare import skill
from skills.errors import SkillFailure, SkillRefusal
from skills.http import Http, HttpRequest
from skills.types import Person

Title = Annotated[str, StringConstraints(min_length=3, max_length=200), "one line that says what is wrong"]
Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"), "the ticket's number"]
Text = Annotated[str, StringConstraints(max_length=5_000), "what happened, as the person told it"]
_MAX_BYTES, _TIMEOUT_S = 1_000_000, 10.0


def ticket_skills(url: str, http: Http, signer: Signer) -> list[Callable[..., object]]:
    """Return the skills over the tickets API at `url`; each call is made in the asking person's name."""

    send = partial(_send, url.rstrip("/"), http, signer)

    @skill(effect="write")
    async def create_ticket(
        title: Title, description: Text, person: Person, priority: Literal["low", "normal", "high"] = "normal"
    ) -> Any:
        """Open a support ticket in the name of the person who asks.

        Examples:
            Open a ticket: my laptop does not start
            Report a problem to support: the printer is broken
        """
        return await send("POST", "/tickets", person, {"title": title, "text": description, "priority": priority})

    @skill(effect="write")
    async def comment_on_ticket(ticket: Number, text: Text, person: Person) -> Any:
        """Add a comment to one of the person's tickets.

        Examples:
            Add to ticket 12 that it happened again
        """
        return await send("POST", f"/tickets/{quote(ticket, safe='')}/comments", person, {"text": text})

    @skill
    async def my_tickets(person: Person, status: Literal["open", "closed", "all"] = "open") -> Any:
        """List the support tickets of the person who asks.

        Examples:
            Which tickets do I have open?
        """
        return await send("GET", "/tickets?" + urlencode({"status": status}), person)

    @skill
    async def ticket_status(ticket: Number, person: Person) -> Any:
        """Show one of the person's support tickets with its comments.

        Examples:
            What is the status of ticket 12?
        """
        return await send("GET", f"/tickets/{quote(ticket, safe='')}", person)

    return [create_ticket, comment_on_ticket, my_tickets, ticket_status]


async def _send(
    url: str, http: Http, signer: Signer, method: str, path: str, person: Person, body: dict[str, str] | None = None
) -> Any:
    """Return what the tickets API at `url` answers to a request in the name of `person`."""
    signature = await signer.sign(person)
    headers = {"Accept": "application/json", "X-On-Behalf-Of": person.user_id, **signature.headers}
    content = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(body).encode()
    request = HttpRequest(method, url + path, headers, content)
    reply = await http(request, max_bytes=_MAX_BYTES, timeout_s=_TIMEOUT_S)
    if reply.status in (400, 404, 422):
        raise SkillRefusal(f"The ticket system answered: {reply.text[:300]}")
    if not 200 <= reply.status < 300:
        raise SkillFailure(f"The ticket system answered with status {reply.status}.")
    return reply.json()
