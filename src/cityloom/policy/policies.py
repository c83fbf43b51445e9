"""The policies of a city: which rows and columns a principal may read for a purpose."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import cedarpy

from cityloom.contract import Column, Contract
from cityloom.errors import PolicyError
from cityloom.policy.condition import FALSE, Condition, all_of, any_of, certain, negated
from cityloom.policy.decision import Decision, Principal, refused
from cityloom.policy.residual import ResidualReader
from cityloom.policy.schema import ATTRIBUTES, READ, SEE, asked_columns, entity_type, schema_of

_DECISIONS_KEPT = 4_096


@dataclass(frozen=True)
class _Ruling:
    """Under what condition an action is permitted, and the policies that may say so."""

    condition: Condition
    policies: tuple[str, ...] = field(default=())


class Policies:
    """Policies in force, checked against what the city's contracts say there is."""

    def __init__(self, texts: Mapping[str, str], contracts: Iterable[Contract]) -> None:
        """``texts`` are policy files by name.

        Raises:
            PolicyError: a file is no Cedar, has a policy without an ``@id``, or speaks of what the
                city does not have; the message names the file.
        """
        self.texts = dict(texts)
        self._contracts = {contract.dataset: contract for contract in contracts}
        schema = schema_of(self._contracts.values())
        for name, text in texts.items():
            _check(name, text, schema)
        text = "\n".join(texts.values())
        _check_told_apart(text)
        self._set = cedarpy.PolicySet.from_str(text)
        self._decided = lru_cache(_DECISIONS_KEPT)(self._decide)

    def decide(self, dataset: str, principal: Principal, purpose: str | None) -> Decision:
        """Which rows and columns of a dataset a principal may read for a purpose today."""
        return self._decided(dataset, principal, purpose or "", date.today())

    def place(self, policy: str) -> str:
        """Where a policy stands: its file and the line of its ``@id``."""
        for name, text in self.texts.items():
            for number, line in enumerate(text.splitlines(), start=1):
                if f'@id("{policy}")' in line:
                    return f"{name} line {number}"
        return ", ".join(self.texts)

    def _decide(self, dataset: str, principal: Principal, purpose: str, today: date) -> Decision:
        contract = self._contracts[dataset]
        asked = _Asked(self._set, contract, principal, purpose, today)
        rows = asked.rows()
        if certain(rows.condition) is False:
            return refused(contract, principal, purpose)
        seen = {column.name: asked.column(column) for column in contract.stored}
        return Decision(
            granted=True,
            reason=_reason(contract, purpose, rows.policies),
            rows=rows.condition,
            hidden={
                name: ruling.condition
                for name, ruling in seen.items()
                if certain(ruling.condition) is not True
            },
            policies=rows.policies,
        )


@dataclass(frozen=True)
class _Asked:
    """One principal's questions about one dataset."""

    policies: cedarpy.PolicySet
    contract: Contract
    principal: Principal
    purpose: str
    today: date

    def rows(self) -> _Ruling:
        return self._ruling(READ, {"classification": self.contract.classification.label})

    def column(self, column: Column) -> _Ruling:
        said = {"classification": column.classification.label, "column": column.name}
        return self._ruling(SEE, said)

    def _ruling(self, action: str, said: Mapping[str, str]) -> _Ruling:
        found = cedarpy.is_authorized_partial(
            {
                "principal": 'User::"principal"',
                "action": f'Action::"{action}"',
                "context": {**self._context(), **said},
            },
            self.policies,
            self._entities(),
        )
        reader = ResidualReader(entity_type(self.contract.dataset), asked_columns(self.contract))
        applying = {
            policy["annotations"]["id"]: (policy["effect"], reader.conditions(policy))
            for policy in found.residuals.values()
        }
        permitted = any_of(*(c for effect, c in applying.values() if effect == "permit"))
        forbidden = any_of(*(c for effect, c in applying.values() if effect == "forbid"))
        named = sorted(name for name, (_, c) in applying.items() if c != FALSE)
        return _Ruling(all_of(permitted, negated(forbidden)), tuple(named))

    def _context(self) -> dict[str, Any]:
        return {
            "dataset": self.contract.dataset,
            "owner": self.contract.owner,
            "purpose": self.purpose,
            "purposes": [stated for stated in self.contract.purposes if stated],
            "signed_in": self.principal.signed_in,
            "today": {"__extn": {"fn": "datetime", "arg": self.today.isoformat()}},
        }

    def _entities(self) -> str:
        known = {k: v for k, v in self.principal.attributes.items() if k in ATTRIBUTES}
        principal = _entity("User", "principal", {"name": self.principal.name, **known})
        principal["parents"] = [{"type": "Role", "id": role} for role in self.principal.roles]
        return json.dumps([principal, *(_entity("Action", action) for action in (READ, SEE))])


def _entity(kind: str, name: str, attributes: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"uid": {"type": kind, "id": name}, "attrs": attributes or {}, "parents": []}


def _reason(contract: Contract, purpose: str, policies: Iterable[str]) -> str:
    what = f"{contract.classification.label} data"
    why = f" for purpose '{purpose}'" if purpose in contract.purposes else ""
    return f"{what}{why}, by {', '.join(policies)}"


def _check(name: str, text: str, schema: str) -> None:
    try:
        found = cedarpy.policies_to_pst(text)
    except ValueError as error:
        raise PolicyError(f"{name}: not Cedar: {error}") from None
    for policy in found.static_policies.values():
        if not policy.annotations.get("id"):
            raise PolicyError(f'{name}: a policy has no @id; write @id("…") above it')
    if found.templates:
        raise PolicyError(f"{name}: templates are not used here; write policies")
    if result := cedarpy.validate_policies(text, schema):
        return
    named = result.id_annotations_by_policy_id
    first = result.errors[0]
    said = first.error.replace(f"for policy `{first.policy_id}`, ", "")
    raise PolicyError(f"{name}: policy '{named.get(first.policy_id, first.policy_id)}': {said}")


def _check_told_apart(text: str) -> None:
    ids = [p.annotations["id"] for p in cedarpy.policies_to_pst(text).static_policies.values()]
    if twice := next((one for one in ids if ids.count(one) > 1), None):
        raise PolicyError(f"two policies have the @id '{twice}'; give one another")
