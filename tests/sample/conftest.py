"""One small sample city for all tests of the sample."""

from fractions import Fraction
from pathlib import Path

import pytest

from cityloom.sample import SampleSummary, make_sample

SCALE = Fraction(1, 1000)
SEED = 7


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleSummary]:
    city = tmp_path_factory.mktemp("sample") / "city"
    city.mkdir()
    return city, make_sample(city, SCALE, SEED)


@pytest.fixture(scope="session")
def city(made: tuple[Path, SampleSummary]) -> Path:
    return made[0]


@pytest.fixture(scope="session")
def truth(city: Path) -> Path:
    return city.parent / f"{city.name}-truth"
