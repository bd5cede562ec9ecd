"""What `assistant up` prints: where the page is as soon as it opens, then that the language model answers.

It lives in the supervisor, which stays small: nothing outside the standard library.
"""

from __future__ import annotations

import json
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from assistant.up import Child

_BOLD, _DIM = "1", "2"  # as terminals number them


class Announcement:
    """Looks at what is up and prints what is new."""

    def __init__(self, data_dir: Path, api: Child, page: str) -> None:
        """Announce the API that `api` runs on `data_dir`, and the address `page`."""
        self._data_dir, self._api, self._page = data_dir, api, page
        self._opened = False

    def __call__(self) -> bool:
        """Look, print what is new; True when there will be nothing more to say."""
        url = self._address()
        if url is None or not _answers(f"{url}/livez"):
            return False
        if not self._opened and _answers(f"{self._page}/"):
            self._open(url)
        if not self._opened or not _answers(f"{url}/readyz"):
            return False
        say("  The language model answers now.")
        return True

    def _address(self) -> str | None:
        """Return where our API listens; None until it has said so."""
        try:
            entry = json.loads(_content(self._data_dir / "run" / "server.json") or "{}")
        except ValueError:  # it is being written
            return None
        mine = self._api.process is not None and entry.get("pid") == self._api.process.pid
        return str(entry["url"]) if mine else None

    def _open(self, url: str) -> None:
        self._opened = True
        say(f"\n  Inhouse is open:  {self._page}\n", _BOLD)
        token = _content(self._data_dir / "run" / "setup-token")
        if token:
            say("  First time here? This link makes you the administrator, once:")
            say(f"  {self._page}/?setup={token.strip()}\n")
        say(f"  API: {url}/v1", _DIM)
        say(f"  Documents, records and logs: {self._data_dir}", _DIM)
        say("  Ctrl-C ends everything.", _DIM)
        say("  The language model is being made ready; until then answers quote passages.", _DIM)


def say(text: str, style: str = "") -> None:
    """Print `text` at once, on a terminal in bold or dim where `style` says so."""
    print(f"\x1b[{style}m{text}\x1b[0m" if style and sys.stdout.isatty() else text, flush=True)


def _content(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except OSError:
        return None


def _answers(url: str) -> bool:
    """Return whether `url` answers that all is well, or where else to look, within two seconds."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=2.0)
    try:
        connection.request("GET", parts.path)
        return 200 <= connection.getresponse().status < 400
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
