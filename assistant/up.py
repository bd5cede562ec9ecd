"""`assistant up`: API, ingestion worker and pages as child processes, restarted when they die, ended together."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# A process that dies again within this time is restarted ever later, so that a broken one does not spin.
STEADY_S = 30.0
LONGEST_PAUSE_S = 30.0
# Both cores first do what a question waits for; a document that waits in the queue can wait for this long.
WORKER_AFTER_S = 15.0


@dataclass
class Child:
    """One process that has to be up, and what is known of its restarts."""

    name: str
    command: list[str]
    log: Path
    after_s: float = 0.0  # how much later than the others it starts
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0  # monotonic seconds
    pause_s: float = 0.5
    restart_at: float = 0.0
    restarts: int = 0

    def start(self) -> None:
        """Start the process in a group of its own, with its output in its log file."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        self.started = time.monotonic()

    def tend(self, now: float, say: Callable[[str], None]) -> None:
        """Restart the process if it has died, later each time it dies young."""
        if self.process is None:
            if now >= self.restart_at:
                self.start()
            return
        status = self.process.poll()
        if status is None:
            return
        self.pause_s = 0.5 if now - self.started > STEADY_S else min(self.pause_s * 2, LONGEST_PAUSE_S)
        self.restart_at, self.process, self.restarts = now + self.pause_s, None, self.restarts + 1
        say(f"{self.name} ended with status {status}; it starts again in {self.pause_s:.0f} s. Its log: {self.log}")

    def end(self) -> None:
        """Ask the process to stop."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)


@dataclass
class Supervisor:
    """Keeps children running until told to stop."""

    children: list[Child]
    say: Callable[[str], None]
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, when_up: Callable[[], bool]) -> None:
        """Start everything, call `when_up` until it says True once, and tend the children until `stopping` is set."""
        for child in self.children:
            child.restart_at = time.monotonic() + child.after_s
        announced = False
        while not self.stopping.is_set():
            for child in self.children:
                child.tend(time.monotonic(), self.say)
            announced = announced or when_up()
            self.stopping.wait(0.2)
        self.end()

    def end(self, grace_s: float = 20.0) -> None:
        """Stop all children, the ones that do not listen by force after `grace_s` seconds."""
        for child in self.children:
            child.end()
        deadline = time.monotonic() + grace_s
        for child in self.children:
            if child.process is not None:
                try:
                    child.process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    child.process.kill()
                    child.process.wait()


def children(data_dir: Path, host: str, port: int, ui_host: str, ui_port: int) -> list[Child]:
    """Return the processes of a whole installation on one machine."""
    logs = data_dir / "logs"

    def child(name: str, *arguments: str, after_s: float = 0.0) -> Child:
        return Child(name, [sys.executable, "-m", *arguments], logs / f"{name}.log", after_s)

    folder = ("--data-dir", str(data_dir))
    return [
        child("api", "assistant.serve", *folder, "--host", host, "--port", str(port)),
        child("worker", "assistant.work", *folder, after_s=WORKER_AFTER_S),
        child("ui", "ui", "--api", f"http://{host}:{port}", "--host", ui_host, "--port", str(ui_port)),
    ]
