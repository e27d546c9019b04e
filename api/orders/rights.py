"""Who may see and do what with which orders, as conditions inside the query."""

from enum import StrEnum
from typing import Annotated

from fastapi import Path
from sqlalchemy import ColumnElement, or_, select

from api.accounts.service import Person
from api.desks import watches
from db.models import Order, OrderOffer
from db.states import OfferState, Party

OrderId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Side(StrEnum):
    """From which side somebody looks at an order."""

    DESK = "desk"
    CUSTOMER = "customer"
    DRIVER = "driver"
    ASKED = "asked"  # a driver who has not answered yet


def acted_on_by(person: Person) -> ColumnElement[bool]:
    """The orders somebody has a part in: their own, those they drive, at a desk those of its regions."""
    own = or_(Order.customer_id == person.id, Order.driver_id == person.id)
    return or_(watches(person, Order.region), own) if person.is_desk else own


def seen_by(person: Person) -> ColumnElement[bool]:
    """The same, and those that a driver is asked to take."""
    asked = select(OrderOffer.order_id).where(
        OrderOffer.driver_id == person.id, OrderOffer.state == OfferState.OPEN
    )
    return or_(acted_on_by(person), Order.id.in_(asked))


def side_of(order: Order, person: Person) -> Side:
    """From which side somebody looks at an order that they see; who has a part in it is no desk there."""
    if order.driver_id == person.id:
        return Side.DRIVER
    if order.customer_id == person.id:
        return Side.CUSTOMER
    return Side.DESK if person.is_desk else Side.ASKED


def party_of(order: Order, person: Person) -> Party:
    """As whom somebody does something to an order that they may act on."""
    return _PARTIES[side_of(order, person)]


_PARTIES = {Side.DESK: Party.DISPATCHER, Side.CUSTOMER: Party.CUSTOMER, Side.DRIVER: Party.DRIVER}
