"""A turn with a reader: it chooses what the small model is shown, is believed, and lets passages speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from assistant.adaptation import publish
from assistant.adaptation.adapter import open_adapter
from assistant.models.errors import ModelUnavailable
from assistant.models.fake import ScriptedModel
from assistant.models.types import Sampling
from assistant.orchestration.compose import load_prompts
from assistant.orchestration.ports import Choice
from assistant.orchestration.prompts import Message
from assistant.orchestration.read import GUIDED
from assistant.types import Route, Turn
from knowledge.reader import Reading
from knowledge.types import Passage, Scope
from tests.readings import SURE, reading
from tests.turn.conftest import ABSTENTION, ANNA, LEAVE, PASSAGES, Ran, passage

SMALL = Route("small", GUIDED, "fallback", "")


@dataclass
class Sees:
    """A reader that sees "25 days" in the second passage, as likely as it is told."""

    log_odds: float

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        return [
            reading(question, p, "25 days", self.log_odds) if "25 days" in p.text else Reading(-20.0, 0, 0)
            for p in passages
        ]


async def test_it_answers_in_the_passages_words_where_the_reader_is_sure(bench: Any) -> None:
    model = ScriptedModel(["nothing of this is asked for"])
    ran: Ran = await bench(model, route=SMALL, reader=Sees(SURE + 1)).ask(LEAVE)
    assert not model.requests
    assert ran.answer.text == ran.text == "25 days [1]."
    assert ran.answer.grounded and not ran.answer.abstained
    assert ran.answer.citations[0].document == "d2" and ran.answer.route == Route("reader", None, "fallback", "reader")
    assert ran.steps == ["search", "read"]
    assert {"search", "read", "first_token", "total"} <= ran.answer.timings_ms.keys()


@dataclass
class Scores:
    """A reader that sees "25 days" in the second passage and gives it the score it is told."""

    score: float

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        at = [p.text.find("25 days") for p in passages]
        return [Reading(self.score if n >= 0 else -20.0, max(n, 0), n + 7 if n >= 0 else 0) for n in at]


async def test_it_is_sure_at_a_middling_score_where_all_that_was_asked_stands_beside_the_answer(bench: Any) -> None:
    model = ScriptedModel(["nothing of this is asked for"])
    ran: Ran = await bench(model, route=SMALL, reader=Scores(-1.0)).ask(LEAVE)
    assert not model.requests and ran.text == "25 days [1]." and ran.answer.grounded


async def test_it_abstains_at_a_middling_score_where_nothing_of_what_was_asked_stands_there(bench: Any) -> None:
    model = ScriptedModel(["25 days [1]."])
    ran: Ran = await bench(model, route=SMALL, reader=Scores(0.2)).ask("How long was the strike in Lisbon in 2019?")
    assert not model.requests and ran.answer.abstained and ran.text == ABSTENTION


async def test_it_asks_no_model_where_no_passage_seems_to_answer(bench: Any) -> None:
    model = ScriptedModel(["25 days [1]."])
    ran: Ran = await bench(model, route=SMALL, reader=Sees(SURE - 1)).ask(LEAVE)
    assert not model.requests
    assert ran.answer.abstained and ran.text == ABSTENTION and len(ran.answer.nearest) == 3
    assert ran.answer.route == Route("reader", None, "fallback", "reader")
    assert ran.steps == ["search", "read"]


async def test_it_explains_in_the_passages_sentences_where_a_few_words_are_no_answer(bench: Any) -> None:
    model = ScriptedModel(["nothing of this is asked for"])
    ran: Ran = await bench(model, route=SMALL, reader=Sees(SURE + 1)).ask("How does paid leave for employees work?")
    assert not model.requests
    assert "**25 days**" in ran.text and ran.text.count("[1]") == ran.text.count(". [1]") >= 1
    assert ran.answer.text == ran.text and [c.document for c in ran.answer.citations] == ["d2"]
    assert ran.answer.route == Route("reader", None, "fallback", "reader") and ran.answer.grounded


async def test_it_shows_a_list_as_a_list(bench: Any) -> None:
    said = "Leave covers several cases:\n\n• 25 days of holidays\n• Moving house\n\nAsk your manager."
    made = bench(ScriptedModel(["unasked"]), route=SMALL, reader=Sees(SURE + 1), passages=[passage(1, said, "Leave")])
    ran: Ran = await made.ask("What kinds of leave are there?")
    assert ran.text == "Leave covers several cases: [1]\n- **25 days** of holidays\n- Moving house"
    assert ran.answer.text == ran.text and len(ran.answer.citations) == 1


async def test_it_shows_the_whole_table_where_several_things_were_asked_for(bench: Any) -> None:
    table = "| New Year's Day | January 1 |\n| --- | --- |\n| Leave day | 25 days |"
    made = bench(ScriptedModel(["unasked"]), route=SMALL, reader=Sees(SURE + 1), passages=[passage(1, table, "Days")])
    ran: Ran = await made.ask("Which leave days are observed?")
    assert ran.text == "Days: [1]\n- New Year's Day: January 1\n- Leave day: 25 days" and ran.answer.grounded
    assert (await made.ask("How many days is the leave day?")).text.startswith("25 days")


async def test_it_shows_the_list_beside_its_words_where_several_things_were_asked_for(bench: Any) -> None:
    said = "Leave of 25 days has several reasons. Reasons for leave include:\n\n• Moving house\n• A wedding"
    made = bench(ScriptedModel(["unasked"]), route=SMALL, reader=Sees(SURE + 1), passages=[passage(1, said, "Leave")])
    several: Ran = await made.ask("Which leave reasons do employees have?")
    assert several.text.endswith("Reasons for leave include: [1]\n- Moving house\n- A wedding")
    one: Ran = await made.ask("Which reason for leave is usual?")
    assert one.text == "25 days [1]."


async def test_a_few_words_answer_a_question_for_several_things_where_there_is_no_list(bench: Any) -> None:
    made = bench(ScriptedModel(["unasked"]), route=SMALL, reader=Sees(SURE + 1))
    assert (await made.ask("Which days of paid leave do employees get?")).text == "25 days [1]."


async def test_it_explains_nothing_where_it_is_not_sure(bench: Any) -> None:
    asked = "How does paid leave for employees work?"
    ran: Ran = await bench(ScriptedModel(["Nobody knows [1]."]), route=SMALL, reader=Sees(SURE - 0.1)).ask(asked)
    assert ran.answer.abstained


async def test_it_abstains_without_a_model_where_it_is_not_sure(bench: Any) -> None:
    model = ScriptedModel(["25 days [1]."])
    ran: Ran = await bench(model, route=SMALL, reader=Sees(SURE - 0.1)).ask(LEAVE)
    assert not model.requests and ran.answer.abstained and ran.text == ABSTENTION
    assert ran.steps == ["search", "read"]


async def test_it_holds_the_passages_words_to_the_same_rules(bench: Any) -> None:
    only = [passage(2, "Leave is 25 days, and the key is 0123456789abcdef0123456789abcdef.", "Leave")]
    secrets = ["0123456789abcdef0123456789abcdef"]
    held = bench("", passages=only, route=SMALL, secrets=secrets, reader=Sees(SURE + 1), whole_sentences=True)
    text = (await held.ask(LEAVE)).text
    assert "**25 days**" in text and secrets[0] not in text


@pytest.mark.parametrize(
    "route",
    [
        Route("big", "hr", "domain", ""),
        Route("big", GUIDED, "domain", ""),
        Route("small", "published", "fallback", ""),
        Route("another.gguf", None, "fallback", ""),
    ],
)
async def test_it_leaves_models_alone_that_answer_by_themselves(bench: Any, route: Route) -> None:
    ran: Ran = await bench("25 days [2].", route=route, reader=Sees(SURE + 1)).ask(LEAVE)
    assert "read" not in ran.steps and ran.answer.citations[0].document == "d2"


def test_it_stands_in_for_the_adapter_that_ships() -> None:
    assert publish.DEFAULT.name == GUIDED == open_adapter(publish.DEFAULT).manifest.name


class NoModels:
    """An installation whose model is still being loaded."""

    async def choose(self, turn: Turn) -> Choice:
        raise ModelUnavailable("The local model is being loaded.")


async def test_it_answers_by_itself_where_no_model_can(bench: Any) -> None:
    ran: Ran = await bench("x", models=NoModels(), reader=Sees(SURE + 1)).ask(LEAVE)
    assert ran.text == ran.answer.text == "25 days [1]." and ran.answer.degraded and ran.answer.grounded
    assert [c.document for c in ran.answer.citations] == ["d2"]
    assert ran.answer.route == Route("reader", None, "none", "reader")


@pytest.mark.parametrize("log_odds", [SURE - 0.1, SURE - 2])
async def test_the_best_passages_are_quoted_where_no_model_can_answer_and_it_is_not_sure(
    bench: Any, log_odds: float
) -> None:
    ran: Ran = await bench("x", models=NoModels(), reader=Sees(log_odds)).ask(LEAVE)
    assert ran.text == ran.answer.text and ran.text.startswith("No language model") and ran.answer.degraded
    assert ran.answer.route.strategy == "quote" and len(ran.answer.citations) == 3


async def test_it_does_not_answer_by_itself_in_place_of_a_model_that_broke_off(bench: Any) -> None:
    model = ScriptedModel([("Employees get 25 days [1]. Unused leave", ModelUnavailable("died"))])
    big = Route("big", None, "domain", "")
    ran: Ran = await bench(model, route=big, reader=Sees(SURE + 1)).ask(LEAVE)
    assert ran.answer.text == "Employees get 25 days [1]." and ran.answer.stopped_by == "error"
    assert "read" not in ran.steps


async def test_json_is_not_answered_by_the_reader_where_no_model_can(bench: Any) -> None:
    made = bench("x", models=NoModels(), reader=Sees(SURE + 1))
    ran: Ran = await made.ask(LEAVE, sampling=Sampling(json_schema={"type": "object"}))
    assert "read" not in ran.steps and ran.answer.degraded


async def test_it_leaves_other_languages_alone(bench: Any) -> None:
    sure = Sees(SURE + 1)
    german = passage(4, "Die Angestellten haben 25 Tage Urlaub, und nicht mehr als das ist für sie in dem Jahr.")
    ran: Ran = await bench("25 [1].", passages=[german], route=SMALL, reader=sure).ask(LEAVE)
    assert "read" not in ran.steps


async def test_it_leaves_a_model_that_was_named_and_a_prompt_of_ones_own_alone(bench: Any) -> None:
    named: Ran = await bench("25 days [2].", route=SMALL, reader=Sees(SURE + 1)).ask(LEAVE, model="small")
    assert "read" not in named.steps and named.answer.text == "25 days [1]."
    made, prompts = bench("25 days [2].", route=SMALL, reader=Sees(SURE + 1)), load_prompts()
    own = replace(prompts, grounded=prompts.grounded.model_copy(update={"system": "Answer like a pirate."}))
    made.turns = made.turns.trying(own)
    assert "read" not in (await made.ask(LEAVE)).steps


DAYS = Sampling(json_schema={"type": "object", "properties": {"days": {"type": "integer"}}})
TWO = Sampling(json_schema={"type": "object", "properties": {"days": {"type": "integer"}, "of": {"type": "string"}}})


async def test_its_words_fill_a_schema_with_one_place(bench: Any) -> None:
    model = ScriptedModel(["nothing of this is asked for"])
    ran: Ran = await bench(model, route=SMALL, reader=Sees(SURE + 1)).ask(LEAVE, sampling=DAYS)
    assert not model.requests and ran.text == ran.answer.text == '{"days": 25}' and ran.answer.grounded
    assert [c.document for c in ran.answer.citations] == ["d2"] and ran.steps == ["search", "read"]
    assert ran.answer.route == Route("reader", None, "fallback", "reader")


async def test_a_schema_with_several_places_is_filled_by_the_model_where_the_reader_is_sure(bench: Any) -> None:
    said = '{"days": 25, "of": "paid leave"}'
    ran: Ran = await bench(said, route=SMALL, reader=Sees(SURE + 1)).ask(LEAVE, sampling=TWO)
    assert ran.text == said and ran.answer.grounded
    assert ran.answer.route.model == "small" and ran.steps == ["search", "read", "draft", "check"]


@pytest.mark.parametrize("sampling", [DAYS, TWO])
async def test_no_model_is_asked_for_json_where_no_passage_seems_to_answer(bench: Any, sampling: Sampling) -> None:
    model = ScriptedModel(['{"days": 25, "of": "paid leave"}'])
    ran: Ran = await bench(model, route=SMALL, reader=Sees(SURE - 0.1)).ask(LEAVE, sampling=sampling)
    assert not model.requests and ran.answer.abstained and ran.text == ABSTENTION
    assert ran.steps == ["search", "read"]


async def test_models_that_answer_by_themselves_write_json_without_the_reader(bench: Any) -> None:
    made = bench('{"days": 25}', route=Route("big", "hr", "domain", ""), reader=Sees(SURE - 1))
    ran: Ran = await made.ask(LEAVE, sampling=DAYS)
    assert ran.text == '{"days": 25}' and "read" not in ran.steps


@dataclass
class Surer:
    """A reader that is sure of what both say, and surer of what the handbook says."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        words, odds = {"handbook": "25 days", "att": "12 days"}, {"handbook": SURE + 3, "att": SURE + 1}
        known = {p.chunk_id: words[p.collection_id] in p.text for p in passages}
        return [
            reading(question, p, words[p.collection_id], odds[p.collection_id])
            if known[p.chunk_id]
            else Reading(-20.0, 0, 0)
            for p in passages
        ]


