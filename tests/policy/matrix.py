"""Who asks for what in a made-up city, and what they may see by rules written twice.

Once as Cedar policies, and once as plain Python that knows nothing of Cedar, of conditions or of
engines: for each person, purpose, dataset and row, what is shown of it.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import product
from random import Random
from typing import Any

import pyarrow as pa

from cityloom.contract import Classification, Column, Contract, Kind
from cityloom.policy import Principal

PUBLIC, INTERNAL, PERSONAL, SENSITIVE = Classification
Row = dict[str, Any]

POLICIES = """
@id("public")
permit (principal, action in [Action::"read", Action::"see"], resource)
when { context.classification == "public" };

@id("internal")
permit (principal, action in [Action::"read", Action::"see"], resource)
when { context.classification == "internal" && context.signed_in };

@id("officers-in-their-district")
permit (principal in Role::"case_officer", action == Action::"read",
        resource is Rows::case_request)
when { context.purpose == "casework" && principal.district == resource.district };

@id("officers-see-persons-of-open-cases")
permit (principal in Role::"case_officer", action == Action::"see",
        resource is Rows::case_request)
when {
  context.classification == "personal" && context.purpose == "casework" &&
  resource.status == "open"
};

@id("analysts-recent-cases")
permit (principal in Role::"analyst", action == Action::"read", resource is Rows::case_request)
when {
  context.purpose == "statistics" && resource.opened >= datetime("2024-01-01") &&
  ["open", "closed"].contains(resource.status)
};

@id("operators-long-cases")
permit (principal in Role::"operator", action == Action::"read", resource is Rows::case_request)
when { context.signed_in && resource.days > 3 && resource.days * 2 + 1 < 30 && !resource.urgent };

@id("collectors-by-area")
permit (principal in Role::"collector", action == Action::"read", resource is Rows::case_request)
when { resource.area like "44*1" };

@id("nobody-sealed-cases")
forbid (principal, action == Action::"read", resource is Rows::case_request)
when { resource.sealed }
unless { principal in Role::"data_steward" };

@id("stewards")
permit (principal in Role::"data_steward", action in [Action::"read", Action::"see"], resource)
when { context.purposes.contains(context.purpose) };

@id("auditors-patients")
permit (principal in Role::"auditor", action == Action::"read", resource is Rows::patient)
when { if resource.minor then resource.ward == principal.department else resource has note };

