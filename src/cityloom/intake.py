"""Taking deliveries into a city, and judging refused rows again: each leaves a run in the log."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from cityloom.contract import Contract
from cityloom.errors import DeliveryError, StorageError, UsageError
from cityloom.filling import lacking
from cityloom.inbox import DeliveredFile, check_link, delivered_files
from cityloom.lake import DELIVERY
from cityloom.measure import Meter
from cityloom.policy import is_open
from cityloom.quarantine import QuarantineReader, relation
from cityloom.readers import open_reader
from cityloom.readers.fitted import fitted
from cityloom.receive import Place, receive
from cityloom.runs import ARRIVALS, FILL, RECEIVE, REPLAY, TILE, Run, now
from cityloom.sql import connect
from cityloom.tiles.sharing import is_drawn

if TYPE_CHECKING:
    from cityloom.city import City


class Account(Mapping[str, object]):
    """A run's facts as a commit carries them; what it cost is read when the commit is written."""

    def __init__(self, run: Run, meter: Meter) -> None:
        self._facts = {k: v for k, v in asdict(run).items() if v not in ("", [], {}, None)}
        self._meter = meter

    def __getitem__(self, key: str) -> object:
        return {**self._facts, **self._meter.facts()}[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._facts, **self._meter.facts()})

    def __len__(self) -> int:
        return len({**self._facts, **self._meter.facts()})


def begin(contract: Contract, kind: str, source: str) -> Run:
    """A run that starts now."""
    return Run(
        dataset=contract.dataset,
        kind=kind,
        source=source,
        started=now(),
        contract=contract.digest,
        key=[column.name for column in contract.key],
        crs=contract.crs,
    )


def measured(run: Run, meter: Meter) -> Run:
    """The run with what it has cost so far."""
    cost = meter.facts()
    return replace(
        run,
        seconds=cost["seconds"],
        cpu_seconds=cost["cpu_seconds"],
        peak_mb=cost["peak_mb"],
    )


def tried(
    city: "City",
    work: Callable[[], list[Run]],
    begun: Callable[[], list[Run]],
    ending: tuple[type[UsageError], ...] = (StorageError,),
) -> list[Run]:
    """The runs of some work or, where it fails, those that it had ``begun``, as failed ones.

    Errors of the kinds in ``ending`` are no outcome of a run: they are raised.
    """
    try:
        return work()
    except ending:
        raise
    except UsageError as error:
        failed = [replace(run, error=str(error)) for run in begun()]
        for run in failed:
            city.log.remember(run)
        return failed


def take_in(city: "City", dataset: str, file: DeliveredFile) -> Run:
    """Receive one file.

    Raises:
        DeliveryError: it cannot be received as a whole, by fault of the file or of its contract;
            the log has a failed run.
        ContractError: the contract of the dataset, or of one it refers to, cannot be used.
        UsageError: nothing can be delivered to the dataset.
    """
    contract = city.delivered(dataset, "nothing can be delivered to it")
    run = replace(
        begin(contract, RECEIVE, source=file.source),
        sha256=city.fingerprints.of(file.path),
        parents=city.parent_versions(contract),
    )
    meter, place = Meter(), _place(city, contract)
    try:
        check_link(city.path, file.path)
        reader = fitted(open_reader(file.path, contract.files), contract, file.path.name)
        receive(place, reader, file.source, Account(run, meter))
    except StorageError:
        raise
    except UsageError as error:
        said = _said(error, contract)
        city.log.remember(replace(measured(run, meter), error=said))
        raise DeliveryError(f"{dataset} ← {file.source}: {said}") from None
    return _newest(city, dataset)


def judge_again(city: "City", dataset: str, source: str) -> list[Run]:
    """Replay the refused rows of one delivery."""
    contract = city.contract(dataset)
    run = replace(begin(contract, REPLAY, source=source), parents=city.parent_versions(contract))
    account = Account(run, Meter())
    columns = [column.source_name for column in contract.columns]
    reader = QuarantineReader(city.quarantine_files(dataset), source, columns, city.scratch)
    receive(_place(city, contract), reader, source, account, replay=True)
    return [_newest(city, dataset)]


def refused_sources(city: "City", dataset: str) -> list[str]:
    """The deliveries that have rows in a dataset's quarantine."""
    refused = relation(city.quarantine_files(dataset))
    connection = connect(city.scratch)
    found = connection.execute(f"SELECT DISTINCT {DELIVERY} FROM ({refused}) ORDER BY 1").fetchall()
    return [source for (source,) in found]


def failures(city: "City", runs: Iterable[Run]) -> list[Run]:
    """The runs that failed and were not made good, of what can still be mended.

    That is the newest of each dataset, kind and source, where the city still has the dataset and,
    of a receipt, the inbox still has the file. What nobody asks for any more counts no longer.
    """
    newest = {(r.dataset, r.kind, r.source if r.kind in ARRIVALS else ""): r for r in runs}
    failed = [run for run in newest.values() if run.failed and run.dataset in city.contracts]
    failed = [run for run in failed if _is_asked_for(city, run)]
    lying = {
        (name, file.source)
        for name in {run.dataset for run in failed if run.kind == RECEIVE}
        for file in delivered_files(city.path, city.contracts[name])
    }
    return [run for run in failed if run.kind != RECEIVE or (run.dataset, run.source) in lying]


def _is_asked_for(city: "City", run: Run) -> bool:
    """Whether the contract still asks for what tiles, or the filling of columns, were to bring."""
    contract = city.contracts[run.dataset]
    if run.kind == TILE:
        return is_drawn(contract)
    return run.kind != FILL or bool(lacking(contract, city.kept(run.dataset)))


def _said(error: UsageError, contract: Contract) -> str:
    """What went wrong, without what the file holds where the dataset is closely held."""
    if isinstance(error, DeliveryError) and not is_open(contract.classification):
        return error.discreet
    return str(error)


def _place(city: "City", contract: Contract) -> Place:
    for name in city.waits_for(contract):
        city.contract(name)
    parents = {
        reference.dataset: (city.contracts[reference.dataset], city.kept(reference.dataset))
        for reference in (column.reference for column in contract.references)
        if reference and reference.dataset in city.contracts
        if reference.column in city.contracts[reference.dataset].schema.names
    }
    newest = city.newest_run(contract.dataset, ARRIVALS)
    return Place(
        contract=contract,
        kept=city.kept(contract.dataset),
        quarantine=city.quarantine(contract.dataset),
        parents=parents,
        scratch=city.scratch,
        key=tuple(newest.key) if newest else (),
        crs=newest.crs if newest else {},
        references=city.references,
    )


def _newest(city: "City", dataset: str) -> Run:
    """The run that a commit has just made."""
    run = city.newest_run(dataset, ARRIVALS)
    assert run is not None
    return run
