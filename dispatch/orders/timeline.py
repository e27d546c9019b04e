"""What every change of an order leaves behind."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db import outbox
from db.models import Order, OrderEvent
from db.states import Party


def record(
    session: Session,
    order: Order,
    what: str,
    *,
    party: Party,
    at: datetime,
    by: int | None = None,
    **detail: Any,
) -> None:
    """Leave a line on the timeline and a fact; its bell wakes those who watch."""
    order.revision += 1
    session.add(OrderEvent(order_id=order.id, at=at, kind=what, party=party, by_id=by, detail=detail))
    outbox.append(session, f"order.{what}", order.uuid, at=at)
