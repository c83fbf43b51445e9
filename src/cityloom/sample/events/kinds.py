"""The three kinds of events, each as its department writes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from cityloom.sample.draws import Days, Ints, choose
from cityloom.sample.events.footing import Footing
from cityloom.sample.events.when import FIRST_DAY, Rhythm, seconds_of_day
from cityloom.sample.text import take

_SECONDS_A_DAY: Final = 86_400
_KWH_A_MONTH: Final = (0.8, 0.7, 0.7, 0.8, 1.0, 1.3, 1.5, 1.5, 1.3, 1.0, 0.8, 0.8)
_VISITS: Final = ("门诊", "急诊", "住院")
_ITEMS: Final = ("社会保险费", "增值税", "水费", "电费", "行政事业性收费")

Columns = Mapping[str, "pa.Array[Any]"]


@dataclass(frozen=True)
class Breach:
    """What is written into a column of some rows, and the share of rows."""

    kind: str
    column: str
    written: str | int | None
    share: float


@dataclass(frozen=True)
class Kind:
    """A kind of event: its share of all, when it happens, how it is written, and what is wrong.

    `draw` gets the footing and the day of each event, in order.
    """

    dataset: str
    share: float
    rhythm: Rhythm
    schema: pa.Schema
    draw: Callable[[Footing, np.random.Generator, Days], Columns]
    breaches: tuple[Breach, ...]


def _visits(footing: Footing, rng: np.random.Generator, days: Days) -> Columns:
    """Visits of the insured; the old and ill come often, mostly to a clinic near their home."""
    members = footing.some_members(rng, len(days))
    kind = choose(rng, np.array([0.90, 0.07, 0.03]), len(days))
    fee = np.exp(rng.normal(np.array([5.0, 5.9, 9.0])[kind], 0.7)) * 100
    share = np.array([0.55, 0.6, 0.75])[kind] + rng.uniform(-0.1, 0.1, len(days))
    fen = fee.astype(np.int64)
    return {
        "insurance_no": footing.insurance_numbers(members),
        "building_code": footing.building_codes(footing.clinics(rng, members)),
        "visited_at": _moments(rng, VISIT.rhythm, days),
        "kind": take(_VISITS, kind),
        "fee_fen": pa.array(fen),
        "insured_fen": pa.array((fen * share).astype(np.int64)),
    }  # fmt: skip


def _payments(footing: Footing, rng: np.random.Generator, days: Days) -> Columns:
    """What companies pay into the city's account."""
    companies = footing.some_companies(rng, len(days))
    item = choose(rng, np.array([0.42, 0.26, 0.12, 0.16, 0.04]), len(days))
    yuan = np.exp(rng.normal(np.array([8.2, 8.6, 5.6, 6.6, 5.0])[item], 1.1))
    return {
        "registration_no": footing.registration_numbers(companies),
        "subdistrict_code": footing.offices(rng, companies),
        "paid_at": _moments(rng, PAYMENT.rhythm, days),
        "item": take(_ITEMS, item),
        "amount_fen": pa.array((yuan * 100).astype(np.int64) + 1),
    }


def _readings(footing: Footing, rng: np.random.Generator, days: Days) -> Columns:
    """Readings of electricity meters, each day's in the order of its round."""
    rounds = np.split(days, np.flatnonzero(np.diff(days)) + 1)
    properties = np.concatenate([footing.a_round(rng, len(day)) for day in rounds])
    buildings = footing.buildings_of(properties)
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    usual = 40 + properties * 7919 % 330
    used = usual * np.array(_KWH_A_MONTH)[month] * rng.uniform(0.7, 1.3, len(days))
    before: Ints = properties * 104_729 % 20_000 + usual * (days - FIRST_DAY) // 30
    return {
        "building_code": footing.building_codes(buildings),
        "room": footing.rooms(properties, buildings),
        "read_on": pa.array(days.astype(np.int32)).cast(pa.date32()),
        "reading_kwh": pa.array(before),
        "used_kwh": pa.array(used.astype(np.int64)),
    }


def _moments(rng: np.random.Generator, rhythm: Rhythm, days: Days) -> Any:
    seconds = days * _SECONDS_A_DAY + seconds_of_day(rng, rhythm, len(days))
    return pa.array(seconds * 1_000_000, pa.int64()).cast(pa.timestamp("us"))


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


VISIT: Final = Kind(
    dataset="clinic_visit",
    share=0.20,
    rhythm=Rhythm(
        weekdays=(1.25, 1.12, 1.08, 1.05, 1.05, 0.78, 0.67),
        months=(1.08, 0.85, 1.05, 1.04, 1.05, 1.02, 0.98, 0.95, 0.97, 0.93, 1.02, 1.12),
        hours=(0.4, 0.3, 0.2, 0.2, 0.2, 0.3, 0.8, 3, 9, 11, 10, 6, 3, 6, 9, 9, 7, 4, 3, 3, 2.5, 2,
               1, 0.6),
        holidays=0.6,
    ),
    schema=_schema(insurance_no=pa.string(), building_code=pa.string(),
                   visited_at=pa.timestamp("us"), kind=pa.string(), fee_fen=pa.int64(),
                   insured_fen=pa.int64()),
    draw=_visits,
    breaches=(
        Breach("orphan", "insurance_no", "9999990000000", 0.0004),
        Breach("unknown_code", "kind", "体检", 0.0004),
        Breach("out_of_range", "fee_fen", -100, 0.0004),
        Breach("missing_required", "visited_at", None, 0.0004),
    ),
)  # fmt: skip
PAYMENT: Final = Kind(
    dataset="payment",
    share=0.30,
    rhythm=Rhythm(
        weekdays=(1.3, 1.2, 1.2, 1.2, 1.3, 0.45, 0.35),
        months=(1.15, 0.85, 1.0, 1.1, 1.0, 1.0, 1.05, 0.95, 0.95, 1.05, 0.95, 1.0),
        hours=(0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1.5, 5, 10, 11, 8, 4, 6, 9, 10, 8, 5, 3, 3, 3,
               2.5, 1.5, 0.8),
        holidays=0.3,
    ),
    schema=_schema(registration_no=pa.string(), subdistrict_code=pa.string(),
                   paid_at=pa.timestamp("us"), item=pa.string(), amount_fen=pa.int64()),
    draw=_payments,
    breaches=(
        Breach("orphan", "registration_no", "490399999999999", 0.0004),
        Breach("unknown_code", "item", "其他", 0.0004),
        Breach("out_of_range", "amount_fen", 0, 0.0004),
        Breach("missing_required", "subdistrict_code", None, 0.0004),
    ),
)  # fmt: skip
READING: Final = Kind(
    dataset="meter_reading",
    share=0.50,
    rhythm=Rhythm(
        weekdays=(1.1, 1.1, 1.1, 1.1, 1.1, 0.8, 0.7),
        months=(1.0,) * 12,
        hours=(1.0,) * 24,
        holidays=0.7,
    ),
    schema=_schema(building_code=pa.string(), room=pa.string(), read_on=pa.date32(),
                   reading_kwh=pa.int64(), used_kwh=pa.int64()),
    draw=_readings,
    breaches=(
        Breach("orphan", "building_code", "490399001999999", 0.0003),
        Breach("out_of_range", "used_kwh", -1, 0.0003),
        Breach("missing_required", "reading_kwh", None, 0.0003),
    ),
)  # fmt: skip
KINDS: Final = (VISIT, PAYMENT, READING)
"""Every kind; their shares, our estimate, add up to one."""
