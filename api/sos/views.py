"""An incident as a desk sees it, and as its wearer is shown it."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.sos.rights import seen_by
from api.sos.schemas import (
    DeskRef,
    DeviceRef,
    EventOut,
    IncidentOut,
    IncidentWithTimeline,
    MergedOut,
    NextStep,
    PlaceOut,
    ProposalOut,
    WearerRef,
)
from api.sos.wearer import by_first_name, told
from db import timers
from db.models import Incident, Timer
from db.states import IncidentState
from dispatch.sos import merge, queries


def show(session: Session, incident_id: uuid.UUID, person: Person) -> IncidentOut:
    """One incident as it stands, for somebody who may see it."""
    incident = queries.get_incident(session, incident_id, seen_by=seen_by(person))
    [shown] = show_all(session, [incident], person)
    return shown


def show_own(session: Session, incident_id: uuid.UUID, person: Person) -> IncidentOut:
    """One's own call."""
    incident = queries.get_incident(session, incident_id, seen_by=is_of(person))
    [shown] = show_all(session, [incident], person)
    return shown


def show_all(session: Session, incidents: Sequence[Incident], person: Person) -> list[IncidentOut]:
    """Several as they stand."""
    steps = timers.find_next(session, [each.id for each in incidents], timers.INCIDENT_STEPS)
    return [IncidentOut(**_fields(each, steps.get(each.id), person)) for each in incidents]


def show_with_timeline(session: Session, incident_id: uuid.UUID, person: Person) -> IncidentWithTimeline:
    """One incident with all that happened in it."""
    incident = queries.get_incident(session, incident_id, seen_by=seen_by(person))
    step = timers.find_next(session, [incident.id], timers.INCIDENT_STEPS).get(incident.id)
    fields = _fields(incident, step, person)
    lines = [EventOut.model_validate(event) for event in queries.timeline(session, incident.id)]
    if not _sees_all(incident, person):
        return IncidentWithTimeline(**fields, timeline=list(told(lines)))
    return IncidentWithTimeline(
        **fields,
        timeline=lines,
        merged=[_merged(each) for each in queries.list_merged(session, incident.id)],
        merge_proposals=[
            ProposalOut(
                other=each.other_id if each.incident_id == incident.id else each.incident_id,
                distance_m=each.distance_m,
                proposed_at=each.proposed_at,
            )
            for each in merge.proposals_of(session, incident)
        ],
    )


def is_of(person: Person) -> ColumnElement[bool]:
    """Their own calls."""
    return Incident.wearer_id == person.id


_PLAIN: Collection[str] = frozenset(IncidentOut.model_fields) - {
    *("device", "wearer", "place", "acknowledged_by"),
    *("merged_into", "next"),
}


def _sees_all(incident: Incident, person: Person) -> bool:
    """A desk does, but of its own calls: who stands beside a dispatcher may be the danger as well."""
    return person.is_desk and incident.wearer_id != person.id


def _fields(incident: Incident, step: Timer | None, person: Person) -> dict[str, Any]:
    wearer, desk = incident.wearer, incident.acknowledged_by
    fields = {name: getattr(incident, name) for name in _PLAIN} | {
        "device": DeviceRef.model_validate(incident.device),
        "wearer": WearerRef.model_validate(wearer) if wearer else None,
        "acknowledged_by": DeskRef.model_validate(desk) if desk else None,
        "place": _place(incident),
        "merged_into": incident.merged_into_id,
        "next": _next(step),
    }
    if _sees_all(incident, person):
        return fields
    return fields | {"acknowledged_by": by_first_name(fields["acknowledged_by"])} | _in_place(incident)


def _in_place(incident: Incident) -> dict[str, Any]:
    """What the wearer is shown in place of what a desk sees."""
    hidden = {"duress": False, "merged_into": None}
    if incident.shown is not None:
        return hidden | {"next": None} | incident.shown
    if incident.merged_into is not None and incident.state != IncidentState.RESOLVED:
        return hidden | {"state": incident.merged_into.state}
    return hidden


def _next(step: Timer | None) -> NextStep | None:
    if step is None:
        return None
    return NextStep.model_validate(
        {"what": step.kind, "whom": step.payload.get("whom"), "due_at": step.due_at}
    )


def _merged(incident: Incident) -> MergedOut:
    wearer = incident.wearer
    return MergedOut(
        incident=incident.id,
        state=incident.state,
        opened_at=incident.opened_at,
        reports=incident.reports,
        device=DeviceRef.model_validate(incident.device),
        wearer=WearerRef.model_validate(wearer) if wearer else None,
        place=_place(incident),
    )


def _place(incident: Incident) -> PlaceOut | None:
    if incident.lat is None or incident.lon is None:
        return None
    return PlaceOut(
        lat=incident.lat,
        lon=incident.lon,
        alt_m=incident.alt_m,
        accuracy_m=incident.accuracy_m,
        at=incident.position_at,
        source=incident.position_source,
    )
