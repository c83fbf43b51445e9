"""What a weave would do, and why: a frozen plan, made before anything runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from operator import attrgetter
from pathlib import Path

from cityloom.contract import Contract, Delivery
from cityloom.inbox import DeliveredFile
from cityloom.lake import NO_VERSION
from cityloom.runs import ARRIVALS, RECEIVE, REPLAY, Run, deliveries, newest_version

WILL_CHANGE = -2
"""The version of a dataset that an earlier step of a plan will change; no run ever saw it."""

_CHANGED_ROWS: Callable[[Run], bool] = attrgetter("changed_rows")
_BROUGHT_ROWS: Callable[[Run], bool] = attrgetter("brought_rows")


@dataclass(frozen=True)
class Step:
    """One thing that a weave does; a receipt and a replay are of one ``source``.

    A receipt has the ``path`` at which the source lies.
    """

    kind: str
    dataset: str
    why: str
    source: str = ""
    path: Path | None = None

    @property
    def subject(self) -> str:
        """What the step is about, in a word or two."""
        return f"{self.dataset} ← {self.source}" if self.source else self.dataset


def parents_first(contracts: Mapping[str, Contract]) -> list[Contract]:
    """The contracts, each after those that it refers to (as far as they do not refer in a ring)."""
    waits_for = {
        name: {
            column.reference.dataset
            for column in contract.references
            if column.reference
            and column.reference.dataset in contracts
            and column.reference.dataset != name
        }
        for name, contract in sorted(contracts.items())
    }
    try:
        return [contracts[name] for name in TopologicalSorter(waits_for).static_order()]
    except CycleError:
        return [contracts[name] for name in sorted(contracts)]


def receipts(
    contract: Contract, files: Iterable[tuple[DeliveredFile, str]], runs: Sequence[Run]
) -> list[Step]:
    """The files of a dataset that are new or changed; ``files`` come with their SHA-256.

    A file that was refused as a whole is tried again once it or its contract has changed.
    """
    known = deliveries(runs)
    refused = {(run.source, run.sha256, run.contract) for run in runs if run.failed}
    steps = []
    for file, sha256 in files:
        if (file.source, sha256, contract.digest) in refused:
            continue
        earlier = known.get(file.source)
        if earlier is None:
            why = "new file"
        elif earlier.sha256 != sha256:
            why = "its content changed"
        else:
            continue
        steps.append(Step(RECEIVE, contract.dataset, why, file.source, file.path))
    return steps


def parents_of(contract: Contract, contracts: Mapping[str, Contract]) -> list[str]:
    """The datasets by whose rows a contract's references can be judged, by these contracts."""
    references = (column.reference for column in contract.references)
    return sorted(
        {
            reference.dataset
            for reference in references
            if reference and reference.dataset in contracts
            if reference.column in contracts[reference.dataset].schema.names
        }
    )


def brings(contract: Contract, parent: str) -> Callable[[Run], bool]:
    """What tells of a parent's run whether rows that wait for it may now be kept."""
    return _BROUGHT_ROWS if parent == contract.dataset else _CHANGED_ROWS


def parent_versions(
    contract: Contract, contracts: Mapping[str, Contract], runs: Mapping[str, Sequence[Run]]
) -> dict[str, int]:
    """The version of each parent that refused rows would be judged by now."""
    return {
        name: newest_version(list(filter(brings(contract, name), runs.get(name, []))))
        for name in parents_of(contract, contracts)
    }


def replays(contract: Contract, runs: Sequence[Run], versions: Mapping[str, int]) -> list[Step]:
    """The deliveries of a dataset whose refused rows may now be kept.

    Args:
        contract: the dataset's contract.
        runs: the dataset's runs.
        versions: of each parent that its references can be judged by, the version that it has.
    """
    judged = [run for run in runs if run.kind in ARRIVALS and not run.failed]
    if contract.delivery is Delivery.SNAPSHOT:
        judged = judged[-1:]
    last = {run.source: run for run in judged if run.source}
    return [
        Step(REPLAY, contract.dataset, why, source)
        for source, run in sorted(last.items())
        if run.rows_quarantined and (why := _why_replay(contract, run, versions))
    ]


def _why_replay(contract: Contract, last: Run, versions: Mapping[str, int]) -> str | None:
    """Why the rows that a run refused may now be kept, or ``None``.

    A parent that the run could not read counts as one that had no version.
    """
    if last.contract != contract.digest:
        return "its contract changed"
    arrived = sorted(
        name for name, version in versions.items() if version != last.parents.get(name, NO_VERSION)
    )
    return f"rows wait for {', '.join(arrived)}" if arrived else None
