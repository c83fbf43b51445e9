"""The log of runs, the fingerprints of delivered files, and the digests of data files."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("dataset", sa.String, nullable=False, index=True),
        sa.Column("version", sa.Integer),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.UniqueConstraint("dataset", "version"),
    )
    op.create_table(
        "seen_file",
        sa.Column("path", sa.String, primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String, nullable=False),
    )
    op.create_table(
        "file_digest",
        sa.Column("file", sa.String, primary_key=True),
        sa.Column("columns", sa.String, primary_key=True),
        sa.Column("digest", sa.String, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("file_digest")
    op.drop_table("seen_file")
    op.drop_table("run")
