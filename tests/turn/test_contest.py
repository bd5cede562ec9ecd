"""Two adapters asked the same: the answer that the passages bear out better is given, and the steps tell why."""

from __future__ import annotations

from collections.abc import Callable

from assistant.models.errors import ModelUnavailable
from assistant.models.fake import Line, ScriptedModel
from assistant.orchestration.ports import Choice, Rival
from assistant.types import Route, Turn
from tests.turn.conftest import ABSTENTION, Bench

LEAVE = "How many days of paid leave do employees get?"
GOOD = "Employees get 25 days of paid leave per year [1]."
HALF = f"{GOOD} They also get a company car and a dog [1]."
WRONG = "Employees get 40 days of paid leave per year [1]."
GONE = ModelUnavailable("finance is down")


class Two:
    """Chooses two adapters, and a full model should both fail."""

    def __init__(self, finance: Line, people: Line) -> None:
        self.models = {"finance": ScriptedModel([finance], "finance"), "people": ScriptedModel([people], "people")}
        self.full = ScriptedModel([GOOD], "full")

    async def choose(self, turn: Turn) -> Choice:
        routes = {name: Route("base", name, "domain", "") for name in self.models}
        rivals = tuple(Rival(name, model, routes[name]) for name, model in self.models.items())
        return Choice(self.full, Route("base", "finance", "domain", "", "Both are asked"), rivals=rivals)


async def asked(
    bench: Callable[..., Bench], finance: Line, people: Line, **options: object
) -> tuple[str, str, list[str]]:
    two = Two(finance, people)
    ran = await bench("", models=two, second_draft=False).ask(LEAVE, **options)
    votes = [event.step.detail for event in ran.events if event.step and event.step.name == "vote"]
    assert ran.text == ran.answer.text and not ran.answer.notice
    return ran.answer.text, ran.answer.route.adapter or "", votes


async def test_the_answer_that_the_passages_bear_out_is_given(bench: Callable[..., Bench]) -> None:
    text, adapter, votes = await asked(bench, WRONG, GOOD)
    assert text == GOOD and adapter == "people"
    assert votes[0].startswith("finance: 0 of 1 sentences stand in the passages (")
    assert votes[1].startswith("people: 1 of 1 sentences stand in the passages (")
    assert votes[2] == "The answer of people is given: the passages bear it out better"


async def test_a_larger_share_wins_and_an_abstention_loses(bench: Callable[..., Bench]) -> None:
    assert (await asked(bench, HALF, GOOD))[1] == "people"
    text, adapter, votes = await asked(bench, ABSTENTION, HALF)
    assert adapter == "people" and text.startswith("Employees get 25 days")
    assert votes[0].startswith("finance found no answer in the passages (")


async def test_of_two_alike_the_nearer_one_is_given(bench: Callable[..., Bench]) -> None:
    _, adapter, votes = await asked(bench, GOOD, GOOD)
    assert adapter == "finance" and votes[-1].endswith("both are alike, and it is the nearer one")


async def test_who_does_not_answer_loses_and_where_none_does_the_others_are_asked(bench: Callable[..., Bench]) -> None:
    text, adapter, votes = await asked(bench, GONE, GOOD)
    assert (text, adapter) == (GOOD, "people") and votes[0] == "finance did not answer"
    text, _, votes = await asked(bench, GONE, GONE)
    assert text == GOOD and not votes


async def test_both_answers_are_paid_for(bench: Callable[..., Bench]) -> None:
    two = Two(WRONG, GOOD)
    usage = (await bench("", models=two, second_draft=False).ask(LEAVE)).answer.usage
    assert usage.output_tokens == len(WRONG.split()) + len(GOOD.split())
    assert all(len(model.requests) == 1 for model in two.models.values()) and not two.full.requests


async def test_without_documents_there_is_nothing_to_judge_by(bench: Callable[..., Bench]) -> None:
    two = Two(WRONG, WRONG)
    ran = await bench("", models=two).ask(LEAVE, grounded=False)
    assert ran.answer.text and two.full.requests and not two.models["finance"].requests
