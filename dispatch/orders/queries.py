"""Reading orders; `lock_` holds the row, `get_` raises, `find_` may return None."""

import re
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, or_, select, tuple_
from sqlalchemy.orm import Session, joinedload

from db.models import Order, OrderEvent, OrderOffer
from db.states import OfferState, OrderState, Service
from dispatch.errors import NotFound

_MOST_ID_DIGITS = 18
_FORMATTING = re.compile(r"[\s()./-]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders to list."""

    states: Sequence[OrderState] = ()
    services: Sequence[Service] = ()
    region: str | None = None
    driver: uuid.UUID | None = None
    customer: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


def lock_order(session: Session, which: ColumnElement[bool]) -> Order:
    """The one order that this names, held until the transaction ends; offers and drivers come after it."""
    order = session.scalar(
        select(Order).where(which).with_for_update(of=Order).execution_options(populate_existing=True)
    )
    if order is None:
        raise NotFound("there is no such order")
    return order


def get_order(session: Session, which: ColumnElement[bool]) -> Order:
    """The one order that this names, as it stands in the database, with its people and what comes."""
    order = session.scalar(_with_people().where(which).execution_options(populate_existing=True))
    if order is None:
        raise NotFound("there is no such order")
    return order


def by_uuid(order_uuid: uuid.UUID) -> ColumnElement[bool]:
    """Names an order as facts and timers do."""
    return Order.uuid == order_uuid


def by_id(order_id: int) -> ColumnElement[bool]:
    """Names an order as paths do."""
    return Order.id == order_id


def list_orders(
    session: Session,
    wanted: Wanted,
    *,
    seen_by: ColumnElement[bool],
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> Sequence[Order]:
    """Newest first; `before` is the (requested_at, id) of the last one seen."""
    found = _with_people().where(seen_by)
    if wanted.states:
        found = found.where(Order.state.in_(wanted.states))
    if wanted.services:
        found = found.where(Order.service.in_(wanted.services))
    if wanted.region is not None:
        found = found.where(Order.region == wanted.region)
    if wanted.driver is not None:
        found = found.where(Order.driven_by.has(uuid=wanted.driver))
    if wanted.customer is not None:
        found = found.where(Order.customer.has(uuid=wanted.customer))
    if wanted.since is not None:
        found = found.where(Order.requested_at >= wanted.since)
    if wanted.until is not None:
        found = found.where(Order.requested_at < wanted.until)
    if wanted.text is not None:
        found = found.where(_says(wanted.text))
    if before is not None:
        found = found.where(tuple_(Order.requested_at, Order.id) < before)
    newest_first = found.order_by(Order.requested_at.desc(), Order.id.desc())
    return session.scalars(newest_first.limit(limit)).all()


def timeline(session: Session, order_id: int) -> Sequence[OrderEvent]:
    """What happened, in the order in which it did, with who did it."""
    return session.scalars(
        select(OrderEvent)
        .where(OrderEvent.order_id == order_id)
        .options(joinedload(OrderEvent.by))
        .order_by(OrderEvent.id)
    ).all()


def read_whole(session: Session, ids: Collection[int]) -> dict[int, Order]:
    """These orders, each with its people and what comes, for somebody who may see them."""
    found = session.scalars(_with_people().where(Order.id.in_(ids)).execution_options(populate_existing=True))
    return {order.id: order for order in found}


def find_promise(session: Session, order: Order) -> int | None:
    """In how many seconds the driver of an order would be there, as it was reckoned when they accepted."""
    if order.driver_id is None:
        return None
    accepted = select(OrderOffer.eta_s).where(
        OrderOffer.order_id == order.id,
        OrderOffer.driver_id == order.driver_id,
        OrderOffer.state == OfferState.ACCEPTED,
    )
    return session.scalar(accepted.order_by(OrderOffer.id.desc()).limit(1))


def _says(text: str) -> ColumnElement[bool]:
    """Whether an order's number is this, or its addresses, notes, contact or plate contain it.

    Numbers and plates are found however they are spaced.
    """
    bare = _FORMATTING.sub("", text)
    said = [
        Order.said.contains(form.lower(), autoescape=True) for form in dict.fromkeys((text, bare)) if form
    ]
    if bare.isascii() and bare.isdecimal() and len(bare) <= _MOST_ID_DIGITS:
        said.append(Order.id == int(bare))
    return or_(*said)


def _with_people() -> Select[Order]:
    return select(Order).options(
        joinedload(Order.customer), joinedload(Order.driven_by), joinedload(Order.coming)
    )
