"""The nouns of widgets: a widget, its keys, a visitor with a session, and what happened there."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.types import Caller
from assistant.widgets.profile import Profile
from knowledge.types import PUBLIC, Scope


@dataclass(frozen=True, slots=True)
class Widget:
    """A chat that other sites may embed."""

    id: str
    name: str
    enabled: bool
    profile: Profile
    created_at: float  # seconds since the epoch, as all times here
    updated_at: float


@dataclass(frozen=True, slots=True)
class WidgetKey:
    """A signing key without its secret."""

    id: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Session:
    """A visitor at one page, for as long as the session lasts."""

    id: str
    widget_id: str
    visitor_id: str
    subject: str | None  # who the host site says it is; None: anonymous
    name: str
    origin: str  # "" for a help desk's server
    groups: tuple[str, ...]  # as the host site claims them
    conversation_id: str | None
    expires_at: float

    def caller(self, widget: Widget) -> Caller:
        """Return who asks: somebody who may read what the public may, and the claimed groups that `widget` lets count.

        Visitors are not "everyone": that principal means people with an account. A skill has to be open to them as a
        document has, and named by the widget in addition.
        """
        principals = frozenset(
            {PUBLIC, *self._self(widget), *(f"group:{name}" for name in self.groups if name in widget.profile.groups)}
        )
        skills = frozenset(widget.profile.skills)
        return Caller(self.visitor_id, self.name, Scope(principals), False, "widget", skills)

    def _self(self, widget: Widget) -> list[str]:
        # Only where there are files of one's own: visitors who read the same share answers from memory otherwise.
        return [f"user:{self.visitor_id}"] if widget.profile.attachments.allowed else []


@dataclass(frozen=True, slots=True)
class Transcript:
    """One conversation of a visitor, as administrators list it."""

    conversation_id: str
    title: str
    visitor: str  # the host site's name or id for the visitor; "" when anonymous
    turns: int
    rated_down: int
    handed_over: bool
    updated_at: float


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A visitor's request for a person."""

    id: str
    conversation_id: str
    contact: str
    note: str
    status: str  # "waiting", "sent", "failed"
    detail: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What a widget used on one day (UTC)."""

    sessions: int = 0
    messages: int = 0
    tokens: int = 0
