"""Who may read which dataset, and why.

There are no roles yet. Three things decide: the dataset's classification, the purpose that is
stated, and whether who asks has signed in. Public and internal data may be read by anyone who can
reach the city; personal and sensitive data only for one of the purposes that the contract states,
and never through a door without sign-in. What a file held that its contract does not declare is
nobody's to classify: it is shown to a signed-in principal with a purpose alone.

Roles come with sign-in. Until then a principal is who the operating system or the server says is
asking.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cityloom.contract import Classification, Contract


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
    """Whether a read is permitted, the rule that decided it, and what whoever asks can do."""

    granted: bool
    reason: str
    mend: str = ""


def is_open(level: Classification) -> bool:
    """Whether anyone who can reach the city may read what is so classified."""
    return level <= Classification.INTERNAL


def sees_undeclared(principal: Principal, purpose: str | None) -> bool:
    """Whether a principal may see what was received beyond what the contract declares."""
    return principal.signed_in and bool(purpose)


def decide(contract: Contract, principal: Principal, purpose: str | None) -> Decision:
    """Whether a principal may read a dataset's rows for a purpose."""
    level = contract.classification
    if is_open(level):
        return Decision(True, f"{level.label} data")
    if not principal.signed_in:
        return Decision(False, f"{level.label} data is not shown where nobody has signed in")
    if not contract.purposes:
        reason = f"the contract of '{contract.dataset}' states no purpose"
        return Decision(False, reason, _how_to_state_one(contract))
    stated = ", ".join(contract.purposes)
    if purpose is None:
        reason = f"{level.label} data needs a purpose; permitted are {stated}"
        return Decision(False, reason, f"read with --purpose {contract.purposes[0]}")
    if purpose not in contract.purposes:
        return Decision(False, f"purpose '{purpose}' is not permitted; permitted are {stated}")
    return Decision(True, f"{level.label} data for purpose '{purpose}'")


def _how_to_state_one(contract: Contract) -> str:
    return (
        f"to permit one, write it in {contract.origin}, as in "
        "customProperties: [{property: purposes, value: [planning]}], "
        "and then read with --purpose planning"
    )
