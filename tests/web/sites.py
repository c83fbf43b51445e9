"""A city with geometries to serve as features: points, areas and lines, open and closed."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import shapely

from cityloom.city import City
from tests.cities import column, contract_text, csv_bytes, deliver, new_city

SECRET = "SECRET-TENANT"
LAMPS = 180
QUOTE = 'O\'Hara "&" <b> % _'


def new_sites(path: Path) -> City:
    """The city, its deliveries received."""
    city = new_city(path, _contracts())
    for dataset, (names, rows) in _deliveries().items():
        deliver(city, dataset, f"{dataset}.csv", csv_bytes(names, rows))
    return City.open(path)


def lamps() -> list[dict[str, Any]]:
    """The rows of the points; the geometry is WKT, and some have none."""
    chance = random.Random(7)
    first = datetime(2020, 1, 1, tzinfo=UTC)
    return [
        {
            "lamp_no": number,
            "kind": chance.choice(["LED", "sodium", QUOTE, ""]),
            "height": round(chance.uniform(3, 12), 2),
            "lit": chance.choice(["true", "false"]),
            "seen": (first + timedelta(hours=chance.randrange(50_000))).isoformat(),
            "place": f"POINT ({chance.uniform(113.8, 114.4)} {chance.uniform(22.4, 22.8)})"
            if number % 20
            else "",
        }
        for number in range(1, LAMPS + 1)
    ]


def bays() -> list[dict[str, Any]]:
    """The rows of the areas, in metres of EPSG:3857; a key of two columns."""
    chance = random.Random(8)
    found = []
    for number in range(40):
        x, y = chance.uniform(12_668_000, 12_735_000), chance.uniform(2_558_000, 2_606_000)
        ring = shapely.Point(x, y).buffer(chance.uniform(10, 3000), quad_segs=3)
        street = ("Main, East", "50% Lane", "a/b", "环城路")[number % 4]
        day = date(2019, 1, 1) + timedelta(days=chance.randrange(3000))
        found.append({"street": street, "bay": number, "since": day.isoformat(), "area": ring.wkt})
    return found


def _contracts() -> dict[str, str]:
    boxed = {"bbox": True}
    return {
        "lamp": contract_text(
            "lamp",
            [
                column("lamp_no", "integer", key=1), column("kind"), column("height", "number"),
                column("lit", "boolean"),
                column("seen", "timestamp", logicalTypeOptions={"timezone": True}),
                column("place", physicalType="POINT", custom=boxed),
            ],
        ),
        "bay": contract_text(
            "bay",
            [
                column("street", key=1), column("bay", "integer", key=2), column("since", "date"),
                column("area", physicalType="POLYGON", custom={"crs": "EPSG:3857"}),
            ],
            classification="internal",
        ),
        "path": contract_text(
            "path",
            [column("note"), column("line", physicalType="LINESTRING"), column("said", "object")],
        ),
        "tenant": contract_text(
            "tenant",
            [column("name", key=1), column("home", physicalType="POINT")],
            classification="personal",
            purposes=["statistics"],
        ),
        "tally": contract_text("tally", [column("what", key=1), column("n", "integer")]),
        "vacant": contract_text("vacant", [column("at", physicalType="POINT")]),
    }  # fmt: skip


def _deliveries() -> dict[str, tuple[list[str], list[list[Any]]]]:
    paths = [
        ["over the hill", "LINESTRING (114 22.5, 114.1 22.6)", json.dumps({"a": [1, None]})],
        ["far east", "LINESTRING (179 0, 179.9 0)", ""],
        ["far west", "LINESTRING (-179.9 0, -179 0)", "[1]"],
    ]
    listed = {"lamp": lamps(), "bay": bays()}
    return {
        **{name: (list(rows[0]), [list(row.values()) for row in rows])
           for name, rows in listed.items()},
        "path": (["note", "line", "said"], paths),
        "tenant": (["name", "home"], [[SECRET, "POINT (114 22.5)"]]),
        "tally": (["what", "n"], [["lamps", 3]]),
    }  # fmt: skip
