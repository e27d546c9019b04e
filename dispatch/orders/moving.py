"""The one way an order's state changes, with what each change leaves behind."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.models import Driver, Order, Shift, Vehicle
from db.states import OrderState, Party
from dispatch.errors import Conflict, Invalid, NotFound
from dispatch.orders import pricing, rules, timeline, withdrawing
from dispatch.orders.pricing import Rates
from dispatch.orders.rules import S

_STAMPS = {
    S.UNASSIGNED: "unassigned_at",
    S.ACCEPTED: "accepted_at",
    S.EN_ROUTE: "en_route_at",
    S.ARRIVED: "arrived_at",
    S.IN_PROGRESS: "started_at",
} | dict.fromkeys(rules.ENDED, "ended_at")

_OF_A_DRIVER = ("driver_id", "vehicle_id", "accepted_at", "en_route_at", "arrived_at", "nudged_at")


class Taken(Conflict):
    """Another driver has the order."""

    code = "taken"


class Busy(Conflict):
    """The driver has another order."""

    code = "busy"


def move(
    session: Session,
    order: Order,
    wanted: OrderState,
    *,
    party: Party,
    by: int | None,
    at: datetime,
    why: str | None = None,
    kind: str | None = None,
    **detail: Any,
) -> Order:
    """Into another state, as the table allows this party; the order is held.

    `kind` is what the timeline calls it, where the state's own word does not say it.
    """
    rules.check_move(order.state, wanted, party)
    was = order.state
    order.state = wanted
    if (stamp := _STAMPS.get(wanted)) and (wanted != S.UNASSIGNED or order.unassigned_at is None):
        setattr(order, stamp, at)
    if was in rules.TAKEN and wanted == S.REQUESTED:
        detail |= {"driver": order.driver_id}
        for name in _OF_A_DRIVER:
            setattr(order, name, None)
    if wanted in rules.ENDED | {S.ACCEPTED}:
        order.unassigned_at = None
        withdrawing.withdraw_all(session, order, why=wanted.value, at=at)
    if why is not None:
        detail |= {"why": why}
    named = kind or rules.word_for(was, wanted, party)
    timeline.record(session, order, named, party=party, by=by, at=at, **detail)
    if wanted == S.IN_PROGRESS:
        _charge_waiting(session, order, at=at)
    session.flush()
    return order


def advance(
    session: Session, order: Order, wanted: OrderState, *, party: Party, by: int | None, at: datetime
) -> Order:
    """Through all the states on the way to this one, for contracts whose words leave some out."""
    for step in rules.find_steps(order.state, wanted):
        move(session, order, step, party=party, by=by, at=at)
    return order


def take(
    session: Session,
    order: Order,
    driver_id: int,
    vehicle_id: int | None,
    *,
    party: Party,
    by: int | None,
    at: datetime,
) -> Order:
    """This driver comes, with this vehicle or that of their shift; Busy where they have another order."""
    if order.state in rules.TAKEN:
        raise Taken("another driver has this order already")
    rules.check_move(order.state, S.ACCEPTED, party)
    driver = session.scalar(select(Driver).where(Driver.user_id == driver_id).with_for_update())
    if driver is None:
        raise NotFound("there is no such driver")
    vehicle = _vehicle_of(session, driver_id, vehicle_id)
    has_another = select(Order.id).where(Order.driver_id == driver_id, Order.state.in_(rules.TAKEN))
    if session.scalar(has_another) is not None:
        raise Busy(_HAS_ANOTHER)
    try:
        with session.begin_nested():
            order.driver_id, order.vehicle_id = driver_id, vehicle
            move(session, order, S.ACCEPTED, party=party, by=by, at=at, driver=driver_id)
    except IntegrityError as error:
        # Whoever wrote it did not hold the driver; the database does not let two through all the same.
        if "uq_orders_driver" in str(error.orig):
            raise Busy(_HAS_ANOTHER) from None
        raise
    return order


def release(
    session: Session, order: Order, *, party: Party, by: int | None, at: datetime, why: str | None
) -> Order:
    """The driver does not come after all: another one is looked for at once."""
    return move(session, order, S.REQUESTED, party=party, by=by, at=at, why=why)


_HAS_ANOTHER = "this driver has another order that is not done yet"


def _vehicle_of(session: Session, driver_id: int, wanted: int | None) -> int | None:
    """What the driver comes with: what was named, or that of the shift, or the only one there is."""
    own = select(Vehicle.id).where(Vehicle.driver_id == driver_id, Vehicle.retired_at.is_(None))
    if wanted is not None:
        if session.scalar(own.where(Vehicle.id == wanted)) is None:
            raise Invalid("this driver has no such vehicle")
        return wanted
    of_shift = select(Shift.vehicle_id).where(Shift.driver_id == driver_id, Shift.ended_at.is_(None))
    if (driven := session.scalar(of_shift)) is not None:
        return driven
    all_of_theirs = session.scalars(own.limit(2)).all()
    return all_of_theirs[0] if len(all_of_theirs) == 1 else None


def _charge_waiting(session: Session, order: Order, *, at: datetime) -> None:
    """What a driver has waited at the pickup is known once they set out from there."""
    waited = rules.waited(order.arrived_at, order.scheduled_at, until=at)
    line = pricing.wait(Rates.thawed(order.quote["rates"]), waited=waited)
    if line is not None:
        order.price += line.amount
        timeline.record(
            session,
            order,
            "price_changed",
            party=Party.HOUSE,
            at=at,
            lines=[line.frozen()],
            price=order.price,
        )
