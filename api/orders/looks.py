"""One look for all sockets: a few queries, however many watch."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from api.orders.sights import (
    Ask,
    Coming,
    Look,
    Message,
    OfferSight,
    OrderSight,
    Place,
    Someone,
    VehicleSight,
)
from db.models import Order
from db.states import OfferState, OrderState, Party, Service
from dispatch.orders import queries, rules

MOST_PAST_MESSAGES = 50
"""So much of a conversation is told to who joins it."""


# Three questions that have an index each, in place of one that might have none.
_ORDERS = """
    WITH wanted AS (
        SELECT unnest(CAST(:orders AS int8[])) AS id
        UNION
        SELECT id FROM orders WHERE customer_id = ANY(CAST(:customers AS int8[])) AND state NOT IN ({ended})
        UNION
        SELECT id FROM orders WHERE driver_id = ANY(CAST(:drivers AS int8[])) AND state IN ({taken})
    )
    SELECT o.id, o.revision, o.state, o.service, o.region,
           o.lat, o.lon, o.address, o.dropoff_lat, o.dropoff_lon, o.dropoff_address,
           o.requested_at, o.scheduled_at, o.accepted_at, o.ended_at,
           o.customer_id, customer.full_name AS customer_name,
           o.driver_id, driver.full_name AS driver_name,
           vehicle.id AS vehicle_id, vehicle.type AS vehicle_type, vehicle.name AS vehicle_name,
           vehicle.registration,
           place.lat AS place_lat, place.lon AS place_lon, place.at AS place_at,
           place.accuracy_m AS place_accuracy_m,
           other.lat AS other_lat, other.lon AS other_lon, other.at AS other_at,
           other.accuracy_m AS other_accuracy_m,
           (SELECT max(id) FROM order_messages WHERE order_id = o.id) AS last_message
    FROM wanted
    JOIN orders o ON o.id = wanted.id
    JOIN users customer ON customer.id = o.customer_id
    LEFT JOIN users driver ON driver.id = o.driver_id
    LEFT JOIN vehicles vehicle ON vehicle.id = o.vehicle_id
    LEFT JOIN last_places place ON place.user_id = o.driver_id
    LEFT JOIN last_places other ON other.user_id = o.customer_id
"""

_MESSAGES = text("""
    SELECT said.id, said.order_id, said.party, said.at, said.text,
           said.sender_id, sender.full_name
    FROM unnest(CAST(:orders AS int8[]), CAST(:after AS int8[])) AS wanted (order_id, after)
    CROSS JOIN LATERAL (
        SELECT * FROM order_messages
        WHERE order_id = wanted.order_id AND id > wanted.after
        ORDER BY id DESC LIMIT :most
    ) AS said
    JOIN users sender ON sender.id = said.sender_id
    ORDER BY said.id
""")

_OFFERS = text("""
    SELECT offer.id, offer.uuid, offer.driver_id, offer.order_id, offer.state, offer.until_at,
           offer.distance_m, offer.eta_s,
           o.service, o.lat, o.lon, o.customer_id, customer.full_name AS customer_name
    FROM order_offers offer
    JOIN orders o ON o.id = offer.order_id
    JOIN users customer ON customer.id = o.customer_id
    WHERE offer.id = ANY(CAST(:offers AS int8[]))
       OR (offer.driver_id = ANY(CAST(:drivers AS int8[])) AND offer.state = 'open')
    ORDER BY offer.id
""")

_PLACES = text("""
    SELECT user_id, lat AS place_lat, lon AS place_lon, at AS place_at, accuracy_m AS place_accuracy_m
    FROM last_places WHERE user_id = ANY(CAST(:drivers AS int8[]))
""")

# Who drives another of their vehicles does not take this one along.
_VEHICLES = """
    SELECT vehicle.id, vehicle.driver_id, o.id AS order_id, o.customer_id,
           place.lat AS place_lat, place.lon AS place_lon, place.at AS place_at,
           place.accuracy_m AS place_accuracy_m
    FROM vehicles vehicle
    LEFT JOIN shifts shift ON shift.driver_id = vehicle.driver_id AND shift.ended_at IS NULL
    LEFT JOIN orders o ON o.vehicle_id = vehicle.id AND o.state IN ({taken})
    LEFT JOIN last_places place ON place.user_id = vehicle.driver_id
          AND coalesce(o.vehicle_id, shift.vehicle_id, vehicle.id) = vehicle.id
    WHERE vehicle.id = ANY(CAST(:vehicles AS int8[])) AND vehicle.retired_at IS NULL
