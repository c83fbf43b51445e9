"""Counts under differential privacy, by OpenDP, and the budget that a dataset's releases share.

To each cell of the finest table a discrete Laplace variable is added (Ghosh, Roughgarden &
Sundararajan, "Universally utility-maximizing privacy mechanisms", SIAM Journal on Computing 41,
2012); totals are summed from those, so that they cost nothing and add up. Whoever compares two
cities that differ in one contributor sees the same release with probabilities that differ by a
factor of at most exp(epsilon). What several releases spend adds up.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from cityloom.errors import UsageError, faults_in_words
from cityloom.release.cells import Cells, Floats
from cityloom.release.statement import FOLDER, Noise

SPENT = "spent.ndjson"
_CLOSE = 1e-9


def noisy(cells: Cells, rows: Floats, noise: Noise) -> Floats:
    """The counts of all cells with noise; below nought too.

    Args:
        cells: all cells, of the finest level also those that are zero.
        rows: the counts.
        noise: how much; a contributor has at most ``noise.most`` rows in ``rows``.

    Raises:
        UsageError: OpenDP is not installed.
    """
    finest = np.flatnonzero(cells.level == 0)
    found = np.zeros(len(rows))
    found[finest] = _laplace(rows[finest].astype(np.int64).tolist(), noise)
    return cells.add_up(found)


def _laplace(counts: list[int], noise: Noise) -> list[int]:
    try:
        import opendp.prelude as dp
    except ImportError:
        raise UsageError(
            "noise needs OpenDP, which is not installed; install it with: "
            "pip install 'cityloom[noise]'"
        ) from None
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    mechanism = dp.m.make_laplace(*space, scale=noise.most / noise.epsilon)
    if mechanism.map(d_in=noise.most) > noise.epsilon * (1 + _CLOSE):
        raise UsageError(f"epsilon {noise.epsilon} is too small to be kept; state a larger one")
    found: list[int] = mechanism(counts)
    return found


def spend(city: Path, release: str, dataset: str, noise: Noise, who: str) -> float:
    """Spend a release's epsilon of its dataset's budget, before anything is drawn; what is left.

    Raises:
        UsageError: the budget has not so much left; nothing is spent.
        StorageError: it cannot be written down.
    """
    path = city / FOLDER / SPENT
    with faults_in_words(path), open(path, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        spent = sum(_spent_on(path, dataset))
        left = noise.budget - spent - noise.epsilon
        if left < -_CLOSE:
            raise UsageError(
                f"{FOLDER}/{release}.yaml: field noise: epsilon {noise.epsilon:g} is more than the "
                f"budget of '{dataset}' has left: {max(noise.budget - spent, 0):g} of "
                f"{noise.budget:g}; nothing was published"
            )
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "release": release,
            "dataset": dataset,
            "epsilon": noise.epsilon,
            "principal": who,
        }
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return max(left, 0.0)


def _spent_on(path: Path, dataset: str) -> Iterator[float]:
    """What was spent on a dataset, release by release."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            stated = json.loads(line)
            if stated["dataset"] == dataset:
                yield float(stated["epsilon"])
        except (ValueError, KeyError, TypeError):
            raise UsageError(
                f"{FOLDER}/{SPENT} line {number}: not what was written; put the file back from a "
                "backup, without which nobody knows what is left of the budget"
            ) from None
