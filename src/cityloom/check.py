"""What is wrong with an installation and a city, and how to mend it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from cityloom.backup.record import lateness
from cityloom.city import LAKE_MEND, City
from cityloom.contract import SUFFIX, Contract
from cityloom.counts import counted
from cityloom.damage import lake_damage
from cityloom.errors import PolicyError, UsageError, mended, passed_over
from cityloom.inbox import in_text, overlooked_files
from cityloom.ledger.publish import heads_at_hand
from cityloom.ledger.publish import lateness as lateness_of_heads
from cityloom.runs import DERIVE, EXPIRE, FILL, RECEIVE, REPLAY, TILE, Run

DUCKDB = "1.5.5"
"""The DuckDB that the extension packages are built for."""


_UNDONE = {
    RECEIVE: ("could not be received", "mend the file or the contract"),
    REPLAY: ("could not be replayed", "mend the contract"),
    DERIVE: ("could not be made", "mend the function or what it reads"),
    EXPIRE: ("keeps rows past retention", "mend the contract"),
    TILE: ("has no map tiles", "mend what is said"),
    FILL: ("lacks columns that are filled", "mend what is said"),
}


@dataclass(frozen=True)
class Finding:
    """Something wrong, and its mend; ``serious`` where data may be missing or wrong."""

    what: str
    mend: str
    serious: bool = True


def findings(city: City, discreet: bool = False) -> list[Finding]:
    """Everything that is wrong, the installation first.

    ``discreet`` leaves out what sources failed with: a driver may quote values and name hosts.
    """
    general = [*_installation(), *_ledger(city), *_lake(city), *_backups(city)]
    of_datasets = [*_of_datasets(city), *_policies(city)]
    return [*general, *of_datasets, *_sources(city, discreet), *_strays(city)]


def _policies(city: City) -> Iterator[Finding]:
    """The policies cannot be used, so that nothing may be read."""
    try:
        city.policies  # noqa: B018
    except PolicyError as error:
        yield Finding(str(error), "mend it; until then nobody may read anything of this city")
    except UsageError:
        return


def _sources(city: City, discreet: bool) -> Iterator[Finding]:
    """Sources that fail, are late, or feed no dataset."""
    from cityloom.sources.standing import wrongs

    with passed_over():
        yield from (Finding(*wrong) for wrong in wrongs(city, discreet))


def _lake(city: City) -> Iterator[Finding]:
    """The whole lake is away."""
    if said := city.without_lake():
        yield Finding(said, LAKE_MEND)


def _backups(city: City) -> Iterator[Finding]:
    """No backup was made, or none for longer than ``city.toml`` wants."""
    if late := lateness(city):
        yield Finding(late, "make one: cityloom backup", serious=False)


def _of_datasets(city: City) -> Iterator[Finding]:
    """What is wrong with the datasets; of modules that do not fit together, that alone."""
    try:
        contracts = city.contracts
    except UsageError as error:
        yield Finding(
            str(error),
            "mend that module or uninstall it; until then no dataset can be woven, read or checked",
        )
        return
    yield from contract_findings(city)
    is_away = bool(city.without_lake())
    for name, contract in sorted(contracts.items()):
        damage = [] if is_away else _damage(city, name)
        runs = city.log.all(name) if is_away or damage else city.runs(name)
        yield from damage
        yield from _references(city, contract)
        yield from _failures(city, runs)
        yield from _lateness(contract, runs) if name in city.received else ()
    yield from unknown_files(city)
    yield from _overlooked(city)
    yield from _unclaimed(city)


def contract_findings(city: City) -> list[Finding]:
    """What is wrong with the city's contracts themselves."""
    return [*_broken(city), *_misnamed(city), *_waiting(city), *_drafts(city)]


def _misnamed(city: City) -> Iterator[Finding]:
    """Files of ``contracts/`` that look like contracts and are read by nobody."""
    for path in sorted((city.path / "contracts").glob("*")):
        name = path.name.lower()
        if name.endswith((".yaml", ".yml")) and not path.name.endswith(SUFFIX):
            dataset = name.partition(".")[0]
            yield Finding(
                f"contracts/{in_text(path.name)} is not read: contracts are named "
                f"<dataset>{SUFFIX}",
                f"rename it to {in_text(dataset)}{SUFFIX}, or take it out of contracts/",
            )


def _broken(city: City) -> Iterator[Finding]:
    for item in city.broken:
        yield Finding(
            item.error,
            "mend it, or take it out of contracts/; until then its dataset stays as it is",
        )


def _waiting(city: City) -> Iterator[Finding]:
    for name, contract in sorted(city.received.items()):
        if waited := city.waits_for(contract):
            yield Finding(
                f"{name} refers to {', '.join(waited)}, whose contract cannot be used",
                f"mend that contract; until then nothing is received for {name}",
            )
    for function in city.functions:
        if waited := sorted(filter(city.what_broke, function.inputs)):
            made = ", ".join(function.outputs)
            yield Finding(
                f"{made} is made of {', '.join(waited)}, whose contract cannot be used",
                f"mend that contract; until then {made} is not made again",
            )


def _drafts(city: City) -> Iterator[Finding]:
    for contract in city.received.values():
        if contract.doubts:
            yield Finding(
                f"{contract.origin} still has {counted(contract.doubts, 'open doubt')}",
                "settle and remove each line that begins with '# doubt:', "
                "then set the status to active",
                serious=False,
            )
        elif contract.is_draft:
            yield Finding(
                f"{contract.origin} is still a draft",
                "set its status to active once its owner agrees",
                serious=False,
            )


