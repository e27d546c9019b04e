"""What a dispatcher does with an incident beside taking and ending it."""

from uuid import UUID

from fastapi import APIRouter

from api.deps import Dispatcher, Now, WriteSession
from api.sos import views
from api.sos.rights import require_seen
from api.sos.schemas import (
    Dismissal,
    ExerciseMark,
    Handover,
    IncidentOut,
    Merging,
    Note,
    Reopening,
)
from dispatch.sos import desk as verbs
from dispatch.sos import merge as merging

router = APIRouter(prefix="/incidents/{incident_id}", tags=["sos"])


@router.post("/note/", response_model=IncidentOut)
def note(incident_id: UUID, body: Note, desk: Dispatcher, session: WriteSession, at: Now) -> IncidentOut:
    """Write down what is known or was done; it keeps the incident with whoever looks after it."""
    require_seen(session, incident_id, desk)
    verbs.note(session, incident_id, text=body.text, by=desk.id, at=at)
    return views.show(session, incident_id, desk)


@router.post("/reassign/", response_model=IncidentOut)
def reassign(
    incident_id: UUID, body: Handover, desk: Dispatcher, session: WriteSession, at: Now
) -> IncidentOut:
    """Hand an incident to another dispatcher, or take it over from one."""
    require_seen(session, incident_id, desk)
    verbs.reassign(session, incident_id, to=body.to, why=body.why, by=desk.id, at=at)
    return views.show(session, incident_id, desk)


@router.post("/reopen/", response_model=IncidentOut)
def reopen(
    incident_id: UUID, body: Reopening, desk: Dispatcher, session: WriteSession, at: Now
) -> IncidentOut:
    """It was not over after all: people are asked again."""
    require_seen(session, incident_id, desk)
    verbs.reopen(session, incident_id, why=body.why, by=desk.id, at=at)
    return views.show(session, incident_id, desk)


@router.post("/exercise/", response_model=IncidentOut)
def mark_exercise(
    incident_id: UUID, body: ExerciseMark, desk: Dispatcher, session: WriteSession, at: Now
) -> IncidentOut:
    """Say that an incident is a drill, or that it is real; all that follows from it goes on either way."""
    require_seen(session, incident_id, desk)
    verbs.mark_exercise(session, incident_id, exercise=body.exercise, why=body.why, by=desk.id, at=at)
    return views.show(session, incident_id, desk)


@router.post("/merge/", response_model=IncidentOut)
def merge(incident_id: UUID, body: Merging, desk: Dispatcher, session: WriteSession, at: Now) -> IncidentOut:
    """Let another incident speak for this one; its wearer is shown how that one stands."""
    require_seen(session, incident_id, desk)
    require_seen(session, body.into, desk)
    merging.merge(session, incident_id, into=body.into, by=desk.id, at=at)
    return views.show(session, incident_id, desk)


@router.post("/merge/dismiss/", response_model=IncidentOut)
def dismiss_merge(
    incident_id: UUID, body: Dismissal, desk: Dispatcher, session: WriteSession, at: Now
) -> IncidentOut:
    """Two incidents that were proposed for merging have nothing to do with each other."""
    require_seen(session, incident_id, desk)
    require_seen(session, body.other, desk)
    merging.dismiss(session, incident_id, other=body.other, by=desk.id, at=at)
    return views.show(session, incident_id, desk)


@router.post("/unmerge/", response_model=IncidentOut)
def unmerge(incident_id: UUID, desk: Dispatcher, session: WriteSession, at: Now) -> IncidentOut:
    """Let an incident speak for itself again."""
    require_seen(session, incident_id, desk)
    merging.unmerge(session, incident_id, by=desk.id, at=at)
    return views.show(session, incident_id, desk)
