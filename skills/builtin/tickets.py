"""Tickets, an example of a write with approval: over a configurable HTTP API (docs/skills.md names its four calls)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from pydantic import StringConstraints

from skills.auth import Signer
from skills.declare import EXACT, skill
from skills.errors import SkillFailure, SkillRefusal
from skills.http import Http, HttpRequest
from skills.types import Person

Title = Annotated[str, StringConstraints(min_length=3, max_length=200), "one line that says what is wrong"]
Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"), "the ticket's number"]
Text = Annotated[str, StringConstraints(max_length=5_000), "what happened, as the person told it"]
_TITLE_CHARACTERS = 120
_POLITE = r"(?:(?:please|can you|could you|would you|i want to|i need to|i'd like to|let's)[\s,]+)*"
_TICKET = r"(?:(?:a|an|new|support|help ?desk|it|high|low|normal|urgent|priority)[\s-]+)*(?:ticket|support request)"
_FOR = r"(?:\s+(?:with|to|for)\s+[\w ]{2,30}?)?"
_NEW = re.compile(
    rf"{_POLITE}(?:(?:open|create|file|raise|submit|log|start)\s+{_TICKET}"
    rf"(?:{_FOR}\s*:|\s(?:about|that|because|saying|which says|that says)\b)"
    r"|report(?:\s+(?:a|an|this|the))?\s+(?:problem|issue|bug|fault)(?:\s+to\s+(?:the\s+)?[\w ]{2,20})?\s*:)"
    r"\s*(?P<said>\S.{2,})",
    re.IGNORECASE,
)
_THEN_NEW = re.compile(
    rf"(?P<said>[^?]{{6,}}?)[.,;!]\s+{_POLITE}(?:open|create|file|raise)\s+{_TICKET}(?:\s+(?:for|about)\s+(?:this|that|it))?[\s.!]*",
    re.IGNORECASE,
)
_ASKS = re.compile(r"(?:what|how|where|when|who|which|why|not\b|this\b|that\b|it\b|me\b)", re.IGNORECASE)
_NUMBER = r"(?:#\s*)?(?P<ticket>[A-Za-z]*[-_]?\d[\w-]{0,38})"
_COMMENT = re.compile(
    rf"{_POLITE}(?:add|comment|note|write)(?:\s+a\s+(?:comment|note))?\s+(?:to|on|in)\s+(?:my\s+)?ticket\s+{_NUMBER}"
    r"\s*(?::|,|-|\s(?:that|saying)\b)\s*(?P<said>\S.+)",
    re.IGNORECASE,
)
_STATUS = re.compile(
    rf"{_POLITE}(?:(?:what(?:'s| is)\s+)?(?:the\s+)?(?:status|state)\s+of"
    r"|show(?:\s+me)?|look\s+up|how\s+is|what\s+about|open|check)"
    rf"\s+(?:my\s+)?ticket\s+{_NUMBER}\s*[?.!]*",
    re.IGNORECASE,
)
_LIST = re.compile(
    rf"{_POLITE}(?:(?:which|what|show(?:\s+me)?|list|do\s+i\s+have(?:\s+any)?|my)\s+)(?:(?:all|of)\s+)*(?:my\s+)?(?P<one>open|closed|all)?\s*(?:support\s+)?tickets"
    r"(?:\s+(?:do\s+i\s+have|have\s+i|are|of\s+mine))?(?:\s+(?P<other>open|closed))?\s*[?.!]*",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n")
_URGENT = re.compile(r"\burgent|\bhigh[\s-]+priority|\bpriority[:\s]+high|\basap\b", re.IGNORECASE)
_MINOR = re.compile(r"\blow[\s-]+priority|\bpriority[:\s]+low|\bnot urgent", re.IGNORECASE)
_MAX_BYTES, _TIMEOUT_S = 1_000_000, 10.0


def ticket_skills(url: str, http: Http, signer: Signer) -> list[Callable[..., object]]:
    """Return the skills over the tickets API at `url`; each call is made in the asking person's name."""

    send = partial(_send, url.rstrip("/"), http, signer)

    @skill(effect="write", reads=_new_in, tags=EXACT)
    async def create_ticket(
        title: Title, description: Text, person: Person, priority: Literal["low", "normal", "high"] = "normal"
    ) -> Any:
        """Open a support ticket in the name of the person who asks.

        Examples:
            Open a ticket: my laptop does not start
            Report a problem to support: the printer is broken
        """
        return await send("POST", "/tickets", person, {"title": title, "text": description, "priority": priority})

    @skill(effect="write", reads=_comment_in, tags=EXACT)
    async def comment_on_ticket(ticket: Number, text: Text, person: Person) -> Any:
        """Add a comment to one of the person's tickets.

        Examples:
            Add to ticket 12 that it happened again
        """
        return await send("POST", f"/tickets/{quote(ticket, safe='')}/comments", person, {"text": text})

    @skill(reads=_list_in, tags=EXACT)
    async def my_tickets(person: Person, status: Literal["open", "closed", "all"] = "open") -> Any:
        """List the support tickets of the person who asks.

        Examples:
            Which tickets do I have open?
        """
        return await send("GET", "/tickets?" + urlencode({"status": status}), person)

    @skill(reads=_status_in, tags=EXACT)
    async def ticket_status(ticket: Number, person: Person) -> Any:
        """Show one of the person's support tickets with its comments.

        Examples:
            What is the status of ticket 12?
        """
        return await send("GET", f"/tickets/{quote(ticket, safe='')}", person)

    return [create_ticket, comment_on_ticket, my_tickets, ticket_status]


def _new_in(question: str) -> Mapping[str, str] | None:
    """Return title, text and priority of a ticket that the question asks for, in the person's own words."""
    text = " ".join(question.split())
    found = _NEW.fullmatch(text) or _THEN_NEW.fullmatch(text)
    if found is None or _ASKS.match(found["said"]):
        return None
    said = found["said"].strip(" .")
    title = _SENTENCE.split(said)[0].strip(" .,?!")[:_TITLE_CHARACTERS]
    if len(title) < 3:
        return None
    urgent, minor = _URGENT.search(text), _MINOR.search(text)
    priority = "high" if urgent else "low" if minor else "normal"
    return {"title": title[:1].upper() + title[1:], "description": said[:1].upper() + said[1:], "priority": priority}


def _comment_in(question: str) -> Mapping[str, str] | None:
    found = _COMMENT.fullmatch(" ".join(question.split()))
    return None if found is None else {"ticket": found["ticket"], "text": found["said"].strip()}


def _status_in(question: str) -> Mapping[str, str] | None:
    found = _STATUS.fullmatch(" ".join(question.split()))
    return None if found is None else {"ticket": found["ticket"]}


def _list_in(question: str) -> Mapping[str, str] | None:
    found = _LIST.fullmatch(" ".join(question.split()))
    if found is None:
        return None
    kind = (found["one"] or found["other"] or "open").lower()
    return {"status": kind if kind in ("closed", "all") else "open"}


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
