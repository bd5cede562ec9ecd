"""Skills over HTTP: the caller's rights, what administrators do, calls by hand, and approvals."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest

from assistant.people import credentials, users

from .conftest import World

MODULE = '''"""Orders."""

from skills import skill


@skill
def order_status(order: str) -> str:
    """Tell where an order is."""
    return f"Order {order} is on its way."
'''


@pytest.fixture
async def skilled(world: World) -> AsyncIterator[World]:
    yield world
    await world.app.skills.stop()


async def _waiting(client: httpx.AsyncClient, text: str = "x") -> dict[str, Any]:
    reply = await client.post("/api/skills/write_note/call", json={"arguments": {"text": text}})
    assert reply.status_code == 200 and reply.json()["status"] == "ask", reply.text
    found: dict[str, Any] = reply.json()["approval"]
    return found


async def test_lists_what_the_caller_may_use_and_everything_for_administrators(skilled: World) -> None:
    async with skilled.client(skilled.ben) as client:
        mine = (await client.get("/api/skills")).json()["skills"]
        hidden = await client.post("/api/skills/read_secrets/call", json={})
        missing = await client.post("/api/skills/nothing/call", json={})
    assert [(each["name"], each["asks"]) for each in mine] == [("read_notes", False), ("write_note", True)]
    assert "readers" not in mine[0]
    assert hidden.status_code == missing.status_code == 404
    async with skilled.client(skilled.admin) as client:
        names = [each["name"] for each in (await client.get("/api/skills")).json()["skills"]]
    assert names == ["read_notes", "read_secrets", "write_note"]


async def test_a_decision_of_an_administrator_holds_from_the_next_call_on(skilled: World) -> None:
    async with skilled.client(skilled.admin) as admin, skilled.client(skilled.ben) as ben:
        await admin.patch("/api/skills/read_notes", json={"enabled": False})
        assert (await ben.post("/api/skills/read_notes/call", json={"arguments": {"text": "x"}})).status_code == 404
        await admin.patch("/api/skills/read_notes", json={"enabled": True, "readers": ["group:hr"]})
        assert (await ben.post("/api/skills/read_notes/call", json={"arguments": {"text": "x"}})).status_code == 404
        await admin.patch("/api/skills/read_notes", json={"readers": ["everyone"], "rule": "ask"})
        reply = await ben.post("/api/skills/read_notes/call", json={"arguments": {"text": "x"}})
        assert reply.json()["status"] == "ask"
        assert (await admin.patch("/api/skills/nothing", json={"enabled": True})).status_code == 404


async def test_an_administrator_adds_and_removes_a_module_that_works_at_once(skilled: World) -> None:
    async with skilled.client(skilled.admin) as admin, skilled.client(skilled.ben) as ben:
        body = {"name": "orders.py", "files": {"orders.py": MODULE}}
        added = await admin.post("/api/skill-sources/files", json=body)
        assert added.status_code == 201, added.text
        called = await ben.post("/api/skills/order_status/call", json={"arguments": {"order": "7"}})
        assert called.json()["text"] == "Order 7 is on its way."
        twice = await admin.post("/api/skill-sources/files", json=body)
        assert twice.status_code == 422 and "already" in twice.json()["detail"]
        sources = (await admin.get("/api/skill-sources")).json()["sources"]
        assert {"python:orders.py": "orders.py"}.items() <= {s["source"]: s["file"] for s in sources}.items()
        calls = (await admin.get("/api/skill-calls")).json()["calls"]
        assert calls[0]["skill"] == "order_status" and calls[0]["user_id"] == skilled.ben.id
        assert (await admin.delete("/api/skill-sources/orders.py")).status_code == 204
        gone = await ben.post("/api/skills/order_status/call", json={"arguments": {"order": "7"}})
        assert gone.status_code == 404


async def test_a_folder_with_instructions_can_be_added(skilled: World) -> None:
    files = {
        "SKILL.md": "---\nname: triage\ndescription: How to sort incidents.\n---\nAsk for the time.",
        "a/more.md": "x",
    }
    async with skilled.client(skilled.admin) as admin:
        added = await admin.post("/api/skill-sources/files", json={"name": "triage", "files": files})
        assert added.status_code == 201, added.text
        assert "triage" in json.dumps((await admin.get("/api/skills")).json())


DOCUMENT = "openapi: 3.1.0\ninfo: {title: Shop}\npaths:\n  /x:\n    get: {operationId: find_x}\n"
SHOP = {"name": "shop", "file": "my shop.yaml", "options": json.dumps({"server": "https://93.184.216.34/v1"})}


async def test_a_document_is_added_by_upload_replaced_and_tested(skilled: World) -> None:
    path = "/api/skill-sources/documents"
    async with skilled.client(skilled.admin) as admin, skilled.client(skilled.ben) as ben:
        refused = await admin.post(path, params={"name": "shop"}, content=DOCUMENT)
        assert refused.status_code == 422 and refused.json()["code"] == "skill-without-server"
        assert "base address" in refused.json()["detail"]
        added = await admin.post(path, params=SHOP, content=DOCUMENT)
        assert added.status_code == 201 and [each["name"] for each in added.json()["skills"]] == ["find_x"]
        again = await admin.post(path, params={"name": "shop"}, content=DOCUMENT.replace("find_x", "find_y"))
        assert again.status_code == 201, again.text
        assert "find_y" in (await ben.get("/api/skills")).text and "find_x" not in (await ben.get("/api/skills")).text
        (source,) = [s for s in (await admin.get("/api/skill-sources")).json()["sources"] if s["file"]]
        assert (source["source"], source["origin"], source["file"]) == ("openapi:shop", "pasted", "shop.skill.yaml")
        assert (await ben.post(path, params=SHOP, content=DOCUMENT)).status_code == 403
        assert (await ben.post("/api/skill-sources/openapi:shop/test")).status_code == 403
        assert (await admin.post("/api/skill-sources/openapi:nothing/test")).status_code == 404
        assert (await admin.delete("/api/skill-sources/shop.skill.yaml")).status_code == 204
    assert not list((skilled.app.settings.data_dir / "skills").iterdir())


async def test_a_document_that_cannot_be_used_is_refused_in_a_sentence(skilled: World) -> None:
    inside = {"options": json.dumps({"server": "http://169.254.169.254"})}
    cases = [
        (SHOP, b" " * 20_000_000, 413, "10,000,000 bytes"),
        (SHOP | inside, DOCUMENT.encode(), 422, "169.254.169.254"),
        (SHOP | {"options": "[]"}, DOCUMENT.encode(), 422, "JSON object"),
        (SHOP | {"options": '{"verbs": ["trace"]}'}, DOCUMENT.encode(), 422, "verbs"),
        (SHOP | {"name": "../x"}, DOCUMENT.encode(), 422, "name"),
        (SHOP, b"\xff\xfe\x00", 422, "neither JSON nor YAML"),
        (SHOP, b"", 422, "no JSON or YAML object"),
    ]
    async with skilled.client(skilled.admin) as admin:
        for params, content, status, said in cases:
            reply = await admin.post("/api/skill-sources/documents", params=params, content=content)
            assert reply.status_code == status and said in reply.json()["detail"], reply.text
        assert "shop" not in (await admin.get("/api/skill-sources")).text


async def test_a_folder_with_instructions_is_added_from_its_zip(skilled: World) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("triage/SKILL.md", "---\nname: triage\ndescription: How to sort.\n---\nAsk for the time.")
    async with skilled.client(skilled.admin) as admin, skilled.client(skilled.ben) as ben:
        path = "/api/skill-sources/folders"
        assert (await admin.post(path, params={"name": "triage"}, content=b"no zip")).status_code == 422
        added = await admin.post(path, params={"name": "triage"}, content=held.getvalue())
        assert added.status_code == 201, added.text
        told = await admin.post("/api/skill-sources/skill.md:triage/test")
        assert told.json()["tested"] == "It was loaded anew and works." and told.json()["ok"]
        assert (await ben.post(path, params={"name": "other"}, content=held.getvalue())).status_code == 403
        called = await ben.post("/api/skills/triage/call", json={})
        assert "Ask for the time." in called.json()["text"]


STARTS = [
    ("a.skill.yaml", "kind: mcp\nname: a\ncommand: /bin/bash\nargs: ['-c', 'touch {mark}']\n"),
    ("b.skill.yaml", "kind: mcp\nname: b\ncommand: /usr/bin/npx\nargs: [x]\nenv: {{LD_PRELOAD: /tmp/x.so}}\n"),
    ("c.skill.yaml", "kind: python\nmodule: ../../etc/passwd\n"),
    ("d.skill.yaml", "kind: openapi\ndocument: /etc/passwd\n"),
]


@pytest.mark.parametrize(("name", "text"), STARTS)
async def test_no_program_is_started_from_the_api(skilled: World, tmp_path: Any, name: str, text: str) -> None:
    mark = tmp_path / "started"
    async with skilled.client(skilled.admin) as admin:
        files = {name: text.format(mark=mark)}
        refused = await admin.post("/api/skill-sources/files", json={"name": name, "files": files})
        assert refused.status_code == 422, refused.text
        options = {"command": "/bin/bash", "args": ["-c", f"touch {mark}"]}
        body = {"name": "x", "kind": "mcp", "address": "http://127.0.0.1:1/mcp", "options": options}
        assert (await admin.post("/api/skill-sources", json=body)).status_code == 422
        for wrong in ("../x.py", "a/../../x.py", "/etc/x.py", ".hidden.py"):
            body = {"name": "ok", "files": {wrong: "x", "SKILL.md": "y"}}
            assert (await admin.post("/api/skill-sources/files", json=body)).status_code == 422
    assert not mark.exists()


async def test_a_source_inside_the_network_is_refused(skilled: World) -> None:
    async with skilled.client(skilled.admin) as admin:
        for address in ("http://127.0.0.1:9/openapi.json", "http://169.254.169.254/x.json", "file:///etc/passwd"):
            for kind in ("openapi", "mcp"):
                body = {"name": "inside", "kind": kind, "address": address}
                reply = await admin.post("/api/skill-sources", json=body)
                assert reply.status_code == 422, f"{kind} {address}: {reply.text}"
        assert "inside" not in json.dumps((await admin.get("/api/skill-sources")).json())


async def test_secrets_go_in_and_never_come_out(skilled: World) -> None:
    async with skilled.client(skilled.admin) as admin:
        await admin.put("/api/skill-secrets/shop", json={"value": "s3cret-value-1"})
        assert (await admin.get("/api/skill-secrets")).json() == {"secrets": ["shop"]}
        for path in ("/api/skills", "/api/skill-sources", "/api/skill-calls", "/api/skill-secrets"):
            assert "s3cret" not in (await admin.get(path)).text
        assert (await admin.delete("/api/skill-secrets/shop")).status_code == 204
        assert (await admin.get("/api/skill-secrets")).json() == {"secrets": []}


async def test_a_write_runs_once_and_only_for_its_originator(skilled: World) -> None:
    written = skilled.notebook.write.calls
    async with skilled.client(skilled.ben) as ben, skilled.client(skilled.admin) as admin:
        waits = await _waiting(ben)
        assert waits["arguments"] == {"text": "x"} and not written
        assert (await admin.post(f"/api/approvals/{waits['id']}/approve")).status_code == 404 and not written
        replies = await asyncio.gather(*(ben.post(f"/api/approvals/{waits['id']}/approve") for _ in range(5)))
        assert {reply.status_code for reply in replies} == {200} and len(written) == 1
        assert written[0].person.user_id == skilled.ben.id
        again = (await ben.get(f"/api/approvals/{waits['id']}")).json()
        assert again["state"] == "done" and again["result"] == "Kept."
        other = await _waiting(ben, "other")
        assert (await ben.post(f"/api/approvals/{other['id']}/refuse")).json()["state"] == "refused"
        assert (await ben.post(f"/api/approvals/{other['id']}/approve")).json()["state"] == "refused"
        assert len(written) == 1


async def test_a_suspended_originator_runs_nothing(skilled: World) -> None:
    async with skilled.client(skilled.ben) as ben:
        waits = await _waiting(ben)
        users.change(skilled.app.engine, skilled.ben.id, active=False, min_password_chars=10)
        assert (await ben.post(f"/api/approvals/{waits['id']}/approve")).status_code == 401
    assert not skilled.notebook.write.calls


async def test_an_openai_client_decides_with_a_tool_message(world: World, address: str) -> None:
    _, key = credentials.add_key(world.app.engine, world.app.secrets, world.ben.id, "script")
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {key}"}) as http:
        waits, refused = await _waiting(http), await _waiting(http, "other")
    client = openai.AsyncOpenAI(base_url=f"{address}/v1", api_key=key)
    call = {"id": waits["id"], "type": "function", "function": {"name": "write_note", "arguments": '{"text": "x"}'}}
    said = [{"role": "user", "content": "Write x"}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    decided = [*said, {"role": "tool", "tool_call_id": waits["id"], "content": "approve"}]
    reply = await client.chat.completions.create(model="assistant", messages=decided)  # type: ignore[arg-type]
    assert "Kept." in (reply.choices[0].message.content or "") and reply.choices[0].finish_reason == "stop"
    assert len(world.notebook.write.calls) == 1
    no = [*said, {"role": "tool", "tool_call_id": refused["id"], "content": "refuse"}]
    stream = await client.chat.completions.create(model="assistant", messages=no, stream=True)  # type: ignore[arg-type]
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
    assert "you refused it" in text and len(world.notebook.write.calls) == 1
    for n, (content, runs) in enumerate((("YES", True), ('"True"', True), ("No.", False), ("false", False))):
        async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {key}"}) as http:
            waits = await _waiting(http, f"again {n}")
        before = len(world.notebook.write.calls)
        again = [*said, {"role": "tool", "tool_call_id": waits["id"], "content": content}]
        await client.chat.completions.create(model="assistant", messages=again)  # type: ignore[arg-type]
        assert len(world.notebook.write.calls) - before == runs
    for content, identifier, code in (("maybe", waits["id"], 400), ("approve", "0" * 32, 404)):
        wrong = [*said, {"role": "tool", "tool_call_id": identifier, "content": content}]
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model="assistant", messages=wrong)  # type: ignore[arg-type]
        assert caught.value.status_code == code
