"""Streams on a real server: coalesced, resumed, stopped, and ended when nobody may or will read them."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from assistant import conversations
from assistant.people import users
from assistant.people.users import User
from assistant.settings import Settings, load
from assistant.tables import turns

from .conftest import World, eventually


@pytest.fixture
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Short times, so that tests of timeouts are short, and what a test sets besides."""
    api = {"resume_grace_s": 60.0, "recheck_credentials_s": 0.2, "stream_kept_s": 30.0, "chat_timeout_s": 20.0}
    return load(data_dir=tmp_path, api=api | getattr(request, "param", {}))


def _body(question: str, conversation: str | None = None, **more: Any) -> dict[str, Any]:
    ours = {"conversation_id": conversation} if conversation else {}
    return {"messages": [{"role": "user", "content": question}], "stream": True, "assistant": ours, **more}


class Reader:
    """Reads a stream event by event."""

    def __init__(self, reply: httpx.Response) -> None:
        self.reply = reply
        self.lines = reply.iter_lines()
        self.last_id = ""
        self.ids: list[int] = []
        self.text = ""
        self.chunks: list[dict[str, Any]] = []
        self.arrived: list[float] = []

    @property
    def turn(self) -> str:
        return self.last_id.split(":")[0]

    def read(self, until_text: int | None = None) -> None:
        """Read to the end, or until so many characters were said."""
        for line in self.lines:
            if line.startswith("id: "):
                self.last_id = line[4:]
                self.ids.append(int(self.last_id.split(":")[1]))
            elif line.startswith("data: {"):
                chunk = json.loads(line[6:])
                self.chunks.append(chunk)
                self.arrived.append(time.monotonic())
                for choice in chunk.get("choices", []):
                    self.text += choice["delta"].get("content", "")
            if until_text is not None and len(self.text) >= until_text:
                return


def _words(count: int) -> str:
    return "".join(f"word{number} " for number in range(count)) + "[1]"


@pytest.fixture
def client(world: World, address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers=world.as_(world.ben), timeout=20) as made:
        yield made


def _conversation(world: World, user: User) -> str:
    return conversations.create(world.app.engine, user.id)


def test_text_comes_while_it_is_made_and_at_most_every_50_ms(world: World, client: httpx.Client) -> None:
    begun = time.monotonic()
    with client.stream("POST", "/v1/chat/completions", json=_body("words 200 0.005")) as reply:
        reader = Reader(reply)
        reader.read()
    assert reader.text == _words(200)
    pieces = [
        when
        for chunk, when in zip(reader.chunks, reader.arrived, strict=True)
        if chunk["choices"][0]["delta"].get("content")
    ]
    assert 5 <= len(pieces) <= (pieces[-1] - begun) / 0.05 + 2  # a second of text and more, 20 frames in each


def test_a_reader_who_lost_the_connection_goes_on_where_it_broke(world: World, client: httpx.Client) -> None:
    body = _body("words 60 0.03", _conversation(world, world.ben))
    with client.stream("POST", "/v1/chat/completions", json=body) as reply:
        first = Reader(reply)
        first.read(until_text=100)
    time.sleep(0.3)
    with client.stream("GET", f"/api/streams/{first.turn}", headers={"Last-Event-ID": first.last_id}) as reply:
        second = Reader(reply)
        second.read()
    assert first.text + second.text == _words(60)
    assert first.ids + second.ids == list(range(1, len(first.ids + second.ids) + 1))
    assert world.turns.aborted == 0


