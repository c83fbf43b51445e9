"""Accounts, their sessions and tokens, and attempts to sign in that failed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String, nullable=False) for name in names]


def _owner() -> sa.Column[str]:
    key = sa.ForeignKey("account.name")
    return sa.Column("account", sa.String, key, nullable=False, index=True)


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("name", sa.String, primary_key=True),
        *_texts("full_name", "origin", "subject", "password"),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        *_texts("created", "password_changed"),
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.String, primary_key=True),
        _owner(),
        *_texts("begun", "used", "address", "browser"),
    )
    op.create_table(
        "token",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("digest", sa.String, nullable=False, unique=True),
        _owner(),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        *_texts("created", "expires", "used", "revoked"),
    )
    op.create_table(
        "signin_attempt",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        *_texts("newest", "until"),
    )


def downgrade() -> None:
    for table in ("signin_attempt", "token", "session", "account"):
        op.drop_table(table)
