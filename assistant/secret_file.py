"""The installation's own secrets: made on first run, readable by their owner alone, refused when weak.

`secrets.json` holds the key of all stored token hashes. `run/local.key` lets whoever may read the data folder act as
its administrator on the command line.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import WeakSecret

SECRET_BYTES = 32
LOCAL_PREFIX = "loc_"

# Values that ship with other products, manuals and examples; an attacker tries them first. The list is compared
# without case, spaces, dashes and underscores, and also repeated to length.
_KNOWN = frozenset(
    [
        "0123456789abcdef",
        "1234567890",
        "abcdefghijklmnopqrstuvwxyz",
        "admin",
        "cafebabe",
        "change-me",
        "changeit",
        "changeme",
        "deadbeef",
        "default",
        "dev",
        "development",
        "example",
        "insecure",
        "jwtsecret",
        "letmein",
        "my-secret-key",
        "mysecret",
        "passw0rd",
        "password",
        "qwerty",
        "sample",
        "secret",
        "secret-key",
        "super-secret",
        "t0p-s3cr3t",
        "test",
        "testing",
    ]
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must never be shown, logged or sent."""

    key: bytes  # 32 bytes; keys the hashes of tokens at rest
    local: str  # the bearer token of the command line on this data folder

    def __repr__(self) -> str:
        """Return a text without the secrets, so that no log or traceback shows them."""
        return "Secrets(...)"

    def digest(self, token: str) -> str:
        """Return the keyed SHA-256 of a token, 64 hex digits: what is stored in its place."""
        return hmac.new(self.key, token.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def load(data_dir: Path, given: str | None = None) -> Secrets:
    """Return the secrets of `data_dir`, made with mode 0600 when they are missing; `given` replaces the stored key.

    Raises WeakSecret when the key is not 64 hex digits, is known to everyone, or its file is readable by others.
    """
    key = _checked(given, "ASSISTANT_SECRET") if given is not None else _stored(data_dir / "secrets.json")
    return Secrets(key, _local(data_dir / "run" / "local.key"))


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, durably and in one step; its folder is made with mode 0700 when it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _stored(path: Path) -> bytes:
    if not path.exists():
        write_private(path, json.dumps({"key": secrets.token_hex(SECRET_BYTES)}))
    _refuse_open(path)
    try:
        key = json.loads(path.read_text("utf-8"))["key"]
    except (ValueError, KeyError, TypeError) as exc:
        raise WeakSecret(f"{path} is damaged; restore it from a backup, or remove it and sign in again.") from exc
    return _checked(key, str(path))


def _local(path: Path) -> str:
    if not path.exists():
        write_private(path, LOCAL_PREFIX + secrets.token_hex(SECRET_BYTES))
    _refuse_open(path)
    token = path.read_text("utf-8").strip()
    _checked(token.removeprefix(LOCAL_PREFIX), str(path))
    return token


def _refuse_open(path: Path) -> None:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise WeakSecret(f"Others may read {path}; run `chmod 600 {path}` and, if they did, remove it.")


def _checked(key: object, source: str) -> bytes:
    if not isinstance(key, str) or len(key) < 2 * SECRET_BYTES:
        raise WeakSecret(f"The secret in {source} is shorter than 64 hex digits; make one with `openssl rand -hex 32`.")
    plain = "".join(letter for letter in key.lower() if letter not in " -_")
    if any(plain.startswith(_repeated(word, len(plain))) for word in _KNOWN) or len(set(plain)) < 8:
        raise WeakSecret(f"The secret in {source} is one that everybody knows; make one with `openssl rand -hex 32`.")
    try:
        return bytes.fromhex(key)
    except ValueError:
        raise WeakSecret(f"The secret in {source} is not hexadecimal; make one with `openssl rand -hex 32`.") from None


def _repeated(word: str, length: int) -> str:
    plain = "".join(letter for letter in word if letter not in "-_")
    return (plain * (length // len(plain) + 1))[:length]
