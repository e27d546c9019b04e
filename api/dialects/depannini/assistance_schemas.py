"""Assistance as depannini writes it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from api.dialects.depannini import words
from api.dialects.depannini.schemas import Latitude, Longitude
from api.dialects.orders import customer_name, customer_phone, driver_name, driver_phone, major, spot
from api.orders.rights import Side
from api.schemas import Answer, Documented, Storable
from db.models import Order
from db.states import Service
from dispatch.matching.drivers import Candidate
from dispatch.orders.wishes import Wish

FIELDS = {"dropoff": "dropoff", "vehicle_type": "vehicle_type"}


class Spot(Documented):
    """A place."""

    lat: Latitude
    lng: Longitude


class AssistanceIn(Documented):
    """Somebody needs help: to be towed where there is a dropoff, else to be repaired on the spot."""

    pickup: Spot
    dropoff: Spot | None = None
    assistance_type: Literal["towing", "repair"] | None = None
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000), Storable] = ""

    def wish(self) -> Wish:
        """As the verbs take it."""
        dropoff = self.dropoff
        usual = Service.TOW if dropoff else Service.REPAIR
        return Wish(
            service=words.SERVICES[self.assistance_type] if self.assistance_type else usual,
            lat=self.pickup.lat,
            lon=self.pickup.lng,
            dropoff_lat=dropoff.lat if dropoff else None,
            dropoff_lon=dropoff.lng if dropoff else None,
            notes=self.description,
        )


class AssistanceStatus(Documented):
    """Where it is from now on; clients can only cancel."""

    status: Literal["ongoing", "completed", "canceled"]


class SpotOut(Answer):
    lat: float
    lng: float


class PartyOut(Answer):
    """Client or assistant; the number is there while one has to find the other."""

    id: int
    name: str
    phone_number: str | None


class AssistanceOut(Answer):
    """An assistance as its client, its assistant or a desk sees it; who is only asked sees about where."""

    id: int
    status: str
    client: PartyOut
    assistant: PartyOut | None
    pickupLocation: SpotOut  # noqa: N815 - the contract writes it so
    dropoffLocation: SpotOut | None  # noqa: N815
    distance_km: float
    total_price: float
    createdAt: datetime  # noqa: N815
    updatedAt: datetime  # noqa: N815
    assistance_type: str
    currency: str

    @classmethod
    def of(cls, order: Order, side: Side) -> "AssistanceOut":
        """From one side; its people must be loaded."""
        dropoff = None
        if order.dropoff_lat is not None and order.dropoff_lon is not None:
            dropoff = _spot(order.dropoff_lat, order.dropoff_lon, side)
        return cls(
            id=order.id,
            status=words.STATUS[order.state],
            client=PartyOut(
                id=order.customer_id,
                name=customer_name(order, side),
                phone_number=customer_phone(order, side),
            ),
            assistant=_assistant(order, side),
            pickupLocation=_spot(order.lat, order.lon, side),
            dropoffLocation=dropoff,
            distance_km=round(order.distance_m / 1000, 2),
            total_price=major(order.price, order.currency),
            createdAt=order.requested_at,
            updatedAt=_changed_at(order),
            assistance_type=words.TYPES[order.service],
            currency=order.currency,
        )


class NearbyOut(Answer):
    """An assistant who can be asked, and how far away, in kilometres."""

    assistant_id: int
    distance: float

    @classmethod
    def of(cls, near: Candidate) -> "NearbyOut":
        """Of somebody against whom nothing speaks."""
        return cls(assistant_id=near.driver_id, distance=round((near.distance_m or 0) / 1000, 2))


class AssistanceRequested(Answer):
    """What was asked for, and who is near."""

    assistance: AssistanceOut
    nearby_assistants: list[NearbyOut]


def _assistant(order: Order, side: Side) -> PartyOut | None:
    driver = order.driven_by
    if driver is None:
        return None
    return PartyOut(id=driver.id, name=driver_name(driver, side), phone_number=driver_phone(order, side))


def _spot(lat: float, lon: float, side: Side) -> SpotOut:
    lat, lon = spot(lat, lon, side)
    return SpotOut(lat=lat, lng=lon)


def _changed_at(order: Order) -> datetime:
    stamps = (
        *(order.requested_at, order.unassigned_at, order.accepted_at, order.en_route_at),
        *(order.arrived_at, order.started_at, order.ended_at),
    )
    return max(stamp for stamp in stamps if stamp is not None)
