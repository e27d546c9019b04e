"""Invo's live updates: of an order, for a driver, for a passenger."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, WebSocket

from api.accounts.service import Person
from api.dialects.invo.order_schemas import InvoOrderOut
from api.orders.interests import (
    Changed,
    Gone,
    Interest,
    Moved,
    News,
    Offered,
    OfferEnded,
    OneOrder,
    OrdersOf,
    Said,
)
from api.orders.rights import Side, side_of
from api.orders.sights import OfferSight, OrderSight
from api.orders.sockets import Id, watch
from api.orders.telling import message_told, place_told
from api.orders.watching import Onlooker
from db.models import Order
from db.states import Party
from dispatch.orders import arrival

router = APIRouter()


@router.websocket("/ws/orders/{order_id}/")
async def order_updates(socket: WebSocket, order_id: Id) -> None:
    """An order as it stands, and each change: for its passenger, its driver and the desks of its region."""
    await _watch(socket, OneOrder(order_id, whole=True))


@router.websocket("/ws/drivers/{driver_id}/")
async def driver_updates(socket: WebSocket, driver_id: Id) -> None:
    """What a driver is offered, and the order they have: for that driver and for desks."""
    await _watch(socket, OrdersOf(driver_id, Party.DRIVER, whole=True))


@router.websocket("/ws/passengers/{passenger_id}/")
async def passenger_updates(socket: WebSocket, passenger_id: Id) -> None:
    """All orders of a passenger that go on: for that passenger and for desks."""
    await _watch(socket, OrdersOf(passenger_id, Party.CUSTOMER, whole=True))


async def _watch(socket: WebSocket, interest: Interest) -> None:
    await watch(socket, interest, render, hear=_hear)


async def _hear(listener: Onlooker, text: str) -> None:
    """Who asks whether we are there is told so; nothing else is heard on these sockets."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(said, dict) and said.get("type") == "ping":
        listener.tell({"type": "pong"})


def render(news: News, person: Person) -> Mapping[str, Any] | None:
    """News as this contract wraps it: a type, and the data that goes with it."""
    match news:
        case Changed(order, at, whole) if whole is not None:
            return {"type": "order_update", "data": _order(whole, person) | _left(order, at)}
        case Gone(order_id):
            return {"type": "order_gone", "data": {"order_id": order_id}}
        case Moved():
            return {"type": "location", "data": place_told(news)}
        case Said():
            return {"type": "message", "data": message_told(news)}
        case Offered(offer, whole) if whole is not None:
            asked = InvoOrderOut.of(whole, Side.ASKED).model_dump(mode="json")
            return {"type": "new_order", "data": asked | _offer(offer)}
        case OfferEnded(offer):
            return {"type": "offer_ended", "data": {"id": offer.order_id} | _offer(offer)}
    return None


def _order(whole: Order, person: Person) -> dict[str, Any]:
    """As `GET /api/orders/{id}/` answers it, with our own word for where it is."""
    shown = InvoOrderOut.of(whole, side_of(whole, person)).model_dump(mode="json")
    return shown | {"state": whole.state, "revision": whole.revision}


def _left(order: OrderSight, at: datetime) -> dict[str, Any]:
    """What is left of the way."""
    left = arrival.expect(order, order.place, at=at)
    return {"eta_s": left.eta_s if left else None, "distance_m": left.distance_m if left else None}


def _offer(offer: OfferSight) -> dict[str, Any]:
    """What a driver answers to, and until when."""
    return {
        "offer_id": offer.uuid,
        "offer": offer.state,
        "until": offer.until_at,
        "distance_m": None if offer.distance_m is None else round(offer.distance_m),
        "eta_s": offer.eta_s,
    }
