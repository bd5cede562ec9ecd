"""The log of calls: one JSON object a line, in a file that is set aside when it grows large."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from skills.wrap import AuditLine

MAX_BYTES = 50_000_000  # then the file becomes <name>.1, replacing an older one
_TAIL_BYTES = 1_000_000
# Kept of one argument, and of all of a call's: more would let one person's calls push everybody's out of the file.
_ARGUMENT_CHARS, _CALL_CHARS = 2_000, 10_000


class AuditFile:
    """Appends calls to `path` and reads the latest ones back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()

    def __call__(self, line: AuditLine) -> None:
        """Append a call; what of its arguments is long is cut, and said to be."""
        line = replace(line, arguments=_cut(line.arguments))
        text = json.dumps(asdict(line), ensure_ascii=False, default=str).encode("utf-8", "backslashreplace") + b"\n"
        with self._writing:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size + len(text) > MAX_BYTES:
                self._path.replace(self._path.with_name(self._path.name + ".1"))
            with self._path.open("ab") as file:
                file.write(text)

    def latest(self, limit: int) -> list[dict[str, Any]]:
        """Return the latest calls, newest first, at most `limit` and at most those in the last megabyte."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(max(0, self._path.stat().st_size - _TAIL_BYTES))
            lines = file.read().splitlines()[-limit - 1 :]
        found = []
        for line in reversed(lines):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # the first line of the tail may be half a line, and a power cut may leave another
        return found[:limit]


def _cut(arguments: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    left = _CALL_CHARS
    for number, (name, value) in enumerate(arguments.items()):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        more = len(text) - _ARGUMENT_CHARS
        left -= len(name) + min(len(text), _ARGUMENT_CHARS)
        if left < 0:
            kept["..."] = f"[cut: {len(arguments) - number} more arguments]"
            break
        kept[name] = value if more <= 0 else f"{text[:_ARGUMENT_CHARS]}[cut: {more} more characters]"
    return kept
