"""The loop that drives a backend from one thread, and the streams that read from it on the event loop."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from assistant.models.errors import ModelOverloaded, ModelRefused, ModelUnavailable
from assistant.models.local.backend import Backend, Emission, Job
from assistant.models.local.guessing import Guessing, Tally
from assistant.models.local.text import StopStrings, TextStream
from assistant.models.types import Piece, Sampling, StopReason, Usage

log = logging.getLogger(__name__)

# A backend may hold Python's lock for a whole step. Between steps the event loop gets this many rounds, which is what
# accepting a connection, reading a request and starting its job take; each costs about 30 microseconds.
ROUNDS_BETWEEN_STEPS = 6
STOP_WAIT_S = 0.2  # a step that reads a long prompt takes seconds


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the engine is, and how much it has done since it started."""

    jobs: int
    places: int
    tokens: int  # answered so far; a watcher that sees jobs but no growth here has found a hung engine


class Engine:
    """Runs jobs on a backend. Made and used inside one event loop; `start` and `stop` frame its thread."""

    def __init__(
        self,
        backend: Backend,
        places: int,
        on_broken: Callable[[BaseException], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`places` bounds running and waiting jobs together; `on_broken` is called once when the backend has died.

        `clock` tells seconds, by which guessing is judged.
        """
        self.backend = backend
        self.guessing = Guessing()
        self._clock = clock
        self._places = places
        self._on_broken = on_broken
        self._ids = itertools.count(1)
        self._queues: dict[int, asyncio.Queue[Emission | BaseException]] = {}
        self._commands: deque[Callable[[], None]] = deque()
        self._wake = threading.Event()
        self._settled = threading.Event()
        self._stopping = False
        self._broken: BaseException | None = None
        self._tokens = 0
        self._seconds_per_job = 2.0  # moving average; only for Retry-After
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Start the thread; must be called in the event loop that reads the streams."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the step it is in, without waiting long for that: nobody reads what comes of it."""
        self._stopping = True
        self._wake.set()
        self._settled.set()
        self._thread.join(timeout=STOP_WAIT_S)

    def load(self) -> Load:
        """Return how busy the engine is now."""
        return Load(len(self._queues), self._places, self._tokens)

    async def stream(self, prompt: tuple[int, ...], sampling: Sampling, task: str = "") -> AsyncIterator[Piece]:
        """Yield the reply to `prompt`; the last piece carries usage. Closing the iterator frees the place.

        `task` names what kind of request it is: whether tokens are guessed is decided for each kind.
        Raises ModelRefused (prompt too long, sampling not possible), ModelOverloaded (no place) or ModelUnavailable.
        """
        job = Job(next(self._ids), prompt, self._fitting(prompt, sampling))
        queue = self._enter(job.id)
        job = replace(job, guess=self._guesses(sampling, task))
        tally = Tally(self.backend.guesses if job.guess else 0)
        started = time.monotonic()
        self._do(lambda: self._begin(job))
        try:
            async for piece in self._pieces(job, queue, tally):
                yield piece
            self._learn(task, job, tally)
            self._seconds_per_job += 0.2 * (time.monotonic() - started - self._seconds_per_job)
        finally:
            del self._queues[job.id]
            self._do(lambda: self.backend.cancel(job.id))

    def _guesses(self, sampling: Sampling, task: str) -> bool:
        # Guessing takes other draws from the generator: the same seed would not give the same answer any more.
        if not self.backend.guesses or sampling.temperature > 0:
            return False
        return self.guessing.wanted(task, alone=len(self._queues) == 1)

    def _learn(self, task: str, job: Job, tally: Tally) -> None:
        if self.backend.guesses and job.sampling.temperature == 0:
            self.guessing.note(task, tally)

    def _fitting(self, prompt: tuple[int, ...], sampling: Sampling) -> Sampling:
        room = self.backend.context_tokens - len(prompt)
        if room < 1:
            raise ModelRefused(
                f"The prompt has {len(prompt)} tokens and the model reads at most {self.backend.context_tokens - 1}. "
                "Send a shorter one.",
                code="context_length_exceeded",
            )
        return replace(sampling, max_tokens=min(sampling.max_tokens, room))

    def _enter(self, job_id: int) -> asyncio.Queue[Emission | BaseException]:
        if self._broken is not None:
            raise ModelUnavailable(f"The engine is broken and will be restarted: {self._broken}")
        if len(self._queues) >= self._places:
            wait_s = min(30.0, max(1.0, self._seconds_per_job))
            raise ModelOverloaded(f"All {self._places} places of the engine are taken. Try again.", wait_s)
        return self._queues.setdefault(job_id, asyncio.Queue())

    async def _pieces(
        self, job: Job, queue: asyncio.Queue[Emission | BaseException], tally: Tally
    ) -> AsyncIterator[Piece]:
        text, stops = TextStream(self.backend.decode), StopStrings(job.sampling.stop)
        finished: StopReason | None = None
        while finished is None:
            emission = await queue.get()
            if isinstance(emission, BaseException):
                raise emission
            tally.step(len(emission.ids), emission.at, alone=len(self._queues) == 1)
            finished = emission.finished
            new = stops.push(text.push(emission.ids) + (text.flush() if finished else ""))
            if finished and not stops.hit:
                new += stops.flush()
            finished = "stop" if stops.hit else finished
            if new and finished is None:
                yield Piece(new)
        yield Piece(new, stopped_by=finished, usage=_usage(job, tally))

    def _do(self, command: Callable[[], None]) -> None:
        self._commands.append(command)
        self._wake.set()

    # Below: the engine's thread.

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._obey()
                if not self.backend.busy():
                    self._wake.wait()
                    self._wake.clear()
                    continue
                emissions = self.backend.step()
                if self._stopping:
                    return
                now = self._clock()
                self._settled.clear()
                self._loop.call_soon_threadsafe(self._deliver, [replace(emission, at=now) for emission in emissions])
                self._settled.wait(timeout=1.0)
        except RuntimeError as exc:
            log.error("the backend broke: %s", exc)
            self._loop.call_soon_threadsafe(self._break, exc)

    def _obey(self) -> None:
        while self._commands:
            self._commands.popleft()()

    def _begin(self, job: Job) -> None:
        try:
            self.backend.add(job)
        except ValueError as exc:
            self._loop.call_soon_threadsafe(self._tell, job.id, ModelRefused(f"The sampling is not possible: {exc}"))

    # Below: the event loop again, called from the thread.

    def _deliver(self, emissions: list[Emission]) -> None:
        for emission in emissions:
            self._tokens += len(emission.ids)
            self._tell(emission.job, emission)
        self._settle(ROUNDS_BETWEEN_STEPS)

    def _settle(self, rounds: int) -> None:
        if rounds:
            self._loop.call_soon(self._settle, rounds - 1)
        else:
            self._settled.set()

    def _tell(self, job_id: int, what: Emission | BaseException) -> None:
        if queue := self._queues.get(job_id):
            queue.put_nowait(what)

    def _break(self, exc: BaseException) -> None:
        self._broken = exc
        for queue in self._queues.values():
            queue.put_nowait(ModelUnavailable(f"The engine broke in the middle of the answer: {exc}"))
        self._on_broken(exc)


def _usage(job: Job, tally: Tally) -> Usage:
    accepted = tally.accepted
    return Usage(
        len(job.prompt), tally.tokens, accepted_tokens=accepted, rejected_tokens=tally.guessed - accepted
    )  # fmt: skip
