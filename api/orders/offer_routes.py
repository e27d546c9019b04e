"""What a driver is asked to take, and answers; for a desk, who was asked."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.deps import Caller, Dispatcher, Now, ReadSession, WriteSession
from api.orders import views
from api.orders.offer_schemas import AskedDriverOut, AskedDriversOut, No, OfferOut, OffersOut
from api.orders.rights import OrderId, acted_on_by
from api.orders.schemas import PersonOut
from db.models import OrderOffer, User
from db.states import OfferState
from dispatch.errors import NotFound
from dispatch.orders import offers, queries

router = APIRouter(tags=["orders"])

VIA = "http"
_NEWEST = 50


@router.get("/offers/", response_model=OffersOut)
def list_offers(
    caller: Caller, session: ReadSession, only_open: Annotated[bool, Query(alias="open")] = False
) -> OffersOut:
    """The newest 50 orders that one was asked to take; with `open`, those that wait for an answer."""
    found = _own(session, caller, OrderOffer.state == OfferState.OPEN if only_open else None)
    return OffersOut(items=_show(session, found, caller))


@router.get("/offers/{offer_id}/", response_model=OfferOut)
def show_offer(offer_id: UUID, caller: Caller, session: ReadSession) -> OfferOut:
    """One of these."""
    return _one(session, offer_id, caller)


@router.post("/offers/{offer_id}/accept/", response_model=OfferOut)
def accept(offer_id: UUID, caller: Caller, session: WriteSession, at: Now) -> OfferOut:
    """Take the order; 409 `taken` where another driver was first, `expired` after the deadline."""
    offers.accept(session, offer_id, by=caller.id, via=VIA, at=at)
    return _one(session, offer_id, caller)


@router.post("/offers/{offer_id}/decline/", response_model=OfferOut)
def decline(
    offer_id: UUID, caller: Caller, session: WriteSession, at: Now, body: No | None = None
) -> OfferOut:
    """Not come, and the next is asked; after a yes this gives the order back."""
    offers.decline(session, offer_id, by=caller.id, via=VIA, why=(body or No()).why, at=at)
    return _one(session, offer_id, caller)


@router.get("/orders/{order_id}/offers/", response_model=AskedDriversOut)
def list_asked(order_id: OrderId, desk: Dispatcher, session: ReadSession) -> AskedDriversOut:
    """Who was asked to take an order, when, why just they, and what each answered."""
    order = queries.get_order(session, queries.by_id(order_id) & acted_on_by(desk))
    asked = session.execute(
        select(OrderOffer, User)
        .join(User, User.id == OrderOffer.driver_id)
        .where(OrderOffer.order_id == order.id)
        .order_by(OrderOffer.id)
    )
    return AskedDriversOut(
        items=[
            AskedDriverOut.of(offer, PersonOut(uuid=driver.uuid, name=driver.full_name, phone=driver.phone))
            for offer, driver in asked
        ]
    )


def _own(session: Session, person: Person, which: ColumnElement[bool] | None = None) -> Sequence[OrderOffer]:
    own = select(OrderOffer).where(OrderOffer.driver_id == person.id)
    if which is not None:
        own = own.where(which)
    newest_first = own.order_by(OrderOffer.offered_at.desc(), OrderOffer.id.desc()).limit(_NEWEST)
    return session.scalars(newest_first.execution_options(populate_existing=True)).all()


def _one(session: Session, offer_id: UUID, person: Person) -> OfferOut:
    found = _own(session, person, OrderOffer.uuid == offer_id)
    if not found:
        raise NotFound(f"you have no offer {offer_id}")
    return _show(session, found, person)[0]


def _show(session: Session, found: Sequence[OrderOffer], person: Person) -> list[OfferOut]:
    orders = queries.read_whole(session, {offer.order_id for offer in found})
    shown = {order.id: order for order in views.show_all(session, list(orders.values()), person)}
    return [OfferOut.of(offer, shown[offer.order_id]) for offer in found]
