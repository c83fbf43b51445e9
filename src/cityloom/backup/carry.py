"""Erasures are made known where backups lie, so that none of them brings anyone back."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cityloom.backup.keys import recipients_of
from cityloom.backup.record import targets_of
from cityloom.backup.target import Target
from cityloom.erasures import FILE, Erasures
from cityloom.errors import StorageError, UsageError

if TYPE_CHECKING:
    from pyrage.x25519 import Recipient

    from cityloom.city import City


def carry_erasures(city: "City", target: Target, recipients: "list[Recipient]") -> None:
    """Make every erasure of a city known in a folder of its backups."""
    known = target.erasures()
    for name, erased in Erasures(city.path / FILE).all().items():
        if name not in known:
            target.add_erasure(name, json.dumps(asdict(erased)).encode(), recipients)


def carry_everywhere(city: "City") -> list[Path]:
    """Make a city's erasures known wherever its backups lie; the folders where that cannot be.

    The next backup in such a folder makes up for it.
    """
    return [folder for folder in targets_of(city.path) if not _carried(city, folder)]


def _carried(city: "City", folder: Path) -> bool:
    try:
        carry_erasures(city, Target.opened(folder), recipients_of(city))
    except (OSError, StorageError, UsageError):
        return False
    return True