def test_what_was_said_is_stored_while_it_is_said_for_the_case_of_a_kill(
    world: World, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.api.streams.KEEP_EVERY_S", 0.05)
    engine, mine = world.app.engine, _conversation(world, world.ben)

    def kept() -> bool:
        with engine.connect() as connection:
            return (
                connection.execute(select(turns.c.answer).where(turns.c.conversation_id == mine)).scalar() is not None
            )

    with client.stream("POST", "/v1/chat/completions", json=_body("hang 20 0.01", mine)) as reply:
        reader = Reader(reply)
        reader.read(until_text=20)
        assert eventually(kept, 30.0)
        read = conversations.read(engine, world.ben.id, mine)
        assert read is not None and read.turns[0].answer is None  # nobody is shown half of what still goes on
        assert conversations.give_up_running(engine) == 1  # as a server that was killed does at its next start
        read = conversations.read(engine, world.ben.id, mine)
    assert read is not None and read.turns[0].answer is not None
    answer = read.turns[0].answer
    assert answer["answer"] and _words(20).startswith(answer["answer"])
    assert (
        read.turns[0].status == "stopped" and answer["stopped_by"] == "killed" and "stopped" in (answer["notice"] or "")
    )


def test_a_finished_stream_can_be_read_again_whole_or_in_part(world: World, client: httpx.Client) -> None:
    with client.stream("POST", "/v1/chat/completions", json=_body("words 5 0")) as reply:
        first = Reader(reply)
        first.read()
    again = client.get(f"/api/streams/{first.turn}").text
    assert again.count("data: ") == len(first.ids) and again.endswith("data: [DONE]\n\n")
    rest = client.get(f"/api/streams/{first.turn}", headers={"Last-Event-ID": f"{first.turn}:2"}).text
    assert rest.count("data: ") == len(first.ids) - 2
    assert client.get(f"/api/streams/{first.turn}", headers={"Last-Event-ID": first.last_id}).text == ""


@pytest.mark.parametrize(
    "event_id", ["x", "other:1", "{turn}:-1", "{turn}:9999", "{turn}:1e9", "{turn}:", "{turn}:99999999999999"]
)
def test_an_event_id_that_cannot_be_is_gone_not_an_error(client: httpx.Client, event_id: str) -> None:
    with client.stream("POST", "/v1/chat/completions", json=_body("words 1 0")) as reply:
        first = Reader(reply)
        first.read()
    reply = client.get(f"/api/streams/{first.turn}", headers={"Last-Event-ID": event_id.format(turn=first.turn)})
    assert reply.status_code == 410 and reply.json()["code"] == "stream-gone"


def test_a_stream_is_its_owners_alone(world: World, client: httpx.Client) -> None:
    with client.stream(
        "POST", "/v1/chat/completions", json=_body("words 100 0.03", _conversation(world, world.ben))
    ) as reply:
        reader = Reader(reply)
        reader.read(until_text=10)
        for other in (world.eve, world.admin):
            headers = world.as_(other)
            assert client.get(f"/api/streams/{reader.turn}", headers=headers).status_code == 404
            assert client.post(f"/api/streams/{reader.turn}/stop", headers=headers).status_code == 404
        reader.read(until_text=60)
        assert world.turns.aborted == 0


def test_stopping_keeps_what_was_said(world: World, client: httpx.Client) -> None:
    mine = _conversation(world, world.ben)
    with client.stream("POST", "/v1/chat/completions", json=_body("words 500 0.02", mine)) as reply:
        reader = Reader(reply)
        reader.read(until_text=30)
        assert client.post(f"/api/streams/{reader.turn}/stop").status_code == 204
        reader.read()
    closing = reader.chunks[-1]
    assert closing["assistant"]["stopped_by"] == "cancelled" and closing["choices"][0]["finish_reason"] == "stop"
    assert eventually(lambda: world.turns.running == 0) and world.turns.aborted == 1
    found = conversations.read(world.app.engine, world.ben.id, mine)
    assert found is not None and found.turns[0].status == "stopped" and found.turns[0].answer is not None
    assert found.turns[0].answer["answer"] == reader.text != ""
    assert client.post(f"/api/streams/{reader.turn}/stop").status_code == 204  # again changes nothing


@pytest.mark.parametrize("settings", [{"resume_grace_s": 1.0}], indirect=True)
def test_an_answer_that_nobody_reads_any_more_ends(world: World, client: httpx.Client) -> None:
    mine = _conversation(world, world.ben)
    with client.stream("POST", "/v1/chat/completions", json=_body("words 2000 0.02", mine)) as reply:
        Reader(reply).read(until_text=10)
        left = time.monotonic()
        assert world.turns.running == 1
    assert eventually(lambda: world.turns.running == 0)
    assert time.monotonic() - left > 0.7  # the grace of a conversation is 1 s here
    found = conversations.read(world.app.engine, world.ben.id, mine)
    assert eventually(lambda: conversations.read(world.app.engine, world.ben.id, mine).turns[0].status == "stopped"), (
        found
    )  # type: ignore[union-attr]


@pytest.mark.parametrize("stream", [True, False])
def test_a_program_that_hangs_up_stops_its_answer_at_once(world: World, address: str, stream: bool) -> None:
    body = json.dumps(_body("words 2000 0.02") | {"stream": stream}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {world.token(world.ben)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), 60) as sock:
        sock.sendall(head.encode() + body)
        assert eventually(lambda: world.turns.running == 1)
    assert eventually(lambda: world.turns.running == 0) and world.turns.aborted == 1


def test_two_hundred_tabs_closed_in_mid_answer_leave_nothing_running(world: World, address: str) -> None:
    headers = world.as_(world.ben)

    def visit(count: int) -> None:
        with httpx.Client(base_url=address, headers=headers, timeout=20) as client:
            for _ in range(count):
                with client.stream("POST", "/v1/chat/completions", json=_body("words 2000 0.02")) as reply:
                    next(reply.iter_lines())

    threads = [threading.Thread(target=visit, args=(25,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert eventually(lambda: world.turns.running == 0)
    assert len(world.turns.asked) == world.turns.aborted == 200


@pytest.mark.parametrize("change", ["suspend", "delete", "password", "log out"])
def test_a_suspension_cuts_open_streams(world: World, client: httpx.Client, change: str) -> None:
    with client.stream(
        "POST", "/v1/chat/completions", json=_body("words 2000 0.02", _conversation(world, world.ben))
    ) as reply:
        reader = Reader(reply)
        reader.read(until_text=10)
        if change == "suspend":
            users.change(world.app.engine, world.ben.id, active=False, min_password_chars=10)
        elif change == "delete":
            users.remove(world.app.engine, world.ben.id)
        elif change == "password":
            users.change(world.app.engine, world.ben.id, password="another good one", min_password_chars=10)
        else:
            assert client.post("/api/logout").status_code == 204
        assert client.get("/api/me").status_code == 401
        reader.read()
    assert reader.chunks[-1]["assistant"]["stopped_by"] == "suspended" and world.turns.running == 0


def test_an_answer_that_takes_too_long_ends_with_a_notice(engine: Any, tmp_path: Path) -> None:
    from .conftest import make_world, serving

    world = make_world(engine, tmp_path, load(data_dir=tmp_path, api={"chat_timeout_s": 0.5}))
    with serving(world.api, world.app.settings) as url:
        reply = httpx.post(
            f"{url}/v1/chat/completions",
            json=_body("hang") | {"stream": False},
            headers=world.as_(world.ben),
            timeout=60,
        )
    assert reply.status_code == 200 and reply.json()["assistant"]["stopped_by"] == "timeout"
    assert "too long" in reply.json()["assistant"]["notice"] and world.turns.running == 0


def test_stopping_the_server_keeps_what_was_said(engine: Any, tmp_path: Path) -> None:
    from .conftest import make_world, serving

    world = make_world(engine, tmp_path, load(data_dir=tmp_path))
    mine = _conversation(world, world.ben)
    with (
        serving(world.api, world.app.settings) as url,
        httpx.Client(base_url=url, headers=world.as_(world.ben), timeout=60) as client,
    ):
        reader = client.stream("POST", "/v1/chat/completions", json=_body("words 2000 0.02", mine))
        with reader as reply:
            Reader(reply).read(until_text=30)
    assert eventually(lambda: world.turns.running == 0)
    found = conversations.read(world.app.engine, world.ben.id, mine)
    assert found is not None and found.turns[0].status == "stopped"


def test_an_event_stream_is_not_kept_by_caches_or_proxies(client: httpx.Client) -> None:
    with client.stream("POST", "/v1/chat/completions", json=_body("words 1 0")) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["cache-control"] == "no-store" and reply.headers["x-accel-buffering"] == "no"
