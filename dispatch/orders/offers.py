"""Asking drivers to take an order, and what they answer; whoever changes an offer holds its order."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db import notifications, timers, work
from db.models import Device, Driver, Order, OrderOffer, Timer, User
from db.states import OfferState, OrderState, Party, Role, UserStatus
from dispatch import telling
from dispatch.errors import Conflict, Forbidden, IllegalMove, NotFound
from dispatch.orders import moving, queries, rules, timeline
from dispatch.orders.withdrawing import BY, TIMER, end, key, lock_open

CHANNEL = work.of_orders("offer")
"""By which the phones of a driver are asked."""

_ENGAGED = "has another order"


class Expired(Conflict):
    """The time for an answer is over."""

    code = "expired"

    def __init__(self) -> None:
        super().__init__("too late: the time for an answer to this offer is over; others are asked now")


class Over(Conflict):
    """Nobody need come any more, or not by this offer."""

    code = "over"


# Asking.


def make(
    session: Session,
    order: Order,
    driver_id: int,
    *,
    distance_m: float | None,
    eta_s: int | None,
    score: float | None,
    terms: Mapping[str, Any],
    at: datetime,
) -> OrderOffer | None:
    """Ask a driver to take a held order that waits; None where they were asked, or took one, meanwhile."""
    if not _hold_free(session, driver_id):
        return None
    offer = OrderOffer(
        uuid=uuid.uuid4(),
        order_id=order.id,
        driver_id=driver_id,
        state=OfferState.OPEN,
        offered_at=at,
        until_at=at + rules.ANSWER_WITHIN,
        distance_m=distance_m,
        eta_s=eta_s,
        score=score,
        terms=dict(terms),
    )
    session.add(offer)
    session.flush()
    timers.set_first(session, offer.uuid, TIMER, due_at=offer.until_at, at=at)
    _tell(session, order, offer, at=at)
    detail: dict[str, Any] = _named(offer) | {"distance_m": distance_m, "eta_s": eta_s}
    if order.state == OrderState.OFFERED:
        timeline.record(session, order, "offered", party=Party.HOUSE, at=at, **detail)
    else:
        moving.move(session, order, OrderState.OFFERED, party=Party.HOUSE, by=None, at=at, **detail)
    return offer


def _hold_free(session: Session, driver_id: int) -> bool:
    """Hold a driver, and say whether they have no order and were asked for none."""
    held = select(Driver.user_id).where(Driver.user_id == driver_id).with_for_update(key_share=True)
    if session.scalar(held) is None:
        return False
    is_asked = select(OrderOffer.id).where(
        OrderOffer.driver_id == driver_id, OrderOffer.state == OfferState.OPEN
    )
    is_coming = select(Order.id).where(Order.driver_id == driver_id, Order.state.in_(rules.TAKEN))
    return not session.scalar(select(is_asked.exists() | is_coming.exists()))


def _tell(session: Session, order: Order, offer: OrderOffer, *, at: datetime) -> None:
    telling.tell_of_order(
        session,
        session.get_one(User, offer.driver_id),
        "order.offer",
        key=key(offer),
        until_at=offer.until_at,
        at=at,
        order_id=order.id,
        by=BY,
        values={
            "service": order.service,
            "distance": "" if offer.distance_m is None else str(round(offer.distance_m)),
            "price": f"{order.price} {order.currency}",
        },
    )
    notifications.request(session, CHANNEL, offer.uuid, at=at)


# Answering.


def accept(session: Session, offer_uuid: uuid.UUID, *, by: int, via: str, at: datetime) -> Order:
    """A driver comes; Taken where another was first, Expired after the deadline; said again, nothing new."""
    order, offer = _hold(session, OrderOffer.uuid == offer_uuid, by)
    if offer.state == OfferState.ACCEPTED and order.driver_id == by:
        return order
    _require_open(order, offer, at=at)
    end(session, offer, OfferState.ACCEPTED, via=via, at=at)
    telling.confirm_key(session, by, key(offer), via=via, at=at)
    session.flush()
    return moving.take(session, order, by, None, party=Party.DRIVER, by=by, at=at)


def decline(
    session: Session, offer_uuid: uuid.UUID, *, by: int, via: str, why: str | None = None, at: datetime
) -> Order:
    """A driver does not come; who had said yes before gives the order back with it."""
    order, offer = _hold(session, OrderOffer.uuid == offer_uuid, by)
    telling.confirm_key(session, by, key(offer), via=via, at=at)
    if offer.state == OfferState.OPEN:
        end(session, offer, OfferState.DECLINED, via=via, why=why, at=at)
        _answered(session, order, offer, "declined", party=Party.DRIVER, by=by, at=at, via=via, why=why)
    elif offer.state == OfferState.ACCEPTED and order.driver_id == by and order.state in rules.TAKEN:
        moving.release(session, order, party=Party.DRIVER, by=by, at=at, why=why)
    return order


def lapse(session: Session, timer: Timer, *, at: datetime) -> None:
    """Silence that lasted too long is a no."""
    order_id = session.scalar(select(OrderOffer.order_id).where(OrderOffer.uuid == timer.subject))
    if order_id is None:
        return
    order = queries.lock_order(session, Order.id == order_id)
    for offer in lock_open(session, order):
        if offer.uuid == timer.subject and offer.until_at <= at:
            end(session, offer, OfferState.EXPIRED, at=at)
            _answered(session, order, offer, "offer_expired", party=Party.HOUSE, by=None, at=at)


def let_go(session: Session, driver_id: int, *, why: str = _ENGAGED, at: datetime) -> None:
    """Wait for no answer of a driver who has an order by now, or is asked no more; nothing is held yet."""
    asked = (OrderOffer.driver_id == driver_id, OrderOffer.state == OfferState.OPEN)
    order_id = session.scalar(select(OrderOffer.order_id).where(*asked))
    if order_id is None:
        return
    order = queries.lock_order(session, Order.id == order_id)
    for offer in lock_open(session, order):
        if offer.driver_id == driver_id:
            end(session, offer, OfferState.WITHDRAWN, why=why, at=at)
            telling.withdraw_key(session, driver_id, key(offer), at=at)
            _answered(session, order, offer, "offer_withdrawn", party=Party.HOUSE, by=None, at=at, why=why)


def settle(
    session: Session, device_id: int, frame_id: str, *, ok: bool, why: str | None, at: datetime
) -> bool:
    """Take a phone's reply to an offer; False when its owner was never asked under this id."""
    number = frame_id.removeprefix("o")
    if number == frame_id or not (number.isascii() and number.isdecimal()) or len(number) > 18:
        return False
    owner = select(Device.owner_id).where(Device.id == device_id, Device.retired_at.is_(None))
    own = (OrderOffer.id == int(number), OrderOffer.driver_id == owner.scalar_subquery())
    found = session.execute(select(OrderOffer.uuid, OrderOffer.driver_id).where(*own)).first()
    if found is None:
        return False
    if ok:
        accept(session, found.uuid, by=found.driver_id, via="mqtt", at=at)
    else:
        decline(session, found.uuid, by=found.driver_id, via="mqtt", why=why, at=at)
    return True


