"""Rooms with a bounded number of places and a bounded queue in front: overload is refused early, and politely.

All of it runs in the event loop, so nothing here needs a lock.
"""

from __future__ import annotations

import asyncio
import time
from bisect import insort
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from math import ceil
from typing import Literal

from assistant.api.metrics import Metrics
from assistant.errors import Overloaded

_LONGEST_RETRY_S = 30.0
# How much longer than an employee's chat one of this rank may wait at the same place in the queue, in seconds: who asks
# within that time goes first, who asks later does not, so that nobody waits for ever. A person waits for a page about
# ten seconds (Nielsen 1993); an evaluation is looked at minutes later.
AGEING_S = {"person": 0.0, "visitor": 10.0, "background": 120.0}
# The share of the waiting places that a rank may fill, so that those before it still find one.
_SHARE = {"person": 1.0, "visitor": 0.75, "background": 0.5}
_POSITION_EVERY_S = 1.0


Rank = Literal["person", "visitor", "background"]
"""Who is let in first: employees and their programs, visitors of widgets, work that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many fit."""

    inside: int
    waiting: int
    per_key: int  # of one person, inside and waiting together
    per_minute: int | None = None  # entries of one person in a minute; None: any


@dataclass(slots=True, eq=False)
class Ticket:
    """A place in a room, or in the queue in front of it; `leave` must be called once, whatever happens."""

    room: Room
    key: str
    due: float = 0.0  # monotonic seconds: those that wait are let in by this
    admitted: asyncio.Event = field(default_factory=asyncio.Event)
    entered: float = 0.0  # monotonic seconds of admission
    left: bool = False

    @property
    def position(self) -> int:
        """Return 0 inside, else the place in the queue from 1."""
        return 0 if self.admitted.is_set() else self.room.place_of(self)

    async def positions(self, every_s: float = _POSITION_EVERY_S) -> AsyncIterator[int]:
        """Yield the place in the queue, anew when it changed, until admitted; nothing when admitted at once.

        It is looked at every `every_s` seconds: told at each change, a queue of 500 kept the server too busy to refuse.
        """
        told = 0
        while not self.admitted.is_set():
            if self.position != told:
                told = self.position
                yield told
            with suppress(TimeoutError):
                await asyncio.wait_for(self.admitted.wait(), every_s)

    def leave(self) -> None:
        """Give the place back; again is harmless."""
        if not self.left:
            self.left = True
            self.room.released(self)


class Room:
    """Lets in so many at a time, by rank and in the order of arrival; see Capacity and AGEING_S."""

    def __init__(self, name: str, capacity: Capacity, metrics: Metrics) -> None:
        """Begin empty; `name` is what the metrics call it."""
        self.name = name
        self._capacity = capacity
        self._metrics = metrics
        self._inside = 0
        self._arriving = 0
        self._queue: list[Ticket] = []  # next first
        self._held: Counter[str] = Counter()
        self._allowance: dict[str, tuple[float, float]] = {}  # person -> (entries left, at that monotonic second)
        self._typical_s = 1.0  # moving average of how long a place is held
        self._report()  # an empty queue is a figure, too

    def enter(self, key: str, rank: Rank = "person") -> Ticket:
        """Return a ticket for `key` (a person, or an address), inside or in the queue. Raises Overloaded at once."""
        if self._held[key] >= self._capacity.per_key:
            self._refuse(f"You have {self._held[key]} requests running; wait until one is done.", self._typical_s)
        self._refuse_when_full(0, rank)
        full = self._inside >= self._capacity.inside
        self._spend(key)
        ticket = Ticket(self, key, time.monotonic() + AGEING_S[rank])
        self._held[key] += 1
        if full:
            insort(self._queue, ticket, key=lambda waiting: waiting.due)
        else:
            self._admit(ticket)
        self._report()
        return ticket

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Count somebody who is on the way in while it is looked up who it is. Raises Overloaded at once.

        All places may be spoken for by those who came before: who asks then need not be looked up.
        """
        self._refuse_when_full(self._arriving)
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    @asynccontextmanager
    async def place(self, key: str, rank: Rank = "person") -> AsyncIterator[None]:
        """Hold a place while the block runs, after waiting for it. Raises Overloaded at once."""
        ticket = self.enter(key, rank)
        try:
            await ticket.admitted.wait()
            yield
        finally:
            ticket.leave()

    def crowd(self) -> tuple[int, int]:
        """Return how many hold a place, and how many wait for one."""
        return self._inside, len(self._queue)

    def place_of(self, ticket: Ticket) -> int:
        """Return the ticket's place in the queue from 1."""
        return self._queue.index(ticket) + 1 if ticket in self._queue else 0

    def released(self, ticket: Ticket) -> None:
        """Take a place back and let the next one in; called by the ticket."""
        self._held[ticket.key] -= 1
        if not self._held[ticket.key]:
            del self._held[ticket.key]
        if ticket.admitted.is_set():
            self._inside -= 1
            self._typical_s += 0.1 * (time.monotonic() - ticket.entered - self._typical_s)
        else:
            self._queue.remove(ticket)
        while self._queue and self._inside < self._capacity.inside:
            self._admit(self._queue.pop(0))
        self._report()

    def _refuse_when_full(self, ahead: int, rank: Rank = "person") -> None:
        """Raise Overloaded when no place is left for `rank`, inside or waiting, behind `ahead` others."""
        places = self._capacity.inside + ceil(self._capacity.waiting * _SHARE[rank])
        if self._inside + len(self._queue) + ahead >= places:
            wait_s = self._typical_s * (len(self._queue) + ahead + 1) / self._capacity.inside
            self._refuse("Too many people ask at this moment; try again shortly.", wait_s)

    def _admit(self, ticket: Ticket) -> None:
        self._inside += 1
        ticket.entered = time.monotonic()
        ticket.admitted.set()

    def _spend(self, key: str) -> None:
        """Take one entry of this minute's allowance of `key`."""
        limit = self._capacity.per_minute
        if limit is None:
            return
        moment = time.monotonic()
        left, since = self._allowance.get(key, (float(limit), moment))
        left = min(float(limit), left + (moment - since) * limit / 60.0)
        if left < 1.0:
            self._refuse(f"You may begin {limit} of these in a minute; wait a little.", (1.0 - left) * 60.0 / limit)
        self._allowance[key] = (left - 1.0, moment)
        if len(self._allowance) > 10_000:  # forget those whose minute is over
            self._allowance = {name: at for name, at in self._allowance.items() if moment - at[1] < 60.0}

    def _refuse(self, sentence: str, wait_s: float) -> None:
        self._metrics.refused(self.name)
        raise Overloaded(sentence, min(max(1.0, wait_s), _LONGEST_RETRY_S))

    def _report(self) -> None:
        self._metrics.occupied(self.name, self._inside, len(self._queue))
