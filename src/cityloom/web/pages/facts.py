"""Facts of datasets and runs, as JSON and tables give them."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cityloom.catalogue import DatasetFacts
from cityloom.contract import Contract
from cityloom.lineage import run_id
from cityloom.runs import Run
from cityloom.web.desk import Look
from cityloom.web.figures import Standing, last_change, standing


@dataclass(frozen=True)
class Entry:
    """A dataset as the catalogue lists it."""

    facts: DatasetFacts
    contract: Contract
    standing: Standing
    changed: datetime | None

    def as_facts(self) -> dict[str, Any]:
        """The entry as JSON gives it."""
        return {
            **asdict(self.facts),
            "description": self.contract.description,
            "standing": str(self.standing),
            "changed": self.changed,
        }


def entry(look: Look, dataset: str) -> Entry:
    """A dataset's entry."""
    failed = any(run.dataset == dataset for run in look.failures())
    return _entry(look, dataset, failed)


def entries(look: Look) -> list[Entry]:
    """Every dataset's entry, by name."""
    failed = {run.dataset for run in look.failures()}
    return [_entry(look, name, name in failed) for name in look.facts]


def _entry(look: Look, dataset: str, failed: bool) -> Entry:
    contract, runs = look.contracts[dataset], look.runs_of[dataset]
    stands = standing(contract, runs, failed)
    return Entry(look.facts[dataset], contract, stands, last_change(runs))


RUN_COLUMNS = (
    "id", "dataset", "kind", "source", "started", "seconds", "peak_mb", "rows_read", "rows_kept",
    "rows_quarantined", "rows_duplicate", "version", "error",
)  # fmt: skip
"""What a table of runs says of each."""


def run_facts(run: Run, city: str) -> dict[str, Any]:
    """A run as JSON gives it."""
    return {"id": run_id(run, city), **asdict(run)}


def run_row(run: Run, city: str) -> list[object]:
    """A run as a table's row."""
    facts = run_facts(run, city)
    return [facts[name] for name in RUN_COLUMNS]
