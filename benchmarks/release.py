"""What it costs to protect and to audit a table, by its size: ``python -m benchmarks.release``.

Tables are of lognormal counts with a third of the cells empty, in two and in three dimensions;
small counts, below ten, are to be protected. Seconds are of the processor.
"""

from time import process_time

import numpy as np
import pyarrow as pa

from cityloom.release.attack import Quantity, audit
from cityloom.release.cells import Cells, Floats, Level, cells_of, levels_of
from cityloom.release.constraints import constraints
from cityloom.release.protect import protect, weights

SHAPES = ((32, 32), (100, 100), (320, 320), (10, 10, 10), (25, 20, 20), (50, 50, 40))
MINIMUM = 10


def table(shape: tuple[int, ...], seed: int = 1) -> tuple[Cells, Floats]:
    """The cells of a random table with all its totals, and their counts."""
    chance = np.random.default_rng(seed)
    counts = chance.lognormal(3, 1.3, shape).astype(np.int64)
    counts[chance.random(shape) < 1 / 3] = 0
    places = np.argwhere(counts > 0)
    chains: list[Level] = [(f"column_{axis}",) for axis in range(len(shape))]
    levels = levels_of(chains)
    frames, values = [], []
    for level in levels:
        axes = [axis for axis, (name,) in enumerate(chains) if name in level]
        kept = np.where(np.isin(np.arange(len(shape)), axes), places, -1)
        found, inverse = np.unique(kept, axis=0, return_inverse=True)
        values.append(np.bincount(inverse.ravel(), counts[tuple(places.T)], len(found)))
        frames.append(pa.table({chains[axis][0]: found[:, axis] for axis in range(len(shape))}))
    place = np.repeat(np.arange(len(levels)), list(map(len, frames)))
    return cells_of(chains, levels, pa.concat_tables(frames), place), np.concatenate(values)


def main() -> None:
    """Print a line for each table."""
    print("shape         cells  primary  secondary  protect s  audit s  method")
    for shape in SHAPES:
        cells, value = table(shape)
        primary = value < MINIMUM
        least = cells.add_up(np.ones(len(value)))
        small = Quantity(
            "count",
            value,
            least,
            np.where(primary, value - least, 0.0),
            np.where(primary, MINIMUM - value, 0.0),
            constraints(cells, value, True),
        )
        start = process_time()
        done = protect(cells, [small], primary, weights(cells, value))
        middle = process_time()
        reach = audit(small, done.suppressed, done.reaches[0].witnesses)
        assert not np.logical_or(*reach.short()).any()
        secondary = int((done.suppressed & ~primary).sum())
        print(
            f"{'x'.join(map(str, shape)):12} {len(cells):6,} {int(primary.sum()):8,} "
            f"{secondary:10,} {middle - start:10.1f} {process_time() - middle:8.1f}  {done.method}",
            flush=True,
        )


if __name__ == "__main__":
    main()
