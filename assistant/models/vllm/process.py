"""The vLLM process: started in a session of its own, gone with us, ended with all its workers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from assistant.children import ends_with_us

GRACE_S = 10.0


class VllmProcess:
    """A started vLLM server."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log_file: Path) -> None:
        """Start it; it answers a minute or more later. Raises OSError when it cannot be started."""
        self.log_file = log_file
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(
                ends_with_us(command),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Return the process id, which is that of its group too."""
        return self._process.pid

    def status(self) -> int | None:
        """Return the exit status, None while the process runs."""
        return self._process.poll()

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End the process and its workers, by force after `grace_s` seconds."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
