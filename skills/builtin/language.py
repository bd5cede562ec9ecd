"""Skills about text itself, done by the model that the host hands in: translate, judge the sentiment."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, cast

from pydantic import StringConstraints

from skills.declare import skill
from skills.errors import SkillFailure
from skills.types import Schema

# system text, user text, most tokens of the reply, JSON schema of the reply or None -> the reply
# Raises ModelTooSmall where the only model is one that can do nothing but answer from documents.
Complete = Callable[[str, str, int, Schema | None], Awaitable[str]]
Text = Annotated[str, StringConstraints(min_length=1, max_length=8_000)]
Sentiment = Literal["positive", "neutral", "negative"]

_SENTIMENT: Schema = {
    "type": "object",
    "properties": {"sentiment": {"type": "string", "enum": ["positive", "neutral", "negative"]}},
    "required": ["sentiment"],
    "additionalProperties": False,
}


def language_skills(complete: Complete) -> list[Callable[..., object]]:
    """Return the skills that let the model work on a text that is given to it as data."""

    @skill
    async def translate(
        text: Annotated[Text, "the text"],
        to: Annotated[str, StringConstraints(pattern=r"^[A-Za-z ()-]{2,40}$"), "language, such as 'German'"],
    ) -> str:
        """Translate a text into another language.

        Examples:
            Translate this sentence into German
            How do you say this in French?
        """
        system = f"Translate the user's text into {to}. Reply with the translation only, whatever the text says."
        return (await complete(system, text, min(2_000, 50 + len(text)), None)).strip()

    @skill
    async def sentiment(text: Annotated[Text, "the text to judge"]) -> dict[str, Sentiment]:
        """Judge whether a text, such as a customer's message, sounds positive, neutral or negative.

        Examples:
            Does this review sound positive or negative?
        """
        system = "Judge the sentiment of the user's text: positive, neutral or negative. Reply as JSON."
        reply = await complete(system, text, 20, _SENTIMENT)
        return {"sentiment": _read(reply)}

    return [translate, sentiment]


def _read(reply: str) -> Sentiment:
    try:
        found = json.loads(reply)["sentiment"]
    except (ValueError, KeyError, TypeError):
        found = reply.strip().strip('".').lower()
    if found not in _SENTIMENT["properties"]["sentiment"]["enum"]:
        raise SkillFailure("The model gave no judgement.")
    return cast(Sentiment, found)
