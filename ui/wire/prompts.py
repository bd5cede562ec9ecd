"""Prompts, their versions and their scores."""

from __future__ import annotations

from ui.wire.base import Epoch, Wire


class PromptVersion(Wire):
    """A version of a prompt, without its text."""

    n: int
    note: str = ""
    created_at: Epoch | None = None


class Command(Wire):
    """A prompt that a question may begin with."""

    name: str
    job: str = "answer"


class ReadCommand(Wire):
    """How a text that begins with "/" is read; with prompts where it asks for them."""

    prompt: str | None = None
    question: str = ""
    commands: tuple[Command, ...] = ()


class PromptEntry(Wire):
    """A prompt in the list."""

    name: str
    job: str = ""
    live: int | None = None  # 0: the version that ships; None: not in use
    latest: int = 0
    ships: bool = False  # whether version 0 is a file that ships
    tiers: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


class Prompt(PromptEntry):
    """A prompt with its text and history."""

    text: str = ""
    versions: tuple[PromptVersion, ...] = ()


class Interval(Wire):
    """A mean with the interval that holds it."""

    mean: float
    low: float
    high: float


class Scores(Wire):
    """What one side of a measurement came to."""

    n: int = 0
    metrics: dict[str, Interval] = {}


class Trial(Wire):
    """A measurement of a version beside what is live."""

    id: str
    name: str = ""
    n: int = 0
    of: int = 0
    done: int = 0
    state: str = "running"
    reason: str | None = None
    scores: dict[str, Scores] = {}


class Reply(Wire):
    """An answer of the playground."""

    answer: str = ""
    abstained: bool = False
