"""The truth behind the records: for tests and benchmarks alone, and kept outside the city."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cityloom.errors import UsageError
from cityloom.sample import companies, facts, people
from cityloom.sample.dirt import OUTCOMES
from cityloom.sample.draws import Ints
from cityloom.sample.geography import USES
from cityloom.sample.neighbourhood import Neighbourhood
from cityloom.sample.records import Link, Records
from cityloom.sample.text import Column, decimals, either, take

Grown: TypeAlias = "tuple[str, pa.Table]"
"""The name of a truth table, and rows to add to it."""

_DAY: Final = pa.date32()
_ROWS_A_GROUP: Final = 100_000


def truth_of(city: Path) -> Path:
    """The folder that holds a sample city's truth: next to the city, not in it."""
    return city.parent / f"{city.name}-truth"


@dataclass(frozen=True)
class MadeFrom:
    """What a city was made from, so that more of it can be made.

    `members` counts, by neighbourhood, those who have a number with the health insurance.
    """

    scale: Fraction
    seed: int
    members: tuple[int, ...]


def remember(folder: Path, made_from: MadeFrom) -> None:
    """Notes what the city was made from."""
    folder.mkdir(parents=True, exist_ok=True)
    noted = asdict(made_from) | {"scale": str(made_from.scale)}
    (folder / "sample.json").write_text(json.dumps(noted) + "\n", "utf-8")


