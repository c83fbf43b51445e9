"""How far each source was pulled, and the change markers of its files."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    texts = ("shape", "begun", "pulled", "changed", "error", "mark", "tail")
    op.create_table(
        "source",
        sa.Column("name", sa.String, primary_key=True),
        *(sa.Column(name, sa.String, nullable=False) for name in texts),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_table(
        "source_file",
        sa.Column("source", sa.String, primary_key=True),
        sa.Column("file", sa.String, primary_key=True),
        sa.Column("marker", sa.String, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("source_file")
    op.drop_table("source")
