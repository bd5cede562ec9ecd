"""Prompts: YAML files read once, their hash is their version, rendered to plain messages.

No model library is imported here: training renders the very same messages that a turn renders.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent / "prompts"


class GroundedPrompt(BaseModel):
    """The texts of a prompt that answers from numbered passages; unknown keys in its file are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    system: str
    passage: str
    separator: str
    user: str
    abstention: str

    @property
    def version(self) -> str:
        """Return the first 12 hex digits of the SHA-256 of the prompt's content."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


class ChatPrompt(BaseModel):
    """The texts of a prompt without passages; unknown keys in its file are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    system: str
    user: str

    @property
    def version(self) -> str:
        """Return the first 12 hex digits of the SHA-256 of the prompt's content."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    def filled(self, **values: str) -> str:
        """Return the user text with `values` in place of their names in braces, inserted literally."""
        return _fill(self.user, **values)


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message in OpenAI's sense."""

    role: str  # "system", "user", "assistant" or "tool"
    content: str
    tool_calls: tuple[Mapping[str, Any], ...] = ()  # of an assistant that calls tools, as OpenAI writes them
    tool_call_id: str = ""  # of a tool's result: the call that it answers


def load(name: str, folder: Path = FOLDER) -> GroundedPrompt:
    """Return the prompt stored as `name`.yaml; raises ValueError (pydantic's) when a key is missing or unknown."""
    return GroundedPrompt.model_validate(yaml.safe_load((folder / f"{name}.yaml").read_text("utf-8")))


def load_chat(name: str, folder: Path = FOLDER) -> ChatPrompt:
    """Return the prompt without passages stored as `name`.yaml; raises ValueError like `load`."""
    return ChatPrompt.model_validate(yaml.safe_load((folder / f"{name}.yaml").read_text("utf-8")))


def render(prompt: GroundedPrompt, passages: Sequence[tuple[str, str]], question: str) -> list[Message]:
    """Return the system and the user message that ask `question` of `passages`, (title, text) pairs cited as 1, 2, ...

    Texts are inserted literally, never as templates, so braces in a document have no effect.
    """
    blocks = [
        _fill(prompt.passage, n=str(n), title=title, text=text) for n, (title, text) in enumerate(passages, start=1)
    ]
    user = _fill(prompt.user, passages=prompt.separator.join(blocks), question=question)
    return [Message("system", prompt.system), Message("user", user)]


def _fill(template: str, **values: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: values[name[1]], template)
