"""Invo's rides: ordered, listed, looked at, moved."""

from typing import Annotated

from fastapi import APIRouter, Query, status
from sqlalchemy import and_
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.deps import Caller, Now, ReadSession, WriteSession
from api.dialects import orders
from api.dialects.invo import words
from api.dialects.invo.order_schemas import FIELDS, InvoOrderIn, InvoOrderOut, InvoStatus
from api.dialects.orders import InPages
from api.idempotency import Once
from api.orders.rights import OrderId, seen_by, side_of
from api.refusals import WrongField
from api.schemas import RowId
from db.models import Order
from db.states import OrderState, Service
from dispatch.errors import NotFound
from dispatch.fleet import passengers
from dispatch.orders import placing, queries

router = APIRouter(prefix="/orders", tags=["invo"])

RIDES = (Service.RIDE,)


@router.get("/", response_model=list[InvoOrderOut])
def list_orders(
    caller: Caller,
    pages: InPages,
    said: Annotated[
        str | None, Query(alias="status", max_length=200, description="one status, or several with commas")
    ] = None,
    passenger_id: RowId | None = None,
    driver_id: RowId | None = None,
) -> list[InvoOrderOut]:
    """Rides, the newest first: one's own, those one drives or is asked to; at a desk those of its regions."""
    also = []
    if passenger_id is not None:
        also.append(Order.customer_id == passenger_id)
    if driver_id is not None:
        also.append(Order.driver_id == driver_id)
    found = pages.find(caller, *also, services=RIDES, states=_states(said))
    return [_out(order, caller) for order in found]


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=InvoOrderOut)
def create(body: InvoOrderIn, caller: Caller, once: Once, session: WriteSession, at: Now) -> InvoOrderOut:
    """Order a ride, with what one's profile as a passenger says that one needs."""
    wish = body.wish(passengers.find_profile(session, caller.id))
    with orders.in_words(FIELDS):
        order = placing.place(session, wish, customer_id=caller.id, via="invo", at=at)
    return once.keep(_show(session, order.id, caller))


@router.get("/passenger/{passenger_id}/", response_model=list[InvoOrderOut])
def list_of_passenger(passenger_id: RowId, caller: Caller, pages: InPages) -> list[InvoOrderOut]:
    """The rides of a passenger: for that passenger and for desks."""
    _require_own(passenger_id, caller, "passenger")
    found = pages.find(caller, Order.customer_id == passenger_id, services=RIDES)
    return [_out(order, caller) for order in found]


@router.get("/driver/{driver_id}/", response_model=list[InvoOrderOut])
def list_of_driver(driver_id: RowId, caller: Caller, pages: InPages) -> list[InvoOrderOut]:
    """The rides that a driver has or had: for that driver and for desks."""
    _require_own(driver_id, caller, "driver")
    found = pages.find(caller, Order.driver_id == driver_id, services=RIDES)
    return [_out(order, caller) for order in found]


@router.get("/{order_id}/", response_model=InvoOrderOut)
def show(order_id: OrderId, caller: Caller, session: ReadSession) -> InvoOrderOut:
    """One ride."""
    return _show(session, order_id, caller)


@router.patch("/{order_id}/status/", response_model=InvoOrderOut)
def set_status(
    order_id: OrderId, body: InvoStatus, caller: Caller, once: Once, session: WriteSession, at: Now
) -> InvoOrderOut:
    """Say where a ride is, as its passenger, its driver or a desk may.

    A driver who cancels gives it back: another one is looked for. Who comes is settled by accepting an offer,
    or by a desk at /api/dispatch/assign/.
    """
    if body.status not in words.SETTABLE:
        can = ", ".join(word for state, word in words.STATUS.items() if state in words.SETTABLE)
        raise WrongField("status", f"is not said here; what can be: {can}")
    order = orders.update(session, order_id, caller, body.status, why=body.reason, at=at)
    return once.keep(_out(queries.get_order(session, queries.by_id(order.id)), caller))


def _states(said: str | None) -> list[OrderState]:
    try:
        return [words.read_status(word) for word in said.split(",")] if said else []
    except ValueError as wrong:
        raise WrongField("status", str(wrong)) from None


def _show(session: Session, order_id: int, caller: Person) -> InvoOrderOut:
    ride = and_(queries.by_id(order_id), Order.service == Service.RIDE)
    return _out(queries.get_order(session, and_(ride, seen_by(caller))), caller)


def _out(order: Order, caller: Person) -> InvoOrderOut:
    return InvoOrderOut.of(order, side_of(order, caller))


def _require_own(user_id: int, caller: Person, what: str) -> None:
    if user_id != caller.id and not caller.is_desk:
        raise NotFound(f"there is no such {what}")
