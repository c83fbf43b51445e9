"""When things happen: two years of days, each with its weekday, its season and its trend."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from cityloom.sample.draws import Days, Floats, Ints, apportion, choose
from cityloom.sample.text import day_number

FIRST_DAY: Final = day_number(date(2023, 7, 1))
LAST_DAY: Final = day_number(date(2025, 6, 30))
_HOLIDAYS: Final = (
    (date(2023, 9, 29), 8), (date(2024, 2, 10), 8), (date(2024, 5, 1), 5), (date(2024, 10, 1), 7),
    (date(2025, 1, 28), 8), (date(2025, 5, 1), 5),
)  # fmt: skip
"""First days and lengths of the long holidays."""

_YEARLY_GROWTH: Final = 0.04
_SECONDS_AN_HOUR: Final = 3600


@dataclass(frozen=True)
class Rhythm:
    """How often something happens by weekday from Monday, by month, by hour, and on holidays."""

    weekdays: tuple[float, ...]
    months: tuple[float, ...]
    hours: tuple[float, ...]
    holidays: float


@dataclass(frozen=True)
class Month:
    """A calendar month, with its days and how many of some events fall on each."""

    name: str
    days: Days
    counts: Ints

    @property
    def total(self) -> int:
        """All events of the month."""
        return int(self.counts.sum())


def months(rhythm: Rhythm, events: int) -> list[Month]:
    """So many events, spread over the days of two years."""
    days = np.arange(FIRST_DAY, LAST_DAY + 1)
    counts = apportion(events, _weights(rhythm, days))
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    names, starts = np.unique(month, return_index=True)
    ends = [*starts[1:].tolist(), len(days)]
    return [
        Month(str(name).replace("-", ""), days[start:end], counts[start:end])
        for name, start, end in zip(names, starts.tolist(), ends, strict=True)
    ]


def seconds_of_day(rng: np.random.Generator, rhythm: Rhythm, count: int) -> Ints:
    """A time of day for each event, in seconds."""
    hours = choose(rng, np.array(rhythm.hours), count)
    return hours * _SECONDS_AN_HOUR + rng.integers(0, _SECONDS_AN_HOUR, count)


def _weights(rhythm: Rhythm, days: Days) -> Floats:
    weekday = (days + 3) % 7
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    trend = 1 + _YEARLY_GROWTH * (days - days[0]) / 365.25
    weights: Floats = np.array(rhythm.weekdays)[weekday] * np.array(rhythm.months)[month] * trend
    for first, length in _HOLIDAYS:
        start = day_number(first)
        weights[(days >= start) & (days < start + length)] *= rhythm.holidays
    return weights
