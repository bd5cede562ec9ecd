"""python -m assistant.models.vllm --data-dir DIR --config FILE [--python P] [--host H] [--port P]."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from assistant.models.errors import ModelError
from assistant.models.vllm.client import KEY_FILE
from assistant.models.vllm.deployment import read
from assistant.models.vllm.launch import serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="assistant models serve-vllm", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--python", type=Path, default=Path(".venv-vllm/bin/python"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        deployment = read(given.config)
        print(f"Starting vLLM with {deployment.served_name}; a minute or more. Then set, for the assistant:")
        print(f"  ASSISTANT_MODELS__VLLM_URL=http://{given.host}:{given.port}/v1")
        print(f"On another machine also ASSISTANT_MODELS__VLLM_API_KEY, from {given.data_dir / KEY_FILE}.", flush=True)
        serve(deployment, given.data_dir, given.python, given.host, given.port)
    except (ModelError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
