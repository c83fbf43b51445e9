"""Which datasets have tiles, what of them tiles show, and by which recipe."""

from hashlib import sha256
from importlib.metadata import version

from cityloom.contract import Column, Contract, Kind
from cityloom.policy import is_open

RECIPE = 2
"""To be raised whenever the same rows give other tiles than before."""


def is_drawn(contract: Contract) -> bool:
    """Whether a dataset has tiles: it has a geometry and anyone may read it."""
    return is_open(contract.classification) and geometry_of(contract) is not None


def geometry_of(contract: Contract) -> Column | None:
    """The column that a dataset is drawn by: its first geometry."""
    return next((column for column in contract.columns if column.kind is Kind.GEOMETRY), None)


def shown_columns(contract: Contract) -> list[Column]:
    """The columns that tiles carry: those that anyone here may read, but no geometry or JSON."""
    unseen = (Kind.GEOMETRY, Kind.JSON)
    return [c for c in contract.columns if is_open(c.classification) and c.kind not in unseen]


def recipe_of(contract: Contract) -> str:
    """What, beside the rows, decides the bytes of a dataset's tiles."""
    said = f"{RECIPE}/{version('duckdb')}/{version('pyproj')}/{contract.digest}"
    return sha256(said.encode()).hexdigest()[:16]
