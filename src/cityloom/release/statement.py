"""What ``releases/NAME.yaml`` says: which table leaves, at which detail, under which protection."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from cityloom.contract import Contract, Kind
from cityloom.contract.once import OnceLoader
from cityloom.errors import ContractError, UsageError, plain
from cityloom.mistakes import first_mistake

FOLDER = "releases"
LEVEL, STATUS = "cell_level", "cell_status"
SMALLEST_CELL = 10
"""Contributors that a cell has at least, where a statement does not say how many."""

OPEN_DATA = "open data"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NUMBERS = (Kind.INTEGER, Kind.NUMBER)
_NO_CATEGORIES = (Kind.GEOMETRY, Kind.JSON)

Text = Annotated[str, StringConstraints(min_length=1)]
Levels = tuple[tuple[str, ...], ...]


def _measure(value: object) -> object:
    if value == "count":
        return {"what": "count"}
    if isinstance(value, dict) and len(value) == 1 and "what" not in value:
        [(what, column)] = value.items()
        if what in ("count_distinct", "sum", "mean") and isinstance(column, str) and column:
            return {"what": what, "column": column}
    raise ValueError("expected count, or one of count_distinct, sum, mean with a column")


def _chains(value: object) -> object:
    """One hierarchy is written as a list of columns, several as a list of those."""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return [value]
    return value


class _Stated(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Measure(_Stated):
    """A figure of each cell."""

    what: Literal["count", "count_distinct", "sum", "mean"]
    column: str = ""

    @property
    def name(self) -> str:
        """Its column in the release."""
        return f"{self.what}_{self.column}" if self.column else self.what


class Dominance(_Stated):
    """The (n, k) rule: no ``n`` contributors may make up more than ``k`` percent of a sum."""

    n: int = Field(ge=1, le=10)
    k: float = Field(gt=0, lt=100)


class Rounding(_Stated):
    """Figures become multiples of ``base``: the nearest, or one of the two beside it by chance."""

    base: int = Field(ge=2)
    how: Literal["nearest", "random"] = "random"


class Noise(_Stated):
    """Counts under differential privacy: this release's share of all that the dataset may spend.

    ``most`` is how many rows of one contributor count.
    """

    epsilon: float = Field(gt=0, allow_inf_nan=False)
    budget: float = Field(gt=0, allow_inf_nan=False)
    most: int = Field(default=1, ge=1)


class Statement(_Stated):
    """A release. ``hierarchy`` lists chains of columns, the finest first."""

    title: Text
    dataset: Text
    owner: Text
    licence: Text
    purpose: Text = OPEN_DATA
    by: tuple[Text, ...] = Field(min_length=1, max_length=6)
    measures: tuple[Annotated[Measure, BeforeValidator(_measure)], ...] = Field(min_length=1)
    hierarchy: Annotated[tuple[tuple[Text, ...], ...], BeforeValidator(_chains)] = ()
    totals: Literal["all", "none"] | tuple[tuple[Text, ...], ...] = "all"
    contributor: Text | None = None
    minimum: int = Field(default=SMALLEST_CELL, ge=2)
    zeros: Literal["shown", "hidden"] = "shown"
    dominance: Dominance | None = None
    p_percent: float | None = Field(default=None, gt=0, le=100)
    protection: float = Field(default=10, gt=0, le=100)
    round: Rounding | None = None
    noise: Noise | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _refuse_twice("by", self.by)
        _refuse_twice("measures", tuple(measure.name for measure in self.measures))
        _refuse_twice("hierarchy", self.columns)
        for chain in self.hierarchy:
            if len(chain) < 2 or chain[0] not in self.by or set(chain[1:]) & set(self.by):
                raise ValueError(
                    f"hierarchy {list(chain)}: expected a column of by, then the columns that it "
                    "rolls up to, which by does not name"
                )
        if not isinstance(self.totals, str):
            for level in self.totals:
                if unknown := set(level) - set(self.columns):
                    raise ValueError(f"totals: {sorted(unknown)} is neither in by nor a hierarchy")
        if clash := {measure.name for measure in self.measures} & {*self.columns, *RESERVED}:
            raise ValueError(f"measures: by has a column '{clash.pop()}' too; group by another")
        if clash := {*self.columns} & RESERVED:
            raise ValueError(f"by: '{clash.pop()}' is a column of every release; rename it")
        if self.noise and (self.dominance or self.p_percent or not self._counts_alone()):
            raise ValueError("noise is for count alone; take the other measures and rules out")
        return self

    def _counts_alone(self) -> bool:
        return {measure.what for measure in self.measures} == {"count"}

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that cells are told apart by, each with those that it rolls up to."""
        return tuple(column for chain in self.chains for column in chain)

    @property
    def chains(self) -> Levels:
        """A chain for each column of ``by``: the column, and what it rolls up to."""
        stated = {chain[0]: chain for chain in self.hierarchy}
        return tuple(stated.get(column, (column,)) for column in self.by)

    @property
    def sums(self) -> tuple[str, ...]:
        """The columns of which a sum can be known from the release."""
        found = (m.column for m in self.measures if m.what in ("sum", "mean"))
        return tuple(dict.fromkeys(found))

    @property
    def distincts(self) -> tuple[str, ...]:
        """The columns whose distinct values are counted."""
        return tuple(m.column for m in self.measures if m.what == "count_distinct")

    @property
    def shows_every_combination(self) -> bool:
        """Whether combinations of categories that hold nothing are cells like others."""
        return self.zeros == "hidden" or self.noise is not None

    @property
    def shows_rows(self) -> bool:
        """Whether the number of rows can be known from the release."""
        return any(m.what in ("count", "mean") for m in self.measures)


