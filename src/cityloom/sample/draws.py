"""Random draws that depend only on what they are for: (seed, entity, chunk)."""

from hashlib import blake2b
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Days: TypeAlias = npt.NDArray[np.int64]
"""Days since 1 January 1970."""


def stream(seed: int, entity: str, chunk: int = 0) -> np.random.Generator:
    """A counter-based generator of its own for one chunk of one kind of entity."""
    key = blake2b(f"{seed}/{entity}/{chunk}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(key, dtype=np.uint64)))


def choose(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """Indices drawn in proportion to `weights`."""
    bounds = np.cumsum(weights)
    drawn = np.searchsorted(bounds, rng.random(size) * bounds[-1], side="right")
    positions: Ints = np.minimum(drawn, len(weights) - 1)
    return positions


def apportion(total: int, weights: Floats) -> Ints:
    """Whole parts of `total` in proportion to `weights`; they add up to `total` exactly."""
    bounds = np.concatenate(([0.0], np.cumsum(weights, dtype=np.float64)))
    if bounds[-1] == 0:
        bounds = np.arange(len(weights) + 1, dtype=np.float64)
    steps = np.floor(bounds / bounds[-1] * total + 1e-6).astype(np.int64)
    steps[-1] = total
    parts: Ints = np.diff(steps)
    return parts


def scramble(numbers: Ints, modulus: int, multiplier: int, offset: int = 0) -> Ints:
    """A one-to-one reordering of 0 … modulus-1; `multiplier` shares no factor with `modulus`."""
    return (numbers * multiplier + offset) % modulus


def one_of(rng: np.random.Generator, size: int, count: int) -> Ints:
    """`count` indices below `size`, with repetition."""
    return rng.integers(0, max(size, 1), count)


def ranks_within(*keys: Ints) -> Ints:
    """Each row's position among the rows that have the same keys, in row order."""
    count = len(keys[0])
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    order = np.lexsort(keys)
    new_group = np.ones(count, dtype=bool)
    new_group[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
    starts = np.flatnonzero(new_group)
    ranks = np.empty(count, dtype=np.int64)
    ranks[order] = np.arange(count) - np.repeat(starts, np.diff(np.append(starts, count)))
    return ranks