async def test_follow_ups_are_answered_from_the_attached_file_that_they_are_about(bench: Any) -> None:
    file = passage(7, "Interns of this contract get 12 days of leave per year.", "Contract", collection="att")
    made = bench(ScriptedModel(["unasked"]), route=SMALL, reader=Surer(), passages=[*PASSAGES, file])

    async def attached(scope: Scope, conversation: str) -> str | None:
        return "att" if conversation == "conv" else None

    made.turns._attachments = attached
    history = [Message("user", "Who is this contract for?"), Message("assistant", "Interns [1].")]
    inside: Ran = await made.ask("How many days of leave do they get per year?", ANNA, history, conversation_id="conv")
    assert inside.text == "12 days [1]." and inside.answer.citations[0].document == "d7"
    anew: Ran = await made.ask(LEAVE, conversation_id="conv")  # the handbook is clearly surer
    assert anew.text == "25 days [1]."


async def test_it_shows_a_fragment_in_its_sentence(bench: Any) -> None:
    ran: Ran = await bench("25 days [2]. By 31 March [2].", whole_sentences=True, route=SMALL).ask(LEAVE)
    assert ran.text == ran.answer.text
    assert ran.text.startswith("Employees get **25 days** of paid leave per year. [1]")
    assert len(ran.answer.citations) == 1 and ran.answer.grounded
    large: Ran = await bench("25 days [2].", whole_sentences=True, route=Route("big", "hr", "domain", "")).ask(LEAVE)
    assert large.text == "25 days [1]."
