"""The API over a fresh database, with scripted turns in place of language models."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from assistant import secret_file
from assistant.api.app import create
from assistant.api.server import server
from assistant.app import App
from assistant.calling.deciding import SkillTurns
from assistant.calling.service import SkillService
from assistant.guardrails.grounding import RuleJudge
from assistant.kept import KeptAnswers
from assistant.memory.memories import Memories
from assistant.models.adapters import Adapters
from assistant.models.errors import ModelUnavailable
from assistant.models.fake import EchoModel
from assistant.models.registry import Registry
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.orchestration.ports import Absent, OneModel
from assistant.people import credentials, passwords, users
from assistant.people.users import User
from assistant.promptbook.book import PromptBook
from assistant.promptbook.playground import Playground
from assistant.record import MemoryRecords
from assistant.server_file import announced
from assistant.settings import Settings, load
from assistant.speech import Speech, Spoken
from assistant.turn import Turns
from assistant.types import Route
from ingest.files import FileStore
from knowledge.embed import HashEmbedder
from skills.audit import AuditFile
from skills.fake import embed_words
from skills.settings import SkillsSettings
from skills.skillset import Skillset
from tests.api.scripted import ROUTE, FixedModels, Notebook, QuietIndexes, ScriptedSearch, ScriptedTurns

PASSWORD = "correct horse battery"


@cache
def password_hash() -> str:
    """The hash of PASSWORD, made once."""
    return passwords.hashed(PASSWORD)


@dataclass
class World:
    """An application with people in it, and the way in."""

    app: App
    api: FastAPI
    turns: ScriptedTurns
    searcher: ScriptedSearch
    admin: User
    ben: User
    eve: User
    notebook: Notebook

    def token(self, user: User) -> str:
        return credentials.open_session(self.app.engine, self.app.secrets, user.id, 1)

    def as_(self, user: User) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(user)}"}

    def client(self, user: User | None = None, base: str = "http://localhost", **options: object) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.api, raise_app_exceptions=False, client=("127.0.0.1", 5000))
        return httpx.AsyncClient(transport=transport, base_url=base, headers=self.as_(user) if user else {}, **options)  # type: ignore[arg-type]


async def _open_skills(folder: Path, audit: AuditFile, notebook: Notebook) -> Skillset:
    return await Skillset.open(
        SkillsSettings(), folder, embed=embed_words, audit=audit, builtin=lambda _: [notebook.source()]
    )


def make_world(engine: Engine, folder: Path, settings: Settings) -> World:
    """An application over `engine` with an administrator Ann, and Ben and Eve, who are nobody special."""
    with engine.begin() as connection:
        people = [users.insert_user(connection, name, password_hash(), name == "Ann") for name in ("Ann", "Ben", "Eve")]
    turns, searcher, registry = ScriptedTurns(), ScriptedSearch(), Registry([])
    audit = AuditFile(folder / "logs" / "skills.jsonl")
    notebook = Notebook()
    service = SkillService(partial(_open_skills, folder, audit, notebook), SkillsSettings(), audit)
    models = OneModel(Absent(ModelUnavailable("There is none here.")), Route("", None, "none", ""))
    turns.service = service
    turns.skills = SkillTurns(engine, service, models, OpenGate(), settings.turn, ())
    book, embedder = PromptBook(engine, settings.prompts), HashEmbedder()
    real = Turns(
        ListSearch([]),
        OneModel(EchoModel(), ROUTE),
        RuleJudge(embedder.embed),
        OpenGate(),
        MemoryRecords(),
        settings.turn,
        prompts=book,
    )
    app = App(
        settings=settings,
        engine=engine,
        secrets=secret_file.load(folder),
        turns=Spoken(turns),
        searcher=searcher,
        indexes=QuietIndexes(),
        embedder=HashEmbedder(),
        memories=Memories(engine, HashEmbedder(), settings.memory),
        prompts=book,
        playground=Playground(real, book, embedder, settings.ingest),
        kept=KeptAnswers(settings.turn),
        files=FileStore(folder / "files"),
        models=FixedModels(),
        skills=service,
        registry=registry,
        adapters=Adapters(engine, settings.models, registry, folder),
        speech=Speech(None, settings.models.speech_max_bytes, settings.models.speech_max_s, inside=True),
    )
    return World(app, create(app), turns, searcher, *people, notebook)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of the application under test; a test module may override them."""
    return load(data_dir=tmp_path)


@pytest.fixture
def world(engine: Engine, tmp_path: Path, settings: Settings) -> World:
    """An application with people in it."""
    return make_world(engine, tmp_path, settings)


@contextmanager
def serving(api: FastAPI, settings: Settings) -> Iterator[str]:
    """The address of a real server on loopback, in a thread of this process."""
    running = server(api, settings.api)
    running.config.host, running.config.port = "127.0.0.1", 0
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not running.started:
        assert thread.is_alive() and time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server did not stop"


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """The address of the application on a real server, where commands on its data folder find it."""
    settings = world.app.settings
    with serving(world.api, settings) as url, announced(settings.data_dir, url):
        yield url


async def asgi(api: FastAPI, path: str, headers: list[tuple[bytes, bytes]], method: str = "GET") -> tuple[int, bytes]:
    """Status and body of a request that no HTTP library would send."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 5000), "server": ("127.0.0.1", 8000), "state": {},
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await api(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def eventually(check: Callable[[], bool], within_s: float = 60.0) -> bool:
    """Whether `check` holds at some moment of the next seconds."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(0.02)
    return check()
