"""where a chunk goes on to another page.

Chunks that are there keep the page on which they begin; replacing a document tells the others.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.add_column("chunks", sa.Column("page_breaks", sa.Text(), server_default="", nullable=False))
