"""An assistant put to use in a turn: it narrows what its user may read and call, and never widens it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from assistant.gallery.setup import Setup
from assistant.gallery.store import Assistant
from assistant.models.presets import PRESETS
from assistant.models.types import Sampling
from assistant.orchestration.prompts import Job
from assistant.types import Caller, Persona, TurnOptions
from knowledge import collections

USUAL = "assistant"  # the model of whoever leaves the choice to us


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to choose from on this installation."""

    models: Collection[str]  # names of those that may be asked
    prompts: Mapping[str, Job]  # those that an assistant may name, with what each is for


def applied(
    engine: Engine, offer: Offer, one: Assistant, caller: Caller, options: TurnOptions
) -> tuple[Caller, TurnOptions]:
    """Return who asks and how, with the assistant's setup inside of what `caller` may and `options` ask for.

    What the assistant names and is not there any more is left out, and the options' notice says so. Reads the database.
    """
    setup, said = one.setup, [options.notice]
    model, prompt = options.model, setup.prompt
    if model == USUAL and setup.model != USUAL:
        model = setup.model if setup.model in offer.models else USUAL
        if model == USUAL:
            said.append(f"The model of {one.name!r} cannot be asked any more; another one answers.")
    if prompt and offer.prompts.get(prompt) != job_of(setup):
        prompt = ""
        said.append(f"The prompt of {one.name!r} is not in use any more; the usual one is asked.")
    inside = _collections(engine, setup, caller, options.collections)
    if inside == ():
        said.append(f"You may read none of the collections that {one.name!r} answers from.")
    persona = Persona(one.id, one.name, prompt, setup.instructions, one.owner_id != caller.user_id)
    told = replace(
        options,
        model=model,
        grounded=options.grounded and setup.grounded,
        collections=inside,
        persona=persona,
        notice=" ".join(sentence for sentence in said if sentence),
    )
    return narrowed(caller, setup), told


def narrowed(caller: Caller, setup: Setup) -> Caller:
    """Return the caller, for whom only those skills count that count already and that the assistant names."""
    if setup.skills is None:
        return caller
    named = frozenset(setup.skills)
    return replace(caller, skills=named if caller.skills is None else named & caller.skills)


def job_of(setup: Setup) -> Job:
    """Return what a prompt has to be for to be this assistant's."""
    return "answer" if setup.grounded else "chat"


def sampled(setup: Setup, usual: Sampling) -> Sampling:
    """Return how tokens are chosen: by the assistant's preset where it has one, else as `usual`."""
    if setup.preset is None:
        return usual
    manner = PRESETS[setup.preset]
    return replace(usual, temperature=manner.temperature, top_p=manner.top_p, min_p=manner.min_p)


def _collections(
    engine: Engine, setup: Setup, caller: Caller, wanted: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """Return the ids of the collections to search in, of those that the caller may read; None: all of them."""
    if setup.collections is None:
        return wanted
    inside = set(collections.names(engine, caller.scope, setup.collections))
    if wanted is not None:
        inside &= set(collections.names(engine, caller.scope, wanted))
    return tuple(sorted(inside))
