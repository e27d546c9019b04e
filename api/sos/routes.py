"""Calling for help, and looking after those who did."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from sqlalchemy.orm import Session

from api import paging
from api.accounts.service import Person
from api.deps import Caller, Dispatcher, Now, RawBody, ReadSession, WriteSession
from api.paging import Page
from api.sos import service
from api.sos.rights import is_desk, require_seen, seen_by
from api.sos.schemas import (
    IncidentFilter,
    IncidentOut,
    IncidentWithTimeline,
    Resolution,
    Trigger,
    TriggerOut,
    incident_out,
    incident_with_timeline,
)
from db.models import Incident
from dispatch.sos import queries
from dispatch.sos import service as verbs

router = APIRouter(tags=["sos"])

# The body is read as a frame is, not validated: a call for help is not refused for one bad field.
_TRIGGER_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": Trigger.model_json_schema()}},
    }
}


@router.post(
    "/sos/trigger/",
    status_code=status.HTTP_201_CREATED,
    response_model=TriggerOut,
    responses={status.HTTP_200_OK: {"model": TriggerOut, "description": "A duplicate of an open incident"}},
    openapi_extra=_TRIGGER_BODY,
)
def trigger(body: RawBody, caller: Caller, session: WriteSession, response: Response, at: Now) -> TriggerOut:
    """Call for help with a device of one's own; 201 opens an incident, 200 says which one is open already."""
    device_uid, said = service.read_body(body)
    reported = service.trigger(session, caller.id, device_uid=device_uid, said=said, at=at)
    if reported.created and not reported.repeated:
        return TriggerOut(status="created", event_uid=reported.incident_id)
    response.status_code = status.HTTP_200_OK
    return TriggerOut(status="duplicate", event_uid=reported.incident_id)


@router.get("/incidents/", response_model=Page[IncidentOut])
def list_incidents(
    wanted: Annotated[IncidentFilter, Query()], caller: Caller, session: ReadSession
) -> Page[IncidentOut]:
    """Newest first; a desk sees those of its regions, anybody else their own."""
    found = queries.list_incidents(
        session,
        seen_by=seen_by(caller),
        states=wanted.state,
        region=wanted.region,
        before=paging.read_cursor(wanted.cursor, UUID),
        limit=wanted.limit + 1,
    )
    rows, more = paging.cut(found, wanted.limit, _cursor)
    items = [incident_out(row, for_desk=is_desk(caller)) for row in rows]
    return Page(items=items, next=more)


@router.get("/incidents/{incident_id}/", response_model=IncidentWithTimeline)
def show_incident(incident_id: UUID, caller: Caller, session: ReadSession) -> IncidentWithTimeline:
    """One incident with its timeline."""
    incident = queries.get_incident(session, incident_id, seen_by=seen_by(caller))
    events = list(queries.timeline(session, incident_id))
    return incident_with_timeline(incident, events, for_desk=is_desk(caller))


@router.post("/incidents/{incident_id}/ack/", response_model=IncidentOut)
def acknowledge(incident_id: UUID, desk: Dispatcher, session: WriteSession, at: Now) -> IncidentOut:
    """Take an incident, so that nobody further is woken."""
    require_seen(session, incident_id, desk)
    verbs.acknowledge(session, incident_id, by=desk.id, at=at)
    return _as_it_stands(session, incident_id, desk)


@router.post("/incidents/{incident_id}/resolve/", response_model=IncidentOut)
def resolve(
    incident_id: UUID, body: Resolution, desk: Dispatcher, session: WriteSession, at: Now
) -> IncidentOut:
    """End an incident and say how it ended."""
    require_seen(session, incident_id, desk)
    verbs.resolve(session, incident_id, by=desk.id, outcome=body.outcome, note=body.note, at=at)
    return _as_it_stands(session, incident_id, desk)


def _as_it_stands(session: Session, incident_id: UUID, desk: Person) -> IncidentOut:
    incident = queries.get_incident(session, incident_id, seen_by=seen_by(desk))
    return incident_out(incident, for_desk=True)


def _cursor(incident: Incident) -> str:
    return paging.write_cursor(incident.opened_at, incident.id)
