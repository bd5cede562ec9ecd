"""Widgets: chats that other web sites embed."""

from __future__ import annotations

from ui.wire.base import Epoch, Wire


class Words(Wire):
    """What a visitor reads before the first question."""

    greeting: str = ""
    questions: tuple[str, ...] = ()
    disclaimer: str = ""


class Look(Wire):
    """Colours and place; an empty colour means the widget's own."""

    title: str = ""
    accent: str = ""
    background: str = ""
    text: str = ""
    scheme: str = "auto"
    side: str = "right"


class Limits(Wire):
    """What one visitor and the whole widget may use."""

    messages_per_minute: int = 10
    messages_per_session: int = 50
    question_characters: int = 2_000
    sessions_per_hour: int = 30
    sessions_per_day: int = 5_000
    messages_per_day: int = 5_000
    tokens_per_day: int = 5_000_000
    files_per_day: int = 200
    session_hours: float = 24.0
    challenge_above: int = 60


class Hours(Wire):
    """When people are there; no days means always."""

    zone: str = "UTC"
    days: dict[str, tuple[str, str]] = {}


class HandOver(Wire):
    """Where a visitor's request for a person goes."""

    webhook: str = ""
    mail: str = ""
    skill: str = ""
    hours: Hours = Hours()


class Attachable(Wire):
    """Files that visitors may attach."""

    allowed: bool = False
    max_files: int = 3
    max_megabytes: int = 5
    endings: tuple[str, ...] = ("pdf", "docx", "txt")


class WidgetProfile(Wire):
    """The configuration of a widget."""

    origins: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    assistant: str = ""  # id; "" for none
    anonymous: bool = True
    look: Look = Look()
    words: Words = Words()
    languages: tuple[str, ...] = ("en", "de", "fr", "es", "zh", "ar")
    limits: Limits = Limits()
    hand_over: HandOver = HandOver()
    attachments: Attachable = Attachable()
    keep_days: int = 0
    learn: bool = False
    replies: str = ""


class SigningKey(Wire):
    """A key of a widget; its secret only in the answer to its creation."""

    id: str
    created_at: Epoch
    secret: str | None = None


class UsedToday(Wire):
    """What a widget used since midnight UTC."""

    sessions: int = 0
    messages: int = 0
    tokens: int = 0


class Widget(Wire):
    """A chat that other web sites embed."""

    id: str
    name: str
    enabled: bool = False
    profile: WidgetProfile = WidgetProfile()
    keys: tuple[SigningKey, ...] = ()
    today: UsedToday = UsedToday()
    snippet: str = ""


class VisitorTalk(Wire):
    """One conversation of a visitor."""

    conversation_id: str
    title: str = ""
    visitor: str = ""
    turns: int = 0
    rated_down: int = 0
    handed_over: bool = False
    updated_at: Epoch


class VisitorAnswer(Wire):
    """What the visitor was answered."""

    text: str = ""


class VisitorTurn(Wire):
    """A visitor's question with its answer."""

    id: str
    question: str
    answer: VisitorAnswer | None = None
    rating: str | None = None


class PersonRequest(Wire):
    """A visitor asks for a person."""

    id: str
    conversation_id: str
    contact: str = ""
    note: str = ""
    status: str = ""
    detail: str = ""
    created_at: Epoch
