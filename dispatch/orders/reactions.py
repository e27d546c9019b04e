"""What follows from a fact or a due timer of an order, in the transaction that marks its cause done."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import notifications, work
from db.models import Fact, Order, OrderEvent, OrderOffer, Timer
from dispatch import telling, webhooks
from dispatch.errors import IllegalMove
from dispatch.orders import news, offers, withdrawing

ALERT = work.of_orders("alert")


def to_fact(session: Session, fact: Fact, *, at: datetime) -> None:
    """React to something that happened."""
    match fact.kind.split("."):
        case ["order", what]:
            webhooks.spread(session, [fact], at=at)
            news.tell(session, fact, what, at=at)
            _show(session, fact.subject, at=at)
            if what == "assigned":
                _let_go(session, fact.subject, at=at)
        case _:
            raise ValueError(f"nobody knows what follows from {fact.kind!r}")


def hold(session: Session, timer: Timer) -> None:
    """Hold the order that a timer is of; a message that waits for its person is of none."""
    if timer.kind == withdrawing.TIMER:
        of_offer = select(OrderOffer.order_id).where(OrderOffer.uuid == timer.subject).scalar_subquery()
        session.execute(select(Order.id).where(Order.id == of_offer).with_for_update())


def to_timer(session: Session, timer: Timer, *, at: datetime) -> None:
    """Do what was to be done at this time, unless a person came before it."""
    try:
        match timer.kind:
            case withdrawing.TIMER:
                offers.lapse(session, timer, at=at)
            case telling.ORDER_TIMER:
                telling.next_channel(session, timer, at=at)
            case _:
                raise ValueError(f"nobody knows what to do for the timer {timer.kind!r}")
    except IllegalMove:
        return


def _show(session: Session, order_uuid: uuid.UUID, *, at: datetime) -> None:
    """Have the alert of an order that ever needed a person shown as it stands, or taken back."""
    needed = (
        select(OrderEvent.id)
        .join(Order, Order.id == OrderEvent.order_id)
        .where(Order.uuid == order_uuid, OrderEvent.kind == "unassigned")
    )
    if session.scalar(needed.limit(1)) is not None:
        notifications.request(session, ALERT, order_uuid, at=at)


def _let_go(session: Session, order_uuid: uuid.UUID, *, at: datetime) -> None:
    """Who was given an order by a person may have been asked to take another."""
    driver_id = session.scalar(select(Order.driver_id).where(Order.uuid == order_uuid))
    if driver_id is not None:
        offers.let_go(session, driver_id, at=at)
