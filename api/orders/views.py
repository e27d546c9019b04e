"""An order as each side may see it: who is only asked sees no names, and nobody a number without need."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.orders import words
from api.orders.rights import Side, party_of, seen_by, side_of
from api.orders.schemas import (
    CancelOut,
    ComingOut,
    ContactOut,
    LineOut,
    OrderEventOut,
    OrderOut,
    OrderPlace,
    OrderWithTimeline,
    PersonOut,
    PriceOut,
)
from db import areas
from db.models import Order, OrderEvent, User
from db.states import OrderState, Party
from dispatch.orders import cancelling, pricing, queries, rules
from dispatch.orders.pricing import FREE_CANCEL, Line, Quote

_PLAIN = (
    *("id", "uuid", "service", "state", "revision", "via", "region", "distance_m", "vehicle_type", "needs"),
    *("seats", "requested_at", "scheduled_at", "search_from", "accepted_at", "en_route_at", "arrived_at"),
    *("started_at", "ended_at", "unassigned_at", "fault", "why"),
)

_TOLD = {
    Side.CUSTOMER: frozenset(
        {
            *("requested", "unassigned", "accepted", "assigned", "en_route", "arrived", "started"),
            *("completed", "cancelled", "no_show", "given_back", "call_attempted", "price_changed"),
            *("photo_added", "photo_removed"),
        }
    ),
}
_TOLD[Side.DRIVER] = _TOLD[Side.CUSTOMER] - {"unassigned", "given_back"}
"""Whom of the drivers was asked and said no is for the desk."""

_DETAILS = ("why", "fee", "fault", "price")


def show(session: Session, which: ColumnElement[bool], person: Person, *, at: datetime) -> OrderWithTimeline:
    """One order with its timeline, for somebody who may see it; NotFound for anybody else."""
    order = queries.get_order(session, which & seen_by(person))
    side, language = side_of(order, person), language_of(session, person)
    timeline = [_event(event, side) for event in queries.timeline(session, order.id)]
    return OrderWithTimeline(
        **_fields(order, person, language),
        timeline=[event for event in timeline if event is not None],
        cancel=_cancel(session, order, side, at=at),
    )


def show_all(session: Session, orders: Sequence[Order], person: Person) -> list[OrderOut]:
    """Several as they stand."""
    language = language_of(session, person)
    return [OrderOut(**_fields(order, person, language)) for order in orders]


def language_of(session: Session, person: Person) -> str:
    """What somebody reads."""
    return session.scalars(select(User.language).where(User.id == person.id)).one()


def price(lines: Sequence[Line], total: int, currency: str, language: str) -> PriceOut:
    """A price with what each of its lines is for."""
    return PriceOut(
        currency=currency,
        digits=words.digits_of(currency),
        total=total,
        text=words.money(total, currency),
        lines=[
            LineOut(
                kind=line.kind,
                text=words.say(line, currency, language),
                amount=line.amount,
                quantity=line.quantity,
                unit=line.unit,
                each=line.each,
            )
            for line in lines
        ],
    )


def _fields(order: Order, person: Person, language: str) -> dict[str, Any]:
    side = side_of(order, person)
    waited = rules.waited(
        order.arrived_at, order.scheduled_at, until=order.started_at or order.arrived_at or order.requested_at
    )
    lines = pricing.bill(Quote.thawed(order.quote), order.state, price=order.price, waited=waited)
    fields = {name: getattr(order, name) for name in _PLAIN} | {
        "price": price(lines, order.price, order.currency, language),
        "can": [] if side is Side.ASKED else _can(order, party_of(order, person)),
        "coming": None if order.coming is None else ComingOut.model_validate(order.coming),
    }
    if side is Side.ASKED:
        return fields | _of_the_area(order)
    # Numbers are for those who have to find each other, as long as they have to.
    reachable = side is Side.DESK or order.state in rules.TAKEN
    return fields | {
        "pickup": OrderPlace(lat=order.lat, lon=order.lon, address=order.address, exact=True),
        "dropoff": _dropoff(order),
        "vehicle": order.vehicle,
        "notes": order.notes,
        "photos": [f"/api/v1/orders/{order.id}/photos/{name}/" for name in order.photos],
        "contact": _contact(order, side, reachable=reachable),
        "customer": _person(order.customer, side, reachable=reachable or side is Side.CUSTOMER),
        "driver": order.driven_by
        and _person(order.driven_by, side, reachable=reachable or side is Side.DRIVER),
    }


def _can(order: Order, party: Party) -> list[OrderState]:
    # A driver is found by asking, and an order taken by answering: neither is a state to be set.
    set_otherwise = {OrderState.ACCEPTED}
    return [wanted for wanted in rules.moves_of(order.state, party) if wanted not in set_otherwise]


def _of_the_area(order: Order) -> dict[str, Any]:
    """What a driver is told who has not said yes: what is to be done about where, and of nobody who."""
    vehicle = {name: said for name, said in order.vehicle.items() if name != "plate"}
    dropoff = None
    if order.dropoff_lat is not None and order.dropoff_lon is not None:
        dropoff = _area(order.dropoff_lat, order.dropoff_lon)
    return {
        "pickup": _area(order.lat, order.lon),
        "dropoff": dropoff,
        "vehicle": vehicle,
        "notes": "",
        "photos": [],
        "contact": None,
        "customer": None,
        "driver": None,
        "coming": None,
    }


def _area(lat: float, lon: float) -> OrderPlace:
    lat, lon = areas.about(lat, lon)
    return OrderPlace(lat=lat, lon=lon, address="", exact=False)


def _dropoff(order: Order) -> OrderPlace | None:
    if order.dropoff_lat is None or order.dropoff_lon is None:
        return None
    return OrderPlace(lat=order.dropoff_lat, lon=order.dropoff_lon, address=order.dropoff_address, exact=True)


def _contact(order: Order, side: Side, *, reachable: bool) -> ContactOut:
    name = order.contact_name or order.customer.first_name or ""
    phone = order.contact_phone or order.customer.phone
    return ContactOut(name=name, phone=phone if reachable or side is Side.CUSTOMER else None)


def _person(person: User, side: Side, *, reachable: bool) -> PersonOut:
    name = person.full_name if side is Side.DESK else person.first_name or ""
    return PersonOut(uuid=person.uuid, name=name, phone=person.phone if reachable else None)


def _event(event: OrderEvent, side: Side) -> OrderEventOut | None:
    if side is Side.DESK:
        by = event.by.full_name if event.by else None
        return OrderEventOut(at=event.at, kind=event.kind, party=event.party, by=by, detail=event.detail)
    if event.kind not in _TOLD.get(side, ()):
        return None
    detail = {name: event.detail[name] for name in _DETAILS if name in event.detail}
    return OrderEventOut(at=event.at, kind=event.kind, party=event.party, by=None, detail=detail)


def _cancel(session: Session, order: Order, side: Side, *, at: datetime) -> CancelOut | None:
    """What the customer is shown before they cancel, and the desk that speaks with them."""
    if side not in (Side.CUSTOMER, Side.DESK):
        return None
    if Party.CUSTOMER not in rules.MOVES[order.state].get(OrderState.CANCELLED, ()):
        return None
    fee = cancelling.fee_now(session, order, at=at)
    free_until = None if order.accepted_at is None else order.accepted_at + FREE_CANCEL
    return CancelOut(fee=fee, text=words.money(fee, order.currency), free_until=free_until)
