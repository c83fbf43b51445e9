"""How many distinct identity tuples has a person, over all departments' records?

    python -m benchmarks.identities CITY

A tuple is what a department wrote of a person: name, identifier, birth date, phone and address,
null where it does not hold one. Two records with equal tuples are one tuple, in whichever
departments they are. The records are those that the woven city kept; whom they are about is read
from the sample's truth. Memory is bounded: file by file, then a range of persons at a time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import duckdb
import pyarrow as pa

from cityloom.city import City
from cityloom.lake import DELIVERY, ORDINAL, scan
from cityloom.sample.truth import truth_of
from cityloom.sql import literal

MEMORY = "3GB"
PERSONS_AT_A_TIME = 2_000_000


class Written(NamedTuple):
    """In which columns a department writes of whom: name, identifier, birth, phone, address."""

    dataset: str
    role: str
    columns: tuple[str | None, str | None, str | None, str | None, str | None]


WRITTEN: Final = (
    Written("household_registration", "person",
            ("name", "resident_id", "birth_date", "phone", "address")),
    Written("school_enrolment", "pupil",
            ("pupil_name", "id_number", "birth_date", None, "address")),
    Written("school_enrolment", "guardian",
            ("guardian_name", None, None, "guardian_phone", "address")),
    Written("health_insurance", "member",
            ("name", "id_number", "birth_date", "phone", "address")),
    Written("tenancy", "landlord", ("landlord_name", "landlord_number", None, None, None)),
    Written("tenancy", "tenant",
            ("tenant_name", "tenant_number", None, "tenant_phone", "address")),
    Written("company_registration", "representative",
            ("legal_representative", "representative_number", None, "phone", None)),
    Written("land_registration", "owner", ("owner_name", "owner_number", None, None, None)),
)  # fmt: skip


def main() -> None:
    """Print what was found as JSON."""
    print(json.dumps(identities(City.open(Path(sys.argv[1]))), indent=1))


def identities(city: City) -> dict[str, Any]:
    """Tuples a person, their distribution, and tuples and records of each department."""
    with TemporaryDirectory(dir=city.path / "scratch") as scratch:
        connection = duckdb.connect()
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute(f"SET temp_directory = {literal(scratch)}")
        connection.execute("SET preserve_insertion_order = false")
        for written in WRITTEN:
            for source in _sources(city, written.dataset):
                _write_tuples(connection, city, written, source, Path(scratch))
        departments = [
            _department(connection, Path(scratch), dataset)
            for dataset in dict.fromkeys(written.dataset for written in WRITTEN)
        ]
        found = _by_person(connection, city, Path(scratch))
    return found | {"departments": departments}


def _sources(city: City, dataset: str) -> list[str]:
    return sorted({run.source for run in city.runs(dataset) if run.kind == "receive"})


def _write_tuples(
    connection: duckdb.DuckDBPyConnection, city: City, written: Written, source: str, folder: Path
) -> None:
    """The person and the tuple of each record of a file, tuples as hashes of 64 bits."""
    contract = city.contract(written.dataset)
    wanted = [name for name in written.columns if name]
    tuples = ", ".join(f"coalesce({name}::VARCHAR, '')" if name else "''"
                       for name in written.columns)  # fmt: skip
    files = city.kept(written.dataset).files()
    system = [pa.field(DELIVERY, pa.string()), pa.field(ORDINAL, pa.int64())]
    schema = pa.schema([*contract.schema, *system])
    kept = scan(files, schema, [*dict.fromkeys(wanted), DELIVERY, ORDINAL])
    links = truth_of(city.path) / f"{written.dataset}_link.parquet"
    out = folder / f"{written.dataset}-{written.role}-{source}.tuples.parquet"
    connection.execute(
        f"""
        COPY (
          SELECT link.entity_id AS person, hash({tuples}) AS tuple
          FROM ({kept}) AS record
          JOIN (SELECT ordinal, entity_id FROM read_parquet({literal(str(links))})
                WHERE source = {literal(source)} AND role = {literal(written.role)}
                  AND entity = 'person') AS link
          ON record.{ORDINAL} = link.ordinal
          WHERE record.{DELIVERY} = {literal(source)}
        ) TO {literal(str(out))} (FORMAT parquet)
        """
    )


def _department(
    connection: duckdb.DuckDBPyConnection, folder: Path, dataset: str
) -> dict[str, Any]:
    mentions = persons = tuples = 0
    for _, some, of_them, theirs in _counts(connection, folder, f"{dataset}-*"):
        persons, mentions, tuples = persons + some, mentions + of_them, tuples + theirs
    return {
        "dataset": dataset,
        "mentions": mentions,
        "persons": persons,
        "distinct_tuples": tuples,
        "tuples_a_person": round(tuples / max(persons, 1), 3),
        "tuples_a_mention": round(tuples / max(mentions, 1), 3),
    }


def _counts(
    connection: duckdb.DuckDBPyConnection, folder: Path, glob: str
) -> Iterator[tuple[int, int, int, int]]:
    """By number of distinct tuples: persons, their mentions and their tuples, range by range."""
    files = literal(str(folder / f"{glob}.tuples.parquet"))
    top = connection.execute(f"SELECT max(person) FROM read_parquet({files})").fetchone()
    last = top[0] if top and top[0] is not None else -1
    for low in range(0, last + 1, PERSONS_AT_A_TIME):
        yield from connection.execute(
            f"""
            SELECT t, count(*), sum(n)::BIGINT, sum(t)::BIGINT FROM (
              SELECT count(*) AS n, count(DISTINCT tuple) AS t FROM read_parquet({files})
              WHERE person >= {low} AND person < {low + PERSONS_AT_A_TIME} GROUP BY person)
            GROUP BY t
            """
        ).fetchall()


def _by_person(connection: duckdb.DuckDBPyConnection, city: City, folder: Path) -> dict[str, Any]:
    """Over all departments: how many persons have so many distinct tuples."""
    people = literal(str(truth_of(city.path) / "person.parquet"))
    row = connection.execute(f"SELECT count(*) FROM read_parquet({people})").fetchone()
    total = row[0] if row else 0
    spread: dict[int, int] = {}
    mentions = 0
    for count, persons, of_them, _ in _counts(connection, folder, "*"):
        spread[count] = spread.get(count, 0) + persons
        mentions += of_them
    known = sum(spread.values())
    tuples = sum(count * persons for count, persons in spread.items())
    return {
        "persons": total,
        "persons_with_a_record": known,
        "mentions": mentions,
        "distinct_tuples": tuples,
        "tuples_a_person": round(tuples / max(known, 1), 3),
        "persons_by_number_of_tuples": dict(sorted(spread.items())),
    }


if __name__ == "__main__":
    main()
