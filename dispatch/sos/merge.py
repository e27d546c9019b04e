"""One accident, several who call: proposed by the house, decided by a person, undone by a person.

A merged incident keeps its device, its reports and its timeline; another speaks for it. It is one level
deep: who speaks for others is not merged, and who is merged speaks for nobody.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from geoalchemy2 import Geography
from sqlalchemy import ColumnElement, cast, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db import timers
from db.models import HelperCall, Incident, MergeProposal
from db.states import CallState, IncidentState
from dispatch.errors import Conflict, NotFound
from dispatch.sos import escalation, moving, queries, rules, service, timeline


def propose(session: Session, incident_id: uuid.UUID, *, at: datetime) -> MergeProposal | None:
    """Say that an incident may be of the same accident as the first that opened near it, if there is one.

    One proposal each, and always of the younger: thirty telephones in one bus make 29, not 435.
    """
    incident = session.get_one(Incident, incident_id)
    found = _find_near(session, incident)
    if found is None:
        return None
    near, distance_m = found
    first, second = sorted((incident, near), key=lambda each: (each.opened_at, each.id))
    # The other may have opened since the time of this turn was taken.
    at = max(at, second.opened_at)
    proposal: MergeProposal | None = session.scalar(
        insert(MergeProposal)
        .values(incident_id=first.id, other_id=second.id, proposed_at=at, distance_m=distance_m)
        .on_conflict_do_nothing()
        .returning(MergeProposal)
    )
    if proposal is None:
        return None
    held = _lock_both(session, first.id, second.id)
    for each, other in (held, held[::-1]):
        if each.state != IncidentState.RESOLVED:
            distance = round(distance_m, 1)
            timeline.record(session, each, "merge_proposed", at=at, other=str(other.id), distance_m=distance)
    return proposal


def merge(session: Session, incident_id: uuid.UUID, *, into: uuid.UUID, by: int, at: datetime) -> Incident:
    """Let another incident speak for this one, with whoever is on their way to it; returns the other."""
    if into == incident_id:
        raise Conflict("an incident cannot be merged into itself")
    parent, child = _lock_both(session, into, incident_id)
    if child.merged_into_id == parent.id and child.state != IncidentState.RESOLVED:
        return parent
    for each in (parent, child):
        moving.require_own(each)
        rules.check_verb("merge", each.state)
    if moving.lock_merged(session, child):
        raise Conflict(f"others are merged into this: merge {into} into it instead, or unmerge them first")
    if (parent.exercise, parent.canary) != (child.exercise, child.canary):
        raise Conflict("one of them is an exercise and the other is not")
    timers.cancel(session, child.id, at=at)
    if child.state != IncidentState.ACTIVE:
        moving.move(child, IncidentState.ACTIVE)
    child.acknowledged_by_id = child.acknowledged_at = None
    child.merged_into_id = parent.id
    if (child.severity or 0) > (parent.severity or 0):
        parent.severity = child.severity
    _settle(session, parent.id, child.id, merged=True, by=by, at=at)
    timeline.record(session, child, "merged", by=by, at=at, other=str(parent.id))
    timeline.record(session, parent, "took_in", by=by, at=at, other=str(child.id))
    _take_over_calls(session, child, parent, by=by, at=at)
    moving.renew(session, parent, at=at)
    return parent


def unmerge(session: Session, incident_id: uuid.UUID, *, by: int, at: datetime) -> Incident:
    """Let an incident speak for itself again: people are asked anew, unless it is over.

    Who was on the way to it stays with the one it was merged into.
    """
    parent_id = session.scalar(select(Incident.merged_into_id).where(Incident.id == incident_id))
    if parent_id is None:
        raise _not_merged(session, incident_id)
    parent, child = _lock_both(session, parent_id, incident_id)
    if child.merged_into_id != parent_id:
        raise _not_merged(session, incident_id)
    _release(session, parent, child, by=by, at=at)
    if parent.state != IncidentState.RESOLVED:
        moving.renew(session, parent, at=at)
    return child


def release_all(session: Session, parent: Incident, *, at: datetime) -> None:
    """The wearer of this one took it back: those who called beside them speak for themselves again."""
    for child in moving.lock_merged(session, parent):
        _release(session, parent, child, by=None, at=at)


def dismiss(session: Session, incident_id: uuid.UUID, *, other: uuid.UUID, by: int, at: datetime) -> None:
    """They are not one accident; said again, it changes nothing."""
    held = _lock_both(session, incident_id, other)
    if not _settle(session, incident_id, other, merged=False, by=by, at=at):
        if _find_proposal(session, incident_id, other) is None:
            raise NotFound(f"it was not proposed to merge these two: {incident_id}, {other}")
        return
    for each, its_other in (held, held[::-1]):
        timeline.record(session, each, "merge_dismissed", by=by, at=at, other=str(its_other.id))


def proposals_of(session: Session, incident: Incident) -> Sequence[MergeProposal]:
    """What is proposed for an open incident and nobody has decided."""
    if incident.state == IncidentState.RESOLVED or incident.merged_into_id is not None:
        return []
    free = select(Incident.id).where(
        Incident.state != IncidentState.RESOLVED, Incident.merged_into_id.is_(None)
    )
    return session.scalars(
        select(MergeProposal)
        .where(
            or_(MergeProposal.incident_id == incident.id, MergeProposal.other_id == incident.id),
            MergeProposal.settled_at.is_(None),
            MergeProposal.incident_id.in_(free),
            MergeProposal.other_id.in_(free),
        )
        .order_by(MergeProposal.id)
    ).all()


def tell_parent(session: Session, incident_id: uuid.UUID, what: str, *, at: datetime) -> None:
    """What happens to a merged incident stands on the timeline of the one that speaks for it as well."""
    child = session.get_one(Incident, incident_id)
    if child.merged_into_id is None:
        return
    parent = queries.lock_incident(session, child.merged_into_id)
    if parent.state == IncidentState.RESOLVED:
        return
    if child.state != IncidentState.RESOLVED and (child.severity or 0) > (parent.severity or 0):
        parent.severity = child.severity
    timeline.record(session, parent, "heard_of_merged", at=at, other=str(child.id), said=what)


def _find_near(session: Session, incident: Incident) -> tuple[Incident, float] | None:
    """The first that opened near in place and time, or the one that speaks for it; with its distance."""
    if not _may_be_merged(incident) or incident.lat is None or incident.lon is None:
        return None
    if incident.position_at is None or incident.opened_at - incident.position_at > rules.NEAR_TIME:
        return None  # where somebody was then says nothing of who is beside them now
    here = _point(incident.lon, incident.lat)
    there = _point(Incident.lon, Incident.lat)
    near = (
        select(Incident, func.ST_Distance(here, there))
        .where(
            Incident.id != incident.id,
            Incident.device_id != incident.device_id,
            Incident.state.in_(rules.VERBS["merge"]),
            Incident.exercise == incident.exercise,
            Incident.canary.is_(False),
            Incident.opened_at.between(
                incident.opened_at - rules.NEAR_TIME, incident.opened_at + rules.NEAR_TIME
            ),
            Incident.position_at >= Incident.opened_at - rules.NEAR_TIME,
            func.ST_DWithin(here, there, rules.NEAR_M),
        )
        .order_by(Incident.opened_at, Incident.id)
        .limit(1)
    )
    found = session.execute(near).first()
    if found is None:
        return None
    first, distance_m = found[0], float(found[1])
    if first.merged_into_id is None:
        return first, distance_m
    if first.merged_into_id == incident.id:
        return None
    return session.get_one(Incident, first.merged_into_id), distance_m


def _may_be_merged(incident: Incident) -> bool:
    if incident.canary or incident.merged_into_id is not None:
        return False
    return incident.state in rules.VERBS["merge"]


def _point(lon: object, lat: object) -> ColumnElement[object]:
    return cast(func.ST_SetSRID(func.ST_MakePoint(lon, lat), 4326), Geography(srid=4326))


def _lock_both(session: Session, first: uuid.UUID, second: uuid.UUID) -> tuple[Incident, Incident]:
    """Both, held in this order: whoever holds a parent may wait for its child, never the other way round."""
    return queries.lock_incident(session, first), queries.lock_incident(session, second)


def _release(session: Session, parent: Incident, child: Incident, *, by: int | None, at: datetime) -> None:
    child.merged_into_id = None
    if child.state != IncidentState.RESOLVED:
        escalation.start(session, child, at=at)
    timeline.record(session, child, "unmerged", by=by, at=at, other=str(parent.id))
    timeline.record(session, parent, "let_go", by=by, at=at, other=str(child.id))


def _take_over_calls(session: Session, child: Incident, parent: Incident, *, by: int, at: datetime) -> None:
    """Who was asked to come to the one is asked to the other; who was asked to both, once."""
    asked = {call.helper_id: call for call in _open_calls(session, parent)}
    taken = _open_calls(session, child)
    for call in taken:
        twin = asked.get(call.helper_id)
        if twin is not None:
            less = min(call, twin, key=_how_far)
            less.state, less.ended_at, less.why = CallState.WITHDRAWN, at, "merged"
            session.flush()  # of two open calls of one helper there may be one
        if call.ended_at is None:
            call.incident_id, call.nearest_m = parent.id, None  # from there on it is another way
    session.flush()
    states = {call.state for call in taken if call.ended_at is None}
    if states & {CallState.ACCEPTED, CallState.EN_ROUTE, CallState.ON_SCENE}:
        service.responding(session, parent, by=by, at=at)
    if CallState.ON_SCENE in states:
        service.on_scene(session, parent, by=by, at=at)


def _open_calls(session: Session, incident: Incident) -> Sequence[HelperCall]:
    return session.scalars(
        select(HelperCall)
        .where(HelperCall.incident_id == incident.id, HelperCall.ended_at.is_(None))
        .order_by(HelperCall.id)
        .with_for_update()
    ).all()


_FAR = (CallState.ALERTED, CallState.DELIVERED, CallState.ACCEPTED, CallState.EN_ROUTE, CallState.ON_SCENE)


def _how_far(call: HelperCall) -> int:
    return _FAR.index(call.state)


def _settle(
    session: Session, one: uuid.UUID, other: uuid.UUID, *, merged: bool, by: int, at: datetime
) -> bool:
    proposal = _find_proposal(session, one, other)
    if proposal is None or proposal.settled_at is not None:
        return False
    proposal.settled_at, proposal.settled_by_id, proposal.merged = at, by, merged
    return True


def _find_proposal(session: Session, one: uuid.UUID, other: uuid.UUID) -> MergeProposal | None:
    both = {one, other}
    return session.scalar(
        select(MergeProposal).where(MergeProposal.incident_id.in_(both), MergeProposal.other_id.in_(both))
    )


def _not_merged(session: Session, incident_id: uuid.UUID) -> Conflict:
    queries.lock_incident(session, incident_id)
    return Conflict("this is not merged into another")
