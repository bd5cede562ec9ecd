"""One connection to one MCP server, opened when first needed and again after it broke.

The SDK's contexts have to be left by the task that entered them, so each connection lives in a task of its own. The SDK
is imported where it is used: that takes over a second, which processes without MCP servers need not spend.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from egress.errors import AddressRefused, BadAnswer, TooLarge, TooSlow
from egress.policy import Policy
from egress.transport import Sign, open_client
from egress.watch import Watch
from skills.errors import BadSkill, Unreachable
from skills.mcp_program import run_program

if TYPE_CHECKING:
    from mcp import ClientSession

T = TypeVar("T")
Streams = tuple[Any, Any]  # what the SDK's transports yield: to read from, to write to
Open = Callable[[], AbstractAsyncContextManager[Streams]]

# Programs that start other programs: naming one of them says nothing about what will run.
_STARTERS = frozenset({"sh", "bash", "dash", "zsh", "fish", "ksh", "busybox", "env", "npx", "uvx", "sudo", "xargs"})
_ENV_REFUSED = ("LD_", "DYLD_", "PYTHON", "NODE_", "BASH_", "PERL", "RUBY", "JAVA_TOOL", "GCONV", "GIT_")
_GOODBYE_S = 2.0
_ENDED = "ended the connection"
_ENV_NAMES_REFUSED = frozenset({"PATH", "ENV", "IFS", "SHELL", "HOME"})


def over_http(url: str, policy: Policy, sign: Sign, timeout_s: float, max_bytes: int) -> Open:
    """Return how to reach a server by streamable HTTP, through the product's guard."""

    @asynccontextmanager
    async def open_() -> AsyncIterator[Streams]:
        from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415 - heavy, see above

        watch = Watch()
        client = open_client(policy, timeout_s=timeout_s, max_bytes=max_bytes, sign=sign, around=watch.around)
        # The watch first: it ends what is inside of it, so that nobody waits for an answer that cannot come any more.
        async with client, watch.ending(), streamable_http_client(url, http_client=client) as (read, write, _):
            yield read, write

    return open_


def over_stdio(
    command: Path, args: tuple[str, ...], env: dict[str, str], allowed: frozenset[Path], max_bytes: int
) -> Open:
    """Return how to start a server as a program; raises BadSkill unless `command` is one of the `allowed` paths.

    Shells and package runners are refused even then, and so are variables that change what a program loads.
    """
    if not command.is_absolute() or command not in allowed or ".." in command.parts:
        raise BadSkill(f"{command} may not be started: list its absolute path in the setting stdio_commands.")
    if command.name in _STARTERS or command.resolve().name in _STARTERS:
        raise BadSkill(f"{command} starts other programs: name the server's own program instead.")
    refused = [name for name in env if name.upper().startswith(_ENV_REFUSED) or name.upper() in _ENV_NAMES_REFUSED]
    if refused:
        raise BadSkill(f"The variable {refused[0]!r} may not be set for {command.name}: it changes what is loaded.")
    if not (command.is_file() and os.access(command, os.X_OK)):
        raise BadSkill(f"{command} is no program.")
    return partial(run_program, command, args, env, max_bytes)


