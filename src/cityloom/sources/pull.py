"""Pulling what a city's sources have: each leaves files in the inbox, and how far it was pulled."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any

from cityloom.contract import Contract
from cityloom.errors import PullError, StorageError, UsageError, plain
from cityloom.inbox import delivered_files
from cityloom.runs import now
from cityloom.sources.advice import advised
from cityloom.sources.drop import Busy, Drop, is_storage
from cityloom.sources.job import Job
from cityloom.sources.schedule import is_due
from cityloom.sources.state import SourceLog, State
from cityloom.sources.stated import Stated

if TYPE_CHECKING:
    from cityloom.city import City

_ROOMS = {"http": "links"}
"""The module that pulls a kind of source, where it has another name."""


@dataclass(frozen=True)
class Pull:
    """What came of one pull: files, rows (of sources that give rows) and bytes in the inbox."""

    source: str
    dataset: str
    files: int = 0
    rows: int = 0
    size: int = 0
    seconds: float = 0.0
    error: str = ""


def pull(city: "City", names: Iterable[str] = (), every: bool = False) -> Iterator[Pull]:
    """Pull the sources that are named, or those that are due, or ``every`` one.

    A source that fails, with whatever, leaves what was pulled before as it was, and does not stop
    the others.

    Raises:
        UsageError: the city has no such source.
        StorageError: the city's own disk or store fails.
    """
    asked = list(names)
    for name in asked:
        if name not in city.settings.sources:
            known = ", ".join(sorted(city.settings.sources)) or "none yet"
            raise UsageError(f"no source '{name}' in city.toml; known are {known}")
    states, moment = SourceLog(city.store).all(), datetime.now(UTC)
    for name, source in city.settings.sources.items():
        due = name in asked if asked else every or is_due(source, states.get(name), moment)
        if due:
            yield _pull(city, name, source)


def _pull(city: "City", name: str, source: Stated) -> Pull:
    log, begun, start = SourceLog(city.store), now(), monotonic()
    drop = Drop(city.path / "inbox" / source.dataset / name)
    job = Job(name, source, city.path, city.settings.network, drop, log, State(name))
    error = ""
    try:
        contract = city.delivered(source.dataset, "nothing can be pulled for it")
        with drop.held():
            job.state = log.begin(name, source.shape(), begun)
            _room(source).pull(job, contract)
            _check_found(city, contract, drop)
    except StorageError:
        raise
    except Busy as refusal:
        return Pull(name, source.dataset, error=str(refusal))
    except UsageError as refusal:
        error = _failed(job, begun, str(refusal))
    except Exception as fault:
        if is_storage(fault):
            raise
        error = _failed(job, begun, f"{type(fault).__name__}: {plain(fault)}")
    _end(log, job, begun, error)
    cost = round(monotonic() - start, 3)
    return Pull(name, source.dataset, job.files, job.rows, job.size, cost, error)


def _failed(job: Job[Any], begun: str, text: str) -> str:
    """What is said of a pull that failed, also where it failed before it began."""
    job.log.begin(job.name, job.source.shape(), begun)
    return advised(job.said(text))


def _room(source: Stated) -> Any:
    """The module that pulls a kind of source."""
    try:
        return import_module(f"cityloom.sources.{_ROOMS.get(source.kind, source.kind)}")
    except ModuleNotFoundError as error:
        raise PullError(f"{error}; pip install 'cityloom[sources]'") from None


def _end(log: SourceLog, job: Job[Any], begun: str, error: str) -> None:
    facts = {"error": error}
    facts |= {} if error else {"pulled": begun}
    log.note(job.name, **facts | ({"changed": begun} if job.files else {}))


def _check_found(city: "City", contract: Contract, drop: Drop) -> None:
    """See that a weave will find what lies in the source's folder."""
    if contract.files.path is None:
        return
    found = {file.path for file in delivered_files(city.path, contract)}
    if missed := sorted(set(drop.files()) - found):
        raise PullError(
            f"the contract's path, {contract.files.path}, does not match "
            f"{missed[0].relative_to(city.path)}; leave the path out, or let it match that too"
        )
