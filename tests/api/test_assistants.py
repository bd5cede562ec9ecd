"""The gallery over HTTP, and assistants in chats: by id, as models of OpenAI's clients, kept by conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from assistant.gallery import store
from assistant.people import groups, users
from knowledge import collections

from .conftest import PASSWORD, World
from .widget_world import Page, make_widget

FULL: dict[str, Any] = {
    "name": "Legal",
    "description": "Contracts",
    "icon": "gavel",
    "instructions": "Be formal.",
    "model": "local",
    "prompt": "reasoned_answer",
    "preset": "creative",
    "skills": ["read_notes"],
    "greeting": "Hello.",
    "questions": ["What is a contract?"],
    "readers": ["everyone"],
}
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
async def ben(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Ben, who may read a collection that Eve may not."""
    groups.add(world.app.engine, "hr")
    users.change(world.app.engine, world.ben.id, group_names=["hr"], min_password_chars=10)
    collections.create(world.app.engine, "HR", "", ["group:hr"])
    collections.create(world.app.engine, "Law", "", ["everyone"])
    async with world.client(world.ben) as client:
        yield client
    await world.app.skills.stop()


async def make(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    reply = await client.post("/api/assistants", json=FULL | changes)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def ask(client: httpx.AsyncClient, said: str = "hi", model: str = "assistant", **chosen: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": said}], "assistant": chosen}
    reply = await client.post("/v1/chat/completions", json=body)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()["assistant"]
    return found


async def test_it_is_shared_duplicated_and_withdrawn(world: World, ben: httpx.AsyncClient) -> None:
    made = await make(ben, collections=["HR", "Law"])
    address = f"/api/assistants/{made['id']}"
    async with world.client(world.eve) as eve, world.client(world.admin) as ann:
        (seen,) = (await eve.get("/api/assistants", params={"q": "contracts"})).json()["assistants"]
        assert seen["owner"] == "Ben" and not seen["own"] and seen["readers"] is None
        assert [one["name"] for one in seen["collections"]] == ["Law"]  # HR is not hers to know of
        refused = await eve.put(address, json=FULL)
        assert refused.status_code == 403 and "duplicate" in refused.json()["detail"]
        assert (await eve.delete(address)).status_code == 403
        copy = (await eve.post(f"{address}/duplicate")).json()
        assert copy["own"] and copy["name"] == "Legal" and copy["readers"] == [] and copy["revision"] == 1
        assert (await eve.put(f"{address}/withdrawn", json={"withdrawn": True})).status_code == 403
        assert (await ann.put(f"{address}/withdrawn", json={"withdrawn": True})).json()["withdrawn"]
        assert (await eve.get(address)).status_code == 404
        assert (await ben.get(address)).json()["withdrawn"]
        assert (await ann.delete(address)).status_code == 204


async def test_nobody_alone_fills_the_gallery(
    world: World, ben: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_EACH", 2)
    await make(ben, name="One")
    await make(ben, name="Two")
    refused = await ben.post("/api/assistants", json=FULL | {"name": "Three"})
    assert refused.status_code == 409 and refused.json()["code"] == "too-many-assistants"
    assert "You have 2 assistants" in refused.json()["detail"]
    async with world.client(world.admin) as ann:
        await make(ann, name="Three")


async def test_it_is_made_only_of_what_its_owner_may_use(world: World, ben: httpx.AsyncClient) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"collections": ["Board"]}, "no collection 'Board'"),
        ({"skills": ["read_secrets"]}, "no skill 'read_secrets'"),
        ({"model": "gpt"}, "no model 'gpt'"),
        ({"prompt": "condense"}, "no prompt 'condense'"),
        ({"grounded": False}, "is for answers with documents"),
        ({"readers": ["public"]}, "no gallery"),
    ]
    for change, said in wrong:
        refused = await ben.post("/api/assistants", json=FULL | change)
        assert refused.status_code == 422 and said in refused.json()["detail"], change
    odds: list[dict[str, Any]] = [{"name": ""}, {"icon": "x"}, {"collections": []}, {"name": "\x00"}, {"a": 1}]
    for odd in [*odds, {"questions": ["x"] * 7}]:
        assert (await ben.post("/api/assistants", json=FULL | odd)).status_code == 422, odd
    assert (await ben.get("/api/assistants")).json()["assistants"] == []
    offered = (await ben.get("/api/assistants/choices")).json()
    assert [one["name"] for one in offered["collections"]] == ["HR", "Law"] and "read_secrets" not in offered["skills"]
    await make(ben)
    assert (await ben.post("/api/assistants", json=FULL)).json()["code"] == "name-taken"


