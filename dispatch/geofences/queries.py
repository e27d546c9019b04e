"""Reading fences and crossings; who may is a condition inside the query."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import Session, joinedload

from db.models import Geofence, GeofenceEvent
from dispatch.errors import NotFound

_DIGITS = 7

FenceView = tuple[Geofence, dict[str, Any] | None]
"""A fence and its area as GeoJSON, unless it is a circle."""


def list_fences(
    session: Session,
    *,
    kept_by: ColumnElement[bool],
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Sequence[FenceView]:
    """Newest first; `before` is the (created_at, uuid) of the last one seen."""
    wanted = _views().where(kept_by)
    if before is not None:
        wanted = wanted.where(tuple_(Geofence.created_at, Geofence.uuid) < before)
    newest_first = wanted.order_by(Geofence.created_at.desc(), Geofence.uuid.desc()).limit(limit)
    return [_view(row) for row in session.execute(newest_first)]


def get_fence(session: Session, fence_id: UUID, *, kept_by: ColumnElement[bool]) -> FenceView:
    """One fence, if the caller keeps it."""
    found = session.execute(
        _views().where(Geofence.uuid == fence_id, kept_by).execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NoSuchFence(fence_id)
    return _view(found)


def lock_fence(session: Session, fence_id: UUID, *, kept_by: ColumnElement[bool]) -> Geofence:
    """A fence, held; its crossings may still be written down."""
    fence = session.scalar(
        select(Geofence).where(Geofence.uuid == fence_id, kept_by).with_for_update(key_share=True)
    )
    if fence is None:
        raise NoSuchFence(fence_id)
    return fence


def list_events(
    session: Session, fence: Geofence, *, before: tuple[datetime, int] | None = None, limit: int = 50
) -> Sequence[GeofenceEvent]:
    """Crossings, newest first; `before` is the (at, id) of the last one seen."""
    wanted = (
        select(GeofenceEvent)
        .where(GeofenceEvent.geofence_id == fence.id)
        .options(joinedload(GeofenceEvent.device))
    )
    if before is not None:
        wanted = wanted.where(tuple_(GeofenceEvent.at, GeofenceEvent.id) < before)
    newest_first = wanted.order_by(GeofenceEvent.at.desc(), GeofenceEvent.id.desc()).limit(limit)
    return session.scalars(newest_first).all()


class NoSuchFence(NotFound):
    """No such fence, or none that the caller keeps."""

    def __init__(self, fence_id: UUID) -> None:
        super().__init__(f"there is no geofence {fence_id}")


def _views() -> Select[Geofence, str | None]:
    return select(Geofence, func.ST_AsGeoJSON(Geofence.area, _DIGITS)).options(
        joinedload(Geofence.device), joinedload(Geofence.person)
    )


def _view(row: Any) -> FenceView:
    fence, area = row
    return fence, None if area is None else json.loads(area)
