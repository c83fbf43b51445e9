"""From format 1 to 2: erasures are written down, by names that a secret of the city makes.

A cityloom that knows format 1 alone would erase without a record, and a backup could bring back
whom it erased. So the format is another one, though the lake and the store stay as they are.
"""

from pathlib import Path

from cityloom.erasures import FILE
from cityloom.secret import FILE as SECRET
from cityloom.secret import city_secret
from cityloom.upgrade.step import Step


def _says(city: Path) -> list[str]:
    return [
        f"makes {SECRET}, a key of the city's own by which erased values and backups are named",
        f"lets erasures be recorded in {FILE} from now on; earlier ones are not in it",
        "leaves the lake, the store, the ledger, contracts and inbox as they are",
    ]


def _apply(city: Path) -> None:
    city_secret(city)


STEP = Step(_says, _apply, touches=(SECRET, FILE), store="0001")
"""The step."""
