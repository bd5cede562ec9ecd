"""The body of POST /v1/chat/completions, and what it means to us.

OpenAI's own fields that change nothing here are accepted and dropped; they never reach a model. Fields that would
change the answer and that we cannot honour are refused. Numbers of sampling are brought into their ranges, which the
answer tells (see own_values.py); other numbers outside of their range are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from assistant.api import errors
from assistant.api.deps import Line, Text
from assistant.api.own_values import MAX_STOPS, Numbers, OwnValues, bounded
from assistant.api.sounds import AudioPart, Sound, sounds_of
from assistant.errors import PictureRefused
from assistant.models.presets import Preset
from assistant.models.types import Policy
from assistant.orchestration.prompts import Message
from assistant.pictures import MOST, picture_of
from assistant.types import Decision, Picture

MAX_MESSAGES = 1_000

# What stands in the history for a recording of an earlier question: it was answered, and is not sent on.
_ANSWERED = "(a spoken message that was answered)"
_ROLES = {"developer": "system"}
# What a tool message may say about a call that waits, in any case: people answer with these words, too.
_YES, _NO = ("approve", "approved", "yes", "true"), ("refuse", "refused", "no", "false")
_DECIDED = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}


class Part(BaseModel):
    """A text as a part of a message."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["text", "input_text"]
    text: Text


class ImageAddress(BaseModel):
    """Where a picture is."""

    model_config = ConfigDict(extra="ignore")

    url: str = Field(description="A data URL of PNG, JPEG or WebP; no other address is taken")


class ImagePart(BaseModel):
    """A picture as a part of a message."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["image_url"]
    image_url: ImageAddress


class ChatMessage(BaseModel):
    """One message in OpenAI's sense."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text | list[Part | ImagePart | AudioPart] | None = None
    tool_call_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None

    def plain(self, heard: Sequence[str] = ()) -> Message:
        """Return the message with its texts joined, `heard` in place of its recordings; pictures are left out."""
        parts = self.content if isinstance(self.content, list) else [Part(type="text", text=self.content or "")]
        spoken = iter(heard)
        texts = [
            part.text if isinstance(part, Part) else next(spoken, _ANSWERED)
            for part in parts
            if not isinstance(part, ImagePart)
        ]
        return Message(_ROLES.get(self.role, self.role), "\n".join(texts))

    def pictures(self) -> tuple[Picture, ...]:
        """Return the pictures of the message. Raises PictureRefused."""
        parts = self.content if isinstance(self.content, list) else []
        found = tuple(picture_of(part.image_url.url) for part in parts if isinstance(part, ImagePart))
        if len(found) > MOST:
            raise PictureRefused(f"A question has at most {MOST} pictures; send the rest with another one.")
        return found

    def sounds(self) -> tuple[Sound, ...]:
        """Return the recordings of the message; raises the refusal of too many, or of one that is not base64."""
        parts = self.content if isinstance(self.content, list) else []
        return sounds_of([part.input_audio for part in parts if isinstance(part, AudioPart)])


class StreamOptions(BaseModel):
    """OpenAI's options of a stream."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class JsonSchema(BaseModel):
    """The schema in `response_format`."""

    model_config = ConfigDict(extra="ignore")

    name: Line = "answer"
    schema_: dict[str, Any] = Field(alias="schema")

    @field_validator("schema_")
    @classmethod
    def _bounded(cls, schema: dict[str, Any]) -> dict[str, Any]:
        return bounded(schema)


class ResponseFormat(BaseModel):
    """What form the answer must have."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class AssistantOptions(BaseModel):
    """Our own fields; unknown ones are errors."""

    model_config = ConfigDict(extra="forbid")

    conversation_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    assistant_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = Field(
        default=None, description="An assistant of the gallery; a conversation that was begun with one keeps it"
    )
    collections: list[Line] | None = Field(default=None, max_length=100)
    replace_turn: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    grounded: bool = True
    max_passages: int = Field(default=4, ge=1, le=20)
    memory: bool | None = Field(
        default=None, description="Use and take the caller's own notes; null: for people, not for API keys"
    )
    temporary: bool = Field(
        default=False, description="Store nothing that is said: no conversation, no record, no notes, no skills"
    )
    preset: Preset | None = None
    privacy: Literal["any", "inside"] = "any"
    budget: Literal["any", "low"] = "any"
    latency: Literal["any", "fast"] = "any"
    pictures: Literal["any", "seen"] = Field(
        default="any", description="seen: refuse rather than read the text on pictures for a model that does not see"
    )

    def policy(self) -> Policy:
        """Return what the caller demands of the choice between models."""
        return Policy(self.privacy, self.budget, self.latency)


