"""What an administrator reads of a rated answer, with the sources that they may open themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from assistant.feedback import Rating
from assistant.orchestration.notes import LEFT_OUT
from assistant.ratings import rated
from assistant.ratings.corrections import Corrections
from assistant.ratings.rated import Place, Rated
from assistant.sharing import WITHHELD
from assistant.wire import CitationJson, RouteJson
from knowledge.access import may_read
from knowledge.types import Scope

NO_ANSWER = "There is no answer to this question."
NO_ROUTE: RouteJson = {"model": "", "adapter": None, "tier": "", "strategy": ""}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A rated answer as one administrator may see it."""

    turn_id: str
    question: str  # as it was asked
    standalone: str  # as it was understood: a follow-up question with what it leaves out
    answer: str  # a sentence in place of what rests on sources that this administrator may not open
    abstained: bool
    citations: tuple[CitationJson, ...]  # of those that may be opened
    route: RouteJson
    rating: Rating
    reason: str | None
    comment: str | None
    rated_at: float  # seconds since the epoch
    asked_at: float
    asked_by: str  # a user's id, or "local"
    asked_by_name: str  # "" for the command line and for accounts that are gone
    put_right: str | None  # id of the curated answer that is given to this question now


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the rated answers, newest rating first."""

    ratings: tuple[Reviewed, ...]
    after: Place | None  # where the next page begins; None: this is the last one


def page(engine: Engine, scope: Scope, rating: Rating | None, limit: int, before: Place | None = None) -> Page:
    """Return at most `limit` rated answers behind `before`; `rating` None means both.

    Raises RatingsClosed unless `scope` is an administrator's.
    """
    found = rated.newest(engine, scope, limit + 1, rating, before)
    shown = found[:limit]
    cited = {one["document"] for each in shown for one in _cited(each)}
    readable, corrections = may_read(engine, scope, cited), Corrections(engine)
    reviewed = tuple(_reviewed(each, readable, corrections) for each in shown)
    return Page(reviewed, shown[-1].place if len(found) > limit else None)


def _reviewed(one: Rated, readable: set[str], corrections: Corrections) -> Reviewed:
    cited = [citation for citation in _cited(one) if citation["document"] in readable]
    answer, right = one.answer, corrections.of(one)
    text = answer["answer"] if answer else NO_ANSWER
    if one.private:
        text = LEFT_OUT
    elif len(cited) < len(_cited(one)):  # what a model says of a document is that document in other words
        text = WITHHELD
    return Reviewed(
        turn_id=one.turn_id,
        question=LEFT_OUT if one.private else one.question,
        standalone=LEFT_OUT if one.private else one.standalone,
        answer=text,
        abstained=bool(answer and answer["abstained"]),
        citations=tuple(cited),
        route=answer["route"] if answer else NO_ROUTE,
        rating=one.rating,
        reason=one.reason,
        comment=one.comment,
        rated_at=one.rated_at,
        asked_at=one.asked_at,
        asked_by=one.owner_id,
        asked_by_name=one.owner,
        put_right=right.id if right else None,
    )


def _cited(one: Rated) -> Sequence[CitationJson]:
    return one.answer["citations"] if one.answer else ()
