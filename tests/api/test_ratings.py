"""Rated answers over HTTP and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
from typer.testing import CliRunner

from assistant import conversations
from assistant.cli.main import app
from assistant.people.users import User

from .conftest import World
from .widget_world import visited


async def rated(world: World, who: User, question: str, rating: str, **more: str) -> str:
    """The id of a turn that somebody asked and rated."""
    made = conversations.create(world.app.engine, who.id)
    body = {"messages": [{"role": "user", "content": question}], "assistant": {"conversation_id": made}}
    async with world.client(who) as client:
        turn = str((await client.post("/v1/chat/completions", json=body)).json()["assistant"]["turn_id"])
        await client.put(f"/api/turns/{turn}/feedback", json={"rating": rating} | more)
    return turn


async def test_an_administrator_pages_through_what_was_rated(world: World) -> None:
    turns = [await rated(world, world.ben, f"Question {n}?", "down", comment=f"No {n}") for n in range(3)]
    await rated(world, world.eve, "A good one?", "up")
    async with world.client(world.admin) as client:
        first = (await client.get("/api/feedback?rating=down&limit=2")).json()
        rest = (await client.get(f"/api/feedback?rating=down&limit=2&before={first['next']}")).json()
        shown = [*first["ratings"], *rest["ratings"]]
        assert [one["turn_id"] for one in shown] == turns[::-1] and rest["next"] is None
        assert shown[0]["comment"] == "No 2" and shown[0]["asked_by_name"] == "Ben"
        assert [one["rating"] for one in (await client.get("/api/feedback")).json()["ratings"]].count("up") == 1


async def test_a_cursor_or_a_filter_of_another_form_is_refused(world: World) -> None:
    async with world.client(world.admin) as client:
        for wrong in ("before=x", "before=1-' OR 1=1", "before=1e5-" + "0" * 32, "rating=sideways", "limit=0"):
            assert (await client.get(f"/api/feedback?{wrong}")).status_code == 422, wrong


async def test_nobody_else_reads_ratings_by_any_credential(world: World) -> None:
    await rated(world, world.ben, "My secret question?", "down")
    visit, _ = await visited(world)
    async with world.client(world.ben) as ben, world.client() as nobody:
        answers: list[httpx.Response] = [await ben.get("/api/feedback"), await nobody.get("/api/feedback")]
        answers.append(await nobody.get("/api/feedback", headers={"Authorization": f"Bearer {visit.token}"}))
    assert [one.status_code for one in answers] == [403, 401, 401]
    assert not any("secret" in one.text for one in answers)


async def test_what_a_visitor_rated_is_neither_in_the_list_nor_in_a_row(world: World) -> None:
    page, ids = await visited(world)
    assert (await page.send("PUT", f"turns/{ids['answer_id']}/feedback", {"rating": "down"})).status_code == 204
    async with world.client(world.admin) as client:
        assert (await client.get("/api/feedback")).json() == {"ratings": [], "next": None}
        rows = (await client.get("/api/feedback/rows")).json()
        assert rows == {"rows": [], "made": {}, "left_out": {"widget_visitor": 1}}


async def test_a_curated_answer_to_the_question_puts_the_rating_right(world: World) -> None:
    await rated(world, world.ben, "When is it open?", "down")
    async with world.client(world.admin) as client:
        made = await client.post("/api/curated", json={"questions": ["When is it open?"], "answer": "At nine."})
        (one,) = (await client.get("/api/feedback")).json()["ratings"]
    assert one["put_right"] == made.json()["id"]


def rated_over_http(world: World, address: str, question: str, rating: str) -> str:
    """The id of Ben's turn on a real server."""
    with httpx.Client(base_url=address, headers=world.as_(world.ben)) as client:
        made = client.post("/api/conversations", json={}).json()["id"]
        body = {"messages": [{"role": "user", "content": question}], "assistant": {"conversation_id": made}}
        turn = str(client.post("/v1/chat/completions", json=body).json()["assistant"]["turn_id"])
        client.put(f"/api/turns/{turn}/feedback", json={"rating": rating, "reason": "Wrong answer"})
    return turn


def test_the_command_lists_what_was_rated_down(world: World, address: str, tmp_path: Path) -> None:
    turn = rated_over_http(world, address, "Why?", "down")
    called = ["--data-dir", str(tmp_path), "feedback", "list", "--rating"]
    found = json.loads(CliRunner().invoke(app, [*called, "down", "--json"]).stdout)
    assert [one["turn_id"] for one in found["ratings"]] == [turn]
    shown = CliRunner().invoke(app, [*called, "down"]).stdout
    assert "Q: Why?" in shown and "Said: Wrong answer" in shown and "Ben" in shown
    assert "No answer was rated yet." in CliRunner().invoke(app, [*called, "up"]).stdout


def test_the_command_writes_rows_and_says_what_became_of_the_rest(world: World, address: str, tmp_path: Path) -> None:
    rated_over_http(world, address, "Why?", "down")
    rated_over_http(world, address, "How long is leave?", "up")  # the scripted answer cites a passage that is not there
    called = ["--data-dir", str(tmp_path), "adapt", "rows", "--out", str(tmp_path / "rows.jsonl")]
    told = CliRunner().invoke(app, called).stdout
    assert "0 rows in" in told and "1  rated down, and no curated answer puts it right" in told
    assert "1  a passage is gone, was changed" in told and (tmp_path / "rows.jsonl").read_text("utf-8") == ""
    found = json.loads(CliRunner().invoke(app, [*called, "--since", "2999-01-01", "--json"]).stdout)
    assert found["left_out"] == found["made"] == {}
    refused = CliRunner().invoke(app, [*called, "--reader", "nobody in particular"])
    assert refused.exit_code == 1 and "nobody in particular" in str(refused.exception)
    (taken := tmp_path / "taken.jsonl").mkdir()
    failed = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "adapt", "rows", "--out", str(taken)])
    assert failed.exit_code == 1 and str(failed.exception) and not list(tmp_path.glob("*.partial"))


async def test_the_rows_of_ratings_are_made_for_administrators_alone(world: World) -> None:
    await rated(world, world.ben, "My secret question?", "up")
    async with world.client(world.admin) as ann, world.client(world.ben) as ben:
        found = (await ann.get("/api/feedback/rows")).json()
        assert found == {"rows": [], "made": {}, "left_out": {"passage_gone": 1}}
        refused = await ben.get("/api/feedback/rows")
        assert refused.status_code == 403 and "secret" not in refused.text
        assert (await ann.get("/api/feedback/rows?reader=sideways")).status_code == 422
