"""Invo's live updates: of an order, for a driver, for a passenger."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, WebSocket

from api.accounts.service import Person
from api.dialects.invo import words
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
from api.orders.sockets import Id, watch
from api.orders.telling import message_told, offer_told, order_told, place_told
from api.orders.watching import Onlooker
from db.states import Party

router = APIRouter()


@router.websocket("/ws/orders/{order_id}/")
async def order_updates(socket: WebSocket, order_id: Id) -> None:
    """An order as it stands, and each change: for its passenger, its driver and the desks of its region."""
    await _watch(socket, OneOrder(order_id))


@router.websocket("/ws/drivers/{driver_id}/")
async def driver_updates(socket: WebSocket, driver_id: Id) -> None:
    """What a driver is offered, and the order they have: for that driver and for desks."""
    await _watch(socket, OrdersOf(driver_id, Party.DRIVER))


@router.websocket("/ws/passengers/{passenger_id}/")
async def passenger_updates(socket: WebSocket, passenger_id: Id) -> None:
    """All orders of a passenger that go on: for that passenger and for desks."""
    await _watch(socket, OrdersOf(passenger_id, Party.CUSTOMER))


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


def render(news: News, person: Person) -> Mapping[str, Any]:
    """News as this contract wraps it: a type and its data, with a status in its words beside our state."""
    match news:
        case Changed(order, at):
            said = {"state": order.state, "status": words.STATUS[order.state]}
            return {"type": "order_update", "data": order_told(order, person, at=at) | said}
        case Gone(order_id):
            return {"type": "order_gone", "data": {"order_id": order_id}}
        case Moved():
            return {"type": "location", "data": place_told(news)}
        case Said():
            return {"type": "message", "data": message_told(news)}
        case Offered(offer):
            return {"type": "new_order", "data": offer_told(offer)}
        case OfferEnded(offer):
            return {"type": "offer_ended", "data": offer_told(offer)}
