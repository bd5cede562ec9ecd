"""Names of users and groups: what people may be called, and when two names are the same."""

from __future__ import annotations

import unicodedata

from assistant.errors import NameUnusable

NAME_CHARACTERS = 80


def clean_name(name: str, kind: str = "user") -> str:
    """Return `name` in the form that is stored: NFKC, without spaces at its ends.

    Raises NameUnusable when it is empty, longer than 80 characters, or has characters that do not print.
    """
    clean = unicodedata.normalize("NFKC", name).strip()
    if not clean or len(clean) > NAME_CHARACTERS or not clean.isprintable():
        raise NameUnusable(f"{name[:90]!r} cannot name a {kind}; use 1 to {NAME_CHARACTERS} printable characters.")
    return clean


def name_key(name: str) -> str:
    """Return what is equal for two names that people would take for the same; never fails."""
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).strip().casefold())[:160]
    return key.encode("utf-8", "replace").decode().replace("\x00", "?")  # what a database can look for
