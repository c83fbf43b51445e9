"""The geography that the planning department delivers, and the industry code list."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import shapely

from cityloom.sample import addresses, facts
from cityloom.sample.draws import Bools, Floats, Ints
from cityloom.sample.geography import (
    USES,
    Ground,
    district_borders,
    squares,
    subdistricts,
)
from cityloom.sample.identifiers import district_code
from cityloom.sample.text import Strings, dates, digits, join, take
from cityloom.sample.write import DeliveryFile, block_of, format_of, open_delivery

_ROWS_A_BLOCK: Final = 20_000
_RENEWED: Final = 18_262
"""1 January 2020: buildings completed later come in the second delivery."""

FAULTY_BUILDINGS: Final[tuple[tuple[str, dict[str, str | None]], ...]] = (
    ("invalid_geometry", {"geometry": '{"type": "Polygon", "coordinates": [[[114.05, 22.55], '
                          '[114.06, 22.56], [114.06, 22.55], [114.05, 22.56], [114.05, 22.55]]]}'}),
    ("out_of_bounds", {"geometry": '{"type": "Polygon", "coordinates": [[[22.55, 114.05], '
                       '[22.56, 114.05], [22.56, 114.06], [22.55, 114.06], [22.55, 114.05]]]}'}),
    ("unknown_code", {"use": "仓库"}),
    ("out_of_range", {"floors": "-3"}),
    ("missing_required", {"building_name": None}),
    ("impossible_date", {"completed_on": "2023-02-30"}),
    ("orphan", {"subdistrict_code": "490399001"}),
)  # fmt: skip
"""Buildings that exist in no street, each with one breach, at the end of the second delivery."""


def write_geography(inbox: Path, ground: Ground) -> Iterator[tuple[str, str, int]]:
    """Writes every geographic dataset; yields dataset, file and number of rows written."""
    for dataset, columns in _small_datasets(ground).items():
        suffix = "csv" if dataset == "industry_code" else "geojson"
        name = f"{dataset}_2024.{suffix}"
        yield dataset, name, _write(inbox, dataset, name, [columns])
    built = ground.buildings
    old = (built.completed < _RENEWED) & ~built.unsurveyed
    yield (
        "building",
        "building_2019.geojson",
        _write_buildings(inbox, ground, "building_2019.geojson", old),
    )
    new = ~old & ~built.unsurveyed
    yield (
        "building",
        "building_2024.geojson",
        _write_buildings(inbox, ground, "building_2024.geojson", new, faulty=True),
    )


def write_unsurveyed(inbox: Path, ground: Ground, name: str) -> int:
    """Writes the buildings that the first survey missed; how many they are."""
    return _write_buildings(inbox, ground, name, ground.buildings.unsurveyed)


def _write(inbox: Path, dataset: str, name: str, parts: list[dict[str, Strings]]) -> int:
    delivery = open_delivery(inbox / dataset / name, dataset)
    for columns in parts:
        _put(delivery, dataset, name, columns)
    delivery.close()
    return delivery.rows


def _write_buildings(
    inbox: Path, ground: Ground, name: str, chosen: Bools, faulty: bool = False
) -> int:
    delivery = open_delivery(inbox / "building" / name, "building")
    rows = np.flatnonzero(chosen)
    for start in range(0, len(rows), _ROWS_A_BLOCK):
        block = building_columns(ground, rows[start : start + _ROWS_A_BLOCK])
        _put(delivery, "building", name, block)
    if faulty:
        _put(delivery, "building", name, _faulty_buildings(ground))
    delivery.close()
    return delivery.rows


def _put(delivery: DeliveryFile, dataset: str, name: str, columns: dict[str, Strings]) -> None:
    rows = len(next(iter(columns.values())))
    delivery.put(block_of(dataset, format_of(name), columns, {}), rows)


def building_columns(ground: Ground, rows: Ints) -> dict[str, Strings]:
    """Buildings as delivered."""
    built = ground.buildings
    tenths = np.round(built.height[rows] * 10).astype(np.int64)
    rings = squares(built.longitude[rows], built.latitude[rows], built.side[rows])
    return {
        "building_code": addresses.building_codes(ground, rows),
        "building_name": addresses.building_names(ground, rows),
        "subdistrict_code": _subdistrict_codes(built.subdistrict[rows]),
        "block_code": take(_block_codes(ground)[0], built.block[rows]),
        "street_code": take(_street_codes(ground), built.street[rows]),
        "house_number": digits(built.house_number[rows]),
        "use": take(USES, built.use[rows]),
        "floors": digits(built.floors[rows]),
        "height_m": join(digits(tenths // 10), ".", digits(tenths % 10)),
        "completed_on": dates(built.completed[rows], "%Y-%m-%d"),
        "geometry": _polygons(rings),
    }


def _faulty_buildings(ground: Ground) -> dict[str, Strings]:
    template = building_columns(ground, np.zeros(len(FAULTY_BUILDINGS), dtype=np.int64))
    lists = {name: column.to_pylist() for name, column in template.items()}
    for row, (_, written) in enumerate(FAULTY_BUILDINGS):
        lists["building_code"][row] = f"{lists['subdistrict_code'][row]}9{row:05d}"
        for name, value in written.items():
            lists[name][row] = value
    return {name: pa.array(values, pa.string()) for name, values in lists.items()}


def _small_datasets(ground: Ground) -> dict[str, dict[str, Strings]]:
    return {
        "industry_code": _industries(),
        "district": _districts(),
        "subdistrict": _subdistricts(),
        "block": _blocks(ground),
        "street": _streets(ground),
    }


def _industries() -> dict[str, Strings]:
    return {
        "industry_code": pa.array([code for code, _, _ in facts.INDUSTRIES]),
        "industry_name": pa.array([name for _, name, _ in facts.INDUSTRIES]),
    }


def _districts() -> dict[str, Strings]:
    areas = [district.area_km2 for district in facts.DISTRICTS]
    return {
        "district_code": pa.array([district_code(n) for n in range(len(areas))]),
        "district_name": pa.array([district.name for district in facts.DISTRICTS]),
        "residents_2020": pa.array([str(district.residents) for district in facts.DISTRICTS]),
        "area_km2": pa.array([f"{area:.2f}" for area in areas]),
        "geometry": pa.array([shapely.to_geojson(border) for border in district_borders()]),
    }


def _subdistricts() -> dict[str, Strings]:
    places = subdistricts()
    return {
        "subdistrict_code": pa.array([place.code for place in places]),
        "subdistrict_name": pa.array([f"{place.name}街道" for place in places]),
        "district_code": pa.array([district_code(place.district) for place in places]),
        "geometry": pa.array([shapely.to_geojson(place.border) for place in places]),
    }


def _blocks(ground: Ground) -> dict[str, Strings]:
    blocks = ground.blocks
    codes, subdistrict = _block_codes(ground)
    return {
        "block_code": codes,
        "subdistrict_code": subdistrict,
        "geometry": _polygons(squares(blocks.longitude, blocks.latitude, blocks.pitch - 12)),
    }


def _streets(ground: Ground) -> dict[str, Strings]:
    streets = ground.streets
    return {
        "street_code": _street_codes(ground),
        "street_name": addresses.street_names(ground),
        "subdistrict_code": _subdistrict_codes(streets.subdistrict),
        "geometry": join('{"type": "LineString", "coordinates": [',
                         _position(streets.ends[:, 0:2]), ", ",
                         _position(streets.ends[:, 2:4]), "]}"),
    }  # fmt: skip


def _subdistrict_codes(subdistrict: Ints) -> Strings:
    return take([place.code for place in subdistricts()], subdistrict)


def _block_codes(ground: Ground) -> tuple[Strings, Strings]:
    subdistrict = _subdistrict_codes(ground.blocks.subdistrict)
    return join(subdistrict, "B", digits(ground.blocks.number, 5)), subdistrict


def _street_codes(ground: Ground) -> Strings:
    streets = ground.streets
    return join(_subdistrict_codes(streets.subdistrict), "S", digits(streets.number, 4))


def _polygons(rings: Floats) -> Strings:
    corners: list[Strings | str] = []
    for corner in range(rings.shape[1]):
        corners += [", " if corner else '{"type": "Polygon", "coordinates": [[',
                    _position(rings[:, corner])]  # fmt: skip
    return join(*corners, "]]}")


def _position(points: Floats) -> Strings:
    """Longitude and latitude to six decimals."""
    micro = np.round(points * 1e6).astype(np.int64)
    x, y = micro[:, 0], micro[:, 1]
    return join("[", digits(x // 10**6), ".", digits(x % 10**6, 6), ", ",
                digits(y // 10**6), ".", digits(y % 10**6, 6), "]")  # fmt: skip
