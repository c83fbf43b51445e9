"""What a department holds of the people, companies and properties it knows."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from cityloom.sample.draws import Bools, Ints
from cityloom.sample.neighbourhood import Neighbourhood
from cityloom.sample.text import Strings, take


@dataclass(frozen=True)
class Link:
    """Whom each record is truly about: the number of a `person`, `company` or `property`.

    `role` says in what capacity; -1 where there is none.
    """

    role: str
    entity: str
    ids: Ints


@dataclass(frozen=True)
class Records:
    """Records as a department writes them, column by column.

    `delivery` is the position of the file that each goes into. `faults` are those that the record
    was made with, by kind. A record that `repeats` replaces an earlier one of the same key.
    """

    columns: dict[str, Strings]
    delivery: Ints
    links: tuple[Link, ...]
    repeats: Bools
    faults: dict[str, Ints] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.delivery)

    def take(self, rows: Ints) -> "Records":
        """The records at `rows`, which may name one several times."""
        return Records(
            columns={name: take(column, rows) for name, column in self.columns.items()},
            delivery=self.delivery[rows],
            links=tuple(replace(link, ids=link.ids[rows]) for link in self.links),
            repeats=self.repeats[rows],
            faults={kind: self._among(rows, faulty) for kind, faulty in self.faults.items()},
        )

    def slice(self, start: int, stop: int) -> "Records":
        """The records from `start` up to `stop`."""
        return Records(
            columns={name: column[start:stop] for name, column in self.columns.items()},
            delivery=self.delivery[start:stop],
            links=tuple(replace(link, ids=link.ids[start:stop]) for link in self.links),
            repeats=self.repeats[start:stop],
            faults={
                kind: rows[(rows >= start) & (rows < stop)] - start
                for kind, rows in self.faults.items()
            },
        )

    def _among(self, rows: Ints, faulty: Ints) -> Ints:
        is_faulty = np.zeros(len(self), dtype=bool)
        is_faulty[faulty] = True
        return np.flatnonzero(is_faulty[rows])


@dataclass(frozen=True)
class Slip:
    """A human error that leaves the record acceptable: `change` gets a value and a random pick."""

    kind: str
    column: str
    change: Callable[[str, int], str | None]
    often: float = 1.0


@dataclass(frozen=True)
class Breach:
    """A breach of the contract: what is written into a column in place of a proper value."""

    kind: str
    column: str
    written: tuple[str | None, ...]


@dataclass(frozen=True)
class Department:
    """A department's register: the files it delivers, how it makes records, what goes wrong.

    `dated` is the column of the day of record and `day_form` how it is written there;
    `daily_file` names the file of one more day, of a given number. `disputed` is the column in
    which two records of one key contradict each other.
    """

    dataset: str
    files: tuple[str, ...]
    daily_file: str
    dated: str
    day_form: str
    disputed: Breach
    make: Callable[[Neighbourhood, np.random.Generator, str], Records]
    slips: tuple[Slip, ...]
    breaches: tuple[Breach, ...]
