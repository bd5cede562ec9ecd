"""Sign-in: guessers are slowed down, and nobody else is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from assistant.errors import TooManyAttempts, WrongPassword
from assistant.people import users
from assistant.people.sign_in import Throttle, sign_in
from assistant.people.users import User
from assistant.secret_file import Secrets

PASSWORD = "correct horse battery"
LIMIT = Throttle(failures=3, window_s=900.0)


def _guess(engine: Engine, secrets: Secrets, name: str, address: str, limit: Throttle = LIMIT) -> str:
    try:
        sign_in(engine, secrets, name, "a wrong password", address, limit)
    except TooManyAttempts as error:
        assert error.retry_after_s >= 1
        return "refused"
    except WrongPassword:
        return "evaluated"
    return "in"


def test_it_lets_in_whoever_knows_the_password(engine: Engine, secrets: Secrets, ben: User) -> None:
    assert sign_in(engine, secrets, " BEN ", PASSWORD, "10.0.0.1", LIMIT).id == ben.id


@pytest.mark.parametrize("name", ["Ben", "Nobody", "", "\ud800", "' OR 1=1 --", "x" * 10_000])
def test_it_tells_nobody_whether_a_name_exists(engine: Engine, secrets: Secrets, ben: User, name: str) -> None:
    with pytest.raises(WrongPassword) as refused:
        sign_in(engine, secrets, name, "a wrong password", "10.0.0.1", LIMIT)
    assert str(refused.value) == "Name and password do not belong together."


def test_a_suspended_user_is_a_wrong_password(engine: Engine, secrets: Secrets, ben: User) -> None:
    users.change(engine, ben.id, active=False, min_password_chars=10)
    with pytest.raises(WrongPassword):
        sign_in(engine, secrets, "Ben", PASSWORD, "10.0.0.1", LIMIT)


def test_of_many_guesses_from_ever_new_addresses_ten_are_evaluated(engine: Engine, secrets: Secrets, ben: User) -> None:
    fates = [_guess(engine, secrets, "Ben", f"203.0.113.{number}", Throttle(10, 900.0)) for number in range(40)]
    assert fates.count("evaluated") == 10 and fates.count("refused") == 30


def test_guesses_at_the_same_moment_count_each(engine: Engine, secrets: Secrets, ben: User) -> None:
    with ThreadPoolExecutor(8) as together:
        fates = list(together.map(lambda _: _guess(engine, secrets, "Ben", "203.0.113.9"), range(20)))
    assert fates.count("evaluated") == 3


def test_another_user_gets_in_from_the_very_address_of_the_guesser(
    engine: Engine, secrets: Secrets, admin: User, ben: User
) -> None:
    for _ in range(6):
        _guess(engine, secrets, "Ben", "203.0.113.9")
    assert sign_in(engine, secrets, "Ann", PASSWORD, "203.0.113.9", LIMIT).id == admin.id


def test_the_victim_still_gets_in_from_where_they_usually_are(engine: Engine, secrets: Secrets, ben: User) -> None:
    sign_in(engine, secrets, "Ben", PASSWORD, "10.0.0.1", LIMIT)
    for number in range(6):
        _guess(engine, secrets, "Ben", f"203.0.113.{number}")
    assert sign_in(engine, secrets, "Ben", PASSWORD, "10.0.0.1", LIMIT).id == ben.id
    with pytest.raises(TooManyAttempts):
        sign_in(engine, secrets, "Ben", PASSWORD, "10.0.0.2", LIMIT)


def test_a_known_address_has_a_bucket_of_its_own_that_fills_too(engine: Engine, secrets: Secrets, ben: User) -> None:
    sign_in(engine, secrets, "Ben", PASSWORD, "10.0.0.1", LIMIT)
    fates = [_guess(engine, secrets, "Ben", "10.0.0.1") for _ in range(6)]
    assert fates.count("evaluated") == 3


def test_a_success_forgives_earlier_failures_there(engine: Engine, secrets: Secrets, ben: User) -> None:
    for _ in range(2):
        _guess(engine, secrets, "Ben", "10.0.0.1")
    sign_in(engine, secrets, "Ben", PASSWORD, "10.0.0.1", LIMIT)
    assert _guess(engine, secrets, "Ben", "10.0.0.1") == "evaluated"


@pytest.mark.parametrize(("window_s", "told"), [(900.0, "in 15 minutes."), (100.0, r"in (100|\d\d) seconds\.")])
def test_it_says_when_to_try_again(engine: Engine, secrets: Secrets, ben: User, window_s: float, told: str) -> None:
    limit = Throttle(failures=1, window_s=window_s)
    _guess(engine, secrets, "Ben", "10.0.0.1", limit)
    with pytest.raises(TooManyAttempts, match=told):
        sign_in(engine, secrets, "Ben", PASSWORD, "10.0.0.1", limit)


def test_failures_are_forgotten_after_the_window(engine: Engine, secrets: Secrets, ben: User) -> None:
    short = Throttle(failures=2, window_s=1e-6)
    assert [_guess(engine, secrets, "Ben", "10.0.0.1", short) for _ in range(5)] == ["evaluated"] * 5
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM failed_logins")).scalar() == 1


def test_no_name_or_address_is_kept(engine: Engine, secrets: Secrets, ben: User) -> None:
    _guess(engine, secrets, "Ben", "203.0.113.9")
    with engine.connect() as connection:
        kept = str(connection.execute(text("SELECT * FROM failed_logins")).all())
    assert "203.0.113" not in kept and "ben" not in kept.lower()
