"""When tokens are guessed: decided for each task from what its answers took."""

from __future__ import annotations

import pytest

from assistant.models.local.guessing import (
    FIRST_RETRY,
    LAST_RETRY,
    MOST_TASKS,
    OTHERS,
    SHORTEST,
    TRIALS,
    Guessing,
    Tally,
)
from assistant.models.types import Guesses

GUESSES = 4


def tally(guesses: int, step_s: float, per_step: int, tokens: int = 40, alone: bool = True) -> Tally:
    made, now = Tally(guesses), 100.0
    made.step(1, now, alone)
    while made.tokens < tokens:
        now += step_s
        made.step(min(per_step, tokens - made.tokens), now, alone)
    return made


class Workload:
    """A task whose steps take one second, `cost` with guessing, and then bring `per_step` tokens."""

    def __init__(self, guessing: Guessing, name: str, per_step: int, cost: float) -> None:
        self.guessing, self.name, self.per_step, self.cost = guessing, name, per_step, cost
        self.seconds = 0.0

    def answers(self, count: int, tokens: int = 40) -> list[bool]:
        """Answer `count` requests one after the other; return which of them were guessed."""
        return [self._answer(tokens) for _ in range(count)]

    def _answer(self, tokens: int) -> bool:
        wanted = self.guessing.wanted(self.name, alone=True)
        made = tally(GUESSES, self.cost, self.per_step, tokens) if wanted else tally(0, 1.0, 1, tokens)
        self.seconds += made.seconds
        self.guessing.note(self.name, made)
        return wanted


def on(guessing: Guessing, name: str) -> bool | None:
    return next(task.on for task in guessing.told() if task.task == name)


def test_it_tries_both_in_turns_and_then_stays_with_the_faster() -> None:
    guessing = Guessing()
    work = Workload(guessing, "grounded_answer", per_step=4, cost=1.5)
    assert work.answers(2 * TRIALS) == [False, True] * TRIALS
    assert on(guessing, "grounded_answer") is True
    assert all(work.answers(FIRST_RETRY))


def test_it_stops_after_one_try_where_guessing_is_hopeless() -> None:
    guessing = Guessing()
    work = Workload(guessing, "chat", per_step=1, cost=2.0)
    assert work.answers(10) == [False, True, *[False] * 8]
    assert on(guessing, "chat") is False


def test_a_gain_too_small_to_be_sure_of_is_none() -> None:
    guessing = Guessing()
    Workload(guessing, "chat", per_step=2, cost=1.96).answers(2 * TRIALS)
    assert on(guessing, "chat") is False


def test_each_task_is_decided_by_itself() -> None:
    guessing = Guessing()
    cited = Workload(guessing, "grounded_answer", per_step=3, cost=1.2)
    free = Workload(guessing, "chat", per_step=1, cost=1.2)
    for _ in range(2 * TRIALS):
        cited.answers(1)
        free.answers(1)
    assert (on(guessing, "grounded_answer"), on(guessing, "chat")) == (True, False)


def test_it_looks_again_ever_more_rarely_and_follows_a_task_that_changed() -> None:
    guessing = Guessing()
    work = Workload(guessing, "chat", per_step=1, cost=2.0)
    said = work.answers(2 + 3 * (FIRST_RETRY * 7) + 10)
    tries = [n for n, guessed in enumerate(said) if guessed]
    gaps = [later - earlier for earlier, later in zip(tries, tries[1:], strict=False)]
    assert gaps == sorted(gaps) and gaps[0] <= FIRST_RETRY + 2 and gaps[-1] > 3 * FIRST_RETRY
    work.per_step = 5
    assert on(guessing, "chat") is False
    work.answers(2 * LAST_RETRY)
    assert on(guessing, "chat") is True


def test_being_wrong_costs_less_than_three_percent() -> None:
    work = Workload(Guessing(), "chat", per_step=1, cost=2.0)
    work.answers(1_000)
    assert work.seconds < 1.03 * 1_000 * 39


def test_it_never_guesses_beside_other_answers_and_learns_no_speed_from_these() -> None:
    guessing = Guessing()
    Workload(guessing, "cited", per_step=5, cost=1.1).answers(2 * TRIALS)
    assert guessing.wanted("cited", alone=True) and not guessing.wanted("cited", alone=False)
    speed = guessing.told()[0].speed_without
    guessing.note("cited", tally(0, 50.0, 1, alone=False))
    assert guessing.told()[0].speed_without == speed


def test_short_answers_decide_nothing_and_are_never_guessed_forever() -> None:
    guessing = Guessing()
    assert not any(Workload(guessing, "yes_no", per_step=3, cost=1.0).answers(200, tokens=SHORTEST))
    assert on(guessing, "yes_no") is None


def test_it_tells_what_guessing_brought() -> None:
    guessing = Guessing()
    guessing.note("cited", tally(0, 1.0, 1, tokens=41))
    guessing.note("cited", tally(GUESSES, 2.0, 4, tokens=41))
    # 10 steps of 4 tokens after the first, each with 4 guesses of which 3 were right.
    assert guessing.told() == (Guesses("cited", None, 2, 40, 30, 4.0, 2.0, 1.0),)


def test_it_keeps_no_more_tasks_than_it_may() -> None:
    guessing = Guessing()
    for n in range(3 * MOST_TASKS):
        guessing.note(f"task {n}", tally(0, 1.0, 1))
    told = guessing.told()
    assert len(told) == MOST_TASKS + 1 and told[-1].task == OTHERS and told[-1].answers == 2 * MOST_TASKS


@pytest.mark.parametrize("name", ["", OTHERS])
def test_a_request_without_a_task_is_one_of_the_others(name: str) -> None:
    guessing = Guessing()
    guessing.note(name, tally(0, 1.0, 1))
    assert [task.task for task in guessing.told()] == [OTHERS]


def test_an_answer_of_one_step_had_nothing_guessed() -> None:
    made = Tally(GUESSES)
    made.step(1, 5.0, alone=True)
    assert (made.guessed, made.accepted, made.seconds) == (0, 0, 0.0)
