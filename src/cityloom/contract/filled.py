"""Columns that are filled from a geometry as rows are kept: its H3 cell and its bounding box."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from cityloom.contract.model import Column, Contract, Kind
from cityloom.errors import ContractError, UsageError

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_FINEST = 15


def filled_columns(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns that the geometries among some columns ask to have filled.

    Raises:
        ContractError: one is asked of a column that cannot have it, or has a column's name.
    """
    made = tuple(item for column in columns for item in _asked(column))
    names = {column.name.lower() for column in columns}
    for column in made:
        if column.name.lower() in names:
            raise ContractError(
                f"column '{column.name}' has the name of one that is filled from a geometry; "
                "rename it, or leave out 'h3Resolution' or 'bbox'"
            )
    return made


def check_filled(column: Column) -> None:
    """Refuse to fill what could not be filled.

    Raises:
        ContractError: see :func:`filled_columns`; or the CRS of a point with a cell is not known.
    """
    if column.has_box and column.kind is not Kind.GEOMETRY:
        raise ContractError(f"bbox is for geometries, and the column is {column.kind}")
    if column.h3_resolution is None:
        return
    if column.geometry_type != "point":
        raise ContractError(
            "h3Resolution is for points, which lie in one cell each; give the column "
            "'physicalType: POINT', or ask for its 'bbox'"
        )
    from cityloom.geo.crs import check_on_earth

    try:
        check_on_earth(column.crs)
    except UsageError as error:
        raise ContractError(f"h3Resolution: {error}") from None


def stated_resolution(value: object) -> int | None:
    """An H3 resolution as a contract states it.

    Raises:
        ContractError: it is no whole number from 0 to 15.
    """
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _FINEST:
        raise ContractError(f"h3Resolution '{value}': expected a whole number from 0 to {_FINEST}")
    return value


def filled(contract: Contract, rows: pa.Table) -> pa.Table:
    """Rows of the columns that are given, with those that are filled behind them."""
    if not contract.filled:
        return rows
    arrays = [
        array
        for column in contract.columns
        if column.h3_resolution is not None or column.has_box
        for array in _made(column, rows.column(column.name))
    ]
    for column, array in zip(contract.filled, arrays, strict=True):
        rows = rows.append_column(pa.field(column.name, column.arrow_type), array)
    return rows


def _asked(column: Column) -> Iterator[Column]:
    if column.h3_resolution is not None:
        yield _like(column, f"h3_{column.h3_resolution}", Kind.STRING,
                    f"H3 cell of resolution {column.h3_resolution}")  # fmt: skip
    if column.has_box:
        for edge in _EDGES:
            yield _like(column, edge, Kind.NUMBER, f"Bounding box, {edge}")


def _like(column: Column, ending: str, kind: Kind, what: str) -> Column:
    """A column made from a geometry, as closely held as that is."""
    name = f"{column.name}_{ending}"
    return Column(
        name=name,
        source_name=name,
        kind=kind,
        title=f"{column.title} {ending}" if column.title else "",
        description=f"{what}, filled from '{column.name}'.",
        classification=column.classification,
        special_purpose=column.special_purpose,
    )


def _made(column: Column, wkb: pa.ChunkedArray) -> Iterable[pa.Array]:
    """The arrays of a geometry's filled columns, in their order."""
    from cityloom.geo.cells import boxes, point_cells, shapes

    geometries = shapes(wkb)
    cells = column.h3_resolution
    found = [] if cells is None else [point_cells(geometries, cells, column.crs)]
    return found + (boxes(geometries) if column.has_box else [])
