"""Passwords: hashed with argon2id, never stored, logged or compared in any other way."""

from __future__ import annotations

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from assistant.errors import PasswordUnusable
from assistant.people.names import name_key

MAX_CHARACTERS = 256  # hashing is linear in the length: a megabyte of password would be an attack

# OWASP's password storage cheat sheet (2025): argon2id with 19 MiB, two passes, one lane. About 25 ms on one core, and
# small enough that a burst of sign-ins does not press the language model out of memory.
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

# Checked when there is no such user, so that the answer takes as long as for one who exists.
_NOBODY = _HASHER.hash("nobody has this password")

_COMMON = frozenset(
    [
        "0123456789",
        "12345678910",
        "1234567890",
        "1q2w3e4r5t",
        "abcdefghij",
        "adminadmin",
        "administrator",
        "assistant1",
        "changeme123",
        "iloveyou11",
        "inhouse123",
        "letmein123",
        "passw0rd123",
        "password",
        "password12",
        "password123",
        "passwort",
        "qwerty12345",
        "qwertyuiop",
        "welcome123",
    ]
)


def checked(password: str, name: str, min_chars: int) -> str:
    """Return `password` if it may be somebody's; raises PasswordUnusable, which says what is wrong with it."""
    if not min_chars <= len(password) <= MAX_CHARACTERS:
        raise PasswordUnusable(
            f"A password has {min_chars} to {MAX_CHARACTERS} characters; this one has {len(password)}."
        )
    plain = name_key(password)
    if plain in _COMMON or plain == name_key(name) or len(set(plain)) < 4:
        raise PasswordUnusable("This password is easy to guess; take several words that do not belong together.")
    return password


def hashed(password: str) -> str:
    """Return the argon2id hash to be stored, with its parameters and a random salt."""
    return _HASHER.hash(password.encode("utf-8", "surrogatepass"))


def matches(password: str, stored: str | None) -> bool:
    """Return whether `password` is the one that was hashed; None (no such user) takes as long and is never a match."""
    if len(password) > MAX_CHARACTERS:
        return False
    try:
        _HASHER.verify(stored or _NOBODY, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
