"""What a contract means, in plain Python over lists of rows: slow, obvious, and compared with City.

One dataset, ``thing``, with a key, a second unique column, a range, an enumeration and a reference
to ``place.code``; every value is the text that was delivered.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.cities import column, contract_text

COLUMNS = ("id", "code", "amount", "kind", "place")
UNIQUES = ("id", "code")

Row = tuple[str, ...]
Typed = tuple[object, ...]
Reason = tuple[str, str]


def contracts(delivery: str) -> dict[str, str]:
    """The contracts that this module obeys."""
    return {
        "thing": contract_text(
            "thing",
            [
                column("id", "integer", key=1),
                column("code", unique=True),
                column("amount", "integer", required=True, logicalTypeOptions={"minimum": 0}),
                column("kind", enum=["A", "B"]),
                column("place", refers="place.code"),
            ],
            delivery,
            rules={"b_is_small": "kind <> 'B' OR amount < 5"},
        ),
        "place": contract_text("place", [column("code", key=1)], "snapshot"),
    }


@dataclass(frozen=True)
class Received:
    """A row with its delivery and its number there."""

    source: str
    ordinal: int
    row: Row


@dataclass
class Account:
    """What became of the rows that were read."""

    read: int = 0
    kept: int = 0
    quarantined: int = 0
    duplicate: int = 0


@dataclass
class Oracle:
    """The kept and the refused rows of ``thing``, and the values of ``place.code``."""

    delivery: str
    kept: list[Received] = field(default_factory=list)
    refused: dict[Received, list[Reason]] = field(default_factory=dict)
    places: set[str] = field(default_factory=set)
    known: dict[str, list[Row]] = field(default_factory=dict)

    def receive(self, source: str, rows: Sequence[Row]) -> Account | None:
        """Take in a delivery; none where it is the same as the last of that name."""
        if self.known.get(source) == list(rows):
            return None
        self.known[source] = list(rows)
        arrived = [Received(source, number, row) for number, row in enumerate(rows, start=1)]
        others = [item for item in self.kept if item.source != source]
        held = [] if self.delivery == "snapshot" else others
        kept, refused, account = self._judge(arrived, held, replaces=self.delivery == "upsert")
        if self.delivery == "snapshot":
            self.kept, self.refused = kept, refused
            return account
        if self.delivery == "upsert":
            keys = {typed(item.row)[0] for item in kept}
            others = [item for item in others if typed(item.row)[0] not in keys]
        self.kept = others + kept
        self._replace_refused(source, refused)
        return account

    def replay(self) -> None:
        """Judge what was refused again, delivery by delivery."""
        for source in sorted({item.source for item in self.refused}):
            again = sorted(
                (item for item in self.refused if item.source == source),
                key=lambda item: item.ordinal,
            )
            kept, refused, _ = self._judge(again, self.kept)
            self.kept = self.kept + kept
            self._replace_refused(source, refused)

    def _replace_refused(self, source: str, refused: dict[Received, list[Reason]]) -> None:
        waiting = {i: reasons for i, reasons in self.refused.items() if i.source != source}
        self.refused = waiting | refused

    def _judge(
        self, arrived: Iterable[Received], held: Sequence[Received], replaces: bool = False
    ) -> tuple[list[Received], dict[Received, list[Reason]], Account]:
        account = Account()
        seen: set[Row] = set()
        first: list[Received] = []
        held_rows = [typed(item.row) for item in held]
        for item in arrived:
            account.read += 1
            has_key = any(typed(item.row)[COLUMNS.index(name)] is not None for name in UNIQUES)
            sound = not row_reasons(item.row)
            copy = has_key and item.row in seen
            held_too = sound and not replaces and typed(item.row) in held_rows
            if copy or (has_key and held_too):
                account.duplicate += 1
                continue
            seen.add(item.row)
            first.append(item)
        counts = [Counter(typed(item.row)[place] for item in first) for place in range(2)]
        kept, refused = [], {}
        for item in first:
            values = typed(item.row)
            reasons = row_reasons(item.row)
            if item.row[4] and item.row[4] not in self.places:
                reasons.append(("place", "reference"))
            for place, name in enumerate(UNIQUES):
                if values[place] is not None:
                    reasons += [(name, "unique")] * (counts[place][values[place]] > 1)
                    rivals = [row for row in held_rows if not (replaces and row[0] == values[0])]
                    taken = values[place] in {row[place] for row in rivals}
                    reasons += [(name, "unique")] * taken
            if reasons:
                refused[item] = sorted(reasons)
            else:
                kept.append(item)
        account.kept, account.quarantined = len(kept), len(refused)
        return kept, refused, account


def typed(row: Row) -> Typed:
    """The values that texts stand for; null where there is none or it is not of its type."""
    read: tuple[Callable[[str], object], ...] = (_whole, str, _whole, str, str)
    return tuple(form(text) if text else None for form, text in zip(read, row, strict=True))


def row_reasons(row: Row) -> list[Reason]:
    """What is wrong with a row by itself."""
    number, _, amount, kind, _ = row
    reasons = []
    for name, text in (("id", number), ("amount", amount)):
        if not text:
            reasons.append((name, "required"))
        elif _whole(text) is None:
            reasons.append((name, "type"))
    value = _whole(amount)
    if value is not None and value < 0:
        reasons.append(("amount", "minimum"))
    if kind not in ("", "A", "B"):
        reasons.append(("kind", "enum"))
    if kind == "B" and value is not None and value >= 5:
        reasons.append(("", "b_is_small"))
    return reasons


def values_of(row: Row) -> str:
    """A row's values as quarantine keeps them."""
    pairs = {name: text or None for name, text in zip(COLUMNS, row, strict=True)}
    return json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?[0-9]+", text) else None
