"""The pages as a process: python -m ui --api URL [--host H] [--port P]."""

from __future__ import annotations

import argparse

from ui.app import serve
from ui.settings import UiSettings


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and serve."""
    defaults = UiSettings()
    parser = argparse.ArgumentParser(prog="python -m ui", description=__doc__)
    parser.add_argument("--api", default=defaults.api_url, help="address of the API (default: %(default)s)")
    parser.add_argument("--host", default=defaults.host, help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=defaults.port, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--max-upload-mb",
        type=int,
        default=defaults.max_upload_mb,
        help="largest file that they take into memory (default: %(default)s)",
    )
    given = parser.parse_args(arguments)
    serve(UiSettings(api_url=given.api, host=given.host, port=given.port, max_upload_mb=given.max_upload_mb))


if __name__ == "__main__":
    main()
