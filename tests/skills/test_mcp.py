"""The MCP adapter against real servers of the official SDK, over both transports."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from assistant.calling.report import report
from egress.policy import Policy
from skills.entries import McpEntry
from skills.errors import BadSkill, SkillError, Unreachable
from skills.guards import CallLimits
from skills.http import GuardedHttp
from skills.mcp import McpSource
from skills.mcp_connection import Connection, over_stdio
from skills.registry import Registry
from skills.sources import Parts, from_entry
from skills.state import StateFile
from skills.types import Skill, SkillCall, SkillResult
from skills.wrap import contained
from tests.skills.conftest import ANNA

SAMPLE = Path(__file__).with_name("mcp_sample.py")


async def call(skill: Skill, **arguments: object) -> SkillResult:
    return await contained(skill).run(SkillCall(skill.name, arguments, ANNA))


def program(folder: Path, text: str = "") -> Path:
    """Return an executable file that starts the sample server, or runs `text`."""
    path = folder / "sample-server"
    path.write_text(text or f"#!/bin/sh\nexec {sys.executable} {SAMPLE} stdio\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def stdio(parts: Parts, command: Path, env: dict[str, str] | None = None, **entry: Any) -> McpSource:
    settings = parts.settings.model_copy(update={"stdio_commands": frozenset({command})})
    chosen = McpEntry(kind="mcp", name="sample", command=command, env=env or {}, **entry)
    source = from_entry(chosen, command.parent, replace(parts, settings=settings))
    assert isinstance(source, McpSource)
    return source


def by_name(skills: list[Skill]) -> dict[str, Skill]:
    return {skill.name: skill for skill in skills}


async def test_offers_and_calls_the_tools_of_a_program(parts: Parts, tmp_path: Path) -> None:
    source = stdio(parts, program(tmp_path), env={"GREETING": "hi"}, prefix="s_", reads=["add"])
    found = by_name(await source.load())
    assert set(found) == {"s_add", "s_fail", "s_slow", "s_die", "s_huge", "s_environment"}
    assert (await call(found["s_add"], a=2, b=3)).text == "5"
    assert found["s_add"].effect == "read" and found["s_fail"].effect == "write"
    failed = await call(found["s_fail"])
    assert failed.status == "retry" and "wrong month" in failed.text
    seen = (await call(found["s_environment"])).data
    assert seen["GREETING"] == "hi" and not {
        name for name in seen if "KEY" in name or "SECRET" in name or "TOKEN" in name
    }
    died = await call(found["s_die"])
    assert died.status == "failed" and "mcp:sample" in died.text
    assert (await call(found["s_add"], a=1, b=1)).text == "2"  # started anew
    assert (await call(found["s_huge"])).status == "failed"
    assert (await call(found["s_add"], a=4, b=4)).text == "8"
    await source.close()


@dataclass
class Running:
    url: str
    process: subprocess.Popen[bytes]


def start(port: int, variant: str = "") -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, SAMPLE, "http", str(port)],
        env={**os.environ, "SAMPLE_VARIANT": variant},
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    process.kill()
    raise AssertionError("the sample server did not start")


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = Running(f"http://127.0.0.1:{port}/mcp", start(port))
    yield found
    found.process.kill()
    found.process.wait()


def http(parts: Parts, url: str, **entry: Any) -> McpSource:
    source = from_entry(McpEntry(kind="mcp", name="web", url=url, **entry), Path(), parts)
    assert isinstance(source, McpSource)
    return source


async def test_offers_and_calls_the_tools_of_an_address(parts: Parts, running: Running) -> None:
    source = http(parts, running.url, trust_hints=True, only=["add", "fail", "slow", "huge"])
    found = by_name(await source.load())
    assert set(found) == {"add", "fail", "slow", "huge"}
    assert found["add"].effect == "read" and found["slow"].effect == "write"
    assert (await call(found["add"], a=2, b=3)).text == "5"
    assert (await call(found["add"], a="no", b=3)).status == "retry"
    results = await asyncio.gather(*(call(found["add"], a=n, b=n) for n in range(10)))
    assert [result.text for result in results] == [str(2 * n) for n in range(10)]
    await source.close()


@pytest.mark.fault
async def test_ends_calls_that_hang_or_return_too_much(parts: Parts, running: Running) -> None:
    settings = parts.settings.model_copy(update={"timeout_s": 4.0})
    source = http(replace(parts, settings=settings), running.url)
    found = by_name(await source.load())
    start_ = time.perf_counter()
    slow = await call(found["slow"], seconds=60)
    assert slow.status == "failed" and "within 4 s" in slow.text and time.perf_counter() - start_ < 40
    results = [await call(found["add"], a=1, b=1) for _ in range(3)]  # the server itself may still be busy with it
    assert results[-1].text == "2"
    await source.close()


async def test_says_at_once_that_a_server_ended_in_a_call_or_returned_too_much(parts: Parts, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start(port)
    registry = Registry(parts.state, CallLimits(20, 1_000, 10_000, 100), lambda line: None, list)
    patient = replace(parts, settings=parts.settings.model_copy(update={"timeout_s": 120.0}))
    source = http(patient, f"http://127.0.0.1:{port}/mcp", reads=["add", "die", "huge"])
    try:
        found = by_name(await registry.add(source))
        begun = time.perf_counter()
        large = await call(found["huge"])
        assert large.text == f"mcp:web returned more than {parts.settings.max_output_bytes} bytes."
        assert report(registry, "mcp:web")["problem"].endswith(large.text)
        assert (await call(found["add"], a=1, b=1)).text == "2"  # over a connection of its own
        assert report(registry, "mcp:web")["ok"]
        died = await call(found["die"])
        assert (died.status, died.text) == ("failed", "mcp:web ended the connection.")
        again = await call(found["add"], a=1, b=1)
        assert again.status == "failed" and "cannot be reached" in again.text
        assert not report(registry, "mcp:web")["ok"]
        process.wait()
        assert time.perf_counter() - begun < 100, "somebody waited for an answer that could not come"
        process = start(port)
        assert (await call(found["add"], a=1, b=1)).text == "2" and report(registry, "mcp:web")["ok"]
    finally:
        process.kill()
        process.wait()
        await registry.close()


async def test_refuses_an_address_inside_the_network(parts: Parts, running: Running) -> None:
    closed = replace(parts, http=GuardedHttp(Policy()), policy=Policy())
    for url in (running.url, "http://169.254.169.254/mcp", "http://10.0.0.1:8000/mcp"):
        with pytest.raises(Unreachable):
            await http(closed, url).load()


REFUSED = [
    ("/bin/sh", ("-c", "id"), {}),
    ("/bin/bash", ("-c", "touch {marker}"), {}),
    ("/usr/bin/env", ("touch", "{marker}"), {}),
    ("/usr/bin/npx", ("-y", "evil"), {}),
    ("npx", ("-y", "evil"), {}),
    ("sh", (), {}),
    ("./sample-server", (), {}),
    ("{folder}/../sample-server", (), {}),
    ("{folder}/other", (), {}),
    ("{folder}/sample-server", (), {"LD_PRELOAD": "/tmp/x.so"}),
    ("{folder}/sample-server", (), {"ld_preload": "/tmp/x.so"}),
    ("{folder}/sample-server", (), {"LD_LIBRARY_PATH": "/tmp"}),
    ("{folder}/sample-server", (), {"PATH": "/tmp"}),
    ("{folder}/sample-server", (), {"PYTHONSTARTUP": "/tmp/x.py"}),
    ("{folder}/sample-server", (), {"PYTHONPATH": "/tmp"}),
    ("{folder}/sample-server", (), {"NODE_OPTIONS": "--require /tmp/x.js"}),
    ("{folder}/sample-server", (), {"BASH_ENV": "/tmp/x"}),
    ("{folder}/sample-server", (), {"GIT_SSH_COMMAND": "touch {marker}"}),
    ("{folder}/sample-server", (), {"PERL5OPT": "-Mx"}),
    ("{folder}", (), {}),
    ("{folder}/plain.txt", (), {}),
]


@pytest.mark.parametrize(("command", "args", "env"), REFUSED)
async def test_starts_no_program_that_was_not_named_whole(
    command: str, args: tuple[str, ...], env: dict[str, str], tmp_path: Path, parts: Parts
) -> None:
    marker = tmp_path / "marker"
    program(tmp_path, f"#!/bin/sh\ntouch {marker}\n")
    (tmp_path / "plain.txt").write_text("x")
    path = Path(command.format(folder=tmp_path))
    allowed = {tmp_path / "sample-server"}
    if path.name in ("sh", "bash", "env", "npx", "plain.txt", tmp_path.name):
        allowed.add(path)  # refused even where somebody listed it
    filled = tuple(each.format(marker=marker) for each in args)
    with pytest.raises(BadSkill):
        over_stdio(
            path, filled, {name: value.format(marker=marker) for name, value in env.items()}, frozenset(allowed), 1_000
        )
    assert not marker.exists()


async def test_starts_no_program_unless_the_setting_names_it(tmp_path: Path, parts: Parts) -> None:
    command = program(tmp_path)
    entry = McpEntry(kind="mcp", name="x", command=command)
    with pytest.raises(BadSkill, match="stdio_commands"):
        from_entry(entry, tmp_path, parts)


@pytest.mark.parametrize(
    "text", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho not json\nsleep 600\n", "#!/bin/sh\nsleep 600\n"]
)
async def test_says_that_a_program_does_not_speak_mcp(text: str, tmp_path: Path, state: StateFile) -> None:
    command = program(tmp_path, text)
    connection = Connection("mcp:bad", over_stdio(command, (), {}, frozenset({command}), 1_000), 1.0)
    source = McpSource(McpEntry(kind="mcp", name="bad", command=command), connection, state, 1.0)
    with pytest.raises(SkillError, match="mcp:bad"):
        await source.load()
    await source.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("mcp ")]  # nothing is left of it


@pytest.mark.fault
async def test_finds_a_server_again_that_was_started_anew(parts: Parts, running: Running) -> None:
    source = http(parts, running.url, reads=["add"])
    found = by_name(await source.load())
    running.process.kill()
    running.process.wait()
    assert (await call(found["add"], a=1, b=1)).status == "failed"
    running.process = start(int(running.url.split(":")[2].split("/")[0]))
    results = [await call(found["add"], a=1, b=1) for _ in range(2)]
    assert results[-1].text == "2"
    await source.close()
