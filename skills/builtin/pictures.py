"""Pictures on demand, from any endpoint with OpenAI's `POST /images/generations`."""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from skills.auth import Signer
from skills.declare import EXACT, skill
from skills.errors import SkillFailure, SkillRefusal
from skills.http import Http, HttpRequest
from skills.types import Person

NAME = "draw_picture"
KeepPicture = Callable[[str, bytes, Person], Awaitable[str]]
"""Stores a picture (media type, bytes) for a person and returns its id."""

Size = Literal["256x256", "512x512", "1024x1024", "1536x1024", "1024x1536"]
Prompt = Annotated[
    str, StringConstraints(min_length=2, max_length=4_000), "what the picture shows, in the person's words"
]
_SQUARE: Size = "1024x1024"
_SIZES: tuple[tuple[str, Size], ...] = (
    (r"256\s*[x×]\s*256", "256x256"),
    (r"512\s*[x×]\s*512", "512x512"),
    (r"1536\s*[x×]\s*1024|\b(?:wide|landscape)\s+format\b", "1536x1024"),
    (r"1024\s*[x×]\s*1536|\b(?:tall|portrait)\s+format\b", "1024x1536"),
)
_BEGINNINGS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))
_POLITE = r"(?:(?:please|can you|could you|would you|will you|i want you to|i'd like you to)[\s,]+)*"
_KIND = r"(?:picture|image|logo|drawing|illustration|painting|sketch|icon|photo|cartoon|poster)"
_ABOUT = r"(?:of|showing|that shows|with|for|depicting)"
# Words of computing: an image of a disk is no picture. And "a picture of how things stand" is a way of speaking.
_OTHER = (
    r"(?!(?:the|this|a|an|our|my|its)?\s*(?:\w+\s+)?(?:disks?|drive|partition|server|container|backup|system|iso|vm)\b)"
)
_SPEECH = r"(?!(?:how|what|why|where|when|whether)\b)"
_DRAW = re.compile(
    rf"{_POLITE}(?:draw|paint|sketch|generate|create|make|design|produce)\s+(?:(?:me|us)\s+)?"
    rf"(?:(?:a|an|the|some|one)\s+)?(?P<how>(?:[\w-]+\s+){{0,3}}?{_KIND}s?)\s+{_ABOUT}\s+{_OTHER}{_SPEECH}"
    r"(?P<shown>\S.*?)[\s.!?]*",
    re.IGNORECASE | re.DOTALL,
)
_SIMPLY = re.compile(
    rf"{_POLITE}(?:draw|paint|sketch)\s+(?:me|us)\s+(?P<shown>(?:a|an|the|some|two|three)\s+\S.*?)[\s.!?]*",
    re.IGNORECASE | re.DOTALL,
)
_HOUR_S = 3_600.0
_NO_PICTURE = "The image endpoint did not answer with a picture."


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """How much one picture may take, and how many a person may have."""

    max_bytes: int
    timeout_s: float
    per_hour: int


def picture_skills(
    url: str, model: str, http: Http, signer: Signer, keep: KeepPicture, limits: PictureLimits
) -> list[Callable[..., object]]:
    """Return the skill that has pictures made by the endpoint at `url`; `model` "" leaves the choice to it."""
    made: dict[str, deque[float]] = {}

    # A picture costs money and changes nothing, so it is a read with a rate of its own; its words leave the company.
    @skill(reads=picture_in, tags=EXACT | {"outbound"}, long=True)
    async def draw_picture(prompt: Prompt, person: Person, size: Size = _SQUARE) -> dict[str, str]:
        """Make a picture, drawing, illustration or logo of what is described.

        Examples:
            Draw me a picture of a red fox
            Create an image of a lighthouse at night
            Generate a logo for a bakery
        """
        _count(made.setdefault(person.user_id, deque()), limits.per_hour)
        body = {"prompt": prompt, "n": 1, "size": size, "response_format": "b64_json"}
        signature = await signer.sign(person)
        headers = {"Accept": "application/json", "Content-Type": "application/json", **signature.headers}
        request = HttpRequest(
            "POST",
            f"{url.rstrip('/')}/images/generations",
            headers,
            json.dumps({**body, **({"model": model} if model else {})}).encode(),
        )
        reply = await http(request, max_bytes=limits.max_bytes * 4 // 3 + 10_000, timeout_s=limits.timeout_s)
        if reply.status in (400, 422):
            raise SkillRefusal(f"The image endpoint refused: {_reason(reply.text)}")
        if reply.status != 200:
            raise SkillFailure(f"The image endpoint answered with status {reply.status}.")
        data = await _picture(reply.json(), http, limits)
        media_type = next((kind for beginning, kind in _BEGINNINGS if data.startswith(beginning)), None)
        if media_type is None or len(data) > limits.max_bytes:
            raise SkillFailure(
                f"The image endpoint sent no PNG, JPEG or WebP of at most {limits.max_bytes:,} bytes; nothing is shown."
            )
        return {"picture": await keep(media_type, data, person), "shows": prompt, "size": size}

    return [draw_picture]


def picture_in(question: str) -> Mapping[str, str] | None:
    """Return what a picture shall show, and its size where the question tells one; None: it asks for no picture."""
    text = " ".join(question.split())
    found = _DRAW.fullmatch(text) or _SIMPLY.fullmatch(text)
    if found is None:
        return None
    how = found.groupdict().get("how") or ""
    # "a watercolour painting of a fox" says more than "a fox"; "picture" and "image" say nothing.
    manner = re.sub(r"\b(?:picture|image)s?\b|\d+\s*[x×]\s*\d+", "", how, flags=re.IGNORECASE).strip()
    shown = f"{manner} of {found['shown']}" if manner else found["shown"]
    size = next((size for said, size in _SIZES if re.search(said, text, re.IGNORECASE)), None)
    return {"prompt": shown, **({"size": size} if size else {})}


def _count(made: deque[float], per_hour: int) -> None:
    """Note one more request, whatever comes of it. Raises SkillFailure when the person has made as many as they may."""
    now = time.monotonic()
    while made and now - made[0] >= _HOUR_S:
        made.popleft()
    if len(made) >= per_hour:
        minutes = int((_HOUR_S - (now - made[0])) / 60) + 1
        raise SkillFailure(
            f"You have asked for {per_hour} pictures within an hour; the next one can be made in {minutes} min."
        )
    made.append(now)


async def _picture(answer: Any, http: Http, limits: PictureLimits) -> bytes:
    """Return the bytes of the first picture of an answer, fetched by the guarded client where only an address came."""
    try:
        first = answer["data"][0]
        if isinstance(text := first.get("b64_json"), str):
            return b64decode(text, validate=True)
        address = first["url"]
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as exc:
        raise SkillFailure(_NO_PICTURE) from exc
    if not isinstance(address, str):
        raise SkillFailure(_NO_PICTURE)
    # Without the signature: the address may be anybody's.
    reply = await http(HttpRequest("GET", address), max_bytes=limits.max_bytes, timeout_s=limits.timeout_s)
    if reply.status != 200:
        raise SkillFailure(f"The picture could not be fetched from where it was made: status {reply.status}.")
    return reply.body


def _reason(text: str) -> str:
    try:
        said = json.loads(text)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        said = text
    return " ".join(str(said).split())[:300]
