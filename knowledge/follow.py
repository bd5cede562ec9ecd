"""One index following SQL: catching up by change number, checked, repaired, and made anew when its files are no good.

Nothing here is ever silent: `status` tells what the index is doing and why, and what was repaired.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Literal

from sqlalchemy import Engine

from knowledge import changes, facts
from knowledge.database import reading
from knowledge.errors import IndexDamaged
from knowledge.generation import Generation, IndexT
from knowledge.index import Entry, all_rows, count, entries, entries_after, sample
from knowledge.seal import Stamp, State, digests, read_state, stamp, write_state

log = logging.getLogger(__name__)

_CHANGES_AT_ONCE = 2_000
_ENTRIES_AT_ONCE = 2_000
_SAMPLED = 32  # entries looked up by every check
_KEPT_CHANGES = 500_000  # an index that is further behind compares itself with SQL instead
_REPAIRABLE = 0.05  # share of the entries; with more wrong, making the index anew is surer and faster


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """How one index is doing."""

    kind: str  # "dense" or "keyword"
    state: Literal["ready", "rebuilding", "waiting"]  # waiting: not opened yet, or soon to be made anew
    reason: str  # why it is not ready, or was last made anew; empty if nothing ever happened
    entries: int  # in the index, when last looked at
    behind: int  # changes that it has not taken up yet
    progress: float  # 0..1, of the rebuild
    repaired: int  # entries that checks found wrong and put right, since the start
    rebuilds: int  # since the start
    checked_at: float | None  # seconds since the epoch


class Follower(Generic[IndexT]):
    """Keeps one index abreast of SQL. `step` does what is due; one thread calls it, any thread may search."""

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        kind: str,
        model: str,
        open_index: Callable[[Path], IndexT],
        check_every_s: float,
    ) -> None:
        """Follow `engine` with the index that `open_index` opens in a folder below `folder`; touches nothing yet."""
        self._engine = engine
        self._folder = folder
        self._model = model
        self._open_index = open_index
        self._check_every_s = check_every_s
        self._live: Generation[IndexT] | None = None
        self._ready = False  # searches get the index only while this is set
        self._damage: str | None = None  # why the index has to be made anew
        self._state: State | None = None  # None: not opened yet
        self._stamp: Stamp = {}
        self._stopping = False
        self._status = IndexStatus(kind, "waiting", "It was not opened yet.", 0, 0, 0.0, 0, 0, None)

    @contextmanager
    def borrow(self) -> Iterator[IndexT | None]:
        """Yield the index for one search, or None when there is none to be trusted now."""
        live = self._live
        if not self._ready or live is None or not live.enter():
            yield None
            return
        try:
            yield live.index
        finally:
            live.leave()

    @property
    def seq(self) -> int:
        """Every change up to this one is in the index."""
        return self._state.seq if self._state else 0

    def report(self, damage: IndexDamaged) -> None:
        """Tell that a search found the index damaged: no search gets it again, and the next step makes it anew."""
        self._ready = False
        self._damage = str(damage)
        self._status = replace(self._status, state="waiting", reason=str(damage))
        log.warning("an index is damaged", extra={"kind": self._status.kind, "reason": str(damage)})

    def status(self) -> IndexStatus:
        """Return how the index is doing now."""
        with reading(self._engine) as connection:
            behind = changes.latest(connection) - self.seq
        return replace(self._status, behind=max(0, behind))

    def stop(self) -> None:
        """Let a step that is running in another thread end soon."""
        self._stopping = True

    def step(self) -> None:
        """Open, make anew, catch up and check, as is due. Takes minutes when a large index has to be made anew."""
        try:
            if self._state is None:
                self._open()
            if self._damage is not None:
                self._rebuild(self._damage)
            if self._ready:
                self._catch_up()
                if time.time() - (self._status.checked_at or 0) > self._check_every_s:
                    self.check(deep=False)
        except IndexDamaged as exc:
            self.report(exc)

    def close(self) -> None:
        """Close the index in good order: the next process can trust its files. No search may be running."""
        live, self._live, state = self._live, None, self._state
        trusted = self._ready and live is not None and stamp(live.folder) == self._stamp
        self._ready = False
        if live is None:
            return
        live.retire(remove=False)
        if trusted and state is not None:
            write_state(self._folder, replace(state, sealed=digests(live.folder)))

    def check(self, deep: bool) -> None:
        """Compare the index with SQL and repair what differs; `deep` compares every entry, not a sample.

        Raises IndexDamaged if too much differs or a repair does not hold.
        """
        live = self._live
        if live is None:
            return
        if stamp(live.folder) != self._stamp:
            raise IndexDamaged(f"The files of the {self._status.kind} index were changed by another program.")
        self._catch_up()
        wrong, ghosts, expected = self._differences(live.index, deep)
        if len(wrong) + len(ghosts) > max(_SAMPLED, _REPAIRABLE * expected):
            raise IndexDamaged(f"{len(wrong) + len(ghosts)} of {expected} {self._status.kind} entries are wrong.")
        if wrong or ghosts:
            self._repair(live.index, sorted(wrong), sorted(ghosts))
        status = replace(self._status, entries=live.index.count(), checked_at=time.time())
        self._status = replace(status, repaired=status.repaired + len(wrong) + len(ghosts))
        self._prune()

    def _open(self) -> None:
        state, identity = read_state(self._folder), facts.database_id(self._engine)
        self._state = state or State(self._model, identity, generation=0, seq=0)
        self._damage = self._unusable(state, identity)
        if state is None or self._damage is not None:
            return
        trusted, folder = state.sealed is not None, self._folder / str(state.generation)
        self._remember(replace(state, sealed=None, opening=not trusted))
        self._live = Generation(self._open_index(folder), folder)
        self._stamp = stamp(folder)
        self.check(deep=not trusted)
        self._remember(replace(self._state, opening=False))
        self._be_ready(reason="")

    def _unusable(self, state: State | None, identity: str) -> str | None:
        if state is None:
            return "There was no index yet."
        folder = self._folder / str(state.generation)
        with reading(self._engine) as connection:
            latest = changes.latest(connection)
        if (state.model, state.database) != (self._model, identity) or state.seq > latest:
            return "The index belongs to another database or embedding model."
        if not folder.is_dir():
            return "The files of the index were gone."
        if state.opening:
            return "The process ended while it looked at files that a crash had left."
        if state.sealed is not None and state.sealed != digests(folder):
            return "The files of the index were changed while it was closed."
        return None

    def _rebuild(self, reason: str) -> None:
        assert self._state is not None  # _open ran before
        old, self._live, self._ready = self._live, None, False
        if old is not None:
            old.retire(remove=True)
        number = self._state.generation + 1
        for leftover in self._folder.glob("[0-9]*"):
            shutil.rmtree(leftover, ignore_errors=True)
        self._status = replace(self._status, state="rebuilding", reason=reason, progress=0.0)
        log.info("making an index anew", extra={"kind": self._status.kind, "reason": reason})
        folder = self._folder / str(number)
        index = self._open_index(folder)
        self._live = Generation(index, folder)
        seq = self._fill(index)
        if self._stopping:
            return
        self._stamp = stamp(folder)
        identity = facts.database_id(self._engine)
        self._remember(State(self._model, identity, generation=number, seq=seq))
        self._damage = None
        self._catch_up()
        self._status = replace(self._status, rebuilds=self._status.rebuilds + 1, checked_at=time.time())
        self._be_ready(reason)

    def _fill(self, index: IndexT) -> int:
        """Put every entry into `index`; return the change up to which it is complete at least."""
        with reading(self._engine) as connection:
            seq, expected = changes.latest(connection), count(connection, self._model)
        done, row = 0, 0
        while not self._stopping:
            # One short transaction per page: what changes meanwhile is caught up with afterwards, by number.
            with reading(self._engine) as connection:
                page = entries_after(connection, self._model, row, _ENTRIES_AT_ONCE)
            if not page:
                break
            index.put(page)
            done, row = done + len(page), page[-1].row
            self._status = replace(self._status, progress=min(1.0, done / max(1, expected)), entries=done)
        return seq

    def _catch_up(self) -> None:
        live = self._live
        while live is not None and self._state is not None and not self._stopping:
            with reading(self._engine) as connection:
                if changes.oldest(connection) > self._state.seq + 1:
                    raise IndexDamaged("The index is too far behind to catch up change by change.")
                new = changes.after(connection, self._state.seq, _CHANGES_AT_ONCE)
                rows = sorted({change.row for change in new if change.kind != "touch"})
                present = entries(connection, self._model, rows)
            if not new:
                return
            if rows:
                # A row that was added and is no more, or has no vector of this model yet, must not be there.
                live.index.drop(sorted(set(rows) - {entry.row for entry in present}))
                live.index.put(present)
                self._stamp = stamp(live.folder)
                self._status = replace(self._status, entries=live.index.count())
            self._remember(replace(self._state, seq=new[-1].seq))

    def _differences(self, index: IndexT, deep: bool) -> tuple[set[int], set[int], int]:
        """Return the rows that are wrong or missing, those that should not be there, and how many there should be."""
        with reading(self._engine) as connection:
            expected = count(connection, self._model)
            rows = all_rows(connection, self._model) if deep or index.count() != expected else set[int]()
            some = sample(connection, self._model, _SAMPLED, seed=time.time_ns())
        wrong, ghosts = set(index.unfound(some)) | set(index.wrong(some)), set[int]()
        if rows or index.count() != expected:
            held = index.rows()
            wrong, ghosts = wrong | (rows - held), held - rows
        if deep:
            wrong |= self._wrong_of_all(index)
        with reading(self._engine) as connection:  # what changed since is not wrong, only not taken up yet
            pending = {change.row for change in changes.after(connection, self.seq, _KEPT_CHANGES)}
        return wrong - pending, ghosts - pending, expected

    def _wrong_of_all(self, index: IndexT) -> set[int]:
        wrong: set[int] = set()
        page: list[Entry] = []
        while not self._stopping:
            with reading(self._engine) as connection:
                after = page[-1].row if page else 0
                page = entries_after(connection, self._model, after, _ENTRIES_AT_ONCE)
            if not page:
                break
            wrong.update(index.wrong(page))
        return wrong

    def _repair(self, index: IndexT, wrong: list[int], ghosts: list[int]) -> None:
        log.warning("repairing an index", extra={"kind": self._status.kind, "wrong": wrong, "ghosts": ghosts})
        with reading(self._engine) as connection:
            present = entries(connection, self._model, wrong)
        index.drop(ghosts + wrong)
        index.put(present)
        if self._live is not None:
            self._stamp = stamp(self._live.folder)
        if index.wrong(present) or index.unfound(present):
            raise IndexDamaged(f"Entries of the {self._status.kind} index stay wrong after they were put anew.")

    def _prune(self) -> None:
        with reading(self._engine) as connection:
            kept = changes.latest(connection) - changes.oldest(connection)
        if kept > _KEPT_CHANGES * 1.2:
            with self._engine.begin() as connection:
                changes.prune(connection, _KEPT_CHANGES)

    def _be_ready(self, reason: str) -> None:
        self._ready = True
        self._status = replace(self._status, state="ready", reason=reason, progress=1.0)

    def _remember(self, state: State) -> None:
        write_state(self._folder, state)
        self._state = state
