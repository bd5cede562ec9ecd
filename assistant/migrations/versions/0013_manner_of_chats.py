"""what somebody set about sampling in one of their chats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.add_column("conversations", sa.Column("manner", sa.Text(), server_default="", nullable=False))
