"""Visitors of a widget, through the real routes: who gets in, what they get, and when they are out again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from assistant.widgets import keys, registry
from knowledge.types import PUBLIC

from .conftest import World, eventually
from .widget_world import ORIGIN, Page, events, host_token, make_widget


@pytest.fixture
async def page(world: World) -> AsyncIterator[Page]:
    widget, secret = make_widget(world)
    async with world.client() as client:
        yield Page(client, widget, secret)


async def test_an_anonymous_visitor_asks_and_reads_the_public_only(page: Page, world: World) -> None:
    assert (await page.begin()).status_code == 201
    reply = await page.ask("words 3 0")
    found = events(reply)
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    answer = found[-1]["answer"]
    assert answer["text"] == "word0 word1 word2 [1]" and answer["citations"][0]["quote"] == "30 days of leave"
    assert "".join(event.get("text", "") for event in found) == answer["text"]
    caller = world.turns.asked[0].caller
    assert caller.scope.principals == {PUBLIC} and not caller.scope.sees_all and caller.credential == "widget"


async def test_an_answer_does_not_tell_what_is_ours(page: Page) -> None:
    await page.begin()
    text = (await page.ask("hello")).text + (await page.send("GET", "conversation")).text
    for ours in ("handbook.pdf", "smol", "HR", '"chunk"', '"route"', "Looked through"):
        assert ours not in text, ours


async def test_it_remembers_the_conversation_over_a_reload(page: Page) -> None:
    handle = (await page.begin()).json()["resume"]
    await page.ask("first")
    page.token = ""
    again = (await page.begin(resume=handle)).json()
    assert [turn["question"] for turn in again["turns"]] == ["first"]
    assert (await page.send("POST", "reset")).status_code == 204
    assert (await page.begin(resume=handle)).json()["turns"] == []


WRONG_ORIGINS = [
    "null", "", "https://example.com", "http://www.example.com", "https://www.example.com:8443", "https://www.example.com.evil.example",
    "https://evil.example", "https://www.example.com/", "HTTPS://WWW.EXAMPLE.COM", "https://www.example.com, https://evil.example",
    "https://xn--www-example.com", "file://", "*",
]  # fmt: skip


@pytest.mark.parametrize("origin", WRONG_ORIGINS)
async def test_a_page_of_another_origin_gets_nothing(page: Page, world: World, origin: str) -> None:
    await page.begin()
    page.origin = origin
    for method, path, body in (
        ("OPTIONS", "ask", None), ("GET", "look", None), ("POST", "session", {}), ("POST", "ask", {"question": "x"}),
        ("GET", "conversation", None),
    ):  # fmt: skip
        reply = await page.send(method, path, body)
        assert reply.status_code == 403 and "access-control-allow-origin" not in reply.headers, (path, reply.text)
    assert world.turns.asked == []


async def test_a_request_without_origin_gets_nothing(page: Page) -> None:
    await page.begin()
    address = f"/api/widget/{page.widget.id}/ask"
    sent = await page.client.post(address, json={"question": "x"}, headers={"Authorization": f"Bearer {page.token}"})
    assert sent.status_code == 403


async def test_no_origin_is_listed_unless_somebody_lists_it(page: Page, world: World) -> None:
    registry.change(world.app.engine, page.widget.id, changes={"origins": []})
    assert (await page.begin()).status_code == 403


async def test_a_listed_origin_may_ask_first(page: Page) -> None:
    reply = await page.send("OPTIONS", "turns/x/feedback")
    assert reply.status_code == 204 and reply.headers["access-control-allow-origin"] == ORIGIN
    assert "PUT" in reply.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in reply.headers


async def test_the_host_sites_visitor_brings_groups_that_the_widget_lets_count(page: Page, world: World) -> None:
    registry.change(world.app.engine, page.widget.id, changes={"groups": ["gold"]})
    began = await page.begin(token=page.signed(name="Zoe", groups=["gold", "admins"]))
    assert began.json()["name"] == "Zoe" and began.json()["resume"] is None
    await page.ask("hello")
    assert world.turns.asked[0].caller.scope.principals == {PUBLIC, "group:gold"}
    registry.change(world.app.engine, page.widget.id, changes={"groups": []})
    await page.ask("hello again")
    assert world.turns.asked[1].caller.scope.principals == {PUBLIC}


async def test_a_known_visitor_finds_their_conversation_again(page: Page) -> None:
    await page.begin(token=page.signed())
    await page.ask("first")
    again = await page.begin(token=page.signed())
    assert [turn["question"] for turn in again.json()["turns"]] == ["first"]
    other = await page.begin(token=page.signed(sub="customer-8"))
    assert other.json()["turns"] == []


def hostile_tokens(page: Page, other_secret: str, other_id: str) -> dict[str, str]:
    now = int(time.time())
    good = page.signed()
    head, body, _signature = good.split(".")
    none = jwt.encode({"aud": page.widget.id, "sub": "x"}, None, "none")
    return {
        "expired": page.signed(iat=now - 500, exp=now - 100),
        "from the future": page.signed(iat=now + 100, exp=now + 200),
        "living too long": page.signed(exp=now + 90_000),
        "without an end": page.signed(exp=None),
        "without a number": page.signed(jti=None),
        "without a subject": page.signed(sub=None),
        "an empty subject": page.signed(sub=""),
        "a number as subject": page.signed(sub=7),
        "groups of another kind": page.signed(groups={"admin": True}),
        "for another widget": host_token(page.secret, other_id),
        "for several": page.signed(aud=[page.widget.id, other_id]),
        "signed with another widget's key": host_token(other_secret, page.widget.id),
        "unsigned": none,
        "a signature cut off": f"{head}.{body}.",
        "another algorithm": jwt.encode({"sub": "x"}, page.secret, "HS512", {"kid": page.secret[4:36]}),
        "a key by path": jwt.encode({"sub": "x"}, "x" * 40, "HS256", {"kid": "../../dev/null"}),
        "a key by quote": jwt.encode({"sub": "x"}, "x" * 40, "HS256", {"kid": "' OR 1=1 --"}),
        "no token": "x.y.z",
        "empty": "",
        "long": "x" * 3_999,
    }


async def test_a_wrong_token_of_the_host_is_refused_with_one_sentence(page: Page, world: World) -> None:
    other, other_secret = make_widget(world, name="Other")
    for what, token in hostile_tokens(page, other_secret, other.id).items():
        reply = await page.begin(token=token)
        assert reply.status_code == 401, (what, reply.text)
        assert reply.json()["detail"].count(".") == 1 and reply.headers["access-control-allow-origin"] == ORIGIN


async def test_a_clock_that_is_a_little_off_does_not_matter(page: Page) -> None:
    now = int(time.time())
    assert (await page.begin(token=page.signed(iat=now + 20, exp=now + 120))).status_code == 201
    assert (await page.begin(token=page.signed(iat=now - 300, exp=now - 20))).status_code == 201


async def test_a_token_of_the_host_works_once(page: Page) -> None:
    token = page.signed()
    assert [(await page.begin(token=token)).status_code for _ in range(2)] == [201, 401]


async def test_a_visitor_token_is_good_for_its_widget_and_page_only(page: Page, world: World) -> None:
    other, _ = make_widget(world, name="Other", origins=[ORIGIN, "https://shop.example"])
    await page.begin()
    mine = page.widget
    page.widget = other
    assert (await page.ask("x")).status_code == 401
    page.widget = mine
    registry.change(world.app.engine, mine.id, changes={"origins": [ORIGIN, "https://shop.example"]})
    page.origin = "https://shop.example"
    assert (await page.ask("x")).status_code == 401
    page.origin, page.token = ORIGIN, page.token[:-3] + "AAA"
    assert (await page.ask("x")).status_code == 401


async def test_a_visitor_token_ends(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    from assistant.widgets import tokens

    monkeypatch.setattr(tokens, "VISITOR_TOKEN_S", -1.0)
    await page.begin()
    assert (await page.ask("x")).status_code == 401


async def test_the_kill_switch_works_at_once_and_cuts_open_streams(world: World) -> None:
    widget, secret = make_widget(world)
    async with world.client(world.admin) as admin, world.client() as client:
        page = Page(client, widget, secret)
        handle = (await page.begin()).json()["resume"]
        off = await admin.patch(f"/api/widgets/{widget.id}", json={"enabled": False})
        assert off.status_code == 200
        for reply in (await page.ask("x"), await page.begin(token=page.signed()), await page.send("GET", "look")):
            assert reply.status_code == 404 and reply.headers["access-control-allow-origin"] == ORIGIN
        await admin.patch(f"/api/widgets/{widget.id}", json={"enabled": True})
        assert (await page.ask("x")).status_code == 401  # what was stolen before stays dead
        page.token = ""
        assert (await page.begin(resume=handle)).json()["turns"] == []


async def test_keys_are_changed_without_an_outage(page: Page, world: World) -> None:
    first = page.secret
    made = keys.add(world.app.engine, world.app.secrets, page.widget.id)
    assert made is not None
    second = made[1]
    for secret, expected in ((first, 201), (second, 201)):
        page.secret = secret
        assert (await page.begin(token=page.signed())).status_code == expected
    third = keys.add(world.app.engine, world.app.secrets, page.widget.id)
    assert third is not None
    for secret, expected in ((first, 401), (second, 201), (third[1], 201)):
        page.secret = secret
        assert (await page.begin(token=page.signed())).status_code == expected
    assert keys.retire(world.app.engine, page.widget.id, third[0].id)
    assert (await page.begin(token=page.signed())).status_code == 401


async def test_anonymous_visitors_can_be_left_out(page: Page, world: World) -> None:
    registry.change(world.app.engine, page.widget.id, changes={"anonymous": False})
    assert (await page.begin()).status_code == 401
    assert (await page.begin(token=page.signed())).status_code == 201


async def test_a_visitor_rates_only_their_own_answers(page: Page) -> None:
    await page.begin()
    turn = events(await page.ask("x"))[0]["turn"]
    body = {"rating": "down", "comment": "too short"}
    assert (await page.send("PUT", f"turns/{turn}/feedback", body)).status_code == 204
    page.token = ""
    await page.begin()
    for method, path in (
        ("PUT", f"turns/{turn}/feedback"),
        ("GET", f"streams/{turn}"),
        ("POST", f"streams/{turn}/stop"),
    ):
        assert (await page.send(method, path, body if method == "PUT" else None)).status_code == 404


BAD_QUESTIONS: list[Any] = [
    {}, {"question": ""}, {"question": "   "}, {"question": "x" * 2_001}, {"question": "a\x00b"}, {"question": None},
    {"question": ["x"]}, {"question": "x", "conversation_id": "0" * 32}, {"question": "x", "collections": ["HR"]},
    {"question": "x", "model": "other"}, [], "x", {"question": "x", "system": "obey"},
]  # fmt: skip


async def test_a_malformed_question_is_refused_and_costs_nothing(page: Page, world: World) -> None:
    await page.begin()
    for body in BAD_QUESTIONS:
        assert (await page.send("POST", "ask", body)).status_code == 422, body
    big = await page.client.post(
        f"/api/widget/{page.widget.id}/ask",
        content=b'{"question": "' + b"x" * 2_000_000 + b'"}',
        headers={"Origin": ORIGIN, "Authorization": f"Bearer {page.token}", "Content-Type": "application/json"},
    )
    assert big.status_code == 413
    assert world.turns.asked == []


async def test_the_switch_cuts_a_stream_that_is_being_read(page: Page, world: World) -> None:
    import asyncio

    await page.begin()
    task = asyncio.create_task(page.ask("hang"))
    while world.turns.running == 0:
        await asyncio.sleep(0.01)
    streams = world.api.state.doors.streams
    await streams.start()
    registry.change(world.app.engine, page.widget.id, enabled=False)
    reply = await task
    assert reply.text.rstrip().endswith("[DONE]")
    assert world.turns.aborted == 1 and eventually(lambda: world.turns.running == 0)
    await streams.stop()


async def test_the_script_is_served_to_any_page(world: World) -> None:
    async with world.client() as client:
        reply = await client.get("/widget.js")
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/javascript")
    assert reply.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in reply.headers
