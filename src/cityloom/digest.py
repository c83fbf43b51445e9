"""A digest of a dataset's content, independent of the order and the files of its rows.

The sum, modulo 2**128, of the MD5 of each row written as JSON. Data files never change, so a file's
part of the sum is computed once and remembered.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
from sqlalchemy import Column, Engine, String, Table, select

from cityloom.store import insert_new, metadata

PARTS = Table(
    "file_digest",
    metadata,
    Column("file", String, primary_key=True),
    Column("columns", String, primary_key=True),
    Column("digest", String, nullable=False),
)

_MODULUS = 1 << 128


class Digests:
    """Digests of the lake's files, remembered in the store."""

    def __init__(self, engine: Engine, scratch: Path) -> None:
        self._engine = engine
        self._scratch = scratch

    def of(self, files: Iterable[Path], schema: pa.Schema) -> str:
        """The digest of the rows in some files, in hexadecimal; only ``schema``'s columns count."""
        columns = ",".join(f"{field.name}:{field.type}" for field in schema)
        known = self._known(columns)
        total = 0
        for file in files:
            if file.name not in known:
                known[file.name] = _file_digest(file, schema, self._scratch)
                self._remember(file.name, columns, known[file.name])
            total += int(known[file.name], 16)
        return f"{total % _MODULUS:032x}"

    def _known(self, columns: str) -> dict[str, str]:
        query = select(PARTS.c.file, PARTS.c.digest).where(PARTS.c.columns == columns)
        with self._engine.connect() as connection:
            return dict(connection.execute(query).all())

    def _remember(self, file: str, columns: str, digest: str) -> None:
        with self._engine.begin() as connection:
            row = {"file": file, "columns": columns, "digest": digest}
            connection.execute(insert_new(self._engine, PARTS), row)


def _file_digest(file: Path, schema: pa.Schema, scratch: Path) -> str:
    from cityloom.damage import reading
    from cityloom.lake import scan
    from cityloom.sql import connect, quoted

    fields = ", ".join(
        f"{quoted(f.name)} := " + (f"hex({quoted(f.name)})" if pa.types.is_binary(f.type)
                                   else quoted(f.name))
        for f in schema
    )  # fmt: skip
    row = f"to_json(struct_pack({fields}))::VARCHAR"
    halves = ", ".join(
        f"coalesce(sum(md5_number_{half}({row})::HUGEINT), 0)" for half in ("upper", "lower")
    )
    query = f"SELECT {halves} FROM ({scan([file], schema)})"
    with reading([file]):
        found = connect(scratch).execute(query).fetchone()
    assert found is not None
    return f"{((int(found[0]) << 64) + int(found[1])) % _MODULUS:032x}"
