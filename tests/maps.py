"""Regions and fences that stories happen in."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from db.models import Device
from db.session import Database
from dispatch.geofences import service as fences
from dispatch.geofences.service import Circle
from dispatch.regions import service as regions
from dispatch.regions.rules import Draft
from dispatch.shapes import Position, Ring, Shape
from tests.builders import NOON, TASHKENT

METRE = 1 / 111_195
"""In degrees of latitude."""


def ring(lon: float = 69.0, lat: float = 41.0, side: float = 1.0) -> Ring:
    """A square, from its lower left corner."""
    corners: list[Position] = [(lon, lat), (lon + side, lat), (lon + side, lat + side), (lon, lat + side)]
    return [*corners, corners[0]]


def square(lon: float = 69.0, lat: float = 41.0, side: float = 1.0) -> dict[str, Any]:
    """A square in GeoJSON."""
    return {"type": "Polygon", "coordinates": [[list(corner) for corner in ring(lon, lat, side)]]}


def feature(slug: str, geometry: dict[str, Any] | None = None, **said: Any) -> dict[str, Any]:
    """A region in GeoJSON."""
    return {"type": "Feature", "geometry": geometry, "properties": {"slug": slug, "name": slug} | said}


def circle(radius_m: float = 200.0) -> dict[str, Any]:
    """A round fence about the middle of Tashkent."""
    return {"type": "Circle", **TASHKENT, "radius_m": radius_m}


def make_region(database: Database, slug: str, area: Shape | None = None, **said: Any) -> str:
    """A region, in a transaction of its own."""
    with database.transaction() as session:
        regions.create(session, Draft(slug=slug, name=slug, area=area, **said))
    return slug


def make_fence(
    database: Database,
    device: Device,
    shape: Circle | Shape | None = None,
    *,
    staff: bool = False,
    every_device: bool = False,
) -> UUID:
    """A fence about the middle of Tashkent, on this device or all of its owner's."""
    draft = fences.Draft(
        name="School",
        active=True,
        device_id=None if every_device else device.id,
        person_id=device.owner_id if every_device else None,
        shape=shape or Circle(**TASHKENT, radius_m=200.0),
    )
    with database.transaction() as session:
        return fences.create(session, draft, owner_id=None if staff else device.owner_id, at=NOON)


def explain(session: Session, statement: str) -> str:
    """How the database would go about it."""
    connection = session.connection().connection.driver_connection
    assert connection is not None
    plan: Any = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}").fetchone()
    return json.dumps(plan[0])
