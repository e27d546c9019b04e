"""GeoJSON (RFC 7946) as far as areas need it; what makes a ring good, `dispatch.shapes` knows."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from api.schemas import Own
from dispatch.shapes import Shape


def _flat(position: Any) -> Any:
    """An altitude is allowed and means nothing here."""
    return position[:2] if isinstance(position, list) and len(position) == 3 else position


Degrees = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Position = Annotated[tuple[Degrees, Degrees], BeforeValidator(_flat)]
"""Longitude, then latitude."""
Ring = list[Position]


class Polygon(Own):
    """The outer ring, closed, then the holes."""

    type: Literal["Polygon"]
    coordinates: list[Ring]

    @property
    def shape(self) -> Shape:
        return [self.coordinates]


class MultiPolygon(Own):
    """Several polygons that are one area."""

    type: Literal["MultiPolygon"]
    coordinates: list[list[Ring]]

    @property
    def shape(self) -> Shape:
        return self.coordinates


Area = Annotated[Polygon | MultiPolygon, Field(discriminator="type")]
AreaOut = dict[str, Any]
"""As PostGIS writes it: a MultiPolygon."""
