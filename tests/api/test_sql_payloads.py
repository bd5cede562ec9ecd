"""T29: SQL in every place that a stranger, or a person without rights, may write to: no hit, and no error of ours."""

from __future__ import annotations

import itertools

import pytest

from assistant.people import users

from .conftest import World

_BREAKS = ("'", '"', "`", ")", "';", "\\'", "%27", "'/*", "')", "/**/")
_ENDS = (
    "", " OR 1=1--", " OR 'a'='a", " UNION SELECT password_hash FROM users--", "; DROP TABLE users;--",
    " AND SLEEP(5)--", "||(SELECT token_hash FROM sessions)||", " ORDER BY 99--", " AND 1=(SELECT COUNT(*) FROM users)",
    "; ATTACH DATABASE 'x' AS y;--", " RETURNING *", "\x1f--", " COLLATE NOCASE", " LIKE '%", " GLOB '*'", " --\n",
    " OR EXISTS(SELECT 1)--", " HAVING 1=1", "; PRAGMA writable_schema=1;--", " LIMIT 1 OFFSET 0--",
)  # fmt: skip
PAYLOADS = [f"x{start}{end}" for start, end in itertools.product(_BREAKS, _ENDS)]


def test_there_are_two_hundred() -> None:
    assert len(set(PAYLOADS)) == 200


@pytest.mark.parametrize("start", range(0, 200, 50))
async def test_no_payload_gets_anywhere(world: World, start: int) -> None:
    async with world.client() as stranger, world.client(world.ben) as ben:
        for payload in PAYLOADS[start : start + 50]:
            printable = "".join(char for char in payload if char.isprintable())
            replies = [
                await stranger.get("/api/me", headers={"Authorization": f"Bearer {printable}"}),
                await stranger.get("/api/me", headers={"Authorization": f"Bearer key_{printable}"}),
                await stranger.get("/api/me", headers={"Cookie": f"session={printable}"}),
                await stranger.post("/api/login", json={"name": printable, "password": payload}),
                await ben.get("/api/conversations", params={"q": payload}),
                await ben.get("/api/documents", params={"q": payload, "collection": payload}),
                await ben.post("/api/search", json={"query": printable, "collections": [printable]}),
            ]
            assert all(reply.status_code in (401, 404, 422, 429) for reply in replies[:4]), payload
            assert all(reply.status_code < 500 for reply in replies), payload
            assert replies[4].json().get("conversations", []) == [], payload
            assert replies[5].json().get("documents", []) == [], payload
    assert users.get(world.app.engine, world.ben.id) is not None
