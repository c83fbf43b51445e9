"""Contracts: what a dataset holds, who owns it, who may see it, and which rows it accepts."""

from cityloom.contract.model import (
    Bounds,
    Classification,
    Column,
    Contract,
    Delivery,
    Files,
    Kind,
    Reference,
    RowRule,
)
from cityloom.contract.odcs import (
    SUFFIX,
    BrokenContract,
    load_contract,
    load_contracts,
    parse_contract,
    sound_contracts,
)

__all__ = [
    "SUFFIX",
    "Bounds",
    "BrokenContract",
    "Classification",
    "Column",
    "Contract",
    "Delivery",
    "Files",
    "Kind",
    "Reference",
    "RowRule",
    "load_contract",
    "load_contracts",
    "parse_contract",
    "sound_contracts",
]
