"""HTTP to listed hosts alone: each hop of a redirect is looked at, and TLS is verified."""

import ssl
from base64 import b64encode
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from cityloom.errors import PullError, plain
from cityloom.sources.drop import Clock, FileRefused, Sink
from cityloom.sources.job import Job
from cityloom.sources.network import SECONDS, Network, Unanswered, shown
from cityloom.sources.stated import Web
from cityloom.sources.urls import port_of

REDIRECTS = 5
"""How often a server may send the pull elsewhere."""

LARGEST_ANSWER = 64 << 20
"""Bytes of an answer that is read into memory: an index, a page of submissions."""

_BLOCK = 1 << 20
_REDIRECTED = "redirected"
AnyWeb = TypeVar("AnyWeb", bound=Web)


class OwnServer(httpx.Auth):
    """Credentials that are sent to the server for which they are stated, and to no other."""

    def __init__(self, url: str, written: str) -> None:
        """``written`` is what the header ``Authorization`` says to the server of a URL."""
        self._server = _server(httpx.URL(url))
        self._written = written

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request, with the credentials if it is for that server."""
        if _server(request.url) == self._server:
            request.headers["Authorization"] = self._written
        yield request


class CheckedTransport(httpx.BaseTransport):
    """Connects to the addresses of listed hosts; every request, also of a redirect, comes by here.

    The address that was looked at is the one that is connected to; TLS is verified for the name.
    """

    def __init__(self, network: Network, trusted: ssl.SSLContext, unencrypted: bool) -> None:
        """``unencrypted`` allows HTTP without TLS also to hosts that are not internal."""
        self._network = network
        self._trusted = trusted
        self._unencrypted = unencrypted
        self._hosts: dict[str, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, where it may go; that it is of a redirect is said where it may not."""
        try:
            answer = self._answer(request)
        except PullError as refusal:
            if before := request.extensions.get(_REDIRECTED):
                where = shown(str(request.url))
                raise type(refusal)(f"{before} redirects to {where}: {refusal}") from None
            raise
        if answer.has_redirect_location:
            # The request that follows a redirect has the extensions of the one before.
            request.extensions = {**request.extensions, _REDIRECTED: shown(str(request.url))}
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        """What the first address of a host that answers says."""
        url, port = request.url, port_of(str(request.url))
        host = url.raw_host.decode("ascii")
        internal = self._network.is_internal(host, port)
        if url.scheme != "https" and not internal and not self._unencrypted:
            raise PullError(f"{shown(str(url))} is not encrypted; nothing is sent there")
        failed: httpx.ConnectError | httpx.ConnectTimeout | None = None
        for address in self._network.addresses(host, port):
            try:
                return self._inner(host).handle_request(_sent_to(request, address, host))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
        assert failed is not None
        raise failed

    def _inner(self, host: str) -> httpx.HTTPTransport:
        """The connections of one host, so that no name is answered by what another was shown."""
        if host not in self._hosts:
            self._hosts[host] = httpx.HTTPTransport(verify=self._trusted, trust_env=False)
        return self._hosts[host]

    def close(self) -> None:
        """Close all connections."""
        for inner in self._hosts.values():
            inner.close()


def _sent_to(request: httpx.Request, address: str, host: str) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


@contextmanager
def connected(job: Job[AnyWeb], url: str) -> Iterator[httpx.Client]:
    """A client with a source's credentials, for what begins at a URL.

    Raises:
        PullError: the server cannot be reached, answers badly, or is not verified.
    """
    unencrypted = url.startswith("http:")
    written = _credentials(job)
    if written and unencrypted and not _is_internal(job, url):
        raise PullError(f"{shown(url)} is not encrypted; state https, since credentials are sent")
    ca = job.own_file(job.network.ca) if job.network.ca else None
    with client_of(job.network, url, ca, written, unencrypted) as client:
        yield client


