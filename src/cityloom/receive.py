"""Receiving: a delivery becomes kept rows, refused rows and an account, or nothing at all.

The file is read once. Where the contract has a key its rows, split, wait on disk until all have
come and it is known which keys come more than once. Rows whose key comes once go to the dataset;
the few others are set aside and settled together, so that their order does not matter.

The commit of the quarantine comes first and the dataset's commit names it, so that whatever a crash
interrupts, the dataset's newest commit tells one truth about both.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import reduce
from operator import and_
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityloom.allocator import keep_freed_memory, leave_loaded_alone
from cityloom.contract import Column, Contract, Delivery
from cityloom.contract.changes import additions
from cityloom.contract.filled import filled
from cityloom.contract.queries import hash_sql
from cityloom.contract.refusals import Content
from cityloom.contract.rules import Reason
from cityloom.contract.split import REASONS_TYPE, Split, Splitter, reason_lists
from cityloom.drift import drift
from cityloom.errors import DeliveryError, plain
from cityloom.filling import fill_stored
from cityloom.hashes import HashBag, Hashes, HashSet
from cityloom.lake import DELIVERY, ORDINAL, FileWriter, LakeTable, Rewrite, scan
from cityloom.masks import Mask, mask, packed
from cityloom.quarantine import MARKER, SCHEMA, files_of, undo_torn_commit
from cityloom.readers import Batch, Reader, TypedReader
from cityloom.references import References, present_hashes
from cityloom.settle import FIRST, REASONS, VALUES, settle_sql
from cityloom.sql import connect, literal
from cityloom.waiting import WaitingRows

Ordinals = npt.NDArray[np.int64]
Item = TypeVar("Item")

ROWS_AT_A_TIME = 245_760
BYTES_AT_A_TIME = 256 << 20
ODD_ROWS_AT_A_TIME = 16_384

_MALFORMED = "malformed"


@dataclass(frozen=True)
class Place:
    """Where a dataset's rows go: its contract, its two tables, and the datasets it refers to.

    ``key`` is the primary key by which the rows that are there were taken in, ``crs`` what the
    geometries of each column were in; ``references`` what earlier deliveries found in the datasets
    referred to.
    """

    contract: Contract
    kept: LakeTable
    quarantine: LakeTable
    parents: Mapping[str, tuple[Contract, LakeTable]]
    scratch: Path
    key: tuple[str, ...] = ()
    crs: Mapping[str, str] = field(default_factory=dict)
    references: References = field(default_factory=References)


@dataclass
class Receipt:
    """The account of one delivery: read = kept + quarantined + duplicate."""

    source: str
    rows_read: int = 0
    rows_kept: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    notes: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    stages: dict[str, float] = field(default_factory=dict)

    def facts(self) -> dict[str, object]:
        """The account as a commit carries it; the hundred most frequent reasons."""
        return {
            "source": self.source,
            "rows_read": self.rows_read,
            "rows_kept": self.rows_kept,
            "rows_quarantined": self.rows_quarantined,
            "rows_duplicate": self.rows_duplicate,
            "notes": self.notes,
            "reasons": dict(self.reasons.most_common(100)),
            "stages": {name: round(seconds, 3) for name, seconds in self.stages.items()},
        }

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of a block to a stage, in seconds."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - start


def receive(
    place: Place,
    reader: Reader,
    source: str,
    account: Mapping[str, object],
    replay: bool = False,
) -> Receipt:
    """Take in one delivery.

    Args:
        place: where the rows go.
        reader: the delivered rows.
        source: the delivery's identity within the dataset; rows of an earlier delivery of the same
            name are replaced.
        account: more facts for the commit to carry.
        replay: the rows are refused ones read again; those still refused stay, nothing is replaced.

    Raises:
        DeliveryError: the delivery cannot be received as a whole; nothing of it was kept.
    """
    keep_freed_memory()
    leave_loaded_alone()
    with _arrow_in_words(source):
        return _Receiving(place, reader, source, replay).run(account)


@contextmanager
def _arrow_in_words(source: str) -> Iterator[None]:
    """Refuse the delivery where Arrow cannot do what is asked of it, unless for want of memory."""
    try:
        yield
    except pa.ArrowException as error:
        if isinstance(error, MemoryError | OSError):
            raise
        mend = "ask for it to be sent again, as text if it holds types that are seldom used"
        raise DeliveryError(
            f"{source}: its values cannot be read ({plain(error)}); {mend}",
            f"{source}: its values cannot be read ({type(error).__name__}); {mend}",
        ) from error


class _Receiving:
    """One delivery on its way in."""

    def __init__(self, place: Place, reader: Reader, source: str, replay: bool) -> None:
        self.place = place
        self.contract = place.contract
        self.reader = reader
        self.source = source
        self.replay = replay
        self.receipt = Receipt(source)
        self.odd: list[_Odd] = []
        self.receipt.notes += drift(self.contract, reader.columns)
        self.columns = [
            column.source_name
            for column in self.contract.columns
            if column.source_name in reader.columns
        ]
        self.uniques = self.contract.uniques
        hashed = [*self.uniques, *((column,) for column in self.contract.references)]
        self.splitter = Splitter(self.contract, hashed, place.scratch)
        self.schema = self.contract.schema.append(pa.field(DELIVERY, pa.string())).append(
            pa.field(ORDINAL, pa.int64())
        )

    def run(self, account: Mapping[str, object]) -> Receipt:
        place, receipt = self.place, self.receipt
        self._prepare_table()
        undo_torn_commit(place.kept, place.quarantine)
        with TemporaryDirectory(dir=place.scratch) as scratch, ExitStack() as stack:
            self.scratch = Path(scratch)
            with receipt.stage("read references"):
                self.parents = [self._parent_values(column) for column in self.contract.references]
            self.kept = stack.enter_context(place.kept.writer(self.schema))
            self.refused = stack.enter_context(place.quarantine.writer(SCHEMA))
            self.doubtful = FileWriter(self.scratch, self._doubtful_schema())
            for split in self._with_known_keys(self._split_all()):
                self._sort_out(split)
            self._look_closer()
            with receipt.stage("settle repeated keys"):
                self._settle()
            self.kept.close()
            self.refused.close()
            with receipt.stage("commit"):
                self._commit(account)
        return receipt

    def _prepare_table(self) -> None:
        kept = self.place.kept
        if kept.exists:
            more = self._additions()
            if fill_stored(self.contract, kept, self.place.scratch):
                more = self._additions()
            kept.add_columns(more)
        else:
            kept.create(self.schema)

    def _additions(self) -> pa.Schema:
        place, kept = self.place, self.place.kept
        return additions(self.contract, kept.schema(), place.key, kept.rows(), place.crs)

    # Which keys come more than once

    def _with_known_keys(self, splits: Iterator[Split]) -> Iterator[Split]:
        """The same rows, once all of them have come and it is known which keys repeat."""
        if not self.uniques:
            yield from splits
            return
        bags = [HashBag(self.scratch) for _ in self.uniques]
        with WaitingRows(self.scratch) as waiting:
            for split in splits:
                with self.receipt.stage("wait for all keys"):
                    for number, bag in enumerate(bags):
                        bag.add(present_hashes(split.hashes(number)))
                    waiting.add(split.rows)
            with self.receipt.stage("find repeated keys"):
                self.repeated = [
                    HashSet(np.union1d(bag.repeated(), self._also_held(group, bag)))
                    for group, bag in zip(self.uniques, bags, strict=True)
                ]
            for rows in _timed(iter(waiting), self.receipt, "wait for all keys"):
                yield Split(self.contract, rows)

    @property
    def _replaces(self) -> bool:
        """Whether a row takes the place of the row of its key that is there."""
        return self.contract.delivery is Delivery.UPSERT and not self.replay

    def _also_held(self, group: Sequence[Column], bag: HashBag) -> Hashes:
        """Hashes of this delivery that rows of other deliveries have too."""
        held = self._held([column.name for column in group])
        if held is None or (self._replaces and group == self.contract.key):
            return np.empty(0, np.uint64)
        names = [column.name for column in group]
        rows = connect(self.scratch).execute(f"SELECT {hash_sql(names)} AS h FROM ({held})")
        found = [
            hashes[bag.contains(hashes)]
            for batch in rows.to_arrow_reader(ROWS_AT_A_TIME)
            for hashes in [present_hashes(pa.chunked_array([batch.column("h")]))]
        ]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.uint64)

    def _held(self, columns: Sequence[str]) -> str | None:
        """SQL for the rows of other deliveries, which this one's may not contradict, if any."""
        if self.contract.delivery is Delivery.SNAPSHOT and not self.replay:
            return None
        files = self.place.kept.files()
        if not files:
            return None
        wanted = scan(files, self.schema, [*columns, DELIVERY])
        return wanted if self.replay else f"{wanted} WHERE {DELIVERY} <> {literal(self.source)}"

    def _parent_values(self, column: Column) -> HashBag:
        reference = column.reference
        assert reference is not None
        parent = self.place.parents.get(reference.dataset)
        if parent is None:
            return HashBag(self.scratch)
        return self.place.references.values(*parent, reference.column, self.place.scratch)

    # The split

    def _split_all(self) -> Iterator[Split]:
        """All rows that have their fields, split; the others are refused on the way."""
        content = Content(self.contract)
        for batch in _timed(_grouped(self._batches()), self.receipt, "read"):
            text = self.splitter.prepare(batch.rows)
            content.look(text)
            if not self.receipt.rows_read:
                self._refuse_forbidden(content)
            self.receipt.rows_read += len(batch.ordinals) + len(batch.malformed)
            self._set_malformed_aside(batch)
            with self.receipt.stage("split"):
                split = self.splitter.split(text, batch.ordinals)
            yield split
        self._refuse_forbidden(content)

    def _batches(self) -> Iterator[Batch]:
        """All rows of the file, with values of its own types where it has such."""
        if isinstance(self.reader, TypedReader):
            return self.reader.typed_batches(self.columns)
        return self.reader.batches(self.columns)

    def _refuse_forbidden(self, content: Content) -> None:
        if why := content.refusal():
            raise DeliveryError(f"{self.source}: {why}; nothing of this delivery was kept")

    def _sort_out(self, split: Split) -> None:
        """Keep the rows that are plain; the others wait for a closer look."""
        with self.receipt.stage("sort out"):
            doubtful = self._doubtful(split)
            orphaned = [
                self._orphaned(split, number) for number in range(len(self.contract.references))
            ]
            plain = reduce(and_, (~orphans for orphans in orphaned), split.met & ~doubtful)
        with self.receipt.stage("write"):
            chosen = split.typed if plain.all() else split.typed.filter(packed(plain))
            self._keep(chosen, split.ordinals[plain])
        if not plain.all():
            rest = np.flatnonzero(~plain)
            odd = _Odd(split.take(rest), doubtful[rest], [orphans[rest] for orphans in orphaned])
            self.odd.append(odd)
        if sum(len(odd.doubtful) for odd in self.odd) >= ODD_ROWS_AT_A_TIME:
            self._look_closer()

    def _look_closer(self) -> None:
        """Refuse the rows that are not plain, or set them aside where their key repeats."""
        if not self.odd:
            return
        with self.receipt.stage("explain"):
            odd, self.odd = _all_odd(self.odd), []
            ordinals = odd.rows.ordinals
            reasons = self._reasons(odd)
            values = self.splitter.as_received(odd.rows.text)
            refused, aside = np.flatnonzero(~odd.doubtful), np.flatnonzero(odd.doubtful)
            self._refuse(ordinals[refused], values.take(refused), reasons.take(refused))
            held = odd.rows.take(aside).typed
            held = held.append_column(ORDINAL, pa.array(ordinals[aside]))
            held = held.append_column(VALUES, values.take(aside))
            self.doubtful.write(held.append_column(REASONS, reasons.take(aside)))

    def _doubtful(self, split: Split) -> Mask:
        doubtful = np.zeros(len(split.rows), bool)
        for number in range(len(self.uniques)):
            doubtful |= _members(split.hashes(number), self.repeated[number])
        return doubtful

    def _orphaned(self, split: Split, number: int) -> Mask:
        hashes = split.hashes(len(self.uniques) + number)
        return mask(hashes.is_valid()) & ~_members(hashes, self.parents[number])

    def _reasons(self, odd: "_Odd") -> pa.Array:
        reasons = self.splitter.explain(odd.rows)
        if not any(orphans.any() for orphans in odd.orphaned):
            return reasons
        lists = reasons.to_pylist()
        for column, orphans in zip(self.contract.references, odd.orphaned, strict=True):
            for row in np.flatnonzero(orphans):
                if not _mistyped(column, lists[row]):
                    lists[row].append(asdict(_orphan_reason(column)))
        return pa.array(lists, REASONS_TYPE)

    def _keep(self, typed: pa.Table, ordinals: Ordinals) -> None:
        delivery = pa.DictionaryArray.from_arrays(np.zeros(len(typed), np.int32), [self.source])
        rows = filled(self.contract, typed)
        table = rows.append_column(DELIVERY, delivery).append_column(ORDINAL, pa.array(ordinals))
        self.kept.write(table)
        self.receipt.rows_kept += len(typed)

    def _refuse(self, ordinals: Ordinals, values: pa.ChunkedArray, reasons: pa.ListArray) -> None:
        nothing = pa.nulls(len(ordinals), pa.string())
        delivery = pa.repeat(self.source, len(ordinals))
        columns = [delivery, pa.array(ordinals, pa.int64()), values, nothing, reasons]
        self.refused.write(pa.table(columns, schema=SCHEMA))
        self.receipt.rows_quarantined += len(ordinals)
        self._count(reasons)

    def _set_malformed_aside(self, batch: Batch) -> None:
        if not batch.malformed:
            return
        count = len(batch.malformed)
        reasons = reason_lists([[Reason("", _MALFORMED, bad.reason)] for bad in batch.malformed])
        columns = [
            pa.repeat(self.source, count),
            pa.array([bad.ordinal for bad in batch.malformed], pa.int64()),
            pa.nulls(count, pa.string()),
            pa.array([bad.raw for bad in batch.malformed], pa.string()),
            reasons,
        ]
        self.refused.write(pa.table(columns, schema=SCHEMA))
        self.receipt.rows_quarantined += count
        self._count(reasons)

    def _count(self, reasons: pa.ListArray) -> None:
        messages = pa.compute.struct_field(pa.compute.list_flatten(reasons), "message")
        for entry in messages.value_counts().to_pylist():
            self.receipt.reasons[entry["values"]] += entry["counts"]

    # Rows whose key comes more than once

    def _doubtful_schema(self) -> pa.Schema:
        fields = [pa.field(ORDINAL, pa.int64()), pa.field(VALUES, pa.string())]
        reasons = pa.field(REASONS, SCHEMA.field("reasons").type)
        return pa.schema([*self.contract.given, *fields, reasons])

    def _settle(self) -> None:
        self.doubtful.close()
        files = [self.scratch / file.name for file in self.doubtful.files]
        if not files:
            return
        held = self._held(self.contract.given.names)
        sql = settle_sql(self.contract, files, self._doubtful_schema(), held, self._replaces)
        rows = connect(self.scratch).execute(sql)
        for batch in rows.to_arrow_reader(ROWS_AT_A_TIME):
            table = pa.Table.from_batches([batch])
            self.receipt.rows_duplicate += len(table) - pa.compute.sum(table[FIRST]).as_py()
            table = table.filter(table[FIRST])
            sound = pa.compute.equal(pa.compute.list_value_length(table[REASONS]), 0)
            good, bad = table.filter(sound), table.filter(pa.compute.invert(sound))
            typed = good.select(self.contract.given.names).cast(self.contract.given)
            self._keep(typed, good[ORDINAL].to_numpy())
            reasons = bad[REASONS].cast(SCHEMA.field("reasons").type).combine_chunks()
            self._refuse(bad[ORDINAL].to_numpy(), bad[VALUES], reasons)

    # The commit

    def _commit(self, account: Mapping[str, object]) -> None:
        place, receipt = self.place, self.receipt
        markers = {}
        stale = self._stale_quarantine()
        if self.refused.files or stale.removed:
            place.quarantine.create(SCHEMA)
            markers[MARKER] = place.quarantine.commit(
                [*self.refused.files, *stale.added], stale.removed, {"source": self.source}
            )
        replaced = self._replaced()
        place.kept.commit(
            [*self.kept.files, *replaced.added],
            replaced.removed,
            {**account, **receipt.facts()},
            markers,
        )

    def _stale_quarantine(self) -> Rewrite:
        if self.contract.delivery is Delivery.SNAPSHOT and not self.replay:
            return Rewrite(files_of(self.place.kept, self.place.quarantine), [], 0)
        return self.place.quarantine.without(self._own_rows(), [DELIVERY], self.scratch)

    def _own_rows(self) -> str:
        return f"SELECT {literal(self.source)} AS {DELIVERY}"

    def _replaced(self) -> Rewrite:
        kept = self.place.kept
        if self.replay:
            return Rewrite([], [], 0)
        if self.contract.delivery is Delivery.SNAPSHOT:
            return Rewrite(kept.files(), [], 0)
        if self.contract.delivery is Delivery.APPEND:
            return kept.without(self._own_rows(), [DELIVERY], self.scratch)
        keys = [column.name for column in self.contract.key]
        own = f"{scan(kept.files(), self.schema, keys)} WHERE {DELIVERY} = {literal(self.source)}"
        new = [kept.folder / file.name for file in self.kept.files]
        return kept.without(f"{own} UNION {scan(new, self.schema, keys)}", keys, self.scratch)


