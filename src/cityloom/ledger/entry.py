"""What one line of the ledger says."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from hashlib import sha256

import msgspec

from cityloom.errors import UsageError
from cityloom.ledger.head import Head, Number
from cityloom.lines import decoded

READ = "read"
"""The kind of an entry of a request for data."""

DELAY = "delay"
"""The kind of an entry by which others are kept from whom they are about, until a date."""

_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True)
class Entry:
    """One request for data and its answer, or another act that the chain is to hold.

    Args:
        principal: who asked or acted.
        purpose: for what.
        dataset: of which dataset.
        granted: whether it was permitted.
        reason: by which rule.
        rows: how many a grant opened up.
        roles: the roles in which they asked.
        filter: the row filter that applied, as text; empty where all rows were open.
        masked: the columns that were masked.
        subjects: keyed hashes of the persons whose own records were opened.
        kind: "read", or the name of another act.
        until: of a delay, the date on which it ends, as YYYY-MM-DD.
    """

    principal: str
    purpose: str
    dataset: str
    granted: bool
    reason: str
    rows: int | None = None
    roles: tuple[str, ...] = ()
    filter: str = ""
    masked: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    kind: str = READ
    until: str = ""


@dataclass(frozen=True)
class Recorded(Entry):
    """An entry as the ledger has it: with its time (UTC) and, but in the oldest, its number."""

    at: str = ""
    number: int | None = None


class Link(msgspec.Struct):
    """What of a line makes it part of the chain."""

    previous: str
    number: Number | None = None


_RECORDED = msgspec.json.Decoder(Recorded)
_LINK = msgspec.json.Decoder(Link)


def delay(principal: str, order: str, until: date, dataset: str = "", purpose: str = "") -> Entry:
    """An entry that keeps reads from whom they are about, as a court has ordered.

    Args:
        principal: who enters it.
        order: the number of the court's order; a later entry of the same order replaces it.
        until: the date from which the reads are shown.
        dataset: of which dataset; of all if not said.
        purpose: for which purpose; for all if not said.

    Raises:
        UsageError: it names neither a dataset nor a purpose, or no order.
    """
    if not order or not (dataset or purpose):
        raise UsageError("a delay names a court's order, and a dataset or a purpose; state them")
    return Entry(principal, purpose, dataset, True, order, kind=DELAY, until=until.isoformat())


def as_line(entry: Entry, head: Head) -> bytes:
    """An entry as the line that follows on a head, without a line feed."""
    said = {
        "number": head.number + 1,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **asdict(entry),
        "previous": head.hash,
    }
    text = json.dumps(said, ensure_ascii=False)
    return _LONE_SURROGATE.sub(lambda found: f"\\\\u{ord(found[0]):04x}", text).encode()


def recorded(line: bytes) -> Recorded | None:
    """The entry of a line; ``None`` where it is none."""
    return decoded(line, _RECORDED)


def link_of(line: bytes) -> Link | None:
    """What of a line makes it part of the chain; ``None`` where it is no entry."""
    return decoded(line, _LINK)


def hash_of(line: bytes) -> str:
    """The hash that the next line carries: SHA-256, in hexadecimal."""
    return sha256(line).hexdigest()
