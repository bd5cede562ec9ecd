"""The SQL tables of people: accounts, groups, sessions, keys, and what sign-in remembers of failures.

Passwords, session tokens and API keys are stored as hashes only. Times are seconds since the epoch.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, String, Table, Text

from knowledge.tables import RowId, metadata

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(80), nullable=False),
    Column(
        "name_key", String(160), nullable=False, unique=True
    ),  # normalised and case-folded: two names never look alike
    Column("password_hash", Text, nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),  # false: suspended; every credential is refused at once
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)

groups = Table(
    "groups",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("created_at", Float, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("group_name", ForeignKey("groups.name", ondelete="CASCADE"), primary_key=True, index=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(80), nullable=False),
    Column("prefix", String(16), nullable=False),  # the first characters, so that people can tell their keys apart
    Column("created_at", Float, nullable=False),
    Column("last_used_at", Float),  # to the minute: not every request writes
)

setup_links = Table(
    "setup_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
)

# Failed sign-ins of the last minutes. Addresses are stored as keyed hashes.
failed_logins = Table(
    "failed_logins",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name_hash", String(64), nullable=False),
    Column("address_hash", String(64), nullable=False),
    Column("at", Float, nullable=False, index=True),
)
Index("ix_failed_logins_name_hash_address_hash", failed_logins.c.name_hash, failed_logins.c.address_hash)

# From where a user has signed in before: strangers' failures do not count there.
known_addresses = Table(
    "known_addresses",
    metadata,
    Column("name_hash", String(64), primary_key=True),
    Column("address_hash", String(64), primary_key=True),
    Column("last_at", Float, nullable=False),
)
