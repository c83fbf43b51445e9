"""What a weave would do, and why: a frozen plan, made before anything runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from cityloom.contract import Contract, Delivery
from cityloom.inbox import DeliveredFile
from cityloom.runs import ARRIVALS, RECEIVE, REPLAY, Run, deliveries


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


def replays(contract: Contract, runs: Sequence[Run], newest: Mapping[str, str]) -> list[Step]:
    """The deliveries of a dataset whose refused rows may now be kept.

    Args:
        contract: the dataset's contract.
        runs: the dataset's runs.
        newest: for every dataset, when its newest run that changed it began.
    """
    judged = [run for run in runs if run.kind in ARRIVALS and not run.failed]
    if contract.delivery is Delivery.SNAPSHOT:
        judged = judged[-1:]
    kept = max((run.started for run in judged if run.rows_kept), default="")
    newest = {**newest, contract.dataset: kept}
    last = {run.source: run for run in judged if run.source}
    return [
        Step(REPLAY, contract.dataset, why, source)
        for source, run in sorted(last.items())
        if run.rows_quarantined and (why := _why_replay(contract, run, newest))
    ]


def _why_replay(contract: Contract, last: Run, newest: Mapping[str, str]) -> str | None:
    """Why the rows that a run refused may now be kept, or ``None``."""
    if last.contract != contract.digest:
        return "its contract changed"
    parents = {column.reference.dataset for column in contract.references if column.reference}
    arrived = sorted(name for name in parents if _came_since(name, contract, last, newest))
    return f"rows wait for {', '.join(arrived)}" if arrived else None


def _came_since(parent: str, contract: Contract, last: Run, newest: Mapping[str, str]) -> bool:
    """Whether rows of a parent came after a run had looked for them; its own come as it ends."""
    came = newest.get(parent, "")
    return came >= last.started if parent == contract.dataset else came > last.started
