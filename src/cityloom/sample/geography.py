"""The ground: districts, subdistricts, blocks of nine lots, streets and buildings.

Districts and subdistricts keep their published names; their borders are the cells nearest to each
subdistrict's place, within a hand-drawn outline. Below that everything is made up.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from cityloom.sample import facts
from cityloom.sample.draws import (
    Bools,
    Days,
    Floats,
    Ints,
    apportion,
    ranks_within,
    scramble,
    stream,
)
from cityloom.sample.identifiers import district_code

DEGREES_LATITUDE: Final = 1 / 110_750
DEGREES_LONGITUDE: Final = 1 / 102_770
"""Degrees a metre, at latitude 22.6."""

USES: Final = ("住宅", "自建房", "工业", "办公", "商业", "公共")
DWELLING_USES: Final = 2
"""The first two uses are lived in."""
_USE_SHARES: Final = np.array([0.30, 0.42, 0.13, 0.05, 0.06, 0.04])
_UNITS_A_FLOOR: Final = np.array([4, 3, 2, 10, 8, 0])
_FLOOR_HEIGHT: Final = np.array([2.9, 3.1, 4.5, 3.9, 4.8, 3.8])
_SHARE_OF_DWELLINGS: Final = 0.80
_LOTS: Final = 3
_LARGEST_PITCH: Final = 200.0
_STREET_WIDTH: Final = 18.0
_OPENED_FIRST: Final = 3650
_SURVEY_DAY: Final = 20088
"""31 December 2024, the day of the survey that the first delivery of buildings holds."""


@dataclass(frozen=True)
class Place:
    """A subdistrict: code, names, border, and share of the city's residents."""

    code: str
    district: int
    name: str
    border: BaseGeometry
    share: float
    longitude: float
    latitude: float


@dataclass(frozen=True)
class Blocks:
    """City blocks, squares of `pitch` metres whose centre is given in degrees."""

    subdistrict: Ints
    number: Ints
    row: Ints
    column: Ints
    longitude: Floats
    latitude: Floats
    pitch: Floats


@dataclass(frozen=True)
class Streets:
    """Streets, each the straight line between two corners of blocks, in degrees."""

    subdistrict: Ints
    number: Ints
    eastward: Bools
    ends: Floats


@dataclass(frozen=True)
class Buildings:
    """Every building, in the order of its subdistrict and block.

    `number` counts in the subdistrict, `estate_number` in the block. `dwelling_weight` and
    `work_weight` say how much of the city's dwellings and workplaces it holds.
    """

    subdistrict: Ints
    block: Ints
    number: Ints
    street: Ints
    house_number: Ints
    estate_number: Ints
    use: Ints
    floors: Ints
    completed: Days
    unsurveyed: Bools
    longitude: Floats
    latitude: Floats
    side: Floats
    properties: Ints
    dwelling_weight: Floats
    work_weight: Floats

    def __len__(self) -> int:
        return len(self.use)

    @property
    def height(self) -> Floats:
        """Height in metres."""
        height: Floats = np.round(self.floors * _FLOOR_HEIGHT[self.use] + 1.2, 1)
        return height

    @property
    def dwelt_in(self) -> Bools:
        """Whether people live in it."""
        return self.use < DWELLING_USES


@dataclass(frozen=True)
class Ground:
    """The whole city on its map. Buildings are the only part that grows: 120 bytes each."""

    places: tuple[Place, ...]
    blocks: Blocks
    streets: Streets
    buildings: Buildings


