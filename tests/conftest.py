"""What holds for all tests."""

from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
TOGETHER = (
    "backup/test_storedump.py",
    "browser",
    "engines",
    "faults/test_backup_kills.py",
    "faults/test_full_disk.py",
    "faults/test_kills.py",
    "sample",
    "sources/test_databases.py",
    "test_real_data.py",
    "web",
)
"""What shares a city, a server or a cluster that is costly to set up: one process runs it all."""

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares what is costly, before pytest-xdist looks."""
    for item in items:
        place = item.path.relative_to(HERE)
        for name in TOGETHER:
            if place.is_relative_to(name):
                item.add_marker(pytest.mark.xdist_group(name))
