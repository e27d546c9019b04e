"""Reading orders; `lock_` holds the row, `get_` raises, `find_` may return None."""

import uuid

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.models import Order
from dispatch.errors import NotFound


def lock_order(session: Session, which: ColumnElement[bool]) -> Order:
    """The one order that this names, held until the transaction ends; offers and drivers come after it."""
    order = session.scalar(
        select(Order).where(which).with_for_update(of=Order).execution_options(populate_existing=True)
    )
    if order is None:
        raise NotFound("there is no such order")
    return order


def by_uuid(order_uuid: uuid.UUID) -> ColumnElement[bool]:
    """Names an order as facts and timers do."""
    return Order.uuid == order_uuid


def by_id(order_id: int) -> ColumnElement[bool]:
    """Names an order as paths do."""
    return Order.id == order_id
