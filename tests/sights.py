"""Orders as a look at the database finds them, for rules that are tried without one."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from api.accounts.service import Person
from api.orders.sights import Coming, Message, OrderSight, Place, Someone
from db.states import OrderState, Party, Role, Service

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
AZIZA = Someone(1, "Aziza Karimova")
JASUR = Someone(2, "Jasur Aliyev")
ISUZU = Coming(4, "truck", "Isuzu NPR, white", "01A777AA")


def person(user_id: int, *roles: Role, regions: frozenset[str] | None = None) -> Person:
    """Somebody who is logged in."""
    return Person(user_id, UUID(int=user_id), True, frozenset(roles or (Role.CUSTOMER,)), regions)


def place(lat: float = 41.32, lon: float = 69.24, at: datetime = NOON) -> Place:
    """Where somebody is."""
    return Place(lat, lon, at, 8.0)


def an_order(state: OrderState = OrderState.EN_ROUTE, **more: Any) -> OrderSight:
    """Aziza's tow, to which Jasur comes unless more is said."""
    comes = state not in {OrderState.REQUESTED, OrderState.OFFERED, OrderState.UNASSIGNED}
    said: dict[str, Any] = {
        "id": 7,
        "revision": 1,
        "state": state,
        "service": Service.TOW,
        "region": "south",
        "customer": AZIZA,
        "driver": JASUR if comes else None,
        "vehicle": ISUZU if comes else None,
        "lat": 41.311,
        "lon": 69.24,
        "address": "Amir Temur 12",
        "dropoff_lat": 41.35,
        "dropoff_lon": 69.28,
        "dropoff_address": "Chilonzor 5",
        "requested_at": NOON,
        "scheduled_at": None,
        "accepted_at": NOON if comes else None,
        "ended_at": None,
        "place": place() if comes else None,
        "customer_place": None,
        "last_message": 0,
    }
    return OrderSight(**said | more)


def message(message_id: int, sender: Someone = AZIZA, at: datetime = NOON, order_id: int = 7) -> Message:
    """Something said."""
    party = Party.CUSTOMER if sender is AZIZA else Party.DRIVER
    return Message(message_id, order_id, sender, party, at, f"message {message_id}")