def _grouped(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The same rows in batches large enough to be worth a query."""
    held: list[Batch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows += len(batch.ordinals)
        size += batch.rows.nbytes
        if rows >= ROWS_AT_A_TIME or size >= BYTES_AT_A_TIME:
            yield _one(held)
            held, rows, size = [], 0, 0
    if held:
        yield _one(held)


def _one(batches: list[Batch]) -> Batch:
    return Batch(
        pa.concat_tables([batch.rows for batch in batches]),
        np.concatenate([batch.ordinals for batch in batches]),
        [bad for batch in batches for bad in batch.malformed],
    )


@dataclass(frozen=True)
class _Odd:
    """Rows that broke a rule, whose key may repeat or whose parents are missing."""

    rows: Split
    doubtful: Mask
    orphaned: list[Mask]


def _all_odd(parts: Sequence[_Odd]) -> _Odd:
    rows = pa.concat_tables([part.rows.rows for part in parts])
    return _Odd(
        Split(parts[0].rows.contract, rows),
        doubtful=np.concatenate([part.doubtful for part in parts]),
        orphaned=[np.concatenate(m) for m in zip(*(p.orphaned for p in parts), strict=True)],
    )


def _timed(items: Iterator[Item], receipt: Receipt, name: str) -> Iterator[Item]:
    while True:
        with receipt.stage(name):
            item = next(items, None)
        if item is None:
            return
        yield item


def _members(hashes: pa.ChunkedArray, known: HashSet | HashBag) -> Mask:
    return known.contains(hashes.fill_null(0).to_numpy()) & mask(hashes.is_valid())


def _orphan_reason(column: Column) -> Reason:
    assert column.reference is not None
    target = f"{column.reference.dataset}.{column.reference.column}"
    return Reason(column.name, "reference", f"{column.name}: not (yet) in {target}")


def _mistyped(column: Column, reasons: Iterable[Mapping[str, str]]) -> bool:
    return any(r["column"] == column.name and r["rule"] == "type" for r in reasons)
