"""Whether to guess tokens from the prompt: decided for each task from what its answers took with guessing and without.

An engine process serves one set of weights with at most one adapter, so what is measured here belongs to these.
Decisions follow from the runs alone: no clock, no chance. A task is tried a few times in each way, then answered in the
faster one; the other one is tried again once in a while, ever more rarely as long as it keeps losing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.models.types import Guesses

TRIALS = 3  # runs of each kind before the decision, taken in turns
# A guess that is checked in vain costs time, and a busy machine makes figures uncertain: guessing must win clearly.
MARGIN = 1.05
HOPELESS = 1.3  # times slower in its first run, and guessing is not tried a second time for now
SHORTEST = 8  # tokens; what a shorter answer took says nothing
FIRST_RETRY, LAST_RETRY = 50, 800  # answers until the other kind is tried again; doubles
MOST_TASKS = 64
OTHERS = "other"  # requests without a task, and those of tasks beyond the first MOST_TASKS
_KEEPS = 0.7  # of what was measured before, at each new run: some three runs count


class Tally:
    """Counts the steps of one answer."""

    def __init__(self, guesses: int) -> None:
        """`guesses` is how many tokens are guessed in a step at most, 0 for an answer without guessing."""
        self.guesses = guesses
        self.alone = True  # no other answer was under way in any step
        self.steps = 0
        self.tokens = 0
        self._first_tokens = 0
        self._began = self._ended = 0.0

    def step(self, tokens: int, now: float, alone: bool) -> None:
        """Note that a step ended at `now`, in seconds, and brought `tokens`."""
        self.alone = self.alone and alone
        self.tokens += tokens
        self.steps += 1
        self._ended = now
        if self.steps == 1:  # it read the prompt, and nothing is guessed in it
            self._first_tokens, self._began = tokens, now

    @property
    def later_tokens(self) -> int:
        """Return the tokens after those of the first step."""
        return self.tokens - self._first_tokens

    @property
    def seconds(self) -> float:
        """Return what the later tokens took."""
        return self._ended - self._began

    @property
    def guessed(self) -> int:
        """Return how many tokens were guessed at most: the library does not tell when it found nothing to guess."""
        return self.guesses * max(0, self.steps - 1)

    @property
    def accepted(self) -> int:
        """Return how many guesses were right: the tokens beyond one in each step."""
        return min(self.guessed, max(0, self.later_tokens - (self.steps - 1)))


@dataclass
class _Kind:
    """What answers took in one of the two ways; the last ones count most."""

    runs: int = 0
    tokens: float = 0.0
    seconds: float = 0.0

    def add(self, tally: Tally, keeps: float) -> None:
        self.runs += 1
        self.tokens = keeps * self.tokens + tally.later_tokens
        self.seconds = keeps * self.seconds + tally.seconds

    @property
    def speed(self) -> float | None:
        """Return tokens in a second."""
        return self.tokens / self.seconds if self.seconds > 0 else None


@dataclass
class _Task:
    answers: int = 0
    guessed: int = 0
    accepted: int = 0
    later_tokens: int = 0  # of answers with guessing
    later_steps: int = 0
    plain: _Kind = field(default_factory=_Kind)
    guessing: _Kind = field(default_factory=_Kind)
    since: int = 0  # answers since the other kind was last tried
    retry: int = FIRST_RETRY

    def on(self) -> bool | None:
        """Return whether guessing is the faster; None while the trials last."""
        plain, guessing = self.plain.speed, self.guessing.speed
        if plain is None or guessing is None:
            return None
        if min(self.plain.runs, self.guessing.runs) < TRIALS and guessing * HOPELESS >= plain:
            return None
        return guessing > MARGIN * plain


class Guessing:
    """Decides for each request of one engine."""

    def __init__(self) -> None:
        self._tasks: dict[str, _Task] = {}

    def wanted(self, name: str, alone: bool) -> bool:
        """Return whether to guess in the next answer of a task; never while another answer is under way.

        Guesses compete with other answers for the processor: three streams together were half as fast with guessing
        (docs/experiments/2026-11-speculation.md).
        """
        if not alone:
            return False
        task = self._task(name)
        on = task.on()
        if on is None:
            return task.guessing.runs < task.plain.runs
        task.since += 1
        if task.since <= task.retry:
            return on
        task.since, task.retry = 0, min(2 * task.retry, LAST_RETRY)
        return not on

    def note(self, name: str, tally: Tally) -> None:
        """Learn from an answer that is complete."""
        task = self._task(name)
        before = task.on()
        task.answers += 1
        if tally.guesses:
            task.guessed += tally.guessed
            task.accepted += tally.accepted
            task.later_tokens += tally.later_tokens
            task.later_steps += tally.steps - 1
        if tally.alone and tally.later_tokens >= SHORTEST and tally.seconds > 0:
            # What the kind that lost took is long ago: only the new try counts.
            keeps = _KEEPS if before in (None, bool(tally.guesses)) else 0.0
            (task.guessing if tally.guesses else task.plain).add(tally, keeps)
        if before is not None and task.on() != before:
            task.since, task.retry = 0, FIRST_RETRY

    def told(self) -> tuple[Guesses, ...]:
        """Return what is known of each task, in the order in which they first came."""
        return tuple(_told(name, task) for name, task in self._tasks.items())

    def _task(self, name: str) -> _Task:
        if name not in self._tasks and (not name or len(self._tasks) >= MOST_TASKS):
            name = OTHERS
        return self._tasks.setdefault(name, _Task())


def _told(name: str, task: _Task) -> Guesses:
    return Guesses(
        name,
        task.on(),
        task.answers,
        task.guessed,
        task.accepted,
        task.later_tokens / task.later_steps if task.later_steps else None,
        task.guessing.speed,
        task.plain.speed,
    )
