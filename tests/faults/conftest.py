"""A process that weaves and can be killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.scene import make_modules
from tests.faults.weaver import Weaver


@pytest.fixture(scope="module")
def weaver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weaver]:
    """One for a module's tests."""
    modules: Path = make_modules(tmp_path_factory.mktemp("modules"))
    with Weaver(modules) as found:
        yield found
