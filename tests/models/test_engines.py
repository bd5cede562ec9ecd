"""The supervision of engine processes, with the fake server as engine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from assistant.models.engines import LocalEngines
from assistant.models.errors import ModelError, ModelUnavailable, WeightsInvalid
from assistant.models.lanes import lanes
from assistant.models.openai_http import OpenAIModel, Timeouts
from assistant.models.openai_wire import LOCAL
from assistant.models.registry import Registry
from assistant.models.settings import ModelSettings
from assistant.models.supervise import EngineSpec
from assistant.models.types import ChatModel, Guesses, ModelRequest
from assistant.orchestration.prompts import Message
from assistant.types import Caller, Turn, TurnOptions
from knowledge.types import Scope

Ask = Callable[..., ModelRequest]
SPEC = EngineSpec(Path("none.gguf"), "fake", module="assistant.models.fake_server")


@dataclass
class Wanted:
    """What is to be served, changed by the tests."""

    spec: EngineSpec | ModelError = SPEC
    version: int = 0
    planned: list[int] = field(default_factory=list)

    def plan(self) -> EngineSpec:
        self.planned.append(self.version)
        if isinstance(self.spec, ModelError):
            raise self.spec
        return self.spec

    def change(self, spec: EngineSpec | ModelError) -> None:
        self.spec, self.version = spec, self.version + 1


@pytest.fixture
def wanted() -> Wanted:
    return Wanted()


@pytest.fixture
async def engines(tmp_path: Path, wanted: Wanted) -> AsyncIterator[LocalEngines]:
    made = LocalEngines(tmp_path / "run", tmp_path / "logs" / "engine.log", wanted.plan, lambda: wanted.version)
    await made.start()
    yield made
    await made.stop()


async def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.02)


def ready(engines: LocalEngines) -> bool:
    return engines.state()[0] == "ready"


def pid(tmp_path: Path) -> int:
    return int(json.loads((tmp_path / "run" / "engine.json").read_text())["pid"])


def alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):  # the first where it ends while it is read
        return False


async def said(model: ChatModel, request: ModelRequest) -> str:
    return "".join([piece.text async for piece in model.stream(request)])


def client(engines: LocalEngines) -> OpenAIModel:
    return OpenAIModel("fake", engines.locate, 8192, Timeouts(inter_token_s=60.0), LOCAL)


async def test_it_starts_an_engine_with_a_secret_key(engines: LocalEngines, tmp_path: Path, ask: Ask) -> None:
    with pytest.raises(ModelUnavailable):
        engines.locate()
    await until(lambda: ready(engines))
    key = tmp_path / "run" / "engine.key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_text()) >= 32
    assert key.read_text() not in (tmp_path / "run" / "engine.json").read_text()
    assert key.read_text() not in Path(f"/proc/{pid(tmp_path)}/cmdline").read_text()
    model = client(engines)
    assert await said(model, ask())
    await model.close()


async def test_it_starts_another_when_the_engine_is_killed(engines: LocalEngines, tmp_path: Path) -> None:
    await until(lambda: ready(engines))
    first = pid(tmp_path)
    os.kill(first, signal.SIGKILL)
    await until(lambda: not ready(engines))
    await until(lambda: ready(engines))
    assert pid(tmp_path) != first


async def test_what_an_answer_met_while_it_was_away_is_not_told_of_an_engine_that_is_back(
    engines: LocalEngines, tmp_path: Path
) -> None:
    registry = Registry(lanes(ModelSettings(), engines), engines)
    await until(lambda: ready(engines))
    asked = Turn("1", "Why?", (), Caller("u", "Ann", Scope(frozenset({"everyone"}))), TurnOptions())
    model = (await registry.choose(asked)).model
    os.kill(pid(tmp_path), signal.SIGKILL)
    await until(lambda: not ready(engines))
    with pytest.raises(ModelError):
        await said(model, ModelRequest((Message("user", "Why?"),)))
    assert registry.status()[0].failures
    await until(lambda: ready(engines))
    status = registry.status()[0]
    assert status.healthy and status.detail == engines.state()[1]


async def test_it_shows_what_guessing_brought_for_each_task_and_forgets_it_with_the_engine(
    engines: LocalEngines, wanted: Wanted
) -> None:
    registry = Registry(lanes(ModelSettings(), engines), engines)
    assert registry.status()[0].guesses == ()
    wanted.change(replace(SPEC, speculate=4))
    await until(lambda: ready(engines))
    model = client(engines)
    for task in ("grounded_answer", "grounded_answer", "condense"):
        assert await said(model, ModelRequest((Message("user", "Why?"),), task=task))
    await model.close()
    counted = (Guesses("grounded_answer", None, 2), Guesses("condense", None, 1))
    await until(lambda: registry.status()[0].guesses == counted)
    wanted.change(replace(SPEC, adapter="finance", speculate=4))
    await until(lambda: (spec := engines.spec()) is not None and spec.adapter == "finance")
    assert registry.status()[0].guesses == ()


async def test_it_ends_the_engine_with_itself(tmp_path: Path, wanted: Wanted) -> None:
    engines = LocalEngines(tmp_path / "run", tmp_path / "engine.log", wanted.plan, lambda: wanted.version)
    await engines.start()
    await until(lambda: ready(engines))
    number = pid(tmp_path)
    await engines.stop()
    assert not alive(number)
    assert not (tmp_path / "run" / "engine.json").exists()


async def test_an_engine_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from assistant.models.engines import LocalEngines\n"
        "from assistant.models.supervise import EngineSpec\n"
        "async def main():\n"
        "    folder = pathlib.Path(sys.argv[1])\n"
        "    spec = EngineSpec(folder, 'fake', module='assistant.models.fake_server')\n"
        "    await LocalEngines(folder / 'run', folder / 'log', lambda: spec, lambda: 0).start()\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    await until(lambda: (tmp_path / "run" / "engine.json").exists())
    number = pid(tmp_path)
    assert alive(number)
    parent.kill()
    parent.wait()
    await until(lambda: not alive(number))


async def test_a_change_of_adapter_fails_no_request(
    engines: LocalEngines, wanted: Wanted, tmp_path: Path, ask: Ask
) -> None:
    await until(lambda: ready(engines))
    first = pid(tmp_path)
    model, failed, asked, stop = client(engines), list[str](), 0, asyncio.Event()

    async def keep_asking() -> None:
        nonlocal asked
        while not stop.is_set():
            try:
                assert await said(model, ask())
            except ModelError as exc:
                failed.append(str(exc))
                await asyncio.sleep(0.1)  # what is nowhere is told without waiting
            asked += 1

    askers = [asyncio.create_task(keep_asking()) for _ in range(4)]
    wanted.change(replace(SPEC, adapter="finance"))
    try:
        await until(lambda: (spec := engines.spec()) is not None and spec.adapter == "finance")
        await until(lambda: not alive(first))
    finally:
        stop.set()
        await asyncio.gather(*askers)
        await model.close()
    assert not failed and asked > 20
    assert "finance" in engines.state()[1]


@pytest.mark.parametrize(
    "broken", [WeightsInvalid("the tensors are NaN"), replace(SPEC, module="assistant.models.no_such_module")]
)
async def test_an_adapter_that_cannot_be_served_leaves_the_old_one_serving(
    broken: EngineSpec | ModelError, engines: LocalEngines, wanted: Wanted, tmp_path: Path, ask: Ask
) -> None:
    await until(lambda: ready(engines))
    first = pid(tmp_path)
    wanted.change(broken)
    await until(lambda: len(wanted.planned) >= 2)
    await asyncio.sleep(1.0)
    assert ready(engines) and pid(tmp_path) == first
    model = client(engines)
    assert await said(model, ask())
    await model.close()
    await until(lambda: "NaN" in engines.state()[1] or "did not come up" in engines.state()[1])


async def test_it_says_why_there_is_no_engine(tmp_path: Path) -> None:
    wanted = Wanted(WeightsInvalid("The embedded model is not installed."))
    engines = LocalEngines(tmp_path / "run", tmp_path / "log", wanted.plan, lambda: wanted.version)
    await engines.start()
    await until(lambda: engines.state()[0] == "failed")
    assert engines.state()[1] == "The embedded model is not installed."
    with pytest.raises(ModelUnavailable, match="not installed"):
        engines.locate()
    await engines.stop()
