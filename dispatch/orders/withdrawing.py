"""Taking back what drivers were asked, once nobody need answer any more."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import timers
from db.models import Order, OrderOffer
from db.states import OfferState

TIMER = "order.offer"
"""Of an offer, when silence counts as a no; its subject is the offer."""


def lock_open(session: Session, order: Order) -> Sequence[OrderOffer]:
    """The offers of a held order that wait for an answer, held after it."""
    return session.scalars(
        select(OrderOffer)
        .where(OrderOffer.order_id == order.id, OrderOffer.state == OfferState.OPEN)
        .order_by(OrderOffer.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def withdraw_all(session: Session, order: Order, *, why: str, at: datetime) -> None:
    """Wait for no answer any more: somebody has the order, or it is over."""
    for offer in lock_open(session, order):
        end(session, offer, OfferState.WITHDRAWN, why=why, at=at)
    session.flush()


def end(
    session: Session, offer: OrderOffer, wanted: OfferState, *, why: str | None = None, at: datetime
) -> None:
    """An offer that is held is answered, or no answer of it is waited for."""
    timers.cancel(session, offer.uuid, TIMER, at=at)
    offer.state, offer.answered_at, offer.why = wanted, at, why
