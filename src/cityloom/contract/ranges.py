"""Whether the bounds that a contract states for a column leave it any value."""

from datetime import UTC, date, datetime, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from itertools import product
from typing import Any

from cityloom.contract.forms import stated_bound
from cityloom.contract.model import Column, Kind
from cityloom.errors import ContractError

_EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX)
_FIRST = datetime.min.replace(tzinfo=UTC)


def check_ranges(column: Column) -> None:
    """Refuse two bounds, or two lengths, that no value could meet both.

    Raises:
        ContractError: the message has both as they are stated.
    """
    if column.max_length is not None and (column.min_length or 0) > column.max_length:
        raise ContractError(
            f"minLength {column.min_length} is more than maxLength {column.max_length}; "
            "no text could meet both"
        )
    lower = [("minimum", column.minimum, False),
             ("exclusiveMinimum", column.exclusive_minimum, True)]  # fmt: skip
    upper = [("maximum", column.maximum, False),
             ("exclusiveMaximum", column.exclusive_maximum, True)]  # fmt: skip
    for (low, least, above), (high, most, below) in product(lower, upper):
        if least is None or most is None:
            continue
        ends = stated_bound(column, least), stated_bound(column, most)
        if not _leave_a_value(column, *ends, above=above, below=below):
            raise ContractError(
                f"no value could meet both {low} '{least}' and {high} '{most}'; mend one of them"
            )


def _leave_a_value(column: Column, least: Any, most: Any, *, above: bool, below: bool) -> bool:
    """Whether a value lies between two bounds: above the one, or below the other, or on it."""
    if isinstance(least, Decimal | date):
        first = _steps(column, least, ROUND_FLOOR) + 1 if above else _steps(column, least)
        last = _steps(column, most) - 1 if below else _steps(column, most, ROUND_FLOOR)
        return first <= last
    return bool(least < most) or (bool(least == most) and not (above or below))


def _steps(column: Column, bound: Decimal | date, rounding: str = ROUND_CEILING) -> int:
    """The number of a bound among the values of its column, or of the next value."""
    if isinstance(bound, Decimal):
        scale = column.decimal[1] if column.decimal and column.kind is Kind.NUMBER else 0
        grains = bound.scaleb(scale, context=_EXACT)
        return int(grains.to_integral_value(rounding, context=_EXACT))
    if isinstance(bound, datetime):
        return (bound.replace(tzinfo=bound.tzinfo or UTC) - _FIRST) // timedelta(microseconds=1)
    return bound.toordinal()
