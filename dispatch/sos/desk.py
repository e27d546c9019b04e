"""What a dispatcher does beside taking and ending an incident."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from broker.topics import may_see_region
from db.models import Incident, User
from db.states import IncidentState, Role, UserStatus
from dispatch.errors import Conflict, NotFound, WrongFields
from dispatch.sos import moving, queries, rules, timeline


def note(session: Session, incident_id: uuid.UUID, *, text: str, by: int, at: datetime) -> Incident:
    """Keep what somebody knows or did; whoever looks after the incident was heard of with it."""
    incident = queries.lock_incident(session, incident_id)
    rules.check_verb("note", incident.state)
    if incident.state != IncidentState.RESOLVED:
        moving.renew(session, incident, at=at)
    timeline.record(session, incident, "noted", by=by, at=at, text=text)
    return incident


def reassign(
    session: Session, incident_id: uuid.UUID, *, to: uuid.UUID, why: str = "", by: int, at: datetime
) -> Incident:
    """Hand an incident that somebody looks after to another, or take it over."""
    incident = moving.hold(session, incident_id, "reassign")
    if incident.acknowledged_by_id is None:
        raise Conflict("nobody looks after this yet: acknowledge it")
    new = _find_desk(session, to, region=incident.region)
    if incident.acknowledged_by_id == new.id:
        return incident
    former = session.get_one(User, incident.acknowledged_by_id)
    incident.acknowledged_by_id, incident.acknowledged_at = new.id, at
    moving.renew(session, incident, at=at)
    handed = {"from": _named(former), "to": _named(new), "why": why}
    timeline.record(session, incident, "reassigned", by=by, at=at, **handed)
    return incident


def reopen(session: Session, incident_id: uuid.UUID, *, why: str = "", by: int, at: datetime) -> Incident:
    """It was not over after all: active again, by itself, asking from the level it had reached."""
    device_id = session.scalar(select(Incident.device_id).where(Incident.id == incident_id))
    if device_id is None:
        raise NotFound(f"there is no incident {incident_id}")
    queries.lock_device(session, device_id)  # first, as a press does
    incident = queries.lock_incident(session, incident_id)
    rules.check_verb("reopen", incident.state)
    other = queries.lock_open_incident(session, device_id)
    if other is not None:
        raise Conflict(f"the device has another open incident, {other.id}: go on with that one")
    was = incident.outcome
    incident.outcome = incident.resolved_by_id = incident.resolved_at = None
    incident.merged_into_id = incident.cancel_asked_at = None
    moving.ask_again(session, incident, at=at)
    timeline.record(session, incident, "reopened", by=by, at=at, was=was, why=why)
    return incident


def mark_exercise(
    session: Session, incident_id: uuid.UUID, *, exercise: bool, why: str = "", by: int, at: datetime
) -> Incident:
    """Say that it is a drill, or that it is none; everything goes on as it did, under the other sign."""
    incident = moving.hold(session, incident_id, "exercise")
    if incident.exercise == exercise:
        return incident
    if exercise and incident.state in rules.SOMEBODY_GOES:
        raise Conflict("somebody is on their way to a real call: resolve this, and begin the exercise anew")
    if exercise and (incident.duress or moving.lock_merged(session, incident)):
        raise Conflict("this is a real call: the wearer is being forced, or others called as well")
    incident.exercise = exercise
    moving.renew(session, incident, at=at)
    timeline.record(session, incident, "exercise_marked" if exercise else "made_real", by=by, at=at, why=why)
    return incident


def _find_desk(session: Session, user: uuid.UUID, *, region: str) -> User:
    """Somebody who may look after an incident of this region."""
    found = session.scalar(select(User).where(User.uuid == user).options(selectinload(User.granted)))
    roles = set() if found is None else {each.role for each in found.granted}
    if found is None or found.status != UserStatus.ACTIVE or not roles & {Role.DISPATCHER, Role.ADMIN}:
        raise WrongFields({"to": "is no active dispatcher or admin"})
    if Role.ADMIN not in roles and not may_see_region(found.alert_regions, region):
        raise WrongFields({"to": f"does not watch the region {region}"})
    return found


def _named(user: User) -> dict[str, str]:
    return {"uuid": str(user.uuid), "name": user.full_name}
