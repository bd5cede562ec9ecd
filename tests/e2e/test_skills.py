"""Skills end to end: the served product, a scripted model on a socket, the sample server, and kill -9 in between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from assistant.models.fake_script import Script
from assistant.models.fake_server import FakeServer
from skills.builtin.sample_server import Tickets, make_server

pytestmark = pytest.mark.fault


def _calls(name: str, **arguments: str) -> tuple[str, str]:
    return f"skills-{name}", json.dumps(arguments)


# By what the last message of the person says: the calls that the model makes.
PLANS = {
    "NVDA": _calls("stock_price", symbol="NVDA"),
    "ticket": _calls("create_ticket", title="Printer broken", description="It does not print."),
}


@contextmanager
def scripted_model() -> Iterator[str]:
    """The address of a model server that makes the calls of PLANS and then tells their results."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    server = FakeServer(Script("scripted", context_tokens=100_000, acts=_acts))

    async def serve() -> None:
        await server.open()
        ready.set()
        await asyncio.Event().wait()

    task: asyncio.Task[None] | None = None

    def run() -> None:
        nonlocal task
        asyncio.set_event_loop(loop)
        task = loop.create_task(serve())
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield server.url
    assert task is not None
    loop.call_soon_threadsafe(task.cancel)
    thread.join(10)


def _acts(body: dict[str, Any]) -> str | list[tuple[str, str]]:
    messages = body["messages"]
    results = [message["content"] for message in messages if message["role"] == "tool"]
    if results:
        return "The result is: " + " ".join(results[-1].split("\n")[1:-1])
    asked = next(message["content"] for message in reversed(messages) if message["role"] == "user")
    found = next((plan for word, plan in PLANS.items() if word in asked), None) if body.get("tools") else None
    return [found] if found else "The documents do not say."


@contextmanager
def sample(folder: Path) -> Iterator[str]:
    """The address of the sample server for quotes and tickets."""
    server: ThreadingHTTPServer = make_server(0, Tickets(folder / "tickets.db"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Served:
    """The API as a process that can be killed and started again on the same folder."""

    def __init__(self, data_dir: Path, environment: dict[str, str]) -> None:
        self.data_dir, self._environment = data_dir, environment
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "assistant.serve", "--data-dir", str(self.data_dir), "--port", str(port)]
        with (self.data_dir / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | self._environment)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.data_dir / "log").read_text()[-3000:]
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return self.process
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise AssertionError("not ready: " + (self.data_dir / "log").read_text()[-3000:])

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def client(self, key: str | None = None) -> httpx.Client:
        local = (self.data_dir / "run" / "local.key").read_text().strip()
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {key or local}"}, timeout=60)


def _key(served: Served, name: str) -> str:
    with served.client() as client:
        body = {"name": name, "password": "a long pass phrase", "is_admin": False, "groups": []}
        client.post("/api/users", json=body).raise_for_status()
        client.headers["X-Assistant-As"] = name
        return str(client.post("/api/keys", json={"name": "test"}).raise_for_status().json()["secret"])


def _tickets(base: str, user_id: str) -> list[dict[str, str]]:
    reply = httpx.get(f"{base}/tickets?status=all", headers={"X-On-Behalf-Of": user_id})
    found: list[dict[str, str]] = reply.raise_for_status().json()["tickets"]
    return found


def test_a_price_is_looked_up_and_a_ticket_opened_once_though_the_server_is_killed_in_between(tmp_path: Path) -> None:
    with scripted_model() as model, sample(tmp_path) as far:
        served = Served(
            tmp_path / "data",
            {
                "ASSISTANT_MODELS__MODEL": model,
                "ASSISTANT_MODELS__MODEL_NAME": "scripted",
                "ASSISTANT_SKILLS__QUOTES_URL": far + "/quotes/{symbol}",
                "ASSISTANT_SKILLS__TICKETS_URL": far,
                "ASSISTANT_SKILLS__ALLOW_HOSTS": '["127.0.0.1"]',
            },
        )
        try:
            ben, eve = _key(served, "ben"), _key(served, "eve")
            client = openai.OpenAI(base_url=f"{served.url}/v1", api_key=ben)
            priced = client.chat.completions.create(model="assistant", messages=[{"role": "user", "content": "NVDA?"}])
            assert (
                '"symbol": "NVDA", "price": 14' in (priced.choices[0].message.content or "")
                and priced.choices[0].finish_reason == "stop"
            )

            with served.client(ben) as http:
                me = http.get("/api/me").json()["id"]
                conversation = http.post("/api/conversations", json={}).json()["id"]
                body = {
                    "messages": [{"role": "user", "content": "Open a ticket for the printer"}],
                    "assistant": {"conversation_id": conversation},
                }
                asked = http.post("/v1/chat/completions", json=body).raise_for_status().json()
            choice = asked["choices"][0]
            assert choice["finish_reason"] == "tool_calls"
            call = choice["message"]["tool_calls"][0]
            assert json.loads(call["function"]["arguments"])["title"] == "Printer broken"
            assert _tickets(far, me) == []

            served.kill()
            served.start()
            assert _tickets(far, me) == []
            with served.client(eve) as other, served.client(ben) as http:
                assert other.post(f"/api/approvals/{call['id']}/approve").status_code == 404
                assert [each["id"] for each in http.get("/api/approvals").json()["approvals"]] == [call["id"]]
                first = http.post(f"/api/approvals/{call['id']}/approve").raise_for_status().json()
                again = http.post(f"/api/approvals/{call['id']}/approve").raise_for_status().json()
                assert first["state"] == again["state"] == "done"
                assert "The result is" in first["answer"]["answer"]
                (turn,) = http.get(f"/api/conversations/{conversation}").json()["turns"]
                assert turn["answer"]["answer"].endswith(first["answer"]["answer"])
                assert turn["answer"]["approvals"][0]["state"] == "done"
                assert "create_ticket" in turn["answer"]["steps"][-2]["detail"]
            assert [ticket["title"] for ticket in _tickets(far, me)] == ["Printer broken"]
        finally:
            served.kill()
