"""Sessions and API keys: hashed at rest, each kind only as itself, dead at once when their user is."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from assistant.people import credentials, groups, setup_link, users
from assistant.people.users import User
from assistant.secret_file import Secrets


def test_a_token_says_who_it_is_and_what_they_may_read(engine: Engine, secrets: Secrets, ben: User) -> None:
    groups.add(engine, "hr")
    groups.add(engine, "it")
    users.change(engine, ben.id, group_names=["hr", "it"], min_password_chars=10)
    found = credentials.authenticate(engine, secrets, credentials.open_session(engine, secrets, ben.id, 1))
    assert found is not None and found.caller.user_id == ben.id and not found.caller.is_admin
    assert found.caller.scope.principals == {"everyone", "public", f"user:{ben.id}", "group:hr", "group:it"}
    assert not found.caller.scope.sees_all and found.caller.credential == "session"


def test_no_token_is_in_the_database(engine: Engine, secrets: Secrets, ben: User) -> None:
    session = credentials.open_session(engine, secrets, ben.id, 1)
    key, secret = credentials.add_key(engine, secrets, ben.id, "script")
    with engine.connect() as connection:
        dump = "".join(
            str(connection.execute(text(f"SELECT * FROM {table}")).all()) for table in ("sessions", "api_keys")
        )
    assert session not in dump and secret not in dump and secret[8:] not in dump
    assert key.prefix == secret[:8] and credentials.keys_of(engine, ben.id) == [key]


@pytest.mark.parametrize("change", ["suspend", "delete", "demote"])
def test_what_happens_to_a_user_happens_to_all_their_tokens_at_once(
    engine: Engine, secrets: Secrets, admin: User, ben: User, change: str
) -> None:
    users.change(engine, ben.id, is_admin=True, min_password_chars=10)
    tokens = [
        credentials.open_session(engine, secrets, ben.id, 1),
        credentials.add_key(engine, secrets, ben.id, "k")[1],
    ]
    held = [credentials.authenticate(engine, secrets, token) for token in tokens]
    ids = {found.id for found in held if found}
    assert credentials.still_good(engine, ids) == ids and len(ids) == 2
    if change == "suspend":
        users.change(engine, ben.id, active=False, min_password_chars=10)
    elif change == "delete":
        users.remove(engine, ben.id)
    else:
        users.change(engine, ben.id, is_admin=False, min_password_chars=10)
    found = [credentials.authenticate(engine, secrets, token) for token in tokens]
    if change == "demote":
        assert all(entry and not entry.caller.is_admin and not entry.caller.scope.sees_all for entry in found)
    else:
        assert found == [None, None] and credentials.still_good(engine, ids) == set()


def test_a_session_ends_when_its_time_is_over(engine: Engine, secrets: Secrets, ben: User) -> None:
    assert credentials.authenticate(engine, secrets, credentials.open_session(engine, secrets, ben.id, 0)) is None


def test_a_closed_session_is_over(engine: Engine, secrets: Secrets, ben: User) -> None:
    token = credentials.open_session(engine, secrets, ben.id, 1)
    found = credentials.authenticate(engine, secrets, token)
    assert found is not None
    credentials.close_session(engine, found.id)
    assert credentials.authenticate(engine, secrets, token) is None


def test_a_key_is_removed_by_its_owner_only(engine: Engine, secrets: Secrets, admin: User, ben: User) -> None:
    key, secret = credentials.add_key(engine, secrets, ben.id, "script")
    assert not credentials.remove_key(engine, admin.id, key.id)
    assert credentials.authenticate(engine, secrets, secret)
    assert credentials.remove_key(engine, ben.id, key.id)
    assert credentials.authenticate(engine, secrets, secret) is None


def test_a_key_remembers_when_it_was_used(engine: Engine, secrets: Secrets, ben: User) -> None:
    _, secret = credentials.add_key(engine, secrets, ben.id, "script")
    credentials.authenticate(engine, secrets, secret)
    assert credentials.keys_of(engine, ben.id)[0].last_used_at is not None


def test_one_kind_of_token_is_never_taken_for_another(engine: Engine, secrets: Secrets) -> None:
    setup = setup_link.issue(engine, secrets, 1)
    assert setup is not None
    ann = setup_link.redeem(engine, secrets, setup, "Ann", "correct horse battery", 10)
    session = credentials.open_session(engine, secrets, ann.id, 1)
    _, key = credentials.add_key(engine, secrets, ann.id, "k")
    swapped = [
        "key_" + session[4:],
        "ses_" + key[4:],
        "set_" + session[4:],
        setup,
        secrets.local,
        session[4:],
        key.upper(),
    ]
    for token in (*swapped, session + " ", session[:-1], "", "ses_", "key_", "x" * 10_000, secrets.digest(session)):
        assert credentials.authenticate(engine, secrets, token) is None, token


@pytest.mark.parametrize(
    "payload",
    ["' OR '1'='1", "'; DROP TABLE users; --", "' UNION SELECT * FROM users --", "%", "_", "\x00", "\ud800", "é"],
)
def test_sql_in_a_token_is_just_a_wrong_token(engine: Engine, secrets: Secrets, ben: User, payload: str) -> None:
    for prefix in ("", "ses_", "key_"):
        assert credentials.authenticate(engine, secrets, prefix + payload) is None
    assert users.get(engine, ben.id) is not None
