"""The wearer takes a call back, or is made to."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db import timers
from db.models import Incident, User
from db.states import IncidentState, Outcome
from dispatch.errors import IllegalMove
from dispatch.sos import escalation, merge, moving, pins, queries, rules, timeline
from dispatch.sos.pins import Judgement


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of a cancel: the incident it was about, or why it was refused."""

    incident_id: uuid.UUID | None
    refused: str | None = None


def cancel(
    session: Session, device_id: int, *, frame_id: str, pin: str | None = None, at: datetime
) -> Cancelled:
    """A watch takes its call back; one sent again gets the same answer."""
    queries.lock_device(session, device_id)
    incident = queries.lock_open_incident(session, device_id)
    if incident is None or incident.shown is not None:
        return _answer_again(session, device_id, frame_id, at)
    return _judge(session, incident, pin, by=None, at=at)


def cancel_own(
    session: Session, incident_id: uuid.UUID, *, pin: str | None = None, by: int, at: datetime
) -> Cancelled:
    """The wearer's app takes a call back."""
    incident = queries.lock_incident(session, incident_id)
    if incident.state == IncidentState.RESOLVED or incident.shown is not None:
        outcome = incident.outcome if incident.shown is None else Outcome.CANCELLED
        if outcome != Outcome.CANCELLED:
            raise IllegalMove("this call is over already")
        return Cancelled(incident.id)
    return _judge(session, incident, pin, by=by, at=at)


def _answer_again(session: Session, device_id: int, frame_id: str, at: datetime) -> Cancelled:
    """What the wearer knows of is over; a cancel of an unknown id may be the one that just ended it."""
    earlier = queries.find_report(session, device_id, frame_id)
    if earlier is not None:
        return Cancelled(earlier[0].incident_id)
    newest = queries.find_newest(session, device_id)
    if newest is not None and at - _ended_at(newest) <= rules.RESEND_WINDOW:
        return Cancelled(newest.id)
    return Cancelled(None, refused="no SOS to cancel")


def _ended_at(incident: Incident) -> datetime:
    if incident.shown is not None:
        return datetime.fromisoformat(incident.shown["resolved_at"])
    assert incident.resolved_at is not None
    return incident.resolved_at


def _judge(
    session: Session, incident: Incident, pin: str | None, *, by: int | None, at: datetime
) -> Cancelled:
    judgement, is_news = pins.judge(session, incident.wearer_id, pin, at=at)
    match judgement:
        case Judgement.RIGHT:
            _end(session, incident, by=by, at=at)
        case Judgement.NOT_SET if incident.state == IncidentState.COUNTDOWN:
            _end(session, incident, by=by, at=at)
        case Judgement.DURESS:
            _feign(session, incident, by=by, at=at)
        case Judgement.NOT_SET:
            if incident.cancel_asked_at is None:
                incident.cancel_asked_at = at
                timeline.record(session, incident, "cancel_asked", by=by, at=at)
        case Judgement.MISSING if incident.cancel_asked_at is None:
            incident.cancel_asked_at = at
            timeline.record(session, incident, "cancel_refused", by=by, at=at, why=judgement.value)
            return Cancelled(incident.id, refused=judgement.value)
        case _:
            if is_news:
                timeline.record(session, incident, "cancel_refused", by=by, at=at, why=judgement.value)
            return Cancelled(incident.id, refused=judgement.value)
    return Cancelled(incident.id)


def _end(session: Session, incident: Incident, *, by: int | None, at: datetime) -> None:
    moving.end(session, incident, outcome=Outcome.CANCELLED, by=by, note="", at=at)
    # Their call is over; those of others that were merged into it are not theirs to end.
    merge.release_all(session, incident, at=at)


def _feign(session: Session, incident: Incident, *, by: int | None, at: datetime) -> None:
    """Show the wearer an end, and go on with more force: whoever stands beside them sees their screen."""
    incident.shown = _as_if_cancelled(session, incident, at)
    incident.duress = True
    incident.severity = rules.HIGHEST_SEVERITY
    was_counting = incident.state == IncidentState.COUNTDOWN
    if was_counting:
        timers.cancel(session, incident.id, "countdown", at=at)
        moving.move(incident, IncidentState.ACTIVE)
    if incident.state == IncidentState.ACTIVE and incident.merged_into_id is None:
        escalation.hasten(session, incident, at=at)
    timeline.record(session, incident, "cancelled_under_duress", by=by, at=at)
    if was_counting:
        timeline.record(session, incident, "activated", at=at)


def _as_if_cancelled(session: Session, incident: Incident, at: datetime) -> dict[str, Any]:
    """What the wearer would see from now on, had the pin been the right one."""
    desk = None
    if incident.acknowledged_by_id is not None:
        user = session.get_one(User, incident.acknowledged_by_id)
        desk = {"uuid": str(user.uuid), "full_name": user.first_name or ""}
    place = None
    if incident.lat is not None:
        place = {
            "lat": incident.lat,
            "lon": incident.lon,
            "alt_m": incident.alt_m,
            "accuracy_m": incident.accuracy_m,
            "at": _iso(incident.position_at),
            "source": incident.position_source,
        }
    return {
        "state": IncidentState.RESOLVED,
        "outcome": Outcome.CANCELLED,
        "revision": incident.revision + 1,
        "severity": incident.severity,
        "place": place,
        "battery_pct": incident.battery_pct,
        "level": incident.level,
        "reports": incident.reports,
        "acknowledged_by": desk,
        "acknowledged_at": _iso(incident.acknowledged_at),
        "resolved_at": _iso(at),
        "cancel_asked_at": _iso(incident.cancel_asked_at),
        "signal_lost": incident.signal_lost,
        "exercise": incident.exercise,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
