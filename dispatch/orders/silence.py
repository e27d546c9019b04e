"""Looks once a second whether drivers on the way are heard of: a place, or anything they do, is a sign."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from db.models import Order
from db.states import Party
from dispatch.orders import moving, queries, rules, timeline
from dispatch.orders.rules import Silence

WHY = "silent"

_ON_THE_WAY = """
    SELECT wanted.uuid, wanted.nudged_at,
           greatest(wanted.accepted_at, wanted.en_route_at, place.at, said.at) AS heard_at
    FROM orders wanted
    LEFT JOIN last_places place ON place.user_id = wanted.driver_id
    LEFT JOIN LATERAL (
        SELECT max(event.at) AS at FROM order_events event
        WHERE event.order_id = wanted.id AND event.by_id = wanted.driver_id
    ) said ON true
    WHERE wanted.state IN ('accepted', 'en_route')
"""
_LOOK = text(f"{_ON_THE_WAY} ORDER BY wanted.id")
_LOOK_AT_ONE = text(f"{_ON_THE_WAY} AND wanted.uuid = :order")


def look(session: Session, *, at: datetime) -> Sequence[uuid.UUID]:
    """The orders whose drivers fell silent, and of whom something is to be done; nothing is held."""
    return [row.uuid for row in session.execute(_LOOK) if _judge(row, at) is not None]


def attend(session: Session, order_uuid: uuid.UUID, *, at: datetime) -> None:
    """Do what is to be done of one order, as it stands by now."""
    order = queries.lock_order(session, queries.by_uuid(order_uuid))
    row = session.execute(_LOOK_AT_ONE, {"order": order_uuid}).first()  # by now they may have been heard
    if row is None:
        return
    match _judge(row, at):
        case Silence.NUDGE:
            _nudge(session, order, heard_at=row.heard_at, at=at)
        case Silence.RELEASE:
            moving.release(session, order, party=Party.HOUSE, by=None, at=at, why=WHY)


def _nudge(session: Session, order: Order, *, heard_at: datetime, at: datetime) -> None:
    order.nudged_at = at
    timeline.record(
        session,
        order,
        "driver_silent",
        party=Party.HOUSE,
        at=at,
        driver=order.driver_id,
        heard_at=heard_at.isoformat(),
    )


def _judge(row: Row[Any], at: datetime) -> Silence | None:
    return rules.judge_silence(heard_at=row.heard_at, nudged_at=row.nudged_at, at=at)
