"""What a socket wants to know and has been told, so that each look brings it what is new. Pure.

A person is shown what is theirs: their own order, the one they drive, those of the regions of their desk.
What they lose the right to is gone with the next look.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from api.accounts.service import Person
from api.audience import FORBIDDEN, NOT_FOUND
from api.orders.sights import Ask, Look, Message, OfferSight, OrderSight, Place, VehicleSight
from broker.topics import may_see_region
from db.models import Order
from db.states import OfferState, OrderState, Party
from dispatch.orders import arrival
from dispatch.orders.arrival import Arrival
from dispatch.orders.rules import COMING


class Over(Exception):
    """There is nothing to be told any more; the socket is closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Changed:
    """An order as it stands now; `whole` for who asked for that."""

    order: OrderSight
    at: datetime
    whole: Order | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """An order is this person's no longer."""

    order_id: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Somebody is where they were not, or has not been heard of for too long."""

    who: int
    party: Party
    place: Place
    age_s: int
    stale: bool
    order_id: int | None = None
    vehicle_id: int | None = None
    arrival: Arrival | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody said something; `past` was said before the socket came."""

    message: Message
    past: bool


@dataclass(frozen=True, slots=True)
class Offered:
    """A driver is asked to take this order."""

    offer: OfferSight
    whole: Order | None = None


@dataclass(frozen=True, slots=True)
class OfferEnded:
    """What a driver was asked is answered, or asked no longer."""

    offer: OfferSight


News = Changed | Gone | Moved | Said | Offered | OfferEnded


class Interest(Protocol):
    """What one socket wants to know."""

    def ask(self) -> Ask:
        """For the next look."""
        ...

    def see(self, look: Look, person: Person) -> Iterator[News]:
        """What is new in it to this person; Over where nothing will be any more."""
        ...


def sees(person: Person, order: OrderSight) -> bool:
    """Whether somebody may see this order: as `rights.acted_on_by` has it in a query."""
    if order.customer.id == person.id or (order.driver is not None and order.driver.id == person.id):
        return True
    return person.is_desk and may_see_region(person.watched, order.region)


def party_of(person: Person, order: OrderSight) -> Party:
    """As what somebody who sees this order sees it."""
    if order.driver is not None and order.driver.id == person.id:
        return Party.DRIVER
    return Party.CUSTOMER if order.customer.id == person.id else Party.DISPATCHER


class _Spot:
    """The place of somebody as it was told last."""

    def __init__(self) -> None:
        self._told: object = None

    def is_news(self, *seen: object) -> bool:
        news = seen != self._told
        self._told = seen
        return news


class Following:
    """What one person has been told of one order."""

    def __init__(
        self, order_id: int, *, after: int | None = None, talks: bool = True, whole: bool = False
    ) -> None:
        """`after` is the last message known; without it only what is said from now on is told."""
        self.order_id = order_id
        self._talks = talks
        self._whole = whole
        self._after = after
        self._joined = False
        self._revision = 0
        self._driver, self._customer = _Spot(), _Spot()

    @property
    def chat(self) -> dict[int, int]:
        """As the next look is asked."""
        return {self.order_id: self._after} if self._talks and self._after is not None else {}

    @property
    def whole(self) -> dict[int, int]:
        """As the next look is asked."""
        return {self.order_id: self._revision} if self._whole else {}

    def see(self, order: OrderSight, look: Look, person: Person) -> Iterator[News]:
        """What is new of it."""
        party = party_of(person, order)
        if order.revision != self._revision:
            whole = look.whole.get(order.id) if self._whole else None
            if self._whole and whole is None:
                return  # nobody knew that it would have to be read: the next look is asked to
            self._revision = order.revision
            yield Changed(order, look.at, whole)
        yield from self._see_places(order, look.at, party)
        if self._talks:
            yield from self._see_messages(order, look, party)
        self._joined = True

    def _see_places(self, order: OrderSight, at: datetime, party: Party) -> Iterator[News]:
        driver, place = order.driver, order.place
        if driver is not None and place is not None and order.taken:
            stale = arrival.is_stale(place.at, at=at)
            if self._driver.is_news(driver.id, place.at, stale, order.state):
                age_s = arrival.age_s(place.at, at=at)
                expected = arrival.expect(order, place, at=at)
                vehicle = order.vehicle.id if order.vehicle else None
                yield Moved(driver.id, Party.DRIVER, place, age_s, stale, order.id, vehicle, expected)
        place = customer_place(order)
        if place is not None and party is not Party.CUSTOMER:
            stale = arrival.is_stale(place.at, at=at)
            if self._customer.is_news(order.customer.id, place.at, stale):
                age_s = arrival.age_s(place.at, at=at)
                yield Moved(order.customer.id, Party.CUSTOMER, place, age_s, stale, order.id)

    def _see_messages(self, order: OrderSight, look: Look, party: Party) -> Iterator[News]:
        if self._after is None:
            self._after = order.last_message
            return
        for message in look.messages.get(order.id, ()):
            if message.id <= self._after:
                continue
            self._after = message.id
            if may_read(party, message.at, order.accepted_at):
                yield Said(message, past=not self._joined)


def may_read(party: Party, said_at: datetime, accepted_at: datetime | None) -> bool:
    """A driver reads what was said since the order is theirs, not what one before them was told."""
    return party is not Party.DRIVER or (accepted_at is not None and said_at >= accepted_at)


