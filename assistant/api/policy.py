"""The routing policy that learns: administrators train it, look at how it was judged, let it act, and go back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from assistant import policy_training
from assistant.api import errors
from assistant.api.auth import ADMIN, Guarded
from assistant.api.deps import Line, Parts
from assistant.api.schemas import Json, Strict
from assistant.app import App
from assistant.logs import log
from assistant.models.errors import PolicyRefused
from assistant.models.policy import shelf
from assistant.models.policy.shelf import Stored
from assistant.people.credentials import Credential
from assistant.threads import in_thread

router = APIRouter(route_class=Guarded, prefix="/api/policy", tags=["models"])
_log = log("policy")

Admin = Annotated[Credential, Depends(ADMIN)]


class ActivateBody(Strict):
    """The policy that is to act."""

    id: Annotated[Line, Field(pattern=r"^[a-z0-9]{1,40}$")]


@router.get("")
async def show_policy(app: Parts, _admin: Admin) -> Json:
    """Return which policy acts, and all that were trained with how each was judged."""
    return await _overview(app)


@router.post("/train")
async def train_policy(app: Parts, admin: Admin) -> Json:
    """Learn a policy from the turn records and judge it; it does not act."""
    try:
        made = await in_thread(policy_training.train, app.engine, admin.caller.user_id)
    except PolicyRefused as exc:
        raise _refusal(exc) from exc
    _log.info("policy trained", policy=made.id, by=admin.caller.user_id, verdict=made.estimate.sentence())
    return await _overview(app)


@router.post("/activate")
async def activate_policy(body: ActivateBody, app: Parts, admin: Admin) -> Json:
    """Let a policy act that was shown to be better than the decision table."""
    if not app.settings.models.learned_policy:
        detail = "The setting models.learned_policy is off, so no learned policy may act here."
        raise errors.Refusal(409, "policy-off", detail)
    try:
        await in_thread(shelf.activate, app.engine, body.id, admin.caller.user_id)
    except PolicyRefused as exc:
        raise _refusal(exc) from exc
    _log.info("policy acts", policy=body.id, by=admin.caller.user_id)
    await app.adapters.look()
    return await _overview(app)


@router.post("/rollback")
async def roll_policy_back(app: Parts, admin: Admin) -> Json:
    """Let the policy before it act, or the decision table."""
    try:
        before = await in_thread(shelf.roll_back, app.engine, admin.caller.user_id)
    except PolicyRefused as exc:
        raise _refusal(exc) from exc
    _log.info("policy rolled back", policy=before.id if before else None, by=admin.caller.user_id)
    await app.adapters.look()
    return await _overview(app)


def _refusal(exc: PolicyRefused) -> errors.Refusal:
    return errors.Refusal(404 if exc.code == "not-found" else 409, exc.code, str(exc))


async def _overview(app: App) -> Json:
    known = await in_thread(shelf.listed, app.engine)
    acting = await in_thread(shelf.active, app.engine)
    models = app.settings.models
    return {
        "allowed": models.learned_policy,
        "explore": models.explore,
        "active": acting.id if acting and models.learned_policy else None,
        "policies": [_json(one) for one in known],
    }


def _json(one: Stored) -> Json:
    return {"id": one.id, "at": one.at, "estimate": one.estimate.json()}
