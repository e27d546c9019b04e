"""Orders, offers, places and words as our own sockets tell them: to each what is theirs to know. Pure."""

from datetime import datetime
from typing import Any

from api.accounts.service import Person
from api.orders.interests import Moved, Said, party_of
from api.orders.sights import Coming, OfferSight, OrderSight, Someone
from db.states import Party
from dispatch.orders import arrival, rules


def order_told(order: OrderSight, person: Person, *, at: datetime) -> dict[str, Any]:
    """An order as it stands.

    Customer and driver know each other by first name, and by number while one comes to the other.
    """
    party = party_of(person, order)
    expected = arrival.expect(order, order.place, at=at)
    return {
        "id": order.id,
        "status": order.state,
        "revision": order.revision,
        "service": order.service,
        "region": order.region,
        "customer": _customer(order, party),
        "driver": _driver(order, party),
        "vehicle": None if order.vehicle is None else _vehicle(order.vehicle),
        "pickup": {"lat": order.lat, "lon": order.lon, "address": order.address},
        "dropoff": _dropoff(order),
        "needs": list(order.needs),
        "seats": order.seats,
        "notes": order.notes,
        "price": order.price,
        "currency": order.currency,
        "requested_at": order.requested_at,
        "scheduled_at": order.scheduled_at,
        "accepted_at": order.accepted_at,
        "ended_at": order.ended_at,
        "eta_s": expected.eta_s if expected else None,
        "distance_m": expected.distance_m if expected else None,
    }


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


def offer_told(offer: OfferSight) -> dict[str, Any]:
    """What a driver is asked to take: about where it is, and of nobody whose."""
    lat, lon = rules.area(offer.lat, offer.lon)
    return {
        "offer_id": offer.uuid,
        "order_id": offer.order_id,
        "state": offer.state,
        "until_at": offer.until_at,
        "service": offer.service,
        "region": offer.region,
        "area": {"lat": lat, "lon": lon},
        "distance_m": None if offer.distance_m is None else round(offer.distance_m),
        "eta_s": offer.eta_s,
        "way_m": offer.way_m,
        "needs": list(offer.needs),
        "seats": offer.seats,
        "price": offer.price,
        "currency": offer.currency,
        "scheduled_at": offer.scheduled_at,
    }


def _customer(order: OrderSight, party: Party) -> dict[str, Any]:
    customer = order.customer
    if party is Party.DRIVER:
        phone = order.contact_phone or customer.phone
        name = order.contact_name or customer.first_name
        return {"id": customer.id, "name": name, "phone": phone if order.taken else None}
    return {"id": customer.id, "name": customer.full_name, "phone": order.contact_phone or customer.phone}


def _driver(order: OrderSight, party: Party) -> dict[str, Any] | None:
    driver: Someone | None = order.driver
    if driver is None:
        return None
    if party is Party.CUSTOMER:
        phone = driver.phone if order.taken else None
        return {"id": driver.id, "name": driver.first_name, "phone": phone}
    return {"id": driver.id, "name": driver.full_name, "phone": driver.phone}


def _vehicle(vehicle: Coming) -> dict[str, Any]:
    return {
        "id": vehicle.id,
        "type": vehicle.type,
        "name": vehicle.name,
        "registration": vehicle.registration,
    }


def _dropoff(order: OrderSight) -> dict[str, Any] | None:
    if order.dropoff_lat is None or order.dropoff_lon is None:
        return None
    return {"lat": order.dropoff_lat, "lon": order.dropoff_lon, "address": order.dropoff_address}