@id("nobody-patients-of-ward-x")
forbid (principal, action == Action::"read", resource is Rows::patient)
when { resource.ward == "X" || principal.organisation == "press" };
"""


def _columns(level: Classification, **kinds: Kind) -> list[Column]:
    return [Column(name, name, kind, classification=level) for name, kind in kinds.items()]


CASE_REQUEST = Contract(
    "case_request",
    (
        *_columns(PUBLIC, id=Kind.INTEGER, district=Kind.STRING, status=Kind.STRING,
                  opened=Kind.DATE, days=Kind.INTEGER, urgent=Kind.BOOLEAN, sealed=Kind.BOOLEAN),
        Column("area", "area", Kind.STRING, classification=INTERNAL, mask="area:4"),
        Column("citizen", "citizen", Kind.STRING, classification=PERSONAL, mask="pseudonym"),
        Column("born", "born", Kind.DATE, classification=PERSONAL, mask="year"),
        Column("phone", "phone", Kind.STRING, classification=PERSONAL),
    ),
    purposes=("casework", "statistics"),
)  # fmt: skip
PATIENT = Contract(
    "patient",
    (
        *_columns(PUBLIC, id=Kind.INTEGER),
        *_columns(SENSITIVE, ward=Kind.STRING, note=Kind.STRING, minor=Kind.BOOLEAN),
    ),
    purposes=("care",),
)
BUDGET = Contract("budget", tuple(_columns(INTERNAL, id=Kind.INTEGER, amount=Kind.NUMBER)))
PARK = Contract("park", tuple(_columns(PUBLIC, id=Kind.INTEGER, name=Kind.STRING)))
CONTRACTS = (CASE_REQUEST, PATIENT, BUDGET, PARK)

PURPOSES = (None, "", "casework", "statistics", "care", "gossip")
ROLES = ("case_officer", "analyst", "operator", "collector", "data_steward", "auditor", "resident")
KEYS = {purpose: hashlib.sha256(str(purpose).encode()).digest() for purpose in PURPOSES}


def people() -> list[Principal]:
    """One of each role, with and without what a directory says, and some of several roles."""
    said = ({}, {"district": "福田"}, {"department": "A", "organisation": "city"},
            {"district": "南山", "department": "X", "organisation": "press"})  # fmt: skip
    ones = [
        Principal(f"{role}-{n}", True, (role,), attributes)
        for role, (n, attributes) in product(ROLES, enumerate(said))
    ]
    both = Principal("both", True, ("case_officer", "auditor"), {"district": "福田",
                     "department": "A", "organisation": "city"})  # fmt: skip
    nobody = Principal("nobody", False, (), {})
    unknown = Principal("unknown", False, ("data_steward",), {"organisation": "city"})
    return [*ones, both, nobody, unknown]


def rows(contract: Contract, count: int = 96) -> list[Row]:
    """Rows of a dataset, with nulls in every column but the first; always the same."""
    random = Random(contract.dataset)
    values: dict[str, list[Any]] = {
        "district": ["福田", "南山", "福 田", ""],
        "status": ["open", "closed", "lost", "Open"],
        "opened": [date(2023, 12, 31), date(2024, 1, 1), date(2025, 6, 30)],
        "days": [-4, 3, 4, 14, 15, 10**12],
        "urgent": [True, False],
        "sealed": [True, False, False],
        "area": ["4403041", "440301", "4403%1", "44\n1", "441", "5403041"],
        "citizen": ["王芳", "李雷", "O'Brien"],
        "born": [date(1980, 2, 29), date(2001, 12, 31)],
        "phone": ["12099990001"],
        "ward": ["A", "B", "X"],
        "note": ["发热", ""],
        "minor": [True, False],
        "amount": [1.5, -2.0],
        "name": ["莲花山"],
    }
    names = [column.name for column in contract.columns if column.name != "id"]
    return [
        {"id": n, **{name: random.choice([*values[name], None]) for name in names}}
        for n in range(count)
    ]


def table(contract: Contract) -> pa.Table:
    """The rows of a dataset as the lake has them."""
    return pa.Table.from_pylist(rows(contract), contract.schema)


@dataclass(frozen=True)
class Case:
    """One person with one purpose before one dataset."""

    person: Principal
    purpose: str | None
    contract: Contract


def cases() -> Iterator[Case]:
    """Every person with every purpose before every dataset."""
    for person, purpose, contract in product(people(), PURPOSES, CONTRACTS):
        yield Case(person, purpose, contract)


def expected(case: Case) -> list[Row]:
    """What is shown, by the rules in plain Python."""
    return [
        {
            name: value if _seen(case, row, name) else _behind(case, name, value)
            for name, value in row.items()
        }
        for row in rows(case.contract)
        if _read(case, row)
    ]


def _read(case: Case, row: Row) -> bool:
    match case.contract.dataset:
        case "park":
            return True
        case "budget":
            return case.person.signed_in
        case "case_request":
            return _reads_case(case, row)
    return _reads_patient(case, row)


def _is(case: Case, role: str) -> bool:
    return role in case.person.roles


def _steward(case: Case) -> bool:
    return _is(case, "data_steward") and case.purpose in (case.contract.purposes or ("-",))


def _reads_case(case: Case, row: Row) -> bool:
    if row["sealed"] is not False and not _is(case, "data_steward"):
        return False
    district = case.person.attributes.get("district")
    officer = case.purpose == "casework" and district is not None and district == row["district"]
    analyst = (
        case.purpose == "statistics"
        and row["opened"] is not None
        and row["opened"].year >= 2024
        and row["status"] in ("open", "closed")
    )
    days = row["days"]
    operator = (
        case.person.signed_in and days is not None and 4 <= days <= 14 and row["urgent"] is False
    )
    area = row["area"]
    collector = area is not None and area[:2] == "44" and area[-1] == "1" and len(area) >= 3
    return (
        _steward(case)
        or (_is(case, "case_officer") and officer)
        or (_is(case, "analyst") and analyst)
        or (_is(case, "operator") and operator)
        or (_is(case, "collector") and collector)
    )


def _reads_patient(case: Case, row: Row) -> bool:
    organisation, ward = case.person.attributes.get("organisation"), row["ward"]
    if organisation in (None, "press") or ward in (None, "X"):
        return False
    if _steward(case):
        return True
    if not _is(case, "auditor") or row["minor"] is None:
        return False
    if row["minor"]:
        return ward == case.person.attributes.get("department")
    return row["note"] is not None


def _seen(case: Case, row: Row, name: str) -> bool:
    level = case.contract.column(name).classification
    if level is PUBLIC or (level is INTERNAL and case.person.signed_in) or _steward(case):
        return True
    officer = _is(case, "case_officer") and case.purpose == "casework"
    return officer and level is PERSONAL and row.get("status") == "open"


def _behind(case: Case, name: str, value: Any) -> Any:
    if value is None:
        return None
    match name:
        case "area":
            return value[:4]
        case "born":
            return date(value.year, 1, 1)
        case "citizen":
            return hmac.new(KEYS[case.purpose], value.encode(), "sha256").hexdigest()[:32]
    return None
