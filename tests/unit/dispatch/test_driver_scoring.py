"""What it costs to send a driver."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from db.states import Service
from dispatch.matching import driver_scoring as scoring
from dispatch.matching.driver_rules import Ability, Demand
from dispatch.matching.driver_scoring import Policy, Score
from tests.maps import METRE

TOW = Demand("tow", "tashkent")
ANYWHERE = Ability(frozenset(Service))
AT_HOME = Ability(frozenset(Service), frozenset({"tashkent"}))

METRES = some.floats(0, 20_000)
HANDICAPS = some.floats(-1, 1)


def cost(metres: float, ability: Ability = ANYWHERE, handicap: float = 0.0) -> Score:
    return scoring.score(distance_m=metres, demand=TOW, ability=ability, handicap=handicap, policy=Policy())


@given(METRES, HANDICAPS)
def test_the_terms_add_up_to_the_whole(metres: float, handicap: float) -> None:
    for ability in (ANYWHERE, AT_HOME):
        found = cost(metres, ability, handicap)
        said = sum(found.terms[term] for term in ("eta_s", "region_s", "fairness_s"))
        assert said == pytest.approx(found.total_s, abs=2)


@given(METRES, METRES, HANDICAPS)
def test_of_two_who_are_alike_the_nearer_is_better(one: float, other: float, handicap: float) -> None:
    near, far = min(one, other), max(one, other)
    assert cost(near, handicap=handicap).total_s <= cost(far, handicap=handicap).total_s
    assert cost(near).eta_s <= cost(far).eta_s


@given(METRES)
def test_who_had_less_and_who_is_at_home_comes_first_but_not_from_anywhere(metres: float) -> None:
    assert cost(metres, handicap=-1).total_s < cost(metres).total_s < cost(metres, handicap=1).total_s
    assert cost(metres, AT_HOME).total_s < cost(metres).total_s
    assert cost(metres + 2_000, AT_HOME, -1).total_s > cost(metres).total_s


@pytest.mark.parametrize(("lat", "lon"), [(41.3, 69.2), (0.0, 179.9999), (-77.8, 166.7)])
def test_a_distance_is_that_on_a_globe(lat: float, lon: float) -> None:
    beside = lon + 1_000 * METRE / math.cos(math.radians(lat))
    assert scoring.distance_m((lat, lon), (lat, lon)) == 0
    assert scoring.distance_m((lat, lon), (lat + 500 * METRE, lon)) == pytest.approx(500, abs=1)
    assert scoring.distance_m((lat, lon), (lat, beside - 360)) == pytest.approx(1_000, abs=1)


def test_who_waits_longer_is_served_first_where_drivers_are_scarce() -> None:
    policy = Policy()
    assert scoring.waited_s(timedelta(minutes=5), policy) > scoring.waited_s(timedelta(minutes=1), policy)
    assert scoring.waited_s(timedelta(minutes=-1), policy) == 0
