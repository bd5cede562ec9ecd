"""Which models, adapters and ensembles there are, how each does, and what administrators change about them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from assistant.api import errors
from assistant.api.auth import ADMIN, Guarded
from assistant.api.deps import Line, ModelName, Parts, Text
from assistant.api.doors import Shared
from assistant.api.measuring import ensembles, underway, with_guesses
from assistant.api.schemas import Json
from assistant.app import App
from assistant.models.choices import AdapterChoice
from assistant.models.errors import AdapterRefused, ModelRefused, ModelUnavailable
from assistant.models.presets import PRESETS, Preset
from assistant.models.routes import ANY
from assistant.models.types import Policy
from assistant.people.credentials import Credential
from assistant.side_by_side import MOST, asking, side
from assistant.together import together

router = APIRouter(route_class=Guarded, prefix="/api/models", tags=["models"])

Admin = Annotated[Credential, Depends(ADMIN)]
_FORBID = ConfigDict(extra="forbid")


class AdapterBody(BaseModel):
    """What to change about an adapter; what is left out stays."""

    model_config = _FORBID

    loaded: bool | None = None
    description: Annotated[Text, Field(max_length=1_000)] | None = None
    examples: list[Line] | None = Field(default=None, max_length=50)


class ModelBody(BaseModel):
    """Whether a model may be asked."""

    model_config = _FORBID

    enabled: bool


class PresetBody(BaseModel):
    """How tokens are chosen where a request does not say."""

    model_config = _FORBID

    preset: Preset


class QuestionBody(BaseModel):
    """A question that is not answered, only looked at."""

    model_config = _FORBID

    question: Annotated[Text, Field(min_length=1, max_length=20_000)]
    privacy: Literal["any", "inside"] = "any"
    budget: Literal["any", "low"] = "any"
    latency: Literal["any", "fast"] = "any"


class TryBody(BaseModel):
    """A question to several models at once."""

    model_config = _FORBID

    question: Annotated[Text, Field(min_length=1, max_length=20_000)]
    models: list[Line] = Field(min_length=1, max_length=MOST)
    grounded: bool = False


@router.get("")
async def overview(app: Parts, doors: Shared, _admin: Admin) -> Json:
    """Return models with their figures since the start, adapters, ensembles, the decision table and the preset."""
    await app.registry.reread()
    answered, waiting = doors.chats.crowd()
    return await _overview(app) | {"chats": {"answered": answered, "waiting": waiting}}


@router.put("/adapters/{name}")
async def change_adapter(name: ModelName, body: AdapterBody, app: Parts, admin: Admin) -> Json:
    """Load or unload an adapter of the registry, or say which questions are its own; kept over restarts."""
    before = app.registry.choices.adapters.get(name, AdapterChoice())
    given = body.model_dump(exclude_none=True)
    choice = AdapterChoice.model_validate(before.model_dump() | given)
    try:
        await app.adapters.set(name, choice, admin.caller.user_id)
    except AdapterRefused as exc:
        raise errors.Refusal(409, "adapter-refused", str(exc)) from exc
    except ModelUnavailable as exc:
        raise errors.Refusal(409, "no-vllm", str(exc)) from exc
    return await _overview(app)


@router.put("/preset")
async def change_preset(body: PresetBody, app: Parts, admin: Admin) -> Json:
    """Set how tokens are chosen where a request does not say; kept over restarts."""
    await app.adapters.prefer(body.preset, admin.caller.user_id)
    return await _overview(app)


@router.post("/decide")
async def decide(body: QuestionBody, app: Parts, _admin: Admin) -> Json:
    """Tell who would be asked a question, and why; nobody is asked."""
    policy = Policy(body.privacy, body.budget, body.latency)
    await app.registry.reread()
    try:
        chosen, domains = await app.registry.explain(body.question, policy)
    except ModelRefused as exc:
        raise errors.Refusal(409, "no-model", str(exc)) from exc
    return {
        "ask": [card.name for card in chosen.cards],
        "reason": chosen.reason or f"{chosen.cards[0].name} is the only model that may be asked",
        "domains": [asdict(domain) for domain in domains],
    }


@router.post("/try")
async def try_models(body: TryBody, app: Parts, doors: Shared, admin: Admin) -> Json:
    """Ask several models the same at once; nothing of it is kept. Each counts like a chat."""
    known = {ANY, *(model.name for model in app.models.status() if model.enabled)}
    for name in body.models:
        if name not in known:
            raise errors.unknown(f"model {name[:80]!r}")

    async def asked(name: str) -> Json:
        async with doors.chats.place(admin.caller.user_id):
            return asdict(await side(app.turns, asking(admin.caller, body.question, name, body.grounded)))

    async with asyncio.timeout(app.settings.api.chat_timeout_s):
        return {"answers": await together(asked(name) for name in body.models)}


@router.patch("/{name}")
async def change_model(name: ModelName, body: ModelBody, app: Parts, admin: Admin) -> Json:
    """Switch a model or an ensemble on or off for everybody; kept over restarts."""
    if name not in {model.name for model in app.models.status()}:
        raise errors.unknown("model")
    await app.adapters.switch(name, body.enabled, admin.caller.user_id)
    return await _overview(app)


async def _overview(app: App) -> Json:
    registry = app.registry
    doing = underway(app)  # before its figures are read: what is over shows them
    models = [asdict(model) for model in registry.status()]
    return {
        "models": await with_guesses(app, [model for model in models if model["tier"] != "ensemble"]),
        "ensembles": await ensembles(app),
        "measuring": doing,
        "adapters": _adapters(app),
        "adapters_problem": app.adapters.problem,
        "balance": registry.balance(),
        "problems": registry.problems,
        "rules": [
            {
                "name": rule.name,
                "when": rule.when.model_dump(exclude_none=True),
                "ask": rule.ask,
                "because": rule.because,
                "judged": rule.judged,
            }
            for rule in registry.table.rules
        ],
        "preset": registry.choices.preset,
        "presets": [{"name": name, "about": manner.about} for name, manner in PRESETS.items()],
    }


def _adapters(app: App) -> list[Json]:
    wanted = app.registry.choices.adapters
    return [
        {
            "name": offer.name,
            "loaded": offer.loaded,
            "rank": offer.rank,
            "problem": offer.problem or app.adapters.problem_of(offer.name),
            "description": wanted.get(offer.name, AdapterChoice()).description,
            "examples": wanted.get(offer.name, AdapterChoice()).examples,
        }
        for offer in app.adapters.offers
    ]
