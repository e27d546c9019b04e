"""What one look at the database finds of all that sockets want to know. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from db.models import Order
from db.states import OfferState, OrderState, Party, Service
from dispatch.orders import rules


@dataclass(frozen=True, slots=True)
class Ask:
    """What a socket wants to know, or all of them together."""

    orders: AbstractSet[int] = frozenset()
    customers: AbstractSet[int] = frozenset()  # with all their orders that have not ended
    drivers: AbstractSet[int] = frozenset()  # with the order they have, what they are offered, their place
    offers: AbstractSet[int] = frozenset()  # that were open
    vehicles: AbstractSet[int] = frozenset()
    chats: Mapping[int, int] = field(default_factory=dict)  # by order, the last message that was told
    whole: Mapping[int, int] = field(default_factory=dict)  # by order, the last revision that was told

    @classmethod
    def all_of(cls, asked: Iterable["Ask"]) -> "Ask":
        """One question for many sockets; of each order, all that any of them has not been told."""
        every = list(asked)
        return cls(
            orders=frozenset().union(*(each.orders for each in every)),
            customers=frozenset().union(*(each.customers for each in every)),
            drivers=frozenset().union(*(each.drivers for each in every)),
            offers=frozenset().union(*(each.offers for each in every)),
            vehicles=frozenset().union(*(each.vehicles for each in every)),
            chats=_least(each.chats for each in every),
            whole=_least(each.whole for each in every),
        )


def _least(of: Iterable[Mapping[int, int]]) -> dict[int, int]:
    least: dict[int, int] = {}
    for each in of:
        for order, known in each.items():
            least[order] = min(known, least.get(order, known))
    return least


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody was last."""

    lat: float
    lon: float
    at: datetime
    accuracy_m: float | None


@dataclass(frozen=True, slots=True)
class Someone:
    """Somebody of an order."""

    id: int
    full_name: str

    @property
    def first_name(self) -> str:
        return next(iter(self.full_name.split()), "")


@dataclass(frozen=True, slots=True)
class Coming:
    """The vehicle that comes."""

    id: int
    type: str
    name: str
    registration: str | None


@dataclass(frozen=True, slots=True)
class OrderSight:
    """An order as it stands."""

    id: int
    revision: int
    state: OrderState
    service: Service
    region: str
    customer: Someone
    driver: Someone | None
    vehicle: Coming | None
    lat: float
    lon: float
    address: str
    dropoff_lat: float | None
    dropoff_lon: float | None
    dropoff_address: str
    requested_at: datetime
    scheduled_at: datetime | None
    accepted_at: datetime | None
    ended_at: datetime | None
    place: Place | None  # of the driver
    customer_place: Place | None
    last_message: int

    @property
    def taken(self) -> bool:
        """Whether somebody comes, or is there."""
        return self.state in rules.TAKEN

    @property
    def ended(self) -> bool:
        return self.state in rules.ENDED


@dataclass(frozen=True, slots=True)
class OfferSight:
    """What a driver is asked to take."""

    id: int
    uuid: UUID
    driver_id: int
    order_id: int
    state: OfferState
    until_at: datetime
    distance_m: float | None
    eta_s: int | None
    service: Service
    lat: float
    lon: float
    customer: Someone


@dataclass(frozen=True, slots=True)
class Message:
    """What was said about an order."""

    id: int
    order_id: int
    sender: Someone
    party: Party
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class VehicleSight:
    """A vehicle, whose place is that of the driver who drives it, and the order it is on."""

    id: int
    driver_id: int
    place: Place | None
    order_id: int | None
    customer_id: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that was found, at one moment."""

    at: datetime
    orders: Mapping[int, OrderSight] = field(default_factory=dict)
    whole: Mapping[int, Order] = field(default_factory=dict)  # those that are news, as routes show them
    messages: Mapping[int, Sequence[Message]] = field(default_factory=dict)  # by order
    offers: Sequence[OfferSight] = ()
    places: Mapping[int, Place] = field(default_factory=dict)  # of the drivers asked for
    vehicles: Mapping[int, VehicleSight] = field(default_factory=dict)
