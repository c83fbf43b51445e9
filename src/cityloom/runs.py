"""The log of runs: what was received and derived, when, at what cost and with what outcome.

The lake's commits are the truth. The log is read from them, so a run that was committed a moment
before a crash is in the log the next time it is asked; only failed runs are written here alone.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Integer,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)

from cityloom.lake import NO_VERSION, LakeTable
from cityloom.store import insert_new, metadata

RUNS = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("dataset", String, nullable=False, index=True),
    Column("version", Integer),
    Column("facts", JSON, nullable=False),
    UniqueConstraint("dataset", "version"),
)

RECEIVE, REPLAY, DERIVE, ERASE, EXPIRE = "receive", "replay", "derive", "erase", "expire"
TILE, FILL = "tile", "fill"
ARRIVALS = (RECEIVE, REPLAY)
"""The kinds of run that judge delivered rows."""


@dataclass(frozen=True)
class Run:
    """One run on one dataset; rows read = kept + quarantined + duplicate.

    ``crs`` is what the geometries of each column are in.
    ``inputs`` are the versions a derived dataset was made from; ``parents`` are those of the
    datasets referred to, when delivered rows were judged. One that could not be read is not there.
    """

    dataset: str
    kind: str
    source: str = ""
    started: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    rows_read: int = 0
    rows_kept: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    version: int | None = None
    sha256: str = ""
    contract: str = ""
    key: list[str] = field(default_factory=list)
    crs: dict[str, str] = field(default_factory=dict)
    code: str = ""
    inputs: dict[str, int] = field(default_factory=dict)
    parents: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether the run changed nothing because something was wrong."""
        return bool(self.error)

    @property
    def is_of_rows(self) -> bool:
        """Whether it is of rows that were received, made or taken out; any that failed is told.

        Map tiles are drawn from rows and change none.
        """
        return self.kind != TILE or self.failed

    @property
    def changed_rows(self) -> bool:
        """Whether the dataset's kept rows may be others than before."""
        unchanged = {REPLAY: not self.rows_kept, EXPIRE: not self.rows_read}
        return self.version is not None and not unchanged.get(self.kind, False)

    @property
    def brought_rows(self) -> bool:
        """Whether delivered rows were kept."""
        return self.version is not None and self.kind in ARRIVALS and self.rows_kept > 0

    @property
    def taken_out(self) -> int | None:
        """How many rows left, where taking rows out was what the run was for."""
        return self.rows_read if self.kind in (ERASE, EXPIRE) and not self.failed else None


_FIELDS = {item.name for item in fields(Run)}
_SEEN: tuple[str, ...] = ("inputs", "parents")
"""Where a run's facts name versions of other datasets."""


def now() -> str:
    """The present time as the log writes it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class RunLog:
    """The runs of a city."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def catch_up(self, tables: dict[str, LakeTable]) -> None:
        """Read the accounts of commits that the log has not seen."""
        with self._engine.begin() as connection:
            newest = select(RUNS.c.dataset, func.max(RUNS.c.version)).group_by(RUNS.c.dataset)
            seen = dict(connection.execute(newest).all())
            for dataset, table in tables.items():
                since = seen.get(dataset)
                rows = [
                    {"dataset": dataset, "version": commit.version, "facts": commit.account}
                    for commit in table.commits_since(NO_VERSION if since is None else since)
                ]
                if rows:
                    connection.execute(insert_new(self._engine, RUNS), rows)

    def committed(self) -> set[str]:
        """The datasets of which the log has a run that changed them."""
        query = select(RUNS.c.dataset).where(RUNS.c.version.is_not(None)).distinct()
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def forget(self, dataset: str) -> None:
        """Forget what was committed to a table that is gone, and which version others saw of it.

        A new table counts its versions from 0 again. What failed stays known.
        """
        own = (RUNS.c.dataset == dataset) & RUNS.c.version.is_not(None)
        with self._engine.begin() as connection:
            connection.execute(delete(RUNS).where(own))
            for number, facts in connection.execute(select(RUNS.c.id, RUNS.c.facts)).all():
                if (unseen := _without(facts, dataset)) != facts:
                    row = update(RUNS).where(RUNS.c.id == number)
                    connection.execute(row.values(facts=unseen))

    def remember(self, run: Run) -> None:
        """Remember a run that no commit tells of: one that failed, or that made tiles."""
        facts = json.loads(json.dumps(asdict(run)))
        with self._engine.begin() as connection:
            connection.execute(insert(RUNS), {"dataset": run.dataset, "facts": facts})

    def all(self, dataset: str | None = None) -> list[Run]:
        """Every run, oldest first; of one dataset if asked."""
        query = select(RUNS.c.dataset, RUNS.c.version, RUNS.c.facts).order_by(RUNS.c.id)
        if dataset:
            query = query.where(RUNS.c.dataset == dataset)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        runs = [_run(name, version, facts) for name, version, facts in rows if facts.get("kind")]
        return sorted(runs, key=lambda run: run.started)

    def newest(self, dataset: str, wanted: Callable[[Run], bool]) -> Run | None:
        """The newest committed run of a dataset that is wanted, if there is one."""
        query = select(RUNS.c.version, RUNS.c.facts).where(RUNS.c.dataset == dataset)
        query = query.where(RUNS.c.version.is_not(None)).order_by(RUNS.c.version.desc())
        with self._engine.connect() as connection:
            rows = connection.execute(query)
            found = (_run(dataset, *row) for row in rows if row.facts.get("kind"))
            return next(filter(wanted, found), None)


def deliveries(runs: Iterable[Run]) -> dict[str, Run]:
    """The newest successful receipt of each source, by source, of one dataset's runs."""
    return {run.source: run for run in runs if run.kind == RECEIVE and not run.failed}


def last_made(runs: Sequence[Run]) -> Run | None:
    """The newest run that made a derived dataset."""
    return next((run for run in reversed(runs) if run.kind == DERIVE and not run.failed), None)


def newest_change(runs: Sequence[Run]) -> str:
    """When the newest run that changed a dataset began; empty where there is none."""
    return max((run.started for run in runs if run.version is not None), default="")


def newest_version(runs: Sequence[Run]) -> int:
    """The version of the newest run that changed a dataset; -1 where there is none."""
    return max((run.version for run in runs if run.version is not None), default=-1)


def rows_version(runs: Iterable[Run]) -> int:
    """The version of the newest run that changed a dataset's rows; -1 where there is none."""
    return newest_version([run for run in runs if run.changed_rows])


def _without(facts: dict[str, Any], dataset: str) -> dict[str, Any]:
    """A run's facts without the version that it saw of a dataset."""
    seen = {
        name: {other: version for other, version in facts[name].items() if other != dataset}
        for name in _SEEN
        if name in facts
    }
    return {**facts, **seen}


def _run(dataset: str, version: int | None, facts: dict[str, Any]) -> Run:
    known = {name: value for name, value in facts.items() if name in _FIELDS}
    return Run(**{**known, "dataset": dataset, "version": version})