def lay_out(seed: int, buildings: int, properties: int) -> Ground:
    """A ground with so many buildings and properties."""
    places = subdistricts()
    shares = np.array([place.share for place in places])
    counts = apportion(buildings, shares)
    blocks = _blocks(places, -(-counts // _LOTS**2))
    streets, row_street, column_street = _streets(blocks)
    built = _buildings(
        seed,
        counts=counts,
        blocks=blocks,
        row_street=row_street,
        column_street=column_street,
        shares=shares,
        properties=properties,
    )
    return Ground(places, blocks, streets, built)


@lru_cache(maxsize=1)
def subdistricts() -> tuple[Place, ...]:
    """All subdistricts, district by district."""
    outline = shapely.Polygon(facts.OUTLINE)
    sites = [(d, s, sub) for d, dis in enumerate(facts.DISTRICTS) for s, sub in
             enumerate(dis.subdistricts)]  # fmt: skip
    points = shapely.MultiPoint([(sub.longitude, sub.latitude) for _, _, sub in sites])
    cells = list(shapely.voronoi_polygons(points, extend_to=outline).geoms)
    everyone = sum(district.residents for district in facts.DISTRICTS)
    places = []
    for (number, turn, sub), point in zip(sites, points.geoms, strict=True):
        cell = next(cell for cell in cells if cell.contains(point))
        district = facts.DISTRICTS[number]
        weight = sub.weight / sum(other.weight for other in district.subdistricts)
        places.append(
            Place(
                code=f"{district_code(number)}{turn + 1:03d}",
                district=number,
                name=sub.name,
                border=_rounded(cell.intersection(outline)),
                share=district.residents / everyone * weight,
                longitude=sub.longitude,
                latitude=sub.latitude,
            )
        )
    return tuple(places)


def district_borders() -> tuple[BaseGeometry, ...]:
    """The border of each district: its subdistricts put together."""
    places = subdistricts()
    return tuple(
        shapely.unary_union([place.border for place in places if place.district == number])
        for number in range(len(facts.DISTRICTS))
    )


def squares(longitude: Floats, latitude: Floats, side: Floats) -> Floats:
    """Closed rings of squares around centres: an array of (square, corner, xy) in degrees."""
    half_x = side / 2 * DEGREES_LONGITUDE
    half_y = side / 2 * DEGREES_LATITUDE
    x = np.stack([longitude + half_x * sign for sign in (-1, 1, 1, -1, -1)], axis=1)
    y = np.stack([latitude + half_y * sign for sign in (-1, -1, 1, 1, -1)], axis=1)
    return np.stack([x, y], axis=2)


def _rounded(border: BaseGeometry) -> BaseGeometry:
    return shapely.set_precision(border, 1e-5)


def _blocks(places: tuple[Place, ...], counts: Ints) -> Blocks:
    parts = [_blocks_of(number, place, count) for number, (place, count) in
             enumerate(zip(places, counts.tolist(), strict=True)) if count]  # fmt: skip
    return Blocks(*(np.concatenate([getattr(part, field) for part in parts]) for field in
                    Blocks.__dataclass_fields__))  # fmt: skip


def _blocks_of(subdistrict: int, place: Place, count: int) -> Blocks:
    """The `count` cells of a square grid that lie nearest to the subdistrict's place."""
    area = place.border.area / DEGREES_LATITUDE / DEGREES_LONGITUDE
    pitch = min(_LARGEST_PITCH, float(np.sqrt(0.7 * area / count)))
    while True:
        rows, columns, x, y = _cells(place, pitch)
        if len(rows) >= count:
            break
        pitch *= 0.95
    distance = np.hypot(rows, columns)
    nearest = np.sort(np.argsort(distance, kind="stable")[:count])
    return Blocks(
        subdistrict=np.full(count, subdistrict),
        number=np.arange(count) + 1,
        row=rows[nearest],
        column=columns[nearest],
        longitude=x[nearest],
        latitude=y[nearest],
        pitch=np.full(count, pitch),
    )


def _cells(place: Place, pitch: float) -> tuple[Ints, Ints, Floats, Floats]:
    west, south, east, north = place.border.bounds
    step_x, step_y = pitch * DEGREES_LONGITUDE, pitch * DEGREES_LATITUDE
    across = _whole_steps(west - place.longitude, east - place.longitude, step_x)
    up = _whole_steps(south - place.latitude, north - place.latitude, step_y)
    rows, columns = (grid.ravel() for grid in np.meshgrid(up, across, indexing="ij"))
    x, y = place.longitude + columns * step_x, place.latitude + rows * step_y
    inside = np.asarray(shapely.contains_xy(place.border, x, y))
    return rows[inside], columns[inside], x[inside], y[inside]


def _whole_steps(low: float, high: float, step: float) -> Ints:
    return np.arange(int(low / step), int(high / step) + 1)


def _streets(blocks: Blocks) -> tuple[Streets, Ints, Ints]:
    """Streets south of each row of blocks and west of each column, and each block's two."""
    wide = 100_000
    east_key = blocks.subdistrict * wide + blocks.row + wide // 2
    north_key = blocks.subdistrict * wide + blocks.column + wide // 2
    east_keys, row_street = np.unique(east_key, return_inverse=True)
    north_keys, column_street = np.unique(north_key, return_inverse=True)
    half_x = blocks.pitch / 2 * DEGREES_LONGITUDE
    half_y = blocks.pitch / 2 * DEGREES_LATITUDE
    west, east = blocks.longitude - half_x, blocks.longitude + half_x
    south, north = blocks.latitude - half_y, blocks.latitude + half_y
    rows, columns = len(east_keys), len(north_keys)
    along = (west, row_street), (south, row_street), (-east, row_street), (south, row_street)
    up = (
        (west, column_street),
        (south, column_street),
        (west, column_street),
        (-north, column_street),
    )
    sign = np.array([1, 1, -1, 1]), np.array([1, 1, 1, -1])
    ends = np.concatenate(
        [
            np.stack([_least(values, street, rows) for values, street in along], axis=1) * sign[0],
            np.stack([_least(values, street, columns) for values, street in up], axis=1) * sign[1],
        ]
    )
    subdistrict = np.concatenate([east_keys // wide, north_keys // wide])
    eastward = np.arange(rows + columns) < rows
    streets = Streets(subdistrict, ranks_within(subdistrict) + 1, eastward, ends)
    return streets, row_street, column_street + rows


def _least(values: Floats, groups: Ints, count: int) -> Floats:
    least = np.full(count, np.inf)
    np.minimum.at(least, groups, values)
    return least


def _buildings(
    seed: int,
    *,
    counts: Ints,
    blocks: Blocks,
    row_street: Ints,
    column_street: Ints,
    shares: Floats,
    properties: int,
) -> Buildings:
    rng = stream(seed, "building")
    total = int(counts.sum())
    subdistrict = np.repeat(np.arange(len(counts)), counts)
    number = ranks_within(subdistrict)
    first_block = np.searchsorted(blocks.subdistrict, np.arange(len(counts)))
    block = first_block[subdistrict] + number // _LOTS**2
    lot = scramble(number % _LOTS**2, _LOTS**2, 4)
    lot_row, lot_column = lot // _LOTS, lot % _LOTS
    on_column = lot_column == 0
    street = np.where(on_column, column_street[block], row_street[block])
    along = np.where(on_column, blocks.row[block] * _LOTS + lot_row,
                     blocks.column[block] * _LOTS + lot_column)  # fmt: skip
    use = _uses(rng, subdistrict, number, counts)
    floors = _floors(rng, use)
    lot_side = (blocks.pitch[block] - _STREET_WIDTH) / _LOTS
    offset = np.stack([lot_column, lot_row]) - 1.0 + rng.uniform(-0.08, 0.08, (2, total))
    east, north = offset * lot_side
    dwelling, work = _weights(use, floors, subdistrict, shares)
    unsurveyed = np.zeros(total, dtype=bool)
    unsurveyed[np.arange(total // 500, total, 250)] = True
    completed = rng.integers(_OPENED_FIRST, _SURVEY_DAY - 30, total)
    return Buildings(
        subdistrict=subdistrict,
        block=block,
        number=number + 1,
        street=street,
        house_number=_house_numbers(street, along),
        estate_number=ranks_within(block, use) + 1,
        use=use,
        floors=floors,
        completed=np.where(unsurveyed, _SURVEY_DAY + 1 + number % 150, completed),
        unsurveyed=unsurveyed,
        longitude=blocks.longitude[block] + east * DEGREES_LONGITUDE,
        latitude=blocks.latitude[block] + north * DEGREES_LATITUDE,
        side=np.round(lot_side * rng.uniform(0.55, 0.8, total), 1),
        properties=apportion(
            properties, dwelling * _SHARE_OF_DWELLINGS + work * (1 - _SHARE_OF_DWELLINGS)
        ),
        dwelling_weight=dwelling,
        work_weight=work,
    )


def _house_numbers(street: Ints, along: Ints) -> Ints:
    order = np.lexsort((along, street))
    numbers = np.empty_like(street)
    numbers[order] = ranks_within(street[order]) * 2 + 1
    return numbers


def _uses(rng: np.random.Generator, subdistrict: Ints, number: Ints, counts: Ints) -> Ints:
    """Uses in their shares in each subdistrict, dwellings first where buildings are few."""
    turn = np.empty_like(number)
    turn[np.lexsort((rng.random(len(number)), subdistrict))] = number
    quantile = (turn + 0.5) / counts[subdistrict]
    return np.searchsorted(np.cumsum(_USE_SHARES), quantile, side="right").clip(0, len(USES) - 1)


def _floors(rng: np.random.Generator, use: Ints) -> Ints:
    tall = rng.random(len(use)) < 0.45
    low = np.array([6, 4, 3, 8, 2, 2])[use]
    high = np.array([8, 8, 6, 20, 6, 6])[use]
    floors = rng.integers(low, high + 1)
    towers = np.where(use == 0, rng.integers(16, 34, len(use)), rng.integers(20, 46, len(use)))
    return np.where(tall & ((use == 0) | (use == 3)), towers, floors)


def _weights(use: Ints, floors: Ints, subdistrict: Ints, shares: Floats) -> tuple[Floats, Floats]:
    """Shares of the city's dwellings and workplaces; a subdistrict's follow its residents."""
    units = (floors * _UNITS_A_FLOOR[use]).astype(np.float64)
    return (
        _shared_out(np.where(use < DWELLING_USES, units, 0.0), subdistrict, shares),
        _shared_out(np.where(use >= DWELLING_USES, units, 0.0), subdistrict, shares),
    )


def _shared_out(units: Floats, subdistrict: Ints, shares: Floats) -> Floats:
    totals = np.bincount(subdistrict, units, minlength=len(shares))
    present = np.where(totals > 0, shares, 0.0)
    scale = np.divide(present, totals, out=np.zeros_like(totals), where=totals > 0)
    weight: Floats = units * scale[subdistrict]
    return weight / max(float(weight.sum()), 1e-300)
