"""The one way an order's state changes, with what each change leaves behind."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.models import Driver, Order, Shift, Vehicle
from db.states import OrderState, Party
from dispatch.errors import Conflict, NotFound
from dispatch.orders import offers, rules, timeline
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
    if stamp := _STAMPS.get(wanted):
        setattr(order, stamp, at)
    if was in rules.TAKEN and wanted == S.REQUESTED:
        detail |= {"driver": order.driver_id}
        for name in _OF_A_DRIVER:
            setattr(order, name, None)
    if wanted in rules.ENDED | {S.ACCEPTED}:
        order.unassigned_at = None
        offers.withdraw_all(session, order, why=wanted, at=at)
    if why is not None:
        detail |= {"why": why}
    name = kind or rules.word_for(was, wanted, party)
    timeline.record(session, order, name, party=party, by=by, at=at, **detail)
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
    """This driver comes, with this vehicle or that of their shift; a driver comes to one order at a time."""
    if order.state in rules.TAKEN:
        raise Taken("another driver has this order already")
    rules.check_move(order.state, S.ACCEPTED, party)
    driver = session.scalar(select(Driver).where(Driver.user_id == driver_id).with_for_update())
    if driver is None:
        raise NotFound("there is no such driver")
    order.driver_id, order.vehicle_id = driver_id, vehicle_id or _vehicle_of(session, driver_id)
    try:
        with session.begin_nested():
            return move(session, order, S.ACCEPTED, party=party, by=by, at=at, driver=driver_id)
    except IntegrityError as error:
        if "uq_orders_driver" in str(error.orig):
            raise Busy("this driver has another order that is not done yet") from None
        raise


def release(
    session: Session, order: Order, *, party: Party, by: int | None, at: datetime, why: str | None
) -> Order:
    """The driver does not come after all: another one is looked for, at once."""
    order.search_from = at
    return move(session, order, S.REQUESTED, party=party, by=by, at=at, why=why)


def _vehicle_of(session: Session, driver_id: int) -> int | None:
    """What the driver comes with: the vehicle of the shift, or the only one there is."""
    driven = session.scalar(
        select(Shift.vehicle_id).where(Shift.driver_id == driver_id, Shift.ended_at.is_(None))
    )
    if driven is not None:
        return driven
    own = session.scalars(
        select(Vehicle.id).where(Vehicle.driver_id == driver_id, Vehicle.retired_at.is_(None)).limit(2)
    ).all()
    return own[0] if len(own) == 1 else None
