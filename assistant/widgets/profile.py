"""What an administrator decides about a widget: its looks, what it may read, who may embed it, what it may use up."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Language = Literal["en", "de", "fr", "es", "zh", "ar"]
Ending = Literal["pdf", "docx", "xlsx", "pptx", "odt", "txt", "md", "csv", "png", "jpg"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)")
_DEFAULT_PORT = {"http": 80, "https": 443}


def storable(text: str) -> str:
    """Return `text` if every database can store it; raises ValueError otherwise."""
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("a text cannot hold NUL or half a surrogate pair")
    return text


def valid_origin(text: str) -> str:
    """Return an exact web origin as browsers send it, e.g. "https://www.example.com"; raises ValueError.

    There are no wildcards: each origin is somebody's decision.
    """
    parts = urlsplit(text.strip().rstrip("/").lower())
    try:
        port = parts.port
    except ValueError:
        port = -1
    plain = not (parts.path or parts.query or parts.fragment or parts.username or parts.password)
    host = parts.netloc.rsplit(":", 1)[0] if port is not None else parts.netloc
    if parts.scheme not in _DEFAULT_PORT or not plain or port == -1 or not _HOST.fullmatch(host):
        raise ValueError(f"{text[:80]!r} is no origin; write it as https://www.example.com, without path or wildcard")
    shown = "" if port is None or port == _DEFAULT_PORT[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def _clock(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f"{text[:20]!r} is no time of day; write it as 09:30")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name[:60]!r} is no time zone; write it as Europe/Berlin") from None
    return name


def _web_address(text: str) -> str:
    if text and (urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).hostname):
        raise ValueError(f"{text[:80]!r} is no web address; it begins with https://")
    return text


def _mail_address(text: str) -> str:
    if text and not re.fullmatch(r"[^@\s<>,;\"]{1,64}@[A-Za-z0-9.-]{1,255}", text):
        raise ValueError(f"{text[:80]!r} is no e-mail address; write it as help@example.com")
    return text


Line = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True), AfterValidator(storable)]
Paragraph = Annotated[str, StringConstraints(max_length=2_000, strip_whitespace=True), AfterValidator(storable)]
Colour = Annotated[str, StringConstraints(pattern=r"^(#[0-9a-fA-F]{6})?$")]
Origin = Annotated[str, StringConstraints(max_length=300), AfterValidator(valid_origin)]
Clock = Annotated[str, AfterValidator(_clock)]
Address = Annotated[str, StringConstraints(max_length=1_000), AfterValidator(storable), AfterValidator(_web_address)]
Mailbox = Annotated[str, StringConstraints(max_length=320), AfterValidator(storable), AfterValidator(_mail_address)]


class Part(BaseModel):
    """The root of all parts: unknown fields are errors, nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Part):
    """What a visitor reads before the first question."""

    greeting: Paragraph = ""
    questions: tuple[Line, ...] = Field(default=(), max_length=6)  # offered as buttons
    disclaimer: Paragraph = ""


class Look(Part):
    """Colours and place; an empty colour means the widget's own."""

    title: Line = ""  # "": the widget's name
    accent: Colour = ""
    background: Colour = ""
    text: Colour = ""
    scheme: Literal["auto", "light", "dark"] = "auto"
    side: Literal["right", "left"] = "right"


class Limits(Part):
    """What one visitor and the whole widget may use."""

    messages_per_minute: int = Field(default=10, ge=1, le=600)  # of one visitor
    messages_per_session: int = Field(default=50, ge=1, le=10_000)
    question_characters: int = Field(default=2_000, ge=10, le=20_000)
    sessions_per_hour: int = Field(default=30, ge=1, le=100_000)  # begun from one address
    sessions_per_day: int = Field(default=5_000, ge=1, le=10_000_000)  # of the widget
    messages_per_day: int = Field(default=5_000, ge=1, le=10_000_000)  # of the widget
    tokens_per_day: int = Field(default=5_000_000, ge=1_000, le=10_000_000_000)  # of the widget, in and out together
    files_per_day: int = Field(default=200, ge=1, le=1_000_000)  # of the widget, where files may be attached
    session_hours: float = Field(default=24.0, ge=0.1, le=720)
    challenge_above: int = Field(default=60, ge=0, le=100_000)  # anonymous sessions a minute; 0: always


class Attachments(Part):
    """Files that visitors may attach to their own conversation."""

    allowed: bool = False
    max_files: int = Field(default=3, ge=1, le=20)  # of one conversation
    max_megabytes: int = Field(default=5, ge=1, le=50)  # sent at once
    endings: tuple[Ending, ...] = ("pdf", "docx", "txt")


class Hours(Part):
    """When people are there to take over; no days means always."""

    zone: Annotated[str, StringConstraints(max_length=60), AfterValidator(_zone)] = "UTC"
    days: dict[Day, tuple[Clock, Clock]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for day, (begin, end) in self.days.items():
            if begin >= end:
                raise ValueError(f"the hours of {day} end at {end}, which is not after {begin}")
        return self


class HandOver(Part):
    """Where a visitor's request for a person goes; without any target it is not offered."""

    webhook: Address = ""  # receives the transcript, signed
    mail: Mailbox = ""
    skill: Line = ""  # opens a ticket from a title and a description; has to be open to visitors
    hours: Hours = Hours()

    @property
    def offered(self) -> bool:
        """Return whether there is anybody to hand over to."""
        return bool(self.webhook or self.mail or self.skill)


class Profile(Part):
    """The whole configuration of a widget."""

    origins: tuple[Origin, ...] = Field(default=(), max_length=100)  # none: nobody can embed it
    collections: tuple[Line, ...] = Field(default=(), max_length=100)  # names or ids; none: all that visitors may read
    groups: tuple[Line, ...] = Field(default=(), max_length=100)  # that the host site may vouch for
    skills: tuple[Line, ...] = Field(default=(), max_length=100)  # that visitors may use if open to them; none: none
    anonymous: bool = True  # False: only visitors that the host site signs in
    model: Line = "assistant"  # "assistant": we choose the route
    assistant: Line = ""  # id of an administrator's assistant of the gallery, whose setup holds inside of this profile
    look: Look = Look()
    words: Words = Words()
    translations: dict[Language, Words] = Field(default_factory=dict)
    languages: tuple[Language, ...] = ("en", "de", "fr", "es", "zh", "ar")
    limits: Limits = Limits()
    hand_over: HandOver = HandOver()
    attachments: Attachments = Attachments()
    keep_days: int = Field(default=0, ge=0, le=3_650)  # transcripts not used for longer are deleted; 0: they are kept
    learn: bool = False  # True: what visitors say may become data to train and measure with
    replies: Address = ""  # where answers to a help desk's messages are sent, signed; "": in the reply itself
