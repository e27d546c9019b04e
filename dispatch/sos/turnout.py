"""Looks once a second whether those who said yes are coming."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from db.models import HelperCall
from db.states import IncidentState
from dispatch.matching import scoring
from dispatch.matching.rules import FRESH
from dispatch.sos import call_rules, calls, queries
from dispatch.sos.call_rules import Turn, Turnout

_ON_THE_WAY = """
    SELECT call.id, call.uuid, call.incident_id, call.moved_at, call.answered_at, call.nudged_at,
           call.nearest_m, place.accuracy_m,
           ST_Distance(place.place,
                       ST_SetSRID(ST_MakePoint(incident.lon, incident.lat), 4326)::geography) AS distance_m
    FROM helper_calls call
    JOIN incidents incident ON incident.id = call.incident_id
    LEFT JOIN last_places place ON place.user_id = call.helper_id AND place.at >= :fresh_since
    WHERE call.ended_at IS NULL AND call.state IN ('accepted', 'en_route')
"""
_LOOK = text(f"{_ON_THE_WAY} ORDER BY call.id")
_LOOK_AT_ONE = text(f"{_ON_THE_WAY} AND call.uuid = :call")


def look(session: Session, *, at: datetime) -> Sequence[uuid.UUID]:
    """The calls of whom something is to be done; nothing is held."""
    rows = session.execute(_LOOK, {"fresh_since": at - FRESH})
    return [row.uuid for row in rows if call_rules.judge(_turnout(row), at=at) is not None]


def attend(session: Session, call_id: uuid.UUID, *, at: datetime) -> None:
    """Do what is to be done of one call, as it stands by now."""
    found = _one(session, call_id, at)
    if found is None:
        return
    incident = queries.lock_incident(session, found.incident_id)
    row = _one(session, call_id, at)  # by now somebody may have answered
    if row is None or row.incident_id != incident.id or incident.state == IncidentState.RESOLVED:
        return
    call = session.get_one(HelperCall, row.id, with_for_update=True, populate_existing=True)
    match call_rules.judge(_turnout(row), at=at):
        case Turn.ARRIVED:
            calls.arrive(session, incident, call, seen=True, at=at)
        case Turn.CAME_NEARER:
            _came_nearer(session, call, row.distance_m, at)
            eta_s = scoring.remaining_s(row.distance_m, asked_m=call.distance_m)
            calls.tell_eta(session, incident, call, eta_s=eta_s, at=at)
            if call_rules.has_set_out(call.state, was_m=row.nearest_m):
                calls.set_out(session, incident, call, at=at)
        case Turn.NUDGE:
            calls.nudge(session, incident, call, at=at)
        case Turn.GIVE_UP:
            calls.give_up(session, incident, call, at=at)


def _came_nearer(session: Session, call: HelperCall, distance_m: float, at: datetime) -> None:
    call.nearest_m, call.moved_at = distance_m, at
    session.flush()


def _one(session: Session, call_id: uuid.UUID, at: datetime) -> Row[Any] | None:
    return session.execute(_LOOK_AT_ONE, {"fresh_since": at - FRESH, "call": call_id}).first()


def _turnout(row: Row[Any]) -> Turnout:
    return Turnout(
        moved_at=row.moved_at or row.answered_at,
        nudged_at=row.nudged_at,
        nearest_m=row.nearest_m,
        distance_m=row.distance_m,
        accuracy_m=row.accuracy_m,
    )
