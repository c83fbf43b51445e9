"""Rows that policy granted → the figures of every cell, computed by the engine in one pass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis import _

from cityloom.errors import UsageError
from cityloom.release.cells import Ints, Level, levels_of
from cityloom.release.statement import Statement
from cityloom.sql import connect

ROWS, PEOPLE = "_rows", "_people"
_WHO, _SIZE, _RANK = "_who", "_size", "_rank"

MOST_CELLS = 1_000_000
"""Cells that a release has at most."""


@dataclass(frozen=True)
class Tally:
    """The figures of every cell, all levels below one another, the finest first.

    ``frame`` has the columns of the finest level, null where a level has them not; ``_rows``, how
    many rows, and ``_people``, how many contributors there are; ``sum_X`` for each column that is
    summed, ``count_distinct_X``; and of each sum's contributors, by their absolute shares,
    ``total_X``, ``first_X`` and ``second_X`` (the largest two), ``top_X`` (the ``n`` largest of the
    dominance rule) and ``lowest_X``, the least. ``level`` is the place of each row's level.
    """

    levels: tuple[Level, ...]
    frame: pa.Table
    level: Ints


def tally(rows: pa.RecordBatchReader, statement: Statement, scratch: Path) -> Tally:
    """The figures of every cell of a release.

    Rows with null in a column of ``by`` are a category of their own. A contributor is a value of
    the statement's column, null being one; where it names none, each row is one.

    Raises:
        UsageError: there are too many cells.
    """
    connection = connect(scratch)
    try:
        connection.register("granted", rows)
        backend = ibis.duckdb.from_connection(connection)
        shares = _shares(backend.table("granted"), statement)
        shares = backend.create_table("shares", shares, temp=True)
        levels = levels_of(statement.chains, statement.totals)
        parts = list(_parts(shares, statement, levels))
    finally:
        connection.close()
    counts = [len(part) for part in parts]
    return Tally(levels, pa.concat_tables(parts), np.repeat(np.arange(len(levels)), counts))


def _parts(shares: ir.Table, statement: Statement, levels: Sequence[Level]) -> Iterator[pa.Table]:
    """The cells of each level, in one schema."""
    left = MOST_CELLS
    for level in levels:
        found = _level(shares, statement, level).limit(left + 1).to_pyarrow()
        left -= len(found)
        if left < 0:
            raise UsageError(
                f"more than {MOST_CELLS:,} cells; leave out a column of by, or list fewer totals"
            )
        yield found


def _shares(rows: ir.Table, statement: Statement) -> ir.Table:
    """What each contributor has in each cell of the finest level, or each row where none is named.

    What is counted apart stays apart.
    """
    who = rows[statement.contributor] if statement.contributor else ibis.row_number()
    wanted = rows.select(
        *statement.columns,
        **{_WHO: who},
        **{f"distinct_{name}": rows[name] for name in statement.distincts},
        **{f"sum_{name}": rows[name] for name in statement.sums},
    )
    if statement.contributor is None:
        return wanted.mutate(**{ROWS: ibis.literal(1, "int64")})
    kept = _most(wanted, statement.noise.most) if statement.noise else wanted
    keys = [name for name in wanted.columns if not name.startswith("sum_")]
    sums = {f"sum_{name}": kept[f"sum_{name}"].sum() for name in statement.sums}
    return kept.group_by(keys).agg(**{ROWS: _.count()}, **sums)


def _most(rows: ir.Table, most: int) -> ir.Table:
    """At most so many rows of each contributor."""
    ranked = rows.mutate(**{_RANK: ibis.row_number().over(group_by=_WHO, order_by=_WHO)})
    return ranked.filter(ranked[_RANK] < most).drop(_RANK)


def _level(shares: ir.Table, statement: Statement, level: Level) -> ir.Table:
    """The cells of one level that hold anything."""
    figures = {
        ROWS: shares[ROWS].sum(),
        PEOPLE: _distinct(shares[_WHO]) if statement.contributor else shares.count(),
        **{f"count_distinct_{n}": shares[f"distinct_{n}"].nunique() for n in statement.distincts},
        **{f"sum_{name}": shares[f"sum_{name}"].sum() for name in statement.sums},
    }
    found = _grouped(shares, level, figures).filter(_[ROWS] > 0)
    for name in statement.sums:
        found = _beside(found, _largest(shares, statement, level, name), level)
    if statement.shows_every_combination:
        found = _with_zeros(found, shares, statement, level)
    types = shares.schema()
    return found.select(
        **{n: found[n] if n in level else ibis.null(types[n]) for n in statement.columns},
        **{n: found[n] for n in found.columns if n not in statement.columns},
    )


def _with_zeros(found: ir.Table, shares: ir.Table, statement: Statement, level: Level) -> ir.Table:
    """The cells of a level and, with zeros, all combinations of categories that hold nothing."""
    if not level:
        return found
    own = [[c for c in chain if c in level] for chain in statement.chains]
    grid, *others = [shares.select(*columns).distinct() for columns in own if columns]
    for other in others:
        grid = grid.cross_join(other)
    renamed = found.rename({f"_other_{name}": name for name in level})
    same = [grid[name].identical_to(renamed[f"_other_{name}"]) for name in level]
    joined = grid.left_join(renamed, same).drop(*(f"_other_{name}" for name in level))
    return joined.mutate(**{n: joined[n].fill_null(0) for n in joined.columns if n not in level})


def _largest(shares: ir.Table, statement: Statement, level: Level, name: str) -> ir.Table:
    """What the largest contributors to a sum have in it, by cell."""
    first = statement.dominance.n if statement.dominance else 1
    own = {_SIZE: shares[f"sum_{name}"].sum().fill_null(0).cast("float64")}
    sized = _grouped(shares, (*level, _WHO), own)
    sized = sized.mutate(**{_SIZE: _[_SIZE].abs(), "_signed": _[_SIZE]})
    rank = ibis.row_number().over(group_by=list(level), order_by=ibis.desc(_SIZE))
    ranked = sized.mutate(**{_RANK: rank})
    return _grouped(
        ranked,
        level,
        {
            f"total_{name}": ranked[_SIZE].sum(),
            f"first_{name}": ranked[_SIZE].sum(where=ranked[_RANK] == 0).fill_null(0),
            f"second_{name}": ranked[_SIZE].sum(where=ranked[_RANK] == 1).fill_null(0),
            f"top_{name}": ranked[_SIZE].sum(where=ranked[_RANK] < first).fill_null(0),
            f"lowest_{name}": ranked["_signed"].min(),
        },
    )


def _grouped(table: ir.Table, level: Level, figures: dict[str, ir.Value]) -> ir.Table:
    return table.group_by(list(level)).agg(**figures) if level else table.aggregate(**figures)


def _beside(left: ir.Table, right: ir.Table, level: Level) -> ir.Table:
    """Two tables of the same cells side by side; null is a category like others."""
    renamed = right.rename({f"_other_{name}": name for name in level})
    same = [left[name].identical_to(renamed[f"_other_{name}"]) for name in level]
    joined = left.inner_join(renamed, same) if level else left.cross_join(renamed)
    return joined.drop(*(f"_other_{name}" for name in level))


def _distinct(who: ir.Column) -> ir.IntegerValue:
    """How many contributors there are; null is one."""
    return who.nunique() + who.isnull().any().cast("int64").fill_null(0)
