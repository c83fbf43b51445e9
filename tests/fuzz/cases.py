"""Cases: a kind of delivery, a seed that its content is made of, and changes to its bytes."""

import json
import random
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import hypothesis.strategies as st

from tests.fuzz import archives, layers, sheets, special, texts

Make = Callable[[random.Random, Path], Path]
"""Writes a delivery into a folder; the file to receive."""

MAKERS: dict[str, Make] = {
    **texts.MAKERS, **archives.MAKERS, **sheets.MAKERS, **layers.MAKERS, **special.MAKERS,
}  # fmt: skip
SLOW = (*sheets.MAKERS, *layers.MAKERS)
"""Kinds that start a process of their own; one case in ten is of these."""

DATASETS = ("plain", "plain", "plain", "odd")
"""The contracts that a case may be received by: defaults, and another encoding and delimiter."""

_ORDERS: tuple[Literal["little", "big"], ...] = ("big", "little")
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 20)


@dataclass(frozen=True)
class Mutation:
    """A change to the bytes of a file: what, where (a share of its length) and by which number."""

    what: str
    where: float
    number: int


@dataclass(frozen=True)
class Case:
    """One delivery, made anew from these values alone."""

    kind: str
    seed: int
    dataset: str = "plain"
    mutations: tuple[Mutation, ...] = ()

    def write(self, folder: Path) -> Path:
        """Write the delivery into a folder; the path to receive."""
        path = MAKERS[self.kind](random.Random(self.seed), folder)
        if self.mutations and path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            for mutation in self.mutations:
                content = mutated(content, mutation)
            path.write_bytes(content)
        return path

    def text(self) -> str:
        """The case as one line."""
        return json.dumps(asdict(self))


def read_case(text: str) -> Case:
    """The case that a line tells of."""
    stated = json.loads(text)
    mutations = tuple(Mutation(**mutation) for mutation in stated.pop("mutations", ()))
    return Case(**stated, mutations=mutations)


def mutated(content: bytes, mutation: Mutation) -> bytes:
    """Some bytes with one change."""
    if not content:
        return bytes([mutation.number & 0xFF])
    at = min(int(mutation.where * len(content)), len(content) - 1)
    return _CHANGES[mutation.what](content, at, mutation.number)


def _set(content: bytes, at: int, number: int) -> bytes:
    """Write one of the numbers that sizes and counts go wrong with."""
    size = (1, 2, 4)[number % 3]
    value = _NUMBERS[number % len(_NUMBERS)] & ((1 << 8 * size) - 1)
    return content[:at] + value.to_bytes(size, _ORDERS[number % 2]) + content[at + size :]


def _flip(content: bytes, at: int, number: int) -> bytes:
    return content[:at] + bytes([content[at] ^ (1 << number % 8)]) + content[at + 1 :]


def _repeat(content: bytes, at: int, number: int) -> bytes:
    return content[:at] + content[at : at + number % 256 + 1] * (number % 20 + 2) + content[at:]


_CHANGES: dict[str, Callable[[bytes, int, int], bytes]] = {
    "flip": _flip,
    "set": _set,
    "cut": lambda content, at, _: content[:at],
    "drop": lambda content, at, number: content[:at] + content[at + number % 64 + 1 :],
    "repeat": _repeat,
    "insert": lambda content, at, n: content[:at] + struct.pack("<I", n) + content[at:],
}


def mutations() -> st.SearchStrategy[tuple[Mutation, ...]]:
    """None, most of the time; or up to five."""
    one = st.builds(
        Mutation,
        st.sampled_from(list(_CHANGES)),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 0xFFFFFFFF),
    )
    some = st.lists(one, min_size=1, max_size=5).map(tuple)
    return st.one_of(st.just(()), st.just(()), some)


def random_case(chance: random.Random) -> Case:
    """Any case, each kind as often as others of its cost: in a long run none is favoured."""
    quick = [kind for kind in MAKERS if kind not in SLOW]
    kind = chance.choice(SLOW if chance.random() < 0.1 else quick)
    changes = chance.choice([0, 0, 0, 1, 2, 5])
    return Case(
        kind,
        chance.getrandbits(32),
        chance.choice(DATASETS),
        tuple(
            Mutation(chance.choice(list(_CHANGES)), chance.random(), chance.getrandbits(32))
            for _ in range(changes)
        ),
    )


def cases() -> st.SearchStrategy[Case]:
    """Any case; one in ten of a kind that starts a process."""
    quick = st.sampled_from([kind for kind in MAKERS if kind not in SLOW])
    slow = st.sampled_from(list(SLOW))
    kind = st.integers(0, 9).flatmap(lambda n: slow if n == 0 else quick)
    return st.builds(Case, kind, st.integers(0, 0xFFFFFFFF), st.sampled_from(DATASETS), mutations())
