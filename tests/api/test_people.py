"""Setup, sign-in, users and keys over HTTP."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Engine, text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from assistant.people import groups, setup_link
from ui import settings
from ui.doors.routes import routes

from .conftest import PASSWORD, World


async def test_the_first_administrator_comes_by_the_link(world: World, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM users"))
    token = setup_link.issue(engine, world.app.secrets, 1)
    async with world.client() as client:
        assert (await client.get("/api/setup")).json() == {"needed": True}
        body = {"token": token, "name": "Ada", "password": PASSWORD}
        weak = await client.post("/api/setup", json=body | {"password": "short"})
        assert weak.status_code == 422 and weak.json()["code"] == "password-unusable"
        made = await client.post("/api/setup", json=body)
        assert made.status_code == 200 and made.json()["user"]["is_admin"]
        me = await client.get("/api/me", headers={"Authorization": f"Bearer {made.json()['token']}"})
        assert me.json()["name"] == "Ada"
        assert (await client.get("/api/setup")).json() == {"needed": False}
        again = await client.post("/api/setup", json=body)
        assert again.status_code == 401 and again.json()["code"] == "link-used"


async def test_signing_in_and_out(world: World) -> None:
    async with world.client() as client:
        reply = await client.post("/api/login", json={"name": " ben ", "password": PASSWORD})
        assert reply.status_code == 200 and reply.json()["user"]["name"] == "Ben"
        client.headers["Authorization"] = f"Bearer {reply.json()['token']}"
        assert (await client.get("/api/me")).json()["id"] == world.ben.id
        assert (await client.post("/api/logout")).status_code == 204
        assert (await client.get("/api/me")).status_code == 401


@pytest.mark.parametrize("proxy", [None, "127.0.0.1"])
def test_guesses_through_the_pages_shut_nobody_out_elsewhere(world: World, address: str, proxy: str | None) -> None:
    def sign_in(password: str, place: str) -> str:
        """Return what the sign-in page of a browser at `place` says, "" once it is passed; `proxy` is in between."""
        headers = {"X-Forwarded-For": f"6.6.6.6, {place}"} if proxy else {"X-Forwarded-For": "10.0.0.1"}
        with TestClient(pages, follow_redirects=False, client=(proxy or place, 5000), headers=headers) as browser:
            reply = browser.post("/sign-in", data={"name": "Ben", "password": password})
        return "" if reply.status_code == 303 else reply.text

    settings.configure(settings.UiSettings(api_url=address))
    pages = Starlette(routes=routes())
    assert not sign_in(PASSWORD, "10.0.0.1")
    guesses = [sign_in("a wrong guess", "10.0.0.9") for _ in range(12)]
    assert "Too many" in guesses[-1]
    assert "Too many" in sign_in(PASSWORD, "10.0.0.9") and not sign_in(PASSWORD, "10.0.0.1")
    settings.configure(settings.UiSettings())


@pytest.mark.parametrize("trusting", [True, False])
async def test_a_thousand_guesses_with_forged_addresses_end_after_ten(world: World, trusting: bool) -> None:
    # The test client connects from loopback, whose X-Forwarded-For is believed by default.
    proxies = ("127.0.0.1/32",) if trusting else ()
    world.app.settings = world.app.settings.model_copy(update={"trusted_proxies": proxies})
    async with world.client() as client:
        fates = []
        for number in range(60):
            forged = {
                "X-Forwarded-For": f"203.0.113.{number}",
                "X-Real-IP": f"198.51.100.{number}",
                "Forwarded": f"for={number}",
            }
            wrong = {"name": "Ben", "password": f"wrong password {number}"}
            reply = await client.post("/api/login", json=wrong, headers=forged)
            fates.append(reply.status_code)
        assert fates.count(401) == 10 and fates.count(429) == 50
        assert int(reply.headers["retry-after"]) >= 1 and reply.json()["code"] == "too-many-attempts"
        other = await client.post("/api/login", json={"name": "Eve", "password": PASSWORD}, headers=forged)
        assert other.status_code == 200


@pytest.mark.parametrize(
    ("peer", "forwarded", "believed"),
    [
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, 198.51.100.1", "198.51.100.1"),  # the left one is the client's own invention
        ("127.0.0.1", "198.51.100.1, 127.0.0.1", "198.51.100.1"),
        ("127.0.0.1", "not an address, 127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", ",,,", "127.0.0.1"),
        ("198.51.100.9", "203.0.113.7", "198.51.100.9"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
async def test_a_forwarded_address_is_believed_as_far_as_the_proxy_is(
    world: World, peer: str, forwarded: str | None, believed: str
) -> None:
    from starlette.requests import Request

    from assistant.api.deps import client_address

    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Request({"type": "http", "headers": headers, "client": (peer, 1), "app": world.api})
    assert client_address(request) == believed


async def test_changing_the_own_password_ends_the_session(world: World) -> None:
    async with world.client(world.ben) as client:
        wrong = await client.post("/api/me/password", json={"old": "not this one", "new": "another good one"})
        assert wrong.status_code == 401 and wrong.json()["code"] == "wrong-password"
        assert (
            await client.post("/api/me/password", json={"old": PASSWORD, "new": "another good one"})
        ).status_code == 204
        assert (await client.get("/api/me")).status_code == 401
        assert (
            await client.post("/api/login", json={"name": "Ben", "password": "another good one"})
        ).status_code == 200


async def test_a_keys_secret_is_shown_once(world: World) -> None:
    async with world.client(world.ben) as client:
        made = (await client.post("/api/keys", json={"name": "script"})).json()
        assert made["secret"].startswith("key_") and made["secret"][:8] == made["prefix"]
        listed = await client.get("/api/keys")
        assert made["secret"] not in listed.text and listed.json()["keys"][0]["id"] == made["id"]
    async with world.client() as client:
        client.headers["Authorization"] = f"Bearer {made['secret']}"
        assert (await client.get("/api/me")).json()["name"] == "Ben"
        more = await client.post("/api/keys", json={"name": "a key made by a key"})
        assert more.status_code == 403
        assert (await client.delete(f"/api/keys/{made['id']}")).status_code == 204
        assert (await client.get("/api/me")).status_code == 401


async def test_an_administrator_manages_people_and_groups(world: World) -> None:
    async with world.client(world.admin) as client:
        assert (await client.post("/api/groups", json={"name": "hr"})).status_code == 201
        made = await client.post("/api/users", json={"name": "Zoe", "password": PASSWORD, "groups": ["hr"]})
        assert made.status_code == 201 and made.json()["groups"] == ["hr"]
        assert (await client.get("/api/groups")).json() == {"groups": [{"name": "hr", "members": 1}]}
        assert [user["name"] for user in (await client.get("/api/users")).json()["users"]] == [
            "Ann",
            "Ben",
            "Eve",
            "Zoe",
        ]
        zoe = f"/api/users/{made.json()['id']}"
        assert (await client.patch(zoe, json={"active": False})).json()["active"] is False
        assert (await client.post("/api/login", json={"name": "Zoe", "password": PASSWORD})).status_code == 401
        assert (await client.patch(zoe, json={"active": True, "groups": []})).json()["groups"] == []
        assert (await client.delete(zoe)).status_code == 204
        assert (await client.patch(zoe, json={"active": True})).status_code == 404
        for method, body in (("PATCH", {"active": False}), ("PATCH", {"is_admin": False}), ("DELETE", None)):
            last = await client.request(method, f"/api/users/{world.admin.id}", json=body)
            assert last.status_code == 409 and last.json()["code"] == "last-administrator"
        taken = await client.post("/api/users", json={"name": "BEN", "password": PASSWORD})
        assert taken.status_code == 409 and taken.json()["code"] == "name-taken"
        unknown = await client.post("/api/users", json={"name": "Yan", "password": PASSWORD, "groups": ["nobody"]})
        assert unknown.status_code == 422 and "nobody" in unknown.json()["detail"]
        assert (await client.delete("/api/groups/hr")).status_code == 204


async def test_nobody_gains_rights_by_fields_that_are_not_theirs_to_send(world: World) -> None:
    async with world.client(world.ben) as client:
        for path, body in (
            ("/api/login", {"name": "Ben", "password": PASSWORD, "is_admin": True}),
            ("/api/keys", {"name": "k", "user_id": world.admin.id}),
            ("/api/conversations", {"title": "x", "owner_id": world.admin.id}),
        ):
            reply = await client.post(path, json=body)
            assert reply.status_code == 422 and "is_admin" in reply.text or "_id" in reply.text
        assert (await client.get("/api/me")).json()["is_admin"] is False


async def test_the_folders_own_key_is_an_administrator_on_this_machine_only(world: World) -> None:
    local = {"Authorization": f"Bearer {world.app.secrets.local}"}
    groups.add(world.app.engine, "hr")
    async with world.client() as client:
        assert (await client.get("/api/users", headers=local)).status_code == 200
        assert (await client.get("/api/me", headers=local)).json()["id"] == "local"
        as_ben = await client.get("/api/me", headers=local | {"X-Assistant-As": "ben"})
        assert as_ben.json()["id"] == world.ben.id
        assert (await client.get("/api/users", headers=local | {"X-Assistant-As": "ben"})).status_code == 403
        assert (await client.get("/api/me", headers=local | {"X-Assistant-As": "nobody"})).status_code == 404
        proxied = await client.get("/api/me", headers=local | {"X-Forwarded-For": "127.0.0.1"})
        assert proxied.status_code == 401
        ordinary = world.as_(world.ben) | {"X-Assistant-As": "Ann"}
        assert (await client.get("/api/me", headers=ordinary)).json()["id"] == world.ben.id
    import httpx

    elsewhere = httpx.ASGITransport(world.api, client=("192.0.2.7", 5000))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://localhost", headers=local) as client:
        assert (await client.get("/api/me")).status_code == 401


async def test_a_foreign_page_can_cause_nothing(world: World) -> None:
    """Forms and fetches across sites: no cookie to ride on, JSON only, and no permission to read (CORS)."""
    async with world.client() as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            for path in ("/api/login", "/api/setup"):
                body = json.dumps({"name": "Ben", "password": PASSWORD, "token": "x"})
                headers = {"Content-Type": kind, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
                assert (await client.post(path, content=body, headers=headers)).status_code == 422
        for path in ("/api/login", "/api/users", "/v1/chat/completions"):
            asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
            preflight = await client.options(path, headers=asked)
            assert preflight.status_code == 405 and "access-control-allow-origin" not in preflight.headers
        reply = await client.get("/livez", headers={"Origin": "https://evil.example"})
        assert not [name for name in reply.headers if name.startswith("access-control")]
        assert "set-cookie" not in reply.headers


async def test_no_get_changes_anything(world: World) -> None:
    async with world.client(world.admin) as client:
        for path in ("/api/logout", f"/api/users/{world.ben.id}", "/api/me/password", "/api/documents/bulk"):
            assert (await client.get(path)).status_code in (404, 405)