class ChatBody(Numbers):
    """A chat request."""

    model_config = ConfigDict(extra="ignore")

    model: Line = "assistant"
    messages: list[ChatMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: Line | list[Line] | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    logprobs: bool | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)] | None = None
    logit_bias: dict[str, float] | None = None
    tools: list[Any] | None = None
    response_format: ResponseFormat | None = None
    assistant: AssistantOptions = Field(default_factory=AssistantOptions)

    def question(self, heard: Sequence[str] = ()) -> str:
        """Return the last message, which must be the user's, with `heard` in place of its recordings.

        Raises the refusal of one that is not, or is empty.
        """
        last = self.messages[-1]
        if last.role != "user":
            raise errors.invalid("The last message must be the user's question.", "messages")
        text = last.plain(heard).content
        if not text.strip():
            raise errors.invalid("The question is empty; write one.", "messages")
        return text

    def pictures(self) -> tuple[Picture, ...]:
        """Return the pictures of the last message; those of earlier ones were answered and are left out."""
        return self.messages[-1].pictures()

    def sounds(self) -> tuple[Sound, ...]:
        """Return the recordings of the last message; raises the refusal of some that cannot be taken."""
        return self.messages[-1].sounds()

    def history(self) -> tuple[Message, ...]:
        """Return the messages before the last, without those that decided about calls."""
        return tuple(message.plain() for message in self.messages[:-1] if message.role != "tool")

    def decisions(self) -> tuple[Decision, ...]:
        """Return what the tool messages at the end decide about calls that wait; empty: a question is asked.

        Raises the refusal of a message that says neither yes nor no, or that names no call.
        """
        last = list(takewhile(lambda message: message.role == "tool", reversed(self.messages)))
        found = []
        for message in reversed(last):
            said = message.plain().content.strip().strip("\"'").rstrip(".!").lower()
            if message.tool_call_id is None or said not in _DECIDED:
                detail = (
                    "A tool message answers a call that waits: 'tool_call_id' names it, and 'content' is approve, yes "
                    f"or true, or refuse, no or false; it was {said[:40]!r}."
                )
                raise errors.invalid(detail, "messages")
            found.append((message.tool_call_id, _DECIDED[said]))
        return tuple(found)

    def own(self) -> OwnValues:
        """Return what the request sets about sampling; raises the refusal of the impossible."""
        if self.logprobs:
            raise errors.invalid("Log probabilities are not offered; leave out 'logprobs'.", "logprobs")
        if self.presence_penalty or self.frequency_penalty:
            name = "presence_penalty" if self.presence_penalty else "frequency_penalty"
            raise errors.invalid(f"Penalties of tokens are not offered; leave out {name!r}, or give 0.", name)
        if self.logit_bias:
            raise errors.invalid("Biases of single tokens are not offered; leave out 'logit_bias'.", "logit_bias")
        if self.tools:
            raise errors.invalid("Tools cannot be given with a request; skills are set up by administrators.", "tools")
        stops = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        if len(stops) > MAX_STOPS or "" in stops:
            raise errors.invalid(f"Give at most {MAX_STOPS} stop texts, none of them empty.", "stop")
        return OwnValues(
            preset=self.assistant.preset,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            seed=self.seed,
            stop=list(stops) or None,
            json_schema=self._schema(),
        )

    def _schema(self) -> dict[str, Any] | None:
        wanted = self.response_format
        if wanted is None or wanted.type == "text":
            return None
        if wanted.type == "json_object":
            return {"type": "object"}
        if wanted.json_schema is None:
            raise errors.invalid("'response_format' of type json_schema needs 'json_schema'.", "response_format")
        return wanted.json_schema.schema_
