"""What customer, driver and desk say to each other about an order."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import Order, OrderMessage
from db.states import Party
from dispatch.errors import Conflict
from dispatch.orders import timeline

AFTER_END = timedelta(days=1)
"""For so long after the end something left behind in a car can be asked for."""

MOST_A_MINUTE = 30
"""More than anybody types."""


class Over(Conflict):
    """It is too long past to talk about."""

    code = "over"


class TooMany(Conflict):
    """Somebody says more than anybody reads."""

    code = "too_many_messages"


def say(session: Session, order: Order, *, by: int, party: Party, text: str, at: datetime) -> OrderMessage:
    """Say something to the others of an order that is held: so all hear it in the order it was said."""
    if order.ended_at is not None and at - order.ended_at > AFTER_END:
        raise Over("this order is over, and its conversation closed; please write to support")
    said = select(func.count()).where(
        OrderMessage.order_id == order.id,
        OrderMessage.sender_id == by,
        OrderMessage.at > at - timedelta(minutes=1),
    )
    if session.scalars(said).one() >= MOST_A_MINUTE:
        raise TooMany(f"that is more than {MOST_A_MINUTE} messages in a minute; please wait a moment")
    message = OrderMessage(order_id=order.id, sender_id=by, party=party, at=at, text=text)
    session.add(message)
    session.flush()
    timeline.record(session, order, "message_sent", party=party, by=by, at=at, message=str(message.uuid))
    return message
