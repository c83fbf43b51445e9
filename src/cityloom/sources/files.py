"""Pulling files: those that are new or have another change marker than when they were pulled."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from cityloom.errors import PullError
from cityloom.inbox import in_order
from cityloom.sources.drop import FileRefused, Sink, check_size, is_plain
from cityloom.sources.job import Job


@dataclass(frozen=True)
class RemoteFile:
    """A file elsewhere: its name in the inbox, where it is, and its size and marker if known."""

    name: str
    place: str
    marker: str = ""
    size: int | None = None


class Remote(Protocol):
    """Where files are."""

    def listing(self) -> Iterable[RemoteFile]:
        """The files that are there now."""

    def fetch(self, file: RemoteFile, known: str, sink: Sink) -> str | None:
        """Write a file's bytes; its change marker, or ``None`` where it is as it was ``known``."""


def pull_files(job: Job[Any], remote: Remote) -> None:
    """Put into the inbox what is new or changed; a file that is refused does not stop the others.

    Raises:
        PullError: some files were refused, or all of them cannot be reached.
    """
    known = job.log.markers(job.name)
    refused = []
    for file in _distinct(remote.listing()):
        before = known.get(file.name, "")
        if file.marker and file.marker == before:
            continue
        try:
            _pull(job, remote, file, before)
        except FileRefused as error:
            refused.append(f"{file.name}: {error}")
    if refused:
        more = f" (and {len(refused) - 1} more files)" if len(refused) > 1 else ""
        raise PullError(f"{refused[0]}{more}")


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
