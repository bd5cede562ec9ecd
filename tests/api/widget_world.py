"""A widget with everything a test needs to visit it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import jwt

from assistant.widgets import hand_over, keys, registry, tokens, transcripts, visitors
from assistant.widgets.types import Widget

from .conftest import World

ORIGIN = "https://www.example.com"


@dataclass
class Page:
    """A page of a listed origin, in a visitor's browser."""

    client: httpx.AsyncClient
    widget: Widget
    secret: str
    token: str = ""
    origin: str = ORIGIN

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        given = {"Origin": self.origin} | ({"Authorization": f"Bearer {self.token}"} if self.token else {}) | headers
        return await self.client.request(method, f"/api/widget/{self.widget.id}/{path}", json=body, headers=given)

    async def begin(self, **body: Any) -> httpx.Response:
        reply = await self.send("POST", "session", body)
        if reply.status_code == 201:
            self.token = reply.json()["token"]
        return reply

    async def ask(self, question: str) -> httpx.Response:
        return await self.send("POST", "ask", {"question": question})

    def signed(self, **claims: Any) -> str:
        """What the host site's server signs for its visitor."""
        return host_token(self.secret, self.widget.id, **claims)


def host_token(secret: str, widget_id: str, **claims: Any) -> str:
    """A token as the samples of deploy/widget-samples make it, with some claims replaced; None leaves one out."""
    moment = int(time.time())
    usual = {"aud": widget_id, "sub": "customer-7", "iat": moment, "exp": moment + 120, "jti": uuid4().hex}
    kept = {name: value for name, value in (usual | claims).items() if value is not None}
    kid = secret.removeprefix("wsk_").partition(".")[0]
    return jwt.encode(kept, secret, "HS256", {"kid": kid})


def make_widget(world: World, enabled: bool = True, name: str = "Help", **profile: Any) -> tuple[Widget, str]:
    """A widget that `ORIGIN` may embed, with a key."""
    engine = world.app.engine
    made = registry.create(engine, name, registry.checked({"origins": [ORIGIN], **profile}))
    key = keys.add(engine, world.app.secrets, made.id)
    widget = registry.change(engine, made.id, enabled=enabled)
    assert key is not None and widget is not None
    return widget, key[1]


def events(reply: httpx.Response) -> list[dict[str, Any]]:
    """The objects of a stream."""
    lines = [line[6:] for line in reply.text.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]", reply.text[-300:]
    return [json.loads(line) for line in lines[:-1]]


async def visited(world: World) -> tuple[Page, dict[str, str]]:
    """A visitor who has asked something, and the ids of what they left."""
    widget, secret = make_widget(world, name="Visited")
    page = Page(world.client(), widget, secret)
    await page.begin()
    turn = events(await page.ask("hello"))[0]["turn"]
    engine = world.app.engine
    transcript = transcripts.page(engine, widget.id, 1)[0].conversation_id
    session = visitors.find(engine, widget.id, tokens.session_of(world.app.secrets, widget.id, page.token))
    assert session is not None
    request = hand_over.store(engine, session, transcript, "zoe@example.com", "please")
    key = keys.of(engine, widget.id)[0].id
    named = {"widget_id": widget.id, "answer_id": turn, "transcript_id": transcript}
    return page, named | {"signing_key_id": key, "hand_over_id": request.id}
