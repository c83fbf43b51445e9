"""Objects of a bucket of an object store that speaks S3."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from pyarrow import fs

from cityloom.contract import Contract
from cityloom.errors import PullError, plain
from cityloom.sources.drop import FileRefused, Sink
from cityloom.sources.files import RemoteFile, pull_files
from cityloom.sources.job import Job
from cityloom.sources.network import SECONDS, Unanswered
from cityloom.sources.settled import marker_of
from cityloom.sources.stated import S3Source
from cityloom.sources.urls import port_of

_BLOCK = 4 << 20
_SILENT = re.compile("AWS Error (NETWORK_CONNECTION|REQUEST_TIMEOUT)")


def pull(job: Job[S3Source], contract: Contract) -> None:
    """Pull what is new or changed in the bucket.

    Raises:
        PullError: the store cannot be reached, or refuses.
    """
    try:
        pull_files(job, _Bucket(job.source, _opened(job)))
    except OSError as error:
        raise PullError(f"{urlsplit(job.source.endpoint).hostname}: {plain(error)}") from None


def _opened(job: Job[S3Source]) -> fs.S3FileSystem:
    source = job.source
    parts = urlsplit(source.endpoint)
    job.network.trusts(parts.hostname or "", port_of(source.endpoint), "S3")
    key = job.reveal(source.access_key)
    return fs.S3FileSystem(
        access_key=key or None,
        secret_key=job.reveal(source.secret_key) or None,
        anonymous=not key,
        region=source.region,
        scheme=parts.scheme,
        endpoint_override=parts.netloc,
        connect_timeout=SECONDS,
        request_timeout=SECONDS,
        tls_ca_file_path=str(job.own_file(job.network.ca)) if job.network.ca else None,
    )


class _Bucket:
    """See :class:`cityloom.sources.files.Remote`."""

    def __init__(self, source: S3Source, store: fs.S3FileSystem) -> None:
        self._source = source
        self._store = store
        self._folder = f"{source.bucket}/{source.folder}".rstrip("/")

    def listing(self) -> Iterator[RemoteFile]:
        selector = fs.FileSelector(self._folder, recursive=self._source.recursive)
        for entry in self._store.get_file_info(selector):
            name = entry.path.removeprefix(f"{self._folder}/")
            wanted = fnmatchcase(entry.base_name, self._source.pattern)
            if entry.type == fs.FileType.File and wanted and not _is_hidden(name):
                yield RemoteFile(name, entry.path, _marker(entry), entry.size)

    def fetch(self, file: RemoteFile, known: str, sink: Sink) -> str:
        try:
            with self._store.open_input_stream(file.place) as stream:
                while block := stream.read(_BLOCK):
                    sink.write(block)
        except OSError as error:
            fault = Unanswered if _SILENT.search(str(error)) else FileRefused
            raise fault(plain(error)) from None
        return file.marker


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "~")) for part in name.split("/"))


def _marker(entry: fs.FileInfo) -> str:
    changed = entry.mtime or datetime.fromtimestamp(0, UTC)
    return marker_of(entry.size or 0, changed)
