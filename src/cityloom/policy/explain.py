"""What a principal would see of a dataset, and by which line of which policy."""

from collections.abc import Iterator
from dataclasses import dataclass

from cityloom.contract import Contract
from cityloom.policy.condition import TRUE, certain, said
from cityloom.policy.decision import Decision
from cityloom.policy.policies import Policies


@dataclass(frozen=True)
class Explanation:
    """A decision in facts; ``rows`` and the conditions of columns as a policy would write them."""

    dataset: str
    granted: bool
    reason: str
    rows: str
    policies: dict[str, str]
    columns: dict[str, str]


def explained(contract: Contract, decision: Decision, policies: Policies) -> Explanation:
    """Why a decision is as it is; for each column what is shown of it."""
    return Explanation(
        dataset=contract.dataset,
        granted=decision.granted,
        reason=decision.reason,
        rows=said(decision.rows) if decision.granted else "",
        policies={name: policies.place(name) for name in decision.policies},
        columns=dict(_columns(contract, decision)) if decision.granted else {},
    )


def _columns(contract: Contract, decision: Decision) -> Iterator[tuple[str, str]]:
    for column in contract.stored:
        seen = decision.hidden.get(column.name, TRUE)
        if certain(seen) is None:
            yield column.name, f"as it is where {said(seen)}, else {column.mask}"
        else:
            yield column.name, "as it is" if seen == TRUE else column.mask
