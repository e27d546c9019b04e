"""What may be done with fences; each change makes the devices' standing to them begin anew."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlalchemy.orm import Session

from db.models import Geofence, GeofenceWatch, User
from dispatch import areas
from dispatch.errors import Conflict, WrongFields
from dispatch.geofences import queries, rules
from dispatch.shapes import Shape, find_faults


@dataclass(frozen=True, slots=True)
class Circle:
    """All that is within a distance of a place."""

    lat: float
    lon: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Draft:
    """A fence as somebody wants it, watching one device or all of a person's."""

    name: str
    active: bool
    device_id: int | None
    person_id: int | None
    shape: Circle | Shape


def create(session: Session, draft: Draft, *, owner_id: int | None, at: datetime) -> UUID:
    """Put up a fence; without an owner it is the staff's."""
    if owner_id is not None:
        session.execute(select(User.id).where(User.id == owner_id).with_for_update(key_share=True))
        count = select(func.count()).select_from(Geofence).where(Geofence.owner_id == owner_id)
        if (session.scalar(count) or 0) >= rules.MOST_FENCES:
            raise Conflict(f"there are {rules.MOST_FENCES} fences of yours already; remove one first")
    fence = Geofence(owner_id=owner_id, created_at=at)
    _apply(session, fence, draft)
    session.add(fence)
    session.flush()
    return fence.uuid


def replace(session: Session, fence_id: UUID, draft: Draft, *, kept_by: ColumnElement[bool]) -> None:
    """Change all of a fence but whose it is."""
    fence = queries.lock_fence(session, fence_id, kept_by=kept_by)
    _apply(session, fence, draft)
    session.flush()
    _begin_anew(session, fence)


def remove(session: Session, fence_id: UUID, *, kept_by: ColumnElement[bool]) -> None:
    """Take a fence down, with what is known of who crossed it."""
    fence = queries.lock_fence(session, fence_id, kept_by=kept_by)
    _begin_anew(session, fence)
    session.execute(delete(Geofence).where(Geofence.id == fence.id))


def _begin_anew(session: Session, fence: Geofence) -> None:
    # Waits for a look that is under way, which then finds no watch of this fence to claim.
    session.execute(delete(GeofenceWatch).where(GeofenceWatch.geofence_id == fence.id))


def _apply(session: Session, fence: Geofence, draft: Draft) -> None:
    fence.name, fence.active = draft.name, draft.active
    fence.device_id, fence.person_id = draft.device_id, draft.person_id
    for column, value in _columns(session, draft.shape).items():
        setattr(fence, column, value)


def _columns(session: Session, shape: Circle | Shape) -> dict[str, Any]:
    if isinstance(shape, Circle):
        circle = {"lat": shape.lat, "lon": shape.lon, "radius_m": shape.radius_m}
        return {"area": None, "depth_m": shape.radius_m, **circle}
    faults = find_faults(shape, most_vertices=rules.MOST_VERTICES)
    said = "; ".join(faults) or areas.find_invalidity(session, shape)
    if said:
        raise WrongFields({"shape": said})
    depth_m = _depth_m(session, shape)
    if depth_m < rules.LEAST_DEPTH_M:
        raise WrongFields(
            {
                "shape": f"is too narrow: one can be {depth_m:.0f} m from its border at most,"
                f" and no fix is so exact; at least {rules.LEAST_DEPTH_M:.0f} m are needed"
            }
        )
    return {"area": areas.stored(shape), "depth_m": depth_m, "lat": None, "lon": None, "radius_m": None}


def _depth_m(session: Session, shape: Shape) -> float:
    asked = text("""
        SELECT ST_Distance(ST_Boundary(area)::geography, (ST_MaximumInscribedCircle(area)).center::geography)
        FROM ST_GeomFromGeoJSON(:area) AS area
    """)
    depth_m: float = session.execute(asked, {"area": areas.to_geojson(shape)}).scalar_one()
    return depth_m
