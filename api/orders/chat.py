"""What the people of an order say on it, in words and by their place; whose it is not, there it is not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import StringConstraints
from sqlalchemy import ColumnElement, and_, select, true
from sqlalchemy.orm import Session, joinedload

from api.accounts.service import Person
from api.orders.rights import acted_on_by, party_of
from api.schemas import Storable
from db import places
from db.models import Order, OrderMessage
from db.states import Party
from dispatch.errors import Conflict, Forbidden, NotFound
from dispatch.orders import chat, queries

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), Storable]
After = Annotated[int, Query(ge=0, le=2**63 - 1, description="the id of the last message known")]


def say(session: Session, order_id: int, person: Person, text: str, *, at: datetime) -> OrderMessage:
    """Say something to the others of an order."""
    order = queries.lock_order(session, _of(order_id, person))
    return chat.say(session, order, by=person.id, party=party_of(order, person), text=text, at=at)


def tell_place(
    session: Session, order_id: int, person: Person, *, lat: float, lon: float, at: datetime
) -> None:
    """Say where one is, while one of them comes to the other."""
    order = session.scalar(select(Order).where(_of(order_id, person)))
    if order is None:
        raise NotFound("there is no such order")
    if party_of(order, person) is Party.DISPATCHER:
        raise Forbidden("only who comes and who waits say here where they are")
    if order.ended_at is not None:
        raise Conflict("this order has ended; nobody looks where you are any more")
    places.move(session, person.id, lat=lat, lon=lon, at=at)


def list_messages(
    session: Session, order_id: int, person: Person, *, after: int, limit: int
) -> Sequence[OrderMessage]:
    """What was said after a message, the oldest first, with one more than asked for where there are more."""
    order = session.scalar(select(Order).where(_of(order_id, person)))
    if order is None:
        raise NotFound("there is no such order")
    said = select(OrderMessage).where(
        OrderMessage.order_id == order.id, OrderMessage.id > after, _may_read(order, person)
    )
    oldest_first = said.options(joinedload(OrderMessage.sender)).order_by(OrderMessage.id)
    return session.scalars(oldest_first.limit(limit + 1)).all()


def _may_read(order: Order, person: Person) -> ColumnElement[bool]:
    """As `interests.may_read` has it for sockets."""
    if party_of(order, person) is not Party.DRIVER or order.accepted_at is None:
        return true()
    return OrderMessage.at >= order.accepted_at


def _of(order_id: int, person: Person) -> ColumnElement[bool]:
    return and_(Order.id == order_id, acted_on_by(person))
