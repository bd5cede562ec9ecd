"""`python -m assistant.models.local`: serve one GGUF file on loopback until the parent process ends."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from assistant.models.errors import WeightsInvalid
from assistant.models.local import server
from assistant.models.local.openvino import OpenVinoBackend, OpenVinoOptions

EXIT_BROKEN = 70  # sysexits.h EX_SOFTWARE: the supervisor starts another
EXIT_WEIGHTS = 66  # EX_NOINPUT: starting again will not help
KEEP_ALIVE_S = 15  # longer than any client of ours keeps an idle connection: none is closed under a question

log = logging.getLogger("assistant.models.local")


def main(arguments: Sequence[str]) -> None:
    """Load the model, then serve; /health answers once it can be used."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if options.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    key = options.key_file.read_text("utf-8").strip()
    if len(key) < 32:
        raise SystemExit(f"The key in {options.key_file} has fewer than 32 characters.")
    name = options.name or options.model.stem
    tuning = OpenVinoOptions(
        context_tokens=options.context, max_running=options.running, speculate_tokens=options.speculate
    )  # fmt: skip
    try:
        backend = OpenVinoBackend(options.model, name, tuning)
    except WeightsInvalid as exc:
        log.error("%s", exc)
        sys.exit(EXIT_WEIGHTS)
    app = server.build(backend, key, options.running + options.waiting, _end_broken)
    log.info("serving %s from %s on port %d", name, options.model, options.port)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m assistant.models.local", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="GGUF file")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--key-file", type=Path, required=True, help="file with a bearer token of 32 characters or more"
    )
    parser.add_argument("--name", default="", help="name of the model; default: that of the file")
    parser.add_argument("--context", type=int, default=8192, help="tokens of prompt and answer together")
    parser.add_argument("--running", type=int, default=16, help="requests that are worked on at once")
    parser.add_argument("--waiting", type=int, default=32, help="requests that may wait; more are told to come back")
    parser.add_argument("--speculate", type=int, default=0, help="tokens to guess from the prompt per step; 0: none")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input is closed")
    return parser


def _end_with_parent() -> None:
    """End this process when the other end of standard input is closed, which happens however the parent dies."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


def _end_broken(exc: BaseException) -> None:
    """End this process half a second from now, so that those who wait hear of it first."""
    log.error("ending, because the backend broke: %s", exc)
    threading.Timer(0.5, os._exit, [EXIT_BROKEN]).start()


if __name__ == "__main__":
    main(sys.argv[1:])
