"""What policies and an engine make of the cases of the matrix."""

from collections import defaultdict
from collections.abc import Iterable

import ibis

from cityloom.contract import Contract
from cityloom.engine import Engine
from cityloom.policy.narrow import narrowed
from cityloom.policy.policies import Policies
from tests.policy.matrix import CONTRACTS, KEYS, POLICIES, Case, Row, expected, table


def disagreements(engine: Engine, cases: Iterable[Case]) -> list[tuple[Case, list[Row], list[Row]]]:
    """The cases of which an engine shows something else than is expected, and both answers."""
    listed = list(cases)
    shown = _shown(engine, listed)
    return [
        (case, shown[number], wanted)
        for number, case in enumerate(listed)
        if shown[number] != (wanted := expected(case))
    ]


def _shown(engine: Engine, cases: list[Case]) -> dict[int, list[Row]]:
    """What is shown in each case, in the order of the rows' ids; one query for each dataset."""
    found: dict[int, list[Row]] = defaultdict(list)
    for contract in CONTRACTS:
        numbered = [(n, case) for n, case in enumerate(cases) if case.contract is contract]
        for row in _of_dataset(engine, contract, numbered):
            number = int(row.pop("case_number"))
            found[number].append(row)
    return {
        number: sorted(found[number], key=lambda row: row["id"]) for number in range(len(cases))
    }


def _of_dataset(engine: Engine, contract: Contract, numbered: list[tuple[int, Case]]) -> list[Row]:
    policies = Policies({"matrix.cedar": POLICIES}, CONTRACTS)
    held = engine.hold(f"matrix_{contract.dataset}", table(contract))
    parts = []
    for number, case in numbered:
        decision = policies.decide(contract.dataset, case.person, case.purpose)
        key = KEYS[case.purpose]
        if decision.granted:
            left = narrowed(held, contract, decision, lambda key=key: key)
            parts.append(left.mutate(case_number=ibis.literal(str(number))))
    return engine.batches(ibis.union(*parts)).read_all().to_pylist() if parts else []
