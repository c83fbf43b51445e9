"""Small cities for tests: contracts in a few words, deliveries as bytes, contents as plain rows."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cityloom.city import City
from cityloom.policy import Principal
from cityloom.runs import RECEIVE, Run, deliveries

TESTER = Principal("tester", roles=("data_steward",))

Property = Mapping[str, Any]


def column(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    """A column of a contract; ``key``, ``refers``, ``enum`` and ``custom`` are short for more."""
    prop: dict[str, Any] = {"name": name, "logicalType": kind}
    if (place := more.pop("key", None)) is not None:
        prop |= {"primaryKey": True, "primaryKeyPosition": int(place)}
    if refers := more.pop("refers", None):
        prop["relationships"] = [{"to": refers}]
    if enum := more.pop("enum", None):
        prop["enum"] = [{"value": value} for value in enum]
    if custom := more.pop("custom", None):
        prop["customProperties"] = _custom(custom)
    return prop | more


def contract_text(
    dataset: str,
    columns: Sequence[Property],
    delivery: str = "append",
    rules: Mapping[str, str] | None = None,
    server: Mapping[str, str] | None = None,
    **custom: Any,
) -> str:
    """A contract as YAML, its rows public."""
    document: dict[str, Any] = {
        "kind": "DataContract",
        "apiVersion": "v3.2.0",
        "id": dataset,
        "name": dataset,
        "version": "1.0.0",
        "status": "active",
        "customProperties": _custom({"delivery": delivery, "classification": "public"} | custom),
        "schema": [
            {
                "name": dataset,
                "logicalType": "object",
                "properties": [dict(prop) for prop in columns],
                "quality": [
                    {"name": name, "type": "custom", "engine": "cityloom", "implementation": rule}
                    for name, rule in (rules or {}).items()
                ],
            }
        ],
    }
    if server:
        document["servers"] = [{"server": "inbox", "type": "local", **server}]
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def _custom(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"property": name, "value": value} for name, value in values.items()]


def new_city(path: Path, contracts: Mapping[str, str]) -> City:
    """A city with some contracts, by dataset."""
    City.create(path, "Test")
    for dataset, text in contracts.items():
        set_contract(path, dataset, text)
    return City.open(path)


def set_contract(city: Path, dataset: str, text: str) -> None:
    """Put a contract in a city's folder; an open :class:`City` does not notice."""
    (city / "contracts" / f"{dataset}.odcs.yaml").write_text(text, encoding="utf-8")


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as UTF-8 CSV with a header."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()


def deliver(city: City, dataset: str, name: str, content: bytes) -> list[Run]:
    """Receive bytes as a file of that name, from outside the inbox."""
    folder = city.path / "scratch" / "delivered"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return city.receive(dataset, folder / name)


def rows(city: City, dataset: str) -> list[dict[str, Any]]:
    """A dataset's rows, in no order that means anything."""
    return city.read(dataset, TESTER).read_all().to_pylist()


@dataclass(frozen=True, order=True)
class Refused:
    """A row in quarantine; ``values`` is JSON, ``reasons`` are (column, rule), sorted."""

    delivery: str
    ordinal: int
    values: str | None
    raw: str | None
    reasons: tuple[tuple[str, str], ...]
    messages: tuple[str, ...]

    @property
    def received(self) -> dict[str, Any]:
        """The values as received."""
        return json.loads(self.values or "{}")


def quarantined(city: City, dataset: str) -> list[Refused]:
    """A dataset's refused rows, by delivery and place in it."""
    found = city.read_quarantine(dataset, TESTER, "tests").read_all().to_pylist()
    return sorted(
        Refused(
            row["_delivery"],
            row["_ordinal"],
            row["values"],
            row["raw"],
            tuple(sorted((reason["column"], reason["rule"]) for reason in row["reasons"])),
            tuple(sorted(reason["message"] for reason in row["reasons"])),
        )
        for row in found
    )


def digests(city: City) -> dict[str, str]:
    """The digest of every dataset."""
    return {facts.dataset: facts.digest for facts in city.datasets()}


def assert_accounted(run: Run) -> None:
    """Every row that was read is kept, quarantined or a duplicate."""
    accounted = run.rows_kept + run.rows_quarantined + run.rows_duplicate
    assert run.rows_read == accounted, run


def receipts(city: City, dataset: str) -> dict[str, Run]:
    """The newest receipt of each source."""
    return deliveries(run for run in city.runs(dataset) if run.kind == RECEIVE)
