"""Rounds: again and again, all orders that wait and all drivers who are there are looked at together.

What a round decides it does order by order, each in a small transaction that looks anew: whatever changed
meanwhile stops that one order alone, and the next round sees it as it is then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from db.models import Order, OrderOffer
from db.session import TRANSIENT, Database
from db.states import OfferState, OrderState, Party
from dispatch.matching import driver_rules, drivers
from dispatch.matching.driver_scoring import Policy, Score, There
from dispatch.matching.drivers import Standings
from dispatch.matching.planning import Plan, Waiting, plan
from dispatch.orders import moving, offers, queries, rules

log = structlog.get_logger()

ALL_BUSY, NOBODY_ABLE = "all_busy", "nobody_able"
"""Why a person is asked: drivers who could come have other orders, or there are none."""

MOST = 200
"""So many orders are done something about in one round: a deadline runs from its beginning."""

# Spelled out as the index is, so that it serves.
_WAIT = text("orders.state IN ('requested', 'offered', 'unassigned')")
_IS_OPEN = OrderOffer.state == OfferState.OPEN


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to."""

    waiting: int = 0
    drivers: int = 0
    offered: int = 0
    unassigned: int = 0
    left: int = 0  # to be done by the next one, at once


@dataclass(frozen=True, slots=True)
class _Look:
    """What a round was told: orders, in the order in which they wait, and drivers."""

    orders: Sequence[Order]
    waiting: Sequence[Waiting]
    there: Sequence[There]


def run(database: Database, *, policy: Policy, at: datetime, known: Standings | None = None) -> Round:
    """Ask drivers for all orders that wait, and a person for those whom nobody is left for.

    Who holds round after round keeps what is `known` of drivers from one to the next.
    """
    with database.transaction() as session:
        look = _look(session, known or Standings(), at=at)
    if not look.orders:
        return Round()
    found = plan(look.waiting, look.there, policy)
    asks, needy = found.proposals[:MOST], _without(look, found)
    spare = MOST - len(asks)
    offered = sum(
        _ask(database, look.orders[each.order].id, look.there[each.driver].key, each.score, at=at)
        for each in asks
    )
    unassigned = sum(
        _ask_a_person(database, look.orders[number].id, why, at=at) for number, why in needy[:spare]
    )
    return Round(
        waiting=len(look.orders),
        drivers=len(look.there),
        offered=offered,
        unassigned=unassigned,
        # Where nothing could be done, nothing is gained by trying again at once.
        left=len(found.proposals) - len(asks) + len(needy[spare:]) if offered or unassigned else 0,
    )


def _look(session: Session, known: Standings, *, at: datetime) -> _Look:
    """All that is needed of it, as it stands; drivers are looked for only where somebody waits."""
    asked_now = select(func.count()).where(OrderOffer.order_id == Order.id, _IS_OPEN).scalar_subquery()
    found = session.execute(
        select(Order, asked_now.label("asked_now"))
        .where(_WAIT, Order.search_from <= at, asked_now < Order.at_once)
        .order_by(Order.search_from, Order.id)
    ).all()
    if not found:
        return _Look([], [], [])
    orders = [row.Order for row in found]
    demands = drivers.demands_of(session, orders)
    asked = drivers.find_asked(session, [order.id for order in orders], at=at)
    waiting = [
        Waiting(
            (row.Order.lat, row.Order.lon),
            demand,
            waited=at - row.Order.search_from,
            excluded=asked[row.Order.id] | {row.Order.customer_id},
            open_offers=row.asked_now,
            at_once=row.Order.at_once,
        )
        for row, demand in zip(found, demands, strict=True)
    ]
    return _Look(orders, waiting, drivers.list_there(session, known, at=at))


def _without(look: _Look, found: Plan) -> list[tuple[int, str]]:
    """The orders that a person must look at, by their number, and why."""
    asked = {each.order for each in found.proposals}
    return [
        (number, ALL_BUSY if anybody_able else NOBODY_ABLE)
        for number, (order, waiting, anybody_able) in enumerate(
            zip(look.orders, look.waiting, found.anybody_able, strict=True)
        )
        if number not in asked
        and not waiting.open_offers
        and order.state != OrderState.UNASSIGNED
        and driver_rules.needs_a_person(anybody_able=anybody_able, waited=waiting.waited)
    ]


def _ask(database: Database, order_id: int, driver_id: int, score: Score, *, at: datetime) -> bool:
    """Offer one order to one driver; False where either is not to be had any more."""
    try:
        with database.transaction() as session:
            order = queries.lock_order(session, Order.id == order_id)
            if order.state not in rules.WAITING or _count_open(session, order) >= order.at_once:
                return False
            offer = offers.make(
                session,
                order,
                driver_id,
                distance_m=score.distance_m,
                eta_s=score.eta_s,
                score=score.total_s,
                terms=score.terms,
                at=at,
            )
            return offer is not None
    except TRANSIENT:
        raise
    except Exception:
        log.exception("not offered", order=order_id, driver=driver_id)
        return False


def _ask_a_person(database: Database, order_id: int, why: str, *, at: datetime) -> bool:
    """Nobody is left: the desks are told, and the order stays in the rounds."""
    try:
        with database.transaction() as session:
            order = queries.lock_order(session, Order.id == order_id)
            if order.state not in rules.WAITING - {OrderState.UNASSIGNED} or _count_open(session, order):
                return False
            moving.move(session, order, OrderState.UNASSIGNED, party=Party.HOUSE, by=None, at=at, why=why)
            return True
    except TRANSIENT:
        raise
    except Exception:
        log.exception("no person was asked", order=order_id)
        return False


def _count_open(session: Session, order: Order) -> int:
    open_now = select(func.count()).where(OrderOffer.order_id == order.id, _IS_OPEN)
    return session.scalar(open_now) or 0
