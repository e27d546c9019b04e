"""Fences and crossings on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.devices.schemas import DeviceUid
from api.geojson import MultiPolygon, Polygon
from api.paging import DEFAULT_LIMIT, Cursor, Limit
from api.schemas import Answer, Own, Storable
from db.models import GeofenceEvent
from db.states import Crossing
from dispatch.geofences import rules
from dispatch.geofences.queries import FenceView
from dispatch.geofences.service import Circle
from dispatch.shapes import Shape


class CircleIn(Own):
    """All within a distance of a place; not GeoJSON, which knows no circles."""

    type: Literal["Circle"]
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    radius_m: Annotated[float, Field(ge=rules.LEAST_RADIUS_M, le=rules.MOST_RADIUS_M)]

    @property
    def shape(self) -> Circle:
        return Circle(self.lat, self.lon, self.radius_m)


class GeofenceChange(Own):
    """A fence but for whose it is. Without `device_uid` it watches all devices of its person."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["School"]), Storable]
    active: bool = True
    device_uid: DeviceUid | None = None
    person: UUID | None = Field(None, description="of a fence of the staff: whose devices it watches")
    shape: Annotated[CircleIn | Polygon | MultiPolygon, Field(discriminator="type")]

    def drawn(self) -> Circle | Shape:
        """As the verbs take it."""
        return self.shape.shape


class NewGeofence(GeofenceChange):
    """A fence of one's own, or, by dispatchers and admins, of the staff."""

    staff: bool = False


class GeofenceFilter(Own):
    """Which fences or crossings to list; newest first."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class GeofenceOut(Answer):
    """A fence: of one device, or where there is none of all devices of the person."""

    id: UUID
    name: str
    active: bool
    staff: bool
    device_uid: str | None
    person: UUID | None
    shape: dict[str, Any]
    created_at: datetime


class GeofenceEventOut(Answer):
    """A device crossed a fence, first seen on the other side `at`; a second fix confirmed it."""

    kind: Crossing
    device_uid: str
    at: datetime
    confirmed_at: datetime


def geofence_out(view: FenceView) -> GeofenceOut:
    """A fence as it is given out."""
    fence, area = view
    circle = {"type": "Circle", "lat": fence.lat, "lon": fence.lon, "radius_m": fence.radius_m}
    return GeofenceOut(
        id=fence.uuid,
        name=fence.name,
        active=fence.active,
        staff=fence.owner_id is None,
        device_uid=fence.device.uid if fence.device else None,
        person=fence.person.uuid if fence.person else None,
        shape=circle if area is None else area,
        created_at=fence.created_at,
    )


def event_out(event: GeofenceEvent) -> GeofenceEventOut:
    """A crossing as it is given out."""
    return GeofenceEventOut(
        kind=event.kind, device_uid=event.device.uid, at=event.at, confirmed_at=event.confirmed_at
    )
