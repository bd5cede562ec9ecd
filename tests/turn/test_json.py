"""Turns whose answer is JSON: held back to its end, and held against the passages value by value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant.guardrails.json_release import CUT_OFF, NO_JSON
from assistant.models.errors import ModelUnavailable
from assistant.models.fake import ScriptedModel
from assistant.models.types import Sampling
from assistant.types import Route
from tests.turn.conftest import ABSTENTION, LEAVE, Ran, passage

ANY = Sampling(json_schema={"type": "object"})


async def test_it_answers_in_json_and_cites_the_passage_of_its_values(bench: Any) -> None:
    ran: Ran = await bench('{"days": 25}').ask(LEAVE, sampling=ANY)
    assert ran.text == ran.answer.text == '{"days": 25}' and ran.answer.grounded
    assert [citation.document for citation in ran.answer.citations] == ["d2"]
    assert ran.steps == ["search", "draft", "check"]


async def test_nothing_of_it_shows_before_its_end(bench: Any) -> None:
    ran: Ran = await bench('{"days": 25, "until": "31 March"}').ask(LEAVE, sampling=ANY)
    assert [event.text for event in ran.events if event.kind == "text"] == ['{"days": 25, "until": "31 March"}']


@pytest.mark.parametrize("said", ['{"colour": "4"}', '{"days": 25, "colour": "blue"}', '{"days": 30}'])
async def test_it_abstains_where_no_passage_holds_a_value(bench: Any, said: str) -> None:
    ran: Ran = await bench(said).ask(LEAVE, sampling=ANY)
    assert ran.text == ran.answer.text == ABSTENTION and ran.answer.abstained and not ran.answer.citations


async def test_it_is_asked_once_more_over_fewer_passages(bench: Any) -> None:
    model = ScriptedModel(['{"days": 30}', '{"days": 25}'])
    ran: Ran = await bench(model).ask(LEAVE, sampling=ANY)
    assert ran.text == '{"days": 25}' and len(model.requests) == 2 and "retry" in ran.steps


async def test_null_takes_the_place_of_what_no_passage_holds(bench: Any) -> None:
    schema = {"type": "object", "properties": {"days": {"type": "integer"}, "colour": {"type": ["string", "null"]}}}
    ran: Ran = await bench('{"days":25,"colour":"blue"}').ask(LEAVE, sampling=Sampling(json_schema=schema))
    assert json.loads(ran.text) == {"days": 25, "colour": None} and ran.answer.grounded
    assert ran.answer.steps[-1].detail == "Left out 1 of 2 values: no passage holds 'blue'"


async def test_half_a_json_is_told_in_a_sentence(bench: Any) -> None:
    ran: Ran = await bench('{"days": 25, "until": "31 March"}').ask(
        LEAVE, sampling=Sampling(max_tokens=2, json_schema={"type": "object"})
    )
    assert ran.text == CUT_OFF and ran.answer.stopped_by == "length" and not ran.answer.grounded


async def test_words_in_place_of_json_are_not_shown(bench: Any) -> None:
    ran: Ran = await bench("The colour is blue.").ask(LEAVE, sampling=ANY)
    assert ran.text == NO_JSON and not ran.answer.grounded


async def test_an_abstention_in_place_of_json_stays_one(bench: Any) -> None:
    ran: Ran = await bench("I do not know.").ask(LEAVE, sampling=ANY)
    assert ran.text == ABSTENTION and ran.answer.abstained


async def test_the_json_of_a_model_that_broke_off_is_not_shown(bench: Any) -> None:
    model = ScriptedModel([('{"days": 25, "and', ModelUnavailable("died"))])
    ran: Ran = await bench(model).ask(LEAVE, sampling=ANY)
    assert '{"days"' not in ran.text and ran.answer.degraded


async def test_it_lets_no_known_secret_out(bench: Any) -> None:
    secret = "engine-key-0123456789"
    made = bench(f'{{"key": "{secret}"}}', passages=[passage(1, f"The engine key is {secret}.")], secrets=[secret])
    ran: Ran = await made.ask("What is the engine key?", sampling=ANY)
    assert secret not in ran.text and ran.text.startswith('{"key": "')


async def test_json_without_documents_is_left_alone(bench: Any) -> None:
    ran: Ran = await bench('{"days": 30, "x": "[1](2)"}').ask(LEAVE, sampling=ANY, grounded=False)
    assert ran.text == '{"days": 30, "x": "[1](2)"}' and not ran.answer.grounded


async def test_languages_that_the_reader_does_not_know_are_held_against_the_passages_too(bench: Any) -> None:
    german = passage(4, "Die Angestellten haben 25 Tage Urlaub im Jahr. Das Büro ist blau gestrichen.")
    asked = "Wie viele Tage Urlaub haben die Angestellten im Jahr?"
    for said, text in (('{"tage": 25}', '{"tage": 25}'), ('{"tage": 30}', "Die Dokumente sagen dazu nichts.")):
        ran: Ran = await bench(said, passages=[german], route=Route("big", None, "domain", "")).ask(asked, sampling=ANY)
        assert ran.text == text
