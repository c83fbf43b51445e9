"""Columns that a contract asks to be filled from a geometry."""

from typing import Any

import pytest

from cityloom.contract import Contract, Kind, parse_contract
from cityloom.errors import ContractError
from tests.cities import column, contract_text


def contract(physical: str = "POINT", *more: dict[str, Any], **custom: Any) -> Contract:
    place = column("place", physicalType=physical, custom=custom, businessName="位置")
    return parse_contract(contract_text("thing", [column("no", "integer", key=1), place, *more]))


def test_a_cell_and_a_box_are_columns_behind_the_stated_ones() -> None:
    asked = contract(h3Resolution=9, bbox=True)
    names = ["place_h3_9", "place_xmin", "place_ymin", "place_xmax", "place_ymax"]
    assert asked.schema.names == ["no", "place", *names]
    assert asked.given.names == ["no", "place"]
    assert [item.kind for item in asked.filled] == [Kind.STRING] + [Kind.NUMBER] * 4
    assert asked.column("place_xmin").title == "位置 xmin"


def test_nothing_is_filled_that_was_not_asked_for() -> None:
    assert contract().filled == ()
    assert contract(bbox=False).filled == ()
    assert len(contract("POLYGON", bbox=True).filled) == 4


def test_a_filled_column_is_as_closely_held_as_its_geometry() -> None:
    text = contract_text(
        "thing",
        [column("place", physicalType="POINT", classification="personal",
                custom={"h3Resolution": 8, "special_purpose": "aid"})],
        purposes=["aid"],
    )  # fmt: skip
    made = parse_contract(text).column("place_h3_8")
    assert made.classification.label == "personal"
    assert made.special_purpose == "aid"


@pytest.mark.parametrize("resolution", [-1, 16, "9", 9.0, True])
def test_a_resolution_that_h3_lacks_is_refused(resolution: object) -> None:
    with pytest.raises(ContractError, match=r"'place': h3Resolution .* whole number from 0 to 15"):
        contract(h3Resolution=resolution)


@pytest.mark.parametrize("physical", ["POLYGON", "GEOMETRY", "MULTIPOINT"])
def test_only_a_point_has_one_cell(physical: str) -> None:
    with pytest.raises(ContractError, match="h3Resolution is for points"):
        contract(physical, h3Resolution=9)


def test_a_cell_needs_a_crs_that_is_known_and_a_box_does_not() -> None:
    with pytest.raises(ContractError, match="'place': h3Resolution: crs 'EPSG:99999' is not known"):
        contract(h3Resolution=9, crs="EPSG:99999")
    assert contract(bbox=True, crs="EPSG:99999").filled
    assert contract(h3Resolution=9, crs="EPSG:4547").filled


def test_a_text_has_neither() -> None:
    with pytest.raises(ContractError, match="bbox is for geometries, and the column is string"):
        parse_contract(contract_text("thing", [column("name", custom={"bbox": True})]))
    with pytest.raises(ContractError, match="h3Resolution is for points"):
        parse_contract(contract_text("thing", [column("name", custom={"h3Resolution": 9})]))


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(ContractError, match="column 'place_xmin' has the name of one that is"):
        contract("POINT", column("PLACE_XMIN"), bbox=True)


def test_a_property_that_is_nearly_known_is_refused() -> None:
    with pytest.raises(ContractError, match="did you mean 'h3Resolution'"):
        contract(h3resolution=9)
