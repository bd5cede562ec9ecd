"""Team modules in their own processes: the real child, the real sandbox."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skills.child import load
from skills.errors import BadSkill, SkillError
from skills.process import Child
from skills.python import PythonModule
from skills.types import Person, Skill, SkillCall, SkillResult
from tests.skills.conftest import ANNA

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux only"),
    pytest.mark.asyncio(loop_scope="module"),  # one process for all tests: starting one takes half a second
]

MODULE = '''
import asyncio, os
from typing import Annotated, Any
from skills import Person, SkillFailure, SkillRefusal, skill
from skills.outside import fetch, progress

print("hello from the module")

@skill
def double(n: Annotated[int, "a number"]) -> int:
    """Double a number."""
    print("doubling")
    return 2 * n

@skill
async def later(person: Person) -> str:
    """Answer a little later."""
    await asyncio.sleep(0.01)
    return person.user_id

@skill(effect="write")
def refuse() -> str:
    """Refuse."""
    raise SkillRefusal("take another")

@skill
def execute(code: str) -> Any:
    """Run code: what a broken or bought module could do."""
    names = {}
    exec(code, names)
    return names.get("r")

@skill
def ask(url: str) -> str:
    """Fetch."""
    return fetch(url, headers={"X-A": "1"}).text

@skill(long=True)
def count(to: int) -> str:
    """Count, and say how far it is."""
    import time
    for n in range(to):
        progress((n + 1) / to, f"{n + 1} of {to}")
        time.sleep(0.25)
    return fetch("https://a.example").text
'''


async def answer(asked: dict[str, Any], person: Person) -> dict[str, Any]:
    return {"status": 200, "text": f"{asked['url']} for {person.user_id}"}


def module(path: Path, **changes: Any) -> PythonModule:
    settings: dict[str, Any] = {
        "timeout_s": 15.0,
        "memory_bytes": 1_000_000_000,
        "max_output_bytes": 100_000,
        "readers": frozenset({"everyone"}),
        "fetch": answer,
    }
    return PythonModule(path, **{**settings, **changes})


class Team:
    """The loaded module with a shorter way to call it."""

    def __init__(self, source: PythonModule, skills: list[Skill]) -> None:
        self.source = source
        self.skills = {skill.name: skill for skill in skills}

    async def __call__(self, name: str, **arguments: object) -> SkillResult:
        return await self.skills[name].run(SkillCall(name, arguments, ANNA))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def team(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Team]:
    path = tmp_path_factory.mktemp("team") / "team.py"
    path.write_text(MODULE)
    source = module(path)
    yield Team(source, await source.load())
    await source.close()


async def test_offers_the_marked_functions_with_their_effects(team: Team) -> None:
    assert list(team.skills) == ["double", "later", "refuse", "execute", "ask", "count"]
    assert team.skills["double"].parameters["properties"]["n"]["description"] == "a number"
    assert team.skills["refuse"].effect == "write" and team.skills["double"].source == "python:team.py"


async def test_answers_many_calls_one_after_the_other(team: Team) -> None:
    results = [await team("double", n=n) for n in range(50)]
    assert [result.data for result in results] == [2 * n for n in range(50)]


async def test_answers_at_once_for_several_callers(team: Team) -> None:
    results = await asyncio.gather(*(team("double", n=n) for n in range(8)), team("later"))
    assert [result.data for result in results] == [0, 2, 4, 6, 8, 10, 12, 14, "anna"]


async def test_passes_on_what_the_model_can_act_on(team: Team) -> None:
    assert (await team("refuse")).text == "take another" and (await team("refuse")).status == "retry"
    assert (await team("double", n="x")).status == "retry"


async def test_fetches_only_through_the_server(team: Team) -> None:
    assert (await team("ask", url="http://a.example/")).text == "http://a.example/ for anna"
    closed = module(team.source._path, fetch=None)  # noqa: SLF001
    shut = Team(closed, await closed.load())
    result = await shut("ask", url="http://a.example/")
    assert result.status == "failed" and "hosts" in result.text
    await closed.close()


HOSTILE = [
    "import socket; socket.socket()",
    "import socket; socket.create_connection(('127.0.0.1', 80))",
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:1/')",
    "import os; os.system('touch ran'); r = os.path.exists('ran') or 1/0",
    "import subprocess; subprocess.run(['/bin/ls'])",
    "import os; os.fork()",
    "import os; os.execv('/bin/ls', ['ls'])",
    "import os; os.posix_spawn('/bin/ls', ['ls'], {})",
    "import multiprocessing as m; p = m.Process(target=print); p.start()",
    "open('/etc/passwd').read()",
    "open('/etc/shadow').read()",
    "open('/proc/self/environ').read()",
    "import os; open(f'/proc/{os.getppid()}/environ').read()",
    "import os; os.listdir('/')",
    "import os; os.listdir(os.path.expanduser('~root'))",
    "open('/tmp/written', 'w')",
    "open('../written', 'w')",
    "import os; os.symlink('/etc/passwd', 'l'); open('l').read()",
    "import os; os.link('/etc/passwd', 'l')",
    "import os; os.kill(os.getppid(), 9)",
    "import os; os.killpg(os.getpgid(os.getppid()), 9)",
    "import os, signal; signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)",
    "import ctypes; c = ctypes.CDLL(None, use_errno=True); c.ptrace(16, 1, 0, 0) == 0 or 1/0",
    "import os; os.chmod('/usr/bin/env', 0o777)",
    "import os; os.chown('/tmp', 1, 1)",
    "import os; os.utime('/usr/bin/env')",
    "import os; os.setxattr('/usr/bin/env', 'user.x', b'1')",
    "import os; os.chroot('.')",
    "import os; os.unshare(0x10000000)" if hasattr(os, "unshare") else "1/0",
    "import os; os.mkfifo('/tmp/fifo')",
    "import os; os.unlink('/usr/bin/env')",
    "import os; os.rename('/usr/bin/env', '/usr/bin/env2')",
    "import os; os.truncate('/usr/bin/env', 0)",
    "x = bytearray(2 * 10**9)",
    "f = open('big', 'wb'); [f.write(b'x' * 10**6) for _ in range(100)]",
    "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))" if os.getuid() else "1/0",
    "[open('/dev/null') for _ in range(100)]",
]


async def test_gives_hostile_code_no_file_no_network_and_no_process(team: Team) -> None:
    for code in HOSTILE:
        result = await team("execute", code=code)
        assert result.status == "failed", (code, result)
    assert not Path("/tmp/written").exists() and not Path("/tmp/fifo").exists()  # noqa: S108


async def test_lets_code_use_its_own_folder_threads_and_no_secret_of_ours(team: Team) -> None:
    scratch = "open('a', 'w').write('x'); r = open('a').read()"
    assert (await team("execute", code=scratch)).data == "x"
    thread = "import threading; t = threading.Thread(target=print); t.start(); t.join(); r = 1"
    assert (await team("execute", code=thread)).data == 1
    seen = (await team("execute", code="import os; r = dict(os.environ)")).data
    assert set(seen) == {"PATH", "LANG", "HOME", "TMPDIR"}


async def test_survives_a_skill_that_hangs(team: Team) -> None:
    quick = module(team.source._path, timeout_s=0.5)  # noqa: SLF001
    fast = Team(quick, await quick.load())
    result = await fast("execute", code="while True: pass")
    assert result.status == "failed" and "0.5 s" in result.text
    await quick.close()
    assert (await team("double", n=2)).data == 4


async def test_survives_a_skill_that_dies_returns_too_much_or_writes_nonsense(team: Team) -> None:
    assert "ended" in (await team("execute", code="import os; os._exit(3)")).text
    assert "50.0 MB" in (await team("execute", code="r = 'x' * 50_000_000")).text
    assert "MB" in (await team("execute", code="r = [[1] * 1000] * 100")).text
    assert (await team("execute", code="import sys; print('x' * 10**6); r = 1")).data == 1
    assert (await team("execute", code="raise SystemExit")).status == "failed"
    assert (await team("double", n=2)).data == 4


async def test_ends_the_process_of_a_call_that_is_cancelled(team: Team) -> None:
    task = asyncio.create_task(team("execute", code="import time; time.sleep(30)"))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await team("double", n=3)).data == 6


async def test_starts_another_process_when_one_was_killed(team: Team) -> None:
    await team("double", n=1)
    child: Child = list(team.source._idle)[-1]  # noqa: SLF001
    os.kill(child._process.pid, signal.SIGKILL)  # noqa: SLF001
    while child.alive:
        await asyncio.sleep(0.01)
    assert (await team("double", n=3)).data == 6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nosuchmodule", "ModuleNotFoundError"),
        ("def f(:", "SyntaxError"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("x = 1", "no function marked"),
        ("from skills import skill\n@skill\ndef f(): pass", "docstring"),
        (
            "from skills import skill\n@skill\ndef f():\n  'A.'\n@skill(name='f')\ndef g():\n  'B.'",
            "(?s)first.*second.*'f'",
        ),
    ],
)
async def test_says_why_a_module_cannot_be_loaded(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    with pytest.raises(SkillError, match=reason):
        load(path)


async def test_survives_a_module_that_ends_or_swells_its_process_while_it_is_read(tmp_path: Path) -> None:
    for number, (text, reason) in enumerate(
        [("import os; os._exit(0)", "ended"), ("x = 'y' * 2_000_000_000", "Memory")]
    ):
        path = tmp_path / f"bad{number}.py"
        path.write_text(text)
        with pytest.raises(BadSkill, match=reason):
            await module(path).load()


async def test_ends_a_process_that_nobody_calls_and_starts_another_for_the_next_call(tmp_path: Path) -> None:
    path = tmp_path / "team.py"
    path.write_text(MODULE)
    source = module(path, warm_s=0.2)
    team = Team(source, await source.load())
    first = next(iter(source._idle))  # noqa: SLF001
    while first.alive:  # the test's own time limit ends this
        await asyncio.sleep(0.05)
    assert (await team("double", n=3)).data == 6 and first not in source._idle  # noqa: SLF001
    await source.close()


async def test_leaves_no_folder_and_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    path = tmp_path / "team.py"
    path.write_text(MODULE)
    source = module(path)
    await source.load()
    pid = next(iter(source._idle))._process.pid  # noqa: SLF001
    assert len(list((tmp_path / "scratch").iterdir())) == 1
    await source.close()
    assert list((tmp_path / "scratch").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("cancels", [1, 2])
async def test_leaves_nothing_behind_of_a_start_that_is_cancelled(
    cancels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    path = tmp_path / "slow.py"
    path.write_text("import os, time\nos.mkdir(f'pid-{os.getpid()}')\ntime.sleep(600)")
    loading = asyncio.create_task(module(path).load())
    while not (begun := list((tmp_path / "scratch").glob("skills-*/pid-*"))):  # the test's own time limit ends this
        await asyncio.sleep(0.05)
    for _ in range(cancels):
        loading.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await loading
    process = Path("/proc", begun[0].name.removeprefix("pid-"))
    while process.exists() or list((tmp_path / "scratch").iterdir()):
        await asyncio.sleep(0.05)


async def test_a_long_skill_says_how_far_it_is_and_may_still_fetch(team: Team) -> None:
    said: list[tuple[float | None, str]] = []
    call = SkillCall("count", {"to": 2}, ANNA, report=lambda done, note: said.append((done, note)))
    result = await team.skills["count"].run(call)
    assert "a.example" in result.text and said == [(0.5, "1 of 2"), (1.0, "2 of 2")]
    assert "long" in team.skills["count"].tags and "long" not in team.skills["double"].tags
