"""What a weave would do, and why: a frozen plan, made before anything runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from cityloom.contract import Contract, Delivery
from cityloom.inbox import DeliveredFile
from cityloom.runs import RECEIVE, REPLAY, Run, deliveries


@dataclass(frozen=True)
class Step:
    """One thing that a weave does; ``file`` is set for a receipt."""

    kind: str
    dataset: str
    why: str
    file: DeliveredFile | None = None

    @property
    def subject(self) -> str:
        """What the step is about, in a word or two."""
        return f"{self.dataset} ← {self.file.source}" if self.file else self.dataset


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
            steps.append(Step(RECEIVE, contract.dataset, "new file", file))
        elif earlier.sha256 != sha256:
            steps.append(Step(RECEIVE, contract.dataset, "its content changed", file))
    return steps


def replay_reason(
    contract: Contract, runs: Sequence[Run], newest: Mapping[str, str], quarantined: bool
) -> str | None:
    """Why refused rows of a dataset may now be kept, or ``None``.

    Args:
        contract: the dataset's contract.
        runs: the dataset's runs.
        newest: for every dataset, when its newest run that changed it began.
        quarantined: whether any row is in quarantine.
    """
    tried = [run for run in runs if run.kind in (RECEIVE, REPLAY) and not run.failed]
    if not quarantined or not tried:
        return None
    if tried[-1].contract != contract.digest:
        return "its contract changed"
    newest_of_source = {run.source: run for run in tried}
    if contract.delivery is Delivery.SNAPSHOT:
        newest_of_source = {tried[-1].source: tried[-1]}
    waiting = [run.started for run in newest_of_source.values() if run.rows_quarantined]
    if not waiting:
        return None
    judged = min(waiting)
    arrived = sorted(
        name
        for name in {column.reference.dataset for column in contract.references if column.reference}
        if name != contract.dataset and newest.get(name, "") > judged
    )
    if refers_to_itself(contract) and (tried[-1].kind == RECEIVE or tried[-1].rows_kept > 0):
        arrived.append(contract.dataset)
    return f"rows wait for {', '.join(arrived)}" if arrived else None


def refers_to_itself(contract: Contract) -> bool:
    """Whether a dataset's rows refer to rows of the same dataset."""
    return any(c.reference and c.reference.dataset == contract.dataset for c in contract.columns)
