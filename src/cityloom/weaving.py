"""Weaving: everything that is new is received, everything that is stale is made again."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from cityloom.contract import Contract
from cityloom.errors import DeliveryError, passed_over
from cityloom.graph import DatasetFunction, LastRun, why_stale
from cityloom.inbox import DeliveredFile, delivered_files
from cityloom.plan import (
    WILL_CHANGE,
    Step,
    parent_versions,
    parents_first,
    receipts,
    replays,
)
from cityloom.quarantine import MARKER, undo_torn_commit
from cityloom.runs import (
    DERIVE,
    EXPIRE,
    FILL,
    RECEIVE,
    Run,
    last_made,
    rows_version,
)

if TYPE_CHECKING:
    from cityloom.city import City
    from cityloom.derive import Input
    from cityloom.engine import Engine

OnStep = Callable[[Step, int, int, Run | None], None]
"""Told of each step of a weave: the step, how many are done, how many there are at least, and, when
the step is done, its run."""

RunsByDataset = Mapping[str, Sequence[Run]]


def plan(city: "City") -> list[Step]:
    """What :func:`weave` would do now, in order.

    What comes of a step may call for more, which the weave then does as well.
    """
    runs = _runs(city)
    steps = [step for c in _ready(city) for step in _receipts(city, c, runs)]
    steps += _replays(city, runs, {step.dataset for step in steps})
    steps += _expiries(city, runs)
    fillings = _fillings(city)
    touched = {step.dataset for step in (*fillings, *steps)}
    for function in _makeable(city):
        if why := _why_stale(city, function, runs, touched):
            steps += [Step(DERIVE, name, why) for name in function.outputs]
            touched.update(function.outputs)
    return [*fillings, *steps, *_tilings(city, runs, touched)]


def weave(city: "City", on_step: OnStep) -> Iterator[Run]:
    """Do what is to be done, step by step; the run of each as it is done.

    A file or function that fails leaves a failed run and does not stop the rest. A weave that is
    interrupted goes on where it was when it is called again.
    """
    changed = set()
    for run in _woven(city, on_step):
        if not run.failed:
            changed.add(run.dataset)
        yield run
    for name in sorted(changed):
        with passed_over():
            _compact(city, name)


def _woven(city: "City", on_step: OnStep) -> Iterator[Run]:
    steps = plan(city)
    told = _Told(on_step, len(steps))
    for step in (step for step in steps if step.kind == FILL):
        yield from told.of(step, partial(_try_to_fill, city, step))
    for step in (step for step in steps if step.kind == RECEIVE):
        yield from told.of(step, partial(_try_to_receive, city, step))
    kept = 1
    while kept and (again := _replays(city, _runs(city), set())):
        kept = 0
        for step in again:
            for run in told.of(step, partial(_try_to_replay, city, step)):
                kept += run.rows_kept
                yield run
    for step in _expiries(city, _runs(city)):
        yield from told.of(step, partial(_try_to_expire, city, step))
    yield from _derived(city, told)
    yield from _tiled(city, told)


def _compact(city: "City", dataset: str) -> None:
    """Join a dataset's small files where they have become many, and its quarantine's.

    Last of all: what derives from the dataset has seen its rows by now, and need not again.
    """
    kept, quarantine = city.kept(dataset), city.quarantine(dataset)
    if kept.is_scattered:
        kept.compact(city.scratch)
    if quarantine.is_scattered:
        undo_torn_commit(kept, quarantine)
        kept.commit([], [], {}, {MARKER: quarantine.compact(city.scratch)})


class _Told:
    """Counts the steps and tells whoever listens."""

    def __init__(self, on_step: OnStep, total: int) -> None:
        self._on_step = on_step
        self._total = total
        self._done = 0

    def of(self, step: Step, work: Callable[[], list[Run]]) -> Iterator[Run]:
        self._on_step(step, self._done, max(self._total, self._done + 1), None)
        for run in work():
            self._done += 1
            self._on_step(step, self._done, max(self._total, self._done), run)
            yield run


def derive_stale(city: "City") -> list[Run]:
    """Make again what is stale, and receive nothing."""
    return list(_derived(city, _unheard()))


def tile_stale(city: "City") -> list[Run]:
    """Make again the tiles that are stale, and nothing else."""
    return list(_tiled(city, _unheard()))


def _unheard() -> _Told:
    return _Told(lambda step, done, total, run: None, 0)


def _derived(city: "City", told: _Told) -> Iterator[Run]:
    with ExitStack() as opened:
        engine = cache(partial(_open_engine, city, opened))
        for function in _makeable(city):
            if why := _why_stale(city, function, _runs(city), set()):
                step = Step(DERIVE, ", ".join(function.outputs), why)
                yield from told.of(step, partial(_try_to_derive, city, function, engine))


def _tiled(city: "City", told: _Told) -> Iterator[Run]:
    from cityloom.tiles.steps import draw, open_engine, take_away

    runs = _runs(city)
    take_away(city, runs)
    engine = cache(partial(open_engine, city))
    for step in _tilings(city, runs):
        work = partial(draw, city, step.dataset, engine)
        yield from told.of(step, partial(_tried, city, step, work))


def _tilings(city: "City", runs: RunsByDataset, touched: Collection[str] = ()) -> list[Step]:
    from cityloom.tiles.steps import due

    return due(city, runs, touched)


def _open_engine(city: "City", opened: ExitStack) -> "Engine":
    from cityloom.engine import open_engine

    return opened.enter_context(open_engine(city.settings.engine, city.scratch))


def _runs(city: "City") -> dict[str, list[Run]]:
    grouped: dict[str, list[Run]] = {}
    for run in city.runs():
        grouped.setdefault(run.dataset, []).append(run)
    return grouped


def _ready(city: "City") -> list[Contract]:
    """The received datasets whose rows can be judged, each after those that it refers to.

    Those that refer to a dataset whose contract cannot be used wait: their rows would be refused.
    """
    return [c for c in parents_first(city.received) if not city.waits_for(c)]


def _makeable(city: "City") -> list[DatasetFunction]:
    """The functions that can be run, in order.

    Those that read a dataset whose contract cannot be used wait: they would fail at every weave.
    """
    return [f for f in city.functions if not any(map(city.what_broke, f.inputs))]


def _receipts(city: "City", contract: Contract, runs: RunsByDataset) -> list[Step]:
    files = delivered_files(city.path, contract)
    known = ((file, city.fingerprints.of(file.path)) for file in files)
    return receipts(contract, known, runs.get(contract.dataset, []))


def _replays(city: "City", runs: RunsByDataset, touched: set[str]) -> list[Step]:
    steps = []
    for contract in _ready(city):
        if contract.dataset not in touched:
            versions = parent_versions(contract, city.contracts, runs)
            versions |= dict.fromkeys(touched.intersection(versions), WILL_CHANGE)
            steps += replays(contract, runs.get(contract.dataset, []), versions)
    return steps


def _fillings(city: "City") -> list[Step]:
    """The tables that lack columns which their contracts have come to ask for."""
    from cityloom.filling import lacking

    found = ((name, lacking(c, city.kept(name))) for name, c in city.received.items())
    return [
        Step(FILL, name, f"its rows lack {', '.join(column.name for column in new)}")
        for name, new in found
        if new
    ]


def _expiries(city: "City", runs: RunsByDataset) -> list[Step]:
    from cityloom.retention import due

    found = (
        (contract, due(contract, runs.get(contract.dataset, [])))
        for contract in parents_first(city.received)
    )
    return [Step(EXPIRE, contract.dataset, why) for contract, why in found if why]


def _try_to_receive(city: "City", step: Step) -> list[Run]:
    assert step.path is not None
    try:
        return [city.take_in(step.dataset, DeliveredFile(step.path, step.source))]
    except DeliveryError:
        return city.log.all(step.dataset)[-1:]


def _try_to_replay(city: "City", step: Step) -> list[Run]:
    return _tried(city, step, partial(city.judge_again, step.dataset, step.source))


def _try_to_fill(city: "City", step: Step) -> list[Run]:
    return _tried(city, step, partial(_fill, city, step.dataset))


def _fill(city: "City", dataset: str) -> list[Run]:
    from cityloom.filling import fill_stored
    from cityloom.intake import Account, begin
    from cityloom.measure import Meter

    meter, contract, kept = Meter(), city.contract(dataset), city.kept(dataset)
    rows = kept.rows()
    run = replace(begin(contract, FILL, source=""), rows_read=rows, rows_kept=rows)
    fill_stored(contract, kept, city.scratch, Account(run, meter))
    return city.runs(dataset)[-1:]


def _try_to_expire(city: "City", step: Step) -> list[Run]:
    return _tried(city, step, partial(city.expire, step.dataset))


def _tried(city: "City", step: Step, work: Callable[[], list[Run]]) -> list[Run]:
    from cityloom.intake import begin, tried

    begun = partial(begin, city.contract(step.dataset), step.kind, step.source)
    return tried(city, work, lambda: [begun()])


def _try_to_derive(
    city: "City", function: DatasetFunction, engine: Callable[[], "Engine"]
) -> list[Run]:
    """The runs of a function; one that needs more memory than there is fails alone."""
    from cityloom.intake import tried

    work, begun = partial(_derive, city, function, engine), partial(_begin, city, function)
    return tried(city, work, lambda: list(map(begun, function.outputs)), ending=())


def _begin(city: "City", function: DatasetFunction, output: str) -> Run:
    from cityloom.intake import begin

    versions = _versions(function, _runs(city))
    run = begin(city.contract(output), DERIVE, source=function.name)
    return replace(run, code=function.digest, inputs=versions)


def _derive(city: "City", function: DatasetFunction, engine: Callable[[], "Engine"]) -> list[Run]:
    from cityloom.derive import Output, derive
    from cityloom.intake import Account
    from cityloom.measure import Meter

    seen = _seen(city, function)
    outputs = {
        name: Output(city.contract(name), city.kept(name), city.quarantine(name))
        for name in function.outputs
    }
    meter = Meter()
    derive(
        function,
        {name: _input(city, name, seen) for name in function.inputs},
        outputs,
        engine(),
        {name: Account(_begin(city, function, name), meter) for name in outputs},
    )
    return [city.runs(name)[-1] for name in function.outputs]


def _seen(city: "City", function: DatasetFunction) -> Mapping[str, int]:
    """The version of each input that all outputs have seen, by this code and these contracts."""
    made = [last_made(city.runs(name)) for name in function.outputs]
    first = made[0]
    if first is None:
        return {}
    alike = all(
        run is not None
        and run.contract == city.contract(name).digest
        and run.code == function.digest
        and run.inputs == first.inputs
        for name, run in zip(function.outputs, made, strict=True)
    )
    return first.inputs if alike else {}


def _input(city: "City", name: str, versions: Mapping[str, int]) -> "Input":
    from cityloom.derive import Input

    table = city.kept(name)
    files = table.files()
    if name not in versions or 0 <= versions[name] < table.oldest_version():
        return Input(city.contract(name), files, files, only_grew=False)
    version = table.same_rows(versions[name])
    seen = set(table.files(version)) if version >= 0 else set()
    new = [file for file in files if file not in seen]
    return Input(city.contract(name), files, new, only_grew=seen <= set(files))


def _versions(function: DatasetFunction, runs: RunsByDataset) -> dict[str, int]:
    return {name: rows_version(runs.get(name, [])) for name in function.inputs}


def _why_stale(
    city: "City", function: DatasetFunction, runs: RunsByDataset, touched: set[str]
) -> str | None:
    if changing := sorted(touched.intersection(function.inputs)):
        return f"{', '.join(changing)} will change"
    versions = _versions(function, runs)
    for name in function.outputs:
        last = last_made(runs.get(name, []))
        made = LastRun(last.code, last.contract, last.inputs) if last else None
        if why := why_stale(function.digest, city.contract(name).digest, versions, made):
            return why
    return None