async def test_a_chat_uses_it_within_the_rights_of_who_asks(world: World, ben: httpx.AsyncClient) -> None:
    made = await make(ben, collections=["HR", "Law"], skills=["read_notes", "write_note"])
    law = next(one["id"] for one in made["collections"] if one["name"] == "Law")
    async with world.client(world.eve) as eve:
        await ask(eve, assistant_id=made["id"])
    turn = world.turns.asked[-1]
    assert turn.caller.skills == frozenset({"read_notes", "write_note"})
    assert turn.caller.scope.principals == {"everyone", "public", f"user:{world.eve.id}"}
    options = turn.options
    assert (options.model, options.collections, options.sampling.temperature) == ("local", (law,), 0.9)
    assert options.persona is not None and options.persona.foreign
    assert (options.persona.prompt, options.persona.instructions) == ("reasoned_answer", "Be formal.")


async def test_any_client_of_openai_can_name_it_as_a_model(world: World, ben: httpx.AsyncClient) -> None:
    made = await make(ben, readers=[])
    assert made["model_name"] == "assistant:Legal"
    listed = [one["id"] for one in (await ben.get("/v1/models")).json()["data"]]
    assert listed == ["assistant", "local", "assistant:Legal"]
    assert (await ben.get("/v1/models/assistant:Legal")).status_code == 200
    await ask(ben, model="assistant:Legal")
    persona = world.turns.asked[-1].options.persona
    assert persona is not None and persona.id == made["id"] and world.turns.asked[-1].options.model == "local"
    async with world.client(world.eve) as eve:
        assert "assistant:Legal" not in (await eve.get("/v1/models")).text
        for body in (ASK | {"model": "assistant:Legal"}, ASK | {"assistant": {"assistant_id": made["id"]}}):
            assert (await eve.post("/v1/chat/completions", json=body)).status_code == 404
        begun = await eve.post("/api/conversations", json={"assistant_id": made["id"]})
        assert begun.status_code == 404


async def test_a_conversation_keeps_it_and_says_what_became_of_it(world: World, ben: httpx.AsyncClient) -> None:
    made = await make(ben)
    address = f"/api/assistants/{made['id']}"
    async with world.client(world.eve) as eve:
        talk = (await eve.post("/api/conversations", json={"assistant_id": made["id"]})).json()["id"]
        kept = (await eve.get(f"/api/conversations/{talk}")).json()["assistant"]
        assert kept["state"] == "ready" and kept["card"]["greeting"] == "Hello."
        assert (await ask(eve, conversation_id=talk))["turn_id"] and world.turns.asked[-1].options.notice == ""
        other = await make(eve, name="Other")
        refused = ASK | {"assistant": {"conversation_id": talk, "assistant_id": other["id"]}}
        assert (await eve.post("/v1/chat/completions", json=refused)).status_code == 400
        await ben.put(address, json=FULL | {"instructions": "Be brief."})
        await ask(eve, conversation_id=talk)
        options = world.turns.asked[-1].options
        assert options.persona is not None and options.persona.instructions == "Be brief."
        assert "'Legal' was changed" in options.notice
        await ask(eve, conversation_id=talk)
        assert world.turns.asked[-1].options.notice == ""  # said once
        await ben.put(address, json=FULL | {"instructions": "Be brief.", "readers": ["group:hr"]})
        kept = (await eve.get(f"/api/conversations/{talk}")).json()["assistant"]
        assert kept["state"] == "gone" and kept["card"] is None and "usual settings" in kept["notice"]
        await ask(eve, conversation_id=talk)
        turn = world.turns.asked[-1]
        assert turn.options.persona is None and turn.caller.skills is None and turn.options.model == "assistant"
        assert "no longer shared" in turn.options.notice


