"""Masks of a contract suit their columns."""

import pytest

from cityloom.contract import Kind
from cityloom.contract.masking import characters_of, check_mask
from cityloom.errors import ContractError

SUITED = {
    "hide": set(Kind),
    "year": {Kind.DATE, Kind.TIMESTAMP},
    "pseudonym": {Kind.STRING},
    "area:6": {Kind.STRING},
}


@pytest.mark.parametrize("mask", SUITED)
@pytest.mark.parametrize("kind", Kind)
def test_a_mask_is_for_its_kinds_of_values(mask: str, kind: Kind) -> None:
    if kind in SUITED[mask]:
        check_mask(mask, kind)
    else:
        with pytest.raises(ContractError, match=f"mask '{mask}' is for"):
            check_mask(mask, kind)


@pytest.mark.parametrize(
    "mask", ["", "Hide", "area", "area:", "area:0", "area:-1", "area:100", 6, [1]]
)
def test_a_mask_that_is_not_known_is_refused(mask: object) -> None:
    with pytest.raises(ContractError, match="is none of hide"):
        check_mask(mask, Kind.STRING)


def test_an_area_says_how_many_characters_are_left() -> None:
    assert (characters_of("area:6"), characters_of("hide")) == (6, None)
