"""Five hundred hostile deliveries, and every input that was ever kept.

The long run is ``python -m tests.fuzz --cases 10000``; see ``docs/fuzzing.md``.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.cases import Case, cases, read_case
from tests.fuzz.guided import CORPUS
from tests.fuzz.runner import Runner
from tests.fuzz.targets import one

KEPT_CASES = (Path(__file__).parent / "kept.jsonl").read_text(encoding="utf-8").splitlines()
PARTS, CASES_IN_A_PART = 10, 50


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.close()


@pytest.mark.parametrize("part", range(PARTS))
def test_a_delivery_is_received_with_an_account_or_refused_in_words(
    runner: Runner, part: int
) -> None:
    @seed(part)
    @settings(
        max_examples=CASES_IN_A_PART, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases())
    def received_or_refused(case: Case) -> None:
        runner.run(case)

    received_or_refused()


@pytest.mark.parametrize("text", KEPT_CASES)
def test_a_kept_case_is_received_or_refused(runner: Runner, text: str) -> None:
    runner.run(read_case(text))


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name[:12])
def test_a_kept_input_breaks_no_parser(path: Path) -> None:
    one(path.read_bytes())