def _installation() -> Iterator[Finding]:
    if (found := version("duckdb")) != DUCKDB:
        yield Finding(
            f"DuckDB is {found}; its extension packages are built for {DUCKDB}",
            f"pip install duckdb=={DUCKDB}",
        )


def _ledger(city: City) -> Iterator[Finding]:
    """The chain is broken, its end was not settled, or its head was not published in time."""
    try:
        city.ledger.verify(heads_at_hand(city))
        number = city.ledger.unsettled()
    except UsageError as error:
        number = None
        yield Finding(str(error), "compare the ledger with the last copy kept elsewhere")
    if number is not None:
        yield Finding(
            f"ledger.ndjson line {number}: newer than ledger.head; what wrote it came to no end, "
            "or it was put in by hand",
            "see whether that read was asked for; the next read settles it",
            serious=False,
        )
    if late := lateness_of_heads(city):
        yield Finding(late, "publish it: cityloom ledger publish", serious=False)


def _damage(city: City, dataset: str) -> list[Finding]:
    return [Finding(what, mended(dataset)) for what in lake_damage(city, dataset)]


def _references(city: City, contract: Contract) -> Iterator[Finding]:
    for column in contract.references:
        reference = column.reference
        if reference is None:
            continue
        target = f"{reference.dataset}.{reference.column}"
        parent = city.contracts.get(reference.dataset)
        if parent is None and city.what_broke(reference.dataset):
            continue
        if parent is None:
            yield Finding(
                f"{contract.dataset}.{column.name} refers to {target}, which this city lacks",
                f"add a contract for '{reference.dataset}'; until then its rows wait in quarantine",
            )
        elif reference.column not in parent.schema.names:
            yield Finding(
                f"{contract.dataset}.{column.name} refers to {target}: no such column",
                f"mend the relationship in {contract.origin}",
            )
        elif parent.column(reference.column).arrow_type != column.arrow_type:
            yield Finding(
                f"{contract.dataset}.{column.name} and {target} are not of one type",
                f"give both the same logicalType, in {contract.origin} or {parent.origin}",
            )


def _failures(city: City, runs: list[Run]) -> Iterator[Finding]:
    for run in city.failures(runs):
        done, mend = _UNDONE[run.kind]
        subject = f"{run.dataset}: {run.source}" if run.kind == RECEIVE else run.dataset
        yield Finding(f"{subject} {done}: {run.error}", f"{mend} and weave again")


def _lateness(contract: Contract, runs: list[Run]) -> Iterator[Finding]:
    received = [run.started for run in runs if run.kind == RECEIVE and not run.failed]
    if contract.frequency is None:
        return
    if not received:
        yield Finding(
            f"{contract.dataset}: nothing has come yet; expected every {_days(contract.frequency)}",
            f"put its files into inbox/{contract.dataset}/ and weave",
            serious=False,
        )
        return
    since = datetime.now(UTC) - datetime.fromisoformat(max(received))
    if since > contract.frequency:
        yield Finding(
            f"{contract.dataset}: nothing has come for {_days(since)}; "
            f"expected every {_days(contract.frequency)}",
            f"ask its owner, {contract.owner}" if contract.owner else "find out who owns it",
            serious=False,
        )


def _days(period: timedelta) -> str:
    days = period / timedelta(days=1)
    return counted(round(days), "day") if days >= 2 else counted(round(days * 24), "hour")


def unknown_files(city: City) -> Iterator[Finding]:
    """What lies in the inbox and belongs to no dataset."""
    inbox = city.path / "inbox"
    for entry in sorted(inbox.iterdir()) if inbox.is_dir() else []:
        name = entry.name.partition(".")[0]
        if name and name not in city.received and not city.what_broke(name):
            yield Finding(
                f"inbox/{entry.name} belongs to no dataset",
                f"put a contract named {name}.odcs.yaml into contracts/ "
                f"('cityloom contract draft' writes a first one), or rename it",
                serious=False,
            )


def _unclaimed(city: City) -> Iterator[Finding]:
    """Tables of the lake whose contract is gone or has another name now."""
    lake = city.path / "lake"
    folders = [*lake.glob("*"), *(lake / "_quarantine").glob("*")]
    tables = {path.name for path in folders if path.is_dir() and path != lake / "_quarantine"}
    for name in sorted(tables - set(city.contracts)):
        if not city.what_broke(name):
            yield Finding(
                f"lake/{name} holds rows that no contract claims",
                "put its contract back (to erase a subject from it, too), or, if the dataset is "
                f"given up, remove lake/{name} and lake/_quarantine/{name}",
                serious=False,
            )


def _overlooked(city: City) -> Iterator[Finding]:
    """Files that lie where a dataset's usually do, while its contract names another place."""
    for dataset, files in overlooked_files(city.path, city.received.values()).items():
        contract = city.contract(dataset)
        names = [in_text(path.relative_to(city.path)) for path in files]
        yield Finding(
            f"{_some(names)}: the contract of {dataset} does not look there, "
            f"its path is {contract.files.path}",
            f"write 'path: inbox/{dataset}' in {contract.origin} to receive what lies in "
            f"inbox/{dataset}/ and in inbox/{dataset}.*, or move the files",
        )


def _some(names: list[str]) -> str:
    """The first three names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _strays(city: City) -> Iterator[Finding]:
    left = [path.name for path in city.left_in_scratch()]
    if left:
        yield Finding(
            f"scratch/ holds what an interrupted run left: {', '.join(left[:3])}",
            "the next weave clears it",
            serious=False,
        )
