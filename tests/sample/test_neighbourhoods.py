"""A city is made neighbourhood by neighbourhood, and none is kept."""

import gc
import tracemalloc
import weakref
from fractions import Fraction

import numpy as np

from cityloom.sample.draws import apportion, ranks_within, stream
from cityloom.sample.neighbourhood import Neighbourhood, neighbourhood, neighbourhoods
from cityloom.sample.plan import BUILDINGS_A_NEIGHBOURHOOD, make_plan


def test_no_more_than_one_neighbourhood_is_held() -> None:
    seen: list[weakref.ref[Neighbourhood]] = []
    most = 0
    hood = None
    for hood in neighbourhoods(make_plan(Fraction(1, 300), 1)):
        seen.append(weakref.ref(hood))
        gc.collect()
        most = max(most, sum(ref() is not None for ref in seen))
        assert hood.properties.building.max() < (hood.number + 1) * BUILDINGS_A_NEIGHBOURHOOD
    assert len(seen) == 5
    assert most <= 2


def test_memory_does_not_grow_with_the_city() -> None:
    def peak(scale: Fraction) -> int:
        plan = make_plan(scale, 1)
        tracemalloc.start()
        for _ in neighbourhoods(plan):
            pass
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    assert peak(Fraction(1, 150)) < 1.3 * peak(Fraction(1, 600))


def test_a_neighbourhood_alone_is_the_same_as_in_its_turn() -> None:
    plan = make_plan(Fraction(1, 800), 1)
    *_, last = neighbourhoods(plan)
    alone = neighbourhood(plan, last.number)
    assert alone.people.number.equals(last.people.number)
    assert alone.companies.name.equals(last.companies.name)
    assert np.array_equal(alone.owner, last.owner)
    assert np.array_equal(alone.employer, last.employer)


def test_people_work_and_own_across_the_border_of_a_neighbourhood() -> None:
    *_, last = neighbourhoods(make_plan(Fraction(1, 800), 1))
    assert (last.employer >= len(last.companies)).mean() > 0.05
    assert (last.owner[~last.company_owned] >= len(last.people)).mean() > 0.05


def test_draws_depend_on_what_they_are_for_alone() -> None:
    assert stream(1, "person", 2).random() == stream(1, "person", 2).random()
    different = {
        stream(*key).random()
        for key in ((1, "person", 2), (1, "person", 3), (1, "company", 2), (2, "person", 2))
    }
    assert len(different) == 4


def test_parts_add_up_to_the_whole() -> None:
    assert apportion(10, np.array([1.0, 1.0, 1.0])).tolist() == [3, 3, 4]
    assert apportion(7, np.zeros(3)).sum() == 7


def test_ranks_count_within_groups_in_row_order() -> None:
    assert ranks_within(np.array([5, 3, 5, 5, 3])).tolist() == [0, 0, 1, 2, 1]
