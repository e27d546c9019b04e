"""Where a driver is heading, how far that is, and whether the last place known still says so. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from db.states import OrderState
from dispatch.matching.rules import FRESH
from dispatch.matching.scoring import DRIVING_MPS
from dispatch.orders import ways
from dispatch.orders.rules import COMING


class Trip(Protocol):
    """As much of an order as it takes."""

    @property
    def state(self) -> OrderState: ...
    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...
    @property
    def dropoff_lat(self) -> float | None: ...
    @property
    def dropoff_lon(self) -> float | None: ...


class Fix(Protocol):
    """As much of a place as it takes."""

    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is left of the way, by road as far as that is known."""

    distance_m: int
    eta_s: int


def heading(trip: Trip) -> tuple[float, float] | None:
    """Where the driver of an order is going to: to the customer, then with them; nowhere else."""
    if trip.state in COMING:
        return trip.lat, trip.lon
    if trip.state == OrderState.IN_PROGRESS and trip.dropoff_lat is not None and trip.dropoff_lon is not None:
        return trip.dropoff_lat, trip.dropoff_lon
    return None


def expect(trip: Trip, place: Fix | None, *, at: datetime) -> Arrival | None:
    """When the driver will be where they are heading; nobody knows it from an old place."""
    target = heading(trip)
    if target is None or place is None or is_stale(place.at, at=at):
        return None
    way_m = ways.way_m(place.lat, place.lon, *target)
    return Arrival(distance_m=way_m, eta_s=round(way_m / DRIVING_MPS))


def is_stale(place_at: datetime, *, at: datetime) -> bool:
    """Whether a place is too old to be believed."""
    return at - place_at > FRESH


def age_s(place_at: datetime, *, at: datetime) -> int:
    """How old a place is; none is of the future."""
    return max(0, int((at - place_at).total_seconds()))
