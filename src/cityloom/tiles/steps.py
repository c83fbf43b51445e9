"""Tiles as steps of a weave: which archives are to be made, made again or taken away."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cityloom.contract import Contract
from cityloom.counts import counted
from cityloom.errors import UsageError, plain, storage_faults
from cityloom.intake import begin, measured
from cityloom.measure import Meter
from cityloom.plan import Step
from cityloom.runs import TILE, Run
from cityloom.tiles.archive import Archive, marks_path, opened, remove
from cityloom.tiles.sharing import is_drawn, recipe_of

if TYPE_CHECKING:
    import duckdb

    from cityloom.city import City
    from cityloom.tiles.making import Made

FOLDER, SUFFIX = "tiles", ".pmtiles"


def archive_path(city: Path, dataset: str) -> Path:
    """Where the tiles of a dataset lie in a city's folder."""
    return city / FOLDER / f"{dataset}{SUFFIX}"


def drawn(city: "City") -> list[Contract]:
    """The contracts of the datasets that have tiles, by name."""
    return [contract for _, contract in sorted(city.contracts.items()) if is_drawn(contract)]


def due(
    city: "City", runs: Mapping[str, Sequence[Run]], touched: Collection[str] = ()
) -> list[Step]:
    """The archives that are to be made, and why; told from their metadata and the log of runs.

    ``touched`` are the datasets that earlier steps will change.
    """
    found = ((c.dataset, _why(city, c, runs.get(c.dataset, []), touched)) for c in drawn(city))
    return [Step(TILE, dataset, why) for dataset, why in found if why]


def _why(
    city: "City", contract: Contract, runs: Sequence[Run], touched: Collection[str]
) -> str | None:
    if contract.dataset in touched:
        return f"{contract.dataset} will change"
    rows = rows_mark(runs)
    if not rows or _failed_before(contract, runs, rows):
        return None
    path = archive_path(city.path, contract.dataset)
    archive = opened(path)
    if archive is None:
        return "its tiles are damaged" if path.exists() else "it has no tiles yet"
    if archive.origin.rows != rows:
        return "its rows have changed"
    if archive.origin.recipe != recipe_of(contract):
        return "its contract or the way that tiles are made has changed"
    return None


def _failed_before(contract: Contract, runs: Sequence[Run], rows: str) -> bool:
    """Whether the newest run failed with what these rows are, so that it would fail again."""
    last = next((run for run in reversed(runs) if run.kind == TILE), None)
    asked = {contract.dataset: _version(rows)}
    return bool(last and last.failed and last.code == recipe_of(contract) and last.inputs == asked)


def _version(rows: str) -> int:
    return int(rows.partition(" ")[0])


def rows_mark(runs: Sequence[Run]) -> str:
    """What tells the rows that a dataset has now from any it had before; empty before the first."""
    changes = [run for run in runs if run.changed_rows]
    return _mark(max(changes, key=lambda run: run.version or 0)) if changes else ""


def _mark(run: Run) -> str:
    return f"{run.version} of {run.started}"


def open_engine(city: "City") -> "duckdb.DuckDBPyConnection":
    """An engine that encodes tiles, for a weave to open once.

    Raises:
        UsageError: DuckDB's spatial extension is not there.
    """
    from cityloom.tiles.encoding import spatial_engine

    return spatial_engine(city.scratch)


def draw(
    city: "City", dataset: str, engine: Callable[[], "duckdb.DuckDBPyConnection"]
) -> list[Run]:
    """Make the tiles of one dataset; the run is in the log.

    One that failed by the rows or their CRS, and so would again, remembers the recipe it failed by.

    Raises:
        UsageError: they cannot be made for now; those that were there are gone, since they might
            show what the dataset no longer holds.
    """
    meter, contract = Meter(), city.contract(dataset)
    path, rows = archive_path(city.path, dataset), rows_mark(city.runs(dataset))
    run = replace(begin(contract, TILE, source=""), inputs={dataset: _version(rows)})
    with _taken_away_on_failure(path):
        from cityloom.tiles.making import make_archive

        files = city.kept(dataset).files()
        try:
            made = make_archive(engine(), files, contract, rows, path, city.scratch)
        except _lasting() as error:
            remove(path)
            run = replace(run, code=recipe_of(contract), error=plain(error))
        else:
            drawn_rows = made.features
            run = replace(run, rows_read=drawn_rows, rows_kept=drawn_rows, notes=_notes(made))
    city.log.remember(measured(run, meter))
    return city.log.all(dataset)[-1:]


def take_away(city: "City", runs: Mapping[str, Sequence[Run]]) -> None:
    """Remove what lies in the folder of tiles and belongs to no dataset that has any."""
    names = [c.dataset for c in drawn(city) if rows_mark(runs.get(c.dataset, []))]
    archives = [archive_path(city.path, name) for name in names]
    wanted = {*archives, *map(marks_path, archives)}
    for path in (city.path / FOLDER).glob("*"):
        if path not in wanted:
            path.unlink(missing_ok=True)


def shown_archive(city: "City", dataset: str, runs: Sequence[Run]) -> Archive | None:
    """The archive of a dataset, as its runs tell what may be shown.

    None where rows were taken out since it was made, or it was made of a table that is gone.
    """
    archive = opened(archive_path(city.path, dataset))
    changes = [run for run in runs if run.changed_rows]
    versions = {_mark(run): run.version or 0 for run in changes}
    if archive is None or archive.origin.rows not in versions:
        return None
    taken = [run.version or 0 for run in changes if run.taken_out]
    return archive if versions[archive.origin.rows] >= max(taken, default=0) else None


def _lasting() -> tuple[type[Exception], ...]:
    """What making tiles fails with as long as neither the rows nor the recipe are others."""
    from pyproj.exceptions import ProjError
    from shapely.errors import ShapelyError

    return ProjError, ShapelyError


@contextmanager
def _taken_away_on_failure(path: Path) -> Iterator[None]:
    """Say in words what making tiles failed with, and leave no tiles behind."""
    from duckdb import Error as EngineError

    try:
        yield
    except (EngineError, UsageError) as error:
        remove(path)
        raise UsageError(plain(error)) from error
    except storage_faults():
        remove(path)
        raise


def _notes(made: "Made") -> list[str]:
    """What a run of tiles did, for its account."""
    notes = [
        f"{made.computed:,} of {made.tiles:,} tiles made, "
        f"{made.copied_bytes / 1e6:,.1f} of {made.size / 1e6:,.1f} MB copied"
    ]
    if made.left_out:
        rows = counted(made.left_out, "row has", "rows have")
        notes.append(f"{rows} no place on a map in Web Mercator")
    return notes
