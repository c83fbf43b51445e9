"""Properties: the flats, shops and workshops that a building is divided into."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cityloom.sample.draws import Bools, Ints, ranks_within
from cityloom.sample.geography import Ground
from cityloom.sample.text import Strings, digits

_MEDIAN_AREA: Final = np.array([82.0, 38.0, 420.0, 110.0, 60.0, 200.0])
"""Median floor area of a property in m², by use of the building."""


@dataclass(frozen=True)
class Properties:
    """The properties of a range of buildings; `building` is a position in the whole ground."""

    first_id: int
    building: Ints
    floor: Ints
    room: Strings
    area: Ints
    use: Ints
    dwelling: Bools

    def __len__(self) -> int:
        return len(self.building)


def divide(
    rng: np.random.Generator, ground: Ground, start: int, stop: int, first_id: int
) -> Properties:
    """The properties of buildings `start` to `stop`; areas are in hundredths of a m²."""
    built = ground.buildings
    counts = built.properties[start:stop]
    building = np.repeat(np.arange(start, stop), counts)
    turn = ranks_within(building)
    a_floor = -(-built.properties[building] // built.floors[building])
    floor = turn // np.maximum(a_floor, 1) + 1
    unit = turn % np.maximum(a_floor, 1) + 1
    use = built.use[building]
    area = _MEDIAN_AREA[use] * np.exp(rng.normal(0, 0.35, len(building)))
    return Properties(
        first_id=first_id,
        building=building,
        floor=floor,
        room=digits(floor * 100 + unit),
        area=np.round(area * 100).astype(np.int64),
        use=use,
        dwelling=built.dwelt_in[building],
    )
