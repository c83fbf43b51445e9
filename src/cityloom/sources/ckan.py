"""The resources of a package of a CKAN portal, by its action API.

Source: CKAN API guide, ``package_show`` (https://docs.ckan.org/en/latest/api/).
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

import httpx
from pydantic import BaseModel, ValidationError

from cityloom.contract import Contract
from cityloom.errors import PullError
from cityloom.sources.drop import Clock, Sink
from cityloom.sources.files import RemoteFile, pull_files
from cityloom.sources.job import Job
from cityloom.sources.links import host_of, name_of
from cityloom.sources.network import shown
from cityloom.sources.stated import CkanSource
from cityloom.sources.web import connected, fetch, read


class _Resource(BaseModel):
    id: str
    url: str
    format: str | None = ""


class _Package(BaseModel):
    resources: list[_Resource]


class _Answer(BaseModel):
    success: bool
    result: _Package


def pull(job: Job[CkanSource], contract: Contract) -> None:
    """Pull the resources that are new or changed.

    Raises:
        PullError: the portal cannot be reached, or has no such package.
    """
    with connected(job, job.source.url) as client:
        pull_files(job, _Portal(job.source, client))


class _Portal:
    """See :class:`cityloom.sources.files.Remote`."""

    def __init__(self, source: CkanSource, client: httpx.Client) -> None:
        self._source = source
        self._client = client

    def listing(self) -> Iterator[RemoteFile]:
        for resource in self._package().resources:
            if self._is_wanted(resource):
                yield RemoteFile(_file_name(resource), resource.url, host=host_of(resource.url))

    def fetch(self, file: RemoteFile, known: str, sink: Sink) -> str | None:
        return fetch(self._client, file.place, known, sink)

    def _package(self) -> _Package:
        url = f"{self._source.url.rstrip('/')}/api/3/action/package_show"
        answer = read(self._client, url, Clock(self._source.longest), id=self._source.package)
        try:
            return _Answer.model_validate_json(answer.content).result
        except ValidationError:
            raise PullError(f"{shown(url)} does not answer as a CKAN portal does") from None

    def _is_wanted(self, resource: _Resource) -> bool:
        source = self._source
        formats = {name.lower() for name in source.formats}
        of_form = not formats or (resource.format or "").lower() in formats
        return of_form and (not source.resources or resource.id in source.resources)


def _file_name(resource: _Resource) -> str:
    """A name of its own: the resource's identifier, with the ending that tells its format."""
    ending = "".join(PurePosixPath(name_of(resource.url)).suffixes[-2:])
    return resource.id + (ending or f".{(resource.format or 'csv').lower()}")
