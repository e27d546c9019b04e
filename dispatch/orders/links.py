"""Links by which others may watch one order without a login."""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import Order, OrderLink
from dispatch.errors import Conflict, NotFound

REMEMBERED = timedelta(days=1)
"""For how long after the end a link still says how it ended."""

MOST = 10
"""So many links to one order are good at the same time."""

_TOKEN_BYTES = 16


def make(session: Session, order: Order, *, name: str, at: datetime) -> tuple[OrderLink, str]:
    """A new link to an order that is held, and its token; only a hash of that is kept."""
    if order.ended_at is not None:
        raise Conflict("this order has ended; there is nothing left to watch")
    good = select(func.count()).where(OrderLink.order_id == order.id, OrderLink.revoked_at.is_(None))
    if session.scalars(good).one() >= MOST:
        raise Conflict(f"{MOST} links to this order are good already; take one back first")
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    link = OrderLink(token_hash=_digest(token), order_id=order.id, name=name, created_at=at)
    session.add(link)
    session.flush()
    return link, token


def list_links(session: Session, order_id: int) -> Sequence[OrderLink]:
    """The links to an order that are good, the oldest first."""
    good = select(OrderLink).where(OrderLink.order_id == order_id, OrderLink.revoked_at.is_(None))
    return session.scalars(good.order_by(OrderLink.created_at, OrderLink.id)).all()


def revoke(session: Session, order_id: int, link_id: uuid.UUID, *, at: datetime) -> None:
    """Have a link be good no longer; said twice, it is the same."""
    link = session.scalar(
        select(OrderLink).where(OrderLink.id == link_id, OrderLink.order_id == order_id).with_for_update()
    )
    if link is None:
        raise NotFound("there is no such link to this order")
    link.revoked_at = link.revoked_at or at


def find(session: Session, token: str) -> OrderLink | None:
    """The link of a token, unless it was taken back."""
    link = session.scalar(select(OrderLink).where(OrderLink.token_hash == _digest(token)))
    return None if link is None or link.revoked_at is not None else link


def note_opened(link: OrderLink, *, at: datetime) -> None:
    """Somebody looks on; the first time is kept."""
    link.opened_at = link.opened_at or at


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
