"""Photos of an order: the row names them, whoever serves them keeps the files."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Order, OrderEvent
from db.states import Party
from dispatch.errors import Conflict, Forbidden, NotFound
from dispatch.orders import timeline

MOST_PHOTOS = 10
ADDED, REMOVED = "photo_added", "photo_removed"


class Full(Conflict):
    """It has as many as it may have."""

    code = "full"


def add_photo(session: Session, order: Order, name: str, *, party: Party, by: int, at: datetime) -> None:
    """Show a photo with an order, which is held; also after its end, for what was found broken then."""
    if len(order.photos) >= MOST_PHOTOS:
        raise Full(f"an order has at most {MOST_PHOTOS} photos; take one away first")
    order.photos = [*order.photos, name]
    timeline.record(session, order, ADDED, party=party, by=by, at=at, photo=name)
    session.flush()


def remove_photo(session: Session, order: Order, name: str, *, party: Party, by: int, at: datetime) -> None:
    """Show it no more; each takes away their own, the desk anybody's: a photo may be a proof."""
    if name not in order.photos:
        raise NotFound("there is no such photo")
    if party is not Party.DISPATCHER and by != _added_by(session, order, name):
        raise Forbidden("whoever added a photo, or the desk, takes it away")
    order.photos = [each for each in order.photos if each != name]
    timeline.record(session, order, REMOVED, party=party, by=by, at=at, photo=name)
    session.flush()


def _added_by(session: Session, order: Order, name: str) -> int | None:
    return session.scalar(
        select(OrderEvent.by_id).where(
            OrderEvent.order_id == order.id,
            OrderEvent.kind == ADDED,
            OrderEvent.detail["photo"].astext == name,
        )
    )
