"""The local engine alone, as a process: python -m assistant.engine --data-dir DIR [--port P].

It serves the model of the settings with the adapter that is live, to any program of this machine that speaks OpenAI's
protocol and has its key. It watches nothing: what keeps it running starts it again when it ends, or after `publish`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from assistant.data_folder import make_writable
from assistant.errors import AssistantError
from assistant.listen import bind
from assistant.models.engines import key_file
from assistant.models.errors import ModelError
from assistant.models.preparing import prepare
from assistant.models.supervise import EngineSpec
from assistant.settings import load

PORT = 8200


class NoEngine(AssistantError):
    """The settings name another server."""


def main(arguments: list[str] | None = None) -> int:
    """Become the engine; returns the exit status when there is none to become."""
    parser = argparse.ArgumentParser(prog="assistant engine", description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args(arguments)
    try:
        settings = load(data_dir=given.data_dir)
        if url := settings.models.url:
            raise NoEngine(f"ASSISTANT_MODELS__MODEL names a server, {url}, so there is no engine to run. Unset it.")
        bind("127.0.0.1", given.port).close()  # a port that is taken is told before seconds of loading
        make_writable(settings.data_dir)
        spec, key = prepare(settings.data_dir, settings.models), key_file(settings.data_dir / "run")
    except (AssistantError, ModelError) as error:
        print(error, file=sys.stderr)
        return 1
    return _become(spec, given.port, key)


def _become(spec: EngineSpec, port: int, key: Path) -> NoReturn:
    served = f"{spec.name} with adapter {spec.adapter}" if spec.adapter else spec.name
    print(
        f"Serving {served} at http://127.0.0.1:{port}/v1 in some seconds; Ctrl-C ends it. For an assistant, set\n"
        f"  ASSISTANT_MODELS__MODEL=http://127.0.0.1:{port}/v1\n"
        f"  ASSISTANT_MODELS__MODEL_API_KEY to what is in {key}",
        file=sys.stderr,
        flush=True,
    )
    command = spec.command(port, key)
    command.remove("--with-parent")  # it is nobody's child
    os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main())
