"""What a contract says, as frozen values that the rest of the city reads."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum, StrEnum
from functools import cached_property
from operator import itemgetter

import pyarrow as pa


class Delivery(StrEnum):
    """How a dataset's deliveries add up."""

    APPEND = "append"
    SNAPSHOT = "snapshot"
    UPSERT = "upsert"


class Classification(IntEnum):
    """Who may see a value, from everyone to almost no one."""

    PUBLIC = 0
    INTERNAL = 1
    PERSONAL = 2
    SENSITIVE = 3

    @property
    def label(self) -> str:
        """The word a contract uses."""
        return self.name.lower()


class Kind(StrEnum):
    """The logical type of a column."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    JSON = "json"
    GEOMETRY = "geometry"


@dataclass(frozen=True)
class Reference:
    """A column whose values must exist in a column of another dataset."""

    dataset: str
    column: str


@dataclass(frozen=True)
class Bounds:
    """A box in the coordinates of a column's CRS."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True)
class Column:
    """One column: its name here and in the file, its type and its rules.

    ``format`` is a date pattern such as ``yyyyMMdd``; ``None`` means ISO 8601. ``minimum`` and
    ``maximum`` are the texts or numbers of the contract, compared in the column's own type.
    ``h3_resolution`` and ``has_box`` ask for columns that are filled from a geometry. ``mask`` says
    what those see of the column who may not see it as it is.
    """

    name: str
    source_name: str
    kind: Kind
    title: str = ""
    description: str = ""
    required: bool = False
    unique: bool = False
    key_position: int | None = None
    classification: Classification = Classification.SENSITIVE
    format: str | None = None
    timezone: bool = False
    decimal: tuple[int, int] | None = None
    geometry_type: str | None = None
    trim: bool = False
    enum: tuple[str, ...] = ()
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: str | float | None = None
    maximum: str | float | None = None
    exclusive_minimum: str | float | None = None
    exclusive_maximum: str | float | None = None
    reference: Reference | None = None
    unit: str | None = None
    crs: str = "EPSG:4326"
    bounds: Bounds | None = None
    h3_resolution: int | None = None
    has_box: bool = False
    special_purpose: str | None = None
    mask: str = "hide"

    @property
    def arrow_type(self) -> pa.DataType:
        """The type in which the lake stores the column."""
        if self.kind is Kind.NUMBER and self.decimal:
            return pa.decimal128(*self.decimal)
        if self.kind is Kind.TIMESTAMP:
            return pa.timestamp("us", tz="UTC" if self.timezone else None)
        return _ARROW_TYPES[self.kind]


_ARROW_TYPES: dict[Kind, pa.DataType] = {
    Kind.STRING: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
    Kind.TIME: pa.string(),
    Kind.JSON: pa.string(),
    Kind.GEOMETRY: pa.binary(),
}


@dataclass(frozen=True)
class RowRule:
    """A condition over several columns of one row, in SQL; null counts as met."""

    name: str
    condition: str
    description: str = ""


@dataclass(frozen=True)
class Files:
    """Where deliveries lie and how they are written.

    ``path`` is a glob relative to the city; ``None`` means the dataset's usual place,
    its folder in ``inbox/`` and the files there that bear its name. ``sheet`` and ``header`` (the
    number of a row, from 1) are for spreadsheets, ``layer`` for geodata of several layers; ``crs``
    is that of the delivered geometries, for files that do not say.
    """

    path: str | None = None
    format: str | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    sheet: str | None = None
    header: int | None = None
    layer: str | None = None
    crs: str | None = None


@dataclass(frozen=True)
class Contract:
    """One dataset's contract.

    ``columns`` are those that a delivery or a function gives; ``filled`` are computed from them.
    ``grows`` marks a derived dataset whose rows are only ever added, so that only what is new is
    computed. ``origin`` is the file it came from; ``digest`` identifies its text. ``doubts`` counts
    what a draft left for a person to settle.
    """

    dataset: str
    columns: tuple[Column, ...]
    version: str = ""
    title: str = ""
    description: str = ""
    owner: str = ""
    domain: str = ""
    delivery: Delivery = Delivery.APPEND
    purposes: tuple[str, ...] = ()
    retention: timedelta | None = None
    retention_column: str | None = None
    frequency: timedelta | None = None
    grows: bool = False
    rules: tuple[RowRule, ...] = ()
    files: Files = field(default_factory=Files)
    origin: str = ""
    digest: str = ""
    is_draft: bool = False
    doubts: int = 0
    filled: tuple[Column, ...] = ()

    @cached_property
    def key(self) -> tuple[Column, ...]:
        """The columns of the primary key, in their order; empty where there is none."""
        placed = [(c.key_position, c) for c in self.columns if c.key_position is not None]
        return tuple(column for _, column in sorted(placed, key=itemgetter(0)))

    @cached_property
    def crs(self) -> dict[str, str]:
        """The CRS of each column of geometries."""
        return {column.name: column.crs for column in self.columns if column.kind is Kind.GEOMETRY}

    @cached_property
    def uniques(self) -> tuple[tuple[Column, ...], ...]:
        """Every set of columns whose values must differ from row to row, the key first."""
        singles = [(column,) for column in self.columns if column.unique and (column,) != self.key]
        return ((self.key,) if self.key else ()) + tuple(singles)

    @cached_property
    def references(self) -> tuple[Column, ...]:
        """The columns that point into another dataset."""
        return tuple(column for column in self.columns if column.reference)

    @cached_property
    def classification(self) -> Classification:
        """The strictest classification among the columns."""
        return max(column.classification for column in self.columns)

    @cached_property
    def stored(self) -> tuple[Column, ...]:
        """Every column of the dataset, the filled ones last."""
        return self.columns + self.filled

    @cached_property
    def schema(self) -> pa.Schema:
        """The dataset's columns as the lake stores them."""
        return pa.schema([(column.name, column.arrow_type) for column in self.stored])

    @cached_property
    def given(self) -> pa.Schema:
        """The columns that a delivery or a function gives, without those that are filled."""
        return pa.schema([(column.name, column.arrow_type) for column in self.columns])

    def column(self, name: str) -> Column:
        """The column of that name; raises ``KeyError`` where there is none."""
        for column in self.stored:
            if column.name == name:
                return column
        raise KeyError(name)
