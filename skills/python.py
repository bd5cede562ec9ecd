"""Python modules of teams as skills: each runs in confined processes of its own, kept warm between calls."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from skills.errors import DocumentTooLarge, SkillFailure
from skills.process import Child, Fetch
from skills.types import Skill, SkillCall, SkillResult, content_version

MAX_MODULE_BYTES = 1_000_000
WARM_S = 120.0  # that a process waits for the next call: it holds 45 MB, and starting one takes half a second


class PythonModule:
    """A source of skills: the module at `path`, a .py file or a folder with __init__.py.

    `fetch` carries requests of `skills.outside.fetch` out; None: the module has no way out. At most `processes`
    processes answer calls at once, and as many long ones; further calls wait. `long_timeout_s` is for skills declared
    as long; None: they get no longer than others.
    """

    def __init__(
        self,
        path: Path,
        *,
        timeout_s: float,
        long_timeout_s: float | None = None,
        memory_bytes: int,
        max_output_bytes: int,
        readers: frozenset[str],
        fetch: Fetch | None,
        prefix: str = "",
        processes: int = 2,
        name: str = "",
        warm_s: float = WARM_S,
    ) -> None:
        self.name = name or f"python:{path.name}"
        self._path = path / "__init__.py" if path.is_dir() else path
        self._timeouts_s = {False: timeout_s, True: long_timeout_s or timeout_s}
        self._start = partial(Child.start, self._path, memory_bytes, max_output_bytes)
        self._readers = readers
        self._fetch = fetch
        self._prefix = prefix
        # Long calls have places of their own: they would keep the short ones waiting.
        self._free = {False: asyncio.Semaphore(processes), True: asyncio.Semaphore(processes)}
        self._warm_s = warm_s
        self._idle: dict[Child, asyncio.TimerHandle] = {}  # each with what will end it
        self._ending: set[asyncio.Task[None]] = set()

    async def load(self) -> list[Skill]:
        """Return the module's skills, read by a process; raises BadSkill when it cannot be read."""
        code = self._path.read_bytes()
        if len(code) > MAX_MODULE_BYTES:
            raise DocumentTooLarge(f"{self._path} has {len(code)} bytes, over the limit of {MAX_MODULE_BYTES}.")
        child = await self._start()
        self._rest(child)
        return [
            Skill(
                name=self._prefix + each["name"],
                description=each["description"],
                parameters=each["parameters"],
                effect="read" if each["effect"] == "read" else "write",
                run=partial(self._run, each["name"], "long" in each["tags"]),
                source=self.name,
                version=content_version(code, each["name"]),
                readers=self._readers,
                tags=frozenset(each["tags"]),
            )
            for each in child.skills
        ]

    async def close(self) -> None:
        """End the module's processes; a call that is under way ends as it would anyway, and its process with it."""
        self._closed = True
        for child in list(self._idle):
            self._cool(child)
        await asyncio.gather(*self._ending)

    _closed = False

    async def _run(self, name: str, long: bool, call: SkillCall) -> SkillResult:
        frame = {
            "name": name,
            "arguments": dict(call.arguments),
            "user_id": call.person.user_id,
            "principals": sorted(call.person.principals),
        }
        async with self._free[long]:
            child = await self._take()
            try:
                answer = await child.ask(frame, self._timeouts_s[long], self._fetch, call.person, call.report)
            except SkillFailure as exc:
                return SkillResult("failed", str(exc))
            finally:
                await self._give_back(child)
        text, data = str(answer["text"]), answer["data"]
        return SkillResult(answer["status"], text, data=text if data is None else data)

    async def _take(self) -> Child:
        while self._idle:
            child, timer = self._idle.popitem()
            timer.cancel()
            if child.alive:
                return child
            await child.end()
        return await self._start()

    async def _give_back(self, child: Child) -> None:
        if child.alive and not self._closed:
            self._rest(child)
        else:
            await child.end()

    def _rest(self, child: Child) -> None:
        """Keep a process for the next call, and end it when none comes."""
        self._idle[child] = asyncio.get_running_loop().call_later(self._warm_s, self._cool, child)

    def _cool(self, child: Child) -> None:
        self._idle.pop(child).cancel()
        ending = asyncio.create_task(child.end())
        self._ending.add(ending)  # the loop itself keeps no task alive
        ending.add_done_callback(self._ending.discard)
