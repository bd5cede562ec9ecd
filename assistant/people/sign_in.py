"""Signing in by name and password, slowed down for guessers without locking anybody else out.

Wrong passwords are counted per account, in two buckets of `failed_logins` each: one for each address from which that
account has signed in before, and one shared by all other addresses. A guesser with a thousand addresses (or forged
X-Forwarded-For headers) fills only the shared one; the account's owner still gets in from where they usually are, and
every other account has buckets of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from assistant.errors import TooManyAttempts, WrongPassword
from assistant.people import passwords, users
from assistant.people.names import name_key
from assistant.people.tables import failed_logins, known_addresses
from assistant.people.tables import users as users_table
from assistant.people.users import User
from assistant.secret_file import Secrets
from knowledge.database import now, reading


@dataclass(frozen=True, slots=True)
class Throttle:
    """How often sign-in may fail."""

    failures: int
    window_s: float


def sign_in(engine: Engine, secrets: Secrets, name: str, password: str, address: str, throttle: Throttle) -> User:
    """Return the user with that name and password; `address` is the client's, as far as proxies can be believed.

    Raises TooManyAttempts (before the password is looked at) or WrongPassword, which does not tell whether the name
    exists, and takes as long in either case.
    """
    who, place = secrets.digest(f"name:{name_key(name)}"), secrets.digest(f"address:{address}")
    _refuse_guessers(engine, who, place, throttle)
    with reading(engine) as connection:
        wanted = users_table.c.name_key == name_key(name), users_table.c.active
        row = connection.execute(select(users_table.c.id, users_table.c.password_hash).where(*wanted)).first()
    right = passwords.matches(password, row.password_hash if row else None)
    user = users.get(engine, row.id) if row and right else None
    if user is None:
        raise WrongPassword("Name and password do not belong together.")
    _remember(engine, who, place)
    return user


def _refuse_guessers(engine: Engine, who: str, place: str, throttle: Throttle) -> None:
    """Count this attempt as a failure, or raise TooManyAttempts; a success takes its count back.

    Counting comes before the password is looked at: a hundred attempts at the same moment are a hundred attempts.
    """
    with engine.begin() as connection:
        moment = now(connection)
        connection.execute(delete(failed_logins).where(failed_logins.c.at <= moment - throttle.window_s))
        bucket = _bucket(connection, who, place)
        times = (
            connection.execute(select(failed_logins.c.at).where(bucket).order_by(failed_logins.c.at)).scalars().all()
        )
        if len(times) < throttle.failures:
            connection.execute(insert(failed_logins), {"name_hash": who, "address_hash": place, "at": moment})
            return
        wait_s = max(1.0, times[-throttle.failures] + throttle.window_s - moment)
    wait = f"{math.ceil(wait_s / 60)} minutes" if wait_s > 120 else f"{math.ceil(wait_s)} seconds"
    raise TooManyAttempts(f"Too many wrong passwords; try again in {wait}.", wait_s)


def _bucket(connection: Connection, who: str, place: str) -> ColumnElement[bool]:
    known = select(known_addresses.c.address_hash).where(known_addresses.c.name_hash == who)
    mine = failed_logins.c.name_hash == who
    if connection.execute(known.where(known_addresses.c.address_hash == place)).first():
        return mine & (failed_logins.c.address_hash == place)
    return mine & failed_logins.c.address_hash.not_in(known)


def _remember(engine: Engine, who: str, place: str) -> None:
    pair = {"name_hash": who, "address_hash": place}
    failures = failed_logins.c.name_hash == who, failed_logins.c.address_hash == place
    known = known_addresses.c.name_hash == who, known_addresses.c.address_hash == place
    try:
        with engine.begin() as connection:
            connection.execute(delete(failed_logins).where(*failures))
            connection.execute(delete(known_addresses).where(*known))
            connection.execute(insert(known_addresses), {**pair, "last_at": now(connection)})
    except IntegrityError:  # the same user signed in twice at the same moment, and the other one remembered it
        return
