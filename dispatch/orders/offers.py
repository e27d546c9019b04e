"""Asking drivers to take an order."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from db.models import Order, OrderOffer
from db.states import OfferState


def withdraw_all(session: Session, order: Order, *, why: str, at: datetime) -> None:
    """Whoever is still asked to take this order is asked no more."""
    session.execute(
        update(OrderOffer)
        .where(OrderOffer.order_id == order.id, OrderOffer.state == OfferState.OPEN)
        .values(state=OfferState.WITHDRAWN, answered_at=at, why=why)
    )
