"""Depannini's assistance: asked for, looked at, accepted, brought to its end."""

from fastapi import APIRouter, status
from sqlalchemy import and_
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.deps import Caller, Driver, Now, ReadSession, WriteSession
from api.dialects import orders
from api.dialects.depannini import words
from api.dialects.depannini.assistance_schemas import (
    FIELDS,
    AssistanceIn,
    AssistanceOut,
    AssistanceRequested,
    AssistanceStatus,
    NearbyOut,
)
from api.dialects.orders import InPages
from api.idempotency import Once
from api.orders.rights import OrderId, seen_by, side_of
from db.models import Order
from db.states import Role
from dispatch.errors import Forbidden
from dispatch.matching import drivers
from dispatch.orders import offers, placing, queries

router = APIRouter(prefix="/assistance", tags=["depannini"])

VIA = "depannini"

AT_ONCE = 8
"""This contract tells the assistants near by, and the first to accept comes."""

_SERVICES = tuple(words.TYPES)


@router.post("/request/", status_code=status.HTTP_201_CREATED, response_model=AssistanceRequested)
def request(
    body: AssistanceIn, caller: Caller, once: Once, session: WriteSession, at: Now
) -> AssistanceRequested:
    """Ask for somebody to come; the assistants near by are told, and the first to accept comes."""
    if caller.has(Role.DRIVER):
        raise Forbidden("only a client asks for assistance")
    with orders.in_words(FIELDS):
        order = placing.place(session, body.wish(), customer_id=caller.id, via=VIA, at_once=AT_ONCE, at=at)
    near = drivers.find_candidates(session, order, at=at, limit=AT_ONCE)
    told = [NearbyOut.of(each) for each in near if not each.reasons]
    return once.keep(AssistanceRequested(assistance=_show(session, order.id, caller), nearby_assistants=told))


@router.get("/view/", response_model=list[AssistanceOut])
def list_assistance(caller: Caller, pages: InPages) -> list[AssistanceOut]:
    """A client's own; an assistant's, and those they are asked to take now. The newest first."""
    return [_out(order, caller) for order in pages.find(caller, services=_SERVICES)]


@router.get("/view/{assistance_id}/", response_model=AssistanceOut)
def show(assistance_id: OrderId, caller: Caller, session: ReadSession) -> AssistanceOut:
    """One of them."""
    return _show(session, assistance_id, caller)


@router.patch("/accept/{assistance_id}/", response_model=AssistanceOut)
def accept(
    assistance_id: OrderId, caller: Driver, once: Once, session: WriteSession, at: Now
) -> AssistanceOut:
    """Come, as an assistant who was asked; 409 `taken` where another was first."""
    offer = offers.find_offer(session, assistance_id, caller.id)
    offers.accept(session, offer, by=caller.id, via=VIA, at=at)
    return once.keep(_show(session, assistance_id, caller))


@router.patch("/update/{assistance_id}/", response_model=AssistanceOut)
def update(
    assistance_id: OrderId,
    body: AssistanceStatus,
    caller: Caller,
    once: Once,
    session: WriteSession,
    at: Now,
) -> AssistanceOut:
    """Say that it goes on, is done or is cancelled; an assistant who cancels gives it back."""
    order = orders.update(session, assistance_id, caller, words.STATES[body.status], why=None, at=at)
    return once.keep(_out(queries.get_order(session, queries.by_id(order.id)), caller))


def _show(session: Session, assistance_id: int, caller: Person) -> AssistanceOut:
    known = and_(queries.by_id(assistance_id), Order.service.in_(_SERVICES))
    return _out(queries.get_order(session, and_(known, seen_by(caller))), caller)


def _out(order: Order, caller: Person) -> AssistanceOut:
    return AssistanceOut.of(order, side_of(order, caller))
