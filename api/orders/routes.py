"""Asking for somebody to come, and looking at what was asked."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import paging
from api.accounts.service import Person
from api.deps import Caller, Now, ReadSession, Settings, WriteSession
from api.idempotency import Once
from api.orders import quotes, views
from api.orders.rights import OrderId, acted_on_by
from api.orders.schemas import OrderFilter, OrderIn, OrderOut, OrderWithTimeline, QuoteOut, WishIn
from api.paging import Page
from api.refusals import WrongField
from db.models import Order, User
from db.states import Party, UserStatus
from dispatch.errors import Forbidden
from dispatch.orders import placing, queries
from dispatch.orders.queries import Wanted
from dispatch.regions import region_of

router = APIRouter(prefix="/orders", tags=["orders"])


@router.post("/quote/", response_model=QuoteOut)
def quote(body: WishIn, caller: Caller, session: WriteSession, settings: Settings, at: Now) -> QuoteOut:
    """What an order would cost and why; who orders by the token it comes with has that price."""
    wish = body.wish()
    found = placing.quote(session, wish, at=at)
    language = views.language_of(session, caller)
    return QuoteOut(
        price=views.price(found.lines, found.total, found.currency, language),
        service=wish.service,
        region=region_of(session, wish.lat, wish.lon),
        vehicle_type=found.rates.vehicle_type,
        distance_m=found.distance_m,
        quote=quotes.seal(settings, found, wish, customer_id=caller.id, at=at),
        until=at + quotes.GOOD_FOR,
    )


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=OrderWithTimeline)
def create(
    body: OrderIn, caller: Caller, once: Once, session: WriteSession, settings: Settings, at: Now
) -> OrderWithTimeline:
    """Ask for a tow, a mechanic or a ride; the price is frozen, and a driver looked for."""
    wish = body.order()
    agreed = None
    if body.quote is not None:
        agreed = quotes.unseal(settings, body.quote, wish, customer_id=caller.id, at=at)
    customer_id = _customer(session, body.customer, caller)
    if not caller.is_desk:
        placing.require_room(session, customer_id)
    order = placing.place(
        session,
        wish,
        customer_id=customer_id,
        via="mayday",
        quoted=agreed,
        by=caller.id,
        party=Party.CUSTOMER if customer_id == caller.id else Party.DISPATCHER,
        at=at,
    )
    return once.keep(views.show(session, queries.by_id(order.id), caller, at=at))


@router.get("/list/", response_model=Page[OrderOut])
def list_orders(
    wanted: Annotated[OrderFilter, Query()], caller: Caller, session: ReadSession
) -> Page[OrderOut]:
    """One's own orders and those one drives; at a desk all of its regions, newest first."""
    before = paging.read_cursor(wanted.cursor, int)
    seen = acted_on_by(caller)
    match wanted.mine:
        case Party.CUSTOMER:
            seen = Order.customer_id == caller.id
        case Party.DRIVER:
            seen = Order.driver_id == caller.id
        case Party():
            raise WrongField("mine", "must be customer or driver")
    found = queries.list_orders(
        session,
        Wanted(
            states=wanted.state,
            services=wanted.service,
            region=wanted.region,
            driver=wanted.driver,
            customer=wanted.customer,
            since=wanted.since,
            until=wanted.until,
            text=wanted.text,
        ),
        seen_by=seen,
        before=before,
        limit=wanted.limit + 1,
    )
    rows, more = paging.cut(found, wanted.limit, lambda row: paging.write_cursor(row.requested_at, row.id))
    return Page(items=views.show_all(session, rows, caller), next=more)


@router.get("/{order_id}/", response_model=OrderWithTimeline)
def show(order_id: OrderId, caller: Caller, session: ReadSession, at: Now) -> OrderWithTimeline:
    """One order with its price and timeline; to a driver who is only asked, what it is about."""
    return views.show(session, queries.by_id(order_id), caller, at=at)


def _customer(session: Session, named: UUID | None, caller: Person) -> int:
    if named is None or named == caller.uuid:
        return caller.id
    if not caller.is_desk:
        raise Forbidden("only a dispatcher asks for somebody else")
    of_account = select(User.id).where(User.uuid == named, User.status == UserStatus.ACTIVE)
    found = session.scalar(of_account)
    if found is None:
        raise WrongField("customer", "is nobody's account, or one that is blocked")
    return found
