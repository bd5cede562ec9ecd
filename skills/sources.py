"""From something found in a folder to a source of skills, and the folders watched for changes."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread

from egress.policy import Policy
from skills.auth import Signer
from skills.entries import Entry, McpEntry, OpenApiEntry, PythonEntry, read_entry
from skills.errors import SkillError, SkillFailure
from skills.folders import Found, scan
from skills.http import Http, HttpRequest
from skills.mcp import McpSource
from skills.mcp_connection import Connection, Open, over_http, over_stdio
from skills.openapi import OpenApiSource
from skills.process import Fetch
from skills.python import PythonModule
from skills.registry import Registry
from skills.secrets import Secrets
from skills.settings import SkillsSettings
from skills.skill_md import SkillFolder
from skills.state import StateFile
from skills.types import Person, Skill, Source

log = logging.getLogger(__name__)
EVERYONE = frozenset({"everyone"})
_AGAIN_S = 30.0
_NOBODY = Person("", frozenset())  # MCP connections are shared: their tokens are never a person's


@dataclass(frozen=True, slots=True)
class Parts:
    """What sources are built from."""

    settings: SkillsSettings
    http: Http
    policy: Policy
    secrets: Secrets
    state: StateFile


def make(found: Found, parts: Parts) -> Source:
    """Return the source for what was found; raises BadSkill when its entry is wrong."""
    match found.kind:
        case "python":
            return _python(PythonEntry(kind="python", module=found.path.name), found.path.parent, parts)
        case "skill.md":
            return SkillFolder(found.path, EVERYONE)
        case "openapi":
            entry = OpenApiEntry(kind="openapi", name=found.path.stem, document=found.path.name)
            return from_entry(entry, found.path.parent, parts)
        case "entry":
            return from_entry(read_entry(found.path), found.path.parent, parts)


def from_entry(entry: Entry, folder: Path, parts: Parts) -> Source:
    """Return the source that an entry describes; raises BadSkill when it may not be used."""
    settings = parts.settings
    match entry:
        case PythonEntry():
            return _python(entry, folder, parts)
        case OpenApiEntry():
            return OpenApiSource(
                entry,
                folder,
                http=parts.http,
                secrets=parts.secrets,
                timeout_s=settings.timeout_s,
                max_output_bytes=settings.max_output_bytes,
                max_document_bytes=settings.max_document_bytes,
            )
        case McpEntry():
            connection = Connection(f"mcp:{entry.name}", _way(entry, parts), settings.connect_timeout_s)
            return McpSource(entry, connection, parts.state, settings.timeout_s, settings.long_timeout_s)


def _way(entry: McpEntry, parts: Parts) -> Open:
    if entry.command is not None:
        return over_stdio(
            entry.command, entry.args, entry.env, parts.settings.stdio_commands, parts.settings.max_output_bytes
        )
    signer = Signer(entry.auth, parts.secrets, parts.http)

    async def sign() -> dict[str, str]:
        return (await signer.sign(_NOBODY)).headers

    assert entry.url is not None
    settings = parts.settings
    return over_http(entry.url, parts.policy, sign, settings.timeout_s, settings.max_output_bytes)


def _python(entry: PythonEntry, folder: Path, parts: Parts) -> PythonModule:
    settings = parts.settings
    return PythonModule(
        folder / entry.module,
        timeout_s=settings.timeout_s,
        long_timeout_s=settings.long_timeout_s,
        memory_bytes=settings.child_memory_bytes,
        max_output_bytes=settings.max_output_bytes,
        readers=entry.readers,
        fetch=_fetch(entry, parts) if entry.hosts else None,
        prefix=entry.prefix,
    )


def _fetch(entry: PythonEntry, parts: Parts) -> Fetch:
    """Return what carries a module's requests out: to its hosts only, through the guard."""

    async def fetch(asked: dict[str, Any], person: Person) -> dict[str, Any]:
        url, body = str(asked.get("url", "")), asked.get("body")
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            host = ""
        if host not in entry.hosts:
            return {"error": f"The host {host[:100]!r} is not among the hosts that {entry.module} may ask."}
        headers = {str(key): str(value) for key, value in dict(asked.get("headers") or {}).items()}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers.setdefault("Content-Type", "application/json")
        request = HttpRequest(str(asked.get("method", "GET")).upper(), url, headers, content)
        settings = parts.settings
        try:
            reply = await parts.http(request, max_bytes=settings.max_output_bytes, timeout_s=settings.timeout_s)
        except SkillFailure as exc:
            return {"error": str(exc)}
        return {"status": reply.status, "text": reply.text}

    return fetch


