"""The order of the queue: attachments of conversations first, then people in turn, then what has waited longest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select

from knowledge.tables import collections, documents

_AGE = documents.c.updated_at, documents.c.id


@dataclass(frozen=True, slots=True)
class Served:
    """Whose document a worker took last: people take turns, those who wait for attachments among themselves."""

    attached: str = ""  # a person, as in Document.uploaded_by
    shared: str = ""

    def then(self, person: str, is_attached: bool) -> Served:
        """Return this after a document of `person` was taken."""
        return replace(self, attached=person) if is_attached else replace(self, shared=person)


NOBODY = Served()


def next_in_turn(moment: float, served: Served) -> Any:
    """Return the statement for the document that is taken next, of those that may be at `moment`."""
    order = _attachments_first(), _was_served(served), documents.c.uploaded_by, *_AGE
    return _open(moment, _is_attached()).order_by(*order).limit(1)


def all_in_turn(moment: float, served: Served) -> Any:
    """Return the statement for all that wait, in the order in which they are taken if nothing comes in between."""
    # Each person's documents are numbered, the oldest with 1. All with 1 make one round of turns, from the person
    # after the one served last, in the order of their names; then come all with 2. The first row is that of
    # `next_in_turn`, which PostgreSQL could not lock if it numbered them.
    people = [_attachments_first(), documents.c.uploaded_by]
    turn = func.row_number().over(partition_by=people, order_by=list(_AGE))
    return _open(moment).order_by(_attachments_first(), turn, _was_served(served), documents.c.uploaded_by)


def _open(moment: float, *more: ColumnElement[Any]) -> Any:
    due = or_(documents.c.lease_until.is_(None), documents.c.lease_until <= moment)
    return (
        select(documents, *more)
        .join(collections, collections.c.id == documents.c.collection_id)
        .where(documents.c.status.in_(("queued", "running")), due)
    )


def _is_attached() -> ColumnElement[bool]:
    return collections.c.private_to.is_not(None).label("is_attached")


def _attachments_first() -> ColumnElement[int]:
    return case((collections.c.private_to.is_(None), 1), else_=0)


def _was_served(served: Served) -> ColumnElement[int]:
    """Return 0 for the people whose turn is still to come in this round, 1 for those who had theirs."""
    last = case((collections.c.private_to.is_(None), served.shared), else_=served.attached)
    return case((documents.c.uploaded_by > last, 0), else_=1)