def remembered(folder: Path) -> MadeFrom:
    """What the city was made from.

    Raises:
        UsageError: the folder is no sample city's truth.
    """
    try:
        noted = json.loads((folder / "sample.json").read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{folder}: the truth of a sample city is not there") from None
    return MadeFrom(Fraction(noted["scale"]), noted["seed"], tuple(noted["members"]))


class TruthFiles:
    """Truth tables that grow neighbourhood by neighbourhood; `suffix` tells deliveries apart."""

    def __init__(self, folder: Path, suffix: str = "") -> None:
        self._folder = folder
        self._suffix = suffix
        self._files: dict[str, pq.ParquetWriter] = {}
        self._waiting: dict[str, list[pa.Table]] = {}
        self._rows_waiting: Counter[str] = Counter()
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, tables in self._waiting.items():
            if tables:
                self._write(name)
        for file in self._files.values():
            file.close()

    def add(self, tables: Iterable[Grown], before: int = 0) -> None:
        """Adds rows to tables; ordinals count from behind `before` rows of their file."""
        for name, table in tables:
            self._append(name, _behind(before, table) if before else table)

    def _append(self, name: str, table: pa.Table) -> None:
        self._waiting.setdefault(name, []).append(table)
        self._rows_waiting[name] += len(table)
        if self._rows_waiting[name] >= _ROWS_A_GROUP:
            self._write(name)

    def _write(self, name: str) -> None:
        table = pa.concat_tables(self._waiting[name]).unify_dictionaries()
        self._waiting[name].clear()
        self._rows_waiting[name] = 0
        if name not in self._files:
            path = self._folder / f"{name}{self._suffix}.parquet"
            labels = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
            self._files[name] = pq.ParquetWriter(
                path, table.schema, compression="zstd", use_dictionary=cast(bool, labels)
            )
        self._files[name].write_table(table)


def _behind(before: int, table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("ordinal")
    if place < 0:
        return table
    return table.set_column(place, "ordinal", pc.add(table.column(place), before))


def entities_of(hood: Neighbourhood) -> list[Grown]:
    """The people, companies and properties of a neighbourhood."""
    found = {"person": _people(hood), "company": _companies(hood), "property": _properties(hood)}
    return [(name, pa.table(columns)) for name, columns in found.items()]


def records_of(dataset: str, source: str, records: Records) -> list[Grown]:
    """Whom some records of a file are truly about, and their faults; the first is row 1."""
    links = [_link(source, link) for link in records.links]
    faults = {kind: rows + 1 for kind, rows in records.faults.items()}
    grown = [(f"{dataset}_link", table) for table in links]
    return grown + faults_of(dataset, source, faults)


def _link(source: str, link: Link) -> pa.Table:
    known = np.flatnonzero(link.ids >= 0)
    return pa.table(
        {
            "source": _constant(source, len(known)),
            "ordinal": pa.array(known + 1),
            "role": _constant(link.role, len(known)),
            "entity": _constant(link.entity, len(known)),
            "entity_id": pa.array(link.ids[known]),
        }
    )


def faults_of(dataset: str, source: str, faults: dict[str, Ints]) -> list[Grown]:
    """By kind of fault, the ordinals of a file's records that have it."""
    kinds = list(faults)
    counts = [len(faults[kind]) for kind in kinds]
    if not sum(counts):
        return []
    kind = np.repeat(np.arange(len(kinds)), counts)
    columns: dict[str, Column] = {
        "dataset": _constant(dataset, len(kind)),
        "source": _constant(source, len(kind)),
        "ordinal": pa.array(np.concatenate(list(faults.values()))),
        "kind": take(kinds, kind),
        "outcome": take([OUTCOMES[kind] for kind in kinds], kind),
    }
    return [("dirt", pa.table(columns))]


def _constant(word: str, count: int) -> Column:
    return pa.DictionaryArray.from_arrays(np.zeros(count, dtype=np.int32), pa.array([word]))


def _people(hood: Neighbourhood) -> dict[str, Column]:
    settled = hood.people
    numbers = np.arange(len(settled))
    home = hood.properties.first_id + settled.home
    employer = np.append(hood.reach.company_id, -1)[hood.employer]
    return {
        "person_id": pa.array(settled.first_id + numbers),
        "household": pa.array(hood.number * 10**6 + settled.household),
        "relation": take(people.RELATIONS, settled.role),
        "name": settled.name,
        "male": pa.array(settled.male),
        "birth_date": _days(settled.birth),
        "resident_number": settled.number,
        "phone": settled.phone,
        "locally_registered": pa.array(settled.local),
        "home_property_id": pa.array(home),
        "employer_company_id": _known(employer),
    }


def _companies(hood: Neighbourhood) -> dict[str, Column]:
    firms = hood.companies
    return {
        "company_id": pa.array(firms.first_id + np.arange(len(firms))),
        "credit_code": firms.code,
        "name": firms.name,
        "kind": take(companies.KINDS, firms.kind),
        "industry_code": take([code for code, _, _ in facts.INDUSTRIES], firms.industry),
        "founded_on": _days(firms.founded),
        "status": take(companies.STATES, firms.state),
        "premises_property_id": pa.array(hood.properties.first_id + firms.property),
        "representative_person_id": pa.array(hood.people.first_id + firms.representative),
    }


def _properties(hood: Neighbourhood) -> dict[str, Column]:
    held = hood.properties
    numbers = np.arange(len(held))
    person = np.append(hood.reach.person_id, -1)
    company = np.append(hood.reach.company_id, -1)
    return {
        "property_id": pa.array(held.first_id + numbers),
        "building_code": hood.building_codes(numbers),
        "floor": pa.array(held.floor),
        "room": held.room,
        "use": take(USES, held.use),
        "area_m2": decimals(held.area).cast(pa.float64()),
        "lived_in": pa.array(hood.occupied),
        "owner_kind": either(hood.company_owned, "company", "person"),
        "owner_id": pa.array(
            np.where(
                hood.company_owned,
                company[np.where(hood.company_owned, hood.owner, -1)],
                person[np.where(hood.company_owned, -1, hood.owner)],
            )
        ),
        "joint_owner_person_id": _known(person[hood.joint_owner]),
    }


def _known(ids: Ints) -> Column:
    return pa.array(ids, mask=np.asarray(ids < 0))


def _days(days: npt.NDArray[np.int64]) -> Column:
    return pa.array(days.astype(np.int32)).cast(_DAY)
