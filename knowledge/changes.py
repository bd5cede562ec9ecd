"""The numbered list of changes by which every index, and every cache key, follows the SQL tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Integer, bindparam, delete, func, insert, select, text

from knowledge.prepared import Prepared
from knowledge.tables import changes

# add: a chunk row to be put into the indexes, again if it is there; remove: to be taken out;
# touch: rights or switches changed, nothing to do for an index but answers made before are out of date.
Kind = Literal["add", "remove", "touch"]

_AFTER = Prepared(
    select(changes)
    .where(changes.c.seq > bindparam("after"))
    .order_by(changes.c.seq)
    .limit(bindparam("most", type_=Integer()))
)
_LATEST = Prepared(select(func.max(changes.c.seq)))
_LOCK = 7_201_953  # any number that no other program on the same PostgreSQL database locks


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the list."""

    seq: int
    row: int  # chunk row; 0 for "touch"
    kind: Kind


def append(connection: Connection, kind: Kind, rows: Iterable[int] = (0,)) -> None:
    """Append one entry per row to the list, as part of the caller's transaction.

    Followers read by number, so a lower number must never appear after a higher one. SQLite has a single writer;
    PostgreSQL hands out numbers before commit, so there the list is locked until the transaction ends.
    """
    entries = [{"chunk_row": row, "kind": kind} for row in rows]
    if not entries:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    connection.execute(insert(changes), entries)


def latest(connection: Connection) -> int:
    """Return the number of the newest entry, 0 when there is none."""
    return _LATEST.rows(connection, {})[0][0] or 0


def oldest(connection: Connection) -> int:
    """Return the number of the oldest entry that is still kept, 0 when there is none."""
    return connection.execute(select(func.min(changes.c.seq))).scalar_one() or 0


def after(connection: Connection, seq: int, limit: int) -> list[Change]:
    """Return the entries with a number above `seq`, oldest first, at most `limit`."""
    found = _AFTER.rows(connection, {"after": seq, "most": limit})
    return [Change(entry.seq, entry.chunk_row, entry.kind) for entry in found]


def prune(connection: Connection, keep: int) -> int:
    """Drop all but the newest `keep` (at least 1) entries; return how many went.

    An index that had not seen the dropped ones notices the gap and compares itself with SQL instead.
    """
    return connection.execute(delete(changes).where(changes.c.seq <= latest(connection) - max(1, keep))).rowcount
