"""A dispatcher gives an order to a driver, whatever the rounds would do."""

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.models import Driver, Order, OrderOffer, User
from db.states import OfferState, Party, Role, UserStatus
from dispatch.errors import Conflict, NotFound
from dispatch.fleet.rules import licence_expired
from dispatch.orders import moving, queries, withdrawing

VIA = "desk"


class Unfit(Conflict):
    """This driver cannot be given this order."""

    code = "unfit"


def assign(
    session: Session,
    which: ColumnElement[bool],
    driver_id: int,
    *,
    vehicle_id: int | None = None,
    by: int,
    at: datetime,
) -> Order:
    """Give a waiting order to a driver; said again of the same driver, it changes nothing.

    How far they are and whether they are online is for the dispatcher to weigh, who has spoken with them.
    """
    order = queries.lock_order(session, which)
    if order.driver_id == driver_id:
        return order
    _require_fit(session, order, driver_id, at=at)
    _count(session, order, driver_id, at=at)
    return moving.take(session, order, driver_id, vehicle_id, party=Party.DISPATCHER, by=by, at=at)


def _require_fit(session: Session, order: Order, driver_id: int, *, at: datetime) -> None:
    found = session.execute(
        select(User.status, Driver.services, Driver.licence_expires_on)
        .join(Driver, Driver.user_id == User.id)
        .where(User.id == driver_id, User.granted.any(role=Role.DRIVER))
    ).first()
    if found is None:
        raise NotFound("there is no such driver")
    if found.status != UserStatus.ACTIVE:
        raise Unfit("this driver's account is blocked")
    if driver_id == order.customer_id:
        raise Unfit("this driver is the customer")
    if order.service not in found.services:
        raise Unfit(f"this driver does not do {order.service}; what they do stands in their profile")
    if licence_expired(found.licence_expires_on, at=at):
        raise Unfit(f"this driver's licence has expired on {found.licence_expires_on}")


def _count(session: Session, order: Order, driver_id: int, *, at: datetime) -> None:
    """What a driver was given counts as what they accepted, so that others have their turn."""
    for offer in withdrawing.lock_open(session, order):
        if offer.driver_id == driver_id:
            withdrawing.end(session, offer, OfferState.ACCEPTED, via=VIA, at=at)
            break
    else:
        session.add(
            OrderOffer(
                uuid=uuid.uuid4(),
                order_id=order.id,
                driver_id=driver_id,
                state=OfferState.ACCEPTED,
                offered_at=at,
                until_at=at,
                answered_at=at,
                answered_via=VIA,
                terms={},
            )
        )
    session.flush()
