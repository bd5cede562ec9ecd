"""Bearer tokens: sessions and API keys. A token's first letters say its kind, and each kind is looked up only as such.

Tokens are 256 random bits and stored as keyed hashes. Whether their user is active, an administrator, and in which
groups is read anew for every request, so suspension and demotion hold at once for all of them.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    Table,
    bindparam,
    delete,
    insert,
    select,
    union_all,
    update,
)

from assistant.people.names import clean_name
from assistant.people.tables import api_keys, memberships, sessions, users
from assistant.people.users import User
from assistant.secret_file import Secrets
from assistant.types import Caller
from knowledge.database import now, reading
from knowledge.types import EVERYONE, PUBLIC, Scope

SESSION_PREFIX = "ses_"
KEY_PREFIX = "key_"
LOCAL_ID = "local"  # stands in for a user's id when the data folder's own key is used
_TOKEN_CHARACTERS = 100  # longer ones are not ours; they are not even hashed
_USED_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Credential:
    """How somebody proved who they are, and who that makes them."""

    id: str  # of the session or key
    caller: Caller


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret."""

    id: str
    name: str
    prefix: str  # first characters of the secret
    created_at: float
    last_used_at: float | None


def caller_of(user: User, kind: Literal["session", "key", "local"]) -> Caller:
    """Return what `user` may do: read what everyone, the public, they themselves and their groups may read."""
    principals = {EVERYONE, PUBLIC, f"user:{user.id}", *(f"group:{name}" for name in user.groups)}
    return Caller(user.id, user.name, Scope(frozenset(principals), user.is_admin), user.is_admin, kind)


def local_caller() -> Caller:
    """Return the administrator that the command line acts as on its own data folder."""
    scope = Scope(frozenset({EVERYONE, PUBLIC, f"user:{LOCAL_ID}"}), sees_all=True)
    return Caller(LOCAL_ID, "local administrator", scope, is_admin=True, credential="local")


def open_session(engine: Engine, secrets: Secrets, user_id: str, session_days: float) -> str:
    """Return the token of a new session; it is shown once and cannot be read back. Old sessions are swept out."""
    token = SESSION_PREFIX + random.token_urlsafe(32)
    with engine.begin() as connection:
        moment = now(connection)
        connection.execute(delete(sessions).where(sessions.c.expires_at <= moment))
        row = {"id": uuid4().hex, "token_hash": secrets.digest(token), "user_id": user_id}
        connection.execute(
            insert(sessions), {**row, "created_at": moment, "expires_at": moment + session_days * 86_400}
        )
    return token


def close_session(engine: Engine, session_id: str) -> None:
    """End a session at once."""
    with engine.begin() as connection:
        connection.execute(delete(sessions).where(sessions.c.id == session_id))


def add_key(engine: Engine, secrets: Secrets, user_id: str, name: str) -> tuple[ApiKey, str]:
    """Return a new API key and its secret, which is shown once and cannot be read back. Raises NameUnusable."""
    secret = KEY_PREFIX + random.token_urlsafe(32)
    with engine.begin() as connection:
        key = ApiKey(uuid4().hex, clean_name(name, "key"), secret[:8], now(connection), None)
        row = {"id": key.id, "name": key.name, "prefix": key.prefix, "created_at": key.created_at}
        connection.execute(insert(api_keys), {**row, "user_id": user_id, "token_hash": secrets.digest(secret)})
    return key, secret


def keys_of(engine: Engine, user_id: str) -> list[ApiKey]:
    """Return the keys of one user, oldest first."""
    statement = select(api_keys).where(api_keys.c.user_id == user_id).order_by(api_keys.c.created_at, api_keys.c.id)
    with reading(engine) as connection:
        rows = connection.execute(statement).all()
    return [ApiKey(row.id, row.name, row.prefix, row.created_at, row.last_used_at) for row in rows]


def everybodys_keys(engine: Engine) -> list[tuple[str, ApiKey]]:
    """Return the keys of all users, each behind the name of its owner, oldest first."""
    statement = (
        select(api_keys, users.c.name.label("owner"))
        .join_from(api_keys, users)
        .order_by(api_keys.c.created_at, api_keys.c.id)
    )
    with reading(engine) as connection:
        rows = connection.execute(statement).all()
    return [(row.owner, ApiKey(row.id, row.name, row.prefix, row.created_at, row.last_used_at)) for row in rows]


def remove_key(engine: Engine, user_id: str | None, key_id: str) -> bool:
    """Delete a key of that user at once, or with None of whomever; False when there is no such key."""
    which = [api_keys.c.id == key_id] if user_id is None else [api_keys.c.id == key_id, api_keys.c.user_id == user_id]
    with engine.begin() as connection:
        return connection.execute(delete(api_keys).where(*which)).rowcount > 0


def authenticate(engine: Engine, secrets: Secrets, token: str) -> Credential | None:
    """Return who `token` belongs to, or None: unknown, expired, or its user suspended. Takes about 0.3 ms."""
    if len(token) > _TOKEN_CHARACTERS:
        return None
    if token.startswith(SESSION_PREFIX):
        return _owner(engine, secrets.digest(token), "session")
    if token.startswith(KEY_PREFIX):
        return _owner(engine, secrets.digest(token), "key")
    return None


def still_good(engine: Engine, credential_ids: Iterable[str]) -> set[str]:
    """Return those sessions and keys of `credential_ids` that would still be let in now."""
    wanted = sorted(set(credential_ids))
    live = select(sessions.c.id).join(users).where(sessions.c.id.in_(wanted), users.c.active)
    keys = select(api_keys.c.id).join(users).where(api_keys.c.id.in_(wanted), users.c.active)
    with reading(engine) as connection:
        statement = union_all(live.where(sessions.c.expires_at > now(connection)), keys)
        return set(connection.execute(statement).scalars())


def _owner(engine: Engine, token_hash: str, kind: Literal["session", "key"]) -> Credential | None:
    with reading(engine) as connection:
        moment = now(connection)
        rows = connection.execute(_OWNERS[kind], {"digest": token_hash, "moment": moment}).all()  # one per group or one
    if not rows:
        return None
    first = rows[0]
    if kind == "key" and (first.last_used_at is None or first.last_used_at < moment - _USED_EVERY_S):
        _note_use(engine, first.credential_id, moment)
    names = tuple(sorted(row.group_name for row in rows if row.group_name is not None))
    user = User(first.id, first.name, first.is_admin, first.active, names, first.created_at)
    return Credential(first.credential_id, caller_of(user, kind))


def _note_use(engine: Engine, key_id: str, moment: float) -> None:
    with engine.begin() as connection:
        connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=moment))


def _owners(table: Table, *more: ColumnElement[object]) -> Select[Any]:
    columns = (users, table.c.id.label("credential_id"), memberships.c.group_name)
    found = select(*columns, *more).join_from(table, users)
    found = found.outerjoin(memberships, memberships.c.user_id == users.c.id)
    return found.where(table.c.token_hash == bindparam("digest"), users.c.active)


# Made once: every request runs one of these, and putting a statement together takes three times as long as running it.
_OWNERS = {
    "session": _owners(sessions).where(sessions.c.expires_at > bindparam("moment")),
    "key": _owners(api_keys, api_keys.c.last_used_at),
}
