"""A round, without a database."""

import itertools
import os
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from db.states import Need, Service
from dispatch.matching import driver_rules, driver_scoring, planning
from dispatch.matching.driver_rules import Ability, Demand, Equipment
from dispatch.matching.driver_scoring import Policy, There
from dispatch.matching.planning import Plan, Waiting, plan
from dispatch.replay.cities import City, invent
from tests.maps import METRE
from tests.servers import queued_s, usual

BATCH, GREEDY = Policy(window_s=3), Policy(window_s=0)
ALL = Ability(frozenset(Service))


def at(metres: float) -> tuple[float, float]:
    return 41.3 + metres * METRE, 69.2


def order(metres: float = 0.0, *, waited_s: float = 0, service: str = "tow", **more: Any) -> Waiting:
    return Waiting(at(metres), Demand(service, "default"), timedelta(seconds=waited_s), **more)


def driver(key: int, metres: float = 0.0, ability: Ability = ALL, **more: Any) -> There:
    return There(key, at(metres), ability, **more)


def pairs(found: Plan) -> set[tuple[int, int]]:
    return {(each.order, each.driver) for each in found.proposals}


def test_a_batch_leaves_the_near_driver_to_whom_it_helps_more() -> None:
    """The first order is between two drivers, the second beside the one who is nearer to both."""
    orders = [order(1_000, waited_s=2), order(2_900)]
    drivers = [driver(1, -500), driver(2, 2_000)]
    assert pairs(plan(orders, drivers, GREEDY)) == {(0, 1), (1, 0)}
    assert pairs(plan(orders, drivers, BATCH)) == {(0, 0), (1, 1)}


def test_who_came_first_chooses_first_where_nothing_gathers() -> None:
    orders = [order(0, waited_s=1), order(100, waited_s=9)]
    assert pairs(plan(orders, [driver(1, 0)], GREEDY)) == {(1, 0)}


def test_a_batch_serves_who_waited_long_where_drivers_are_scarce() -> None:
    orders = [order(0), order(500, waited_s=600)]
    assert pairs(plan(orders, [driver(1, 0)], BATCH)) == {(1, 0)}


def test_only_who_is_able_and_free_is_asked_and_it_is_told_whether_anybody_is_able() -> None:
    towing = Ability(frozenset({Service.TOW}))
    busy = driver(1, ability=towing, free=False)
    rider = driver(2, ability=Ability(frozenset({Service.RIDE})))
    found = plan([order(), order(service="repair")], [busy, rider], BATCH)
    assert found == Plan([], [True, False])


def test_who_is_excluded_or_too_far_is_as_good_as_not_there() -> None:
    found = plan([order(excluded=[1])], [driver(1), driver(2, driver_rules.REACH_M + 100)], BATCH)
    assert found == Plan([], [False])


def test_several_are_asked_at_once_but_each_order_has_one_first() -> None:
    many, one = order(0, at_once=8), order(0)
    found = plan([many, one], [driver(key, 100 * key) for key in range(1, 5)], BATCH)
    assert Counter(each.order for each in found.proposals) == {0: 3, 1: 1}
    assert len({each.driver for each in found.proposals}) == 4
    found = plan([order(0, at_once=3, open_offers=2)], [driver(1), driver(2)], BATCH)
    assert len(found.proposals) == 1


def test_who_had_less_of_the_work_goes_where_both_would_be_there_about_as_soon() -> None:
    orders, near, far = [order()], driver(1, 100, handicap=1.0), driver(2, 400, handicap=-1.0)
    assert pairs(plan(orders, [near, far], BATCH)) == {(0, 1)}
    assert pairs(plan(orders, [near, driver(2, 5_000, handicap=-1.0)], BATCH)) == {(0, 0)}


ABILITIES = some.builds(
    Ability,
    services=some.frozensets(some.sampled_from([each.value for each in Service]), min_size=1),
    regions=some.sampled_from([None, frozenset({"tashkent"}), frozenset({"samarkand"})]),
    equipment=some.builds(Equipment, ramp=some.booleans()),
)
PLACES = some.tuples(some.floats(41.2, 41.4), some.floats(69.1, 69.3))
ORDERS = some.builds(
    Waiting,
    place=PLACES,
    demand=some.builds(
        Demand,
        service=some.sampled_from([each.value for each in Service]),
        region=some.sampled_from(["default", "tashkent"]),
        needs=some.sampled_from([frozenset(), frozenset({Need.RAMP})]),
    ),
    waited=some.timedeltas(timedelta(0), timedelta(hours=1)),
    excluded=some.frozensets(some.integers(0, 9)),
    open_offers=some.integers(0, 2),
    at_once=some.integers(1, 4),
)
DRIVERS = some.lists(
    some.builds(
        There,
        key=some.integers(0, 9),
        place=PLACES,
        ability=ABILITIES,
        handicap=some.floats(-1, 1),
        free=some.booleans(),
    ),
    max_size=8,
    unique_by=lambda each: each.key,
)


