"""Where a driver is heading, and when they will be there."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from db.states import OrderState
from dispatch.matching.rules import FRESH
from dispatch.orders import arrival, rules

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Trip:
    state: OrderState
    lat: float = 41.31
    lon: float = 69.24
    dropoff_lat: float | None = 41.35
    dropoff_lon: float | None = 69.28


@dataclass(frozen=True)
class Fix:
    lat: float
    lon: float
    at: datetime = NOON


@pytest.mark.parametrize("state", sorted(rules.COMING))
def test_who_comes_heads_for_the_customer(state: OrderState) -> None:
    assert arrival.heading(Trip(state)) == (41.31, 69.24)


def test_who_is_under_way_heads_for_the_destination_if_there_is_one() -> None:
    assert arrival.heading(Trip(OrderState.IN_PROGRESS)) == (41.35, 69.28)
    assert arrival.heading(Trip(OrderState.IN_PROGRESS, dropoff_lat=None, dropoff_lon=None)) is None


@pytest.mark.parametrize("state", sorted(set(OrderState) - rules.COMING - {OrderState.IN_PROGRESS}))
def test_nobody_else_heads_anywhere(state: OrderState) -> None:
    assert arrival.heading(Trip(state)) is None
    assert arrival.expect(Trip(state), Fix(41.3, 69.2), at=NOON) is None


def test_a_kilometre_away_is_a_few_minutes_away() -> None:
    expected = arrival.expect(Trip(OrderState.EN_ROUTE), Fix(41.319, 69.24), at=NOON)
    assert expected is not None
    assert 1_000 <= expected.distance_m <= 1_600
    assert 120 <= expected.eta_s <= 240


def test_from_an_old_place_nobody_knows_when_they_come() -> None:
    trip, place = Trip(OrderState.EN_ROUTE), Fix(41.319, 69.24)
    assert arrival.expect(trip, place, at=NOON + FRESH) is not None
    assert arrival.expect(trip, place, at=NOON + FRESH + timedelta(seconds=1)) is None
    assert arrival.expect(trip, None, at=NOON) is None


@given(some.floats(41.0, 41.6), some.floats(69.0, 69.6), some.floats(0.05, 0.95))
def test_who_comes_nearer_is_there_sooner(lat: float, lon: float, part: float) -> None:
    trip = Trip(OrderState.EN_ROUTE)
    nearer = Fix(lat + (trip.lat - lat) * part, lon + (trip.lon - lon) * part)
    before = arrival.expect(trip, Fix(lat, lon), at=NOON)
    after = arrival.expect(trip, nearer, at=NOON)
    assert before is not None
    assert after is not None
    assert after.distance_m <= before.distance_m
    assert after.eta_s <= before.eta_s


def test_no_place_is_of_the_future() -> None:
    assert arrival.age_s(NOON + timedelta(seconds=5), at=NOON) == 0
    assert arrival.age_s(NOON, at=NOON + timedelta(seconds=90)) == 90
