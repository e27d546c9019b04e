"""The conversation of an order, for who has no socket open."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, status

from api.deps import Caller, Now, ReadSession, WriteSession
from api.idempotency import Once
from api.orders import chat
from api.orders.chat import After, Words
from api.orders.rights import OrderId
from api.paging import DEFAULT_LIMIT, Limit, Page
from api.schemas import Answer, Own
from db.models import OrderMessage, User
from db.states import Party

router = APIRouter(prefix="/orders/{order_id}/messages", tags=["orders"])


class MessageIn(Own):
    """Something to say."""

    text: Words


class SenderOut(Answer):
    """Who said it; a first name is enough to call them by."""

    id: int
    name: str


class OrderMessageOut(Answer):
    """Something said."""

    id: int
    order_id: int
    sender: SenderOut
    party: Party
    at: datetime
    text: str

    @classmethod
    def of(cls, message: OrderMessage, *, name: str | None) -> "OrderMessageOut":
        sender = SenderOut(id=message.sender_id, name=name or "")
        shared = {field: getattr(message, field) for field in ("id", "order_id", "party", "at", "text")}
        return cls(sender=sender, **shared)


@router.get("/", response_model=Page[OrderMessageOut])
def list_order_messages(
    order_id: OrderId,
    caller: Caller,
    session: ReadSession,
    after: After = 0,
    limit: Annotated[Limit, Query()] = DEFAULT_LIMIT,
) -> Page[OrderMessageOut]:
    """What was said, the oldest first, to a driver since they accepted; `next` is `after` of what follows."""
    found = chat.list_messages(session, order_id, caller, after=after, limit=limit)
    shown = found[:limit]
    items = [OrderMessageOut.of(each, name=each.sender.first_name) for each in shown]
    return Page(items=items, next=str(shown[-1].id) if len(found) > limit else None)


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=OrderMessageOut)
def say(
    order_id: OrderId, body: MessageIn, caller: Caller, session: WriteSession, at: Now, once: Once
) -> OrderMessageOut:
    """Say something to the others of an order, until a day after its end."""
    message = chat.say(session, order_id, caller, body.text, at=at)
    name = session.get_one(User, caller.id).first_name
    return once.keep(OrderMessageOut.of(message, name=name))
