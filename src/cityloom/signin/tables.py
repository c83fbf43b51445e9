"""The tables of the store for sign-in."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, String, Table

from cityloom.store import metadata

ACCOUNTS = Table(
    "account",
    metadata,
    Column("name", String, primary_key=True),
    Column("full_name", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("password", String, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created", String, nullable=False),
    Column("password_changed", String, nullable=False),
)
SESSIONS = Table(
    "session",
    metadata,
    Column("digest", String, primary_key=True),
    Column("account", String, ForeignKey("account.name"), nullable=False, index=True),
    Column("begun", String, nullable=False),
    Column("used", String, nullable=False),
    Column("address", String, nullable=False),
    Column("browser", String, nullable=False),
)
TOKENS = Table(
    "token",
    metadata,
    Column("id", String, primary_key=True),
    Column("digest", String, nullable=False, unique=True),
    Column("account", String, ForeignKey("account.name"), nullable=False, index=True),
    Column("title", String, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created", String, nullable=False),
    Column("expires", String, nullable=False),
    Column("used", String, nullable=False),
    Column("revoked", String, nullable=False),
)
ATTEMPTS = Table(
    "signin_attempt",
    metadata,
    Column("key", String, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("newest", String, nullable=False),
    Column("until", String, nullable=False),
)
