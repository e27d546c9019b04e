"""A dispatcher gives an order to a driver, whatever the rounds would do."""

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.models import Driver, Order, OrderOffer, User
from db.states import OfferState, OrderState, Party, Role, UserStatus
from dispatch.errors import Conflict, NotFound
from dispatch.matching import drivers
from dispatch.matching.driver_rules import licence_expired
from dispatch.orders import moving, queries, rules, withdrawing

VIA = "desk"


class Unfit(Conflict):
    """This driver cannot be given this order."""

    code = "unfit"


class Nobody(Conflict):
    """There is no driver to whom the order could be given."""

    code = "nobody"


def assign(
    session: Session,
    which: ColumnElement[bool],
    driver_id: int | None = None,
    *,
    vehicle_id: int | None = None,
    by: int,
    at: datetime,
) -> Order:
    """Give a waiting order to a driver, or to the best candidate; said again of the same, nothing changes.

    How far a driver is and whether they are online is for the dispatcher to weigh, who has spoken with them.
    """
    order = queries.lock_order(session, which)
    if driver_id is not None and order.driver_id == driver_id:
        return order
    if order.state in rules.TAKEN:
        raise moving.Taken("a driver has this order already; to give it to another, take it back first")
    rules.check_move(order.state, OrderState.ACCEPTED, Party.DISPATCHER)
    chosen = _find_best(session, order, at=at) if driver_id is None else driver_id
    _require_fit(session, order, chosen, at=at)
    _count(session, order, chosen, at=at)
    return moving.take(session, order, chosen, vehicle_id, party=Party.DISPATCHER, by=by, at=at)


def _find_best(session: Session, order: Order, *, at: datetime) -> int:
    found = drivers.find_candidates(session, order, at=at)
    if not found or found[0].reasons:
        raise Nobody("nobody can be asked now: the candidates say who is near and what speaks against them")
    return found[0].driver_id


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
