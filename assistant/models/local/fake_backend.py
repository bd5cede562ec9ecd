"""A backend without a model: it counts. For tests of the engine and its server."""

from __future__ import annotations

import time
from collections.abc import Sequence

from assistant.models.local.backend import Emission, Job


class CountingBackend:
    """Replies "1 2 3 ..." to every prompt, up to `length` numbers; token ids are code points, one number at a time."""

    def __init__(self, length: int = 20, context_tokens: int = 4096, step_s: float = 0.0, breaks_at: int = 0) -> None:
        """`step_s` is what a step takes; the `breaks_at`-th step raises, 0: none does."""
        self.name = "counting"
        self.context_tokens = context_tokens
        self.control_tokens: tuple[str, ...] = ("<file_sep>",)
        self.jobs: dict[int, tuple[Job, int]] = {}  # with how many numbers it has said
        self._length = length
        self._step_s = step_s
        self._left = breaks_at

    def encode(self, text: str) -> tuple[int, ...]:
        """Return one id per character."""
        return tuple(map(ord, text))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the characters."""
        return "".join(map(chr, ids))

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
        """Say the next number in every job."""
        time.sleep(self._step_s)
        self._left -= 1
        if self._left == 0:
            raise RuntimeError("counted too far")
        return [self._next(job, said + 1) for job, said in list(self.jobs.values())]

    def _next(self, job: Job, number: int) -> Emission:
        ids = self.encode(f"{number} ")
        if number >= min(self._length, job.sampling.max_tokens):
            del self.jobs[job.id]
            return Emission(job.id, ids, "stop" if number >= self._length else "length")
        self.jobs[job.id] = (job, number)
        return Emission(job.id, ids)
