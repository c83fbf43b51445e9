"""What may be published of counts and of figures made from them."""

import ibis
from ibis.expr.types import IntegerColumn, IntegerValue, NumericValue

SMALLEST_COUNT = 5
"""Counts below this are not made public."""


def published(count: IntegerColumn) -> IntegerValue:
    """The count where it is large enough to publish, else null."""
    return based_on(count, count)


def based_on(count: IntegerColumn, figure: NumericValue) -> NumericValue:
    """The figure where it is made from enough records to publish, else null."""
    return ibis.ifelse(count >= SMALLEST_COUNT, figure, ibis.null())


def share(part: NumericValue, whole: NumericValue) -> NumericValue:
    """Part of a whole, to four decimals; null where the whole is none."""
    return (part / whole.nullif(0)).round(4)
