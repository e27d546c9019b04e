"""How a driver answers, and what becomes of the orders they took."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import Order, OrderEvent, OrderOffer
from db.states import OfferState, OrderState, Party
from dispatch.fleet import shifts

_ENDS = (OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED, OfferState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Statistics:
    """One driver's figures of one time; a share is null where nothing was there to share."""

    offers: int
    accepted: int
    declined: int
    expired: int
    withdrawn: int  # taken back before there was an answer: no fault of anybody's
    acceptance_share: float | None
    answer_p50_s: float | None
    pickup_distance_p50_m: float | None
    completed: int
    cancelled: int
    cancelled_by_fault_of_driver: int
    no_shows: int
    given_back: int
    completion_share: float | None
    hours: float
    completed_per_hour: float | None


def count(session: Session, driver_id: int, *, since: datetime, until: datetime, at: datetime) -> Statistics:
    """The figures of what was offered, and of what ended, from `since` until before `until`."""
    offered = _offers(session, driver_id, since, until)
    ended = _orders(session, driver_id, since, until)
    given_back = _given_back(session, driver_id, since, until)
    until_now = min(until, at)
    present = shifts.list_between(session, driver_id, since=since, until=until_now)
    hours = shifts.sum_hours(present, since=since, until=until_now)
    answered = offered.accepted + offered.declined + offered.expired
    taken = ended.completed + ended.cancelled + ended.no_shows + given_back
    return Statistics(
        offers=offered.offers,
        accepted=offered.accepted,
        declined=offered.declined,
        expired=offered.expired,
        withdrawn=offered.withdrawn,
        acceptance_share=_share(offered.accepted, answered),
        answer_p50_s=offered.answer_p50_s,
        pickup_distance_p50_m=offered.pickup_distance_p50_m,
        completed=ended.completed,
        cancelled=ended.cancelled,
        cancelled_by_fault_of_driver=ended.by_fault_of_driver,
        no_shows=ended.no_shows,
        given_back=given_back,
        completion_share=_share(ended.completed, taken),
        hours=round(hours, 2),
        completed_per_hour=round(ended.completed / hours, 2) if hours else None,
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def _offers(session: Session, driver_id: int, since: datetime, until: datetime) -> Any:
    def so_many(state: OfferState) -> Any:
        return func.count().filter(OrderOffer.state == state).label(state.value)

    answer_s = func.extract("epoch", OrderOffer.answered_at - OrderOffer.offered_at)
    said = OrderOffer.state.in_((OfferState.ACCEPTED, OfferState.DECLINED))
    return session.execute(
        select(
            func.count().label("offers"),
            *map(so_many, _ENDS),
            func.percentile_cont(0.5).within_group(answer_s).filter(said).label("answer_p50_s"),
            func.percentile_cont(0.5).within_group(OrderOffer.distance_m).label("pickup_distance_p50_m"),
        ).where(
            OrderOffer.driver_id == driver_id, OrderOffer.offered_at >= since, OrderOffer.offered_at < until
        )
    ).one()


def _orders(session: Session, driver_id: int, since: datetime, until: datetime) -> Any:
    cancelled = Order.state == OrderState.CANCELLED
    return session.execute(
        select(
            func.count().filter(Order.state == OrderState.COMPLETED).label("completed"),
            func.count().filter(cancelled).label("cancelled"),
            func.count().filter(cancelled, Order.fault == Party.DRIVER).label("by_fault_of_driver"),
            func.count().filter(Order.state == OrderState.NO_SHOW).label("no_shows"),
        ).where(Order.driver_id == driver_id, Order.ended_at >= since, Order.ended_at < until)
    ).one()


def _given_back(session: Session, driver_id: int, since: datetime, until: datetime) -> int:
    # An order that was given back is another driver's by now: its offer still leads to it.
    was_theirs = select(OrderOffer.order_id).where(
        OrderOffer.driver_id == driver_id, OrderOffer.state == OfferState.ACCEPTED
    )
    given_back = select(func.count()).where(
        OrderEvent.order_id.in_(was_theirs),
        OrderEvent.kind == "given_back",
        OrderEvent.detail["driver"].as_integer() == driver_id,
        OrderEvent.party != Party.DISPATCHER,  # what a desk takes away, nobody gives back
        OrderEvent.at >= since,
        OrderEvent.at < until,
    )
    return session.scalars(given_back).one()
