"""Files at listed URLs, or at those that an index names."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from cityloom.contract import Contract
from cityloom.errors import PullError
from cityloom.sources.drop import Clock, Sink
from cityloom.sources.files import RemoteFile, pull_files
from cityloom.sources.job import Job
from cityloom.sources.network import shown
from cityloom.sources.stated import HttpSource
from cityloom.sources.web import connected, fetch, read


def pull(job: Job[HttpSource], contract: Contract) -> None:
    """Pull what is new or changed at the URLs.

    Raises:
        PullError: a server cannot be reached, or answers with an error.
    """
    source = job.source
    with connected(job, source.index or source.urls[0]) as client:
        pull_files(job, _Links(source, client))


class _Links:
    """See :class:`cityloom.sources.files.Remote`."""

    def __init__(self, source: HttpSource, client: httpx.Client) -> None:
        self._source = source
        self._client = client

    def listing(self) -> Iterator[RemoteFile]:
        source = self._source
        for url in self._indexed() if source.index else source.urls:
            yield RemoteFile(source.name or name_of(url), url, host=host_of(url))

    def _indexed(self) -> list[str]:
        """The URLs that the index names and whose names match, each once."""
        index = self._source.index
        answer = read(self._client, index, Clock(self._source.longest))
        found = (_joined(str(answer.url), link) for link in _named(answer))
        wanted = (url for url in found if fnmatchcase(name_of(url), self._source.pattern))
        return list(dict.fromkeys(url for url in wanted if name_of(url)))

    def fetch(self, file: RemoteFile, known: str, sink: Sink) -> str | None:
        return fetch(self._client, file.place, known, sink)


def name_of(url: str) -> str:
    """The name of the file at a URL: the end of its path; empty where that is none."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return "" if path.endswith("/") else unquote(PurePosixPath(path).name)


def host_of(url: str) -> str:
    """The host of a URL, with its port if it states one; empty where there is none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _joined(base: str, link: str) -> str:
    """The URL that a link means on a page, without its fragment; empty where none of the web."""
    try:
        url = urljoin(base, link).partition("#")[0]
        return url if urlsplit(url).scheme in ("https", "http") else ""
    except ValueError:
        return ""


def _named(answer: httpx.Response) -> list[str]:
    """What an index names: the links of a page, a JSON array of URLs, or one URL a line."""
    kind = answer.headers["content-type"].partition(";")[0].strip().lower()
    if kind == "text/html":
        page = _Page()
        page.feed(answer.text)
        return page.links
    if kind == "application/json":
        return _array(answer)
    return [line.strip() for line in answer.text.splitlines() if line.strip()]


def _array(answer: httpx.Response) -> list[str]:
    try:
        found = json.loads(answer.content)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise PullError(f"{shown(str(answer.url))} is not a JSON array of URLs")
    return found


class _Page(HTMLParser):
    """Collects the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the target of a link."""
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]
