"""An MCP server as a program of ours: one JSON message a line, lines bounded, the whole process group ended afterwards.

The SDK's own transport reads lines of any length, and a long one costs it time that grows with the square.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process, SubprocessStreamProtocol
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.shared.message import SessionMessage

_PATIENCE_S = 1.0  # between closing its input and killing it


@asynccontextmanager
async def run_program(
    command: Path, args: tuple[str, ...], env: dict[str, str], max_bytes: int
) -> AsyncIterator[tuple[Any, Any]]:
    """Run the program with exactly this environment and yield streams as the SDK's ClientSession takes them.

    A line over `max_bytes` ends the connection. Raises OSError when the program cannot be started.
    """
    loop = asyncio.get_running_loop()
    # As create_subprocess_exec does, but with the transport in hand, so that it can be closed.
    transport, protocol = await loop.subprocess_exec(
        lambda: SubprocessStreamProtocol(limit=max_bytes, loop=loop),
        str(command),
        *args,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **env},
        start_new_session=True,
    )
    process = Process(transport, protocol, loop)
    assert process.stdin is not None and process.stdout is not None
    inward_end, inward = anyio.create_memory_object_stream[Any](0)
    outward, outward_end = anyio.create_memory_object_stream[Any](0)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_read, process.stdout, inward_end)
            group.start_soon(_write, outward_end, process.stdin)
            yield inward, outward
            group.cancel_scope.cancel()
    finally:
        try:
            with anyio.CancelScope(shield=True):
                await _end(process)
        finally:
            # It closes itself only once the end of the output was read, which nobody does any more.
            transport.close()


async def _read(stdout: asyncio.StreamReader, inward: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
    from mcp.shared.message import SessionMessage  # noqa: PLC0415 - heavy, see mcp_connection.py
    from mcp.types import JSONRPCMessage  # noqa: PLC0415 - the same

    async with inward:
        while True:
            try:
                line = await stdout.readline()
            except ValueError:  # over the limit
                return
            if not line:
                return
            try:
                message = SessionMessage(JSONRPCMessage.model_validate_json(line))
            except ValueError:
                continue  # what a program prints beside its messages
            await inward.send(message)


async def _write(outward: MemoryObjectReceiveStream[SessionMessage], stdin: asyncio.StreamWriter) -> None:
    async with outward:
        async for message in outward:
            text = message.message.model_dump_json(by_alias=True, exclude_none=True)
            try:
                stdin.write(text.encode() + b"\n")
                await stdin.drain()
            except ConnectionError:
                return


async def _end(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await process.wait()
    except TimeoutError:
        pass
    finally:  # also when a second cancellation cuts the patience short
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