def find_offer(session: Session, order_id: int, driver_id: int) -> uuid.UUID:
    """The last offer of an order to this driver, for contracts that answer an order and not an offer."""
    own = select(OrderOffer.uuid).where(OrderOffer.order_id == order_id, OrderOffer.driver_id == driver_id)
    found = session.scalar(own.order_by(OrderOffer.id.desc()).limit(1))
    if found is None:
        raise NotFound("you were not asked to take this order")
    return found


def _answered(
    session: Session,
    order: Order,
    offer: OrderOffer,
    what: str,
    *,
    party: Party,
    by: int | None,
    at: datetime,
    **detail: Any,
) -> None:
    """Of an answer that is none: where nobody else is asked, the next round finds somebody."""
    session.flush()
    detail = _named(offer) | {name: said for name, said in detail.items() if said is not None}
    if order.state == OrderState.OFFERED and not lock_open(session, order):
        moving.move(session, order, OrderState.REQUESTED, party=party, by=by, at=at, kind=what, **detail)
    else:
        timeline.record(session, order, what, party=party, by=by, at=at, **detail)


def _hold(session: Session, which: ColumnElement[bool], driver_id: int) -> tuple[Order, OrderOffer]:
    """An offer of this driver's and its order, both held: the order first, as everybody does."""
    own = (which, OrderOffer.driver_id == driver_id)
    drives = User.granted.any(role=Role.DRIVER)
    found = session.execute(
        select(OrderOffer.order_id, User.status, drives.label("drives"))
        .join(User, User.id == OrderOffer.driver_id)
        .where(*own)
    ).first()
    if found is None:
        raise NotFound("there is no such offer of yours")
    if found.status != UserStatus.ACTIVE:
        raise Forbidden("this account is blocked")
    if not found.drives:
        raise Forbidden("this needs the role driver")
    order = queries.lock_order(session, Order.id == found.order_id)
    offer = session.scalars(
        select(OrderOffer).where(*own).with_for_update().execution_options(populate_existing=True)
    ).one()
    return order, offer


def _require_open(order: Order, offer: OrderOffer, *, at: datetime) -> None:
    """Raise what keeps this offer from being accepted, in the words that help its driver most."""
    if order.state in rules.ENDED:
        raise Over("it is over: nobody need come for this order any more")
    if offer.state in (OfferState.DECLINED, OfferState.ACCEPTED):
        raise IllegalMove("you have said that you do not come; a dispatcher can still give you this order")
    if order.state in rules.TAKEN:
        raise moving.Taken("another driver has this order already; you will be asked for the next")
    if offer.state == OfferState.EXPIRED or offer.until_at <= at:
        raise Expired
    if offer.state != OfferState.OPEN:
        raise Over("this offer was taken back; you may be asked again")


def _named(offer: OrderOffer) -> dict[str, Any]:
    return {"offer": str(offer.uuid), "driver": offer.driver_id}
