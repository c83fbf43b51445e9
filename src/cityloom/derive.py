"""Running one dataset function: read its inputs, call it, check what it gives, commit."""

import json
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from cityloom.contract import Contract, Kind
from cityloom.contract.check import MARK, conforming, geometry_verdicts, marked
from cityloom.contract.filled import filled
from cityloom.contract.refusals import Content
from cityloom.contract.rules import Reason
from cityloom.contract.split import reason_lists
from cityloom.engine import Engine
from cityloom.errors import UsageError, faults_in_words
from cityloom.geo.layer import with_crs
from cityloom.graph import NEW, PREVIOUS, DatasetFunction
from cityloom.lake import FileWriter, LakeTable, scan
from cityloom.masks import mask, packed
from cityloom.policy import is_open
from cityloom.quarantine import MARKER, SCHEMA, files_of, undo_torn_commit
from cityloom.receive import ROWS_AT_A_TIME, Receipt
from cityloom.sql import connect, quoted


@dataclass(frozen=True)
class Input:
    """A dataset that a function reads; ``new_files`` hold the rows that it has not seen.

    ``only_grew`` is false where rows it has seen are gone, so that all must be computed again.
    """

    contract: Contract
    files: Sequence[Path]
    new_files: Sequence[Path]
    only_grew: bool


@dataclass(frozen=True)
class Output:
    """A dataset that a function makes: its contract and its two tables."""

    contract: Contract
    kept: LakeTable
    quarantine: LakeTable


def derive(
    function: DatasetFunction,
    inputs: Mapping[str, Input],
    outputs: Mapping[str, Output],
    engine: Engine,
    account: Mapping[str, Mapping[str, object]],
) -> dict[str, Receipt]:
    """Make a function's datasets and commit each.

    Args:
        function: what to run.
        inputs: every dataset that it reads, by name.
        outputs: every dataset that it makes, by name.
        engine: where it runs.
        account: more facts for the commit of each output to carry.

    Raises:
        UsageError: what the function gives is not what the contract says; nothing was committed.
    """
    appending = _appending(function, inputs, outputs)
    receipts: dict[str, Receipt] = {}
    with ExitStack() as stack:
        making = {
            name: stack.enter_context(_Making(function, output)) for name, output in outputs.items()
        }
        for tables in _results(function, inputs, outputs, engine, appending):
            for name, table in zip(function.outputs, tables, strict=True):
                said = _failing_in_words(function, inputs, outputs)
                with said, faults_in_words(outputs[name].kept.folder):
                    making[name].write(table, engine)
        for name in function.outputs:
            making[name].finish(appending, engine.scratch)
        for name in function.outputs:
            receipts[name] = making[name].commit(account[name], appending)
    return receipts


def _appending(
    function: DatasetFunction, inputs: Mapping[str, Input], outputs: Mapping[str, Output]
) -> bool:
    grows = all(output.contract.grows and output.kept.exists for output in outputs.values())
    return function.incremental and grows and all(item.only_grew for item in inputs.values())


def _results(
    function: DatasetFunction,
    inputs: Mapping[str, Input],
    outputs: Mapping[str, Output],
    engine: Engine,
    appending: bool,
) -> Iterator[Sequence[ir.Table]]:
    arguments = {
        parameter: _argument(parameter, inputs, outputs, engine, appending)
        for parameter in function.parameters
    }
    if function.partition is None and function.batches is None:
        with _failing_in_words(function, inputs, outputs):
            made = function.call(**arguments)
        yield _as_tables(function, made, engine)
        return
    contracts = {name: _read_as(name, inputs, outputs) for name in function.parameters}
    for parts in _parts(function, arguments, engine):
        placed = {name: with_crs(rows, _crs(contracts[name])) for name, rows in parts.items()}
        with _failing_in_words(function, inputs, outputs):
            made = function.call(**placed)
        yield _as_tables(function, made, engine)


@contextmanager
def _failing_in_words(
    function: DatasetFunction, inputs: Mapping[str, Input], outputs: Mapping[str, Output]
) -> Iterator[None]:
    """Say where a function failed; what it said, which may quote a value, only of open data."""
    held = [item.contract for item in inputs.values()]
    held += [item.contract for item in outputs.values()]
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        said = f": {error}" if all(is_open(one.classification) for one in held) else ""
        raise UsageError(
            f"{function.origin}.{function.name} failed: {type(error).__name__}{said} "
            f"({frame.filename}:{frame.lineno})"
        ) from error


