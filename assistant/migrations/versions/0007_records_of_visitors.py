"""turn records say whether a widget's visitor asked, so that no training set takes them in unasked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema; whoever has left records and has no account is taken for a visitor."""
    with op.batch_alter_table("turn_records", schema=None) as batch_op:
        batch_op.add_column(sa.Column("visitor", sa.Boolean(), server_default=sa.false(), nullable=False))
    users = sa.table("users", sa.column("id", sa.String))
    records = sa.table("turn_records", sa.column("owner_id", sa.String), sa.column("visitor", sa.Boolean))
    strangers = records.c.owner_id.not_in(sa.select(users.c.id)) & (records.c.owner_id != "local")
    op.execute(records.update().where(strangers).values(visitor=True))
