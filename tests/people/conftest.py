"""People in a fresh database, and the secrets that key their tokens."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine

from assistant import secret_file
from assistant.people import passwords, users
from assistant.people.users import User
from assistant.secret_file import Secrets

PASSWORD = "correct horse battery"


@cache
def _hash() -> str:
    return passwords.hashed(PASSWORD)


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    """The secrets of the installation."""
    return secret_file.load(tmp_path)


@pytest.fixture
def admin(engine: Engine) -> User:
    """The administrator Ann."""
    with engine.begin() as connection:
        return users.insert_user(connection, "Ann", _hash(), is_admin=True)


@pytest.fixture
def ben(engine: Engine, admin: User) -> User:
    """Ben, who is nobody special."""
    with engine.begin() as connection:
        return users.insert_user(connection, "Ben", _hash(), is_admin=False)
