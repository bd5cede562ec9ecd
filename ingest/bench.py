"""The documents that a worker has in hand, shared by its threads: some read, some give vectors, one says we live."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np

from ingest.jobs import Job, Pulse, Verdict
from ingest.rates import Rates
from ingest.sandbox import Reading
from knowledge.types import Vectors

_SUSPECT = 2  # strikes from which a document is worked on alone, so that no other one suffers with it
_READ_SHARE = 0.3  # of the progress that is shown
_SAVE_SHARE = 0.02
_LONG_READING_S = 2.0  # after which another reader takes the next document


@dataclass(eq=False)
class InHand:
    """One document on its way. Only the bench changes it."""

    job: Job
    stage: str = "loading"
    share: float = 0.0  # of the reading that is done
    started: float = field(default_factory=time.monotonic)
    reading: Reading | None = None
    vectors: Vectors | None = None  # filled row by row
    given: int = 0  # chunks handed out for embedding
    embedded: int = 0
    verdict: Verdict = "ours"


@dataclass(frozen=True, slots=True)
class Batch:
    """Chunks that are embedded in one go: for each document, its first and last place."""

    parts: tuple[tuple[InHand, int, int], ...]

    def __len__(self) -> int:
        """Return the number of chunks."""
        return sum(end - start for _, start, end in self.parts)


class Bench:
    """All documents in hand; every method may be called from any thread."""

    def __init__(self, room: int, rates: Rates) -> None:
        """Keep at most about `room` chunks waiting for vectors."""
        self._room = room
        self._rates = rates
        self._changed = threading.Condition()
        self._all: list[InHand] = []
        self._reading: set[InHand] = set()  # between being claimed and being read
        self._alone: InHand | None = None
        self._closed = False

    def close(self) -> None:
        """Let nobody wait any more, because the worker stops."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_for_room(self, place: int, seconds: float) -> bool:
        """Return whether reader number `place` may claim another document, after waiting up to `seconds` for it.

        Reader 0 always may while there is room; the others only help out when those before them are held up, because
        each has a process of its own.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._has_room() and self._held_up() >= place, seconds)

    def take(self, job: Job) -> InHand:
        """Put a document on the bench; a suspect one waits until it has the bench for itself."""
        held = InHand(job)
        with self._changed:
            self._all.append(held)
            self._changed.wait_for(lambda: self._closed or self._alone is None)
            if job.strikes >= _SUSPECT and not self._closed:
                self._alone = held
                self._changed.wait_for(lambda: self._closed or not self._busy_others(held))
            self._reading.add(held)
        return held

    def drop(self, held: InHand) -> None:
        """Take a document off the bench, whatever became of it."""
        with self._changed:
            if held in self._all:
                self._all.remove(held)
            self._reading.discard(held)
            if self._alone is held:
                self._alone = None
            self._changed.notify_all()

    def note(self, held: InHand, stage: str, share: float) -> None:
        """Store how far the reading of a document is."""
        with self._changed:
            held.stage = stage
            held.share = share if stage == "loading" else 1.0

    def was_read(self, held: InHand, reading: Reading, dimension: int) -> None:
        """Let the chunks of a document be embedded from now on."""
        with self._changed:
            held.reading = reading
            held.vectors = np.zeros((len(reading.chunks), dimension), np.float32)
            held.stage = "embedding"
            self._reading.discard(held)
            self._changed.notify_all()
        seconds = time.monotonic() - held.started
        self._rates.read(held.job.media_type, held.job.size, seconds, len(reading.chunks))

    def next_batch(self, size: int, seconds: float) -> Batch | None:
        """Return up to `size` chunks to embed, after waiting up to `seconds` for some; None when there are none.

        Half of them come from the document that has waited longest, so that it always moves on; the others from those
        with the fewest left, so that a small document does not wait for a large one.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._open() != [], seconds):
                return None
            oldest, *others = self._open()
            parts = [_hand_out(oldest, size // 2 if others else size)]
            for held in sorted(others, key=_left):
                parts.append(_hand_out(held, size - sum(end - start for _, start, end in parts)))
            parts.append(_hand_out(oldest, size - sum(end - start for _, start, end in parts)))
            self._changed.notify_all()
            return Batch(tuple(part for part in parts if part[1] < part[2]))

    def embedded(self, batch: Batch, vectors: Vectors) -> list[InHand]:
        """Store the vectors of a batch; return the documents that have all of theirs now."""
        done: list[InHand] = []
        row = 0
        with self._changed:
            for held, start, end in batch.parts:
                if held.vectors is not None and held.reading is not None:
                    held.vectors[start:end] = vectors[row : row + end - start]
                    held.embedded += end - start
                    if held.embedded == len(held.reading.chunks) and held not in done:
                        held.stage = "saving"
                        done.append(held)
                row += end - start
        return done

    def pulses(self) -> list[Pulse]:
        """Return how far each document is."""
        with self._changed:
            ahead = 0
            found: list[Pulse] = []
            for held in self._all:
                ahead += _left(held) + (held.given - held.embedded)
                left = self._seconds_left(held, ahead)
                found.append(Pulse(held.job.lease, held.job.document_id, held.stage, _progress(held), left))
            return found

    def judge(self, verdicts: dict[str, Verdict]) -> list[InHand]:
        """Store what the database says about our leases; return those that are not ours to go on with."""
        with self._changed:
            for held in self._all:
                held.verdict = verdicts.get(held.job.lease, held.verdict)
            return [held for held in self._all if held.verdict != "ours"]

    def everything(self) -> list[InHand]:
        """Return all documents in hand."""
        with self._changed:
            return list(self._all)

    def backlog(self) -> float:
        """Return the seconds until what is in hand has its vectors."""
        with self._changed:
            return self._rates.seconds_to_embed(self._waiting())

    def _has_room(self) -> bool:
        return self._alone is None and self._waiting() < self._room

    def _held_up(self) -> int:
        latest = time.monotonic() - _LONG_READING_S
        return sum(held.started < latest for held in self._reading)

    def _busy_others(self, held: InHand) -> bool:
        return any(other is not held and (other in self._reading or other.reading is not None) for other in self._all)

    def _waiting(self) -> int:
        return sum(_left(held) for held in self._all)

    def _open(self) -> list[InHand]:
        return [held for held in self._all if held.verdict == "ours" and _left(held)]

    def _seconds_left(self, held: InHand, ahead: int) -> float | None:
        if held.reading is not None:
            return round(self._rates.seconds_to_embed(ahead), 1)
        if held.share < 0.05:
            return None
        spent = time.monotonic() - held.started
        return round(spent / held.share - spent + self._rates.seconds_to_embed(ahead), 1)


def _left(held: InHand) -> int:
    return len(held.reading.chunks) - held.given if held.reading is not None else 0


def _hand_out(held: InHand, size: int) -> tuple[InHand, int, int]:
    start = held.given
    held.given += min(_left(held), max(0, size))
    return held, start, held.given


def _progress(held: InHand) -> float:
    if held.reading is None:
        return round(_READ_SHARE * held.share, 3)
    share = held.embedded / max(1, len(held.reading.chunks))
    return round(_READ_SHARE + (1 - _READ_SHARE - _SAVE_SHARE) * share, 3)
