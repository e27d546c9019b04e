"""Orders, those who drive to them, and what that costs."""

import itertools
from datetime import datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from db import places
from db.models import Driver, Order, OrderEvent, Shift, Tariff, User, Vehicle, VehicleType
from db.session import Database
from db.states import OrderState, Party, Role, Service
from dispatch.orders import cancelling, moving, placing, queries
from dispatch.orders.wishes import Wish
from tests.builders import NOON, TASHKENT, make_user
from tests.maps import METRE

_numbers = itertools.count(1)

TARIFF: dict[str, Any] = {
    "currency": "UZS",
    "minimum": 1_000_000,
    "included_m": 2_000,
    "per_km": 250_000,
    "night_pct": 130,
    "night_from": time(22),
    "night_until": time(6),
    "timezone": "Asia/Tashkent",
    "free_wait_s": 180,
    "per_wait_min": 50_000,
    "addons": [{"slug": "winch", "name": "Winch", "price": 3_000_000}],
    "cancel_pct": 50,
    "no_show_pct": 80,
}
"""Of no region, with what every part of a price needs."""


def make_tariff(database: Database, service: Service = Service.RIDE, **said: Any) -> Tariff:
    """What a service costs, and in which kind of vehicle, unless that is known already."""
    with database.transaction() as session:
        session.execute(
            insert(VehicleType)
            .values(slug="car", name="Car", services=[each.value for each in Service], base_price=2_000_000)
            .on_conflict_do_nothing()
        )
        tariff = Tariff(**{"service": service, "region": None, "changed_at": NOON} | TARIFF | said)
        session.add(tariff)
    return tariff


def make_driver(
    database: Database,
    *,
    services: tuple[Service, ...] = tuple(Service),
    metres: float | None = 300.0,
    online: bool = True,
    at: datetime = NOON,
    name: str = "Rustam Driver",
    **vehicle: Any,
) -> User:
    """Somebody who drives, so far north of the middle of Tashkent; without a distance, nobody knows where."""
    person = make_user(database, Role.DRIVER, name=name)
    with database.transaction() as session:
        session.add(Driver(user_id=person.id, services=[each.value for each in services], online=online))
        session.flush()
        said = {"type": "car", "name": "White Cobalt", "registration": f"01 A {next(_numbers):03d} BC"}
        car = Vehicle(driver_id=person.id, **said | {"seats": 4} | vehicle)
        session.add(car)
        session.flush()
        if online:
            session.add(Shift(driver_id=person.id, vehicle_id=car.id, started_at=at))
    if metres is not None:
        drive(database, person, metres, at=at)
    return person


def drive(database: Database, person: User, metres: float, *, at: datetime) -> None:
    """Be so far north of the middle of Tashkent."""
    lat, lon = TASHKENT["lat"] + metres * METRE, TASHKENT["lon"]
    with database.transaction() as session:
        places.move(session, person.id, lat=lat, lon=lon, at=at)


def wish(service: Service = Service.RIDE, **said: Any) -> Wish:
    """From the middle of Tashkent to five kilometres north of it."""
    there = {"dropoff_lat": TASHKENT["lat"] + 5_000 * METRE, "dropoff_lon": TASHKENT["lon"]}
    return Wish(**{"service": service, **TASHKENT, "address": "Amir Temur 15"} | there | said)


def place_order(
    database: Database, customer: User | None = None, *, at: datetime = NOON, at_once: int = 1, **said: Any
) -> Order:
    """Somebody's order, in a transaction of its own; without a tariff for it, there is one first."""
    asked = wish(**said)
    with database.transaction() as session:
        known = session.scalar(select(Tariff.id).where(Tariff.service == asked.service).limit(1))
    if known is None:
        make_tariff(database, asked.service)
    customer = customer or make_user(database, name="Nodira Yusupova")
    with database.transaction() as session:
        return placing.place(session, asked, customer_id=customer.id, via="test", at_once=at_once, at=at)


def order_of(database: Database, order: Order) -> Order:
    """An order as it stands now."""
    with database.transaction() as session:
        return session.get_one(Order, order.id)


def events_of(database: Database, order: Order) -> list[OrderEvent]:
    """What happened to an order, in its order."""
    with database.transaction() as session:
        return list(queries.timeline(session, order.id))


def assign(
    database: Database,
    order: Order,
    driver: User,
    *,
    vehicle_id: int | None = None,
    at: datetime = NOON,
) -> Order:
    """The desk gives a driver the order."""
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order.id))
        return moving.take(session, held, driver.id, vehicle_id, party=Party.DISPATCHER, by=None, at=at)


def advance(
    database: Database, order: Order, wanted: OrderState, *, party: Party = Party.DRIVER, at: datetime = NOON
) -> Order:
    """Take an order as far as this, by its driver."""
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order.id))
        return moving.advance(session, held, wanted, party=party, by=held.driver_id, at=at)


def cancel(
    database: Database, order: Order, *, party: Party = Party.CUSTOMER, at: datetime = NOON, **said: Any
) -> Order:
    """Give an order up."""
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order.id))
        return cancelling.cancel(session, held, party=party, by=None, at=at, **{"why": None} | said)


def no_show(database: Database, order: Order, *, at: datetime) -> Order:
    """Its driver says that nobody is there."""
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order.id))
        return cancelling.no_show(session, held, party=Party.DRIVER, by=held.driver_id, at=at)


def log_call(database: Database, order: Order, *, at: datetime) -> None:
    """Its driver tries to reach the customer."""
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order.id))
        cancelling.log_call(session, held, party=Party.DRIVER, by=held.driver_id, at=at)


def release(database: Database, order: Order, *, party: Party = Party.DRIVER, at: datetime = NOON) -> Order:
    """Its driver does not come after all."""
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order.id))
        return moving.release(session, held, party=party, by=None, at=at, why="flat tyre")