class Connection:
    """A connection that is opened on demand; `name` is what error texts call the server."""

    def __init__(self, name: str, open_: Open, connect_timeout_s: float) -> None:
        self._name = name
        self._open = open_
        self._connect_timeout_s = connect_timeout_s
        self._connecting = asyncio.Lock()
        self._task: asyncio.Task[str] | None = None  # ends with why the connection did
        self._ending: set[asyncio.Task[str]] = set()  # connections that were given up, until their programs are gone
        self._session: ClientSession | None = None
        self._stop = asyncio.Event()

    async def use(self, work: Callable[[ClientSession], Awaitable[T]], timeout_s: float) -> T:
        """Return what `work` makes of the session.

        Raises Unreachable when the server cannot be reached, or takes over `timeout_s`, and at once when it dies in the
        middle or returns too much; the connection is opened anew by the next use. Raises McpError when the server
        itself reports an error.
        """
        from mcp import McpError  # noqa: PLC0415 - heavy, see above

        session, live = await self._ready()
        working = asyncio.ensure_future(work(session))
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.wait({working, live}, return_when=asyncio.FIRST_COMPLETED)
                if not working.done():
                    raise EOFError
                return await working
        except TimeoutError as exc:
            self._drop()
            raise Unreachable(f"{self._name} did not answer within {timeout_s:g} s.") from exc
        except McpError as exc:
            if "closed" in str(exc).lower() or "terminated" in str(exc).lower():
                self._drop()
                raise Unreachable(f"{self._name} ended the connection.") from exc
            raise
        except (OSError, EOFError, RuntimeError, anyio.ClosedResourceError, anyio.BrokenResourceError) as exc:
            # A broken stream, as the SDK's streams report it, or the end of the connection as a whole.
            self._drop()
            why = live.result() if live.done() and not live.cancelled() else _ENDED
            raise Unreachable(f"{self._name} {why}.") from exc
        finally:
            if not working.done():
                working.cancel()
                await asyncio.wait([working])

    async def close(self) -> None:
        """End the connection, and the program behind it; a later use opens another."""
        self._drop()
        if self._ending:
            await asyncio.wait(set(self._ending), timeout=_GOODBYE_S + 1)

    def _drop(self) -> None:
        """Let the connection end by itself, for a while politely; the next use opens another."""
        task, self._task, self._session = self._task, None, None
        if task is not None:
            self._stop.set()
            self._ends(task)
            asyncio.get_running_loop().call_later(_GOODBYE_S, task.cancel)

    def _ends(self, task: asyncio.Task[str]) -> None:
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _ready(self) -> tuple[ClientSession, asyncio.Task[str]]:
        async with self._connecting:
            if self._session is not None and self._task is not None and not self._task.done():
                return self._session, self._task
            self._drop()
            ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
            self._stop = asyncio.Event()
            self._task = asyncio.create_task(self._live(ready, self._stop), name=f"mcp {self._name}")
            try:
                async with asyncio.timeout(self._connect_timeout_s):
                    self._session = await asyncio.shield(ready)
            except TimeoutError as exc:
                self._ends(self._task)
                self._task.cancel()
                self._task = None
                said = f"{self._name} did not speak MCP within {self._connect_timeout_s:g} s."
                raise Unreachable(said) from exc
            return self._session, self._task

    async def _live(self, ready: asyncio.Future[ClientSession], stop: asyncio.Event) -> str:
        """Hold the connection until it is to stop, or breaks; return why it ended."""
        from mcp import ClientSession, types  # noqa: PLC0415 - heavy, see above

        us = types.Implementation(name="inhouse-assistant", version="1")
        try:
            async with self._open() as (read, write), ClientSession(read, write, client_info=us) as session:
                await session.initialize()
                ready.set_result(session)
                await stop.wait()
            return _ENDED
        except Exception as exc:  # noqa: BLE001 - the SDK raises what its task groups hold: the cause goes to the caller
            if not ready.done():
                ready.set_exception(Unreachable(f"{self._name} cannot be reached ({_reason(exc)})."))
            return _why(exc)
        finally:
            if not ready.done():
                ready.cancel()


def _why(exc: BaseException) -> str:
    """Return what a connection that worked ended of, to be said after the server's name."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    if isinstance(exc, TooLarge):
        return f"returned {str(exc).split(' with ', 1)[-1].rstrip('.')}"
    if isinstance(exc, TooSlow):
        return "did not answer in time"
    status = getattr(getattr(exc, "response", None), "status_code", None)  # of the SDK's error for a status
    if status is not None:
        return f"answered with status {status}"
    return f"broke off ({_reason(exc)})" if isinstance(exc, AddressRefused | BadAnswer) else _ENDED


def _reason(exc: BaseException) -> str:
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    return (str(exc) or type(exc).__name__)[:300]
