"""Files of a folder over SFTP, from a server whose key is known beforehand."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import paramiko

from cityloom.contract import Contract
from cityloom.errors import PullError, plain
from cityloom.sources.credentials import keep_to_oneself
from cityloom.sources.drop import FileRefused, Sink
from cityloom.sources.files import RemoteFile, pull_files
from cityloom.sources.job import Job
from cityloom.sources.network import SECONDS
from cityloom.sources.settled import marker_of
from cityloom.sources.stated import SftpSource

_SSH_PORT = 22
_PARALLEL = 64
_FAULTS = (paramiko.SSHException, OSError, EOFError, UnicodeDecodeError)


def pull(job: Job[SftpSource], contract: Contract) -> None:
    """Pull what is new or changed in the folder.

    Raises:
        PullError: the server cannot be reached, is another than is known, or refuses.
    """
    with _connected(job) as client:
        pull_files(job, _Folder(job.source, client))


@contextmanager
def _connected(job: Job[SftpSource]) -> Iterator[paramiko.SFTPClient]:
    source = job.source
    with paramiko.SSHClient() as ssh:
        _trust(job, ssh)
        try:
            ssh.connect(source.host, source.port, source.user, **_credentials(job))
            client = ssh.open_sftp()
            channel = client.get_channel()
            assert channel is not None
            channel.settimeout(SECONDS)
            yield client
        except paramiko.BadHostKeyException:
            raise PullError(
                f"{source.host} has another key than the one that is known; ask who runs it, "
                "and pull nothing until that is clear"
            ) from None
        except paramiko.AuthenticationException:
            raise PullError(f"{source.host} does not let {source.user} in") from None
        except _FAULTS as error:
            if "not found in known_hosts" in str(error):
                raise PullError(f"the key of {source.host} is not among the known ones") from None
            raise PullError(f"{source.host}: {plain(error)}") from None


def _credentials(job: Job[SftpSource]) -> dict[str, Any]:
    source = job.source
    key = job.own_file(source.key) if source.key else None
    if key:
        keep_to_oneself(key)
    secret = job.reveal(source.password) or None
    return {
        "sock": job.network.connect(source.host, source.port),
        "password": None if key else secret,
        "passphrase": secret if key else None,
        "key_filename": str(key) if key else None,
        "allow_agent": False,
        "look_for_keys": False,
        "timeout": SECONDS,
        "banner_timeout": SECONDS,
        "auth_timeout": SECONDS,
    }


def _trust(job: Job[SftpSource], ssh: paramiko.SSHClient) -> None:
    """Know the server by its key alone."""
    source = job.source
    ssh.set_missing_host_key_policy(paramiko.RejectPolicy())
    if source.known_hosts:
        _trust_known(ssh, job.own_file(source.known_hosts))
        return
    host = source.host if source.port == _SSH_PORT else f"[{source.host}]:{source.port}"
    try:
        entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{host} {source.host_key}")
    except (paramiko.SSHException, paramiko.hostkeys.InvalidHostKey):
        entry = None
    if entry is None or entry.key is None:
        raise PullError("host_key is no key; expected a type and the key, as ssh-keyscan prints")
    ssh.get_host_keys().add(host, entry.key.get_name(), entry.key)


def _trust_known(ssh: paramiko.SSHClient, known: Path) -> None:
    try:
        ssh.load_system_host_keys(str(known))
    except paramiko.hostkeys.InvalidHostKey:
        raise PullError(
            f"{known.name} has a line with no key; write it anew by ssh-keyscan"
        ) from None


class _Folder:
    """See :class:`cityloom.sources.files.Remote`."""

    def __init__(self, source: SftpSource, client: paramiko.SFTPClient) -> None:
        self._source = source
        self._client = client

    def listing(self) -> Iterator[RemoteFile]:
        yield from self._inside("")

    def _inside(self, below: str) -> Iterator[RemoteFile]:
        for entry in self._client.listdir_attr(f"{self._source.folder}/{below}"):
            name, mode = f"{below}{entry.filename}", entry.st_mode or 0
            if entry.filename.startswith((".", "~")):
                continue
            if stat.S_ISDIR(mode) and self._source.recursive:
                yield from self._inside(f"{name}/")
            elif stat.S_ISREG(mode) and fnmatchcase(entry.filename, self._source.pattern):
                place = f"{self._source.folder}/{name}"
                yield RemoteFile(name, place, _marker(entry), entry.st_size)

    def fetch(self, file: RemoteFile, known: str, sink: Sink) -> str:
        try:
            self._client.getfo(file.place, sink, max_concurrent_prefetch_requests=_PARALLEL)
        except OSError as error:
            if isinstance(error, TimeoutError) or self._is_cut():
                raise
            raise FileRefused(plain(error)) from None
        return file.marker

    def _is_cut(self) -> bool:
        channel = self._client.get_channel()
        return channel is None or channel.closed


def _marker(entry: paramiko.SFTPAttributes) -> str:
    changed = datetime.fromtimestamp(entry.st_mtime or 0, UTC)
    return marker_of(entry.st_size or 0, changed)
