"""Shapes as PostGIS sees them: whether they are valid, and how they are stored."""

import json
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.shapes import Shape


def find_invalidity(session: Session, shape: Shape) -> str | None:
    """Why PostGIS would not take a shape, in its own words, with the place as longitude and latitude."""
    said = session.scalar(select(func.ST_IsValidReason(func.ST_GeomFromGeoJSON(to_geojson(shape)))))
    return None if said == "Valid Geometry" else f"is not valid: {said}"


def stored(shape: Shape) -> Any:
    """The expression that a column takes, its rings turned as GeoJSON wants them."""
    return func.geography(func.ST_ForcePolygonCCW(func.ST_GeomFromGeoJSON(to_geojson(shape))))


def to_geojson(shape: Shape) -> str:
    """A shape as PostGIS reads it."""
    return json.dumps({"type": "MultiPolygon", "coordinates": shape})
