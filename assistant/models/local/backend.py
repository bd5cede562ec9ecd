"""The seam between our engine process and the library that runs the model: six calls, all from one thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from assistant.models.types import Sampling


@dataclass(frozen=True, slots=True)
class Job:
    """One generation: a prompt as token ids, already known to fit the context together with `sampling.max_tokens`."""

    id: int
    prompt: tuple[int, ...]
    sampling: Sampling
    guess: bool = False  # look for what comes next in the prompt, and check several tokens in a step


@dataclass(frozen=True, slots=True)
class Emission:
    """New token ids of one job after a step; `finished` is set on the last one of a job."""

    job: int
    ids: tuple[int, ...]
    finished: Literal["stop", "length"] | None = None
    at: float = 0.0  # seconds of the engine's clock when the step was over; set by the engine


class Backend(Protocol):
    """A model in memory that works on several jobs at once.

    `add`, `cancel` and `step` are called from the engine's thread only, `encode` and `decode` from the event loop's
    only. When `step` raises, the backend is broken for good and the process has to end.
    """

    name: str
    context_tokens: int
    control_tokens: tuple[str, ...]
    guesses: int  # tokens that it guesses in a step for jobs that ask for it; 0: it cannot

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the token ids of `text`; control tokens in it are recognised, none are added."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids` without control tokens; incomplete UTF-8 becomes U+FFFD."""
        ...

    def add(self, job: Job) -> None:
        """Start a job. Raises ValueError when its sampling is not possible."""
        ...

    def cancel(self, job_id: int) -> None:
        """Forget a job and free its memory at once; nothing happens when it has already finished."""
        ...

    def busy(self) -> bool:
        """Return whether a step would do anything."""
        ...

    def step(self) -> list[Emission]:
        """Compute at most one prompt chunk or one token (a few with speculation) for every job."""
        ...
