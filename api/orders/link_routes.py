"""Links to watch an order by: made by its customer, or by a desk that was asked to."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import Field
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.deps import Acting, Caller, Now, ReadSession, WriteSession
from api.idempotency import Once
from api.orders.rights import OrderId, acted_on_by
from api.schemas import Answer, Own, Storable
from db import audit
from db.audit import Actor
from db.models import Order, OrderLink
from dispatch.errors import NotFound
from dispatch.orders import links, queries
from dispatch.settings import public_url

PREFIX = "/track/"

router = APIRouter(prefix="/orders/{order_id}/links", tags=["orders"])


class LinkIn(Own):
    """For whom a link is."""

    name: Annotated[str, Field(max_length=100, examples=["Malika"]), Storable] = ""


class LinkOut(Answer):
    """A link that is good, without what it is made of: that is shown once, to who made it."""

    id: UUID
    name: str
    created_at: datetime
    opened_at: datetime | None


class LinkMadeOut(LinkOut):
    """A new link; whoever has `url` may watch the order until a day after its end."""

    url: str


@router.get("/", response_model=list[LinkOut])
def list_links(order_id: OrderId, caller: Caller, session: ReadSession) -> list[OrderLink]:
    """The links that are good, and whether anybody looked."""
    if session.scalar(select(Order.id).where(_shared_by(order_id, caller))) is None:
        raise NotFound("there is no such order of yours")
    return list(links.list_links(session, order_id))


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=LinkMadeOut)
def make_link(
    order_id: OrderId,
    body: LinkIn,
    caller: Caller,
    acting: Acting,
    session: WriteSession,
    at: Now,
    once: Once,
) -> LinkMadeOut:
    """A link to a page on which the order is watched without a login; ten at most are good at a time."""
    order = queries.lock_order(session, _shared_by(order_id, caller))
    link, token = links.make(session, order, name=body.name, at=at)
    _note(session, order, caller, acting, "order.link_made", link.id, at)
    shown = LinkOut.model_validate(link).model_dump()
    return once.keep(LinkMadeOut(**shown, url=public_url(f"{PREFIX}{token}")))


@router.delete("/{link_id}/", status_code=status.HTTP_204_NO_CONTENT)
def revoke_link(
    order_id: OrderId, link_id: UUID, caller: Caller, acting: Acting, session: WriteSession, at: Now
) -> None:
    """Have nobody watch by this link any more."""
    order = queries.lock_order(session, _shared_by(order_id, caller))
    links.revoke(session, order.id, link_id, at=at)
    _note(session, order, caller, acting, "order.link_revoked", link_id, at)


def _shared_by(order_id: int, person: Person) -> ColumnElement[bool]:
    """Whom a customer lets watch is not for the driver to say."""
    mine = Order.customer_id == person.id
    shared = or_(mine, acted_on_by(person)) if person.is_desk else mine
    return and_(Order.id == order_id, shared)


def _note(
    session: Session, order: Order, caller: Person, acting: Actor, action: str, link_id: UUID, at: datetime
) -> None:
    if order.customer_id != caller.id:
        audit.record(session, acting, action, subject=("order", order.uuid), at=at, link=str(link_id))
