"""The first administrator: made by whoever holds the one-time link that `assistant up` prints."""

from __future__ import annotations

import secrets as random

from sqlalchemy import Engine, delete, insert, select

from assistant.errors import LinkUsed
from assistant.people import passwords
from assistant.people.tables import setup_links, users
from assistant.people.users import User, any_exist, insert_user
from assistant.secret_file import Secrets
from knowledge.database import now, reading

TOKEN_PREFIX = "set_"  # noqa: S105 - a kind of token, not one


def issue(engine: Engine, secrets: Secrets, hours: float) -> str | None:
    """Return a new setup token, after which older ones are void; None when there are users already."""
    if any_exist(engine):
        return None
    token = TOKEN_PREFIX + random.token_urlsafe(32)
    with engine.begin() as connection:
        moment = now(connection)
        connection.execute(delete(setup_links))
        row = {"token_hash": secrets.digest(token), "created_at": moment, "expires_at": moment + hours * 3_600}
        connection.execute(insert(setup_links), row)
    return token


def redeem(engine: Engine, secrets: Secrets, token: str, name: str, password: str, min_password_chars: int) -> User:
    """Return the first administrator, made in exchange for the token, which is void afterwards.

    Raises LinkUsed (unknown, too old, used, or there are users already), NameUnusable or PasswordUnusable; the last two
    leave the token good.
    """
    if not _is_good(engine, secrets, token):  # before the costly hashing
        raise _used()
    hashed = passwords.hashed(passwords.checked(password, name, min_password_chars))
    with engine.begin() as connection:
        # Deleting first takes the row's lock: of two who redeem one link at the same moment, the second finds nothing.
        live = setup_links.c.expires_at > now(connection)
        gone = connection.execute(delete(setup_links).where(setup_links.c.token_hash == secrets.digest(token), live))
        if gone.rowcount != 1 or connection.execute(select(users.c.id).limit(1)).first() is not None:
            raise _used()
        return insert_user(connection, name, hashed, is_admin=True)


def _is_good(engine: Engine, secrets: Secrets, token: str) -> bool:
    with reading(engine) as connection:
        good = setup_links.c.token_hash == secrets.digest(token), setup_links.c.expires_at > now(connection)
        return connection.execute(select(setup_links.c.token_hash).where(*good)).first() is not None


def _used() -> LinkUsed:
    return LinkUsed("This setup link was used or is too old; start the assistant again to get a new one, or sign in.")
