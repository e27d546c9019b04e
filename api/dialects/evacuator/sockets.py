"""Evacuator's live locations: of the truck that comes to an order, and of a truck."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, WebSocket

from api.accounts.service import Person
from api.orders.interests import Moved, News, OneOrder, OneVehicle
from api.orders.sockets import Id, watch
from db.states import Party

router = APIRouter()


@router.websocket("/ws/orders/{order_id}/location/")
async def order_location(socket: WebSocket, order_id: Id) -> None:
    """Where the driver of an order is: for its customer, its driver and the desks of its region."""
    await watch(socket, OneOrder(order_id, talks=False), render)


@router.websocket("/ws/tow-trucks/{tow_truck_id}/location/")
async def tow_truck_location(socket: WebSocket, tow_truck_id: Id) -> None:
    """Where a truck is: for its driver, for the customer it comes to, and for desks."""
    await watch(socket, OneVehicle(tow_truck_id), render)


def render(news: News, _: Person) -> Mapping[str, Any] | None:
    """A location as the contract writes it, with its age and what is left of the way."""
    if not isinstance(news, Moved) or news.party is not Party.DRIVER:
        return None
    return {
        "type": "update",
        "order_id": news.order_id,
        "tow_truck_id": news.vehicle_id,
        "location": {
            "latitude": news.place.lat,
            "longitude": news.place.lon,
            "accuracy_m": news.place.accuracy_m,
        },
        "updated_at": news.place.at,
        "age_s": news.age_s,
        "stale": news.stale,
        "eta_s": news.arrival.eta_s if news.arrival else None,
        "distance_m": news.arrival.distance_m if news.arrival else None,
    }