class Watch:
    """Keeps a registry abreast of folders: what is new or changed is loaded, what is gone is removed.

    MCP servers are connected to in the background: a dead one takes its whole time limit, which nobody should wait for.
    """

    def __init__(self, registry: Registry, folders: tuple[Path, ...], parts: Parts, every_s: float = 1.0) -> None:
        self._registry = registry
        self._folders = folders
        self._parts = parts
        self._every_s = every_s
        self._next = 0.0
        self._seen: dict[Path, Found] = {}
        self._names: dict[Path, str] = {}
        self._pins: dict[Path, dict[str, str] | None] = {}
        self._again: dict[Path, float] = {}  # when to try a failed one again
        self._connecting: dict[Path, asyncio.Task[None]] = {}

    async def refresh(self, force: bool = False) -> None:
        """Look at the folders, at most once in `every_s` unless forced.

        A source that cannot be loaded becomes a problem, not an error, and is tried again after half a minute.
        """
        if not force and time.monotonic() < self._next:
            return
        found = await anyio.to_thread.run_sync(self._scan)
        self._next = time.monotonic() + self._every_s
        for path in set(self._seen) - set(found):
            self._seen.pop(path)
            self._give_up(path)
            await self._registry.remove(self._names.pop(path, path.name))
        for path, each in found.items():
            due = time.monotonic() >= self._again.get(path, math.inf)
            if self._seen.get(path) == each and not due and self._pins.get(path) == self._pins_now(path):
                continue
            await self._begin(each)

    async def settled(self) -> None:
        """Return when every MCP server that is being connected to has answered, or has not in its time."""
        if self._connecting:
            await asyncio.wait(list(self._connecting.values()))

    @property
    def connecting(self) -> frozenset[str]:
        """Return the sources that are being connected to."""
        return frozenset(self._names.get(path, path.name) for path in self._connecting)

    async def close(self) -> None:
        """Connect to nothing any more."""
        tasks = list(self._connecting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _scan(self) -> dict[Path, Found]:
        return {each.path: each for folder in self._folders for each in scan(folder)}

    async def load(self, found: Found) -> list[Skill]:
        """Load one place now and return its skills; raises SkillError, or OSError, when it cannot be."""
        self._seen[found.path] = found
        self._give_up(found.path)
        return await self._load(found)

    async def _load(self, found: Found) -> list[Skill]:
        source = make(found, self._parts)
        self._names[found.path] = source.name
        skills = await self._registry.add(source)
        self._pins[found.path] = self._pins_now(found.path)
        self._again.pop(found.path, None)
        return skills

    async def reload(self, path: Path) -> None:
        """Load a place of the folders anew; what is wrong with it is noted, and it is tried again like any other."""
        found = next((each for each in scan(path.parent) if each.path == path), None)
        if found is not None:
            self._give_up(path)
            self._seen[path] = found
            await self._try(found)

    def places(self) -> dict[Path, str]:
        """Return the source that each place in the folders holds, loaded or not."""
        return {path: self._names.get(path, path.name) for path in self._seen}

    def forget(self, path: Path) -> None:
        """Forget a place that was taken back, and what was wrong with it."""
        self._seen.pop(path, None)
        self._give_up(path)
        self._again.pop(path, None)
        self._registry.problems.pop(self._names.pop(path, path.name), None)

    def _pins_now(self, path: Path) -> dict[str, str] | None:
        """Return what is approved of an MCP server's tools: another process may approve more."""
        return self._parts.state.now().pins.get(self._names.get(path, ""))

    def _give_up(self, path: Path) -> None:
        """Connect no longer to what a place held before."""
        connecting = self._connecting.pop(path, None)
        if connecting is not None:
            connecting.cancel()

    async def _begin(self, found: Found) -> None:
        """Load a place: at once, or in the background where that may take long."""
        self._give_up(found.path)
        self._seen[found.path] = found
        self._again.pop(found.path, None)
        self._pins[found.path] = self._pins_now(found.path)
        try:
            source = make(found, self._parts)
        except SkillError:
            source = None  # why, is noted where it is loaded
        if not isinstance(source, McpSource):
            await self._try(found)
            return
        self._names[found.path] = source.name
        self._pins[found.path] = self._pins_now(found.path)
        task = asyncio.create_task(self._try(found), name=f"connect {source.name}")
        self._connecting[found.path] = task
        task.add_done_callback(lambda ended: self._ended(found.path, ended))

    def _ended(self, path: Path, task: asyncio.Task[None]) -> None:
        if self._connecting.get(path) is task:
            del self._connecting[path]

    async def _try(self, found: Found) -> None:
        try:
            await self._load(found)
        except (SkillError, OSError) as exc:
            self._registry.problems[self._names.get(found.path, found.path.name)] = str(exc)
            self._again[found.path] = time.monotonic() + _AGAIN_S
            log.warning("skills of %s are not loaded: %s", found.path, exc)