async def test_a_file_of_assistants_goes_from_one_person_to_another(world: World, ben: httpx.AsyncClient) -> None:
    await make(ben, collections=["HR", "Law"])
    only_hr = await make(ben, name="HR only", collections=["HR"], skills=None)
    file = (await ben.get("/api/assistants/export")).json()
    assert file["assistants"][1]["collections"] == ["HR", "Law"] and "readers" not in file["assistants"][1]
    async with world.client(world.eve) as eve:
        taken = await eve.post("/api/assistants/import", json=file)
        assert taken.status_code == 201
        assert taken.json()["left_out"] == [
            "HR only: There is no collection 'HR' that you may read; leave it out.",
            "Legal: There is no collection 'HR' that you may read; leave it out.",
        ]
        legal = taken.json()["assistants"][1]
        assert legal["own"] and legal["instructions"] == "Be formal." and legal["readers"] == []
        assert [one["name"] for one in legal["collections"]] == ["Law"]
        again = (await eve.post("/api/assistants/import", json=file)).json()["assistants"]
        assert [one["name"] for one in again] == ["HR only (2)", "Legal (2)"]
        for wrong in ({"format": "other", "assistants": []}, {"assistants": [{"name": ""}]}, {"version": 2}):
            assert (await eve.post("/api/assistants/import", json=wrong)).status_code == 422
        hidden = {"id": only_hr["id"]}
        await ben.put(f"/api/assistants/{only_hr['id']}", json={"name": "HR only", "readers": []})
        assert (await eve.get("/api/assistants/export", params=hidden)).status_code == 404


async def test_a_call_that_waits_goes_on_within_the_assistant(world: World, ben: httpx.AsyncClient) -> None:
    made = await make(ben, skills=["read_notes"])
    talk = (await ben.post("/api/conversations", json={"assistant_id": made["id"]})).json()["id"]
    refused = await ask(ben, "write x", conversation_id=talk)
    assert not refused["approvals"] and not world.notebook.write.calls  # the assistant names no skill that writes


async def test_a_widget_answers_as_an_administrators_assistant_within_its_own_limits(
    world: World, ben: httpx.AsyncClient
) -> None:
    bens = await make(ben)
    for name in ("Shop", "Prices"):
        collections.create(world.app.engine, name, "", ["public"])
    async with world.client(world.admin) as ann, world.client() as browser:
        own = await make(ann, name="Shop help", collections=["Shop", "Prices", "HR"], skills=["read_notes"])
        widget, secret = make_widget(world, collections=["Shop"], skills=["read_notes", "write_note"])
        address = f"/api/widgets/{widget.id}"
        for refused in (bens["id"], "nobody"):
            reply = await ann.patch(address, json={"profile": {"assistant": refused}})
            assert reply.status_code == 422 and "administrator" in reply.json()["detail"]
            reply = await ann.post("/api/widgets", json={"name": "X", "profile": {"assistant": refused}})
            assert reply.status_code == 422
        await ann.patch(address, json={"profile": {"assistant": own["id"]}})
        page = Page(browser, widget, secret)
        await page.begin()
        await page.ask("hi")
        turn = world.turns.asked[-1]
        shop = next(one["id"] for one in own["collections"] if one["name"] == "Shop")
        assert turn.options.collections == (shop,) and turn.caller.skills == frozenset({"read_notes"})
        assert turn.options.persona is not None and turn.options.persona.foreign and turn.options.model == "local"
        users.add(world.app.engine, "Root", PASSWORD, True, [], min_password_chars=10)
        users.change(world.app.engine, world.admin.id, is_admin=False, min_password_chars=10)
        await page.ask("hi again")  # Ann is nobody special any more: the widget goes on by its own profile
        turn = world.turns.asked[-1]
        assert turn.options.persona is None and turn.caller.skills == frozenset({"read_notes", "write_note"})
