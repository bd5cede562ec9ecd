"""Rated answers for administrators, and the rows that they become."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from assistant.api.auth import ADMIN, Guarded
from assistant.api.deps import Line, Parts
from assistant.api.schemas import Json
from assistant.feedback import Rating
from assistant.people.credentials import Credential
from assistant.ratings import review, rows
from assistant.ratings.rated import Place
from assistant.threads import in_thread
from knowledge.collections import valid_readers
from knowledge.types import EVERYONE

router = APIRouter(route_class=Guarded, prefix="/api/feedback", tags=["ratings"])

Admin = Annotated[Credential, Depends(ADMIN)]
Behind = Annotated[
    Line | None, Query(pattern=r"^\d{1,12}(\.\d{1,9})?-[0-9a-f]{32}$", description="Go on behind this 'next'")
]


@router.get("")
async def list_ratings(
    app: Parts,
    admin: Admin,
    rating: Annotated[Rating | None, Query(description="Only these; both when left out")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Behind = None,
) -> Json:
    """List rated answers, the newest rating first; `next` is None on the last page."""
    found = await in_thread(review.page, app.engine, admin.caller.scope, rating, limit, _place(before))
    return {"ratings": [asdict(one) for one in found.ratings], "next": _cursor(found.after)}


@router.get("/rows")
async def training_rows(
    app: Parts,
    admin: Admin,
    since: Annotated[float, Query(ge=0, allow_inf_nan=False, description="Rated then or later, epoch seconds")] = 0.0,
    reader: Annotated[
        list[Line] | None, Query(max_length=50, description="Whom the adapter is to answer; everyone when left out")
    ] = None,
) -> Json:
    """Return the rows that an adapter can learn from ratings, how many of each kind, and why others were left out."""
    readers = valid_readers(reader or [EVERYONE])
    return asdict(await in_thread(rows.collect, app.engine, admin.caller.scope, sorted(readers), since))


def _cursor(place: Place | None) -> str | None:
    return None if place is None else f"{place.rated_at:.9f}-{place.turn_id}"


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    moment, _, turn_id = cursor.partition("-")
    return Place(float(moment), turn_id)
