"""Putting up fences, and reading who crossed them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status
from sqlalchemy.orm import Session

from api import paging
from api.accounts.service import Person
from api.deps import Caller, Now, ReadSession, WriteSession
from api.geofences.rights import draft_of, kept_by
from api.geofences.schemas import (
    GeofenceChange,
    GeofenceEventOut,
    GeofenceFilter,
    GeofenceOut,
    NewGeofence,
    event_out,
    geofence_out,
)
from api.paging import Page
from db.models import GeofenceEvent
from dispatch.errors import Forbidden
from dispatch.geofences import queries
from dispatch.geofences import service as verbs
from dispatch.geofences.queries import FenceView

router = APIRouter(prefix="/geofences", tags=["geofences"])


@router.get("/", response_model=Page[GeofenceOut])
def list_geofences(
    wanted: Annotated[GeofenceFilter, Query()], caller: Caller, session: ReadSession
) -> Page[GeofenceOut]:
    """Newest first: one's own; for dispatchers and admins also those of the staff."""
    before = paging.read_cursor(wanted.cursor, UUID)
    found = queries.list_fences(session, kept_by=kept_by(caller), before=before, limit=wanted.limit + 1)
    rows, more = paging.cut(found, wanted.limit, _fence_cursor)
    return Page(items=[geofence_out(row) for row in rows], next=more)


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=GeofenceOut)
def create_geofence(body: NewGeofence, caller: Caller, session: WriteSession, at: Now) -> GeofenceOut:
    """Put up a fence of one's own, or of the staff."""
    if body.staff and not caller.is_desk:
        raise Forbidden("a fence of the staff needs the role dispatcher or admin")
    owner_id = None if body.staff else caller.id
    draft = draft_of(session, body, owner_id=owner_id)
    return _as_it_stands(session, verbs.create(session, draft, owner_id=owner_id, at=at), caller)


@router.get("/{geofence_id}/", response_model=GeofenceOut)
def show_geofence(geofence_id: UUID, caller: Caller, session: ReadSession) -> GeofenceOut:
    """One fence."""
    return _as_it_stands(session, geofence_id, caller)


@router.put("/{geofence_id}/", response_model=GeofenceOut)
def replace_geofence(
    geofence_id: UUID, body: GeofenceChange, caller: Caller, session: WriteSession
) -> GeofenceOut:
    """Change all of a fence but whose it is; where its devices stand is then found out anew."""
    kept, _ = queries.get_fence(session, geofence_id, kept_by=kept_by(caller))
    draft = draft_of(session, body, owner_id=kept.owner_id)
    verbs.replace(session, geofence_id, draft, kept_by=kept_by(caller))
    return _as_it_stands(session, geofence_id, caller)


@router.delete("/{geofence_id}/", status_code=status.HTTP_204_NO_CONTENT)
def remove_geofence(geofence_id: UUID, caller: Caller, session: WriteSession) -> None:
    """Take a fence down, with its crossings."""
    verbs.remove(session, geofence_id, kept_by=kept_by(caller))


@router.get("/{geofence_id}/events/", response_model=Page[GeofenceEventOut])
def list_crossings(
    geofence_id: UUID, wanted: Annotated[GeofenceFilter, Query()], caller: Caller, session: ReadSession
) -> Page[GeofenceEventOut]:
    """Who crossed it and when, newest first."""
    fence, _ = queries.get_fence(session, geofence_id, kept_by=kept_by(caller))
    before = paging.read_cursor(wanted.cursor, int)
    found = queries.list_events(session, fence, before=before, limit=wanted.limit + 1)
    rows, more = paging.cut(found, wanted.limit, _event_cursor)
    return Page(items=[event_out(row) for row in rows], next=more)


def _as_it_stands(session: Session, fence_id: UUID, caller: Person) -> GeofenceOut:
    return geofence_out(queries.get_fence(session, fence_id, kept_by=kept_by(caller)))


def _fence_cursor(view: FenceView) -> str:
    fence, _ = view
    return paging.write_cursor(fence.created_at, fence.uuid)


def _event_cursor(event: GeofenceEvent) -> str:
    return paging.write_cursor(event.at, event.id)
