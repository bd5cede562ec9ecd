"""The documents in hand: who may be read next, what is embedded next, how far everything is."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from ingest.bench import Batch, Bench, InHand
from ingest.jobs import Job
from ingest.rates import Rates
from ingest.sandbox import Reading
from ingest.types import PreparedChunk
from knowledge.types import NewChunk


def job(name: str, strikes: int = 0) -> Job:
    return Job(name, "c", f"{name}.md", "text/markdown", 1000, "0" * 64, "me", strikes, f"lease-{name}")


def reading(n: int) -> Reading:
    return Reading("T", tuple(PreparedChunk(NewChunk(str(k)), 10) for k in range(n)))


@pytest.fixture
def bench() -> Bench:
    return Bench(room=50, rates=Rates())


def with_chunks(bench: Bench, name: str, n: int) -> InHand:
    held = bench.take(job(name))
    bench.was_read(held, reading(n), 4)
    return held


def batch_of(bench: Bench, size: int) -> Batch:
    found = bench.next_batch(size, 0.1)
    assert found is not None
    return found


def shares(batch: Batch) -> dict[str, int]:
    found: dict[str, int] = {}
    for held, start, end in batch.parts:
        found[held.job.document_id] = found.get(held.job.document_id, 0) + end - start
    return found


def vectors(batch: Batch) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    rows = [[place] * 4 for _, start, end in batch.parts for place in range(start, end)]
    return np.array(rows, np.float32).reshape(-1, 4)


def test_it_gives_half_a_batch_to_the_oldest_and_half_to_the_smallest(bench: Bench) -> None:
    with_chunks(bench, "large", 100)
    with_chunks(bench, "middle", 30)
    with_chunks(bench, "small", 5)
    assert shares(batch_of(bench, 20)) == {"large": 10, "small": 5, "middle": 5}


def test_it_fills_a_batch_from_whatever_is_there(bench: Bench) -> None:
    with_chunks(bench, "large", 100)
    assert shares(batch_of(bench, 20)) == {"large": 20}
    with_chunks(bench, "small", 3)
    assert shares(batch_of(bench, 20)) == {"large": 17, "small": 3}


def test_it_puts_vectors_where_they_belong_and_says_what_is_complete(bench: Bench) -> None:
    large, small = with_chunks(bench, "large", 12), with_chunks(bench, "small", 4)
    done: list[str] = []
    while batch := bench.next_batch(6, 0.01):
        done += [held.job.document_id for held in bench.embedded(batch, vectors(batch))]
    assert done == ["small", "large"]
    for held, n in ((large, 12), (small, 4)):
        assert held.vectors is not None and held.vectors[:, 0].tolist() == list(range(n))
        assert held.stage == "saving"


def test_it_takes_batches_back_in_any_order(bench: Bench) -> None:
    held = with_chunks(bench, "a", 8)
    first, second = batch_of(bench, 4), batch_of(bench, 4)
    assert bench.embedded(second, vectors(second)) == []
    assert bench.embedded(first, vectors(first)) == [held]


def test_it_hands_out_nothing_of_a_document_that_is_not_ours(bench: Bench) -> None:
    held = with_chunks(bench, "a", 8)
    assert bench.judge({"lease-a": "cancelled"}) == [held]
    assert bench.next_batch(4, 0.01) is None
    bench.drop(held)
    assert bench.everything() == []


def test_it_has_room_until_enough_chunks_wait(bench: Bench) -> None:
    assert bench.wait_for_room(0, 0.01)
    with_chunks(bench, "a", 50)
    assert not bench.wait_for_room(0, 0.01)
    batch_of(bench, 10)
    assert bench.wait_for_room(0, 0.01)


def test_it_lets_the_second_reader_help_only_when_the_first_is_held_up(bench: Bench) -> None:
    held = bench.take(job("slow"))
    assert not bench.wait_for_room(1, 0.01)
    held.started -= 60
    assert bench.wait_for_room(1, 0.01)
    assert not bench.wait_for_room(2, 0.01)


def test_it_works_on_a_suspect_alone(bench: Bench) -> None:
    other = with_chunks(bench, "other", 4)
    taken: list[InHand] = []
    thread = threading.Thread(target=lambda: taken.append(bench.take(job("suspect", strikes=2))))
    thread.start()
    thread.join(0.1)
    assert thread.is_alive() and taken == []
    assert not bench.wait_for_room(0, 0.01)
    bench.drop(other)
    thread.join(5)
    assert not bench.wait_for_room(0, 0.01)
    bench.drop(taken[0])
    assert bench.wait_for_room(0, 0.01)


def test_it_keeps_nobody_waiting_when_the_worker_stops(bench: Bench) -> None:
    with_chunks(bench, "other", 4)
    thread = threading.Thread(target=lambda: bench.take(job("suspect", strikes=2)))
    thread.start()
    bench.close()
    thread.join(5)
    assert not thread.is_alive()


def test_it_shows_progress_that_only_grows(bench: Bench) -> None:
    held = bench.take(job("a"))
    seen = []
    for share in (0.0, 0.5, 1.0):
        bench.note(held, "loading", share)
        seen.append(bench.pulses()[0].progress)
    bench.note(held, "chunking", 0.0)
    seen.append(bench.pulses()[0].progress)
    bench.was_read(held, reading(10), 4)
    while batch := bench.next_batch(3, 0.01):
        seen.append(bench.pulses()[0].progress)
        bench.embedded(batch, vectors(batch))
    seen.append(bench.pulses()[0].progress)
    assert seen == sorted(seen) and seen[0] == 0.0 and 0.9 < seen[-1] < 1.0
    assert bench.pulses()[0].stage == "saving"


def test_it_says_how_long_it_will_take(bench: Bench) -> None:
    held = bench.take(job("a"))
    assert bench.pulses()[0].seconds_left is None
    held.started -= 10
    bench.note(held, "loading", 0.5)
    assert bench.pulses()[0].seconds_left == pytest.approx(10, abs=1)
    bench.was_read(held, reading(100), 4)
    left = bench.pulses()[0].seconds_left
    assert left is not None and 0 < left < 60
    assert bench.backlog() == pytest.approx(left, abs=0.1)


def test_it_learns_how_fast_things_go() -> None:
    rates = Rates()
    for _ in range(40):
        rates.embedded(100, 10.0)
        rates.read("text/csv", 1024 * 1024, 5.0, 1000)
    assert rates.seconds_to_embed(10) == pytest.approx(1.0, rel=0.1)
    assert rates.seconds_for("text/csv", 2 * 1024 * 1024) == pytest.approx(200.0, rel=0.1)
    assert rates.seconds_for("text/unknown", 1024) > 0
