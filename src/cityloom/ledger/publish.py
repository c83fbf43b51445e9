"""Publishing the ledger's head: it is put where whoever can write to the city cannot.

Someone who can write to the city's folder can write the whole ledger anew, and its head. What they
cannot change is a head that others hold: the entries up to it have to stay what they were.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cityloom.errors import PullError, UsageError, faults_in_words
from cityloom.ledger.head import Published
from cityloom.lines import append_line, backwards, decoded, whole_lines
from cityloom.sources.network import SECONDS, shown
from cityloom.sources.urls import is_url

if TYPE_CHECKING:
    import httpx

    from cityloom.city import City

FILE = "ledger.published.ndjson"
"""What the city itself remembers of the heads that it published."""

EVERY = timedelta(days=1)
"""How often a head is published."""

_PUBLISHED = msgspec.json.Decoder(Published)


def publish(city: "City") -> Published:
    """Publish the ledger's head where ``city.toml`` says.

    Raises:
        UsageError: it says no place or one in the city, or nothing is recorded yet.
        PullError: the place is a URL that cannot be reached or does not accept it.
        StorageError: the place is a file that cannot be written.
    """
    place, head = _place(city), city.ledger.head()
    if head.number == 0:
        raise UsageError("the ledger has no entries yet; there is no head to publish")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    published = Published(head.number, head.hash, city.settings.name, at)
    line = json.dumps(asdict(published), ensure_ascii=False).encode()
    if is_url(place):
        _send(city, place, line)
    else:
        with faults_in_words(_file(city, place)):
            append_line(_file(city, place), line)
    with faults_in_words(city.path / FILE):
        append_line(city.path / FILE, line)
    return published


def publish_if_due(city: "City") -> str:
    """Publish the head if a day has passed since; what went wrong, in words, else nothing."""
    try:
        with faults_in_words(city.path):
            if city.settings.ledger is not None and _is_due(city, EVERY):
                publish(city)
    except UsageError as error:
        return f"the ledger's head was not published: {error}"
    return ""


def lateness(city: "City") -> str:
    """How the newest publication is late, where ``city.toml`` wants any; empty where it is not."""
    if city.settings.ledger is None or not _is_due(city, 2 * EVERY):
        return ""
    last = last_published(city)
    return (
        f"the ledger's head was last published at {last.at[:16]}"
        if last
        else "the ledger's head was never published"
    )


def last_published(city: "City") -> Published | None:
    """The head that was published last, if any was."""
    path = city.path / FILE
    if not path.exists():
        return None
    with open(path, "rb") as file:
        line = next(backwards(file.fileno(), whole_lines(file.fileno())), b"")
    return decoded(line, _PUBLISHED)


def published_heads(city: "City", place: str) -> list[Published]:
    """The heads of a city's ledger in a file, or at a URL of a listed host.

    Raises:
        UsageError: there is none, or a line is no head.
        PullError: the URL cannot be reached or does not answer well.
        StorageError: the file cannot be read.
    """
    if is_url(place):
        text, origin = _fetched(city, place), shown(place)
    else:
        path, origin = city.path / place, place
        with faults_in_words(path):
            text = path.read_bytes() if path.exists() else b""
    own = [head for head in _heads(text, origin) if head.city == city.settings.name]
    if not own:
        raise UsageError(f"{origin}: no published head of the city '{city.settings.name}'")
    return own


def heads_at_hand(city: "City") -> list[Published]:
    """The heads in the file that ``city.toml`` names, if it names one and any was published.

    Raises:
        UsageError: they cannot be read.
    """
    stated = city.settings.ledger
    if stated is None or is_url(stated.publish) or last_published(city) is None:
        return []
    return published_heads(city, stated.publish)


def _heads(text: bytes, origin: str) -> Iterator[Published]:
    """The heads of all cities in whole lines."""
    for number, line in enumerate(text[: text.rfind(b"\n") + 1].splitlines(), start=1):
        if (head := decoded(line, _PUBLISHED)) is None:
            raise UsageError(f"{origin} line {number}: not a published head")
        yield head


def _is_due(city: "City", period: timedelta) -> bool:
    """Whether there is a head, and none was published for a period."""
    if city.ledger.head().number == 0:
        return False
    last = last_published(city)
    return last is None or datetime.now(UTC) - datetime.fromisoformat(last.at) > period


def _place(city: "City") -> str:
    if city.settings.ledger is None:
        raise UsageError(
            "city.toml does not say where to publish the ledger's head; write it there, as in "
            '[ledger] and below it publish = "/mnt/elsewhere/heads.ndjson"'
        )
    return city.settings.ledger.publish


def _file(city: "City", place: str) -> Path:
    path = (city.path / place).resolve()
    if path.is_relative_to(city.path):
        raise UsageError(f"{path}: lies in the city; publish the ledger's head outside of it")
    return path


def _send(city: "City", url: str, line: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    with (
        _client(city, url) as client,
        client.stream("POST", url, content=line, headers=headers, follow_redirects=False) as answer,
    ):
        if not answer.is_success:
            said = f"{answer.status_code} {answer.reason_phrase}".strip()
            raise PullError(f"{shown(url)} answers {said}")


def _fetched(city: "City", url: str) -> bytes:
    with _client(city, url) as client:
        from cityloom.sources.drop import Clock
        from cityloom.sources.web import read

        return read(client, url, Clock(timedelta(seconds=SECONDS))).content


@contextmanager
def _client(city: "City", url: str) -> "Iterator[httpx.Client]":
    """A client for a URL, with the token where heads are published there."""
    try:
        from cityloom.sources.web import client_of
    except ModuleNotFoundError as error:
        raise PullError(f"{error}; pip install 'cityloom[sources]'") from None
    network, stated = city.settings.network, city.settings.ledger
    ca = city.path / network.ca if network.ca else None
    token = stated.token if stated and stated.publish == url else None
    written = f"Bearer {token.reveal(city.path)}" if token else ""
    with client_of(network, url, ca, written) as client:
        yield client
