"""Secrets of skills, by name: written by administrators, read by the code that sends them, shown to nobody."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

from pydantic import SecretStr

from skills.errors import UnknownSecret
from skills.state import write_whole


class Secrets:
    """A file that only its owner may read (0600). There is no way to list values, only names."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Return the names of stored secrets, sorted."""
        return sorted(self._all())

    def get(self, name: str) -> SecretStr:
        """Return a secret to send; raises UnknownSecret."""
        stored = self._all()
        if name not in stored:
            raise UnknownSecret(name)
        return SecretStr(stored[name])

    def put(self, name: str, value: str | None) -> None:
        """Store a secret, or remove it (None)."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stored = {key: kept for key, kept in self._all().items() if key != name}
            if value is not None:
                stored[name] = value
            write_whole(self._path, json.dumps(stored).encode(), 0o600)

    def values(self) -> list[str]:
        """Return the values, for taking them out of texts (wrap.redacted) and for nothing else."""
        return list(self._all().values())

    def _all(self) -> dict[str, str]:
        try:
            stored = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        return {str(key): str(value) for key, value in stored.items()}