"""


def _these(states: Iterable[OrderState]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


def _with_states(query: str) -> TextClause:
    # Their words stand in the query, for that a partial index is found by them.
    return text(query.format(taken=_these(rules.TAKEN), ended=_these(rules.ENDED)))


_FIND_ORDERS, _FIND_VEHICLES = _with_states(_ORDERS), _with_states(_VEHICLES)


def take(session: Session, ask: Ask, *, at: datetime) -> Look:
    """Find what is asked for; each query only where it is asked at all."""
    orders = _find_orders(session, ask)
    offers = _find_offers(session, ask)
    return Look(
        at=at,
        orders=orders,
        whole=_read_whole(session, ask, orders, offers),
        messages=_find_messages(session, ask, orders),
        offers=offers,
        places=_find_places(session, ask),
        vehicles=_find_vehicles(session, ask),
    )


def _find_orders(session: Session, ask: Ask) -> dict[int, OrderSight]:
    if not (ask.orders or ask.customers or ask.drivers):
        return {}
    asked = {
        "orders": sorted(ask.orders),
        "customers": sorted(ask.customers),
        "drivers": sorted(ask.drivers),
    }
    return {row.id: _order(row) for row in session.execute(_FIND_ORDERS, asked)}


def _read_whole(
    session: Session, ask: Ask, orders: dict[int, OrderSight], offers: Sequence[OfferSight]
) -> dict[int, Order]:
    """Those to be told whole: what has changed, what nobody knew of, what is offered anew."""
    news = {
        order for order, known in ask.whole.items() if order not in orders or orders[order].revision > known
    }
    news |= {order for order in orders if order not in ask.orders}
    news |= {offer.order_id for offer in offers if offer.id not in ask.offers}
    return queries.read_whole(session, news) if news else {}


def _find_messages(session: Session, ask: Ask, orders: dict[int, OrderSight]) -> dict[int, list[Message]]:
    news = [
        (order, after)
        for order, after in sorted(ask.chats.items())
        if order in orders and orders[order].last_message > after
    ]
    found: dict[int, list[Message]] = defaultdict(list)
    if not news:
        return found
    asked = {
        "orders": [order for order, _ in news],
        "after": [after for _, after in news],
        "most": MOST_PAST_MESSAGES,
    }
    for row in session.execute(_MESSAGES, asked):
        sender = Someone(row.sender_id, row.full_name)
        found[row.order_id].append(Message(row.id, row.order_id, sender, Party(row.party), row.at, row.text))
    return found


def _find_offers(session: Session, ask: Ask) -> list[OfferSight]:
    if not (ask.offers or ask.drivers):
        return []
    asked = {"offers": sorted(ask.offers), "drivers": sorted(ask.drivers)}
    return [_offer(row) for row in session.execute(_OFFERS, asked)]


def _find_places(session: Session, ask: Ask) -> dict[int, Place]:
    if not ask.drivers:
        return {}
    rows = session.execute(_PLACES, {"drivers": sorted(ask.drivers)})
    return {row.user_id: found for row in rows if (found := _place(row)) is not None}


def _find_vehicles(session: Session, ask: Ask) -> dict[int, VehicleSight]:
    if not ask.vehicles:
        return {}
    rows = session.execute(_FIND_VEHICLES, {"vehicles": sorted(ask.vehicles)})
    return {
        row.id: VehicleSight(row.id, row.driver_id, _place(row), row.order_id, row.customer_id)
        for row in rows
    }


def _order(row: Row[Any]) -> OrderSight:
    same = {
        name: getattr(row, name)
        for name in OrderSight.__slots__
        if name not in {"state", "service", "customer", "driver", "vehicle", "place", "customer_place"}
    }
    return OrderSight(
        **same | {"last_message": row.last_message or 0},
        state=OrderState(row.state),
        service=Service(row.service),
        customer=Someone(row.customer_id, row.customer_name),
        driver=None if row.driver_id is None else Someone(row.driver_id, row.driver_name),
        vehicle=None
        if row.vehicle_id is None
        else Coming(row.vehicle_id, row.vehicle_type, row.vehicle_name, row.registration),
        place=_place(row),
        customer_place=_place(row, "other"),
    )


def _offer(row: Row[Any]) -> OfferSight:
    same = {
        name: getattr(row, name)
        for name in OfferSight.__slots__
        if name not in {"state", "service", "customer"}
    }
    return OfferSight(
        **same,
        state=OfferState(row.state),
        service=Service(row.service),
        customer=Someone(row.customer_id, row.customer_name),
    )


def _place(row: Row[Any], whose: str = "place") -> Place | None:
    lat, lon, at, accuracy_m = (getattr(row, f"{whose}_{each}") for each in Place.__slots__)
    return None if at is None else Place(lat, lon, at, accuracy_m)
