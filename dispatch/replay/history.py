"""A day as it was, for living it again: what was ordered, who drove, and how drivers answered."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from db.models import Order, OrderOffer, Shift
from db.states import OfferState, OrderState
from dispatch.matching import drivers
from dispatch.matching.driver_scoring import Point
from dispatch.replay.simulation import USUAL_BUSY_S, Day, Habits, Wanted, Working

ENOUGH = 20
"""From so many answers on, drivers are taken to answer as they did."""

# Of each driver the first place of that time: what a phone of theirs said, or where they came to somebody.
_FIRST_PLACES = text("""
    SELECT DISTINCT ON (driver_id) driver_id, lat, lon
    FROM (
        SELECT phone.owner_id AS driver_id, fix.at, fix.lat, fix.lon
        FROM devices phone
        CROSS JOIN LATERAL (
            SELECT at, lat, lon FROM positions
            WHERE device_id = phone.id AND at >= :since AND at < :until
            ORDER BY at LIMIT 1
        ) fix
        WHERE phone.kind = 'phone' AND phone.owner_id = ANY (:drivers)
        UNION ALL
        SELECT driver_id, arrived_at, lat, lon FROM orders
        WHERE driver_id = ANY (:drivers) AND arrived_at >= :since AND arrived_at < :until
    ) seen
    ORDER BY driver_id, at
""")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A day as it was, and what had to be left out of it."""

    day: Day
    drivers_without_a_place: int


def read_day(session: Session, *, since: datetime, until: datetime) -> Recorded:
    """All that was ordered in this time and everybody who drove; each order is taken to have been wanted.

    Who cancelled would perhaps not have, had somebody come; so nobody cancels when a day is lived again.
    """
    orders = session.scalars(
        select(Order).where(Order.search_from >= since, Order.search_from < until).order_by(Order.search_from)
    ).all()
    working, lost = _read_drivers(session, since=since, until=until)
    day = Day(
        orders=_read_orders(session, orders, since=since),
        drivers=working,
        habits=_read_habits(session, since=since, until=until),
    )
    return Recorded(day, lost)


def _read_orders(session: Session, orders: Sequence[Order], *, since: datetime) -> list[Wanted]:
    usual = _usual_busy_s(orders)
    return [
        Wanted(
            at_s=(order.search_from - since).total_seconds(),
            place=(order.lat, order.lon),
            demand=demand,
            busy_s=usual[order.service] if (known := _busy_s(order)) is None else known,
            ends_at=_end_of(order),
        )
        for order, demand in zip(orders, drivers.demands_of(session, orders), strict=True)
    ]


def _end_of(order: Order) -> Point:
    if order.dropoff_lat is None or order.dropoff_lon is None:
        return order.lat, order.lon
    return order.dropoff_lat, order.dropoff_lon


def _busy_s(order: Order) -> float | None:
    if order.state != OrderState.COMPLETED or order.arrived_at is None or order.ended_at is None:
        return None
    return (order.ended_at - order.arrived_at).total_seconds()


def _usual_busy_s(orders: Sequence[Order]) -> dict[str, float]:
    """By service: the median of those that were completed, else what is usual anywhere."""
    known: dict[str, list[float]] = defaultdict(list)
    for order in orders:
        if (busy_s := _busy_s(order)) is not None:
            known[order.service].append(busy_s)
    return {
        service: statistics.median(known[service]) if known[service] else usual_s
        for service, usual_s in USUAL_BUSY_S.items()
    }


def _read_drivers(session: Session, *, since: datetime, until: datetime) -> tuple[list[Working], int]:
    shifts: dict[int, list[tuple[float, float]]] = defaultdict(list)
    lived = select(Shift).where(
        Shift.started_at < until, or_(Shift.ended_at.is_(None), Shift.ended_at > since)
    )
    for shift in session.scalars(lived.order_by(Shift.started_at)):
        # Whoever was there at the end of the day may still take what was ordered in its last minutes.
        ended_at = shift.ended_at or until + timedelta(days=1)
        began_s = max((shift.started_at - since).total_seconds(), 0.0)
        shifts[shift.driver_id].append((began_s, (ended_at - since).total_seconds()))
    known = drivers.list_abilities(session, shifts)
    first = {
        row.driver_id: (row.lat, row.lon)
        for row in session.execute(_FIRST_PLACES, {"drivers": list(shifts), "since": since, "until": until})
    }
    working = [
        Working(place, tuple(shifts[driver]), ability)
        for driver, (ability, last) in sorted(known.items())
        if (place := first.get(driver, last)) is not None
    ]
    return working, len(known) - len(working)


def _read_habits(session: Session, *, since: datetime, until: datetime) -> Habits:
    answered = (OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED)
    rows = session.execute(
        select(
            OrderOffer.state,
            func.count().label("times"),
            func.sum(func.extract("epoch", OrderOffer.answered_at - OrderOffer.offered_at)).label("took_s"),
        )
        .where(
            OrderOffer.offered_at >= since,
            OrderOffer.offered_at < until,
            OrderOffer.state.in_(answered),
        )
        .group_by(OrderOffer.state)
    ).all()
    count = {row.state: row.times for row in rows}
    took_s = sum(float(row.took_s or 0) for row in rows if row.state != OfferState.EXPIRED)
    said = count.get(OfferState.ACCEPTED, 0) + count.get(OfferState.DECLINED, 0)
    asked = said + count.get(OfferState.EXPIRED, 0)
    if asked < ENOUGH or not said:
        return Habits()
    return Habits(
        accept=count.get(OfferState.ACCEPTED, 0) / asked,
        silent=count.get(OfferState.EXPIRED, 0) / asked,
        answer_s=max(took_s / said, 0.1),
    )
