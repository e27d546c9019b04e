"""Taking back what drivers were asked, once nobody need answer any more; its order is held."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import timers
from db.models import Order, OrderOffer, User
from db.states import OfferState, OrderState
from dispatch import telling

TIMER = "order.offer"
"""Of an offer, when silence counts as a no; its subject is the offer."""

BY = ("push",)
"""An offer is over before a short message is read."""

_STILL_OF_USE = timedelta(minutes=2)


def lock_open(session: Session, order: Order) -> Sequence[OrderOffer]:
    """The offers of an order that wait for an answer, held after it."""
    return session.scalars(
        select(OrderOffer)
        .where(OrderOffer.order_id == order.id, OrderOffer.state == OfferState.OPEN)
        .order_by(OrderOffer.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def withdraw_all(session: Session, order: Order, *, why: str, at: datetime) -> None:
    """Wait for no answer any more: somebody has the order, or it is over. Who was asked is told so."""
    text = "order.taken" if why == OrderState.ACCEPTED else "order.off"
    for offer in lock_open(session, order):
        end(session, offer, OfferState.WITHDRAWN, why=why, at=at)
        telling.withdraw_key(session, offer.driver_id, key(offer), at=at)
        telling.tell_of_order(
            session,
            session.get_one(User, offer.driver_id),
            text,
            key=f"{key(offer)}:over",
            until_at=at + _STILL_OF_USE,
            at=at,
            order_id=order.id,
            by=BY,
        )
    session.flush()


def end(
    session: Session,
    offer: OrderOffer,
    wanted: OfferState,
    *,
    via: str | None = None,
    why: str | None = None,
    at: datetime,
) -> None:
    """An offer that is held is answered, or no answer of it is waited for."""
    timers.cancel(session, offer.uuid, TIMER, at=at)
    offer.state, offer.answered_at, offer.answered_via, offer.why = wanted, at, via, why


def key(offer: OrderOffer) -> str:
    """Under which its driver was told of it."""
    return f"offer:{offer.uuid}"
