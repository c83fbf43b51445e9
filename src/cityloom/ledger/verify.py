"""Whether the chain is whole; if not, which line is the first that is wrong and what was done."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain, pairwise
from typing import NamedTuple

from cityloom.errors import UsageError
from cityloom.ledger.entry import Link, hash_of, link_of
from cityloom.ledger.head import START, Head, Published


class _Known(NamedTuple):
    """A hash that an entry is known to have had, and what knows it."""

    hash: str
    origin: str


def verify(
    name: str, lines: Iterable[bytes], local: Head | None, published: Iterable[Published]
) -> int:
    """How many entries there are, all in an unbroken chain; see :meth:`Ledger.verify`.

    Args:
        name: the ledger's, for messages.
        lines: its whole lines, without line feeds.
        local: the head beside it.
        published: heads that lie elsewhere.
    """
    walk = _Walk(name, local, published)
    for line, after in pairwise(chain(lines, [None])):
        assert line is not None
        walk.step(line, after)
    walk.arrive()
    return walk.end.number


class _Walk:
    """Goes along the lines; each step ends on an entry that is as it was written."""

    def __init__(self, name: str, local: Head | None, published: Iterable[Published]) -> None:
        self.end = START
        self._name = name
        self._local = local
        self._sure = 0
        self._first_numbered: int | None = None
        self._known: dict[int, list[_Known]] = defaultdict(list)
        for head in published:
            self._known[head.number].append(_Known(head.hash, f"the head published {head.at[:16]}"))
        if local is not None:
            self._known[local.number].append(_Known(local.hash, "ledger.head"))

    def step(self, line: bytes, after: bytes | None) -> None:
        """Take a line; ``after`` is the next, if there is one.

        Raises:
            UsageError: it, or the line before it, is not what was written.
        """
        link, here = link_of(line), self.end.number + 1
        if link is None:
            raise self._wrong(here, "not a ledger entry")
        if link.previous != self.end.hash:
            raise self._broken(link, line, after)
        of_first_version = link.number is None and self._first_numbered is None
        if not of_first_version and link.number != here:
            raise self._wrong(here, "this entry was changed or put in")
        if not of_first_version and self._first_numbered is None:
            self._first_numbered = here
        self.end = Head(here, hash_of(line))
        self._compare(self._known.pop(here, []))

    def _broken(self, link: Link, line: bytes, after: bytes | None) -> UsageError:
        """What was done where a line does not carry the hash of the one before it."""
        here, found = self.end.number + 1, link.number
        if found is None:
            return self._wrong(
                here,
                f"the chain is broken; line {here - 1} was changed, or a line before this one "
                "taken out",
            )
        if found > here:
            return self._wrong(here, f"{_entries(here, found - 1)} taken out before it")
        if found < here:
            return self._wrong(
                here,
                f"entry {found} stands here, where {here} should: it was put in, moved or written "
                "twice",
            )
        changed = here - 1 if here > 1 and self._is_as_written(line, after) else here
        return self._wrong(changed, "this entry was changed or put in")

    def _is_as_written(self, line: bytes, after: bytes | None) -> bool:
        """Whether what follows a line carries its hash."""
        digest, number = hash_of(line), self.end.number + 1
        if after is not None:
            link = link_of(after)
            return link is not None and link.previous == digest
        return self._local == Head(number, digest)

    def _compare(self, known: Iterable[_Known]) -> None:
        """Compare an entry with what is known of it."""
        number = self.end.number
        for item in known:
            if item.hash != self.end.hash:
                since = f" with others after entry {self._sure}" if self._sure < number - 1 else ""
                raise self._wrong(
                    number,
                    f"not the entry that {item.origin} is of: it was changed, or written anew"
                    f"{since}",
                )
            self._sure = number

    def arrive(self) -> None:
        """See that the ledger ends where it should.

        Raises:
            UsageError: it does not.
        """
        end, local = self.end.number, self._local
        if self._known:
            number = max(self._known)
            origin = self._known[number][0].origin
            what = f"{_entries(end + 1, number)} cut off here; {origin} is of entry {number}"
            raise self._wrong(end + 1, what)
        if local is not None and end > local.number + 1:
            raise self._wrong(
                local.number + 2,
                f"{_entries(local.number + 2, end)} put in; ledger.head is of entry {local.number}",
            )
        if local is None and self._first_numbered not in (None, end) and self._sure < end:
            raise UsageError(
                f"ledger.head is missing or damaged; nothing tells where {self._name} ended"
            )

    def _wrong(self, line: int, what: str) -> UsageError:
        return UsageError(f"{self._name} line {line}: {what}")


def _entries(first: int, last: int) -> str:
    """Some entries, as the subject of a sentence."""
    return f"entry {first} was" if first == last else f"entries {first} to {last} were"
