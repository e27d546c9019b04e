"""Reading regions, and finding the one that a place belongs to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import Select, cast, func, select
from sqlalchemy.orm import Session, aliased

from db.models import Region
from db.models.regions import DEFAULT_REGION
from dispatch.errors import NotFound

_DIGITS = 7
"""Of a degree, as they are given out: a centimetre."""


@dataclass(frozen=True, slots=True)
class RegionView:
    """A region as it is given out."""

    id: int
    slug: str
    name: str
    parent: str | None
    priority: int
    area: dict[str, Any] | None  # GeoJSON


def region_of(session: Session, lat: float | None, lon: float | None) -> str:
    """The slug of the region that covers the place: of the highest priority, then the smallest.

    The region is held until the end of the transaction, so that whatever is put into it still finds it.
    """
    if lat is None or lon is None:
        return DEFAULT_REGION
    return session.scalar(covering(lat, lon)) or DEFAULT_REGION


def covering(lat: float, lon: float) -> Select[str]:
    """What `region_of` asks the database."""
    place = cast(func.ST_SetSRID(func.ST_MakePoint(lon, lat), 4326), Geography(srid=4326))
    return (
        select(Region.slug)
        .where(func.ST_Covers(Region.area, place))
        .order_by(Region.priority.desc(), Region.area_m2, Region.id)
        .limit(1)
        .with_for_update(read=True, key_share=True)
    )


def list_regions(session: Session) -> Sequence[RegionView]:
    """All regions, by slug."""
    return [_view(row) for row in session.execute(_views().order_by(Region.slug))]


def get_region(session: Session, slug: str) -> RegionView:
    """One region."""
    row = session.execute(_views().where(Region.slug == slug)).first()
    if row is None:
        raise NoSuchRegion(slug)
    return _view(row)


def lock_region(session: Session, slug: str) -> Region:
    """A region, held until the end of the transaction; incidents may still be put into it."""
    region = session.scalar(select(Region).where(Region.slug == slug).with_for_update(key_share=True))
    if region is None:
        raise NoSuchRegion(slug)
    return region


class NoSuchRegion(NotFound):
    """No region bears this slug."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"there is no region {slug[:63]!r}")


def _views() -> Select[int, str, str, str, int, str]:
    parent = aliased(Region)
    return select(
        Region.id,
        Region.slug,
        Region.name,
        parent.slug.label("parent"),
        Region.priority,
        func.ST_AsGeoJSON(Region.area, _DIGITS).label("area"),
    ).outerjoin(parent, parent.id == Region.parent_id)


def _view(row: Any) -> RegionView:
    area = None if row.area is None else json.loads(row.area)
    return RegionView(row.id, row.slug, row.name, row.parent, row.priority, area)
