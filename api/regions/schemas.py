"""Regions on the wire: a Feature each, a FeatureCollection all of them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from api.geojson import Area, AreaOut
from api.schemas import Answer, Own, Storable
from dispatch.regions.queries import RegionView
from dispatch.regions.rules import Draft

Slug = Annotated[str, Field(max_length=63, examples=["tashkent"]), Storable]


class RegionProperties(Own):
    """What a region is called, what it lies in, and which wins where several overlap: the higher priority."""

    slug: Slug
    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Tashkent"]), Storable]
    parent: Slug | None = None
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0


class RegionFeature(Own):
    """A region; without a geometry it only groups others. `id` and `bbox` are not read: the slug is."""

    type: Literal["Feature"]
    id: str | int | None = None
    bbox: list[float] | None = None
    geometry: Area | None
    properties: RegionProperties

    def draft(self) -> Draft:
        """As the verbs take it."""
        said = self.properties
        area = None if self.geometry is None else self.geometry.shape
        return Draft(said.slug, said.name, said.parent, said.priority, area)


class RegionCollection(Own):
    """Several regions that come together; parents may stand behind their children."""

    type: Literal["FeatureCollection"]
    features: Annotated[list[RegionFeature], Field(min_length=1, max_length=5_000)]


class RegionPropertiesOut(Answer):
    """What a region is called, and how it stands to others."""

    slug: str
    name: str
    parent: str | None
    priority: int


class RegionOut(Answer):
    """A region."""

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: AreaOut | None
    properties: RegionPropertiesOut


class RegionsOut(Answer):
    """All regions; what this says, the import takes."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[RegionOut]


class RegionListed(Answer):
    """A region of service, as apps list it."""

    id: int
    slug: str
    name: str
    parent: str | None
    priority: int
    area: dict[str, Any] | None


def region_out(region: RegionView) -> RegionOut:
    """A region as a Feature."""
    said = RegionPropertiesOut(
        slug=region.slug, name=region.name, parent=region.parent, priority=region.priority
    )
    return RegionOut(id=region.slug, geometry=region.area, properties=said)


def regions_out(regions: "list[RegionView]") -> RegionsOut:
    """Regions as a FeatureCollection."""
    return RegionsOut(features=[region_out(region) for region in regions])
