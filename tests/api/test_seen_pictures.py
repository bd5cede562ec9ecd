"""Pictures from the API to the server of a model that sees, through everything in between."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from pathlib import Path

import httpx

from assistant.api.app import create
from assistant.build import build
from assistant.models.fake_server import FakeServer, Script
from assistant.people import credentials, users
from assistant.settings import load
from tests.api.conftest import password_hash
from tests.ingest.builders import picture


async def test_pictures_arrive_at_the_server_of_a_model_that_sees(tmp_path: Path) -> None:
    url = f"data:image/png;base64,{b64encode(picture('The ride costs 48 EUR')).decode()}"
    seen = {"type": "image_url", "image_url": {"url": url}}
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "What does the ride cost?"}, seen]}]}
    async with FakeServer(Script("eyes")).running() as model:
        models = {"model": model.url, "model_name": "eyes", "vision": True}
        app = await asyncio.to_thread(build, load({}, data_dir=tmp_path, models=models), None)
        await app.start()
        with app.engine.begin() as connection:
            user = users.insert_user(connection, "ann", password_hash(), False)
        headers = {"Authorization": f"Bearer {credentials.open_session(app.engine, app.secrets, user.id, 1)}"}
        transport = httpx.ASGITransport(create(app), client=("127.0.0.1", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            (await client.post("/v1/chat/completions", json=body, timeout=60)).raise_for_status()
        await app.stop()
    said = [message["content"] for message in model.bodies[-1]["messages"]]
    assert seen in said[-1]
