"""Deliveries of events: Parquet files of bounded size, each made for itself.

A file depends on the city's scale and seed, on how many events there are in all and on its own
number alone, so that files can be made one by one, in any order, by several processes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copyfile
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cityloom.sample import truth
from cityloom.sample.draws import Days, Ints, apportion, stream
from cityloom.sample.events.footing import Footing
from cityloom.sample.events.kinds import KINDS, Breach, Kind
from cityloom.sample.events.when import months
from cityloom.sample.make import Progress
from cityloom.sample.plan import make_plan
from cityloom.sample.pool import in_order

ROWS_A_FILE: Final = 8_000_000
_ROWS_A_BLOCK: Final = 500_000


@dataclass(frozen=True)
class EventFile:
    """A delivery of events: rows `start` up to `stop` of all of a month."""

    city: Path
    dataset: str
    name: str
    events: int
    month: int
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.stop - self.start


def event_files(city: Path, events: int) -> list[EventFile]:
    """The deliveries that hold so many events of a sample city, month by month."""
    found: list[tuple[int, EventFile]] = []
    for kind in KINDS:
        for number, month in enumerate(months(kind.rhythm, _of_kind(kind, events))):
            for part, start in enumerate(range(0, month.total, ROWS_A_FILE)):
                stop = min(start + ROWS_A_FILE, month.total)
                name = f"{kind.dataset}_{month.name}_{part + 1:02d}.parquet"
                made = EventFile(city, kind.dataset, name, events, number, start, stop)
                found.append((number, made))
    return [made for _, made in sorted(found, key=lambda item: item[0])]


def add_events(
    city: Path, events: int, progress: Progress | None = None, workers: int = 1
) -> list[Path]:
    """Writes contracts and deliveries of so many events into a sample city, with their faults.

    The same city and number make the same bytes, whatever the number of `workers` (see
    :mod:`cityloom.sample.pool`). The events lie in the two years up to June 2025.
    """
    copy_contracts(city)
    wanted = event_files(city, events)
    paths: list[Path] = []
    with truth.TruthFiles(truth.truth_of(city), ".events") as truths:
        for made, (path, grown) in zip(
            wanted, in_order(write_events, wanted, workers), strict=True
        ):
            truths.add(grown)
            paths.append(path)
            if progress is not None:
                progress(made.dataset, len(paths), len(wanted))
    return paths


def write_events(made: EventFile) -> tuple[Path, list[truth.Grown]]:
    """Writes one delivery into its inbox; gives its path and its faults."""
    kind = next(kind for kind in KINDS if kind.dataset == made.dataset)
    path = made.city / "inbox" / made.dataset / made.name
    path.parent.mkdir(parents=True, exist_ok=True)
    grown: list[truth.Grown] = []
    with pq.ParquetWriter(path, kind.schema, compression="zstd") as file:
        written = 0
        for table, faults in _blocks(kind, made):
            file.write_table(table)
            behind = {breach: rows + written + 1 for breach, rows in faults.items()}
            grown += truth.faults_of(made.dataset, made.name, behind)
            written += len(table)
    return path, grown


def copy_contracts(city: Path) -> None:
    """Copies the contracts of events into a city."""
    (city / "contracts").mkdir(parents=True, exist_ok=True)
    with as_file(files("cityloom.sample.events") / "contracts") as shipped:
        for contract in sorted(shipped.glob("*.odcs.yaml")):
            copyfile(contract, city / "contracts" / contract.name)


def _blocks(kind: Kind, made: EventFile) -> Iterator[tuple[pa.Table, dict[str, Ints]]]:
    footing = _footing(made.city)
    days = _days(kind, made)
    for number, start in enumerate(range(0, len(days), _ROWS_A_BLOCK)):
        rng = stream(footing.plan.seed, f"{made.events}/{made.name}", number)
        some = days[start : start + _ROWS_A_BLOCK]
        table = pa.table(kind.draw(footing, rng, some), schema=kind.schema)
        yield _damaged(rng, table, kind.breaches)


def _days(kind: Kind, made: EventFile) -> Days:
    month = months(kind.rhythm, _of_kind(kind, made.events))[made.month]
    return np.repeat(month.days, month.counts)[made.start : made.stop]


def _damaged(
    rng: np.random.Generator, table: pa.Table, breaches: tuple[Breach, ...]
) -> tuple[pa.Table, dict[str, Ints]]:
    """The rows with breaches in some, one a row, and which rows these are by kind of breach."""
    shares = np.cumsum([breach.share for breach in breaches])
    drawn = np.searchsorted(shares, rng.random(len(table)), side="right")
    faults: dict[str, Ints] = {}
    for number, breach in enumerate(breaches):
        hit = drawn == number
        faults[breach.kind] = np.flatnonzero(hit)
        if len(faults[breach.kind]):
            place = table.schema.get_field_index(breach.column)
            field = table.schema.field(place)
            written = pa.scalar(breach.written, field.type)
            column = pc.if_else(pa.array(hit), written, table.column(place))
            table = table.set_column(place, field, column)
    return table, faults


def _of_kind(kind: Kind, events: int) -> int:
    parts = apportion(events, np.array([each.share for each in KINDS]))
    return int(parts[KINDS.index(kind)])


@lru_cache(maxsize=1)
def _footing(city: Path) -> Footing:
    made_from = truth.remembered(truth.truth_of(city))
    return Footing(make_plan(made_from.scale, made_from.seed), np.array(made_from.members))
