"""What administrators have measured: whether an ensemble is worth its cost, and what guessing tokens brings vLLM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from assistant import measurements
from assistant.api import errors
from assistant.api.auth import ADMIN, Guarded
from assistant.api.deps import ModelName, Parts, Text
from assistant.api.doors import Shared
from assistant.api.schemas import Json
from assistant.app import App
from assistant.measurements import Measured
from assistant.measuring import MOST, Case, figures
from assistant.models import speculation
from assistant.models.ensembles import Ensemble, models_of, rule_of
from assistant.models.speculation import Kept
from assistant.models.worth import Figures, worth
from assistant.people.credentials import Credential
from assistant.threads import in_thread

router = APIRouter(route_class=Guarded, prefix="/api/models", tags=["models"])

Admin = Annotated[Credential, Depends(ADMIN)]
_FORBID = ConfigDict(extra="forbid")


class CaseBody(BaseModel):
    """A question, and the words that a right answer holds."""

    model_config = _FORBID

    question: Annotated[Text, Field(min_length=1, max_length=20_000)]
    answer: Annotated[Text, Field(min_length=1, max_length=500)]


class MeasureBody(BaseModel):
    """What an ensemble and each of its members are asked."""

    model_config = _FORBID

    questions: list[CaseBody] = Field(min_length=1, max_length=MOST)
    grounded: bool = Field(default=False, description="Answer from the documents")


@router.post("/ensembles/{name}/measure", status_code=202)
async def measure_ensemble(name: ModelName, body: MeasureBody, app: Parts, doors: Shared, admin: Admin) -> Json:
    """Begin to ask an ensemble and each of its members the same, one after the other; GET /api/models tells how far."""
    ensemble = app.registry.ensembles.get(name)
    if ensemble is None:
        raise errors.unknown(f"ensemble {name!r}")
    if name in app.registry.choices.off:
        raise errors.Refusal(409, "switched-off", f"The ensemble {name!r} is switched off; switch it on to measure it.")
    cases = [Case(case.question, case.answer) for case in body.questions]
    asked = (name, *dict.fromkeys(models_of(ensemble)))
    caller = admin.caller

    async def work(step: Callable[[], None]) -> None:
        def place() -> AbstractAsyncContextManager[None]:
            return doors.chats.place(caller.user_id, "background")

        found = [await figures(app.turns, caller, one, cases, body.grounded, place, step) for one in asked]
        kept = [each.model_dump() for each in found]
        await in_thread(measurements.keep, app.engine, "worth", name, kept, caller.user_id)

    if not app.measuring.begin(name, len(cases) * len(asked), work):
        raise errors.Refusal(409, "measuring", "Something else is being measured; wait until that is done.")
    return {"ensembles": await ensembles(app), "measuring": underway(app)}


@router.post("/speculation", status_code=202)
async def measure_speculation(app: Parts, doors: Shared, admin: Admin) -> Json:
    """Begin to measure what guessing tokens brings each model of the vLLM server; GET /api/models tells how far."""
    models, caller = app.registry.of_vllm(), admin.caller
    if not models:
        raise errors.Refusal(409, "no-vllm", app.adapters.problem or "No model of the vLLM server may be asked now.")

    async def work(step: Callable[[], None]) -> None:
        for name, model in models.items():
            async with doors.chats.place(caller.user_id, "background"):
                found = await speculation.measured(model, app.adapters.counters, step)
            kept = (await _speculation(app)).get(name, Kept()).renewed(found)
            await in_thread(measurements.keep, app.engine, "speculation", name, kept.model_dump(), caller.user_id)

    if not app.measuring.begin("speculation", len(models) * speculation.ANSWERS, work):
        raise errors.Refusal(409, "measuring", "Something else is being measured; wait until that is done.")
    return {"measuring": underway(app)}


async def with_guesses(app: App, models: Sequence[Json]) -> list[Json]:
    """Return models with what was measured of guessing behind what their servers tell, and what to do about it."""
    kept = await _speculation(app)
    found = []
    for model in models:
        mine = kept[model["name"]].guesses() if model["tier"] == "domain" and model["name"] in kept else ()
        told = [*model["guesses"], *map(asdict, mine)]
        found.append({**model, "guesses": told, "guessing_advice": speculation.advice(mine)})
    return found


async def _speculation(app: App) -> dict[str, Kept]:
    rows = await in_thread(measurements.kept, app.engine, "speculation")
    return {name: Kept.model_validate(row.figures) for name, row in rows.items()}


async def ensembles(app: App) -> list[Json]:
    """Return all ensembles with what was measured of them."""
    kept = await in_thread(measurements.kept, app.engine, "worth")
    off = app.registry.choices.off
    return [_json(one, one.name not in off, kept.get(one.name)) for one in app.registry.ensembles.values()]


def underway(app: App) -> Json | None:
    """Return the measurement that runs, or that ran last; None before the first one."""
    return None if app.measuring.underway is None else asdict(app.measuring.underway)


def _json(one: Ensemble, enabled: bool, measured: Measured | None) -> Json:
    members = models_of(one)
    return {
        "name": one.name,
        "kind": one.kind,
        "about": one.about,
        "members": list(members),
        "rule": rule_of(one),
        "enabled": enabled,
        "worth": None if measured is None else _worth(measured, members),
    }


def _worth(measured: Measured, members: tuple[str, ...]) -> Json:
    first, *rest = [Figures.model_validate(each) for each in measured.figures]
    now = {each.name for each in rest} == set(members)  # the file may name others since
    each = [{"name": one.name, "right": one.share, "tokens": one.tokens, "seconds": one.seconds} for one in rest]
    return worth(first, rest).model_dump() | {"at": measured.at, "members": each, "current": now}
