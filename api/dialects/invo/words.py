"""Invo's words for ours."""

from collections.abc import Mapping
from typing import Any

from db.states import OrderState

STATUS: Mapping[OrderState, str] = {
    OrderState.REQUESTED: "submitted",
    OrderState.OFFERED: "active_queue",
    OrderState.UNASSIGNED: "awaiting_dispatcher_decision",
    OrderState.ACCEPTED: "assigned",
    OrderState.EN_ROUTE: "driver_en_route",
    OrderState.ARRIVED: "arrived_waiting",
    OrderState.IN_PROGRESS: "ride_ongoing",
    OrderState.COMPLETED: "completed",
    OrderState.CANCELLED: "cancelled",
    OrderState.NO_SHOW: "no_show",
}

_STATE = {state.value: state for state in OrderState} | {word: state for state, word in STATUS.items()}
_STATE["rejected"] = OrderState.CANCELLED

SETTABLE = frozenset(STATUS) - {OrderState.OFFERED, OrderState.UNASSIGNED, OrderState.ACCEPTED}
"""What may be said of an order; who comes is found by offers and by /api/dispatch/assign/."""


def read_status(said: Any) -> OrderState:
    """A state by invo's word or by ours; ValueError tells which there are."""
    found = _STATE.get(said.strip().lower()) if isinstance(said, str) else None
    if found is None:
        raise ValueError(f"must be one of {', '.join(STATUS.values())}")
    return found
