"""`fetch`: the one way out of the process in which a team's skills run; `progress`: how a long call says how far it is.

The server carries the request out, through the guard that all its requests pass, and only to the hosts that the
module's entry (`<module>.skill.yaml`, key `hosts`) names.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from skills.errors import SkillFailure
from skills.types import Report

Door = Callable[[dict[str, Any]], dict[str, Any]]  # a request's frame in, the reply's frame out
DOOR: ContextVar[Door | None] = ContextVar("DOOR", default=None)
PROGRESS: ContextVar[Report | None] = ContextVar("PROGRESS", default=None)
_NOTE_CHARACTERS = 200
_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Reply:
    """What a web server answered."""

    status: int  # of HTTP
    text: str

    def json(self) -> Any:
        """Return the text read as JSON; raises SkillFailure when it is none."""
        try:
            return json.loads(self.text)
        except ValueError as exc:
            raise SkillFailure("The other side did not answer in JSON.") from exc


def fetch(url: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: object = None) -> Reply:
    """Return what `url` answers; `body` is sent as JSON.

    Raises SkillFailure when the host is not among the module's `hosts`, does not answer, or answers too much.
    """
    door = DOOR.get()
    if door is None:
        raise SkillFailure("fetch works only inside a skill that the server runs.")
    reply = door({"url": url, "method": method, "headers": dict(headers or {}), "body": body})
    if "error" in reply:
        raise SkillFailure(str(reply["error"]))
    return Reply(int(reply["status"]), str(reply["text"]))


def progress(done: float | None, note: str = "") -> None:
    """Say how far the call is: `done` from 0 to 1, None when that is not known, with at most 200 characters about it.

    Costs nothing where nobody listens, as in a skill that is not declared `long`.
    """
    report = PROGRESS.get()
    if report is not None:
        report(None if done is None else min(1.0, max(0.0, float(done))), str(note)[:_NOTE_CHARACTERS])


def spaced(report: Report) -> Report:
    """Return a report that lets five calls a second through, so that a busy loop costs no traffic."""
    latest = -_EVERY_S

    def tell(done: float | None, note: str) -> None:
        nonlocal latest
        if time.monotonic() - latest >= _EVERY_S:
            latest = time.monotonic()
            report(done, note)

    return tell