@given(some.lists(ORDERS, max_size=6), DRIVERS, some.sampled_from([BATCH, GREEDY]))
def test_whatever_waits_no_rule_is_broken(
    waiting: list[Waiting], drivers: list[There], policy: Policy
) -> None:
    found = plan(waiting, drivers, policy)
    asked = Counter(each.order for each in found.proposals)
    assert len({each.driver for each in found.proposals}) == len(found.proposals)
    for each in found.proposals:
        wanted, who = waiting[each.order], drivers[each.driver]
        assert who.free
        assert who.key not in wanted.excluded
        assert driver_rules.find_unable(wanted.demand, who.ability) == []
        assert each.score.distance_m <= policy.reach_m
        assert found.anybody_able[each.order]
    assert all(
        wanted.open_offers + asked[row] <= max(wanted.at_once, 1)
        for row, wanted in enumerate(waiting)
        if asked[row]
    )


@given(some.lists(ORDERS, min_size=1, max_size=5), DRIVERS)
def test_nobody_who_could_be_asked_stays_unasked_while_an_order_could_have_them(
    waiting: list[Waiting], drivers: list[There]
) -> None:
    found = plan(waiting, drivers, BATCH)
    asked = {each.driver for each in found.proposals}
    served = {each.order for each in found.proposals}
    for row, column in itertools.product(range(len(waiting)), range(len(drivers))):
        wanted, who = waiting[row], drivers[column]
        if wanted.open_offers or row in served or column in asked or not who.free:
            continue
        assert who.key in wanted.excluded or driver_rules.find_unable(wanted.demand, who.ability)


def test_the_costs_that_are_solved_are_those_that_are_told() -> None:
    """The rows of the matrix and the terms of a score come from two places; they must not part."""
    ability = Ability(frozenset(Service), frozenset({"tashkent"}))
    waiting = [Waiting(at(300), Demand("tow", "tashkent"), timedelta(seconds=40))]
    drivers = [driver(1, 2_000, ability, handicap=0.4), driver(2, 5_000, handicap=-0.7)]
    distances = planning.distances_m([waiting[0].place], [each.place for each in drivers])
    costs = planning._costs(waiting, drivers, distances, planning._Kinds.of(waiting, drivers), BATCH)
    for column in range(2):
        told = planning._score(waiting[0], drivers[column], float(distances[0, column]), BATCH)
        assert costs[0, column] == pytest.approx(told.total_s - 20, abs=0.1)
    assert np.isfinite(costs).all()


@given(PLACES, PLACES)
def test_distances_of_many_are_those_of_each(one: tuple[float, float], other: tuple[float, float]) -> None:
    (found,) = planning.distances_m([one], [other, one])
    assert found == pytest.approx([driver_scoring.distance_m(one, other), 0], rel=1e-6, abs=1)


@given(PLACES, some.tuples(some.floats(-90, 90), some.floats(-180, 180)))
def test_who_is_on_the_other_side_of_the_globe_is_far_away(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    found, told = planning.distances_m([one], [other])[0, 0], driver_scoring.distance_m(one, other)
    assert told * 0.6 <= found + 1
    assert found <= told + 1


def test_without_orders_or_drivers_there_is_nothing_to_measure() -> None:
    assert planning.distances_m([], [at(0)]).shape == (0, 1)
    assert planning.distances_m([at(0)], []).shape == (1, 0)


@pytest.mark.alone
def test_a_thousand_orders_and_ten_thousand_drivers_are_planned_within_a_second() -> None:
    """All of it: distances, rules, costs, and who goes where."""
    day = invent(City(drivers=10_000, orders=1_000, radius_m=15_000), seed=1)
    waiting = [Waiting(each.place, each.demand, timedelta(seconds=5)) for each in day.orders]
    drivers = [There(key, each.place, each.ability) for key, each in enumerate(day.drivers)]

    def measured() -> float:
        began, queued = time.perf_counter(), queued_s(os.getpid())
        assert len(plan(waiting, drivers, BATCH).proposals) == 1_000
        return time.perf_counter() - began - (queued_s(os.getpid()) - queued)

    measured()  # what is loaded but once is no part of it
    assert usual(measured) < 1.0
