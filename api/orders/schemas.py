"""Orders on the wire: what is asked for, and an order as each side may see it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from api.accounts.phones import Phone
from api.helpers.schemas import Latitude, Longitude
from api.paging import DEFAULT_LIMIT, Cursor, Limit
from api.schemas import Answer, Own, Storable
from db.states import Need, OrderState, Party, Service
from dispatch.orders.pricing import LineKind
from dispatch.orders.wishes import MOST_SEATS, Wish

_Stripped = StringConstraints(strip_whitespace=True)
Address = Annotated[str, _Stripped, Field(max_length=300, examples=["Amir Temur 15, Tashkent"]), Storable]
Short = Annotated[str, _Stripped, Field(max_length=60), Storable]
Slug = Annotated[str, Field(min_length=1, max_length=63), Storable]
Why = Annotated[str, _Stripped, Field(max_length=500), Storable]

MOST_TOKEN = 8_000


def _lower(said: Any) -> Any:
    return said.lower() if isinstance(said, str) else said


AnyCase = BeforeValidator(_lower)
"""Contracts write their states in capitals as often as not."""


class PlaceIn(Own):
    """A place, and what people call it."""

    lat: Latitude
    lon: Longitude
    address: Address = ""


class VehicleSaid(Own):
    """What the customer says of the vehicle that is to be towed or repaired."""

    make: Short = ""
    model: Short = ""
    colour: Short = ""
    plate: Short = ""
    trouble: Annotated[str, _Stripped, Field(max_length=300, examples=["does not start"]), Storable] = ""
    rolls: bool | None = None  # whether its wheels turn


class ContactIn(Own):
    """Whom the driver asks for; without a number it is the customer's own."""

    name: Annotated[str, _Stripped, Field(max_length=200), Storable] = ""
    phone: Phone | None = None


class WishIn(Own):
    """What is to be done, where, with what, and when; without a time it is now.

    `vehicle_type` is one of /api/v1/vehicle-types/; who names none means the first with room for them.
    """

    service: Service
    pickup: PlaceIn
    dropoff: PlaceIn | None = None
    vehicle_type: Slug | None = None
    needs: Annotated[list[Need], Field(default_factory=list, max_length=len(Need))]
    seats: Annotated[int, Field(ge=1, le=MOST_SEATS)] = 1
    addons: Annotated[list[Slug], Field(default_factory=list, max_length=20)]
    scheduled_at: AwareDatetime | None = None

    def wish(self, **more: Any) -> Wish:
        """As the verbs take it."""
        dropoff = self.dropoff
        return Wish(
            service=self.service,
            lat=self.pickup.lat,
            lon=self.pickup.lon,
            address=self.pickup.address,
            dropoff_lat=dropoff.lat if dropoff else None,
            dropoff_lon=dropoff.lon if dropoff else None,
            dropoff_address=dropoff.address if dropoff else "",
            vehicle_type=self.vehicle_type,
            needs=tuple(dict.fromkeys(self.needs)),
            seats=self.seats,
            addons=tuple(dict.fromkeys(self.addons)),
            scheduled_at=self.scheduled_at,
            **more,
        )


class OrderIn(WishIn):
    """An order. With a `quote` it has the price that was quoted, whatever tariffs became meanwhile.

    A dispatcher may name the `customer` for whom they ask.
    """

    vehicle: VehicleSaid = VehicleSaid()
    contact: ContactIn = ContactIn()
    notes: Annotated[str, _Stripped, Field(max_length=2_000), Storable] = ""
    quote: Annotated[str, Field(min_length=1, max_length=MOST_TOKEN)] | None = None
    customer: UUID | None = None

    def order(self) -> Wish:
        """As the verbs take it."""
        return self.wish(
            vehicle=self.vehicle.model_dump(exclude_defaults=True),
            contact_name=self.contact.name,
            contact_phone=self.contact.phone,
            notes=self.notes,
        )


class OrderFilter(Own):
    """Which orders to list; `text` is looked for in addresses, notes, contact, plate and number."""

    state: Annotated[list[Annotated[OrderState, AnyCase]], Field(default_factory=list)]
    service: Annotated[list[Annotated[Service, AnyCase]], Field(default_factory=list)]
    region: Slug | None = None
    mine: Annotated[
        Party | None, Field(description="customer or driver: only those in which one has this part")
    ] = None
    driver: UUID | None = None
    customer: UUID | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    text: Annotated[str, _Stripped, Field(min_length=1, max_length=100), Storable] | None = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class StatusIn(Own):
    """Where an order is now; what is not given is told by the order itself."""

    status: Annotated[OrderState, AnyCase]
    why: Why | None = None


class Cancellation(Own):
    """Why nobody needs to come any more; a desk may say whose fault that is."""

    why: Why | None = None
    fault: Party | None = None


class Reason(Own):
    """Why, in words."""

    why: Why | None = None


class GivenBack(Answer):
    """All that is said of an order to a driver who does not come."""

    id: int
    state: OrderState


class LineOut(Answer):
    """One line of a price, with what it was reckoned from."""

    kind: LineKind
    text: str
    amount: int
    quantity: int | None = None
    unit: str | None = None
    each: int | None = None


class PriceOut(Answer):
    """What is to be paid; amounts are in the smallest unit, of which `digits` are behind the point."""

    currency: str
    digits: int
    total: int
    text: str
    lines: list[LineOut]


class QuoteOut(Answer):
    """What it would cost, and a token by which it costs that for ten minutes."""

    price: PriceOut
    service: Service
    region: str
    vehicle_type: str | None
    distance_m: int
    quote: str
    until: datetime


class OrderPlace(Answer):
    """A place; `exact` is false where only the area is shown."""

    lat: float
    lon: float
    address: str
    exact: bool


class ContactOut(Answer):
    """Whom to ask for."""

    name: str
    phone: str | None


class PersonOut(Answer):
    """Who asked, or who comes."""

    uuid: UUID
    name: str
    phone: str | None


class ComingOut(Answer):
    """What the driver comes with."""

    id: int
    type: str
    name: str
    registration: str | None
    seats: int | None
    lift: bool
    ramp: bool
    child_seats: int


class CancelOut(Answer):
    """What it would cost the customer to cancel now."""

    fee: int
    text: str
    free_until: datetime | None


class OrderOut(Answer):
    """An order, as whoever asks may see it; `can` says into which states they may bring it."""

    id: int
    uuid: UUID
    service: Service
    state: OrderState
    revision: int
    via: str
    region: str
    pickup: OrderPlace
    dropoff: OrderPlace | None
    distance_m: int
    vehicle_type: str | None
    vehicle: dict[str, Any]
    needs: list[str]
    seats: int
    contact: ContactOut | None
    notes: str
    photos: list[str]
    price: PriceOut
    requested_at: datetime
    scheduled_at: datetime | None
    search_from: datetime
    accepted_at: datetime | None
    en_route_at: datetime | None
    arrived_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    unassigned_at: datetime | None
    customer: PersonOut | None
    driver: PersonOut | None
    coming: ComingOut | None
    fault: Party | None
    why: str | None
    can: list[OrderState]


class OrderEventOut(Answer):
    """One line of the timeline; who did it by name is for the desk."""

    at: datetime
    kind: str
    party: Party
    by: str | None
    detail: dict[str, Any]


class OrderWithTimeline(OrderOut):
    """An order with all that happened, and what cancelling would cost now."""

    timeline: list[OrderEventOut]
    cancel: CancelOut | None
