"""Rated answers."""

from __future__ import annotations

from ui.wire.base import Epoch, Wire
from ui.wire.talk import Citation, Rating, Route


class RatedAnswer(Wire):
    """An answer that somebody rated, as an administrator sees it."""

    turn_id: str
    question: str
    standalone: str = ""  # as it was understood: a follow-up question with what it leaves out
    answer: str = ""
    abstained: bool = False
    citations: tuple[Citation, ...] = ()
    route: Route = Route()
    rating: Rating
    reason: str | None = None
    comment: str | None = None
    rated_at: Epoch = 0.0
    asked_at: Epoch = 0.0
    asked_by_name: str = ""  # "" for the command line and for accounts that are gone
    put_right: str | None = None  # id of the curated answer that is given to this question now


class RatingsPage(Wire):
    """Some rated answers, the newest rating first."""

    ratings: tuple[RatedAnswer, ...] = ()
    next: str | None = None  # where to go on; None: these are the last ones
