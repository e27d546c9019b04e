"""What a customer may ask for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from db.states import Need, Service
from dispatch.errors import WrongFields

AHEAD = timedelta(days=30)
"""How far ahead an order may be scheduled."""

SLACK = timedelta(minutes=5)
"""By how much a time may have passed when it arrives here: clocks differ, and people type."""

MOST_SEATS = 16
MOST_WAY_M = 1_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer asks for."""

    service: Service
    lat: float
    lon: float
    address: str = ""
    dropoff_lat: float | None = None
    dropoff_lon: float | None = None
    dropoff_address: str = ""
    vehicle_type: str | None = None  # none: the one that is shown first
    vehicle: Mapping[str, Any] = field(default_factory=dict)  # what they say of theirs: plate, make, colour
    needs: tuple[Need, ...] = ()
    seats: int = 1
    addons: tuple[str, ...] = ()
    contact_name: str = ""
    contact_phone: str | None = None
    notes: str = ""
    scheduled_at: datetime | None = None


def check(wish: Wish, *, way_m: int, at: datetime) -> None:
    """Raise WrongFields with all that does not do."""
    wrong = {}
    if (wish.dropoff_lat is None) != (wish.dropoff_lon is None):
        wrong["dropoff"] = "needs both a latitude and a longitude"
    if way_m > MOST_WAY_M:
        wrong["dropoff"] = f"is {way_m // 1000} km away; at most {MOST_WAY_M // 1000} km are driven"
    if wish.service is Service.RIDE and wish.dropoff_lat is None:
        wrong["dropoff"] = "is required for a ride"
    if wish.service is not Service.RIDE and wish.needs:
        wrong["needs"] = "are those of a passenger; ask for a ride, or write it into the notes"
    if not 1 <= wish.seats <= MOST_SEATS:
        wrong["seats"] = f"must be 1 to {MOST_SEATS}"
    if wish.scheduled_at is not None and wish.scheduled_at < at - SLACK:
        wrong["scheduled_at"] = "has passed; leave it out to be served now"
    if wish.scheduled_at is not None and wish.scheduled_at > at + AHEAD:
        wrong["scheduled_at"] = f"is more than {AHEAD.days} days ahead"
    if wrong:
        raise WrongFields(wrong)
