"""Prompts: YAML files read once, their hash is their version, rendered to plain messages.

No model library is imported here: training renders the very same messages that a turn renders.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parent / "prompts"


# Goes between the passages and the question; a prompt file may word it otherwise.
NOTES = (
    "Notes that the person who asks keeps about themselves. They tell how to answer and are no source: never cite them."
    "\n{notes}"
)

Job = Literal["answer", "strict", "chat", "condense"]
Tier = Literal["domain", "fallback", "other"]
_TEXTS = ConfigDict(extra="forbid", frozen=True)


class ExamplePassage(BaseModel):
    """A passage of an example."""

    model_config = _TEXTS

    title: str = ""
    text: str


class Example(BaseModel):
    """A question with the answer that it should get, shown to the model before the real one."""

    model_config = _TEXTS

    passages: tuple[ExamplePassage, ...] = Field(default=(), max_length=8)  # none in a prompt without documents
    question: str
    answer: str


class _Selected(BaseModel):
    """What every prompt file may say about its use."""

    model_config = _TEXTS

    job: Job | None = None  # None: told by the name of a prompt that ships
    tiers: tuple[Tier, ...] = Field(default=(), max_length=3)  # where it takes the place of the one that ships
    routes: tuple[str, ...] = Field(default=(), max_length=20)  # models or adapters where it does; wins over `tiers`
    examples: tuple[Example, ...] = Field(default=(), max_length=200)
    examples_shown: int | None = Field(default=None, ge=1, le=20)  # those closest to the question; None: all of them
    notes: str = NOTES
    answer_after: str = ""  # the model thinks aloud until it writes this; "" when it answers at once

    @property
    def version(self) -> str:
        """Return the first 12 hex digits of the SHA-256 of the prompt's content."""
        # What is left at its default does not count: adding a field to this class changes no version.
        return hashlib.sha256(self.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:12]

    def noted(self, notes: Sequence[str]) -> str:
        """Return the text that shows a person's notes to a model, "" when there are none."""
        return _fill(self.notes, notes="\n".join(f"- {note}" for note in notes)) if notes else ""


class GroundedPrompt(_Selected):
    """The texts of a prompt that answers from numbered passages; unknown keys in its file are errors."""

    name: str
    system: str
    passage: str
    separator: str
    user: str
    abstention: str


class ChatPrompt(_Selected):
    """The texts of a prompt without passages; unknown keys in its file are errors."""

    name: str
    system: str
    user: str

    def filled(self, **values: str) -> str:
        """Return the user text with `values` in place of their names in braces, inserted literally."""
        return _fill(self.user, **values)


Prompt = GroundedPrompt | ChatPrompt


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message in OpenAI's sense."""

    role: str  # "system", "user", "assistant" or "tool"
    content: str
    tool_calls: tuple[Mapping[str, Any], ...] = ()  # of an assistant that calls tools, as OpenAI writes them
    tool_call_id: str = ""  # of a tool's result: the call that it answers
    images: tuple[str, ...] = ()  # data URLs, for models that see


def load(name: str) -> GroundedPrompt:
    """Return the prompt stored as `name`.yaml; raises ValueError (pydantic's) when a key is missing or unknown."""
    return GroundedPrompt.model_validate(yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8")))


def load_chat(name: str) -> ChatPrompt:
    """Return the prompt without passages stored as `name`.yaml; raises ValueError like `load`."""
    return ChatPrompt.model_validate(yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8")))


def render(
    prompt: GroundedPrompt, passages: Sequence[tuple[str, str]], question: str, notes: Sequence[str] = ()
) -> list[Message]:
    """Return the system and the user message that ask `question` of `passages`, (title, text) pairs cited as 1, 2, ...

    `notes` of the person stand behind the passages. Texts are inserted literally, never as templates, so braces in a
    document have no effect.
    """
    blocks = [
        _fill(prompt.passage, n=str(n), title=title, text=text) for n, (title, text) in enumerate(passages, start=1)
    ]
    blocks += [prompt.noted(notes)] if notes else []
    user = _fill(prompt.user, passages=prompt.separator.join(blocks), question=question)
    return [Message("system", prompt.system), Message("user", user)]


def shown(prompt: Prompt) -> list[Message]:
    """Return the prompt's examples as a conversation that comes before the question, first one first."""
    said: list[Message] = []
    for example in prompt.examples:
        if isinstance(prompt, GroundedPrompt):
            asked = render(prompt, [(one.title, one.text) for one in example.passages], example.question)[1]
        else:
            asked = Message("user", prompt.filled(question=example.question, history=""))
        said += [asked, Message("assistant", example.answer)]
    return said


def instructions(prompt: Prompt) -> tuple[str, ...]:
    """Return the texts of a prompt that tell a model what to do, and that no answer repeats."""
    return prompt.system, prompt.notes


def _fill(template: str, **values: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: values[name[1]], template)
