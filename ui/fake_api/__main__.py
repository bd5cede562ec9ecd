"""The stand-in with a furnished world, to try the pages without a server: python -m ui.fake_api [--port P]."""

from __future__ import annotations

import argparse
import threading

from ui.fake_api.sample import furnish
from ui.fake_api.server import serve
from ui.fake_api.world import World


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m ui.fake_api", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--new", action="store_true", help="begin without any account; the set-up token is 'first'")
    given = parser.parse_args()
    world = World(word_s=0.04, reading_s=6.0, setup_token="first" if given.new else None)
    if not given.new:
        pause, world.reading_s = world.reading_s, 0.0
        furnish(world)
        world.reading_s = pause
    with serve(world, given.port) as api:
        print(f"The stand-in listens on {api.url}; sign in as Ada with the password analytical-engine.")
        threading.Event().wait()


if __name__ == "__main__":
    main()
