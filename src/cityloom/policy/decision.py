"""Who asks, and what they are answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cityloom.contract import Classification, Contract
from cityloom.policy.condition import FALSE, TRUE, Condition


@dataclass(frozen=True)
class Principal:
    """Who asks: in which roles, and what their directory says of them, such as their district.

    ``signed_in`` is false for a door that does not know who stands before it.
    """

    name: str
    signed_in: bool = True
    roles: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Decision:
    """Whether a read is permitted, the rule that decided it, and what whoever asks can do.

    ``rows`` is the condition of the rows that may be read; ``hidden`` has, for each column that is
    masked in some rows, the condition under which it is seen as it is; ``policies`` are the ids of
    those that may have decided.
    """

    granted: bool
    reason: str
    mend: str = ""
    rows: Condition = TRUE
    hidden: Mapping[str, Condition] = field(default_factory=dict)
    policies: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every row may be read, with every column as it is."""
        return self.is_of_all_rows and not self.hidden

    @property
    def is_of_all_rows(self) -> bool:
        """Whether every row may be read, whatever of its columns."""
        return self.granted and self.rows == TRUE


def is_open(level: Classification) -> bool:
    """Whether data so classified is no person's, and may be told of in messages and on maps."""
    return level <= Classification.INTERNAL


def sees_undeclared(principal: Principal, purpose: str | None) -> bool:
    """Whether a principal may see what was received beyond what the contract declares."""
    return principal.signed_in and bool(purpose)


def refused(contract: Contract, principal: Principal, purpose: str) -> Decision:
    """A refusal, with what stands in the way as far as it can be told."""
    level, stated = contract.classification.label, ", ".join(contract.purposes)
    if not principal.signed_in:
        return _no(f"{level} data is not shown where nobody has signed in")
    if not is_open(contract.classification):
        if not contract.purposes:
            reason = f"the contract of '{contract.dataset}' states no purpose"
            return _no(reason, _how_to_state_one(contract))
        if not purpose:
            reason = f"{level} data needs a purpose; permitted are {stated}"
            return _no(reason, f"read with --purpose {contract.purposes[0]}")
        if purpose not in contract.purposes:
            return _no(f"purpose '{purpose}' is not permitted; permitted are {stated}")
    roles = ", ".join(principal.roles) or "nobody in particular"
    return _no(f"no policy lets {roles} read this {level} data")


def _no(reason: str, mend: str = "") -> Decision:
    return Decision(False, reason, mend, rows=FALSE)


def _how_to_state_one(contract: Contract) -> str:
    return (
        f"to permit one, write it in {contract.origin}, as in "
        "customProperties: [{property: purposes, value: [planning]}], "
        "and then read with --purpose planning"
    )
