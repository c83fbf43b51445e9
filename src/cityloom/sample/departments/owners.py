"""Owners of properties, who may be people or companies."""

import numpy as np

from cityloom.sample.draws import Bools, Ints
from cityloom.sample.neighbourhood import Neighbourhood
from cityloom.sample.text import Strings, either, take


def names_and_numbers(
    hood: Neighbourhood, owner: Ints, by_company: Bools
) -> tuple[Strings, Strings]:
    """The name and identity number or credit code of each owner."""
    reach = hood.reach
    person = np.where(by_company, 0, owner)
    company = np.where(by_company, owner, -1)
    names = either(by_company, take(reach.company_name, company),
                   take(reach.person_name, person))  # fmt: skip
    numbers = either(by_company, take(reach.company_code, company),
                     take(reach.person_number, person))  # fmt: skip
    return names, numbers


def person_ids(hood: Neighbourhood, owner: Ints, by_company: Bools) -> Ints:
    """The person who is the owner, -1 for a company."""
    return np.where(by_company, -1, hood.reach.person_id[np.where(by_company, 0, owner)])


def company_ids(hood: Neighbourhood, owner: Ints, by_company: Bools) -> Ints:
    """The company that is the owner, -1 for a person."""
    known = np.append(hood.reach.company_id, -1)
    return known[np.where(by_company, owner, -1)]
