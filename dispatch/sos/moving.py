"""What every verb of an incident is made of."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import notifications, timers
from db.models import Incident
from db.states import IncidentState, Outcome
from dispatch.errors import Merged
from dispatch.sos import escalation, queries, rules, timeline

ACK_LEASE = "ack_lease"
SCENE_CHECK = "scene_check"


def hold(session: Session, incident_id: uuid.UUID, verb: str) -> Incident:
    """An incident, held, to which this can be done now."""
    incident = queries.lock_incident(session, incident_id)
    require_own(incident)
    rules.check_verb(verb, incident.state)
    return incident


def require_own(incident: Incident) -> None:
    """Raise Merged where another incident speaks for this one."""
    if incident.merged_into_id is not None and incident.state != IncidentState.RESOLVED:
        raise Merged(f"this is merged into {incident.merged_into_id}: do it there, or unmerge this first")


def move(incident: Incident, wanted: IncidentState) -> None:
    """Into another state, as the table allows."""
    rules.check_move(incident.state, wanted)
    incident.state = wanted


def ask_again(session: Session, incident: Incident, *, at: datetime) -> None:
    """Nobody looks after it any more: active, and the escalation goes on from the level it had reached."""
    if incident.state != IncidentState.ACTIVE:
        move(incident, IncidentState.ACTIVE)
    incident.acknowledged_by_id = incident.acknowledged_at = None
    timers.cancel(session, incident.id, ACK_LEASE, SCENE_CHECK, at=at)
    escalation.start(session, incident, at=at)


def renew(session: Session, incident: Incident, *, at: datetime) -> None:
    """Somebody was heard who looks after it: what watches over them begins anew."""
    if incident.merged_into_id is not None:
        return
    if incident.acknowledged_by_id is not None:
        timers.set_timer(session, incident.id, ACK_LEASE, due_at=at + rules.ACK_LEASE, at=at)
    if incident.state in rules.SOMEBODY_GOES:
        timers.set_timer(session, incident.id, SCENE_CHECK, due_at=at + rules.SCENE_CHECK, at=at)
    if incident.state != IncidentState.COUNTDOWN:
        notifications.request(session, "alert", incident.id, at=at)  # it says when the lease ends


def heard_from(session: Session, device_id: int, *, by: int, at: datetime) -> None:
    """Somebody did something about a device; where they look after its call, they were heard of with that."""
    incident = queries.lock_open_incident(session, device_id)
    if incident is not None and incident.acknowledged_by_id == by:
        renew(session, incident, at=at)


def is_leased(session: Session, incident: Incident, *, at: datetime) -> bool:
    """Whether a dispatcher looks after it, and was heard of lately."""
    if incident.acknowledged_by_id is None:
        return False
    lease = timers.find_waiting(session, incident.id, ACK_LEASE)
    return lease is not None and lease.due_at > at


def end(
    session: Session, incident: Incident, *, outcome: Outcome, by: int | None, note: str, at: datetime
) -> None:
    """Resolve it, and nothing of it waits any more."""
    move(incident, IncidentState.RESOLVED)
    incident.outcome = outcome
    incident.resolved_by_id, incident.resolved_at = by, at
    timers.cancel(session, incident.id, at=at)
    timeline.record(session, incident, "resolved", by=by, at=at, outcome=outcome, note=note)


def lock_merged(session: Session, incident: Incident) -> list[Incident]:
    """The open incidents that this one speaks for, held."""
    merged = select(Incident).where(
        Incident.merged_into_id == incident.id, Incident.state != IncidentState.RESOLVED
    )
    return list(session.scalars(merged.order_by(Incident.id).with_for_update()))