def _argument(
    parameter: str,
    inputs: Mapping[str, Input],
    outputs: Mapping[str, Output],
    engine: Engine,
    appending: bool,
) -> ir.Table:
    if parameter == PREVIOUS:
        output = _only(outputs)
        return engine.table(PREVIOUS, output.kept.files(), output.contract.schema)
    item = inputs[parameter.removeprefix(NEW)]
    only_new = parameter.startswith(NEW) and appending
    return engine.table(parameter, item.new_files if only_new else item.files, item.contract.schema)


def _read_as(
    parameter: str, inputs: Mapping[str, Input], outputs: Mapping[str, Output]
) -> Contract:
    """The contract of the dataset that a parameter stands for."""
    if parameter == PREVIOUS:
        return _only(outputs).contract
    return inputs[parameter.removeprefix(NEW)].contract


def _crs(contract: Contract) -> dict[str, str]:
    return {column.name: column.crs for column in contract.columns if column.kind is Kind.GEOMETRY}


def _only(outputs: Mapping[str, Output]) -> Output:
    if len(outputs) > 1:
        raise UsageError(f"'{PREVIOUS}' is of one dataset, not of {', '.join(outputs)}")
    return next(iter(outputs.values()))


def _parts(
    function: DatasetFunction, arguments: Mapping[str, ir.Table], engine: Engine
) -> Iterator[dict[str, pa.Table]]:
    """What a kernel is called with, call by call."""
    if function.batches is not None:
        yield from _batched(function, arguments, engine)
        return
    for value in _partitions(function, arguments, engine):
        yield {
            name: engine.batches(_part(table, function.partition, value)).read_all()
            for name, table in arguments.items()
        }


def _batched(
    function: DatasetFunction, arguments: Mapping[str, ir.Table], engine: Engine
) -> Iterator[dict[str, pa.Table]]:
    parameter = function.batches or ""
    if parameter not in arguments:
        raise UsageError(
            f"{function.origin}.{function.name}: '{parameter}', which is to come in batches, "
            "is none of its parameters"
        )
    whole = {
        name: engine.batches(table).read_all()
        for name, table in arguments.items()
        if name != parameter
    }
    for rows in _grouped(engine.batches(arguments[parameter])):
        yield {**whole, parameter: rows}


def _grouped(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows in tables large enough to be worth a call."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(map(len, held)) >= ROWS_AT_A_TIME:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _partitions(
    function: DatasetFunction, arguments: Mapping[str, ir.Table], engine: Engine
) -> list[object]:
    column = function.partition or ""
    for name, table in arguments.items():
        if name != PREVIOUS and column in table.columns:
            return engine.values(table[column])
    raise UsageError(
        f"{function.origin}.{function.name}: no input has the column '{column}' of its partitions"
    )


def _part(table: ir.Table, column: str | None, value: object) -> ir.Table:
    if column not in table.columns:
        return table
    return table.filter(table[column].isnull() if value is None else table[column] == value)


def _as_tables(function: DatasetFunction, result: object, engine: Engine) -> list[ir.Table]:
    results = list(result) if isinstance(result, tuple) else [result]
    if len(results) != len(function.outputs):
        raise UsageError(
            f"{function.origin}.{function.name} gave {len(results)} tables "
            f"for {len(function.outputs)} datasets"
        )
    return [
        _as_table(function, item, engine, name)
        for name, item in zip(function.outputs, results, strict=True)
    ]


def _as_table(function: DatasetFunction, result: object, engine: Engine, name: str) -> ir.Table:
    if isinstance(result, ir.Table):
        return result
    if isinstance(result, pa.Table | pa.RecordBatch):
        table = result if isinstance(result, pa.Table) else pa.Table.from_batches([result])
        return engine.hold(f"made_{name}", table)
    raise UsageError(
        f"{function.origin}.{function.name} gave a {type(result).__name__}; "
        "expected an Ibis or Arrow table"
    )


