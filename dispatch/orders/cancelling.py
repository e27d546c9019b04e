"""An order is given up: whose fault that is, what it costs, and when it may be said that nobody was there."""

from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import LastPlace, Order, OrderEvent
from db.states import Party
from dispatch.errors import Conflict, IllegalMove
from dispatch.orders import faults, moving, pricing, queries, rules, timeline, ways
from dispatch.orders.faults import Coming, Evidence
from dispatch.orders.pricing import Rates
from dispatch.orders.rules import S

CALL = "call_attempted"


class NotShown(Conflict):
    """That nobody is there has to be shown before it is believed."""

    code = "no_evidence"


def cancel(
    session: Session,
    order: Order,
    *,
    party: Party,
    by: int | None,
    at: datetime,
    why: str | None,
    fault: Party | None = None,
) -> Order:
    """Nobody needs to come any more; the order, which is held, costs its fee.

    `fault` is what the desk has found out; else it is told by the rules.
    """
    rules.check_move(order.state, S.CANCELLED, party)
    blamed = fault or _find_fault(session, order, party, at=at)
    fee = _fee(order, blamed, at=at)
    order.fault, order.why, order.price = blamed, why, fee
    return moving.move(session, order, S.CANCELLED, party=party, by=by, at=at, why=why, fault=blamed, fee=fee)


def fee_now(session: Session, order: Order, *, at: datetime) -> int:
    """What it would cost the customer to cancel now."""
    return _fee(order, _find_fault(session, order, Party.CUSTOMER, at=at), at=at)


def log_call(session: Session, order: Order, *, party: Party, by: int | None, at: datetime) -> Order:
    """Somebody tried to reach the customer by telephone."""
    if order.state not in rules.TAKEN:
        raise IllegalMove(f"an order that is {order.state} has no driver who could be looked for")
    timeline.record(session, order, CALL, party=party, by=by, at=at)
    session.flush()
    return order


def no_show(
    session: Session, order: Order, *, party: Party, by: int | None, at: datetime, why: str | None = None
) -> Order:
    """Nobody was there: the driver stood at the pickup, waited and called; the order costs its fee."""
    rules.check_move(order.state, S.NO_SHOW, party)
    evidence = gather(session, order, at=at)
    if missing := evidence.missing:
        raise NotShown(f"that nobody is there is not shown yet: {'; '.join(missing)}")
    fee = pricing.no_show_fee(Rates.thawed(order.quote["rates"]))
    order.fault, order.why, order.price = Party.CUSTOMER, why, fee
    return moving.move(
        session, order, S.NO_SHOW, party=party, by=by, at=at, why=why, fee=fee, evidence=asdict(evidence)
    )


def gather(session: Session, order: Order, *, at: datetime) -> Evidence:
    """What is known of the driver's waiting, as it stands now."""
    waited = rules.waited(order.arrived_at, order.scheduled_at, until=at)
    calls = select(func.count()).where(
        OrderEvent.order_id == order.id, OrderEvent.kind == CALL, OrderEvent.at >= (order.arrived_at or at)
    )
    distance_m, age_s = _where(session, order, at=at)
    return Evidence(
        distance_m=distance_m,
        age_s=age_s,
        waited_s=round(waited / timedelta(seconds=1), 1),
        free_wait_s=order.quote["rates"]["free_wait_s"],
        calls=session.scalar(calls) or 0,
    )


def _where(session: Session, order: Order, *, at: datetime) -> tuple[float | None, float | None]:
    """How far from the pickup the driver was last, and how long ago that was."""
    place = session.scalar(select(LastPlace).where(LastPlace.user_id == order.driver_id))
    if place is None:
        return None, None
    distance_m = ways.distance_m(order.lat, order.lon, place.lat, place.lon)
    return round(distance_m, 1), round((at - place.at) / timedelta(seconds=1), 1)


def _find_fault(session: Session, order: Order, party: Party, *, at: datetime) -> Party | None:
    eta_s = queries.find_promise(session, order)
    coming = Coming(order.state, order.accepted_at, eta_s, order.scheduled_at, order.nudged_at)
    return faults.find_fault(coming, party, at=at)


def _fee(order: Order, blamed: Party | None, *, at: datetime) -> int:
    rates = Rates.thawed(order.quote["rates"])
    return pricing.cancel_fee(rates, fault=blamed, accepted_at=order.accepted_at, at=at)
