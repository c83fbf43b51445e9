"""One release: from the statement to tables that passed the audit, and the account of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.errors import UsageError
from cityloom.policy import Principal
from cityloom.release.attack import Reach, audit
from cityloom.release.cells import Cells, Flags, Floats, Level, cells_of
from cityloom.release.protect import protect, weights
from cityloom.release.risk import numbers, risk
from cityloom.release.rounding import chances, rounded
from cityloom.release.statement import (
    FOLDER,
    LEVEL,
    STATUS,
    Statement,
    check_against,
    read_statement,
)
from cityloom.release.tally import ROWS, Tally, tally
from cityloom.secret import city_secret

if TYPE_CHECKING:
    from cityloom.city import City

Figures = dict[str, Floats]


@dataclass(frozen=True)
class Release:
    """A table that may leave the city, and the report of how it came about."""

    name: str
    table: pa.Table
    report: dict[str, Any]


@dataclass(frozen=True)
class _Guarded:
    """What may be shown of each cell, which are suppressed, and what the report says of it."""

    figures: Figures
    suppressed: Flags
    account: dict[str, Any]


def release(city: "City", name: str, principal: Principal) -> Release:
    """What a release of a city shows, read for a principal and the stated purpose.

    Raises:
        AccessRefused: policy does not permit the read.
        UsageError: the statement is wrong, or the audit or the budget does not let the table go.
    """
    statement = read_statement(city.path, name)
    contract = city.contract(statement.dataset)
    check_against(statement, contract, f"{FOLDER}/{name}.yaml")
    version = city.kept(statement.dataset).latest_version()
    rows = city.read(statement.dataset, principal, statement.purpose)
    found = tally(rows, statement, city.readers_scratch)
    cells = cells_of(statement.chains, found.levels, found.frame, found.level)
    if statement.noise:
        guarded = _with_noise(city, name, cells, found, statement, principal)
    else:
        guarded = _with_suppression(name, cells, found, statement)
    secret = city_secret(city.path)
    table = _table(found, statement, _rounded(guarded.figures, found, statement, secret), guarded)
    report = {
        "release": name,
        "title": statement.title,
        "dataset": statement.dataset,
        "version": version,
        "classification": contract.classification.label,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": principal.name,
        "statement": statement.model_dump(mode="json"),
        **_cells_account(cells, guarded.figures[ROWS], guarded.suppressed),
        **guarded.account,
    }
    return Release(name, table, report)


def _with_suppression(name: str, cells: Cells, found: Tally, statement: Statement) -> _Guarded:
    """Exact figures, those suppressed that would tell too much."""
    unsafe = risk(cells, found.frame, statement)
    weight = weights(cells, numbers(found.frame, ROWS))
    done = protect(cells, unsafe.quantities, unsafe.primary, weight)
    reaches = [
        audit(quantity, done.suppressed, reach.witnesses)
        for quantity, reach in zip(unsafe.quantities, done.reaches, strict=True)
    ]
    _refuse_what_is_short(name, reaches)
    account = {
        "primary": {rule: int(flags.sum()) for rule, flags in unsafe.by_rule.items()},
        "secondary": int((done.suppressed & ~unsafe.primary).sum()),
        "method": done.method,
        "audit": {"passed": True, "figures": [_audited(reach) for reach in reaches]},
    }
    figures = {ROWS: numbers(found.frame, ROWS)}
    for column in found.frame.column_names:
        if column.startswith(("sum_", "count_distinct_")):
            figures[column] = numbers(found.frame, column)
    return _Guarded(figures, done.suppressed, account)


def _with_noise(
    city: "City", name: str, cells: Cells, found: Tally, statement: Statement, principal: Principal
) -> _Guarded:
    """Counts with noise; what is below the minimum with noise is not shown."""
    from cityloom.release.noise import noisy, spend

    assert statement.noise
    left = spend(city.path, name, statement.dataset, statement.noise, principal.name)
    counts = noisy(cells, numbers(found.frame, ROWS), statement.noise)
    account = {
        "method": "discrete Laplace noise (OpenDP)",
        "noise": {
            "epsilon": statement.noise.epsilon,
            "left_of_budget": left,
            "protects": f"{statement.noise.most} rows of a contributor"
            if statement.contributor
            else "a row",
        },
    }
    return _Guarded({ROWS: counts}, counts < statement.minimum, account)


def _refuse_what_is_short(name: str, reaches: list[Reach]) -> None:
    for reach in reaches:
        if short := int(np.logical_or(*reach.short()).sum()):
            raise UsageError(
                f"{FOLDER}/{name}.yaml: {reach.quantity.name}: an attacker could work out "
                f"{short:,} cells too closely; nothing was published. Group coarser or list fewer "
                "totals"
            )


def _audited(reach: Reach) -> dict[str, Any]:
    """How many cells of one figure the audit sought; how wide each is open would tell its value."""
    sought = (reach.quantity.below > 0) | (reach.quantity.above > 0)
    return {"figure": reach.quantity.name, "cells": int(sought.sum())}


def _cells_account(cells: Cells, rows: Floats, suppressed: Flags) -> dict[str, Any]:
    """How many cells there are and are shown, and what is lost."""
    levels = [
        {
            "level": level_name(level, cells.chains),
            "cells": int((cells.level == place).sum()),
            "suppressed": int(suppressed[cells.level == place].sum()),
        }
        for place, level in enumerate(cells.levels)
    ]
    return {
        "cells": len(cells),
        "published": int((~suppressed).sum()),
        "suppressed": int(suppressed.sum()),
        "loss": {
            "cells": round(float(suppressed.mean()) if len(cells) else 0.0, 4),
            "rows_of_the_finest_table": _rows_lost(cells, rows, suppressed),
        },
        "levels": levels,
    }


def _rows_lost(cells: Cells, rows: Floats, suppressed: Flags) -> float | None:
    """The share of rows that the finest published cells leave out; none where it would tell more.

    It can be worked out where the grand total is published, and gives that away where it is not.
    """
    grand = [place for place, level in enumerate(cells.levels) if not level]
    total = np.isin(cells.level, grand)
    if not total.any() or suppressed[total].any():
        return None
    lost = rows[(cells.level == 0) & suppressed].sum() / rows[total].sum()
    return round(min(max(float(lost), 0.0), 1.0), 4)


def level_name(level: Level, chains: tuple[Level, ...]) -> str:
    """The finest columns of a level, as in ``district_code × kind``; ``total`` for none."""
    finest = (next((c for c in chain if c in level), None) for chain in chains)
    return " × ".join(filter(None, finest)) or "total"


def _rounded(figures: Figures, found: Tally, statement: Statement, secret: bytes) -> Figures:
    if statement.round is None:
        return figures
    return {
        figure: rounded(value, statement.round, chances(secret, statement.dataset, figure, found))
        for figure, value in figures.items()
    }


def _table(found: Tally, statement: Statement, figures: Figures, guarded: _Guarded) -> pa.Table:
    """The release: level, categories, figures and status of each cell; suppressed ones are null."""
    names = [level_name(level, statement.chains) for level in found.levels]
    hidden = guarded.suppressed
    shown = {
        measure.name: _shown(measure.what, measure.column, figures, hidden)
        for measure in statement.measures
    }
    table = pa.table(
        {
            LEVEL: pa.array(np.array(names, dtype=object)[found.level], pa.string()),
            **{name: found.frame.column(name) for name in statement.columns},
            **shown,
            STATUS: pa.array(np.where(hidden, "suppressed", "published"), pa.string()),
            "_place": found.level,
        }
    )
    keys = [("_place", "ascending"), *((name, "ascending") for name in statement.columns)]
    order = pc.sort_indices(table, sort_keys=keys)
    return table.take(order).drop_columns("_place")


def _shown(what: str, column: str, figures: Figures, hidden: Flags) -> pa.Array:
    """A figure of each cell, in its type."""
    if what == "count":
        return pa.array(figures[ROWS].astype(np.int64), pa.int64(), mask=hidden)
    if what == "count_distinct":
        return pa.array(figures[f"count_distinct_{column}"].astype(np.int64), mask=hidden)
    total = figures[f"sum_{column}"]
    if what == "sum":
        return pa.array(total, pa.float64(), mask=hidden)
    rows = figures[ROWS]
    mean = np.divide(total, rows, out=np.zeros(len(rows)), where=rows > 0)
    return pa.array(mean, pa.float64(), mask=hidden | (rows <= 0))