class _Making:
    """A dataset being made: checked rows go to disk, those that break its rules to quarantine."""

    def __init__(self, function: DatasetFunction, output: Output) -> None:
        self._maker = f"{function.origin}.{function.name}"
        self._output = output
        self._receipt = Receipt(source=function.name)
        self._content = Content(output.contract)
        self._stack = ExitStack()

    def __enter__(self) -> "_Making":
        output = self._output
        output.kept.create(output.contract.schema)
        undo_torn_commit(output.kept, output.quarantine)
        self._kept: FileWriter = self._stack.enter_context(
            output.kept.writer(output.contract.schema)
        )
        self._refused: FileWriter = self._stack.enter_context(output.quarantine.writer(SCHEMA))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def write(self, table: ir.Table, engine: Engine) -> None:
        contract = self._output.contract
        checked, reasons = marked(contract, conforming(contract, table, self._maker))
        with self._receipt.stage("compute"):
            for batch in engine.batches(checked):
                self._split(pa.Table.from_batches([batch]), reasons)

    def _split(self, rows: pa.Table, reasons: Sequence[Reason]) -> None:
        names = [MARK.format(number) for number in range(len(reasons))]
        typed = rows.select(self._output.contract.given.names)
        self._content.look(typed)
        verdicts = list(geometry_verdicts(self._output.contract, typed))
        reasons = [*reasons, *(reason for reason, _ in verdicts)]
        met = [mask(rows[name].fill_null(True)) for name in names]
        met += [sound for _, sound in verdicts]
        sound = np.all(met, axis=0) if met else np.ones(len(rows), bool)
        kept = typed.filter(packed(sound)).cast(self._output.contract.given)
        self._kept.write(filled(self._output.contract, kept))
        self._receipt.rows_read += len(rows)
        self._receipt.rows_kept += int(sound.sum())
        broken = np.flatnonzero(~sound)
        if len(broken):
            self._refuse(typed.take(broken), [
                [reason for reason, rows in zip(reasons, met, strict=True) if not rows[place]]
                for place in broken
            ])  # fmt: skip

    def _refuse(self, typed: pa.Table, reasons: list[list[Reason]]) -> None:
        start = self._receipt.rows_quarantined + 1
        count = len(typed)
        values = [json.dumps(row, ensure_ascii=False, default=str) for row in typed.to_pylist()]
        columns = [
            pa.repeat(self._receipt.source, count),
            pa.array(range(start, start + count), pa.int64()),
            pa.array(values, pa.string()),
            pa.nulls(count, pa.string()),
            reason_lists(reasons),
        ]
        self._refused.write(pa.table(columns, schema=SCHEMA))
        self._receipt.rows_quarantined += count
        self._receipt.reasons.update(reason.message for row in reasons for reason in row)

    def finish(self, appending: bool, scratch: Path) -> None:
        """Close the files and see that all may be held and that no key repeats, here or there."""
        self._kept.close()
        self._refused.close()
        contract, kept = self._output.contract, self._output.kept
        if why := self._content.refusal():
            raise UsageError(f"{self._maker} gives '{contract.dataset}': {why}")
        files = [kept.folder / file.name for file in self._kept.files]
        files += kept.files() if appending else []
        for group in contract.uniques:
            names = ", ".join(quoted(column.name) for column in group)
            present = " AND ".join(f"{quoted(column.name)} IS NOT NULL" for column in group)
            repeating = (
                f"SELECT 1 FROM ({scan(files, contract.schema)}) "
                f"WHERE {present} GROUP BY {names} HAVING count(*) > 1"
            )
            counted = connect(scratch).execute(f"SELECT count(*) FROM ({repeating})").fetchone()
            if counted and counted[0]:
                raise UsageError(
                    f"{self._maker} gives {counted[0]:,} of the values of {names} more than "
                    f"once; {contract.origin} says they are unique. Nothing was committed"
                )

    def commit(self, account: Mapping[str, object], appending: bool) -> Receipt:
        """Put what was made in the place of what was there, or behind it."""
        output, receipt = self._output, self._receipt
        stale = [] if appending else files_of(output.kept, output.quarantine)
        markers = {}
        if self._refused.files or stale:
            output.quarantine.create(SCHEMA)
            markers[MARKER] = output.quarantine.commit(
                self._refused.files, stale, {"source": receipt.source}
            )
        facts = {**account, **receipt.facts()}
        if appending:
            output.kept.commit(self._kept.files, [], facts, markers)
        else:
            output.kept.replace(self._kept.files, output.contract.schema, facts, markers)
        return receipt
