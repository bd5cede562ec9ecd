from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.models.breaker import Breaker, BreakerRules


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(BreakerRules(), clock)


def fail(breaker: Breaker, call: int = 1) -> None:
    breaker.waits(call)
    breaker.end(call, failed=True)


def test_it_opens_after_three_failures_in_a_row(breaker: Breaker) -> None:
    for n in range(3):
        assert breaker.allows()
        fail(breaker, n)
    assert breaker.state() == "open" and not breaker.allows()


def test_a_token_between_failures_starts_the_count_again(breaker: Breaker) -> None:
    for n in range(10):
        breaker.waits(n)
        breaker.progress(n)
        breaker.end(n, failed=True)
    assert breaker.allows() is True


def test_it_opens_when_work_waits_and_nothing_comes(breaker: Breaker, clock: Clock) -> None:
    breaker.waits(1)
    clock.now += 9.9
    assert breaker.allows()
    clock.now += 0.1
    assert not breaker.allows()


def test_it_opens_though_the_loop_ended_the_wait_some_milliseconds_early(breaker: Breaker, clock: Clock) -> None:
    breaker.waits(1)
    clock.now += 9.998
    breaker.end(1, failed=True)
    assert not breaker.allows()


def test_a_token_of_any_call_proves_life(breaker: Breaker, clock: Clock) -> None:
    breaker.waits(1)
    clock.now += 9
    breaker.waits(2)
    breaker.progress(2)
    clock.now += 9
    assert breaker.allows()


def test_a_slow_reader_is_not_silence(breaker: Breaker, clock: Clock) -> None:
    breaker.waits(1)
    breaker.progress(1)
    clock.now += 1000
    assert breaker.allows()
    breaker.waits(1)
    assert breaker.allows()


def test_an_idle_model_is_not_silent(breaker: Breaker, clock: Clock) -> None:
    breaker.waits(1)
    breaker.end(1, failed=False)
    clock.now += 1000
    assert breaker.allows()
    fail(breaker, 2)
    clock.now += 1000
    breaker.waits(3)
    assert breaker.allows()


def test_a_call_that_was_given_up_is_no_failure(breaker: Breaker) -> None:
    for n in range(10):
        breaker.waits(n)
        breaker.end(n, failed=False)
    assert breaker.allows()


def test_silence_across_failing_calls_adds_up(breaker: Breaker, clock: Clock) -> None:
    breaker.waits(1)
    clock.now += 8  # the deadline between tokens
    breaker.end(1, failed=True)
    breaker.waits(2)
    clock.now += 2
    assert not breaker.allows()


def test_it_closes_on_one_token_of_a_canary(breaker: Breaker, clock: Clock) -> None:
    for n in range(3):
        fail(breaker, n)
    assert not breaker.canary_due()
    clock.now += 10
    assert breaker.canary_due()
    breaker.canary_begins()
    assert breaker.state() == "half-open" and not breaker.canary_due() and not breaker.allows()
    breaker.canary_ends(alive=False)
    assert breaker.state() == "open" and not breaker.canary_due()
    clock.now += 10
    breaker.canary_begins()
    breaker.canary_ends(alive=True)
    assert breaker.allows()


def test_it_stays_open_a_minute_when_a_model_fails_again_at_once(breaker: Breaker, clock: Clock) -> None:
    for n in range(3):
        fail(breaker, n)
    clock.now += 10
    breaker.canary_begins()
    breaker.canary_ends(alive=True)
    for n in range(3):
        fail(breaker, n)
    clock.now += 59
    assert not breaker.canary_due()
    clock.now += 1
    assert breaker.canary_due()


@given(st.lists(st.sampled_from(["wait", "token", "fail", "leave", "tick", "canary"]), max_size=60))
def test_it_never_lets_real_requests_through_while_open(events: list[str]) -> None:
    clock = Clock()
    breaker = Breaker(BreakerRules(), clock)
    for n, event in enumerate(events):
        was_open = breaker.state() != "closed"
        match event:
            case "wait":
                breaker.waits(n % 3)
            case "token":
                breaker.progress(n % 3)
            case "fail" | "leave":
                breaker.end(n % 3, failed=event == "fail")
            case "tick":
                clock.now += 4
            case "canary" if breaker.canary_due():
                breaker.canary_begins()
                breaker.canary_ends(alive=True)
                was_open = False
        if was_open:
            assert not breaker.allows()
