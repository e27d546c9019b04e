"""Asking drivers to take an order, and what they answer; whoever changes an offer holds its order."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db import timers
from db.models import Driver, Order, OrderOffer, Shift, Timer, Vehicle
from db.states import OfferState, OrderState, Party
from dispatch.errors import Conflict, NotFound
from dispatch.orders import moving, queries, rules, timeline
from dispatch.orders.withdrawing import TIMER, end, lock_open, withdraw_all

__all__ = ["TIMER", "Expired", "Taken", "accept", "decline", "lapse", "make", "withdraw_all"]


class Taken(Conflict):
    """Somebody else has it: this answer came too late."""

    code = "taken"

    def __init__(self) -> None:
        super().__init__("taken: another driver has this order already; you are asked again for the next")


class Expired(Conflict):
    """The time for an answer is over."""

    code = "expired"

    def __init__(self) -> None:
        super().__init__("too late: the time for an answer to this offer is over; others are asked now")


class Withdrawn(Conflict):
    """Nobody need come any more."""

    code = "withdrawn"

    def __init__(self, why: str | None) -> None:
        super().__init__(f"this offer was taken back: {why or 'nobody need come any more'}")


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
    """Ask a driver to take a held order; None where they were asked, or took one, meanwhile."""
    driver = session.scalar(select(Driver).where(Driver.user_id == driver_id).with_for_update(key_share=True))
    if driver is None or _is_engaged(session, driver_id):
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
    detail: dict[str, Any] = {
        "offer": str(offer.uuid),
        "driver": driver_id,
        "distance_m": distance_m,
        "eta_s": eta_s,
    }
    if order.state == OrderState.OFFERED:
        timeline.record(session, order, "offered", party=Party.HOUSE, at=at, **detail)
    else:
        moving.move(session, order, OrderState.OFFERED, party=Party.HOUSE, by=None, at=at, **detail)
    return offer


def accept(session: Session, offer_uuid: uuid.UUID, *, by: int, via: str, at: datetime) -> Order:
    """A driver comes; Taken where another was first, Expired after the deadline; said again, nothing new."""
    order, offer = _hold(session, OrderOffer.uuid == offer_uuid, by)
    if offer.state == OfferState.ACCEPTED and order.driver_id == by:
        return order
    _require_open(order, offer, at=at)
    end(session, offer, OfferState.ACCEPTED, at=at)
    offer.answered_via = via
    session.flush()
    vehicle_id = _find_vehicle(session, by)
    moving.take(session, order, by, vehicle_id, party=Party.DRIVER, by=by, at=at)
    return order


def decline(
    session: Session, offer_uuid: uuid.UUID, *, by: int, via: str, why: str | None = None, at: datetime
) -> OrderOffer:
    """A driver does not come; the next is asked."""
    order, offer = _hold(session, OrderOffer.uuid == offer_uuid, by)
    if offer.state == OfferState.OPEN:
        end(session, offer, OfferState.DECLINED, why=why, at=at)
        offer.answered_via = via
        timeline.record(
            session, order, "declined", party=Party.DRIVER, by=by, at=at, offer=str(offer.uuid), why=why
        )
        _look_further(session, order, at=at)
    return offer


def lapse(session: Session, timer: Timer, *, at: datetime) -> None:
    """Silence that lasted too long is a no; the next is asked."""
    order_id = session.scalar(select(OrderOffer.order_id).where(OrderOffer.uuid == timer.subject))
    if order_id is None:
        return
    order = queries.lock_order(session, Order.id == order_id)
    for offer in lock_open(session, order):
        if offer.uuid == timer.subject:
            end(session, offer, OfferState.EXPIRED, at=at)
            timeline.record(
                session,
                order,
                "offer_expired",
                party=Party.HOUSE,
                at=at,
                offer=str(offer.uuid),
                driver=offer.driver_id,
            )
    _look_further(session, order, at=at)


def _look_further(session: Session, order: Order, *, at: datetime) -> None:
    """Nobody is asked any more: the next round finds somebody."""
    session.flush()
    if order.state == OrderState.OFFERED and not lock_open(session, order):
        moving.move(session, order, OrderState.REQUESTED, party=Party.HOUSE, by=None, at=at)


def _hold(session: Session, which: ColumnElement[bool], driver_id: int) -> tuple[Order, OrderOffer]:
    """An offer of this driver's and its order, both held: the order first, as everybody does."""
    own = (which, OrderOffer.driver_id == driver_id)
    order_id = session.scalar(select(OrderOffer.order_id).where(*own))
    if order_id is None:
        raise NotFound("there is no such offer of yours")
    order = queries.lock_order(session, Order.id == order_id)
    offer = session.scalars(
        select(OrderOffer).where(*own).with_for_update().execution_options(populate_existing=True)
    ).one()
    return order, offer


def _require_open(order: Order, offer: OrderOffer, *, at: datetime) -> None:
    if offer.state == OfferState.EXPIRED or (offer.state == OfferState.OPEN and offer.until_at <= at):
        raise Expired
    if offer.state == OfferState.DECLINED:
        raise Conflict("you have declined this offer; a dispatcher can still give you the order")
    if order.state in rules.TAKEN:
        raise Taken
    if offer.state != OfferState.OPEN:
        raise Withdrawn(offer.why)


def _is_engaged(session: Session, driver_id: int) -> bool:
    """Whether a driver who is held has an order, or was asked and has not answered."""
    is_asked = select(OrderOffer.id).where(
        OrderOffer.driver_id == driver_id, OrderOffer.state == OfferState.OPEN
    )
    is_coming = select(Order.id).where(Order.driver_id == driver_id, Order.state.in_(rules.TAKEN))
    return bool(session.scalar(select(is_asked.exists() | is_coming.exists())))


def _find_vehicle(session: Session, driver_id: int) -> int | None:
    """What a driver comes with: that of the shift, else their first."""
    of_shift = select(Shift.vehicle_id).where(Shift.driver_id == driver_id, Shift.ended_at.is_(None))
    first = select(Vehicle.id).where(Vehicle.driver_id == driver_id, Vehicle.retired_at.is_(None))
    return session.scalar(of_shift) or session.scalar(first.order_by(Vehicle.id).limit(1))
