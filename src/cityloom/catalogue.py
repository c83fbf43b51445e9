"""The catalogue: what is known of the datasets of a city without looking at their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cityloom.digest import Digests
from cityloom.runs import Run, newest_change, newest_version

if TYPE_CHECKING:
    from cityloom.city import City

RECEIVED, DERIVED = "received", "derived"


@dataclass(frozen=True)
class DatasetFacts:
    """One dataset; ``version`` is that of the newest run that changed it, -1 before any."""

    dataset: str
    title: str
    rows: int
    rows_quarantined: int
    version: int
    digest: str
    classification: str
    owner: str
    kind: str
    changed: str


def dataset_facts(city: "City") -> list[DatasetFacts]:
    """The facts of every dataset, by name."""
    digests = Digests(city.store, city.readers_scratch)
    runs: dict[str, list[Run]] = {}
    for run in city.runs():
        runs.setdefault(run.dataset, []).append(run)
    return [_facts(city, name, digests, runs.get(name, [])) for name in sorted(city.contracts)]


def _facts(city: "City", name: str, digests: Digests, runs: Sequence[Run]) -> DatasetFacts:
    from cityloom.quarantine import MARKER

    contract, table = city.contract(name), city.kept(name)
    marker = table.marker(MARKER)
    return DatasetFacts(
        dataset=name,
        title=contract.title,
        rows=table.rows(),
        rows_quarantined=0 if marker is None else city.quarantine(name).rows(marker),
        version=newest_version(runs),
        digest=digests.of(table.files(), contract.schema),
        classification=contract.classification.label,
        owner=contract.owner,
        kind=RECEIVED if name in city.received else DERIVED,
        changed=newest_change(runs),
    )
