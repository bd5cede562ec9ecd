"""assistants of the gallery."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "assistants",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_key", sa.String(length=160), nullable=False),
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("setup", sa.Text(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assistants")),
        sa.UniqueConstraint("owner_id", "name_key", name=op.f("uq_assistants_owner_id_name_key")),
    )
    op.create_table(
        "assistant_readers",
        sa.Column("assistant_id", sa.String(length=32), nullable=False),
        sa.Column("principal", sa.String(length=160), nullable=False),
        sa.ForeignKeyConstraint(
            ["assistant_id"], ["assistants.id"], name=op.f("fk_assistant_readers_assistant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("assistant_id", "principal", name=op.f("pk_assistant_readers")),
    )
    with op.batch_alter_table("assistant_readers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assistant_readers_principal"), ["principal"], unique=False)

    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("assistant_id", sa.String(length=32), server_default="", nullable=False))
        batch_op.add_column(sa.Column("assistant_name", sa.String(length=80), server_default="", nullable=False))
        batch_op.add_column(sa.Column("assistant_revision", sa.Integer(), server_default="0", nullable=False))
