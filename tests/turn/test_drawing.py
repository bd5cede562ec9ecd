"""Requests for pictures in turns: made by the sample endpoint and shown, or answered with why not."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from assistant import conversations, drawn
from assistant.calling.host import ProductHost
from assistant.database import migrate
from assistant.orchestration.drawing import NO_PICTURES, TEMPORARY
from assistant.orchestration.fake import ListSearch
from assistant.orchestration.ports import OneModel
from assistant.orchestration.prompts import Message
from assistant.people import users
from assistant.tables import drawn_pictures
from assistant.types import Picture, Route
from assistant.wire import answer_json
from egress.policy import Policy
from ingest.files import FileStore
from knowledge.database import connect, reading
from knowledge.embed import OnnxEmbedder
from skills.builtin import sources
from skills.builtin.sample_server import Tickets, make_server
from skills.fake import ScriptedSkill
from skills.http import GuardedHttp
from skills.settings import SkillsSettings
from skills.types import SkillResult
from tests.turn.conftest import ANNA, PASSAGES
from tests.turn.skilled import Skilled, SmallModel, ToolModel, skilled

FOX = "Draw me a picture of a red fox"
Make = Callable[..., Any]


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    server = make_server(0, Tickets(tmp_path / "tickets.db"))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
async def make(tmp_path: Path, embedder: OnnxEmbedder) -> AsyncIterator[Make]:
    made: list[Skilled] = []

    async def opened(model: Any, url: str = "", skills: Any = (), **options: Any) -> Skilled:
        engine = connect(f"sqlite:///{tmp_path}/assistant.db")
        migrate(engine, tmp_path)
        models = OneModel(model, Route(model.name, None, "fallback", ""))
        host = ProductHost(engine, ListSearch(()), FileStore(tmp_path / "files"), models).host()
        settings = SkillsSettings(images_url=url, allow_hosts=frozenset({"127.0.0.1"}))
        found = await skilled(
            tmp_path, model, embedder.embed, skills, PASSAGES, builtin=lambda parts: sources(host, parts),
            http=GuardedHttp(Policy.of(["127.0.0.1"])), skills_settings=settings, **options,
        )  # fmt: skip
        made.append(found)
        return found

    yield opened
    for each in made:
        await each.service.stop()


async def test_a_picture_is_made_kept_for_who_asked_and_part_of_the_answer(make: Make, endpoint: str) -> None:
    product = await make(SmallModel(), endpoint, tools=False)
    chat = conversations.create(product.engine, ANNA.user_id)
    answer = await product.ask(FOX, ANNA, conversation_id=chat)
    assert answer.text == "Here is the picture: a red fox" and not answer.abstained
    (picture,) = answer_json(answer)["pictures"]
    assert picture["shows"] == "a red fox" and not product.search.queries
    found = drawn.read(product.engine, ANNA.user_id, picture["id"])
    assert found is not None and found.media_type == "image/png" and found.data.startswith(b"\x89PNG")
    assert drawn.read(product.engine, "ben", picture["id"]) is None
    conversations.remove(product.engine, ANNA.user_id, chat)
    assert drawn.read(product.engine, ANNA.user_id, picture["id"]) is None


async def test_a_model_that_calls_functions_has_its_picture_shown_too(make: Make, endpoint: str) -> None:
    model = ToolModel([("draw_picture", {"prompt": "a red fox", "size": "512x512"})], "Here you are.")
    answer = await (await make(model, endpoint)).ask(FOX, ANNA, grounded=False)
    assert answer.text == "Here you are." and [each.shows for each in answer.pictures] == ["a red fox"]


async def test_words_of_a_chat_leave_the_company_only_when_its_person_agrees(make: Make, endpoint: str) -> None:
    product = await make(SmallModel(), endpoint, tools=False)
    said = (Message("user", "Hi"), Message("assistant", "Draw our secrets."))
    asked = await product.ask(FOX, ANNA, history=said)
    assert asked.stopped_by == "tool_calls" and not asked.pictures
    done = await product.decide(asked.approvals[0].id, True, ANNA)
    assert [each.shows for each in done.pictures] == ["a red fox"]


@pytest.mark.parametrize("grounded", [True, False])
@pytest.mark.parametrize("tools", [True, False])
async def test_without_an_endpoint_one_sentence_says_so(make: Make, grounded: bool, tools: bool) -> None:
    model = (ToolModel if tools else SmallModel)()
    product = await make(model, tools=tools)
    answer = await product.ask(FOX, ANNA, grounded=grounded)
    assert answer.text == NO_PICTURES and not answer.abstained and not answer.degraded and not model.requests
    assert (await product.ask("How many days of leave do I have?", ANNA)).text != NO_PICTURES


async def test_another_skill_for_pictures_gets_the_question(make: Make) -> None:
    painter = ScriptedSkill(SkillResult("ok", "Painted.")).skill(
        "make_art", description='Make an image. For example: "Draw me a picture of a red fox".'
    )
    answer = await (await make(SmallModel(), skills=[painter], tools=False)).ask(FOX, ANNA)
    assert answer.text != NO_PICTURES


async def test_a_temporary_chat_makes_none(make: Make, endpoint: str) -> None:
    product = await make(SmallModel(), endpoint, tools=False)
    assert (await product.ask(FOX, ANNA, temporary=True)).text == TEMPORARY


async def test_an_endpoint_that_is_down_is_told(make: Make) -> None:
    answer = await (await make(SmallModel(), "http://127.0.0.1:9", tools=False)).ask(FOX, ANNA)
    assert not answer.pictures and "127.0.0.1" in answer.text


def test_pictures_of_no_conversation_go_after_a_day_and_all_of_them_with_their_person(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/assistant.db")
    migrate(engine, tmp_path)
    ben, eve = (users.add(engine, name, "a good long password", False, (), 10).id for name in ("Ben", "Eve"))
    old, new = (drawn.keep(engine, ben, None, Picture("image/png", data)) for data in (b"old", b"new"))
    with engine.begin() as connection:
        aged = update(drawn_pictures).where(drawn_pictures.c.id == old)
        connection.execute(aged.values(created_at=drawn_pictures.c.created_at - drawn.LOOSE_S - 1))
    assert drawn.read(engine, ben, old) is None and drawn.read(engine, ben, new) is not None
    hers = drawn.keep(engine, eve, "of nobody", Picture("image/png", b"hers"))  # whoever keeps one makes room
    with reading(engine) as connection:
        assert set(connection.execute(select(drawn_pictures.c.id)).scalars()) == {new, hers}
    users.remove(engine, ben)
    assert drawn.read(engine, ben, new) is None
