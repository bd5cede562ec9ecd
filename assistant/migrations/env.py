"""Run by Alembic: upgrades on the connection that assistant/database.py opened, in its one transaction."""

from __future__ import annotations

from alembic import context

import assistant.tables  # noqa: F401 - declares its tables on the shared metadata
from knowledge.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite can, when the driver does not interfere
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
