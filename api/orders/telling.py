"""Places and words as our own sockets tell them. Pure."""

from typing import Any

from api.orders.interests import Moved, Said


def place_told(moved: Moved) -> dict[str, Any]:
    """Where somebody is, with how old that is; an old place is told as one."""
    return {
        "order_id": moved.order_id,
        "user_id": moved.who,
        "party": moved.party,
        "lat": moved.place.lat,
        "lon": moved.place.lon,
        "accuracy_m": moved.place.accuracy_m,
        "at": moved.place.at,
        "age_s": moved.age_s,
        "stale": moved.stale,
        "eta_s": moved.arrival.eta_s if moved.arrival else None,
        "distance_m": moved.arrival.distance_m if moved.arrival else None,
    }


def message_told(said: Said) -> dict[str, Any]:
    """What somebody said."""
    message = said.message
    return {
        "id": message.id,
        "order_id": message.order_id,
        "sender": {"id": message.sender.id, "name": message.sender.first_name},
        "party": message.party,
        "at": message.at,
        "text": message.text,
    }