@contextmanager
def client_of(
    network: Network, url: str, ca: Path | None, written: str = "", unencrypted: bool = False
) -> Iterator[httpx.Client]:
    """A client for what begins at a URL; it connects to listed hosts alone.

    Args:
        network: the hosts that are listed.
        url: where it begins.
        ca: a file of certificate authorities that are trusted besides the system's.
        written: what the header ``Authorization`` says to that server.
        unencrypted: allow HTTP without TLS also to hosts that are not internal.

    Raises:
        PullError: the server cannot be reached, answers badly, or is not verified.
    """
    transport = CheckedTransport(network, _trusted(ca), unencrypted)
    try:
        with httpx.Client(
            transport=transport,
            auth=OwnServer(url, written) if written else None,
            headers={"Accept-Encoding": "identity", "User-Agent": "cityloom"},
            timeout=SECONDS,
            follow_redirects=True,
            max_redirects=REDIRECTS,
            trust_env=False,
        ) as client:
            yield client
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PullError(f"{shown(url)}: {plain(error)}") from None


def _credentials(job: Job[AnyWeb]) -> str:
    """What is sent as the header ``Authorization``; empty where nothing is."""
    if token := job.reveal(job.source.token):
        return f"Bearer {token}"
    if password := job.reveal(job.source.password):
        pair = f"{job.source.user}:{password}".encode()
        return f"Basic {b64encode(pair).decode()}"
    return ""


def _server(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, port_of(str(url))


def _is_internal(job: Job[Any], url: str) -> bool:
    return job.network.is_internal(httpx.URL(url).host, port_of(url))


def _trusted(ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except ssl.SSLError:
            raise PullError(f"ca of [network]: {ca.name} holds no certificate") from None
    return context


def fetch(client: httpx.Client, url: str, known: str, sink: Sink) -> str | None:
    """Write what a URL answers; its change marker, or ``None`` where it is as it was known.

    Raises:
        FileRefused: the answer is no file, or was cut short or cannot be told from one that was.
        Unanswered: the server cannot be connected to, or takes too long to answer.
    """
    try:
        return _fetch(client, url, known, sink)
    except (httpx.ConnectError, httpx.TimeoutException) as error:
        raise Unanswered(f"{shown(url)}: {plain(error)}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FileRefused(f"{shown(url)}: {plain(error)}") from None


def _fetch(client: httpx.Client, url: str, known: str, sink: Sink) -> str | None:
    with client.stream("GET", url, headers=_conditions(known)) as answer:
        if known and answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        _check(answer, url)
        if "content-length" not in answer.headers and not _is_chunked(answer):
            raise FileRefused(
                f"{shown(url)} does not say how long it is; "
                "a file that was cut short could not be told from a whole one"
            )
        for block in answer.iter_bytes(_BLOCK):
            sink.write(block)
        return _marker(answer)


def read(client: httpx.Client, url: str, clock: Clock, **params: str) -> httpx.Response:
    """An answer that is read into memory, of at most :data:`LARGEST_ANSWER` bytes.

    Raises:
        PullError: the answer is an error, or too long.
    """
    clock.check()
    content = bytearray()
    with client.stream("GET", url, params=params or None) as answer:
        _check(answer, url)
        for block in answer.iter_bytes(_BLOCK):
            content += block
            if len(content) > LARGEST_ANSWER:
                raise PullError(f"{shown(url)} answers more than {LARGEST_ANSWER >> 20} MB")
        headers = {"content-type": answer.headers.get("content-type", "")}
        return httpx.Response(
            answer.status_code, headers=headers, content=bytes(content), request=answer.request
        )


def _check(answer: httpx.Response, url: str) -> None:
    if answer.status_code != httpx.codes.OK:
        said = f"{answer.status_code} {answer.reason_phrase}".strip()
        raise FileRefused(f"{shown(url)} answers {said}")


def _is_chunked(answer: httpx.Response) -> bool:
    return "chunked" in answer.headers.get("transfer-encoding", "").lower()


def _conditions(known: str) -> dict[str, str]:
    """What asks a server for a file only if its marker is another."""
    kind, _, value = known.partition(" ")
    if kind == "etag":
        return {"If-None-Match": value}
    return {"If-Modified-Since": value} if kind == "modified" else {}


def _marker(answer: httpx.Response) -> str:
    if etag := answer.headers.get("etag"):
        return f"etag {etag}"
    modified = answer.headers.get("last-modified")
    return f"modified {modified}" if modified else ""
