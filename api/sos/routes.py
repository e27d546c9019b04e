"""Calling for help, and looking after those who did."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from api import paging
from api.deps import Caller, Db, Dispatcher, Now, RawBody, ReadSession, WriteSession
from api.paging import Page
from api.refusals import TooManyTries
from api.sos import service, views
from api.sos.rights import require_seen, seen_by
from api.sos.schemas import (
    Cancellation,
    IncidentFilter,
    IncidentOut,
    IncidentWithTimeline,
    Resolution,
    Trigger,
    TriggerOut,
)
from db.models import Incident
from dispatch.errors import Forbidden
from dispatch.sos import cancelling, pins, queries, rules
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
    reported = service.trigger(
        session, caller.id, device_uid=device_uid, said=said, is_staff=caller.is_desk, at=at
    )
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
        viewer=caller.id,
        states=wanted.state,
        region=wanted.region,
        canary=wanted.canary,
        before=paging.read_cursor(wanted.cursor, UUID),
        limit=wanted.limit + 1,
    )
    rows, more = paging.cut(found, wanted.limit, _cursor)
    return Page(items=views.show_all(session, rows, caller), next=more)


@router.get("/incidents/{incident_id}/", response_model=IncidentWithTimeline)
def show_incident(incident_id: UUID, caller: Caller, session: ReadSession) -> IncidentWithTimeline:
    """One incident with its timeline."""
    return views.show_with_timeline(session, incident_id, caller)


@router.post("/incidents/{incident_id}/ack/", response_model=IncidentOut)
def acknowledge(incident_id: UUID, desk: Dispatcher, session: WriteSession, at: Now) -> IncidentOut:
    """Look after an incident, so that nobody further is woken; said again within 120 s, for longer."""
    require_seen(session, incident_id, desk)
    verbs.acknowledge(session, incident_id, by=desk.id, at=at)
    return views.show(session, incident_id, desk)


@router.post("/incidents/{incident_id}/resolve/", response_model=IncidentOut)
def resolve(
    incident_id: UUID, body: Resolution, desk: Dispatcher, session: WriteSession, at: Now
) -> IncidentOut:
    """End an incident, and those merged into it, and say how it ended."""
    require_seen(session, incident_id, desk)
    verbs.resolve(session, incident_id, by=desk.id, outcome=body.outcome, note=body.note, at=at)
    return views.show(session, incident_id, desk)


@router.post("/incidents/{incident_id}/cancel/", response_model=IncidentOut)
def cancel(incident_id: UUID, body: Cancellation, caller: Caller, database: Db, at: Now) -> IncidentOut:
    """Take one's own call back: with the pin it ends; without one that is set, a dispatcher decides."""
    with database.transaction() as session:
        views.show_own(session, incident_id, caller)
        said = cancelling.cancel_own(session, incident_id, pin=body.pin, by=caller.id, at=at)
    # Only now: a try is counted and written down whatever is answered.
    if said.refused == pins.Judgement.NOT_NOW:
        raise TooManyTries(said.refused, retry_after_s=int(rules.PIN_PAUSE.total_seconds()))
    if said.refused is not None:
        raise PinRefused(said.refused)
    with database.transaction() as session:
        return views.show_own(session, incident_id, caller)


class PinRefused(Forbidden):
    """Without the right pin the call goes on."""

    code = "pin_refused"


def _cursor(incident: Incident) -> str:
    return paging.write_cursor(incident.opened_at, incident.id)
