"""The server's side of a process with a team's skills: start it, ask it one thing at a time, end it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from skills.errors import BadSkill, SkillFailure
from skills.frames import Frame, FrameTooLarge, encode, read_async
from skills.types import Person, Report

log = logging.getLogger(__name__)
Fetch = Callable[[dict[str, Any], Person], Awaitable[dict[str, Any]]]  # a request's frame -> the reply's frame

_ROOT = str(Path(__file__).resolve().parents[1])
_START = f"import sys; sys.path.append({_ROOT!r}); from skills.child import main; main()"
_NO_WAY_OUT = "This module may not fetch anything: name the hosts in its .skill.yaml."
_SLACK_BYTES = 1_000  # of a frame, over the result that it carries
_START_S = 30.0  # starting takes 0.5 s on an idle machine


class Child:
    """One process with one team's module. Not for two calls at once."""

    def __init__(self, process: asyncio.subprocess.Process, scratch: str, max_output_bytes: int) -> None:
        self.skills: list[Frame] = []
        self._process = process
        self._scratch = scratch
        self._max = max_output_bytes + _SLACK_BYTES
        self._said: deque[bytes] = deque(maxlen=20)
        self._listener = asyncio.create_task(self._listen())
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, module: Path, memory_bytes: int, max_output_bytes: int) -> Child:
        """Return a process that has read `module`; raises BadSkill with its reason when it cannot."""
        order = {"module": str(module.resolve()), "memory_bytes": memory_bytes, "max_output_bytes": max_output_bytes}
        async with AsyncExitStack() as undo:  # whoever waits for the start may be cancelled at any point
            scratch = tempfile.mkdtemp(prefix="skills-")
            undo.callback(shutil.rmtree, scratch, ignore_errors=True)
            child = cls(await _process(scratch), scratch, max_output_bytes)
            undo.push_async_callback(child.end)
            child.skills = await child._greet(module.name, order | {"scratch": scratch})
            undo.pop_all()
            return child

    async def _greet(self, name: str, order: Frame) -> list[Frame]:
        """Return the skills of the module that the process is ordered to read."""
        try:
            async with asyncio.timeout(_START_S):
                hello = await self._exchange(order)
        except (TimeoutError, SkillFailure) as exc:
            await self.end()  # its last words are whole then
            reason = str(exc) or f"it took over {_START_S:g} s."
            raise BadSkill(f"{name} could not be loaded: {reason} {self.last_words}") from exc
        if "error" in hello:
            raise BadSkill(str(hello["error"]))
        return list(hello["skills"])

    @property
    def alive(self) -> bool:
        """Whether it can take a call."""
        return self._process.returncode is None

    @property
    def last_words(self) -> str:
        """Return the end of what it printed, at most 500 characters."""
        return b"".join(self._said).decode("utf-8", "replace").strip()[-500:]

    async def ask(
        self, frame: Frame, timeout_s: float, fetch: Fetch | None, person: Person, report: Report | None = None
    ) -> Frame:
        """Return the answer to a call's frame. Afterwards the process is alive only if it answered in order.

        Raises SkillFailure when it dies, answers too much, or not within `timeout_s`.
        """
        answered = False
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._exchange(frame, fetch, person, report)
            answered = True
            return answer
        except TimeoutError as exc:
            raise SkillFailure(f"The skill did not answer within {timeout_s:g} s and was stopped.") from exc
        finally:
            if not answered:  # cancelled calls too: nobody knows what it is doing now
                await self.end()

    async def _exchange(
        self,
        frame: Frame,
        fetch: Fetch | None = None,
        person: Person | None = None,
        report: Report | None = None,
    ) -> Frame:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        to_send: Frame | None = frame
        while True:
            try:
                if to_send is not None:
                    stdin.write(encode(to_send))
                    await stdin.drain()
                answer = await read_async(stdout, self._max)
            except FrameTooLarge as exc:
                raise SkillFailure(f"The skill {exc}.") from exc
            except ConnectionError:
                answer = None
            if answer is None:
                raise SkillFailure("The skill's process ended in mid-call.")
            if "progress" in answer:
                _tell(report, answer["progress"])
                to_send = None
                continue
            if "fetch" not in answer:
                return answer
            to_send = await fetch(answer["fetch"], person) if fetch and person else {"error": _NO_WAY_OUT}

    async def _listen(self) -> None:
        """Drain what it prints, or it would stop when the pipe is full."""
        assert self._process.stderr is not None
        while said := await self._process.stderr.read(4096):
            self._said.append(said)

    async def end(self) -> None:
        """Kill it and remove its folder, even when the one who waits for that is cancelled."""
        if self._process.returncode is None:
            self._process.kill()
        self._ending = self._ending or asyncio.create_task(self._clear())
        await asyncio.shield(self._ending)

    async def _clear(self) -> None:
        await self._process.wait()
        await asyncio.wait([self._listener], timeout=1.0)
        self._listener.cancel()
        if self.last_words:
            log.info("a skill's process said: %s", self.last_words)
        shutil.rmtree(self._scratch, ignore_errors=True)


async def _process(scratch: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-B", "-X", "utf8", "-c", _START),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "", "LANG": "C.UTF-8", "HOME": scratch, "TMPDIR": scratch},
        start_new_session=True,  # Ctrl-C in the server's terminal is the server's to handle
    )


def _tell(report: Report | None, said: object) -> None:
    """Pass on how far a call is, as far as the process said something of that form."""
    if report is None or not isinstance(said, list) or len(said) != 2:
        return
    done, note = said
    known = isinstance(done, int | float) and 0 <= done <= 1
    report(float(done) if known else None, str(note)[:200])
