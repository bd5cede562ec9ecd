"""Accounts, groups and keys."""

from __future__ import annotations

from ui.wire.base import Epoch, Wire


class User(Wire):
    """An account."""

    id: str
    name: str
    is_admin: bool = False
    groups: tuple[str, ...] = ()
    active: bool = True
    prompt_author: bool = False  # told of oneself alone


class Group(Wire):
    """A named set of people."""

    name: str
    members: int | None = None  # None: the API did not count


class Key(Wire):
    """An API key, without its secret except right after its creation."""

    id: str
    name: str = ""
    prefix: str = ""
    user: str = ""  # name of the owner, where the API lists keys of several people
    created_at: Epoch | None = None
    last_used_at: Epoch | None = None
    secret: str | None = None  # only in the answer to its creation


class Session(Wire):
    """A sign-in that worked."""

    token: str
    user: User
