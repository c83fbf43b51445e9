"""The ledger in one file: how it is written, and what is asked of it.

One JSON object a line; each carries its number and the hash of the line before it, so a line that
is changed, moved or taken out breaks the chain from there on. The hash of the last line is the head
(:mod:`cityloom.ledger.head`).
"""

import fcntl
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path

from cityloom.errors import faults_in_words
from cityloom.ledger.entry import Entry, Link, Recorded, as_line, hash_of, link_of, recorded
from cityloom.ledger.head import START, Head, LocalHead, Published, as_text, sync_data
from cityloom.ledger.search import Query
from cityloom.ledger.subject import seen_by
from cityloom.ledger.verify import verify
from cityloom.lines import backwards, drop_cut_off_line, whole_lines

HEAD = "ledger.head"
"""The file of the head, beside the ledger."""


class Ledger:
    """The ledger in one file, and its head in another beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = LocalHead(path.with_name(HEAD))

    def record(self, entry: Entry) -> None:
        """Append an entry; it is on disk when this returns.

        Where the ledger does not end as its head says, the entry goes on from the head, so that the
        break stays to be seen. Only the one line that was written before its head could be, by a
        process that came to no end, is gone on from.

        Raises:
            StorageError: it cannot be written; whoever asked gets no data.
        """
        with faults_in_words(self._path), open(self._path, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = drop_cut_off_line(file.fileno())
            head = _goes_on_from(file.fileno(), end, self._local.read())
            line = as_line(entry, head)
            file.write(line + b"\n")
            file.flush()
            sync_data(file.fileno())
            self._local.write(Head(head.number + 1, hash_of(line)))

    def head(self) -> Head:
        """The head that the next entry follows on; its number is 0 where there is no entry."""
        end, local = self._moment()
        if end == 0:
            return local or START
        with open(self._path, "rb") as file:
            return _goes_on_from(file.fileno(), end, local)

    def verify(self, published: Iterable[Published] = ()) -> int:
        """How many entries there are, all in an unbroken chain up to the head beside the ledger.

        Args:
            published: heads of this ledger that were published; each has to be that of its entry.

        Raises:
            UsageError: an entry was changed, moved, removed or put in; the message names the first
                line that is wrong and says what was done, as far as that can be told.
        """
        end, local = self._moment()
        return verify(self._path.name, self._lines(end), local, published)

    def unsettled(self) -> int | None:
        """The number of the last entry where its head is not written yet, else ``None``.

        A process came to no end between the two, or someone put the entry in by hand.
        """
        end, local = self._moment()
        link = self._last_link(end)
        if link is None or (local is not None and not _follows(link, local)):
            return None
        return link.number

    def search(self, query: Query, limit: int | None = None) -> list[Recorded]:
        """The entries that a query asks for, newest first, at most ``limit`` of them.

        Lines that are no entries are passed over; :meth:`verify` names them.
        """
        return list(islice(filter(query.matches, self.newest_first()), limit))

    def seen_by_subject(self, subject: str, today: date) -> list[Recorded]:
        """Who opened a subject's own record, newest first; see :func:`subject.seen_by`."""
        return seen_by(self.newest_first(), subject, today)

    def newest_first(self) -> Iterator[Recorded]:
        """The entries, newest first, read as they are asked for."""
        end, _ = self._moment()
        if end > 0:
            with open(self._path, "rb") as file:
                yield from filter(None, map(recorded, backwards(file.fileno(), end)))

    def copy_head(self, into: Path) -> int:
        """Write the head, if there is one, to another file.

        Returns:
            How many bytes of the ledger it is the head of.
        """
        end, local = self._moment()
        if local is not None:
            into.write_bytes(as_text(local))
        return end

    def _moment(self) -> tuple[int, Head | None]:
        """The bytes of the ledger's whole lines and the local head, at a moment between writes."""
        local = self._local.read()
        if not self._path.exists():
            return 0, local
        with open(self._path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return whole_lines(file.fileno()), self._local.read()

    def _last_link(self, end: int) -> Link | None:
        if end == 0:
            return None
        with open(self._path, "rb") as file:
            return link_of(next(backwards(file.fileno(), end)))

    def _lines(self, end: int) -> Iterator[bytes]:
        if end > 0:
            with open(self._path, "rb") as file:
                while file.tell() < end:
                    yield file.readline()[:-1]


def _goes_on_from(descriptor: int, end: int, local: Head | None) -> Head:
    """The head that the next entry follows on, where the ledger has so many bytes."""
    last = next(backwards(descriptor, end), None)
    if last is None:
        return local or START
    link = link_of(last)
    if local is not None and (link is None or not _follows(link, local)):
        return local
    number = link.number if link else None
    return Head(number or sum(1 for _ in backwards(descriptor, end)), hash_of(last))


def _follows(link: Link, head: Head) -> bool:
    """Whether an entry is the one after a head."""
    return (link.number, link.previous) == (head.number + 1, head.hash)
