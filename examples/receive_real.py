"""What becomes of the real files of this folder's contracts: rows read, kept, refused, and why.

Receives each file into a city that is thrown away afterwards and prints a Markdown table.

    python -m examples.receive_real [FOLDER OF THE REAL FILES]
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from benchmarks.draft import CONTRACTS, FILES, REAL_FILES
from cityloom.city import City
from cityloom.runs import Run

HEADER = "| file | dataset | read | kept | quarantined | duplicate | reasons | drift |"
RULER = "| --- | --- | ---: | ---: | ---: | ---: | --- | --- |"


RECEIVED = FILES | {
    "zones/denver_blocks.zip": "denver_block",
    "zones/providence_blocks.zip": "providence_block",
    "shenzhen/grid/grid.shp": "grid_cell",
}


def receive_all(city: City, folder: Path) -> Iterator[Run]:
    """Receive every real file, those that others refer to first; the run of each."""
    for file, dataset in RECEIVED.items():
        yield from city.receive(dataset, folder / file)


def real_city(path: Path) -> City:
    """A new city with the contracts of this folder."""
    city = City.create(path, "Real files")
    copytree(CONTRACTS, city.path / "contracts", dirs_exist_ok=True)
    return city


def table(runs: Iterable[Run]) -> str:
    """The runs as a Markdown table."""
    return "\n".join([HEADER, RULER, *map(_row, runs)])


def _row(run: Run) -> str:
    counts = (run.rows_read, run.rows_kept, run.rows_quarantined, run.rows_duplicate)
    reasons = [f"{count:,} × {_in_a_cell(reason)}" for reason, count in run.reasons.items()]
    notes = [_in_a_cell(note) for note in run.notes]
    cells = [
        f"`{run.source}`",
        f"`{run.dataset}`",
        *(f"{count:,}" for count in counts),
        "<br>".join(reasons) or "–",
        "<br>".join(notes) or "–",
    ]
    return f"| {' | '.join(cells)} |"


def _in_a_cell(text: str) -> str:
    return "".join(f"\\{letter}" if letter in r"\|*_<>[]`" else letter for letter in text)


def main() -> None:
    """Receive the files of the folder that was named and print what came of it."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REAL_FILES
    with TemporaryDirectory() as scratch:
        print(table(receive_all(real_city(Path(scratch) / "city"), folder)))


if __name__ == "__main__":
    main()
