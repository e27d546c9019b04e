"""What a customer may ask for, and how far it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.states import Need, Service
from dispatch.errors import WrongFields
from dispatch.orders import ways, wishes
from dispatch.orders.wishes import AHEAD, MOST_WAY_M, SLACK, Wish

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RIDE: dict[str, Any] = {
    "service": Service.RIDE,
    "lat": 41.311081,
    "lon": 69.240562,
    "dropoff_lat": 41.35,
    "dropoff_lon": 69.24,
}

lats, lons = st.floats(-90, 90), st.floats(-180, 180)


def wrong(way_m: int = 5_000, **said: Any) -> set[str]:
    try:
        wishes.check(Wish(**RIDE | said), way_m=way_m, at=NOON)
    except WrongFields as refused:
        return {each["field"] for each in refused.wrong}
    return set()


def test_an_ordinary_wish_is_fine() -> None:
    assert wrong() == set()
    assert wrong(needs=(Need.LIFT, Need.ESCORT), seats=3, scheduled_at=NOON + timedelta(days=1)) == set()
    assert wrong(service=Service.TOW, dropoff_lat=None, dropoff_lon=None) == set()


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"dropoff_lat": None, "dropoff_lon": None}, {"dropoff"}),
        ({"dropoff_lon": None}, {"dropoff"}),
        ({"way_m": MOST_WAY_M + 1}, {"dropoff"}),
        ({"service": Service.TOW, "needs": (Need.RAMP,)}, {"needs"}),
        ({"seats": 0}, {"seats"}),
        ({"seats": 17}, {"seats"}),
        ({"scheduled_at": NOON - SLACK - SECOND}, {"scheduled_at"}),
        ({"scheduled_at": NOON + AHEAD + SECOND}, {"scheduled_at"}),
        ({"seats": 0, "dropoff_lon": None}, {"seats", "dropoff"}),
    ],
)
def test_all_that_does_not_do_is_named(said: dict[str, Any], fields: set[str]) -> None:
    assert wrong(**said) == fields


def test_a_clock_that_is_a_little_behind_costs_nobody_their_order() -> None:
    assert wrong(scheduled_at=NOON - SLACK) == set()


def test_from_the_railway_station_to_the_airport_it_is_as_far_as_maps_say() -> None:
    assert ways.distance_m(41.2920, 69.2870, 41.2579, 69.2812) == pytest.approx(3_820, rel=0.01)


@given(lats, lons, lats, lons)
def test_it_is_as_far_there_as_back_and_never_beyond_the_other_side_of_the_earth(
    lat: float, lon: float, other_lat: float, other_lon: float
) -> None:
    there = ways.distance_m(lat, lon, other_lat, other_lon)
    assert there == pytest.approx(ways.distance_m(other_lat, other_lon, lat, lon), abs=1e-3)
    assert 0 <= there <= 20_015_200


def test_where_there_is_nowhere_to_go_there_is_no_way() -> None:
    assert ways.way_m(41.3, 69.2, None, None) == 0
