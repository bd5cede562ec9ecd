"""A backend without a model: it counts. For tests of the engine and its server."""

from __future__ import annotations

import time
from collections.abc import Sequence

from assistant.models.local.backend import Emission, Job

_NUMBERS = 0x110000  # the number n is this token plus n; the code points end before


class CountingBackend:
    """Replies "1 2 3 ..." to every prompt, up to `length` numbers.

    The token ids of a prompt are its code points; a number that it says is one token, beyond all code points.
    """

    def __init__(
        self,
        length: int = 20,
        context_tokens: int = 4096,
        step_s: float = 0.0,
        breaks_at: int = 0,
        *,
        guesses: int = 0,
        right: int = 0,
        guess_cost: float = 1.0,
    ) -> None:
        """`step_s` is what a step takes; the `breaks_at`-th step raises, 0: none does.

        Of `guesses` tokens guessed in a step, `right` are. `seconds` is a clock of its own: a step takes one of them,
        `guess_cost` when something is guessed in it.
        """
        self.name = "counting"
        self.context_tokens = context_tokens
        self.control_tokens: tuple[str, ...] = ("<file_sep>",)
        self.jobs: dict[int, tuple[Job, int]] = {}  # with how many numbers it has said
        self._length = length
        self._step_s = step_s
        self._left = breaks_at
        self.guesses = guesses
        self.seconds = 0.0
        self.right = right
        self._guess_cost = guess_cost

    def encode(self, text: str) -> tuple[int, ...]:
        """Return one id per character."""
        return tuple(map(ord, text))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the characters and numbers."""
        return "".join(f"{token - _NUMBERS} " if token >= _NUMBERS else chr(token) for token in ids)

    def add(self, job: Job) -> None:
        """Start a job; temperature 1.5 is what this backend cannot do."""
        if job.sampling.temperature == 1.5:
            raise ValueError("1.5 is too hot")
        self.jobs[job.id] = (job, 0)

    def cancel(self, job_id: int) -> None:
        """Forget a job."""
        self.jobs.pop(job_id, None)

    def busy(self) -> bool:
        """Return whether there are jobs."""
        return bool(self.jobs)

    def step(self) -> list[Emission]:
        """Say the next number in every job, and those that were guessed right."""
        time.sleep(self._step_s)
        self._left -= 1
        if self._left == 0:
            raise RuntimeError("counted too far")
        self.seconds += self._guess_cost if any(job.guess for job, _ in self.jobs.values()) else 1.0
        return [self._next(job, said) for job, said in list(self.jobs.values())]

    def _next(self, job: Job, said: int) -> Emission:
        most = min(self._length, job.sampling.max_tokens)
        until = min(most, said + 1 + (self.right if job.guess and said else 0))  # the first step reads the prompt
        ids = tuple(_NUMBERS + number for number in range(said + 1, until + 1))
        if until == most:
            del self.jobs[job.id]
            return Emission(job.id, ids, "stop" if until >= self._length else "length")
        self.jobs[job.id] = (job, until)
        return Emission(job.id, ids)
