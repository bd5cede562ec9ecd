"""The supervisor behind `assistant up`, with real child processes."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from assistant.up import Child, Supervisor


def _child(tmp_path: Path, name: str, code: str) -> Child:
    return Child(name, [sys.executable, "-c", code], tmp_path / f"{name}.log")


def _run(supervisor: Supervisor) -> threading.Thread:
    thread = threading.Thread(target=supervisor.run, args=(lambda: True,))
    thread.start()
    return thread


def _until(condition: object, seconds: float = 20.0) -> None:
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
