"""The first administrator's link: good once, for a while, and only as long as there is nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from assistant.errors import LinkUsed, PasswordUnusable
from assistant.people import setup_link, users
from assistant.people.users import User
from assistant.secret_file import Secrets

PASSWORD = "correct horse battery"


def _token(engine: Engine, secrets: Secrets) -> str:
    token = setup_link.issue(engine, secrets, 1)
    assert token is not None
    return token


def test_it_makes_one_administrator(engine: Engine, secrets: Secrets) -> None:
    token = _token(engine, secrets)
    assert setup_link.redeem(engine, secrets, token, "Ann", PASSWORD, 10).is_admin
    with pytest.raises(LinkUsed):
        setup_link.redeem(engine, secrets, token, "Eve", PASSWORD, 10)
    assert setup_link.issue(engine, secrets, 1) is None


def test_it_makes_one_administrator_however_many_ask_at_once(engine: Engine, secrets: Secrets) -> None:
    token = _token(engine, secrets)

    def redeem(number: int) -> bool:
        try:
            setup_link.redeem(engine, secrets, token, f"user {number}", PASSWORD, 10)
        except LinkUsed:
            return False
        return True

    with ThreadPoolExecutor(6) as together:
        assert sum(together.map(redeem, range(6))) == 1
    assert len(users.everybody(engine)) == 1


def test_a_refused_password_leaves_it_good(engine: Engine, secrets: Secrets) -> None:
    token = _token(engine, secrets)
    with pytest.raises(PasswordUnusable):
        setup_link.redeem(engine, secrets, token, "Ann", "short", 10)
    assert setup_link.redeem(engine, secrets, token, "Ann", PASSWORD, 10)


def test_a_newer_link_voids_the_older(engine: Engine, secrets: Secrets) -> None:
    older, newer = _token(engine, secrets), _token(engine, secrets)
    with pytest.raises(LinkUsed):
        setup_link.redeem(engine, secrets, older, "Eve", PASSWORD, 10)
    assert setup_link.redeem(engine, secrets, newer, "Ann", PASSWORD, 10)


def test_it_gets_old(engine: Engine, secrets: Secrets) -> None:
    token = setup_link.issue(engine, secrets, 0)
    assert token is not None
    with pytest.raises(LinkUsed):
        setup_link.redeem(engine, secrets, token, "Ann", PASSWORD, 10)


def test_it_is_no_way_in_once_somebody_is_there(engine: Engine, secrets: Secrets) -> None:
    token = _token(engine, secrets)
    users.add(engine, "Ann", PASSWORD, True, [], 10)
    with pytest.raises(LinkUsed):
        setup_link.redeem(engine, secrets, token, "Eve", PASSWORD, 10)


@pytest.mark.parametrize("token", ["", "set_", "set_' OR 1=1 --", "x" * 10_000, "\ud800"])
def test_guesses_are_refused(engine: Engine, secrets: Secrets, admin: User, token: str) -> None:
    with pytest.raises(LinkUsed):
        setup_link.redeem(engine, secrets, token, "Eve", PASSWORD, 10)
