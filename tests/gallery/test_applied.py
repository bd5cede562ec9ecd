"""An assistant in a turn: it narrows what its user may read and call, and says what of it is not there any more."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Engine

from assistant.gallery.applied import Offer, applied, sampled
from assistant.gallery.setup import Setup
from assistant.gallery.store import Assistant
from assistant.models.types import Sampling
from assistant.types import Caller, Persona, TurnOptions
from knowledge import collections
from knowledge.types import Scope

EVE = Caller("eve", "Eve", Scope(frozenset({"everyone", "user:eve"})))
OFFER = Offer({"law-7b"}, {"legal_answer": "answer", "tone": "chat"})


def made(**setup: object) -> Assistant:
    return Assistant("a1", "Legal", "ben", "Ben", Setup.model_validate(setup), False, 1, 0.0, 0.0)


def test_it_names_the_model_the_prompt_and_what_to_say(engine: Engine) -> None:
    one = made(model="law-7b", prompt="legal_answer", instructions="Be formal.")
    _, options = applied(engine, OFFER, one, EVE, TurnOptions())
    assert options.model == "law-7b" and options.collections is None and options.notice == ""
    assert options.persona == Persona("a1", "Legal", "legal_answer", "Be formal.", foreign=True)
    assert (
        applied(engine, OFFER, one, EVE, TurnOptions(model="other"))[1].model == "other"
    )  # what the person chose wins
    own = applied(engine, OFFER, one, replace(EVE, user_id="ben"), TurnOptions())[1].persona
    assert own is not None and not own.foreign


def test_what_is_not_there_any_more_is_left_out_and_said(engine: Engine) -> None:
    _, options = applied(engine, OFFER, made(model="gone", prompt="tone"), EVE, TurnOptions(notice="First."))
    assert options.model == "assistant" and options.persona is not None and options.persona.prompt == ""
    assert options.notice.startswith("First. The model of 'Legal'") and "prompt of 'Legal'" in options.notice
    _, options = applied(engine, OFFER, made(prompt="tone", grounded=False), EVE, TurnOptions())
    assert options.notice == "" and not options.grounded
    assert not applied(engine, OFFER, made(), EVE, TurnOptions(grounded=False))[1].grounded


def test_it_never_opens_a_collection_that_its_user_may_not_read(engine: Engine) -> None:
    law, board, hr = (
        collections.create(engine, name, "", [reader]).id
        for name, reader in (("Law", "everyone"), ("Board", "group:board"), ("HR", "everyone"))
    )
    both = made(collections=[law, board])
    assert applied(engine, OFFER, both, EVE, TurnOptions())[1].collections == (law,)
    assert applied(engine, OFFER, both, EVE, TurnOptions(collections=("HR", "Law")))[1].collections == (law,)
    outside = applied(engine, OFFER, both, EVE, TurnOptions(collections=("HR",)))[1]
    closed = applied(engine, OFFER, made(collections=[board]), EVE, TurnOptions())[1]
    assert outside.collections == closed.collections == ()  # nothing, which is not None: everything
    assert "none of the collections" in closed.notice
    assert applied(engine, OFFER, made(), EVE, TurnOptions(collections=(hr,)))[1].collections == (hr,)


def test_it_never_opens_a_skill_that_does_not_count_for_its_user(engine: Engine) -> None:
    named, none = made(skills=["a", "b"]), made(skills=[])
    assert applied(engine, OFFER, named, EVE, TurnOptions())[0].skills == frozenset({"a", "b"})
    visitor = replace(EVE, skills=frozenset({"b", "c"}))
    assert applied(engine, OFFER, named, visitor, TurnOptions())[0].skills == frozenset({"b"})
    assert applied(engine, OFFER, none, EVE, TurnOptions())[0].skills == frozenset()
    assert applied(engine, OFFER, made(), visitor, TurnOptions())[0] == visitor
    assert applied(engine, OFFER, made(), EVE, TurnOptions())[0].skills is None


def test_its_preset_takes_the_place_of_the_usual_one() -> None:
    assert sampled(Setup(), Sampling(max_tokens=7)) == Sampling(max_tokens=7)
    assert sampled(Setup(preset="creative"), Sampling(max_tokens=7)).temperature == 0.9
