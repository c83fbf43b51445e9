"""The truth behind the records: for tests and benchmarks alone, and kept outside the city."""

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from cityloom.sample import companies, facts, people
from cityloom.sample.dirt import OUTCOMES
from cityloom.sample.draws import Ints
from cityloom.sample.geography import USES
from cityloom.sample.neighbourhood import Neighbourhood
from cityloom.sample.records import Records
from cityloom.sample.text import Column, decimals, either, take

_DAY: Final = pa.date32()
_ROWS_A_GROUP: Final = 100_000


def truth_of(city: Path) -> Path:
    """The folder that holds a sample city's truth: next to the city, not in it."""
    return city.parent / f"{city.name}-truth"


def remember(folder: Path, scale: Fraction, seed: int) -> None:
    """Notes what the city was made from, so that more of it can be made."""
    folder.mkdir(parents=True, exist_ok=True)
    made_from = {"scale": str(scale), "seed": seed}
    (folder / "sample.json").write_text(json.dumps(made_from) + "\n", "utf-8")


def remembered_scale(folder: Path) -> Fraction:
    """The scale that the city was made with."""
    return Fraction(json.loads((folder / "sample.json").read_text("utf-8"))["scale"])


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

    def add_entities(self, hood: Neighbourhood) -> None:
        """Adds the people, companies and properties of a neighbourhood."""
        self._append("person", _people(hood))
        self._append("company", _companies(hood))
        self._append("property", _properties(hood))

    def add_records(self, dataset: str, source: str, records: Records, before: int) -> None:
        """Adds whom records are truly about that follow `before` others in a file, and faults."""
        ordinals = before + 1 + np.arange(len(records))
        for link in records.links:
            known = link.ids >= 0
            count = int(known.sum())
            self._append(
                f"{dataset}_link",
                {
                    "source": _constant(source, count),
                    "ordinal": pa.array(ordinals[known]),
                    "role": _constant(link.role, count),
                    "entity": _constant(link.entity, count),
                    "entity_id": pa.array(link.ids[known]),
                },
            )
        faults = {kind: before + 1 + rows for kind, rows in records.faults.items()}
        self.add_faults(dataset, source, faults)

    def add_faults(self, dataset: str, source: str, faults: dict[str, Ints]) -> None:
        """Adds, by kind of fault, the ordinals of a file's records that have it."""
        kinds = list(faults)
        counts = [len(faults[kind]) for kind in kinds]
        if not sum(counts):
            return
        kind = np.repeat(np.arange(len(kinds)), counts)
        self._append(
            "dirt",
            {
                "dataset": _constant(dataset, len(kind)),
                "source": _constant(source, len(kind)),
                "ordinal": pa.array(np.concatenate(list(faults.values()))),
                "kind": take(kinds, kind),
                "outcome": take([OUTCOMES[kind] for kind in kinds], kind),
            },
        )

    def _append(self, name: str, columns: dict[str, Column]) -> None:
        table = pa.table(columns)
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
