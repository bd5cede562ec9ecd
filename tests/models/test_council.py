from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from assistant.guardrails.grounding import RuleJudge
from assistant.models.breaker import Breaker, BreakerRules
from assistant.models.ensembles import Average, Ensemble, Member, Pipeline, SelfConsistency, Stage, Vote, fitting, read
from assistant.models.errors import ModelOverloaded, ModelUnavailable, RoutingInvalid, WishRefused
from assistant.models.fake import ScriptedModel
from assistant.models.registry import Registry
from assistant.models.router import Deadlines, Lane
from assistant.models.types import ModelRequest, Piece, Sampling
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.orchestration.prompts import Message
from assistant.orchestration.settings import TurnSettings
from assistant.record import MemoryRecords
from assistant.turn import Turns
from assistant.types import Caller, Route, Turn, TurnOptions
from knowledge.embed import HashEmbedder
from knowledge.types import Scope

CALLER = Caller("u", "Ann", Scope(frozenset({"everyone"})))
ASKED = ModelRequest((Message("user", "Which city?"),))


def lane(name: str, script: Sequence[object], tier: str = "other") -> Lane:
    model, route = ScriptedModel(script, name), Route(name, None, tier, "")  # type: ignore[arg-type]
    return Lane(name, model, lambda: route, Breaker(BreakerRules(), time.monotonic), Deadlines(1.0, 1.0))


async def answer(lanes: Sequence[Lane], ensemble: Ensemble, request: ModelRequest = ASKED) -> list[Piece]:
    registry = Registry(lanes, ensembles=[ensemble])
    choice = await registry.choose(Turn("1", "Which city?", (), CALLER, TurnOptions(model=ensemble.name)))
    return [piece async for piece in choice.model.stream(request)]


def vote(*members: tuple[str, float], method: str = "majority") -> Vote:
    chosen = tuple(Member(model=name, weight=weight) for name, weight in members)
    return Vote(kind="vote", name="committee", about="Votes.", members=chosen, method=method)  # type: ignore[arg-type]


async def test_the_members_vote_and_the_answer_says_how_many_agree() -> None:
    lanes = [lane("a", ["Paris [1]."]), lane("b", ["Rome"]), lane("c", ["paris"])]
    first, last = await answer(lanes, vote(("a", 1), ("b", 1), ("c", 1)))
    assert first.text == "Paris [1]." and first.route is not None
    assert first.route.model == "committee" and first.route.reason == "2 of 3 answers of committee agree"
    assert last.usage is not None and last.usage.output_tokens == 4


async def test_weights_count() -> None:
    lanes = [lane("a", ["Paris"]), lane("b", ["Rome"]), lane("c", ["Paris"])]
    assert (await answer(lanes, vote(("a", 1), ("b", 5), ("c", 1))))[0].text == "Rome"


async def test_a_member_that_fails_does_not_vote() -> None:
    lanes = [lane("a", [ModelUnavailable("down")]), lane("b", ["Rome"])]
    first, _ = await answer(lanes, vote(("a", 9), ("b", 1)))
    assert first.text == "Rome" and first.route is not None and "1 of 1" in first.route.reason


async def test_nobody_votes_in_the_place_of_a_member_that_fails() -> None:
    small = lane("small", ["Rome"], "fallback")
    lanes = [lane("a", [ModelUnavailable("down")], "domain"), lane("b", ["Paris"], "domain"), small]
    pieces = await answer(lanes, vote(("a", 9), ("b", 2), ("small", 1)))
    assert pieces[0].text == "Paris" and len(small.model.requests) == 1  # type: ignore[attr-defined]
    assert pieces[0].told == (
        "1 of 2 answers of committee agree",
        "a did not answer, so it did not vote",
        'b (won, weight 2): "Paris"',
        'small (lost, weight 1): "Rome"',
    )


