"""The policy that learns, on a bandit whose right choice is known: it finds it, says so with an interval, or stays."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from sqlalchemy import Engine

from assistant.models import choices
from assistant.models.breaker import Breaker, BreakerRules
from assistant.models.decisions import Facts, read, understand
from assistant.models.errors import PolicyRefused
from assistant.models.fake import ScriptedModel
from assistant.models.policy import shelf
from assistant.models.policy.estimate import Estimate, estimate
from assistant.models.policy.learner import Experience, learn
from assistant.models.policy.pilot import Pilot
from assistant.models.policy.reward import experience, reward
from assistant.models.policy.situation import ACTIONS, Decision, features, governs
from assistant.models.registry import Registry
from assistant.models.router import Deadlines, Lane
from assistant.models.types import Policy
from assistant.types import Caller, Route, Turn, TurnOptions
from knowledge.types import Scope

BASE, SMALL, STRICT = (
    ACTIONS.index(("base", "usual")),
    ACTIONS.index(("small", "usual")),
    ACTIONS.index(("base", "strict")),
)
POSSIBLE = tuple(n for n, (kind, _) in enumerate(ACTIONS) if kind != "adapter")
Worth = Callable[[bool, int], float]


def bandit(count: int, worth: Worth, explore: float = 0.4, seed: int = 1) -> list[Experience]:
    """Questions, half of them easy, routed by a table that always asks the base model, and tried otherwise."""
    draw, found = random.Random(seed), []
    for _ in range(count):
        easy = draw.random() < 0.5
        seen = (1.0, float(easy), 0.0, 0.0, 0.0, 0.0, draw.random(), 1.0)
        chances = [explore / len(POSSIBLE) + (1 - explore) * (n == BASE) for n in POSSIBLE]
        action = draw.choices(POSSIBLE, weights=chances)[0]
        value = worth(easy, action) + draw.gauss(0, 0.1)
        decision = Decision(seen, POSSIBLE, action, chances[POSSIBLE.index(action)], BASE)
        found.append(Experience(decision, max(-1.0, min(1.0, value))))
    return found


def small_for_easy(easy: bool, action: int) -> float:
    return 0.7 if action == (SMALL if easy else BASE) else -0.1


def table_is_best(_easy: bool, action: int) -> float:
    return 0.7 if action == BASE else -0.1


def test_it_learns_the_right_choice_of_each_situation() -> None:
    actor = learn(bandit(800, small_for_easy))
    easy, hard = (1.0, 1.0, 0, 0, 0, 0, 0.5, 1.0), (1.0, 0.0, 0, 0, 0, 0, 0.5, 1.0)
    assert int(np.argmax(actor.chances(easy, POSSIBLE, BASE))) == SMALL
    assert int(np.argmax(actor.chances(hard, POSSIBLE, BASE))) == BASE
    chances = actor.chances(easy, POSSIBLE, BASE)
    assert abs(chances.sum() - 1) < 1e-9 and not chances[: ACTIONS.index(("base", "usual"))].any()
    assert -(chances[chances > 0] * np.log(chances[chances > 0])).sum() > 0  # its choice stays open
    assert learn(bandit(800, small_for_easy)) == actor  # the same teaches the same


def test_the_estimate_holds_what_is_true_and_lets_the_better_one_act() -> None:
    found = estimate(bandit(1_500, small_for_easy))
    assert found.good and found.low > 0.1
    # The table gets 0.7 for hard questions and -0.1 for easy ones: 0.3; nobody gets more than 0.7.
    assert abs(found.table - 0.3) < 0.1 and found.high < 0.5


@pytest.mark.parametrize("seed", range(8))
def test_it_does_not_act_where_the_table_is_the_best_choice(seed: int) -> None:
    found = estimate(bandit(800, table_is_best, seed=seed))
    assert not found.good and found.low <= 0


def test_it_never_chooses_what_was_hardly_tried() -> None:
    seen = [one for one in bandit(400, small_for_easy) if one.decision.action in (BASE, SMALL)]
    actor = learn(seen)
    assert actor.tried == (BASE, SMALL) and not actor.chances(seen[0].decision.features, POSSIBLE, BASE)[STRICT]
    assert actor.chances(seen[0].decision.features, (STRICT,), BASE)[BASE] == 1.0


def test_it_does_not_act_on_too_little_or_on_what_was_never_tried() -> None:
    assert "too few" in estimate(bandit(60, small_for_easy)).sentence()
    assert not estimate([]).good and not estimate(bandit(4, small_for_easy)).good
    assert not estimate(bandit(800, small_for_easy, explore=0.0)).good  # only the table was ever followed


ANSWER = {"grounded": True, "abstained": False, "degraded": False, "timings_ms": {"total": 1_000},
          "usage": {"output_tokens": 40}}  # fmt: skip


def test_reward_follows_ratings_then_grounding_latency_and_brevity() -> None:
    assert reward(ANSWER, "up") > reward(ANSWER, None) > reward(ANSWER, "down")
    assert reward(ANSWER, None) > reward(ANSWER | {"grounded": False}, None)
    assert reward(ANSWER, None) > reward(ANSWER | {"timings_ms": {"total": 20_000}}, None)
    assert reward(ANSWER, None) > reward(ANSWER | {"usage": {"output_tokens": 400}}, None)
    assert reward({}, "up") <= 1 and reward({"degraded": True, "abstained": True}, "down") >= -1


def test_only_routed_turns_teach() -> None:
    decision = {"features": [1.0] * 8, "possible": [2, 3], "action": 2, "probability": 0.5, "table": 2}
    assert experience({"decision": decision, "answer": ANSWER}, "up") is not None
    assert experience({"decision": decision, "answer": ANSWER, "cached": True}, "up") is None
    assert experience({"decision": None, "answer": ANSWER}, "up") is None
    for wrong in ({"probability": 0.0}, {"features": [1.0]}, {"action": 99}, {"probability": float("nan")}):
        assert experience({"decision": decision | wrong, "answer": ANSWER}, "up") is None


@pytest.mark.parametrize(
    ("action", "tier", "adapter", "teaches"),
    [
        (BASE, "domain", None, True),
        (BASE, "fallback", "grounded-answer", False),  # the base model did not answer, the local one did
        (BASE, "domain", "finance", False),
        (SMALL, "fallback", "grounded-answer", True),
        (SMALL, "domain", None, False),
        (ACTIONS.index(("adapter", "strict")), "domain", "finance", True),
        (BASE, "none", None, True),  # nobody answered, so the choice was no good
    ],
)
def test_an_answer_by_another_model_than_was_decided_on_teaches_nothing(
    action: int, tier: str, adapter: str | None, teaches: bool
) -> None:
    decision = {"features": [1.0] * 8, "possible": [action], "action": action, "probability": 0.5, "table": action}
    answer = ANSWER | {"route": {"model": "m", "adapter": adapter, "tier": tier, "strategy": "usual"}}
    assert (experience({"decision": decision, "answer": answer}, "up") is not None) == teaches


def good(low: float = 0.1) -> Estimate:
    return Estimate(500, 200.0, 0.3, 0.5, 0.2, low, 0.3)


def test_only_one_that_is_better_may_act_and_every_step_can_be_undone(engine: Engine) -> None:
    actor = learn(bandit(60, small_for_easy))
    bad, first, second = (shelf.add(engine, actor, one, "ann") for one in (good(-0.01), good(), good(0.05)))
    with pytest.raises(PolicyRefused, match="may not act"):
        shelf.activate(engine, bad.id, "ann")
    with pytest.raises(PolicyRefused, match="no learned policy 'x'"):
        shelf.activate(engine, "x", "ann")
    assert shelf.active(engine) is None and choices.read(engine).actor is None
    shelf.activate(engine, first.id, "ann")
    shelf.activate(engine, second.id, "ann")
    assert shelf.active(engine) == second and choices.read(engine).actor == actor
    assert shelf.roll_back(engine, "ann") == first
    assert shelf.roll_back(engine, "ann") is None and choices.read(engine).actor is None
    with pytest.raises(PolicyRefused, match="nothing to go back"):
        shelf.roll_back(engine, "ann")
    assert choices.read(engine).preset == "precise"  # the other choices are as they were


def lane(name: str, tier: str) -> Lane:
    route = Route(name, None, tier, "")  # type: ignore[arg-type]  # the two tiers of this test
    return Lane(name, ScriptedModel([name]), lambda: route, Breaker(BreakerRules(), lambda: 0.0), Deadlines(1.0))


def asked(question: str, **options: object) -> Turn:
    caller = Caller("u", "Ann", Scope(frozenset({"everyone"})))
    return Turn("1", question, (), caller, TurnOptions(**options))  # type: ignore[arg-type]


EASY, HARD = (
    "When does the gym open?",
    "Compare in detail how the two leave policies treat unused days of part-time staff.",
)


async def test_a_learned_policy_routes_and_without_it_the_table_does() -> None:
    pilot = Pilot(learned=True, seed=1)
    registry = Registry([lane("big", "domain"), lane("little", "fallback")], pilot=pilot)
    usual = (await registry.choose(asked(EASY))).model.name
    always = learn(
        [Experience(Decision((1.0,) * 8, POSSIBLE, n, 0.25, BASE), float(n == STRICT)) for n in POSSIBLE * 40]
    )
    await registry.follow(choices.Choices(actor=always))
    taken = [await registry.choose(asked(EASY)) for _ in range(60)]
    strict = [one for one in taken if one.strategy == "strict" and one.model.name == "big"]
    assert len(strict) > 22  # of 60; by chance 15
    assert all(one.decision and 0 < one.decision.probability <= 1 for one in taken)
    assert "Learned policy: big, prompt strict" in {one.route.reason for one in strict}
    await registry.follow(choices.Choices())
    back = await registry.choose(asked(EASY))
    assert back.model.name == usual and back.decision is None and back.strategy == "usual"


async def test_it_never_overrides_stakes_demands_or_a_named_model() -> None:
    pilot = Pilot(explore=0.5, seed=1)
    registry = Registry([lane("big", "domain"), lane("little", "fallback")], pilot=pilot)
    table = read()
    stakes = f"Is a {table.signals.stakes_words[0]} a reason?"
    for turn in (asked(stakes), asked(EASY, policy=Policy(budget="low")), asked(EASY, model="big")):
        assert [(await registry.choose(turn)).decision for _ in range(20)] == [None] * 20
    assert (await registry.choose(asked(EASY))).decision is not None
    assert not governs(Facts(EASY, pictures=True), understand(Facts(EASY), table.signals))


def test_it_is_off_unless_the_setting_lets_it_act() -> None:
    pilot = Pilot()
    pilot.follow(learn(bandit(60, small_for_easy)))
    assert pilot.actor is None and not pilot.flies


def test_a_question_becomes_numbers_within_range() -> None:
    signals = read().signals
    for question in (EASY, HARD, "x " * 5_000):
        facts = Facts(question)
        seen = features(facts, understand(facts, signals))
        assert len(seen) == 8 and seen[0] == 1.0 and all(0 <= value <= 1 for value in seen)