RESERVED = frozenset({LEVEL, STATUS})
"""Columns that every release has."""


def statements(city: Path) -> list[str]:
    """The names of the releases that a city states."""
    return sorted(path.stem for path in (city / FOLDER).glob("*.yaml"))


def read_statement(city: Path, name: str) -> Statement:
    """The statement of a release.

    Raises:
        UsageError: there is none of that name, or it is wrong; the message names file and field.
    """
    shown = f"{FOLDER}/{name}.yaml"
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name of a release; expected letters a-z, digits, _ and -")
    stated = _read(city / shown, shown, statements(city))
    try:
        return Statement.model_validate(stated)
    except ValidationError as error:
        said = first_mistake(error, stated, set(Statement.model_fields))
        raise UsageError(f"{shown}: {said.replace('field : ', 'field ')}") from None


def _read(path: Path, shown: str, known: list[str]) -> Any:
    try:
        stated = yaml.load(path.read_text(encoding="utf-8"), OnceLoader)
    except FileNotFoundError:
        others = ", ".join(known) or "none yet"
        raise UsageError(f"no release '{path.stem}': {shown} is missing; there are {others}") from (
            None
        )
    except (yaml.YAMLError, UnicodeDecodeError, ContractError) as error:
        raise UsageError(f"{shown}: not YAML: {plain(error)}") from None
    if not isinstance(stated, dict):
        raise UsageError(f"{shown}: expected keys and values, as in 'title: Residents'")
    return stated


def check_against(statement: Statement, contract: Contract, shown: str) -> None:
    """See that a dataset has the columns that a statement names, of kinds that serve.

    Raises:
        UsageError: it has not; the message names the file and the key.
    """
    kinds = {column.name: column.kind for column in contract.stored}
    wanted = [
        *(("by", column) for column in statement.by),
        *(("hierarchy", column) for chain in statement.hierarchy for column in chain),
        *(("measures", m.column) for m in statement.measures if m.column),
        *(("contributor", column) for column in [statement.contributor] if column),
    ]
    for key, column in wanted:
        if column not in kinds:
            known = ", ".join(kinds)
            raise UsageError(
                f"{shown}: field {key}: '{contract.dataset}' has no column '{column}'; "
                f"it has {known}"
            )
        if kinds[column] in _NO_CATEGORIES:
            raise UsageError(f"{shown}: field {key}: '{column}' is {kinds[column]}; name another")
    for column in statement.sums:
        if kinds[column] not in _NUMBERS:
            raise UsageError(
                f"{shown}: field measures: '{column}' is {kinds[column]}; a sum needs numbers"
            )


def _refuse_twice(key: str, names: tuple[str, ...]) -> None:
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{key}: '{twice[0]}' is there twice; keep one of them")
