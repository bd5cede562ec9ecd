"""Rated answers for administrators."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from assistant.api.auth import ADMIN, Guarded
from assistant.api.deps import Line, Parts
from assistant.api.schemas import Json
from assistant.feedback import Rating
from assistant.people.credentials import Credential
from assistant.ratings import review
from assistant.ratings.rated import Place
from assistant.threads import in_thread

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


def _cursor(place: Place | None) -> str | None:
    return None if place is None else f"{place.rated_at:.9f}-{place.turn_id}"


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    moment, _, turn_id = cursor.partition("-")
    return Place(float(moment), turn_id)
