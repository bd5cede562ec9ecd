"""Answers in JSON over HTTP, by the turns that the product runs: OpenAI's package meets values, nulls and refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import openai
import pydantic
import pytest

from assistant.api.app import create
from assistant.guardrails.grounding import RuleJudge
from assistant.models.fake import ScriptedModel
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.orchestration.ports import OneModel
from assistant.orchestration.read import GUIDED
from assistant.orchestration.settings import TurnSettings
from assistant.people import credentials
from assistant.record import MemoryRecords
from assistant.turn import Turns
from assistant.types import Route
from knowledge.embed import HashEmbedder
from knowledge.reader import Reader, Reading
from knowledge.types import Passage
from tests.readings import SURE, reading

from .conftest import World, serving
from .scripted import UNKNOWN

PASSAGE = Passage("c1", "d1", "hr", "Leave", "leave.md", "Employees get 25 days of leave.", "", 1, "", 0.9)
ASKED: list[Any] = [{"role": "user", "content": "How many days of leave do employees get?"}]
SMALL = Route("small", GUIDED, "fallback", "")

Answering = Callable[..., AbstractContextManager[openai.OpenAI]]


class Days(pydantic.BaseModel):
    days: int
    note: str | None


class Sees:
    """A reader that finds "25 days" as likely as it is told."""

    def __init__(self, log_odds: float) -> None:
        self._log_odds = log_odds

    def read(self, question: str, passages: Any) -> list[Reading]:
        return [reading(question, passage, "25 days", self._log_odds) for passage in passages]


@pytest.fixture
def answering(world: World) -> Answering:
    """OpenAI's client of a server whose model says what it is told."""

    @contextmanager
    def open_client(said: str, reader: Reader | None = None) -> Iterator[openai.OpenAI]:
        turns = Turns(
            ListSearch([PASSAGE]),
            OneModel(ScriptedModel([said]), SMALL),
            RuleJudge(HashEmbedder().embed),
            OpenGate(),
            MemoryRecords(),
            TurnSettings(cache_answers=False),
            reader=reader,
        )
        app = replace(world.app, turns=turns)
        _, key = credentials.add_key(app.engine, app.secrets, world.ben.id, "script")
        with (
            serving(create(app), app.settings) as address,
            openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0, timeout=20) as client,
        ):
            yield client

    return open_client


def test_values_that_a_passage_holds_are_parsed_and_cited(answering: Answering) -> None:
    with answering('{"days":25,"note":null}') as client:
        said = client.chat.completions.parse(model="assistant", messages=ASKED, response_format=Days)
    assert said.choices[0].message.parsed == Days(days=25, note=None)
    ours = said.model_extra["assistant"] if said.model_extra else {}
    assert ours["grounded"] is True and [citation["document"] for citation in ours["citations"]] == ["d1"]


def test_a_value_that_no_passage_holds_is_a_refusal(answering: Answering) -> None:
    with answering('{"days":4,"note":null}') as client:
        said = client.chat.completions.parse(model="assistant", messages=ASKED, response_format=Days)
    message = said.choices[0].message
    assert (message.refusal, message.content, message.parsed) == (UNKNOWN, None, None)


def test_null_takes_its_place_where_the_schema_lets_it(answering: Answering) -> None:
    with answering('{"days":25,"note":"The sky is blue."}') as client:
        said = client.chat.completions.parse(model="assistant", messages=ASKED, response_format=Days)
    message = said.choices[0].message
    assert message.parsed == Days(days=25, note=None) and message.refusal is None


@pytest.mark.parametrize(("said", "right"), [('{"days":25,"note":null}', True), ('{"days":4,"note":null}', False)])
def test_a_stream_says_nothing_of_an_answer_before_it_is_checked(answering: Answering, said: str, right: bool) -> None:
    with (
        answering(said) as client,
        client.chat.completions.stream(model="assistant", messages=ASKED, response_format=Days) as stream,
    ):
        content = "".join(event.delta for event in stream if event.type == "content.delta")
        message = stream.get_final_completion().choices[0].message
    assert content == (said if right else "")
    assert (message.parsed, message.refusal) == ((Days(days=25, note=None), None) if right else (None, UNKNOWN))


@pytest.mark.parametrize(("log_odds", "right"), [(SURE + 1, True), (SURE - 1, False)])
def test_where_the_reader_finds_no_answer_no_model_fills_the_schema(
    answering: Answering, log_odds: float, right: bool
) -> None:
    with answering('{"days":25,"note":null}', Sees(log_odds)) as client:
        said = client.chat.completions.parse(model="assistant", messages=ASKED, response_format=Days)
    message = said.choices[0].message
    assert (message.parsed is not None, message.refusal) == (right, None if right else UNKNOWN)


def test_json_without_documents_is_held_against_nothing(answering: Answering) -> None:
    with answering('{"days":4,"note":"blue"}') as client:
        said = client.chat.completions.parse(
            model="assistant", messages=ASKED, response_format=Days, extra_body={"assistant": {"grounded": False}}
        )
    assert said.choices[0].message.parsed == Days(days=4, note="blue")
