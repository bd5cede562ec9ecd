"""`assistant up` as a process of little memory, which imports nothing but the standard library.

python -m assistant.supervise --data-dir DIR --host HOST --port PORT --ui-port PORT; ends cleanly on SIGTERM and Ctrl-C.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from assistant.announcement import Announcement, say
from assistant.data_folder import make_writable
from assistant.errors import AssistantError
from assistant.listen import bind
from assistant.up import Supervisor, children


def main(arguments: list[str] | None = None) -> int:
    """Keep everything up until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="assistant up", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ui-port", type=int, required=True)
    given = parser.parse_args(arguments)
    try:
        make_writable(given.data_dir)
        # A child that finds its port taken would be started again for ever.
        bind(given.host, given.port).close()
        bind(given.host, given.ui_port, "--ui-port").close()
    except AssistantError as error:
        print(error, file=sys.stderr)
        return 1
    processes = children(given.data_dir, given.host, given.port, given.host, given.ui_port)
    supervisor = Supervisor(processes, say)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stopping.set())
    say("Starting ...", "2")
    supervisor.run(Announcement(given.data_dir, processes[0], f"http://{given.host}:{given.ui_port}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
