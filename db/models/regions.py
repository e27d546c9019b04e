"""Areas that dispatchers watch."""

from geoalchemy2 import Geography, WKBElement
from sqlalchemy import Computed, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, BigId, BigRef, Small

DEFAULT_REGION = "default"


class Region(Base):
    """An area; its slug stands in the alert topics. `default` takes what lies in no other."""

    __tablename__ = "regions"

    id: Mapped[BigId]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    parent_id: Mapped[BigRef | None] = mapped_column(ForeignKey("regions.id"))
    priority: Mapped[Small] = mapped_column(
        default=0, server_default="0"
    )  # where areas overlap, the higher wins
    area: Mapped[WKBElement | None] = mapped_column(Geography("MULTIPOLYGON", srid=4326, spatial_index=False))
    area_m2: Mapped[float | None] = mapped_column(
        Computed("ST_Area(area)", persisted=True)
    )  # of equal priority, the smaller wins

    __table_args__ = (Index("ix_regions_area", "area", postgresql_using="gist"),)
