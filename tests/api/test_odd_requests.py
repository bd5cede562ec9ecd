"""Credentials, hosts and addresses as no browser sends them: none changes what is decided."""

from __future__ import annotations

from pathlib import Path

from assistant import conversations

from .conftest import World, asgi

BEARERS = [
    "", "Bearer", "Bearer ", "bearer x", "Basic YWRtaW46YWRtaW4=", "Bearer ' UNION SELECT * FROM users --",
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.", "Bearer loc_" + "0" * 64, "Bearer ses_", "Bearer set_x",
    "Bearer " + "x" * 5_000, "Bearer ses_\u00e9", "Token x", "Bearer null", "Bearer key_' OR 1=1 --",
]  # fmt: skip


async def test_a_wrong_credential_is_no_credential(world: World) -> None:
    async with world.client() as client:
        for value in BEARERS:
            for path in ("/api/me", "/api/users", "/v1/models", "/metrics"):
                reply = await client.get(path, headers=[(b"authorization", value.encode("latin-1"))])
                assert reply.status_code == 401 and reply.headers["www-authenticate"] == "Bearer", value


async def test_two_authorization_headers_are_none(world: World) -> None:
    token = world.token(world.admin).encode()
    async with world.client() as client:
        headers = [(b"authorization", b"Bearer " + token), (b"authorization", b"Bearer x")]
        assert (await client.get("/api/me", headers=headers)).status_code == 401
        assert (await client.get(f"/api/me?access_token={token.decode()}")).status_code == 401
        assert (await client.get("/api/me", headers={"cookie": f"token={token.decode()}"})).status_code == 401


HOSTS = [
    "evil.example", "localhost.evil.example", "evil.localhost", "localhost:8000@evil.example", "localhost/api/setup?",
    "localhost?x=/api/setup", "localhost#/api/setup", "localhost\\.evil.example", "", " ", "localhost:",
    "localhost:99999999",
    "localhost:80:80", "127.0.0.1.", "[::1", "::1", "[::ffff:127.0.0.1%25x]", "2130706433", "0x7f.1", "127.1", "*",
    "localhost,evil.example", "xn--localhost", "loc\u00e4lhost", "localhost\t",
]  # fmt: skip


async def test_a_foreign_or_broken_host_changes_no_decision(world: World) -> None:
    conversation = conversations.create(world.app.engine, world.ben.id)
    rows = ("/api/users", "/api/setup", "/metrics", "/livez", f"/api/conversations/{conversation}")
    for user in (None, world.eve):
        async with world.client(user) as client:
            for path in rows:
                usual = (await client.get(path)).status_code
                for host in HOSTS:
                    reply = await client.get(path, headers=[(b"host", host.encode("latin-1"))])
                    assert reply.status_code == 400 or (host == "localhost:" and reply.status_code == usual), (
                        host,
                        path,
                    )


async def test_two_host_headers_or_none_are_refused(world: World) -> None:
    for hosts in ([b"localhost", b"localhost"], [b"localhost", b"evil.example"], []):
        status, _ = await asgi(world.api, "/livez", [(b"host", host) for host in hosts])
        assert status == 400, hosts


async def test_it_answers_under_its_own_names(world: World) -> None:
    async with world.client() as client:
        for host in ("localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000"):
            assert (await client.get("/livez", headers={"Host": host})).status_code == 200


SPELLINGS = ["//api/users", "/api//users", "/./api/users", "/api/users/", "/API/users", "/api/users?", "/api/users%00",
             "/api/..;/users", "/%2e/api/users", "/api/setup/../users", "/api/users;x=1",
             "/livez/../api/users"]  # fmt: skip


async def test_no_spelling_of_an_address_leads_past_its_policy(world: World) -> None:
    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {world.token(world.ben)}".encode())]
    for path in SPELLINGS:
        status, _ = await asgi(world.api, path, headers)
        assert status in (403, 404), path


def test_no_code_that_decides_looks_at_the_address() -> None:
    for file in (Path(__file__).parents[2] / "assistant" / "api").glob("*.py"):
        text = file.read_text("utf-8")
        assert "request.url" not in text and "base_url" not in text, f"{file.name} looks at request.url"
