"""A small town to serve: public, internal and personal datasets, hostile values, refused rows."""

from pathlib import Path

from cityloom.city import City
from tests.cities import column, contract_text, csv_bytes, set_contract

SECRETS = ("SECRET-RESIDENT", "SECRET-REFUSED", "13900001234")
"""Values of personal rows, kept and refused; no page may ever show one."""

HOSTILE = "<script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0"


def new_town(path: Path) -> City:
    """The town, woven."""
    city = City.create(path, "Test Town 测试市")
    for dataset, text in _contracts().items():
        set_contract(city.path, dataset, text)
    for name, content in _deliveries().items():
        target = city.path / "inbox" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    city.weave()
    return City.open(path)


def _contracts() -> dict[str, str]:
    place = contract_text(
        "place",
        [
            column("place_id", key=1, required=True),
            column("place_name", businessName="地名"),
            column("people", "integer", businessName="人口", custom={"unit": "person"}),
            column("area", physicalType="POLYGON", businessName="边界"),
        ],
    )
    visit = contract_text(
        "visit",
        [
            column("visit_id", key=1, required=True),
            column("place_id", refers="place.place_id"),
            column("note", businessName="备注"),
            column("days", "integer", logicalTypeOptions={"minimum": 0}),
            column("on_day", "date", businessName="日期"),
        ],
        rules={"short": "days < 400"},
        classification="internal",
    )
    resident = contract_text(
        "resident",
        [
            column("resident_no", key=1, required=True),
            column("name", businessName="姓名"),
            column("phone", logicalTypeOptions={"pattern": "[0-9]{11}"}),
        ],
        classification="personal",
        purposes=["statistics"],
    )
    return {
        "place": _titled(place, "地点", "Places of the town."),
        "visit": _titled(visit, "走访", "Visits to places."),
        "resident": _titled(resident, "居民", "Who lives here."),
        "empty": contract_text("empty", [column("a", required=True)]),
    }


def _titled(text: str, title: str, description: str) -> str:
    named = f"  businessName: {title}\n  description: {description}\n  logicalType: object\n"
    owned = "team:\n  name: 统计局\nslaProperties:\n- property: frequency\n  value: 1\n  unit: d\n"
    return owned + text.replace("  logicalType: object\n", named, 1)


def _deliveries() -> dict[str, bytes]:
    square = "POLYGON (({0} 22.5, {1} 22.5, {1} 22.6, {0} 22.6, {0} 22.5))"
    places = [
        ("p1", "东岸", 12_000, square.format(114.0, 114.1)),
        ("p2", "West & Co", 900, square.format(114.1, 114.2)),
        ("p3", HOSTILE, 4, square.format(114.2, 114.3)),
    ]
    visits = [
        ("v1", "p1", HOSTILE, 3, "2026-01-31"),
        ("v2", "p2", FORMULA, 1, "2026-02-01"),
        ("v3", "p9", "waits for its place", 1, "2026-02-02"),
        ("v4", "p1", f"{HOSTILE} refused", -5, "2026-02-30"),
        *[(f"w{number}", "p1", "", number % 9, "2026-03-01") for number in range(120)],
    ]
    residents = [
        ("r1", SECRETS[0], SECRETS[2]),
        ("r2", SECRETS[1], "not a phone"),
    ]
    return {
        "place.csv": csv_bytes(["place_id", "place_name", "people", "area"], places),
        "visit/visit_1.csv": csv_bytes(["visit_id", "place_id", "note", "days", "on_day"], visits),
        "visit/visit_2.csv": csv_bytes(
            ["visit_id", "place_id", "note", "days", "on_day", "extra"],
            [("x1", "p2", "later", 2, "2026-04-01", "unknown")],
        ),
        "resident.csv": csv_bytes(["resident_no", "name", "phone"], residents),
        "broken.bin": b"\x00",
        "empty/empty_1.csv": b"b\n1\n",
    }
