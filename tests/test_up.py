"""The supervisor behind `assistant up`, with real child processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assistant.announcement import Announcement
from assistant.up import Child, Supervisor


def _child(tmp_path: Path, name: str, code: str) -> Child:
    return Child(name, [sys.executable, "-c", code], tmp_path / f"{name}.log")


def _run(supervisor: Supervisor) -> threading.Thread:
    thread = threading.Thread(target=supervisor.run, args=(lambda: True,))
    thread.start()
    return thread


def _until(condition: object, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_it_restarts_a_child_that_was_killed(tmp_path: Path) -> None:
    said: list[str] = []
    child = _child(tmp_path, "sleeper", "import time; time.sleep(60)")
    supervisor = Supervisor([child], said.append)
    thread = _run(supervisor)
    _until(lambda: child.process is not None)
    first = child.process.pid
    os.kill(first, 9)
    _until(lambda: child.process is not None and child.process.pid != first)
    supervisor.stopping.set()
    thread.join(30)
    assert child.restarts == 1 and child.process.poll() is not None
    assert "sleeper ended with status -9" in said[0]


def test_it_restarts_a_broken_child_ever_later(tmp_path: Path) -> None:
    child = _child(tmp_path, "broken", "raise SystemExit(3)")
    pauses = []
    for moment in (0.0, 100.0, 200.0):
        child.start()
        child.process.wait()
        child.started = moment
        child.tend(moment + 1, lambda _: None)
        pauses.append(child.pause_s)
    assert pauses == [1.0, 2.0, 4.0]


def test_it_ends_children_that_do_not_listen(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    child = _child(tmp_path, "deaf", deaf)
    child.start()
    _until(lambda: "deaf" in child.log.read_text())
    Supervisor([child], lambda _: None).end(grace_s=0.3)
    assert child.process.poll() == -9


@contextmanager
def _answering(statuses: dict[str, int]) -> Iterator[str]:
    """Yield the address of a server that answers each path with its status, 503 where there is none."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802  the name that the base class looks for
            self.send_response(statuses.get(self.path, 503))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_says_where_the_page_is_and_then_that_the_model_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api = _child(tmp_path, "api", "import time; time.sleep(60)")
    statuses = {"/livez": 200}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "setup-token").write_text("secret-token\n")
    with _answering(statuses) as url:
        look = Announcement(tmp_path, api, url)
        assert not look()  # nothing runs yet
        api.start()
        (tmp_path / "run" / "server.json").write_text(json.dumps({"url": url, "pid": 1}))
        statuses["/"] = 200
        assert not look() and not capsys.readouterr().out  # the file was left by another server
        (tmp_path / "run" / "server.json").write_text(json.dumps({"url": url, "pid": api.process.pid}))
        assert not look()
        assert f"Inhouse is open:  {url}\n" in (said := capsys.readouterr().out)
        assert f"{url}/?setup=secret-token" in said and f"API: {url}/v1" in said
        assert not look() and not capsys.readouterr().out  # nothing is said twice
        statuses["/readyz"] = 200
        assert look()
        assert "language model answers now" in capsys.readouterr().out
    Supervisor([api], lambda _: None).end()


@pytest.mark.parametrize("option", ["--port", "--ui-port"])
def test_a_port_in_use_is_told_before_anything_starts(tmp_path: Path, option: str) -> None:
    with _answering({}) as url:
        taken = url.rpartition(":")[2]
        given = {"--port": "0", "--ui-port": "0", option: taken}
        command = [sys.executable, "-m", "assistant.supervise", "--data-dir", str(tmp_path), "--host", "127.0.0.1"]
        for name, value in given.items():
            command += [name, value]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
    said = f"Cannot listen on 127.0.0.1:{taken} (Address already in use). Choose another with {option}.\n"
    assert (ran.returncode, ran.stderr, ran.stdout) == (1, said, "")


def test_the_supervisor_holds_nothing_but_the_standard_library() -> None:
    code = "import sys; before = set(sys.modules); import assistant.supervise; print(*set(sys.modules) - before)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {name.split(".")[0] for name in said.split()} - set(sys.stdlib_module_names) == {"assistant"}
