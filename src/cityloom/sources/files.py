"""Pulling files: those that are new or have another change marker than when they were pulled."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from cityloom.counts import counted
from cityloom.errors import PullError
from cityloom.inbox import in_order
from cityloom.sources.drop import FileRefused, OutOfTime, Sink, check_size, is_plain
from cityloom.sources.job import Job
from cityloom.sources.network import Unanswered

PATIENCE = 3
"""After how many files that a host did not answer for the others there wait for the next pull."""


@dataclass(frozen=True)
class RemoteFile:
    """A file elsewhere: its name in the inbox, where it is, and its size and marker if known.

    ``host`` is what it lies at, where the files of a source may lie at several.
    """

    name: str
    place: str
    marker: str = ""
    size: int | None = None
    host: str = ""


class Remote(Protocol):
    """Where files are."""

    def listing(self) -> Iterable[RemoteFile]:
        """The files that are there now."""

    def fetch(self, file: RemoteFile, known: str, sink: Sink) -> str | None:
        """Write a file's bytes; its change marker, or ``None`` where it is as it was ``known``."""


def pull_files(job: Job[Any], remote: Remote) -> None:
    """Put into the inbox what is new or changed; a file that fails does not stop the others.

    Raises:
        PullError: some files failed, or all of them cannot be reached.
        OutOfTime: one took too long; those after it were not tried.
    """
    known = job.log.markers(job.name)
    failed, silent = [], Counter[str]()
    for file in _distinct(remote.listing()):
        before = known.get(file.name, "")
        if file.marker and file.marker == before:
            continue
        try:
            if silent[file.host] == PATIENCE:
                raise FileRefused("left for the next pull, since its host does not answer")
            _pull(job, remote, file, before)
            silent[file.host] = 0
        except OutOfTime:
            raise
        except PullError as error:
            failed.append(f"{file.name}: {error}")
            silent[file.host] += isinstance(error, Unanswered)
    if failed:
        more = f" (and {counted(len(failed) - 1, 'more file')})" if len(failed) > 1 else ""
        raise PullError(f"{failed[0]}{more}")


def _pull(job: Job[Any], remote: Remote, file: RemoteFile, known: str) -> None:
    if not is_plain(file.name):
        raise FileRefused("its name cannot be that of a file in the inbox")
    check_size(file.size or 0, job.source.largest_mb)
    with job.drop.filling(file.name) as filling, open(filling.path, "wb") as out:
        sink = Sink(out, job.source.largest_mb, job.source.longest)
        marker = remote.fetch(file, known, sink)
        if marker is None:
            return
        if file.size is not None and sink.size != file.size:
            raise FileRefused("it changed while it was pulled; it is pulled again next time")
        filling.keep()
    job.log.remember(job.name, file.name, marker)
    job.files += 1
    job.size += sink.size


def _distinct(files: Iterable[RemoteFile]) -> list[RemoteFile]:
    """The files in their order; no two may have one name."""
    found: dict[str, RemoteFile] = {}
    for file in files:
        if file.name in found:
            raise PullError(f"two files have the name {file.name}; pull them by two sources")
        found[file.name] = file
    return sorted(found.values(), key=lambda file: in_order(file.name))