async def test_the_turn_shows_the_votes_as_steps() -> None:
    lanes = [lane("a", ["Paris [1]."]), lane("b", ["See https://evil.example/x"]), lane("c", [ModelOverloaded("b")])]
    council = Registry(lanes, ensembles=[vote(("a", 2), ("b", 1), ("c", 1))])
    turns = Turns(ListSearch([]), council, RuleJudge(HashEmbedder().embed), OpenGate(), MemoryRecords(), TurnSettings())
    turn = Turn("1", "City?", (), CALLER, TurnOptions(model="committee", grounded=False))
    last = [event async for event in turns.run(turn)][-1].answer
    assert last is not None and last.text == "Paris."
    assert [step.detail for step in last.steps if step.name == "vote"] == [
        "1 of 2 answers of committee agree",
        'a (won, weight 2): "Paris [1]."',
        'b (lost, weight 1): "See [link left out]"',
        "c is full, so it did not vote",
    ]


async def test_when_all_fail_it_is_unavailable() -> None:
    lanes = [lane("a", [ModelUnavailable("down")]), lane("b", [""])]
    with pytest.raises(ModelUnavailable, match="No member of 'committee'"):
        await answer(lanes, vote(("a", 1), ("b", 1)))


async def test_a_member_that_does_not_exist_is_refused() -> None:
    with pytest.raises(
        WishRefused, match="'committee' cannot answer without all of its members. There is no .*'ghost'"
    ):
        await answer([lane("a", ["x"])], vote(("a", 1), ("ghost", 1)))


async def test_one_model_is_asked_several_times_with_variety() -> None:
    only = lane("a", ["Paris", "Rome", "Paris"], tier="fallback")
    ensemble = SelfConsistency(kind="self_consistency", name="often", about="x", model="assistant", samples=3)
    first, _ = await answer([only], ensemble)
    assert first.text == "Paris"
    requests = only.model.requests  # type: ignore[attr-defined]
    assert [request.sampling.seed for request in requests] == [0, 1, 2]
    assert {request.sampling.temperature for request in requests} == {0.7}


async def test_stages_follow_one_another() -> None:
    def shout(request: ModelRequest) -> str:
        return request.messages[-1].content.upper()

    stages = (Stage(model="a", prompt="say {text}"), Stage(model="b", prompt="<{text}>", max_tokens=5))
    pipeline = Pipeline(kind="pipeline", name="both", about="x", stages=stages)
    lanes = [lane("a", [shout]), lane("b", [shout])]
    asked = ModelRequest((Message("user", "hi {text}"),), Sampling(max_tokens=50))
    first, last = await answer(lanes, pipeline, asked)
    assert first.text == "<SAY HI {TEXT}>" and last.stopped_by == "stop"
    assert lanes[1].model.requests[0].sampling.max_tokens == 5  # type: ignore[attr-defined]


def test_the_shipped_ensembles_can_be_read() -> None:
    assert [ensemble.name for ensemble in read()] == ["self-consistency"]


@pytest.mark.parametrize(
    ("entry", "about"),
    [
        ("{name: x, about: y, kind: vote, members: [{model: a}]}", "members"),
        ("{name: x, about: y, kind: guess}", "guess"),
        ("{name: x, about: y, kind: pipeline, stages: [{prompt: nothing}]}", "hold {text} once"),
        ("{name: x, about: y, kind: self_consistency, samples: 99}", "samples"),
        ("{name: x, about: y, kind: self_consistency, model: x}", "asks the ensemble"),
        ("{name: assistant, about: y, kind: self_consistency}", "is taken"),
        ("{name: a b, about: y, kind: self_consistency}", "name"),
    ],
)
def test_it_names_what_is_wrong_in_the_list(tmp_path: Path, entry: str, about: str) -> None:
    (tmp_path / "e.yaml").write_text(f"ensembles:\n  - {entry}\n")
    with pytest.raises(RoutingInvalid, match=about):
        read(tmp_path / "e.yaml")


def test_an_ensemble_does_not_take_a_model_s_name() -> None:
    with pytest.raises(RoutingInvalid, match="'committee' is that of a model"):
        fitting([vote(("a", 1), ("b", 1))], {"a": True, "committee": True})


def test_an_average_of_models_that_tell_no_probabilities_is_refused_where_it_is_declared() -> None:
    members = (Member(model="a"), Member(model="small"))
    blend = Average(kind="average", name="blend", about="x", members=members)
    with pytest.raises(RoutingInvalid, match="'blend' cannot be had. The model 'small' does not tell how probable"):
        fitting([blend], {"small": False})
    assert fitting([blend], {"small": True}) == (blend,)  # `a` is an adapter that is loaded later
