"""Who is told what of an order: its customer, its driver, those on duty at the desk."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from db.models import Fact, Order, OrderEvent, User, Vehicle
from db.states import DutyKind, OrderState, Party
from dispatch import telling
from dispatch.duty import queries as duty
from dispatch.orders import queries, rules
from dispatch.orders.rules import S

_STILL_OF_USE = timedelta(minutes=10)

_QUICKLY = ("push", "sms")
"""A mail about somebody at the door is read when they are gone."""


class Whom(StrEnum):
    """Of those an order is about."""

    CUSTOMER = "customer"
    DRIVER = "driver"
    DESK = "desk"  # who is on duty in its region


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One thing to tell, as long as the order is in one of these states."""

    whom: Whom
    text: str
    while_in: Collection[OrderState]
    not_if_by: Party | None = None  # nobody is told what they did themselves
    by: Collection[str] = _QUICKLY
    passes: bool = True  # of no use any more once the order goes on


NEWS: dict[str, tuple[News, ...]] = {
    "accepted": (News(whom=Whom.CUSTOMER, text="order.coming", while_in=rules.COMING),),
    "assigned": (
        News(whom=Whom.CUSTOMER, text="order.coming", while_in=rules.COMING),
        News(whom=Whom.DRIVER, text="order.given", while_in=rules.COMING),
    ),
    "arrived": (News(whom=Whom.CUSTOMER, text="order.arrived", while_in={S.ARRIVED}),),
    "driver_silent": (News(whom=Whom.DRIVER, text="order.nudge", while_in=rules.COMING),),
    "given_back": (
        News(whom=Whom.CUSTOMER, text="order.given_back", while_in=rules.WAITING),
        News(
            whom=Whom.DRIVER,
            text="order.taken_away",
            while_in=set(OrderState) - {S.CANCELLED},
            not_if_by=Party.DRIVER,
            passes=False,
        ),
    ),
    "unassigned": (
        News(whom=Whom.CUSTOMER, text="order.unassigned", while_in=rules.WAITING),
        News(whom=Whom.DESK, text="order.desk", while_in=rules.WAITING, by=("push",)),
    ),
    "cancelled": (
        News(whom=Whom.CUSTOMER, text="order.cancelled", while_in={S.CANCELLED}, not_if_by=Party.CUSTOMER),
        News(whom=Whom.DRIVER, text="order.off", while_in={S.CANCELLED}, not_if_by=Party.DRIVER),
    ),
    "message_sent": tuple(
        News(
            whom=whom,
            text="order.message",
            while_in=set(OrderState),
            not_if_by=party,
            by=("push",),
            passes=False,
        )
        for whom, party in ((Whom.CUSTOMER, Party.CUSTOMER), (Whom.DRIVER, Party.DRIVER))
    ),
    "no_show": (News(whom=Whom.CUSTOMER, text="order.no_show", while_in={S.NO_SHOW}),),
}
"""What follows from a line of the timeline; all else is seen by who looks."""

_PASSING = {news.text for each in NEWS.values() for news in each if news.passes}
_TURNS = NEWS.keys() - {"driver_silent", "message_sent"} | {"en_route", "started", "completed"}
"""With these an order goes on, and what was said of it before is not true any more."""


def tell(session: Session, fact: Fact, what: str, *, at: datetime) -> None:
    """Tell everybody whom this concerns, as far as it is still true."""
    if what not in NEWS.keys() | _TURNS:
        return
    order = session.scalars(
        select(Order).where(Order.uuid == fact.subject).options(joinedload(Order.coming))
    ).one()
    event = session.scalar(
        select(OrderEvent)
        .where(OrderEvent.order_id == order.id, OrderEvent.kind == what, OrderEvent.at == fact.created_at)
        .order_by(OrderEvent.id.desc())
        .limit(1)
    )
    if event is None:
        return
    if what in _TURNS:
        telling.withdraw_of_order(session, order.id, _PASSING, before=event.at, at=at)
    for news in NEWS.get(what, ()):
        is_true = order.state in news.while_in and at - event.at < _STILL_OF_USE
        if is_true and event.party is not news.not_if_by:
            for person in _find_people(session, order, event, news.whom, at=at):
                _tell(session, order, event, news, person, at=at)


def _find_people(
    session: Session, order: Order, event: OrderEvent, whom: Whom, *, at: datetime
) -> Collection[User]:
    match whom:
        case Whom.CUSTOMER:
            return [session.get_one(User, order.customer_id)]
        case Whom.DRIVER:
            driver_id = event.detail.get("driver", order.driver_id)
            return [] if driver_id is None else [session.get_one(User, driver_id)]
        case Whom.DESK:
            return duty.on_duty(session, DutyKind.DISPATCHER, order.region, at=at)


def _tell(
    session: Session, order: Order, event: OrderEvent, news: News, person: User, *, at: datetime
) -> None:
    values = {"service": order.service.value, "region": order.region}
    if news.whom is Whom.CUSTOMER and order.driver_id is not None:
        values |= _who_comes(session, order)
    telling.tell_of_order(
        session,
        person,
        news.text,
        key=f"order:{order.uuid}:{event.id}",
        until_at=event.at + _STILL_OF_USE,
        at=at,
        order_id=order.id,
        by=news.by,
        values=values,
    )


def _who_comes(session: Session, order: Order) -> dict[str, str]:
    """A driver as their customer may know them."""
    driver = session.get_one(User, order.driver_id)
    eta_s = queries.find_promise(session, order)
    return {
        "name": driver.first_name or "",
        "vehicle": _say_vehicle(order.coming),
        "eta": "" if eta_s is None else str(eta_s),
    }


def _say_vehicle(vehicle: Vehicle | None) -> str:
    if vehicle is None:
        return ""
    return " ".join(word for word in (vehicle.name or vehicle.type, vehicle.registration) if word)