def customer_place(order: OrderSight) -> Place | None:
    """Where the customer is, while a driver has to find them; only what they said since that one accepted."""
    place, since = order.customer_place, order.accepted_at
    if place is None or since is None or place.at < since:
        return None
    return place if order.state in COMING | {OrderState.ARRIVED} else None


class OneOrder:
    """One order, for whoever may see it."""

    def __init__(
        self, order_id: int, *, after: int | None = None, talks: bool = True, whole: bool = False
    ) -> None:
        self._following = Following(order_id, after=after, talks=talks, whole=whole)
        self._seen = False

    def ask(self) -> Ask:
        following = self._following
        return Ask(orders={following.order_id}, chats=following.chat, whole=following.whole)

    def see(self, look: Look, person: Person) -> Iterator[News]:
        order = look.orders.get(self._following.order_id)
        if order is None or not sees(person, order):
            raise Over(FORBIDDEN, "this order is not yours any more") if self._seen else _unknown("order")
        self._seen = True
        yield from self._following.see(order, look, person)


class OrdersOf:
    """The orders of a person that go on, as customer or as driver; and what a driver is offered."""

    def __init__(self, user_id: int, party: Party, *, whole: bool = False) -> None:
        self._user_id = user_id
        self._party = party
        self._whole = whole
        self._followed: dict[int, Following] = {}
        self._offers: dict[int, OfferSight] = {}
        self._unread: set[int] = set()  # orders that are offered and not read yet
        self._spot = _Spot()

    def ask(self) -> Ask:
        whose = frozenset({self._user_id})
        drives = self._party is Party.DRIVER
        return Ask(
            orders=self._followed.keys(),
            customers=frozenset() if drives else whose,
            drivers=whose if drives else frozenset(),
            offers=self._offers.keys(),
            chats={order: after for each in self._followed.values() for order, after in each.chat.items()},
            whole=dict.fromkeys(self._unread, 0)
            | {order: known for each in self._followed.values() for order, known in each.whole.items()},
        )

    def see(self, look: Look, person: Person) -> Iterator[News]:
        if person.id != self._user_id and not person.is_desk:
            raise _unknown(self._party)
        theirs = {
            order.id: order
            for order in look.orders.values()
            if self._has(order) and sees(person, order) and self._goes_on(order)
        }
        for gone in [each for each in self._followed if each not in theirs]:
            del self._followed[gone]
            yield Gone(gone)
        for order in theirs.values():
            following = self._followed.setdefault(order.id, Following(order.id, whole=self._whole))
            yield from following.see(order, look, person)
            if order.ended:
                del self._followed[order.id]
        if self._party is Party.DRIVER:
            yield from self._see_offers(look)
            if not self._followed and person.id != self._user_id:
                yield from self._see_place(look)

    def _has(self, order: OrderSight) -> bool:
        whose = order.driver if self._party is Party.DRIVER else order.customer
        return whose is not None and whose.id == self._user_id

    def _goes_on(self, order: OrderSight) -> bool:
        # Of those that are followed, the end is told as well.
        return order.id in self._followed or (order.taken if self._party is Party.DRIVER else not order.ended)

    def _see_offers(self, look: Look) -> Iterator[News]:
        self._unread.clear()
        for offer in look.offers:
            if offer.driver_id != self._user_id:
                continue
            if offer.state is OfferState.OPEN and offer.id not in self._offers:
                whole = look.whole.get(offer.order_id) if self._whole else None
                if self._whole and whole is None:
                    self._unread.add(offer.order_id)
                    continue
                self._offers[offer.id] = offer
                yield Offered(offer, whole)
            elif offer.state is not OfferState.OPEN and self._offers.pop(offer.id, None) is not None:
                yield OfferEnded(offer)

    def _see_place(self, look: Look) -> Iterator[News]:
        place = look.places.get(self._user_id)
        if place is None:
            return
        stale = arrival.is_stale(place.at, at=look.at)
        if self._spot.is_news(place.at, stale):
            yield Moved(self._user_id, Party.DRIVER, place, arrival.age_s(place.at, at=look.at), stale)


class OneVehicle:
    """Where a vehicle is: for who drives it, for the customer it comes to, and for desks."""

    def __init__(self, vehicle_id: int) -> None:
        self._vehicle_id = vehicle_id
        self._seen = False
        self._spot = _Spot()

    def ask(self) -> Ask:
        return Ask(vehicles={self._vehicle_id})

    def see(self, look: Look, person: Person) -> Iterator[News]:
        vehicle = look.vehicles.get(self._vehicle_id)
        if vehicle is None or not self._sees(person, vehicle):
            raise (Over(FORBIDDEN, "it is on its way to others now") if self._seen else _unknown("vehicle"))
        self._seen = True
        if vehicle.place is None:
            return
        stale = arrival.is_stale(vehicle.place.at, at=look.at)
        if self._spot.is_news(vehicle.place.at, stale, vehicle.order_id):
            age_s = arrival.age_s(vehicle.place.at, at=look.at)
            yield Moved(
                vehicle.driver_id,
                Party.DRIVER,
                vehicle.place,
                age_s,
                stale,
                vehicle.order_id,
                vehicle.id,
            )

    @staticmethod
    def _sees(person: Person, vehicle: VehicleSight) -> bool:
        return person.id in (vehicle.driver_id, vehicle.customer_id) or person.is_desk


def _unknown(what: str) -> Over:
    return Over(NOT_FOUND, f"there is no such {what}, or it is not yours to watch")
