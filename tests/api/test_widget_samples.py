"""The samples that a site's developers copy: each runs, and the server takes what it makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assistant.settings import Settings, load
from assistant.widgets import registry

from .conftest import World, eventually
from .widget_world import ORIGIN, Page, make_widget

SAMPLES = Path(__file__).parents[2] / "deploy" / "widget-samples"
RUNNERS = {"mint.py": sys.executable, "mint.mjs": "node", "mint.php": "php"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(data_dir=tmp_path, widgets={"webhook_allow": ["127.0.0.1/32"]})


def run(secret: str, *command: str) -> str:
    environment = {**os.environ, "INHOUSE_SECRET": secret}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.mark.parametrize("sample", RUNNERS)
async def test_a_minted_token_lets_its_visitor_in_once(world: World, sample: str) -> None:
    runner = shutil.which(RUNNERS[sample])
    if runner is None:
        pytest.skip(f"no {RUNNERS[sample]} on this machine: install it to run {sample}")
    widget, secret = make_widget(world, groups=["gold"])
    token = run(secret, runner, str(SAMPLES / sample), widget.id, "customer-7", "Zoë", "gold", "other")
    async with world.client() as client:
        page = Page(client, widget, secret)
        began = await page.begin(token=token)
        assert began.status_code == 201 and began.json()["name"] == "Zoë"
        await page.ask("hello")
        assert "group:gold" in world.turns.asked[0].caller.scope.principals
        assert (await page.begin(token=token)).status_code == 401


@contextmanager
def listening(secret: str, lines: list[str]) -> Iterator[str]:
    environment = {**os.environ, "INHOUSE_SECRET": secret}
    command = [sys.executable, "-u", str(SAMPLES / "help_desk.py"), "listen", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or []), daemon=True)
    reader.start()
    try:
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        process.kill()
        process.wait(10)


def ask(secret: str, address: str, widget_id: str, text: str) -> dict[str, object]:
    sample = str(SAMPLES / "help_desk.py")
    return dict(json.loads(run(secret, sys.executable, sample, "ask", address, widget_id, "customer-7", text)))


def test_a_help_desk_asks_and_gets_the_answer_in_the_reply(world: World, address: str) -> None:
    widget, secret = make_widget(world)
    first = ask(secret, address, widget.id, "hello")
    second = ask(secret, address, widget.id, "and then?")
    answer = first["answer"]
    assert isinstance(answer, dict) and answer["text"].startswith("word0") and first["visitor"] == {"id": "customer-7"}
    assert second["type"] == "answer"
    assert [message.content for message in world.turns.asked[1].history][0] == "hello"  # the same conversation


def test_a_help_desk_gets_signed_answers_and_hand_overs(world: World, address: str) -> None:
    widget, secret = make_widget(world)
    lines: list[str] = []
    with listening(secret, lines) as hook:
        registry.change(world.app.engine, widget.id, changes={"replies": hook, "hand_over": {"webhook": hook}})
        assert ask(secret, address, widget.id, "hello")["type"] == "accepted"
        assert eventually(lambda: len(lines) == 1)
        answer = json.loads(lines[0])
        assert answer["type"] == "answer" and answer["answer"]["text"].startswith("word0")
        import httpx

        own = httpx.Client(base_url=f"{address}/api/widget/{widget.id}", headers={"Origin": ORIGIN})
        with own as client:
            token = client.post("/session", json={}).json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            client.post("/ask", json={"question": "words 2 0"})
            client.post("/hand-over", json={"contact": "zoe@example.com", "note": "Please call."})
        assert eventually(lambda: len(lines) == 2)
    handed = json.loads(lines[1])
    assert handed["type"] == "hand_over" and handed["contact"] == "zoe@example.com"
    assert handed["conversation"]["turns"][0]["question"] == "words 2 0"


async def test_a_message_that_is_not_rightly_signed_is_not_answered(world: World) -> None:
    import time

    from assistant.widgets.signature import signed

    widget, secret = make_widget(world)
    other, other_secret = make_widget(world, name="Other")
    body = json.dumps({"id": "1", "visitor": {"id": "z"}, "text": "hello"}).encode()
    now = time.time()
    good = signed(secret, body, now)
    wrong = {
        "nothing": {},
        "another's key": signed(other_secret, body, now),
        "another body": signed(secret, body + b" ", now),
        "too old": signed(secret, body, now - 400),
        "too new": signed(secret, body, now + 400),
        "no time": good | {"Inhouse-Timestamp": "soon"},
        "no such key": good | {"Inhouse-Key": "0" * 32},
        "cut off": good | {"Inhouse-Signature": good["Inhouse-Signature"][:-1]},
        "letters of another alphabet": good | {"Inhouse-Signature": "v1=ü"},
    }
    async with world.client() as client:
        client.headers["Content-Type"] = "application/json"
        path = f"/api/widget/{widget.id}/messages"
        for what, headers in wrong.items():
            given = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
            assert (await client.post(path, content=body, headers=given)).status_code == 401, what
        assert (await client.post(path, content=body, headers=good)).status_code == 200
        assert (await client.post(path, content=body, headers=good)).status_code == 401  # once
    assert len(world.turns.asked) == 1


async def test_a_webhook_inside_the_house_is_not_reached_unless_allowed(world: World, tmp_path: Path) -> None:
    from assistant.widgets.outbox import Outbox
    from assistant.widgets.settings import WidgetSettings

    widget, _ = make_widget(world)
    outbox = Outbox(world.app.engine, world.app.secrets, WidgetSettings())
    for address in ("http://127.0.0.1:9/x", "http://169.254.169.254/latest", "http://[::1]:9/"):
        assert await outbox.post(widget.id, address, {"type": "test"}) != ""


async def test_a_hand_over_that_fails_is_kept_and_sent_again(world: World) -> None:
    widget, secret = make_widget(world, hand_over={"webhook": "http://127.0.0.1:9/x", "mail": "help@example.com"})
    async with world.client() as client, world.client(world.admin) as admin:
        page = Page(client, widget, secret)
        await page.begin()
        await page.ask("hello")
        sent = await page.send("POST", "hand-over", {"contact": "zoe@example.com\r\nBcc: x@example.com"})
        assert sent.status_code == 202
        await world.api.state.doors.widgets.stop()
        found = (await admin.get(f"/api/widgets/{widget.id}/hand-overs")).json()["hand_overs"][0]
        assert found["status"] == "failed" and "mail server" in found["detail"]
        again = await admin.post(f"/api/widgets/{widget.id}/hand-overs/{found['id']}/send")
        assert again.status_code == 200 and again.json()["status"] == "failed"
