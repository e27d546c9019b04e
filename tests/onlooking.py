"""Orders on their way, for who looks on."""

from datetime import datetime

from db import places
from db.models import Order, OrderOffer, User
from db.session import Database
from db.states import OrderState, Service
from dispatch.orders import offers, queries
from tests.ordering import advance, assign, make_driver, place_order


def make_jasur(database: Database, name: str = "Jasur Aliyev") -> User:
    """A driver with a truck; where he is, nobody knows yet."""
    return make_driver(database, metres=None, name=name, type="truck")


def tow(database: Database, customer: User, *, at: datetime) -> Order:
    """Somebody's order for a tow."""
    return place_order(database, customer, service=Service.TOW, at=at)


def on_its_way(database: Database, customer: User, driver: User, *, at: datetime) -> Order:
    """The same, and this driver comes."""
    order = assign(database, tow(database, customer, at=at), driver, at=at)
    return advance(database, order, OrderState.EN_ROUTE, at=at)


def stand(database: Database, person: User, lat: float, lon: float, *, at: datetime) -> None:
    """Have somebody be somewhere."""
    with database.transaction() as session:
        places.move(session, person.id, lat=lat, lon=lon, at=at)


def ask(database: Database, order: Order, driver: User, *, at: datetime) -> OrderOffer:
    """Ask a driver to take an order."""
    with database.transaction() as session:
        held = queries.lock_order(session, Order.id == order.id)
        asked = offers.make(
            session, held, driver.id, distance_m=812.4, eta_s=140, score=140.0, terms={}, at=at
        )
        assert asked is not None
        return asked


def decline(database: Database, offer: OrderOffer, *, at: datetime) -> None:
    """Have a driver say no."""
    with database.transaction() as session:
        offers.decline(session, offer.uuid, by=offer.driver_id, via="test", why="too far", at=at)
